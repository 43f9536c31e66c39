"""Placement, against NengoLoihi's own boards and against messages counted one by one."""

from __future__ import annotations

import json
import warnings
from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import nengo
import numpy as np
import pytest

import nengo_spikecost as nsc
from nengo_spikecost import stack
from nengo_spikecost.activity.activity_record import Activity, PopulationActivity, Protocol
from nengo_spikecost.chip.mesh import HopCosts, Mesh
from nengo_spikecost.errors import EstimateWarning, LoihiError
from nengo_spikecost.loihi import check_support, place
from nengo_spikecost.loihi.mapping.allocation import ALLOCATORS

from .networks import Layers, emulate
from .placements import MessageCounter, decoded, images, walk
from .random_populations import random_network

STEPS = 25


def built(net):
    """NengoLoihi's model of a network."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return emulate(net, steps=1).model


def board_of(model, allocator, n_chips, **options):
    """Chip and core of each block on NengoLoihi's own board."""
    cls = getattr(stack.nengo_loihi().hardware.allocators, ALLOCATORS[allocator])
    board = cls(**options)(model, n_chips=n_chips)
    return [board.find_block(block)[:2] for block in model.blocks]


def where(mapping):
    return [(block.chip, block.core) for block in mapping.blocks]


def message_counts(mapping):
    """Messages by sending block (None: the host) and receiving block."""
    traffic = mapping.traffic
    found = Counter()
    for sender, receiver, messages in zip(traffic.sender, traffic.receiver, traffic.messages):
        found[None if sender >= traffic.n_blocks else sender, receiver] += messages
    return +found


# ---------------------------------------------------------------- blocks on cores


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("allocator", ALLOCATORS)
def test_blocks_are_where_nengo_loihi_puts_them(allocator, seed):
    net = images(seed).net
    model = built(net)
    options = {} if allocator == "round_robin" else {"cores_per_chip": 4}
    n_chips = -(-len(model.blocks) // 4)
    mapping = place(net, allocator=allocator, cores_per_chip=4)  # builds it once more
    assert where(mapping) == board_of(model, allocator, n_chips, **options)
    assert mapping.n_chips == n_chips > 1
    assert mapping.n_cores == len(model.blocks)
    for placed, block in zip(mapping.blocks, model.blocks):
        assert [(used, limit) for _, used, limit in placed.use.limits] == list(
            block.utilization().values()
        )


def test_interchip_allocation_follows_the_rates_measured():
    layers = images(1)
    counter = MessageCounter(layers.net, STEPS)
    model = counter.simulator.model
    mapping = place(
        layers.net,
        allocator="greedy_interchip",
        cores_per_chip=4,
        model=model,
        activity=counter.spikes,
    )
    rates = {e: s for e, s in counter.spikes.items() if e is not layers.encoder}
    there = board_of(
        model, "greedy_interchip", mapping.n_chips, cores_per_chip=4, ensemble_rates=rates
    )
    assert where(mapping) == there


def test_decoding_neurons_have_blocks_of_their_own():
    net = decoded()
    mapping = place(net)
    kinds = {block.layer: block.kind for block in mapping.blocks}
    assert kinds["a"] == kinds["b"] == "neurons"
    assert kinds["a -> b"] == kinds["b -> b"] == "decoding neurons"
    assert sum(block.layer == "a" for block in mapping.blocks) == 3
    assert mapping.n_cores == 3 + 1 + 3  # a, b, and the three Connections from the chip


def test_neurons_of_all_blocks_are_those_of_the_layer():
    layers = images(2)
    mapping = place(layers.net)
    for ens in layers.net.all_ensembles:
        parts = [p for p in mapping.built.blocks if p.source.owner is ens]
        if ens is not layers.encoder:
            neurons = np.concatenate([part.neurons for part in parts])
            assert sorted(neurons) == list(range(ens.n_neurons))


def test_block_shapes_of_a_fit_are_built_and_the_network_is_left_as_it_was():
    layers = Layers(12)
    post = layers.population(30, "post")
    layers.connect(layers.encoder, post, layers.weights(12, 30).T)
    loihi = stack.nengo_loihi()
    shape = loihi.BlockShape((10,), (30,))

    def apply(network):
        network.config[post].block_shape = shape

    fit = SimpleNamespace(network=layers.net, shapes={post: shape}, apply=apply)
    assert place(layers.net).n_cores == 1
    assert place(fit).n_cores == place(layers.net, fit=fit).n_cores == 3
    with pytest.raises(LoihiError, match="pass either model= or the fit"):
        place(fit, model=built(layers.net))
    assert layers.net.config[post].block_shape is None

    with nengo.Network() as plain:
        nengo.Ensemble(20, 1)
        nengo.networks.EnsembleArray(5, 2)
    place(plain)
    for network in (plain, *plain.all_networks):
        assert not network.config[nengo.Ensemble]._extra_params


def test_layers_of_a_conversion_keep_their_names():
    import tensorflow as tf

    tf.keras.utils.set_random_seed(0)
    layers = tf.keras.layers
    image = tf.keras.Input((6, 6, 1), name="image")
    x = layers.Conv2D(2, 1, activation="relu", use_bias=False, name="to-spikes")(image)
    x = layers.Conv2D(4, 3, activation="relu", use_bias=False, name="conv")(x)
    x = layers.Dense(5, activation="relu", name="dense")(layers.Flatten()(x))
    model = tf.keras.Model(image, layers.Dense(3, name="readout")(x))
    model.set_weights([abs(weights) for weights in model.get_weights()])  # all layers fire
    conversion = nsc.convert(
        model, neuron_type="LoihiSpikingRectifiedLinear", scale_firing_rates=200, synapse=0.005
    )
    images_ = np.random.RandomState(0).uniform(0, 1, (4, 6, 6, 1))
    activity = nsc.measure(conversion, images_, 20, progress=False)
    mapping = place(conversion, activity=activity)
    assert mapping.layers == ("conv", "dense")
    records = activity.populations
    spikes = {p.source.owner: records[p.source.name].per_neuron() for p in mapping.built.blocks}
    encoder = mapping.built.inputs[0].source
    assert encoder.layer == "to-spikes"
    spikes[encoder.owner] = records[encoder.name].per_neuron()
    same = place(conversion.net, activity=spikes)
    assert message_counts(same) == message_counts(mapping)
    assert mapping.per_inference(mapping.on_chip) == same.on_chip / 4 > 0


# ---------------------------------------------------------------- messages


@pytest.mark.parametrize("reached", [[0, 2], [0, 1, 2], [0]])
@pytest.mark.parametrize("allocator", ALLOCATORS)
def test_neurons_that_reach_nothing_are_no_harm_to_the_next_connection(allocator, reached):
    """As the border of a convolution with strides, and a residual connection after it."""
    layers = Layers(4)
    post = layers.population(3, "post")
    pairs = [(row, column) for column in reached for row in range(3)]
    first = nengo.Sparse((3, 4), indices=pairs, init=layers.weights(len(pairs)))
    layers.connect(layers.encoder, post, first)
    layers.connect(layers.encoder, post, layers.weights(4, 3).T)
    other = nengo.Sparse((3, 4), indices=[(1, 1), (2, 2)], init=[0.5, 1])
    layers.connect(layers.encoder, post, other)
    layers.connect(post, post, layers.weights(3, 3).T)
    layers.net.config[post].block_shape = stack.nengo_loihi().BlockShape((2,), (3,))
    counter = MessageCounter(layers.net, STEPS)
    mapping = place(
        layers.net, model=counter.simulator, activity=counter.spikes, allocator=allocator
    )
    assert message_counts(mapping) == +counter.messages
    assert sum(counter.messages.values()) > 100
    core_of = board_cores(counter.simulator.model, allocator)
    for core in core_of:  # axons that are built are numbered without gaps
        numbers = [n for ids in core.synapse_axons.values() for n in ids if n is not None]
        assert sorted(numbers) == list(range(len(numbers)))


def board_cores(model, allocator):
    """Cores of NengoLoihi's own board."""
    cls = getattr(stack.nengo_loihi().hardware.allocators, ALLOCATORS[allocator])
    return [core for chip in cls()(model, n_chips=1).chips for core in chip.cores]


@pytest.mark.parametrize("pop_type", [16, 32])
@pytest.mark.parametrize("seed", range(4))
def test_messages_of_images_equal_those_of_the_emulator(seed, pop_type):
    net = images(seed, pop_type).net
    counter = MessageCounter(net, STEPS)
    mapping = place(net, model=counter.simulator, activity=counter.spikes, cores_per_chip=3)
    assert message_counts(mapping) == +counter.messages
    assert sum(counter.messages.values()) > 100
    check_sums(mapping, counter.messages)


def check_sums(mapping, messages):
    chip = [block.chip for block in mapping.blocks]
    by_chip = np.zeros((mapping.n_chips, mapping.n_chips), int)
    from_host = np.zeros(mapping.n_chips, int)
    for (sender, receiver), n in messages.items():
        if sender is None:
            from_host[chip[receiver]] += n
        else:
            by_chip[chip[sender], chip[receiver]] += n
    assert (mapping.between_chips == by_chip).all()
    assert (mapping.host_to_chip == from_host).all()
    assert mapping.on_chip == np.trace(by_chip)
    assert mapping.chip_to_chip == by_chip.sum() - np.trace(by_chip)
    assert mapping.between_cores.sum() == by_chip.sum()
    hops = np.zeros(3, int)
    for (sender, receiver), n in messages.items():
        if sender is not None:
            start, end = mapping.positions[[sender, receiver]].tolist()
            hops += n * np.array(walk(mapping.mesh, start, end))
    found = mapping.hops
    assert [found.east_west, found.north_south, found.chip_crossings] == hops.tolist()
    assert found.messages == by_chip.sum()


def test_messages_of_random_networks_equal_those_of_the_emulator():
    n_networks = 0
    for seed in range(60):
        layers = random_network(seed)
        if check_support(layers.net):
            continue
        rng = np.random.RandomState(seed)
        for ens in layers.net.all_ensembles:
            if rng.rand() < 0.7:
                size = int(rng.randint(5, ens.n_neurons + 1))
                shape = stack.nengo_loihi().BlockShape((size,), (ens.n_neurons,))
                layers.net.config[ens].block_shape = shape
        try:
            counter = MessageCounter(layers.net, STEPS)
        except (AssertionError, nengo.exceptions.BuildError):
            continue  # sparse weights and block shapes that NengoLoihi does not split
        mapping = place(layers.net, model=counter.simulator, activity=counter.spikes)
        assert message_counts(mapping) == +counter.messages, seed
        n_networks += 1
    assert n_networks >= 10


def test_messages_of_decoding_neurons_equal_those_of_the_emulator():
    net = decoded()
    counter = MessageCounter(net, 80)
    mapping = place(net, model=counter.simulator, activity=counter.spikes)
    assert message_counts(mapping) == +counter.messages
    assert mapping.traffic.unknown == ()
    # those of all blocks but the one that only holds values for the host
    assert (mapping.between_cores.sum(axis=1) > 0).sum() == mapping.n_cores - 1


def test_sliced_neurons_of_the_host_are_found():
    layers = Layers(9)
    post = layers.population(4, "post")
    with layers.net:
        nengo.Connection(
            layers.encoder.neurons[1::2], post.neurons, transform=layers.weights(4, 4).T
        )
    spikes = {"encoder": np.arange(9), "post": np.zeros(4, int)}
    mapping = place(layers.net, activity=spikes)
    assert mapping.host_to_chip.tolist() == [1 + 3 + 5 + 7]


def test_measured_activity_gives_messages_per_inference_and_step():
    layers = images(3)
    activity = nsc.measure(layers.net, None, 20, simulator="nengo", progress=False)
    mapping = place(layers.net, activity=activity)
    spikes = {e: activity.populations[e.label].per_neuron() for e in layers.net.all_ensembles}
    same = place(layers.net, activity=spikes)
    assert message_counts(mapping) == message_counts(same)
    assert mapping.per_step(mapping.on_chip) == mapping.on_chip / 20
    assert mapping.per_inference(mapping.on_chip) == mapping.on_chip
    with pytest.raises(LoihiError, match="How many steps"):
        same.per_step(1)


def test_decoding_neurons_are_not_known_from_an_activity():
    net = decoded()
    activity = nsc.measure(net, None, 20, simulator="nengo", progress=False)
    mapping = place(net, activity=activity)
    assert set(mapping.traffic.unknown) == {"a -> b", "b -> b", "stimulus -> a"}
    assert "At least: the spikes of" in str(mapping)
    with pytest.warns(EstimateWarning, match="greedy_interchip takes the rates of Ensembles"):
        place(net, activity=activity, allocator="greedy_interchip")


def test_without_activity_every_neuron_fires_once():
    layers = Layers(6)
    post = layers.population(5, "post")
    layers.connect(layers.encoder, post, layers.weights(6, 5).T)
    layers.connect(post, post, layers.weights(5, 5).T)
    mapping = place(layers.net)
    assert mapping.host_to_chip.tolist() == [6]
    assert mapping.between_cores.tolist() == [[5]]
    assert "if every neuron fired once: 5 on a chip" in str(mapping)


# ---------------------------------------------------------------- what the host reads


@pytest.mark.parametrize("make", [lambda: images(0).net, lambda: images(4).net, decoded])
def test_host_reads_equal_nengo_loihis_snips(make, tmp_path):
    net = make()
    with net:
        first = net.all_ensembles[-1]
        nengo.Probe(first.neurons[:1])
        nengo.Probe(first.neurons[::2])
        nengo.Probe(first.neurons[[0, 1, 5]])
        nengo.Probe(first.neurons, "voltage")
    mapping = place(net, cores_per_chip=3)
    from nengo_loihi.hardware.interface import ChipSnips

    model = mapping.built.model
    board = mapping.to_allocator()(model, mapping.n_chips)
    chips = [ChipSnips(number, chip, str(tmp_path)) for number, chip in enumerate(board.chips)]
    values = [0] * len(chips)
    for probe in model.probes:
        info = SimpleNamespace(
            key={"spiked": "spike", "voltage": "v", "current": "u"}[probe.key],
            chip_idx=[],
            core_id=[],
            compartment_idxs=[],
            snip_range=[],
        )
        for number, block in enumerate(probe.target):
            chip, core, _, compartments, _ = board.find_block(block)
            info.chip_idx.append(chip)
            info.core_id.append(core)
            info.compartment_idxs.append(compartments[probe.slice[number]])
            values[chip] += len(info.compartment_idxs[-1])
            chips[chip].prepare_for_probe(block, info, number)
    assert [r.words for r in mapping.reads] == [chip.n_outputs for chip in chips]
    assert [r.packets for r in mapping.reads] == [chip.n_output_packets for chip in chips]
    assert [r.values for r in mapping.reads] == values


# ---------------------------------------------------------------- better positions


@pytest.mark.parametrize("allocator", ALLOCATORS)
@pytest.mark.parametrize("between_chips", [True, False])
def test_optimised_positions_are_never_worse_and_can_be_repeated(allocator, between_chips):
    for seed in range(3):
        net = images(seed).net
        start = place(net, allocator=allocator, cores_per_chip=4)
        costs = HopCosts(3.0, 4.0, 10.0)
        found = start.optimised(costs, between_chips=between_chips, max_moves=200)
        assert found.hop_cost(costs) <= start.hop_cost(costs)
        assert found.hop_cost(costs) == pytest.approx(found.search.cost)  # sums of floats
        assert start.hop_cost(costs) == pytest.approx(found.search.start_cost)
        assert found.search.lower_bound <= found.search.cost
        assert sorted(found.positions) == sorted(start.positions)
        assert between_chips or (found.chips == start.chips).all()
        assert (message_counts(found)) == message_counts(start)
        again = start.optimised(costs, between_chips=between_chips, max_moves=200)
        assert (again.positions == found.positions).all()

        model = built(net)
        board = found.to_allocator()(model, found.n_chips)
        assert [board.find_block(block)[:2] for block in model.blocks] == where(found)


def test_a_placement_is_repeated_on_the_same_blocks_in_any_order():
    mapping = place(images(0).net, cores_per_chip=4)
    model = mapping.built.model
    blocks = list(model.blocks)
    shuffled = [blocks[number] for number in np.random.RandomState(0).permutation(len(blocks))]
    view = SimpleNamespace(blocks=shuffled, inputs=model.inputs, probes=model.probes)
    board = mapping.to_allocator()(view, mapping.n_chips)
    assert [board.find_block(block)[:2] for block in blocks] == where(mapping)
    assert board.inputs == list(model.inputs)
    with pytest.raises(LoihiError, match="pass n_chips="):
        mapping.to_allocator()(view, mapping.n_chips - 1)
    with pytest.raises(LoihiError, match="place the network that is run"):
        mapping.to_allocator()(built(images(1).net), mapping.n_chips)


def test_free_cores_are_used_if_asked_for():
    net = images(0).net
    start = place(net, n_chips=5, allocator="round_robin")
    found = start.optimised(free_cores=True, max_moves=200)
    assert found.hop_cost() < start.optimised(max_moves=200).hop_cost()
    assert len(set(found.positions.tolist())) == found.n_cores
    assert found.n_chips == 1
    elsewhere = tuple(replace(block, chip=1) for block in found.blocks)
    with pytest.raises(LoihiError, match="Chip 0 has no block left"):
        replace(found, blocks=elsewhere).to_allocator()


# ---------------------------------------------------------------- what is printed


def test_table_frame_and_dict():
    layers = images(0)
    activity = nsc.measure(layers.net, None, 20, simulator="nengo", progress=False)
    mapping = place(layers.net, activity=activity, cores_per_chip=4).optimised()
    text = str(mapping)
    for layer in ("conv1", "conv2", "dense", "encoder (host)"):
        assert layer in text
    assert "8 x 4 tiles of 4 cores" in " ".join(text.split())
    frame = mapping.to_frame()
    assert list(frame.index) == [block.name for block in mapping.blocks]
    assert frame["messages_sent"].sum() == mapping.between_cores.sum()
    assert frame["messages_from_host"].sum() == mapping.host_to_chip.sum()
    as_dict = json.loads(json.dumps(mapping.to_dict()))
    assert as_dict["n_cores"] == mapping.n_cores
    routes = as_dict["messages"]["routes"]
    assert sum(n for _, _, n in routes) == mapping.traffic.messages.sum()
    assert as_dict["search"]["cost"] == mapping.hop_cost()


# ---------------------------------------------------------------- what is refused


def test_too_few_chips_and_wrong_arguments_say_what_to_do():
    net = images(0).net
    n_blocks = place(net).n_cores
    with pytest.raises(LoihiError, match=rf"{n_blocks} blocks.*Pass n_chips={-(-n_blocks // 2)}"):
        place(net, n_chips=1, cores_per_chip=2)
    with pytest.raises(LoihiError, match="no allocator 'metis'; there are greedy, round_robin"):
        place(net, allocator="metis")
    with pytest.raises(LoihiError, match="from 1 to 128, not 0"):
        place(net, cores_per_chip=0)
    with pytest.raises(LoihiError, match="the mesh has 4 cores a chip"):
        place(net, mesh=Mesh(2, 2, 1))
    with pytest.raises(LoihiError, match="built from another network"):
        place(net, model=built(images(1).net))


def test_activity_of_another_network_is_refused():
    layers = images(0)

    def activity(spiking=True, n_neurons=None, skip=None):
        counts = {
            e.label: np.zeros((1, n_neurons or e.n_neurons), np.uint8)
            for e in layers.net.all_ensembles
            if e.label != skip
        }
        records = {name: PopulationActivity(name, spiking, c) for name, c in counts.items()}
        protocol = Protocol("nengo", "fresh", 10, 0.001, 1, 0)
        return Activity(protocol, records, {})

    assert place(layers.net, activity=activity()).on_chip == 0
    for given, message in (
        (activity(skip="conv2"), "no population 'conv2'.*another network"),
        (activity(n_neurons=7), "neurons, and the activity counts 7"),
        (activity(spiking=False), "conv1 was measured without spikes"),
        ({"conv9": [1]}, "an entry for conv9.*there are"),
        ({"dense": [1, 2]}, r"dense has shape \(2,\); expected \(10,\)"),
        ({"dense": [0.5] * 10}, "whole numbers of spikes, not rates"),
        (3, "not int"),
    ):
        with pytest.raises(LoihiError, match=message):
            place(layers.net, activity=given)


def test_a_network_that_cannot_be_built_is_refused():
    layers = Layers(4)
    post = layers.population(4, "post")
    layers.connect(layers.encoder, post, layers.weights(4, 4).T, nengo.Alpha(0.005))
    with pytest.raises(LoihiError, match="NengoLoihi can't run this network as it is"):
        place(layers.net)
