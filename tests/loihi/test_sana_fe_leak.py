"""Active updates against SANA-FE itself, whose neurons leak, fire and rest on their own.

SANA-FE's LIF neurons count in steps of 1/64 and round towards zero, as Loihi's in whole numbers.
What is a whole number here is a 64th there, and both compute the same, bit for bit. Only currents
differ: SANA-FE does not round them, and does not ask for them when it updates a neuron. So none
of a current is kept here from step to step.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io

import nengo
import numpy as np
import pytest

from nengo_spikecost import stack
from nengo_spikecost.energy.loihi_chip import price_chip
from nengo_spikecost.loihi.sana_fe import read_constants, record_spikes
from nengo_spikecost.loihi.sana_fe.architecture import HOST, NEURONS, SYNAPSES, sanafe
from nengo_spikecost.workload.measured_chip import chip_work

from .emulated import Reference
from .networks import Layers

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("sanafe") is None,
    reason="SANA-FE is not installed: pip install 'nengo-spikecost[sanafe]'",
)

loihi = stack.nengo_loihi()
STEPS = 60

#: SANA-FE's smallest step.
UNIT = 1 / 64


class LeakyCore:
    """A recording's only block as neurons of SANA-FE that do all themselves, fed with its input."""

    def __init__(self, recording):
        package = sanafe()
        (block,), (given,) = recording.built.blocks, recording.built.inputs
        architecture = package.load_arch(str(read_constants().path))
        network = package.Network()
        c, n = block.obj.compartment, block.obj.n_neurons
        self.group = network.create_neuron_group("core", n, soma_hw_name=NEURONS)
        columns = (c.vth, c.vmin, c.decay_v, c.bias, c.refract_delay)
        for neuron, values in zip(self.group, zip(*(np.broadcast_to(x, n) for x in columns))):
            threshold, lowest, decay, bias, rest = (float(value) for value in values)
            attributes = {
                "threshold": threshold * UNIT, "reverse_threshold": lowest * UNIT,
                "reverse_reset_mode": "saturate", "leak_decay": (4096 - decay) / 4096,
                "bias": bias * UNIT, "refractory_delay": int(rest), "reset_mode": "hard",
            }  # fmt: skip
            neuron.set_attributes(
                model_attributes=attributes, default_synapse_hw_name=SYNAPSES["dense"]
            )
        trains = recording.spikes[:, n:].T
        sources = network.create_neuron_group("host", len(trains))
        for neuron, train in zip(sources, trains):
            neuron.set_attributes(
                soma_hw_name=f"{HOST}[{neuron.get_id()}]",
                model_attributes={"spikes": train.tolist()},
            )
        for axon in given.obj.axons:
            synapse = axon.target
            for source, index in enumerate(axon.map_axon(np.arange(len(trains)))):
                weights, places = synapse.axon_weights_indices(int(index), atom=0)
                pairs = [(source, int(place)) for place in places]
                sources.connect_neurons_sparse(
                    self.group, {"weight": [float(w) * UNIT for w in weights]}, pairs
                )
        self.group.map_to_core(architecture.cores()[0])
        sources.map_to_core(architecture.cores()[1])
        self.chip = package.SpikingChip(architecture)
        with contextlib.redirect_stdout(io.StringIO()):
            self.chip.load(network)
            steps = [self._step() for _ in recording.spikes]
        self.fired, self.updated, self.soma_J = np.array(steps).T
        self.fired -= trains.sum(axis=0)
        self.updated -= trains.sum(axis=0)

    def _step(self):
        trace = self.chip.sim(1, timing_model="simple", perf_trace=True)["perf_trace"]
        return [trace[name][0] for name in ("fired", "updated", "soma_energy")]


def layer(neuron_type, weights, values, gain=1.0, bias=0.0, **options):
    """Neurons on the chip behind a layer of the host; no filter, so that no current stays."""
    layers = Layers(weights.shape[1], neuron_type=loihi.neurons.LoihiSpikingRectifiedLinear())
    layers.input.output = values
    with layers.net:
        post = nengo.Ensemble(
            len(weights), 1, neuron_type=neuron_type, gain=np.full(len(weights), gain),
            bias=np.broadcast_to(bias, len(weights)), label="post", **options,
        )  # fmt: skip
    layers.connect(layers.encoder, post, weights, synapse=None)
    return layers.net


def once(size):
    """Every neuron of the host fires at the first step, and never again."""
    return lambda t: np.full(size, 1001.0 if t < 0.0015 else 0.0)


def recorded(network):
    """A run on the emulated chip, without any decay of currents."""
    with loihi.Simulator(network, target="sim", progress_bar=False) as simulator:
        model = simulator.model
    for block in model.blocks:
        block.compartment.decay_u[:] = 4095  # NengoLoihi has 4094, of which a few units are left
    return record_spikes(network, n_steps=STEPS, model=model)


def random_layer(neuron_type, **options):
    rng = np.random.RandomState(0)
    weights = rng.normal(0.001, 0.003, (25, 12))
    return layer(neuron_type, weights, rng.uniform(0, 400, 12), **options)


LEAKY = nengo.LIF(tau_rc=0.003, tau_ref=0.002, initial_state={"voltage": nengo.dists.Choice([0])})
NETWORKS = {
    "leaks away": lambda: layer(LEAKY, np.full((10, 1), 0.002), once(1)),
    "decays below 0": lambda: layer(
        nengo.LIF(tau_rc=0.003, min_voltage=-2, initial_state=LEAKY.initial_state),
        np.linspace(-0.004, 0.003, 10)[:, None], once(1),
    ),
    "leaks and rests": lambda: random_layer(LEAKY),
    "rests for long": lambda: random_layer(
        nengo.LIF(tau_rc=0.01, tau_ref=0.009, initial_state=LEAKY.initial_state)
    ),
    "floor of 0, no leak": lambda: random_layer(loihi.neurons.LoihiSpikingRectifiedLinear()),
    "some with a bias": lambda: random_layer(LEAKY, bias=np.arange(25) % 3 * 0.4),
}  # fmt: skip


@pytest.fixture(scope="module", params=NETWORKS)
def both(request):
    recording = recorded(NETWORKS[request.param]())
    return recording, LeakyCore(recording)


def test_fires_and_is_updated_as_in_sana_fe(both):
    """In every step the same neurons; ours also where only a current is left."""
    recording, theirs = both
    steps = recording.chip.by_step
    np.testing.assert_array_equal(theirs.fired, steps.spikes[0, :, 0])
    reference = Reference(recording.built.network, STEPS, model=recording.built.model)
    charged = np.array(reference.by_step["charged"])[:, 0]
    np.testing.assert_array_equal(theirs.updated, charged)
    active = steps.active[0, :, 0]
    np.testing.assert_array_equal(active, np.array(reference.by_step["active"])[:, 0])
    assert (active >= charged).all()
    # only a step after its input is a current left alone, where it made a neuron fire, or rest
    after_input = np.append(False, steps.with_input[0, :-1, 0] > 0)
    assert (active == charged)[~after_input].all()


def test_energy_is_theirs_step_by_step(both):
    """With updates as SANA-FE has them: by its constants, what its neurons cost."""
    recording, theirs = both
    energy = read_constants().energy
    n = recording.chip.compartments.sum()
    expected = energy["neuron_access"] * n + energy["neuron_update"] * theirs.updated
    expected += energy["spike_out"] * theirs.fired
    np.testing.assert_allclose(theirs.soma_J, expected, rtol=1e-6)
    parts = price_chip(chip_work(recording), "silicon").parts_J
    found = sum(parts[name].nominal for name in ("access", "update", "spike"))
    alone = recording.chip.active.sum() - theirs.updated.sum()
    np.testing.assert_allclose(
        found, theirs.soma_J.sum() + alone * energy["neuron_update"], rtol=1e-6
    )


def test_ten_neurons_after_one_input():
    """728 pJ in every later step, and 512 only once the voltage is 0."""
    recording = recorded(NETWORKS["leaks away"]())
    steps, theirs = recording.chip.by_step, LeakyCore(recording)
    assert recording.spikes[:, -1].nonzero()[0].tolist() == [0]
    assert steps.spikes.sum() == 0
    ours_pJ = 10 * 51.2 + steps.active[0, :, 0] * 21.6
    np.testing.assert_allclose(ours_pJ, 1e12 * theirs.soma_J, rtol=1e-6)
    left = recording.charged.any(axis=1).nonzero()[0]
    assert (
        left[0] == 2 and np.array_equal(left, np.arange(2, left[-1] + 1)) and left[-1] < STEPS - 5
    )
    np.testing.assert_allclose(ours_pJ[1 : left[-1] + 1], 728)
    np.testing.assert_allclose(ours_pJ[[0, *range(left[-1] + 1, STEPS)]], 512)
