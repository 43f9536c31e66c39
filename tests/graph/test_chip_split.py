"""Where every part of a network runs, against NengoLoihi's own decision.

Reference: nengo-loihi 1.1.0, ``nengo_loihi.splitter.Split`` itself, asked network by network.
"""

from __future__ import annotations

from collections import Counter

import nengo
import nengo_loihi
import numpy as np
import pytest
from nengo.connection import LearningRule
from nengo.exceptions import BuildError
from nengo.networks import EnsembleArray
from nengo_loihi.splitter import Split

from nengo_spikecost.graph import ChipSplit, NetworkGraph
from nengo_spikecost.graph.chip_split import owner_of
from nengo_spikecost.graph.nengo_types import is_passthrough


class Relay(nengo.Node):
    """A Node by another name."""

    def __init__(self, size):
        super().__init__(size_in=size, label="relay")


class Camera(nengo_loihi.inputs.ChipProcess):
    """Events on the chip; it is never run here."""

    def __init__(self, size):
        super().__init__(default_size_in=0, default_size_out=size)

    def make_step(self, *args, **kwargs):
        raise NotImplementedError


RULES = (nengo.PES, nengo.BCM, nengo.Oja, nengo.Voja, nengo.RLS)


class RandomNetwork:
    """Objects of all kinds, joined at random."""

    def __init__(self, seed):
        self.rng = rng = np.random.RandomState(seed)
        self.ends, self.starts, self.rules = [], [], []
        with nengo.Network(seed=seed) as self.net:
            nengo_loihi.add_params(self.net) if rng.rand() < 0.7 else None
            self.fill(depth=0)
            self.connect(3 + rng.randint(14))
            for rule in self.rules:
                if rng.rand() < 0.8:
                    self.error_of(rule)
            for obj in (*self.net.all_nodes, *self.net.all_ensembles):
                if rng.rand() < 0.2 and obj.size_out:
                    nengo.Probe(obj)
        if hasattr(self.net.config[nengo.Ensemble], "on_chip"):
            if rng.rand() < 0.15:
                self.net.config[nengo.Ensemble].on_chip = [False, True, None][rng.randint(3)]
            for ens in self.net.all_ensembles:
                if rng.rand() < 0.2:
                    self.net.config[ens].on_chip = [False, True, None, 0, np.False_][rng.randint(5)]

    def fill(self, depth):
        rng = self.rng
        for k in range(2 + rng.randint(4)):
            kind = nengo.Direct() if rng.rand() < 0.1 else nengo.LIF()
            ens = nengo.Ensemble(4, 2, neuron_type=kind, label=f"e{depth}.{k}")
            self.starts.append(ens)
            self.ends.append(ens)
            if not isinstance(kind, nengo.Direct) and rng.rand() < 0.4:
                self.starts.append(ens.neurons)
                self.ends.append(ens.neurons)
        for k in range(rng.randint(6)):
            relay = Relay(2) if k % 2 else nengo.Node(size_in=2)
            self.starts.append(relay)
            self.ends.append(relay)
        for k in range(rng.randint(3)):
            node = nengo.Node(lambda t, x: x, size_in=2) if k else nengo.Node([0.5, 0.5])
            self.starts.append(node)
            if node.size_in:
                self.ends.append(node)
        if rng.rand() < 0.3:
            self.starts.append(nengo.Node(Camera(2)))
        if rng.rand() < 0.4:
            array = EnsembleArray(4, 2)
            self.starts += [array.output, array.output[0]]
            self.ends += [array.input, array.input[1]]
        if depth < 2 and rng.rand() < 0.4:
            with nengo.Network() as inner:
                if rng.rand() < 0.3:
                    nengo_loihi.add_params(inner)
                    inner.config[nengo.Ensemble].on_chip = False
                self.fill(depth + 1)

    def connect(self, n):
        rng = self.rng
        for _ in range(n):
            pre = self.starts[rng.randint(len(self.starts))]
            post = self.ends[rng.randint(len(self.ends))]
            rules = {}
            if isinstance(pre, nengo.Ensemble) and rng.rand() < 0.25:
                rules = self.rule(pre, post)
            weights = rng.uniform(0.1, 1, (post.size_in, pre.size_out))
            if rules.get("solver") or (pre.size_out == post.size_in and rng.rand() < 0.5):
                weights = 1.0
            made = nengo.Connection(pre, post, transform=weights, synapse=None, **rules)
            if rules:
                self.rules.append(made.learning_rule)

    def rule(self, pre, post):
        kind = RULES[self.rng.randint(len(RULES))]
        if isinstance(pre.neuron_type, nengo.Direct):
            return {}
        if kind in (nengo.PES, nengo.RLS):
            return {"learning_rule_type": kind()}
        if not isinstance(post, nengo.Ensemble) or isinstance(post.neuron_type, nengo.Direct):
            return {}
        if kind is nengo.Voja:
            return {"learning_rule_type": kind()}
        return {"learning_rule_type": kind(), "solver": nengo.solvers.LstsqL2(weights=True)}

    def error_of(self, rule):
        if not rule.size_in:
            return
        pre = self.starts[self.rng.randint(len(self.starts))]
        transform = self.rng.uniform(0.1, 1, (rule.size_in, pre.size_out))
        nengo.Connection(pre, rule, transform=transform)


def nengo_loihis_split(net):
    """What NengoLoihi decides; None if it refuses to decide, as a contradiction or otherwise."""
    try:
        return Split(net)
    except (AssertionError, BuildError, NotImplementedError):
        return None


def assert_same_places(net, split):
    ours = ChipSplit(net)
    assert not ours.contradictions
    expected = {obj: split.on_chip(obj) for obj in (*net.all_ensembles, *net.all_nodes)}
    assert ours.places == expected
    gone = {obj for obj in split.passthrough.to_remove if isinstance(obj, nengo.Node)}
    merged = {
        node
        for group in ours.groups
        if group.fate in ("merged", "left out")
        for node in group.nodes
        if node not in group.probed
    }
    assert merged == gone
    return ours


def chip_pairs(net, split):
    """Every Connection that NengoLoihi builds on the chip, by its ends, and how often it does."""
    pairs: Counter = Counter()
    for conn in built_connections(net, split):
        pre, post = owner_of(conn.pre), owner_of(conn.post)
        if isinstance(post, LearningRule) or not split.on_chip(post):
            continue
        # decoded values of the host, and those of its Nodes, come as numbers
        if split.on_chip(pre) or isinstance(conn.pre_obj, nengo.ensemble.Neurons):
            pairs[pre, post] += 1
    return pairs


def built_connections(net, split):
    return (set(net.all_connections) | split.passthrough.to_add) - split.passthrough.to_remove


def assert_same_pathways(net, split):
    graph = NetworkGraph(net)
    chip = Counter((p.pre.obj, p.post.obj) for p in graph.pathways if p.on_chip)
    assert chip == chip_pairs(net, split)
    reached = {owner_of(conn.post) for conn in built_connections(net, split)}
    probed = {owner_of(probe.target) for probe in net.all_probes}
    for pathway in graph.pathways:
        end = pathway.connections[-1].post_obj
        unread = is_passthrough(end) and end not in probed and end not in reached
        assert (pathway.place == "nowhere") == unread, pathway
    return graph


def test_random_networks_are_split_as_nengo_loihi_splits_them():
    seen: Counter = Counter()
    for seed in range(320):
        net = RandomNetwork(seed).net
        split = nengo_loihis_split(net)
        if split is None:
            seen["refused"] += 1
            seen["contradictions"] += bool(ChipSplit(net).contradictions)
            continue
        ours = assert_same_places(net, split)
        graph = assert_same_pathways(net, split)
        seen["networks"] += 1
        seen.update({group.fate: 1 for group in ours.groups})
        seen.update(pathway.place for pathway in graph.pathways)
        seen["chip process"] += any(ours.places[node] for node in net.all_nodes)
        learned = [owner_of(c.post) for c in net.all_connections if c.learning_rule_type]
        seen["target of a rule"] += any(isinstance(e, nengo.Ensemble) for e in learned)
        errors = [c.pre for c in net.all_connections if isinstance(c.post_obj, LearningRule)]
        seen["source of an error"] += any(isinstance(owner_of(e), nengo.Ensemble) for e in errors)
    kinds = (
        "merged", "left out", "host", "loop", "chip process", "target of a rule",
        "source of an error", "contradictions", "chip", "nowhere",
    )  # fmt: skip
    assert seen["networks"] >= 200 and min(seen[kind] for kind in kinds) >= 5, seen


def test_contradictions_are_those_that_nengo_loihi_refuses():
    for role in ("target", "error"):
        with nengo.Network() as net:
            nengo_loihi.add_params(net)
            a, b = nengo.Ensemble(5, 1), nengo.Ensemble(5, 1)
            node = nengo.Node(size_in=1)
            learned = nengo.Connection(
                a, b if role == "target" else node, learning_rule_type=nengo.PES()
            )
            nengo.Connection(b, learned.learning_rule)
        net.config[b].on_chip = True
        with pytest.raises(BuildError, match="must not be configured as on_chip"):
            Split(net)
        assert list(ChipSplit(net).contradictions) == [b]
        assert not ChipSplit(net).places[b]
