"""Connections that NengoLoihi can't build, by where their two ends run.

Reference: nengo-loihi 1.1.0, builder/connection.py. `Taus` collects the filters of
populations, because on the chip each has one synaptic time constant.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import nengo
import numpy as np
from nengo.connection import LearningRule
from nengo.ensemble import Neurons
from nengo.synapses import Lowpass
from nengo.transforms import Dense, NoTransform, Sparse

from ...graph.nengo_types import is_built_as, is_whole, replaced
from ...lowering.map_reading import unreadable
from .ensemble_rules import equal_gains
from .links import LOWER, Link
from .neuron_rules import Finding, can_decay, decay_threshold
from .unsupported import Context, Unsupported, owner_of

Taus = dict[Any, dict[float, str]]  # Ensemble -> time constant in s -> name of a source

#: Filter that NengoLoihi puts between its encoding or decoding neurons and a population.
ENCODER_TAU = 0.005

#: Transforms that NengoLoihi multiplies out as matrices.
MATRICES = (NoTransform, Dense, Sparse)


def link_problems(link: Link, context: Context, taus: Taus) -> Iterator[Unsupported]:
    """Problems of one link; its filter is added to `taus`."""
    if isinstance(link.post_obj, LearningRule):
        findings = _to_learning_rule(link, context)
    elif context.is_on_chip(link.post_obj):
        if context.is_on_chip(link.first.pre_obj) or isinstance(link.first.pre_obj, Neurons):
            findings = _spikes_to_chip(link, context, taus)
        else:
            findings = _values_to_chip(link, context, taus)
    elif context.is_on_chip(link.first.pre_obj):
        findings = _chip_to_host(link, context)
    else:
        return
    source, target = context.name(link.first.pre_obj), _target_name(link, context)
    for conn in dict.fromkeys((link.first, link.last)):
        if not is_built_as(conn, nengo.Connection):
            reason = f"is a {type(conn).__name__} that Nengo builds in a way of its own, and "
            reason += "NengoLoihi takes it for a plain Connection"
            remedy = "Mark both its ends off chip (nengo_spikecost.loihi.mark_off_chip)"
            yield Unsupported(f"{source} -> {target}", reason, remedy, False, conn)
    for reason, remedy, refused in findings:
        yield Unsupported(f"{source} -> {target}", reason, remedy, refused, link.last)


def _target_name(link: Link, context: Context) -> str:
    if isinstance(link.post_obj, LearningRule):
        ends = link.post_obj.connection.pre_obj, link.post_obj.connection.post_obj
        return f"learning rule of {' -> '.join(map(context.name, ends))}"
    return context.name(link.post_obj)


def _kind(transform: Any) -> str:
    return type(transform).__name__


def _is_dense(link: Link) -> bool:
    return link.transform is None or isinstance(link.transform, (NoTransform, Dense))


# ---------------------------------------------------------------- to the chip


def _values_to_chip(link: Link, context: Context, taus: Taus) -> Iterator[Finding]:
    """From numbers on the host: a Node, a passthrough Node, or decoded values."""
    off_chip = (
        "Mark the population that it feeds off chip (nengo_spikecost.loihi.mark_off_chip), so "
        "that it turns the numbers into spikes on the host"
    )
    if sum(isinstance(obj, nengo.Ensemble) for obj, on in context.chip.items() if on) == 1:
        off_chip = (  # marked off chip, it would leave nothing on the chip
            "Put a population between them and mark that one off chip "
            "(nengo_spikecost.loihi.mark_off_chip), so that it turns the numbers into spikes on "
            "the host"
        )
    if not _is_dense(link):
        reason = (
            f"is a {_kind(link.transform)} of numbers on the host, and NengoLoihi only lets spikes "
            "through one to the chip"
        )
        yield reason, off_chip, True
        return
    yield from _part_of_target(link)
    if isinstance(link.post_obj, Neurons):
        reason = (
            "feeds numbers on the host to neurons on the chip: NengoLoihi encodes them in spikes "
            "of neurons of its own, which saturate beyond -1 and 1"
        )
        yield reason, off_chip, False
    _add_tau(taus, link, context, ENCODER_TAU)


def _spikes_to_chip(link: Link, context: Context, taus: Taus) -> Iterator[Finding]:
    """From neurons, on the chip or on the host, or from an Ensemble on the chip."""
    if not context.is_on_chip(link.first.pre_obj):
        yield from _spikes_of_host(link.first.pre_obj.ensemble.neuron_type)
    if link.transform is None or isinstance(link.transform, MATRICES):
        yield from _matrix_on_chip(link, context)
    else:
        yield from _convolution_on_chip(link, context)
    tau = _chip_tau(link.synapse)
    if tau is None:
        reason = f"has the synapse {link.synapse}, and the chip has none but Lowpass"
        yield reason, "Use a Lowpass synapse, nengo.Lowpass(tau)", True
        return
    if tau > 0:
        yield from _other_lowpass(link.synapse)
    if tau > 0 and not can_decay(tau, context.dt):
        reason = f"has a Lowpass synapse of {tau:g} s, too long for the chip to decay"
        longest = -context.dt / np.log1p(-decay_threshold())
        yield reason, f"Use one below {longest:.3g} s", True
    decodes = isinstance(link.first.pre_obj, nengo.Ensemble)
    weight_solver = decodes and link.first.solver.weights
    decoded = isinstance(link.post_obj, nengo.Ensemble) and not weight_solver
    _add_tau(taus, link, context, ENCODER_TAU if decoded else tau)


def _spikes_of_host(neuron_type: Any) -> Iterator[Finding]:
    """Problems of neurons on the host that send anything but equal and positive spikes."""
    kind = type(neuron_type).__name__
    remedy = "Give the off-chip population a spiking neuron type, such as "
    remedy += "LoihiSpikingRectifiedLinear"
    if not neuron_type.spiking:
        reason = (
            f"sends the rates of {kind} neurons to the chip: NengoLoihi takes every rate above "
            "zero for a spike in each step"
        )
        yield reason, remedy, False
    elif neuron_type.negative or getattr(neuron_type, "negative_slope", 0):
        reason = f"sends spikes of {kind} neurons to the chip, where negative spikes arrive as "
        yield f"{reason}positive", remedy, False


def _matrix_on_chip(link: Link, context: Context) -> Iterator[Finding]:
    pre, transform = link.first.pre_obj, link.transform
    yield from _part_of_target(link)
    if isinstance(transform, Sparse) and _has_no_entries(transform):
        yield "is a Sparse transform without entries", "Leave the Connection out", True
    if not isinstance(pre, nengo.Ensemble):
        return
    solver = link.first.solver
    if isinstance(transform, Sparse):
        yield "is a Sparse transform of decoded values", "Use a Dense transform", True
    dense = transform is None or isinstance(transform, Dense)
    if solver.weights and not solver.compositional and not dense:
        reason = f"has the solver {type(solver).__name__}, which needs a Dense transform"
        yield reason, "Give it transform=numpy.eye(dimensions)", True


def _convolution_on_chip(link: Link, context: Context) -> Iterator[Finding]:
    transform, kind = link.transform, _kind(link.transform)
    between_neurons = all(isinstance(o, Neurons) for o in (link.first.pre_obj, link.post_obj))
    lowered = between_neurons and unreadable(transform) is None
    if kind not in ("Convolution", "ConvolutionTranspose"):
        remedy = LOWER if lowered else "Give it as a nengo.Dense or nengo.Sparse transform"
        yield f"has a transform of type {kind}, which NengoLoihi can't build", remedy, True
        return
    if isinstance(link.first.pre_obj, nengo.Node):
        reason = f"is a {kind} of a process' events, which NengoLoihi can't build"
        yield reason, "Write it as a Sparse transform", True
        return
    if not between_neurons:
        reason = f"is a {kind} that does not lead from neurons to neurons"
        yield reason, "Connect ensemble.neurons, or give it as a nengo.Dense matrix", True
        return
    if transform.dimensions != 2:
        n_axes = transform.dimensions
        reason = f"is a {kind} over {n_axes} axes; NengoLoihi builds those over 2 only"
        remedy = f"{LOWER}, which writes it over 2 axes"
        if n_axes > 2:
            remedy = "Use layers over 2 axes, or mark the populations at both ends off chip"
        yield reason, remedy, True
        return
    yield from _part_of_target(link)
    if not equal_gains(link.post_obj.ensemble):
        reason = f"is a {kind} into neurons of unequal gains, with which it can't share its weights"
        remedy = "Give the Ensemble one gain for all neurons, gain=nengo.dists.Choice([gain])"
        yield reason, remedy, True


def _part_of_target(link: Link) -> Iterator[Finding]:
    """Connections to some neurons or dimensions only."""
    ends = (link.first.pre_obj, link.post_obj)
    solves_weights = getattr(getattr(link.last, "solver", None), "weights", False)
    whole_by_solver = solves_weights and all(isinstance(end, nengo.Ensemble) for end in ends)
    if not is_whole(link.last.post_slice) and not whole_by_solver:
        reason = "leads to a part of a population on the chip; NengoLoihi connects whole ones only"
        remedy = "Connect all of it, with weights of 0 (or a Sparse transform) for the other part"
        yield reason, remedy, True


def _has_no_entries(transform: Sparse) -> bool:
    init = transform.init
    number = getattr(init, "nnz", None)
    return number == 0 if number is not None else len(init.indices) == 0


# ---------------------------------------------------------------- to the host


def _chip_to_host(link: Link, context: Context) -> Iterator[Finding]:
    transform, pre = link.transform, link.first.pre_obj
    if isinstance(pre, nengo.Node):
        reason = "leads from a process on the chip to the host, which NengoLoihi can't build"
        yield reason, "Lead it to neurons on the chip", True
        return
    relay = f"{LOWER}, which leads it through a passthrough Node on the host"
    if not _is_dense(link):
        reason = (
            f"is a {_kind(transform)} from the chip to the host, where NengoLoihi sends spikes "
            "through Dense transforms only"
        )
        yield reason, relay, True
        return
    # NengoLoihi multiplies each step's spikes with the vector and sums
    vector = isinstance(transform, Dense) and np.ndim(transform.init) == 1
    if vector and isinstance(pre, Neurons):
        reason = "is a diagonal matrix given as a vector, which NengoLoihi takes for a sum"
        yield reason, f"{relay}, or give it the whole matrix, numpy.diag(weights)", False
    learned = link.last.learning_rule_type
    if isinstance(pre, nengo.Ensemble) and link.first.solver.weights:
        yield "solves for weights of a target on the host", "Use a solver with weights=False", True
    if learned is None:
        return
    if not isinstance(pre, nengo.Ensemble):
        yield "learns from neurons, not from an Ensemble", "Connect the Ensemble", True
    elif not isinstance(learned, nengo.PES):
        kind = type(learned).__name__
        reason = f"has the learning rule {kind}, and NengoLoihi has none but one PES"
        yield reason, "Mark its source off chip", True
    elif not isinstance(learned.pre_synapse, Lowpass):
        reason = f"has a PES rule with the pre_synapse {learned.pre_synapse}"
        yield reason, "Use a Lowpass pre_synapse", True


def _to_learning_rule(link: Link, context: Context) -> Iterator[Finding]:
    learned = link.post_obj.connection
    if not _is_dense(link):
        yield f"is a {_kind(link.transform)}", "Use a Dense transform", True
    if not context.is_on_chip(learned.pre_obj):
        reason = (
            "gives its error to a learned Connection that starts on the host, and NengoLoihi "
            "only knows those that start on the chip"
        )
        yield reason, f"Leave {context.name(learned.pre_obj)} on the chip", True


# ---------------------------------------------------------------- filters


def _chip_tau(synapse: Any) -> float | None:
    """Time constant of a filter on the chip in s, or None if the chip has no such filter."""
    if synapse is None:
        return 0.0
    return float(synapse.tau) if isinstance(synapse, Lowpass) else None


def _other_lowpass(synapse: Any) -> Iterator[Finding]:
    """Lowpass synapses that filter otherwise than the chip, which builds them by their tau."""
    own = replaced(synapse, Lowpass)
    if own:
        reason = f"has the synapse {synapse}, which NengoLoihi runs as a Lowpass, without "
        reason += f"the {', '.join(own)} of its class"
        yield reason, "Use nengo.Lowpass(tau)", False
    elif not synapse.analog:
        reason = "has a Lowpass synapse with analog=False, and the chip runs it as an analog one"
        yield reason, "Use nengo.Lowpass(tau)", False


def _add_tau(taus: Taus, link: Link, context: Context, tau: float) -> None:
    of_target = taus.setdefault(owner_of(link.post_obj), {})
    of_target.setdefault(tau, context.name(link.first.pre_obj))


def tau_problems(taus: Taus, context: Context) -> Iterator[Unsupported]:
    """Populations on the chip that are filtered with several time constants."""
    for ensemble, sources in taus.items():
        if getattr(ensemble.neuron_type, "has_current", False) and max(sources) > 0:
            tau = max(sources)
            reason = (
                f"has neurons with a synaptic current of their own, and a filter of {tau:g} s from "
                f"{sources[tau]}; a compartment has one current"
            )
            remedy = "Use synapse=None or nengo.Lowpass(0), with spikes and not values as input"
            yield context.problem(ensemble, reason, remedy, refused=True)
            continue
        if len(sources) > 1:
            each = ", ".join(f"{tau:g} s from {name}" for tau, name in sorted(sources.items()))
            reason = (
                f"has inputs of different filters ({each}); on the chip a population has one, and "
                f"NengoLoihi takes the longest, {max(sources):g} s, for all"
            )
            remedy = "Give all its inputs the same synapse"
            yield context.problem(ensemble, reason, remedy, refused=False)
