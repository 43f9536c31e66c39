"""NengoLoihi's own emulator, run and counted, and networks to hold the batched one against it."""

from __future__ import annotations

import warnings

import nengo
import numpy as np

from nengo_spikecost import stack
from nengo_spikecost.loihi.emulation import Emulator

from .networks import STEPS, Layers

loihi = stack.nengo_loihi()


class Reference:
    """NengoLoihi's simulator, run, and all that its emulator did counted spike by spike."""

    def __init__(self, net, steps=STEPS, step_by_step=False, **options):
        with warnings.catch_warnings(record=True) as self.warnings, np.errstate(all="ignore"):
            warnings.simplefilter("always")
            with loihi.Simulator(net, target="sim", progress_bar=False, **options) as sim:
                self.emulator = sim.sims["emulator"]
                self._step, self.emulator.step = self.emulator.step, self.count_step
                self.blocks = list(sim.model.blocks)
                synapses = [s for block in self.blocks for s in block.synapses]
                self.number = {id(s): k for k, s in enumerate(synapses)}
                self.axon_events, self.synops = np.zeros((2, len(synapses)), dtype=int)
                counts = np.zeros((4, len(self.blocks)), dtype=int)
                self.with_input, self.active, self.charged, self.spikes = counts
                self.updates = np.zeros(len(self.blocks), dtype=int)
                self.by_step = {}
                if step_by_step:
                    for _ in range(steps):
                        sim.step()
                else:
                    sim.run_steps(steps)
                self.counts = self.emulator.compartment.spike_count.copy()
        self.model = sim.model
        self.data = {probe: np.array(sim.data[probe]) for probe in net.all_probes}

    def count_step(self):
        """Run a step, and keep what it added to the counts."""
        names = ("axon_events", "synops", "with_input", "active", "charged", "spikes")
        before = {name: getattr(self, name).copy() for name in names}
        self.count_one()
        for name, values in before.items():
            self.by_step.setdefault(name, []).append(getattr(self, name) - values)

    def count_one(self):
        emulator = self.emulator
        state, drawn = emulator.compartment, []
        given, sample = state.noise.target_u, state.noise.sample
        voltage, current = state.voltage.copy(), state.current.copy()
        state.noise.sample = lambda rng: drawn.append(sample(rng)) or drawn[0]
        self._step()
        state.noise.sample = sample
        # NengoLoihi adds noise to what arrives, or, where it is given to the membrane, to the bias
        noise = drawn[0]
        driven = (np.where(given, state.bias + noise, state.bias) != 0) | (~given & (noise != 0))
        charged = (voltage != 0) | driven
        busy = charged | (current != 0)
        for number, block in enumerate(self.blocks):
            reached = set()
            for synapse in block.synapses:
                for spike in emulator.synapses.spikes_in[synapse]:
                    base = synapse.axon_compartment_base(spike.axon_idx)
                    if base is None:
                        continue
                    weights, indices = synapse.axon_weights_indices(spike.axon_idx, spike.atom)
                    self.axon_events[self.number[id(synapse)]] += len(weights) > 0
                    self.synops[self.number[id(synapse)]] += len(weights)
                    reached.update((base + indices).tolist())
            part = emulator.block_info.slices[block]
            fired = set(np.flatnonzero(emulator.compartment.spiked[part]).tolist())
            self.updates[number] += block.n_neurons
            self.spikes[number] += len(fired)
            self.with_input[number] += len(reached)
            self.charged[number] += len(reached | set(np.flatnonzero(charged[part]).tolist()))
            active = reached | set(np.flatnonzero(busy[part]).tolist())
            assert fired <= active
            self.active[number] += len(active)


def assert_equal(net, steps=STEPS, counts=True, expected=None, **options):
    """Run a network on both; the run and the reference."""
    expected = expected or Reference(net, steps)
    # two builds may differ in the order of what NengoLoihi keeps in sets: the same model
    with Emulator(net, batch_size=2, model=expected.model, **options) as emulator:
        run = emulator.run(n_steps=steps, readout="all")
    assert set(run.outputs) == set(net.all_probes)
    for probe, output in run.outputs.items():
        assert output.steps.shape == (1, *expected.data[probe].shape)
        np.testing.assert_array_equal(output.steps[0], expected.data[probe], err_msg=str(probe))
    if counts:
        assert_same_counts(run, expected)
    return run, expected


def assert_same_counts(run, expected, sample=0):
    n = run.block_of[-1].stop
    np.testing.assert_array_equal(run.spikes[sample, :n], expected.counts)
    np.testing.assert_array_equal(run.block_spikes()[sample], expected.spikes)
    np.testing.assert_array_equal(run.axon_events[sample], expected.axon_events)
    np.testing.assert_array_equal(run.synops[sample], expected.synops)
    np.testing.assert_array_equal(run.with_input[sample], expected.with_input)
    np.testing.assert_array_equal(run.active[sample], expected.active)
    np.testing.assert_array_equal(run.updates(), expected.updates)
    by_block = np.zeros(len(run.block_of), dtype=int)
    for synapses, events in zip(run.synapses, expected.axon_events):
        by_block[synapses.block] += events
    np.testing.assert_array_equal(run.messages_to()[sample], by_block)


def nef_network(feedback=False):
    """Decoded values: a circle, a product, the host on both ends, perhaps in a loop."""
    net = nengo.Network(seed=2)
    loihi.add_params(net)
    with net:
        node = nengo.Node(lambda t: [np.sin(20 * t), np.cos(20 * t)], label="values")
        a = nengo.Ensemble(60, 2, label="a")
        b = nengo.Ensemble(50, 2, label="b", radius=1.5)
        product = nengo.Ensemble(40, 1, label="product")
        on_host = nengo.Ensemble(30, 1, label="on host")
        net.config[on_host].on_chip = False
        nengo.Connection(node, a, synapse=0.003)
        nengo.Connection(a, b, function=lambda x: [x[0] * x[1], x[1]])
        nengo.Connection(b, b, transform=[[0.9, -0.2], [0.2, 0.9]], synapse=0.02)
        nengo.Connection(b[0], product, solver=nengo.solvers.LstsqL2(weights=True))
        nengo.Connection(product, on_host, synapse=0.01)
        sink = nengo.Node(size_in=1, label="sink")
        nengo.Connection(a.neurons[:1], sink, synapse=None)
        computed = nengo.Node(lambda t, x: 2 * x, size_in=1, label="computed")
        nengo.Connection(on_host, computed)
        if feedback:
            nengo.Connection(computed, product, transform=0.3)
        for obj in (a, b, product, on_host, sink, computed):
            nengo.Probe(obj, synapse=0.01)
            nengo.Probe(obj)
        nengo.Probe(a.neurons)
        nengo.Probe(on_host.neurons)
    return net


def spiking_network(image):
    """A convolution and a dense layer on the chip, read through a filter by the host."""
    layers = Layers(50, seed=1)
    layers.input.output = image
    a = layers.population(48, "a")
    layers.connect(layers.encoder, a, layers.convolution(3, (5, 5, 2), kernel_size=(2, 2)))
    b = layers.population(9, "b")
    layers.connect(a, b, layers.weights(48, 9).T)
    layers.net.config[a].block_shape = loihi.BlockShape((3, 2, 3), (4, 4, 3))
    with layers.net:
        output = nengo.Node(size_in=4, label="output")
        nengo.Connection(b.neurons, output, transform=layers.weights(9, 4).T, synapse=0.005)
        layers.probes["output"] = nengo.Probe(output)
    return layers


IMAGES = np.random.RandomState(0).uniform(0, 400, (5, 50))
