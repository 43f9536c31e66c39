"""Ensembles, and neurons, that NengoLoihi can't put on the chip.

Reference: nengo-loihi 1.1.0, builder/ensemble.py.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import nengo
import numpy as np
from nengo.exceptions import NengoException

from ... import stack
from ...graph.nengo_types import replaced
from .placement import has_placement_params
from .unsupported import Context, Unsupported

OFF_CHIP = "mark it off chip (nengo_spikecost.loihi.mark_off_chip)"

#: NengoLoihi cuts intercepts off here (``nengo_loihi.builder.Model.intercept_limit``).
INTERCEPT_LIMIT = 0.95


#: What NengoLoihi asks of a neuron type, whoever wrote it.
_READ_ON_CHIP = {"gain_bias", "max_rates_intercepts"}


def ensemble_problems(ensemble: nengo.Ensemble, context: Context) -> Iterator[Unsupported]:
    """Problems of one Ensemble on the chip."""
    findings = [*_neuron_type(ensemble.neuron_type, context.dt)]
    if ensemble.noise is not None:
        reason = "has noise, which NengoLoihi can't build"
        findings.append((reason, f"Remove it, or {OFF_CHIP}", True))
    if not findings:
        findings += _parameters(ensemble)
    for reason, remedy, refused in findings:
        yield context.problem(ensemble, reason, remedy, refused)


def _neuron_type(neuron_type: Any, dt: float) -> Iterator[tuple[str, str, bool]]:
    loihi = stack.nengo_loihi()
    kind = type(neuron_type).__name__
    builder = builder_type(neuron_type)
    remedy = f"Use LoihiSpikingRectifiedLinear or LoihiLIF, or {OFF_CHIP}"
    if builder is nengo.neurons.NeuronType:
        yield f"has {kind} neurons, which the chip does not have", remedy, True
        return
    own = (loihi.neurons.LoihiLIF, loihi.neurons.LoihiSpikingRectifiedLinear)
    known = next(cls for cls in type(neuron_type).__mro__ if cls is builder or cls in own)
    if set(replaced(neuron_type, known)) - _READ_ON_CHIP:
        yield f"has {kind} neurons, which NengoLoihi runs as {builder.__name__}", remedy, False
    base = neuron_type
    if isinstance(neuron_type, nengo.RegularSpiking):
        base = neuron_type.base_type
        if type(base) not in (nengo.LIFRate, nengo.RectifiedLinear):
            reason = f"has RegularSpiking neurons of base type {type(base).__name__}"
            yield reason, "Use RectifiedLinear or LIFRate as base type", True
            return
        if base.amplitude != 1:
            reason = "has RegularSpiking neurons whose base type has an amplitude"
            yield reason, "Give the amplitude to RegularSpiking itself", True
    tau_rc = getattr(base, "tau_rc", None)
    if tau_rc is not None and not can_decay(tau_rc, dt):
        reason = f"has a membrane time constant of {tau_rc:g} s, too long for the chip to decay"
        yield reason, f"Use a shorter one, or {OFF_CHIP}", True


def builder_type(neuron_type: Any) -> type:
    """The class of neurons that NengoLoihi builds a neuron type as."""
    builders = stack.nengo_loihi().builder.builder.Builder.builders
    return next(cls for cls in type(neuron_type).__mro__ if cls in builders)


def can_decay(tau: float, dt: float) -> bool:
    """Whether the chip can decay so slowly, by this time constant in s."""
    return bool(-np.expm1(-dt / tau) > decay_threshold())


def decay_threshold() -> float:
    """Share of a value that decays in a step at least."""
    return float(stack.nengo_loihi().block.Compartment.DECAY_SCALE_TH)


def _parameters(ensemble: nengo.Ensemble) -> Iterator[tuple[str, str, bool]]:
    """Gains, biases and encoders."""
    if (ensemble.gain is None) != (ensemble.bias is None):
        yield "has a gain or a bias, but not both", "Give both, or neither", True
        return
    try:
        gains_and_biases(ensemble)
    except NengoException as err:
        reason = f"has gains that can't be solved for ({str(err).strip().rstrip('.')})"
        yield reason, "Choose other max_rates and intercepts", True
    encoders = ensemble.encoders
    if ensemble.normalize_encoders and isinstance(encoders, np.ndarray):
        lengths = np.linalg.norm(np.atleast_2d(encoders), axis=1)
        if not (lengths > 0).all():
            reason = "has encoders of length 0, which can't be normalized"
            yield reason, "Give other encoders, or normalize_encoders=False", True


def equal_gains(ensemble: nengo.Ensemble) -> bool:
    """Whether all neurons have one gain; True if the gains can't be had at all."""
    try:
        gain, _ = gains_and_biases(ensemble)
    except (NengoException, NotImplementedError):
        return True  # `ensemble_problems` says so
    return bool(np.all(gain == gain[0]))


def gains_and_biases(ensemble: nengo.Ensemble) -> tuple[np.ndarray, np.ndarray]:
    """Gains and biases as NengoLoihi draws them, though by another seed.

    Equal gains don't depend on the seed, and unequal ones aren't equal by chance.

    Returns
    -------
    gain, bias : ndarray, shape (n_neurons,)

    Raises
    ------
    NengoException, NotImplementedError
        If there are none, in NengoLoihi's words.
    """
    get_gain_bias = stack.nengo_loihi().builder.ensemble.get_gain_bias
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        rng = np.random.RandomState(0)
        return get_gain_bias(ensemble, rng, intercept_limit=INTERCEPT_LIMIT)[:2]


def config_problems(context: Context) -> Iterator[Unsupported]:
    """Marks in the config of a subnetwork, which NengoLoihi does not read."""
    for network in context.network.all_networks:
        marked_here = network.all_ensembles if has_placement_params(network.config) else ()
        for ensemble in marked_here:
            marked = network.config[ensemble].on_chip
            if marked is not None and marked != context.chip[ensemble]:
                reason = (
                    f"is marked as {'on' if marked else 'off'} chip in a subnetwork's config, and "
                    "NengoLoihi reads that of the whole network only"
                )
                remedy = "Mark it there: nengo_spikecost.loihi.mark_off_chip(network, [ensemble])"
                yield context.problem(ensemble, reason, remedy, refused=False)
