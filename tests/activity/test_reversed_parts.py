"""Parts of objects in reverse order (``[::-1]``), which Nengo's optimizer and NengoDL get wrong.

The optimizer merges two of them the wrong way round, or can't, by chance of the build
(findings/nengo_optimizer_reversed.sh); NengoDL drops the order of a whole signal
(findings/nengo_dl_reversed.sh, patch P18). The judge is ``nengo.Simulator(optimize=False)``.
"""

from __future__ import annotations

import nengo
import numpy as np
import pytest

import nengo_spikecost as nsc
from nengo_spikecost import stack

WEIGHTS, MATRIX = np.arange(1.0, 7.0), np.arange(36.0).reshape(6, 6)
BACK = slice(None, None, -1)

#: By name: part of the source, part of the target, weights, filter.
WAYS = {
    "to": (slice(None), BACK, 1.0, None), "to weighted": (slice(None), BACK, WEIGHTS, None),
    "to dense": (slice(None), BACK, MATRIX, None), "to filtered": (slice(None), BACK, 1.0, 0.01),
    "from": (BACK, slice(None), 1.0, None), "from weighted": (BACK, slice(None), WEIGHTS, None),
    "from dense": (BACK, slice(None), MATRIX, None), "both": (BACK, BACK, MATRIX, None),
    "from filtered": (BACK, slice(None), 1.0, 0.01),
    "half": (slice(4, None, -2), slice(2, None, -1), 1.0, 0.01),
}  # fmt: skip


def network(way, n=3):
    """Values go so from one Node to another, n times, and to neurons that show them."""
    pre, post, transform, synapse = WAYS[way]
    with nengo.Network(seed=0) as net:
        given = nengo.Node(np.arange(1.0, 7.0))
        for k in range(n):
            first, second = nengo.Node(size_in=6), nengo.Node(size_in=6)
            nengo.Connection(given, first, synapse=None)
            nengo.Connection(first[pre], second[post], transform=transform, synapse=synapse)
            cells = nengo.Ensemble(6, 1, gain=np.ones(6), bias=np.zeros(6),
                                   neuron_type=nengo.RectifiedLinear())  # fmt: skip
            nengo.Connection(second, cells.neurons, synapse=None)
            nengo.Probe(second, label=f"second{k}")
    return net


def right(way, n_steps):
    net = network(way)
    with nengo.Simulator(net, progress_bar=False, optimize=False) as sim:
        sim.run_steps(n_steps, progress_bar=False)
    return [sim.data[probe][-1] for probe in net.all_probes]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("simulator", ["nengo", "compiled", "nengo_dl"])
def test_values_keep_their_order(way, simulator):
    expected = right(way, 10)
    for _ in range(4 if simulator == "nengo" else 1):  # by chance of the build
        activity = nsc.measure(network(way), None, 10, simulator=simulator, progress=False)
        for k, values in enumerate(expected):
            last = activity.outputs[f"second{k}"].last[0]
            np.testing.assert_allclose(last, values, rtol=1e-5)
        for record in activity.populations.values():
            counts = record.counts[0]
            np.testing.assert_array_equal(np.argsort(counts), np.argsort(expected[0]))


@pytest.mark.parametrize("way", WAYS)
def test_nengo_dl_itself(way):
    """With its own planner, too."""
    net = network(way)
    with stack.nengo_dl().Simulator(net, progress_bar=False) as sim:
        sim.run_steps(10)
        for probe, values in zip(net.all_probes, right(way, 10)):
            np.testing.assert_allclose(sim.data[probe][-1], values, rtol=1e-5)
