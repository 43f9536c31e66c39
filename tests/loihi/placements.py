"""Networks to be placed, and messages counted one by one in NengoLoihi's emulator."""

from __future__ import annotations

import itertools
import warnings
from collections import Counter

import nengo
import numpy as np

from nengo_spikecost import stack

from .networks import Layers


def images(seed, pop_type=32):
    """Two convolutions and a dense layer on random block shapes, each perhaps recurrent."""
    loihi = stack.nengo_loihi()
    layers = Layers(8 * 8 * 2, seed=seed)
    rng, net = layers.rng, layers.net
    # pop16 axons start at every fourth compartment: here at whole pixels of 4 or 8 channels
    channels_last = pop_type == 16 or bool(rng.randint(2))
    shape = (8, 8, 2) if channels_last else (2, 8, 8)
    previous = layers.encoder
    for n, (filters, strides) in enumerate(((4, 1), (8, int(rng.randint(1, 3)))), 1):
        transform = layers.convolution(
            filters, shape, strides=(strides, strides), channels_last=channels_last
        )
        shape = transform.output_shape.shape
        post = layers.population(int(np.prod(shape)), f"conv{n}")
        conn = layers.connect(previous, post, transform)
        net.config[conn].pop_type = pop_type
        layers.probe(post)
        block = tuple(int(rng.randint(1 + size // 2, size + 1)) for size in shape)
        if pop_type == 16:
            block = (*block[:-1], shape[-1])
        net.config[post].block_shape = loihi.BlockShape(block, tuple(shape))
        previous = post
    dense = layers.population(10, "dense")
    layers.connect(previous, dense, layers.weights(previous.n_neurons, 10).T * 10)
    layers.probe(dense)
    if rng.rand() < 0.5:
        layers.connect(dense, dense, layers.weights(10, 10).T / 10)
    if rng.rand() < 0.5:  # a second way to the same cores
        layers.connect(previous, dense, layers.weights(previous.n_neurons, 10).T)
    net.config[dense].block_shape = loihi.BlockShape((4,), (10,))
    return layers


def decoded(seed=0):
    """Ensembles that pass decoded values on: NengoLoihi adds decoding neurons."""
    loihi = stack.nengo_loihi()
    with nengo.Network(seed=seed) as net:
        loihi.add_params(net)
        stimulus = nengo.Node([0.5, -0.3], label="stimulus")
        a = nengo.Ensemble(60, 2, label="a")
        b = nengo.Ensemble(50, 2, label="b")
        output = nengo.Node(lambda t, x: None, size_in=2, label="output")
        nengo.Connection(stimulus, a)
        nengo.Connection(a, b, function=np.square)
        nengo.Connection(b, b, synapse=0.1)
        nengo.Connection(b, output)
        for ens in (a, b):
            nengo.Probe(ens.neurons)
        net.config[a].block_shape = loihi.BlockShape((25,), (60,))
    return net


class MessageCounter:
    """Runs the emulator, and counts every message that reaches weights, one by one.

    Attributes
    ----------
    simulator : nengo_loihi.Simulator
    messages : Counter
        By number of the sending block (None: the host) and of the receiving one.
    spikes : dict
        Spikes of each neuron that had the time to arrive, by Ensemble, or by Connection
        whose values are decoded on the chip.
    """

    def __init__(self, net, steps):
        self.messages = Counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            simulator = stack.nengo_loihi().Simulator(
                net, target="sim", progress_bar=False, precompute=False
            )
        self.simulator = simulator
        self.steps = steps
        self.emulator = simulator.sims["emulator"]
        self.blocks = list(simulator.model.blocks)
        self.owner_of_synapse = {
            synapse: number for number, b in enumerate(self.blocks) for synapse in b.synapses
        }
        inject = self.emulator.synapses.inject_current

        def counted(t, spike_inputs, all_axons, spiked):
            inject(t, spike_inputs, all_axons, spiked)
            self._count(spiked)

        self.emulator.synapses.inject_current = counted
        self.sent = {}
        host2chip = self.emulator.host2chip

        def noted(spikes, errors):
            for spike_input, t, neurons in spikes:
                if t < steps:  # those of the last step do not arrive
                    self.sent.setdefault(spike_input, []).extend(neurons)
            host2chip(spikes, errors)

        self.emulator.host2chip = noted
        with warnings.catch_warnings(), simulator:
            warnings.simplefilter("ignore")
            simulator.run_steps(steps)
            self.spikes = dict(self._spikes())

    def _count(self, spiked):
        arrived = Counter()
        for synapse, spikes in self.emulator.synapses.spikes_in.items():
            arrived[self.owner_of_synapse[synapse]] += sum(
                _reaches_weights(synapse, spike) for spike in spikes
            )
        for number, block in enumerate(self.blocks):
            fired = spiked[self.emulator.block_info.slices[block]].nonzero()[0]
            for axon in block.axons:
                receiver = self.owner_of_synapse[axon.target]
                for spike in axon.map_spikes(fired):
                    if spike is not None and _reaches_weights(axon.target, spike):
                        self.messages[number, receiver] += 1
                        arrived[receiver] -= 1
        for receiver, from_host in arrived.items():
            assert from_host >= 0
            self.messages[None, receiver] += from_host

    def _spikes(self):
        model, state = self.simulator.model, self.emulator.compartment
        arrived = state.spike_count - state.spiked
        for obj, built in list(model.objs.items()):
            blocks = ()
            if isinstance(obj, nengo.Ensemble):
                blocks = built["out"]
            elif isinstance(obj, nengo.Connection) and "decoded" in built:
                blocks = built["decoded"]
            if blocks:
                counts = np.zeros(sum(b.n_neurons for b in blocks), dtype=int)
                for block in blocks:
                    neurons = list(model.block_comp_map[block])
                    counts[neurons] = arrived[self.emulator.block_info.slices[block]]
                yield obj, counts
        for spike_input, neurons in self.sent.items():
            yield self._sender(spike_input), np.bincount(neurons, minlength=spike_input.n_neurons)

    def _sender(self, spike_input):
        """The Ensemble or Connection whose spikes an input passes on (none are sliced here)."""
        model = self.simulator.model
        receiver = next(r for r, given in model.spike_targets.items() if given is spike_input)
        node = next(n for n, r in model.host2chip_senders.items() if r is receiver)
        for conn in (*model.host_pre.params, *model.host.params):
            if isinstance(conn, nengo.Connection) and conn.post_obj is node:
                ens = conn.pre_obj.ensemble
                encoded = model.connection_decode_neurons.items()
                return next((key for key, value in encoded if value is ens), ens)
        raise AssertionError("nothing sends to the input")


def _reaches_weights(synapse, spike):
    if synapse.axon_compartment_base(spike.axon_idx) is None:
        return False
    weights, _ = synapse.axon_weights_indices(spike.axon_idx, atom=spike.atom)
    return weights.size > 0


def walk(mesh, start, end):
    """Hops of one message, walked tile by tile: first along the row, then along the column.

    Returns
    -------
    Steps east or west, steps north or south, steps into another chip.
    """

    def tile(position):
        chip, core = divmod(position, mesh.width * mesh.height * mesh.cores_per_tile)
        chip_row, chip_column = divmod(chip, mesh.chips_per_row)
        column, row = divmod(core // mesh.cores_per_tile, mesh.height)
        return [chip_column * mesh.width + column, chip_row * mesh.height + row]

    here, there = tile(start), tile(end)
    hops, crossings = [0, 0], 0
    for axis, size in enumerate((mesh.width, mesh.height)):
        while here[axis] != there[axis]:
            before = here[axis]
            here[axis] += 1 if there[axis] > before else -1
            hops[axis] += 1
            crossings += before // size != here[axis] // size
    return hops[0], hops[1], crossings


def cheapest(flow, distance, capacity, region=None, start=None):
    """The least cost over all arrangements of items in places, one by one."""
    best = np.inf
    for places in itertools.product(range(len(capacity)), repeat=len(flow)):
        if (np.bincount(places, minlength=len(capacity)) > capacity).any():
            continue
        if region is not None and (region[list(places)] != region[start]).any():
            continue
        cost = sum(
            flow[i, k] * distance[places[i], places[k]] for i in range(len(flow)) for k in range(i)
        )
        best = min(best, cost)
    return best
