"""`check_support`: the problems that NengoLoihi has with a network, before it is built."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import nengo
from nengo.connection import LearningRule
from nengo.ensemble import Neurons

from ...deadlines import check_time
from ...errors import EmulationWarning, LoihiError
from ...graph.naming import unique_names
from ...graph.nengo_types import is_built_as
from ...options import named_arguments
from ...warned import is_first, warn
from .ensemble_rules import config_problems, ensemble_problems
from .link_rules import Taus, link_problems, tau_problems
from .links import find_links
from .loop_rules import loop_problems
from .placement import on_chip
from .rounding_rules import rounding_problems
from .unsupported import Context, Unsupported, chip_step, network_and_names, owner_of
from .way_rules import way_problems

#: Most problems that `raise_unsupported` prints.
MAX_SHOWN = 10

#: What to do where all neurons turn values into spikes for a chip on which nothing is left.
NOTHING_LEFT = (
    "Put a population in front of those that are fed with values, mark that one off chip "
    "(nengo_spikecost.loihi.mark_off_chip), so that it makes spikes of them, and leave the others "
    "on the chip"
)
NOTHING_LEFT_OF_LAYERS = (
    "Its layers of neurons are all fed with values, and make spikes of them on the host. Convert "
    "it with spike_input=True (--spike-input): neurons in front make the spikes, and these layers "
    "run on the chip"
)


@named_arguments
def check_support(network: Any, *, dt: float | None = None) -> tuple[Unsupported, ...]:
    """List the parts of a network that NengoLoihi can't run as they are, without building it.

    Limits of the cores (compartments, axons, memory, pop16 axons) are not looked at, nor
    anything that depends on the spikes: a neuron on the chip, or one that sends to it, fires at
    most once a step.

    Parameters
    ----------
    network : nengo.Network, Conversion, Lowering, or any object with a Network as ``.net``
        It is not changed. Layers are called by their names where the object knows them.
    dt : float, optional
        Time step in s. Default: that of the network's neurons, or 1 ms.

    Returns
    -------
    tuple of Unsupported
        Empty if NengoLoihi builds the network and runs it as it is.
    """
    net, layer_names = network_and_names(network)
    names = unique_names(net, (*net.all_nodes, *net.all_ensembles), layer_names)
    dt = chip_step(network, dt)
    problems = list(_contradictions(Context(net, {}, names, dt)))
    if problems:
        return tuple(problems)  # nothing can be placed

    context = Context(net, on_chip(net), names, dt)
    for node in net.all_nodes:
        problems += _node_problems(node, context)
    on_chip_ensembles = [e for e in net.all_ensembles if context.chip[e]]
    if not on_chip_ensembles:
        name, remedy = net.label or "The network", NOTHING_LEFT
        if hasattr(network, "scale_firing_rates"):
            remedy = NOTHING_LEFT_OF_LAYERS
        problems.append(Unsupported(name, "has no Ensemble on the chip", remedy, True, net))
    for ensemble in on_chip_ensembles:
        check_time()
        problems += ensemble_problems(ensemble, context)
    problems += config_problems(context)
    links, of_merging = find_links(context)
    problems += of_merging
    taus: Taus = {}
    for link in links:
        check_time()
        problems += link_problems(link, context, taus)
    problems += tau_problems(taus, context)
    problems += loop_problems(links, context)
    problems += way_problems(links, context)
    if not any(problem.refused for problem in problems):
        problems += rounding_problems(links, taus, context)
    for probe in net.all_probes:
        problems += _probe_problems(probe, context)
    # what is refused comes first: the rest only matters once the network runs
    return tuple(sorted(dict.fromkeys(problems), key=lambda problem: not problem.refused))


def raise_unsupported(network: Any, *, dt: float | None = None) -> None:
    """Raise if NengoLoihi can't run a network, and warn of what it runs otherwise.

    All that build a network for the chip ask this first.

    Parameters
    ----------
    network : nengo.Network or Conversion
        What is to run on the chip.
    dt : float, optional
        Length of a step in s. Default: that of the network's neurons, or 1 ms.

    Raises
    ------
    LoihiError
        If NengoLoihi refuses a part of it. The message has one line a problem, and the error
        all of them as its ``problems``.

    Warns
    -----
    EmulationWarning
        Of what NengoLoihi runs otherwise than the network says: once for each kind, with the
        names of the objects.
    """
    net, _ = network_and_names(network)
    dt = chip_step(network, dt)
    if not is_first(net, dt):
        return
    problems = check_support(network, dt=dt)
    if any(problem.refused for problem in problems):
        lines = [f"- {problem}" for problem in problems[:MAX_SHOWN]]
        if len(problems) > MAX_SHOWN:
            lines.append(f"- and {len(problems) - MAX_SHOWN} more")
        message = "NengoLoihi can't run this network as it is, says check_support:\n"
        message += "\n".join(lines)
        raise LoihiError(message, problems)
    _warn_of(problems)


def warn_of_differences(network: Any, *, dt: float | None = None) -> None:
    """The warnings of `raise_unsupported` alone, for a network that was built already."""
    net, _ = network_and_names(network)
    dt = chip_step(network, dt)
    if is_first(net, dt):
        _warn_of(problem for problem in check_support(network, dt=dt) if not problem.refused)


def _warn_of(differences: Iterable[Unsupported]) -> None:
    """One warning for all that have the same remedy."""
    kinds: dict[str, list[Unsupported]] = {}
    for problem in differences:
        kinds.setdefault(problem.remedy, []).append(problem)
    for remedy, (first, *others) in kinds.items():
        names = list(dict.fromkeys(p.name for p in others if p.name != first.name))
        likewise = ""
        if names:
            more = f" and {len(names) - MAX_SHOWN} more" if len(names) > MAX_SHOWN else ""
            likewise = f" Likewise {', '.join(names[:MAX_SHOWN])}{more}."
        words = f"{first.name} {first.reason}.{likewise} {remedy}."
        warn(f"Not as it is written on the chip: {words}", EmulationWarning)


def _contradictions(context: Context) -> Iterator[Unsupported]:
    """Ensembles marked as on the chip that NengoLoihi only runs on the host."""
    network = context.network

    def marked(ensemble: Any) -> bool:
        return bool(getattr(network.config[ensemble], "on_chip", False))

    for conn in network.all_connections:
        pre, post = owner_of(conn.pre_obj), owner_of(conn.post_obj)
        for ensemble, role, concerned in (
            (post, "the target of a learned Connection", conn.learning_rule_type is not None),
            (pre, "the source of a learning rule's error", isinstance(post, LearningRule)),
        ):
            if concerned and isinstance(ensemble, nengo.Ensemble) and marked(ensemble):
                reason = f"is marked as on chip, but is {role}, which has to be on the host"
                remedy = "Mark it off chip (nengo_spikecost.loihi.mark_off_chip)"
                yield context.problem(ensemble, reason, remedy)


def _node_problems(node: nengo.Node, context: Context) -> Iterator[Unsupported]:
    if node.output is None and not is_built_as(node, nengo.Node):
        kind = type(node).__name__
        if kind != "TensorNode":
            reason = f"is a {kind} that Nengo builds in a way of its own, and NengoLoihi takes it "
            reason += "for a Node that only hands on its input"
            yield context.problem(node, reason, "Give it an output function", False)
    # by name, because nengo_dl need not be imported for this
    if any(cls.__name__ == "TensorNode" for cls in type(node).__mro__):
        remedy = "Convert the layer without allow_fallback, or register a converter for it"
        yield context.problem(node, "is a TensorNode, which runs in NengoDL only", remedy)


#: What can be recorded of an object on the chip.
PROBEABLE = {Neurons: ("output", "spikes", "voltage", "input"), nengo.Ensemble: ("decoded_output",)}


def _probe_problems(probe: nengo.Probe, context: Context) -> Iterator[Unsupported]:
    """Reference: nengo-loihi 1.1.0, builder/probe.py, splitter.py and simulator.py."""
    owner = owner_of(probe.target)
    if not isinstance(owner, (nengo.Ensemble, nengo.Node)):
        name = probe.label or "Probe"
        reason = f"records a {type(owner).__name__}, which NengoLoihi can't"
        yield Unsupported(name, reason, "Remove the Probe", True, probe)
        return
    if not context.is_on_chip(owner):
        return
    name = f"Probe of {context.name(owner)}"
    if probe.sample_every is not None:
        reason = "records every so many seconds (sample_every), which NengoLoihi can't on the chip"
        yield Unsupported(name, reason, "Record every step", True, probe)
    for kind, attributes in PROBEABLE.items():
        if isinstance(probe.obj, kind) and probe.attr not in attributes:
            reason = f"records {probe.attr!r}, which the chip does not give"
            remedy = f"Record one of {', '.join(attributes)}"
            yield Unsupported(name, reason, remedy, True, probe)
