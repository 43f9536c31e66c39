"""Functions of Nodes that share what they remember are called in Nengo's order.

Nengo's order is that of its toposort, without its optimizer, which makes another one in every
build (findings/nengo_optimizer_order.sh).
"""

from __future__ import annotations

import os

import nengo
import numpy as np
import pytest

import nengo_spikecost as nsc

pytestmark = pytest.mark.filterwarnings(
    "ignore:Functions of Nodes remember", "ignore::nengo_spikecost.errors.EmulationWarning"
)
N_STEPS = 4


class Counter:
    """A count that functions share."""

    def __init__(self):
        self.n = 0

    def __call__(self, factor):
        self.n += 1
        return float(factor * self.n)


def counting():
    """Three unconnected Nodes whose values depend on the order in which they are called."""
    counter = Counter()
    with nengo.Network(seed=0) as net:
        for k, factor in enumerate((1, 10, 100)):
            node = nengo.Node(lambda t, factor=factor: counter(factor), label=f"n{k}")
            nengo.Probe(node, label=f"out{k}")
        nengo.Ensemble(3, 1)
    return net


def means(net, simulator):
    activity = nsc.measure(net, None, 10, simulator=simulator, progress=False)
    return {name: own.mean[0].tolist() for name, own in activity.outputs.items()}


@pytest.mark.parametrize("simulator", ["compiled", "nengo", "loihi"])
def test_a_shared_count(simulator):
    """Which value each Node has tells when it was called: 1, 4, 7, ... of the first in a step."""
    net = counting()
    with nengo.Simulator(net, progress_bar=False, optimize=False) as sim:
        sim.run_steps(10, progress_bar=False)
    right = {probe.label: sim.data[probe].mean(axis=0).tolist() for probe in net.all_probes}
    assert len(right) == 3
    assert means(counting(), simulator) == right


def random_network(seed, log):
    """Nodes with and without input, beside each other and one after the other."""
    rng = np.random.default_rng(seed)
    with nengo.Network(seed=seed) as net:
        nodes = []
        for k in range(int(rng.integers(2, 7))):
            size_in = int(rng.integers(3))
            if size_in:
                own = nengo.Node(lambda t, x, k=k: float(os.write(log, bytes([k]))), size_in, 1)
            else:
                own = nengo.Node(lambda t, k=k: float(os.write(log, bytes([k]))), size_out=1)
            nodes.append(own)
        cells = nengo.Ensemble(10, 1)
        for node in nodes:
            ones = np.ones((node.size_in, 1))
            if rng.random() < 0.5:
                nengo.Connection(node, cells, synapse=[None, 0.01][rng.integers(2)])
            if node.size_in and rng.random() < 0.6:
                nengo.Connection(cells, node, transform=ones)
            pre = nodes[rng.integers(len(nodes))]
            if node.size_in and nodes.index(pre) < nodes.index(node):
                nengo.Connection(pre, node, transform=ones, synapse=[None, 0.01][rng.integers(2)])
    return net


@pytest.mark.parametrize("seed", range(20))
def test_the_order_of_calls(seed, tmp_path):
    """Written to a file, which no copy of a function has for itself."""
    log = os.open(tmp_path / "calls", os.O_RDWR | os.O_CREAT)
    try:
        net = random_network(seed, log)
        with nengo.Simulator(net, progress_bar=False, optimize=False) as sim:
            os.ftruncate(log, 0)
            sim.run_steps(N_STEPS, progress_bar=False)
        right = os.pread(log, 10_000, 0)
        net = random_network(seed, log)
        nsc.measure(net, None, N_STEPS, simulator="compiled", progress=False)
        n = len(right)
        assert n and os.pread(log, 10_000, 0)[-n:] == right
    finally:
        os.close(log)
