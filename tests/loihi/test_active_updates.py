"""Active updates of every core and step, against NengoLoihi's own currents and voltages.

Networks are random: leaks, rests, biases, floors below 0, loops, weights of 0, blocks of any size;
they are measured as a user does, in several lanes.
"""

from __future__ import annotations

import nengo
import numpy as np
import pytest

import nengo_spikecost as nsc
from nengo_spikecost import stack

STEPS, SAMPLES, WIDTH = 25, 5, 18


def random_network(seed):
    """One to three layers behind a host's, and the Node that feeds it."""
    loihi, rng = stack.nengo_loihi(), np.random.RandomState(seed)
    own = loihi.neurons.LoihiSpikingRectifiedLinear()
    with nengo.Network(seed=seed) as net:
        loihi.add_params(net)
        given = nengo.Node(np.zeros(WIDTH))
        before = nengo.Ensemble(
            WIDTH, 1, neuron_type=own, gain=np.ones(WIDTH), bias=np.zeros(WIDTH)
        )
        net.config[before].on_chip = False
        nengo.Connection(given, before.neurons, synapse=None)
        for _ in range(rng.randint(1, 4)):
            n, synapse = int(rng.randint(2, 12)), float(rng.choice([0.0005, 0.005, 0.03]))
            leaky = loihi.neurons.LoihiLIF(
                tau_rc=float(rng.choice([0.005, 0.02, 0.1])),
                tau_ref=float(rng.choice([0.0, 0.001, 0.004])),
                min_voltage=float(rng.choice([0, -1, -0.2])),
            )
            after = nengo.Ensemble(
                n, 1, neuron_type=leaky if rng.rand() < 0.7 else own, gain=np.ones(n),
                bias=rng.choice([0, 0, 0.3, -0.5, 5], n).astype(float),
            )  # fmt: skip
            some = rng.rand(n, before.n_neurons) < 0.5
            weights = some * rng.uniform(-0.5, 1, (n, before.n_neurons))
            nengo.Connection(before.neurons, after.neurons, transform=weights, synapse=synapse)
            if rng.rand() < 0.4:
                loop = rng.uniform(-0.5, 0.3, (n, n))
                nengo.Connection(after.neurons, after.neurons, transform=loop, synapse=synapse)
            if rng.rand() < 0.5 and n > 3:
                net.config[after].block_shape = loihi.BlockShape((n // 2,), (n,))
            before = after
        nengo.Probe(before.neurons)
    return net, given


def active_by_nengo_loihi(net, steps):
    """Of each block at each step, (steps, n_blocks): from the state of NengoLoihi's simulator."""
    found = []
    with stack.nengo_loihi().Simulator(net, target="sim", progress_bar=False) as sim:
        emulator = sim.sims["emulator"]
        state, slices = emulator.compartment, emulator.block_info.slices
        step = emulator.step

        def count():
            charged = (state.voltage != 0) | (state.current != 0) | (state.bias != 0)
            step()
            for block, part in slices.items():
                for synapse in block.synapses:
                    for spike in emulator.synapses.spikes_in[synapse]:
                        base = synapse.axon_compartment_base(spike.axon_idx)
                        if base is not None:
                            _, places = synapse.axon_weights_indices(spike.axon_idx, spike.atom)
                            charged[part.start + base + np.asarray(places)] = True
            found.append([int(charged[part].sum()) for part in slices.values()])

        emulator.step = count
        sim.run_steps(steps)
    return np.array(found)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("seed", [0, 1, 5, 7, 11, 12])
def test_of_random_networks_in_several_lanes(tmp_path, seed):
    net, given = random_network(seed)
    rng = np.random.RandomState(seed)
    x = rng.uniform(-50, 400, (SAMPLES, WIDTH)) * (rng.rand(SAMPLES, 1) < 0.8)
    settings = {"simulator": "loihi", "by_step": True, "progress": False, "batch_size": 2}

    def measured(presentation, **others):
        given.output = np.zeros(WIDTH)
        run = nsc.measure(
            net, {given: x}, STEPS, presentation=presentation, **settings, **others
        ).chip
        np.testing.assert_array_equal(run.by_step.active.sum(axis=1), run.active)
        return run.by_step.active

    fresh = measured("fresh", checkpoint=tmp_path)
    for sample, values in enumerate(x):
        given.output = values
        np.testing.assert_array_equal(fresh[sample], active_by_nengo_loihi(net, STEPS))
    np.testing.assert_array_equal(measured("fresh", checkpoint=tmp_path), fresh)  # as it was kept
    continuous = measured("continuous")
    for lane in range(2):
        own = x[lane::2]
        given.output = nengo.processes.PresentInput(own, STEPS * 0.001)
        expected = active_by_nengo_loihi(net, STEPS * len(own))
        np.testing.assert_array_equal(np.concatenate(continuous[lane::2]), expected)
    assert 0 < fresh.sum() < fresh.size * 12
