"""The time that compiled code takes for a sample, without building the network for it.

The sum of two products: updates of neurons, and spikes with all targets that each has, times what
one of them took on one processor of the benchmarks' machine (docs/benchmarks). A dense product,
where it is taken, costs less than its spikes, so that this is rather too long than too short.
"""

from __future__ import annotations

from collections.abc import Mapping

import nengo
import numpy as np

from ...graph import NetworkGraph
from ..backend import Setup
from ..processors import usable_processors
from .compiled_backend import of_nengo_dl
from .neuron_numbers import kernel_of

#: Seconds for a step of a neuron, and for a spike at one of its targets.
NEURON_S, SYNOP_S = 1.0e-9, 0.2e-9


def seconds_of_sample(setup: Setup, spikes: Mapping[str, np.ndarray]) -> float | None:
    """About how long a sample takes, with all processors.

    Parameters
    ----------
    setup : Setup
        Of the measurement, with its number of steps.
    spikes : mapping from str to ndarray of float, shape (n_neurons,)
        Mean spikes of a sample, by population.

    Returns
    -------
    float or None
        In s. None where Python, or NengoDL, would run a part of the network: these operations
        don't tell its time.
    """
    if not _all_compiled(setup):
        return None
    synops = 0.0
    for pathway in NetworkGraph(setup.named).pathways:
        if pathway.pre.name in spikes:
            synops += float(spikes[pathway.pre.name] @ pathway.fan_out)
    updates = setup.n_steps * setup.network.n_neurons
    return (updates * NEURON_S + synops * SYNOP_S) / usable_processors()


def _all_compiled(setup: Setup) -> bool:
    """Whether compiled code runs all of a network."""
    network, fed = setup.network, {spec.node for spec in setup.inputs}
    outputs = [node.output for node in network.all_nodes if node not in fed]
    known = all(
        ensemble.neuron_type == nengo.Direct() or kernel_of(ensemble.neuron_type) is not None
        for ensemble in network.all_ensembles
    )
    functions = any(callable(output) or isinstance(output, nengo.Process) for output in outputs)
    learning = any(conn.learning_rule_type for conn in network.all_connections)
    return known and not functions and not learning and not of_nengo_dl(network)
