"""Lower bounds of placements, against every way to deal out neurons and to place blocks."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nengo_spikecost as nsc
from nengo_spikecost import stack
from nengo_spikecost.chip import limits
from nengo_spikecost.chip.mesh import HopCosts, Mesh
from nengo_spikecost.energy.loihi_chip import shipped_chip
from nengo_spikecost.loihi import place
from nengo_spikecost.loihi.mapping import assignment_bounds as exact
from nengo_spikecost.loihi.mapping.unavoidable_work import (
    cores_reached,
    least_largest,
    most_neurons,
)

from .networks import Layers
from .placements import cheapest, decoded, images, walk

NS = 1e-9
STEPS = 20


# ---------------------------------------------------------------- any blocks on as many cores


class Deals:
    """All ways to deal the neurons of small layers out to cores, from a network of one block each.

    Messages and times are added up neuron by neuron, weight by weight.
    """

    def __init__(self, mapping, n_cores, most):
        self.mapping, self.most = mapping, most
        self.blocks = mapping.built.blocks
        self.n_cores = n_cores  # by name of the layer
        self.size = {part.source.name: part.obj.n_neurons for part in self.blocks}
        assert len(self.size) == len(self.blocks)
        owner = {id(s): part.source.name for part in self.blocks for s in part.obj.synapses}
        #: (sending layer or None, neuron, spikes, receiving layer, kind, neurons reached)
        self.ways = []
        for part in (*self.blocks, *mapping.built.inputs):
            spikes = mapping.spikes.counts[part.source.owner][part.neurons]
            sender = part.source.name if part in self.blocks else None
            for axon in part.obj.axons:
                for neuron, at in enumerate(axon.map_axon(np.arange(len(spikes)))):
                    synapse = axon.target
                    base = synapse.axon_compartment_base(at) if at >= 0 else None
                    if base is not None:
                        _, places = synapse.axon_weights_indices(at)
                        reached = frozenset((base + places).tolist())
                        key = id(synapse), synapse.pop_type
                        self.ways.append(
                            (sender, neuron, int(spikes[neuron]), owner[id(synapse)], key, reached)
                        )

    def of_layer(self, name):
        """Every deal of a layer: no core is empty, or has more neurons than fit."""
        for deal in itertools.product(range(self.n_cores[name]), repeat=self.size[name]):
            counts = np.bincount(deal, minlength=self.n_cores[name])
            if counts.min() > 0 and counts.max() <= self.most:
                yield deal

    def all(self):
        names = list(self.size)
        for deals in itertools.product(*(self.of_layer(name) for name in names)):
            yield dict(zip(names, deals))

    def messages(self, deal):
        return sum(
            spikes * len({deal[layer][k] for k in reached})
            for _, _, spikes, layer, _, reached in self.ways
        )

    def slowest(self, deal):
        """Time of the slowest core in all steps, by SANA-FE's constants."""
        n_steps = self.mapping.traffic.n_samples * self.mapping.traffic.n_steps
        sends, receives = defaultdict(float), defaultdict(float)
        for part in self.blocks:
            name = part.source.name
            for neuron, spikes in enumerate(self.mapping.spikes.counts[part.source.owner]):
                time = 6.0 * n_steps + (9.7 - 6.0 + 30.0) * spikes
                sends[name, deal[name][neuron]] += time
        members = defaultdict(set)
        for name, cores in deal.items():
            for neuron, core in enumerate(cores):
                members[name, core].add(neuron)
        full = defaultdict(lambda: True)
        for _, _, _, layer, key, reached in self.ways:
            for core in {deal[layer][k] for k in reached}:
                full[layer, core, key] &= members[layer, core] <= reached
        for sender, neuron, spikes, layer, key, reached in self.ways:
            by_core = defaultdict(int)
            for k in reached:
                by_core[deal[layer][k]] += 1
            for core, n_weights in by_core.items():
                synop = 3.1 if key[1] else 3.8 if full[layer, core, key] else 4.7
                receives[layer, core] += spikes * (16.0 + n_weights * synop)
            if sender is not None:
                sends[sender, deal[sender][neuron]] += spikes * len(by_core) * 5.1
        return max([*sends.values(), *receives.values()]) * NS / n_steps


def small_network(seed, split):
    """A convolution from the host, and weights between two layers and within one."""
    loihi = stack.nengo_loihi()
    layers = Layers(9, seed=seed)
    rng, net = layers.rng, layers.net
    transform = layers.convolution(2, (3, 3, 1), kernel_size=(2, 2), strides=(1 + seed % 2,) * 2)
    shape = transform.output_shape.shape
    one, two = layers.population(int(np.prod(shape)), "one"), layers.population(4, "two")
    conn = layers.connect(layers.encoder, one, transform)
    net.config[conn].pop_type = 32
    layers.connect(one, two, layers.weights(one.n_neurons, 4).T * 5)
    if rng.rand() < 0.6:
        layers.connect(two, two, layers.weights(4, 4).T)
    if rng.rand() < 0.4:  # a second Connection between the same layers
        layers.connect(one, two, layers.weights(one.n_neurons, 4).T)
    block = (int(rng.randint(1, shape[0] + 1)), shape[1], int(rng.randint(1, 3)))
    size = int(rng.choice([1, 2, 3, 4]))
    if split:
        net.config[one].block_shape = loihi.BlockShape(block, shape)
        net.config[two].block_shape = loihi.BlockShape((size,), (4,))
    return net


@pytest.mark.parametrize("seed", range(8))
def test_no_deal_of_neurons_is_below_the_bound(monkeypatch, seed):
    found, whole = (small_network(seed, split) for split in (True, False))
    activity = nsc.measure(found, None, STEPS, simulator="nengo", progress=False)
    spikes = {e.label: activity.populations[e.label].per_neuron() for e in found.all_ensembles}
    mapping = place(found, activity=activity)
    n_cores = defaultdict(int)
    for part in mapping.built.blocks:
        n_cores[part.source.name] += 1
    # as few neurons on a core as make a difference
    most = max(part.obj.n_neurons for part in mapping.built.blocks)
    monkeypatch.setattr(limits, "MAX_COMPARTMENTS", most)
    one_block = place(whole, activity=nsc.measure(whole, None, STEPS, simulator="nengo",
                                                  progress=False))  # fmt: skip
    assert all((one_block.spikes.counts[e] == spikes[e.label]).all() for e in whole.all_ensembles)
    deals = Deals(one_block, n_cores, most)
    messages, slowest = np.inf, np.inf
    for deal in deals.all():
        messages = min(messages, deals.messages(deal))
        slowest = min(slowest, deals.slowest(deal))
    bounds = {bound.quantity: bound for bound in mapping.bounds}
    sync = shipped_chip().profiles["silicon"].sync
    fewest = -(-mapping.n_cores // mapping.mesh.cores_per_tile)
    sync_s = sync.at(fewest, "nominal")
    slowest += sync_s
    for name, best in (("messages", messages), ("step", slowest)):
        bound = bounds[name]
        assert bound.least <= best * (1 + 1e-12), name
        assert best <= bound.found * (1 + 1e-12), name
        assert not bound.is_optimal or best == pytest.approx(bound.found)
        # so few deals are all tried, and one of them is named
        assert bound.exact and bound.least == pytest.approx(best, rel=1e-12), name
        deal = {layer: np.zeros(deals.size[layer], dtype=int) for layer in deals.size}
        for layer, cores in bound.deal.items():
            for core, neurons in enumerate(cores):
                deal[layer][list(neurons)] = core
            assert sorted(itertools.chain(*cores)) == list(range(deals.size[layer]))
        for layer, n in n_cores.items():
            if n == deals.size[layer]:
                deal[layer] = np.arange(n)
            assert len(set(deal[layer])) == n
        reached = deals.messages(deal) if name == "messages" else deals.slowest(deal) + sync_s
        assert reached == pytest.approx(best, rel=1e-12), name
    assert bounds["messages"].found == mapping.traffic.messages.sum()


def test_bounds_are_reached_where_nothing_is_left_to_choose():
    """Weights from all to all: a spike goes to every core of the layer."""
    layers = Layers(6)
    post = layers.population(10, "post")
    layers.connect(layers.encoder, post, layers.weights(6, 10).T)
    layers.net.config[post].block_shape = stack.nengo_loihi().BlockShape((5,), (10,))
    mapping = place(layers.net, activity={"encoder": np.full(6, 7), "post": np.zeros(10, int)})
    (messages, hops) = mapping.bounds
    assert (messages.found, messages.least, messages.gap) == (6 * 7 * 2, 6 * 7 * 2, 0.0)
    assert messages.is_optimal and hops.is_optimal
    assert "of them at least" not in str(mapping)
    assert "with any blocks on as many cores a layer 84 messages, as here" in (
        " ".join(str(mapping).split())
    )


@settings(max_examples=60, derandomize=True, deadline=None)
@given(st.integers(1, 7), st.integers(1, 4), st.data())
def test_cores_reached_by_all_deals(n_neurons, n_cores, data):
    n_cores = min(n_cores, n_neurons)
    most = data.draw(st.integers(-(-n_neurons // n_cores), n_neurons))
    n_reached = data.draw(st.integers(0, n_neurons))
    fewest = min(
        len(set(deal[:n_reached]))
        for deal in itertools.product(range(n_cores), repeat=n_neurons)
        if np.bincount(deal, minlength=n_cores).min() > 0
        and np.bincount(deal, minlength=n_cores).max() <= most
    )
    assert cores_reached(np.array([n_reached]), n_neurons, n_cores, most)[0] <= fewest
    if most == n_neurons:  # nothing but the number of cores: the bound is exact
        assert cores_reached(np.array([n_reached]), n_neurons, n_cores, most)[0] == fewest


@settings(max_examples=60, derandomize=True, deadline=None)
@given(st.lists(st.integers(0, 50), min_size=1, max_size=7), st.integers(1, 4), st.integers(0, 60))
def test_the_largest_load_of_all_deals(loads, n_cores, shared):
    n_cores = min(n_cores, len(loads))
    best = min(
        max(np.bincount(deal, weights=loads, minlength=n_cores))
        for deal in itertools.product(range(n_cores), repeat=len(loads))
    )
    assert least_largest(np.array(loads), n_cores) <= best
    # what is shared may fill up the cores that have least
    level = max(best, (sum(loads) + shared) / n_cores)
    assert least_largest(np.array(loads), n_cores, shared) <= level


def test_memory_bounds_the_neurons_of_a_core():
    """A layer of weights from all to all, as many neurons as a core holds, and one more."""
    n_inputs = 3000
    bits = np.full(500, 8 * n_inputs)
    assert most_neurons(bits) == limits.MAX_SYNAPSE_BITS // (8 * n_inputs) == 43
    assert most_neurons(np.zeros(5000)) == 1024
    rng = np.random.RandomState(0)
    for _ in range(20):
        bits = rng.randint(1, limits.MAX_SYNAPSE_BITS // 3, 8)
        sums = [
            len(some) for n in range(1, 9) for some in itertools.combinations(bits, n)
            if sum(some) <= limits.MAX_SYNAPSE_BITS
        ]  # fmt: skip
        assert most_neurons(bits) == max(sums)


# ---------------------------------------------------------------- the same blocks on the same cores


def least_by_order(mapping, cost):
    """The least cost of messages over all orders of the blocks on their cores."""
    messages, positions = mapping.between_cores, mapping.positions
    n = len(positions)
    price = np.array([[cost(int(a), int(b)) for b in positions] for a in positions])
    return min(
        int((messages * price[np.ix_(order, order)]).sum())
        for order in itertools.permutations(range(n))
    )


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("mesh", [Mesh(2, 2, 2), Mesh(3, 1, 1), Mesh(2, 2, 1)])
def test_no_order_of_blocks_has_fewer_hops_or_crossings(seed, mesh):
    net = decoded(seed) if seed % 2 else small_network(seed, True)
    spikes = {}
    first = place(net)
    if first.n_cores > 7:
        pytest.skip("too many orders to try them all")
    rng = np.random.RandomState(seed)
    for source in first.built.sources:
        spikes[source.owner] = rng.randint(0, 40, source.n_neurons)
    per_chip = min(mesh.n_cores, 1 + first.n_cores // 2)
    mapping = place(
        net, model=first.built.model, activity=spikes, mesh=mesh, cores_per_chip=per_chip
    )
    bounds = {bound.quantity: bound for bound in mapping.bounds}
    hops = least_by_order(mapping, lambda a, b: sum(walk(mapping.mesh, a, b)[:2]))
    assert bounds["hops"].exact
    assert bounds["hops"].least == hops <= bounds["hops"].found == mapping.hops.total
    better = mapping.optimised()
    assert {b.quantity: b.least for b in better.bounds}["hops"] == hops == better.hops.total
    if mapping.n_chips > 1:
        size = mapping.mesh.n_cores
        crossing = least_by_order(mapping, lambda a, b: a // size != b // size)
        assert bounds["chip to chip"].exact
        assert bounds["chip to chip"].least == crossing <= bounds["chip to chip"].found


@settings(max_examples=80, derandomize=True, deadline=None)
@given(st.integers(0, 10_000), st.booleans())
def test_each_bound_of_an_assignment_by_all_arrangements(seed, full):
    rng = np.random.RandomState(seed)
    mesh = Mesh(int(rng.randint(1, 4)), int(rng.randint(1, 3)), 1)
    capacity = rng.randint(0, 3, mesh.n_tiles)
    capacity[0] += 1
    n_items = min(6, int(capacity.sum()))
    while full and capacity.sum() > n_items:
        capacity[capacity.argmax()] -= 1
    if not full:
        n_items = int(rng.randint(1, n_items + 1))
    flow = rng.randint(0, 30, (n_items, n_items)) * (rng.rand(n_items, n_items) < 0.7)
    flow = np.triu(flow, 1) + np.triu(flow, 1).T
    distance = HopCosts(*rng.randint(1, 5, 2)).of_tiles(mesh, mesh.n_tiles)
    regions = np.zeros(mesh.n_tiles, dtype=int)
    problem = exact.Problem(flow.astype(float), distance, capacity, regions)
    least = cheapest(flow, distance, capacity)
    bounds = [exact._gilmore_lawler(problem), exact._donath_hoffman(problem)] if n_items > 1 else []
    if n_items == capacity.sum() > 1:
        bounds.append(exact._projected_eigenvalues(problem))
    for bound in bounds:
        assert bound <= least + 1e-9
    assert exact.all_are_tried(problem) and exact.lower_bound(problem) == least
    with patch.object(exact, "MAX_TRIED", 0):
        assert not exact.all_are_tried(problem)
        assert exact.lower_bound(problem) == pytest.approx(max([*bounds, 0.0]))


@pytest.mark.parametrize("seed", range(4))
def test_all_arrangements_of_several_seats_a_place(seed):
    """As many as permutations, divided by those within a place."""
    rng = np.random.RandomState(seed)
    capacity = rng.randint(1, 5, 3)
    n_items = int(capacity.sum())
    ways = math.factorial(n_items) / np.prod([math.factorial(n) for n in capacity])
    flow = np.triu(rng.randint(0, 30, (n_items, n_items)), 1).astype(float)
    distance = HopCosts().of_tiles(Mesh(3, 1, 1), 3)
    problem = exact.Problem(flow + flow.T, distance, capacity, np.zeros(3, dtype=int))
    for limit in (ways, ways - 1):
        with patch.object(exact, "MAX_ARRANGEMENTS", limit):
            assert exact.all_are_tried(problem) == (limit == ways)


def test_of_many_seats_the_bound_is_less_but_there(monkeypatch):
    rng = np.random.RandomState(3)
    flow = rng.randint(0, 30, (8, 8)).astype(float)
    flow = np.triu(flow, 1) + np.triu(flow, 1).T
    distance = HopCosts().of_tiles(Mesh(3, 3, 1), 9)
    problem = exact.Problem(flow, distance, np.ones(9, dtype=int), np.zeros(9, dtype=int))
    assigned = exact._gilmore_lawler(problem)
    monkeypatch.setattr(exact, "MAX_SEATS", 8)
    assert 0 < exact._gilmore_lawler(problem) <= assigned


# ---------------------------------------------------------------- as they are shown


def test_bounds_are_shown(tmp_path):
    layers = images(1)
    activity = nsc.measure(layers.net, None, STEPS, simulator="nengo", progress=False)
    mapping = place(layers.net, activity=activity, cores_per_chip=6)
    content = mapping.to_dict()["bounds"]
    assert [entry["quantity"] for entry in content] == ["messages", "chip to chip", "hops", "step"]
    for entry, bound in zip(content, mapping.bounds):
        assert entry == {
            "quantity": bound.quantity, "found": bound.found, "least": bound.least,
            "gap": bound.gap, "over": bound.over, "exact": bound.exact,
            "deal": {name: [list(x) for x in cores] for name, cores in bound.deal.items()},
        }  # fmt: skip
    text = " ".join(str(mapping).split())
    for bound in mapping.bounds:
        most = "" if bound.exact else "at most "
        assert bound.is_optimal or f"({most}{bound.gap:.0%} to save)" in text, bound
    assert "At least, by proof" in text
    assert "At least, by proof" in mapping.to_html()
