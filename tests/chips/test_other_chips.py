"""AKD1000, Loihi 2 and SpiNNaker 2: what is published, and the sentence where nothing is."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import nengo
import numpy as np
import pytest
from nengo_loihi.neurons import LoihiSpikingRectifiedLinear

import nengo_spikecost as nsc
from nengo_spikecost import chips, errors, stack

from .networks import chain
from .test_speck_cores import images

AKIDA = json.loads((Path(__file__).parent / "recordings" / "akida_layers.json").read_text())
CONV = {"filters": 4, "kernel": 3, "stride": 2, "bias": 0}


def structure(name):
    """The Keras model of a recorded case, as `fit --chip` converts it."""
    layers = stack.keras().layers
    kind, *sizes = name.split(" ")
    size = int(sizes[-1]) if sizes else 3
    own = {"filters": 4, "kernel_size": 3, "padding": "same", "activation": "relu"}
    first = layers.Conv2D(**own, input_shape=(size if kind == "mean" else 32,) * 2 + (1,))
    dense, then = [layers.Flatten(), layers.Dense(10)], layers.Conv2D(**own)
    chains = {
        "valid": [layers.Conv2D(**{**own, "padding": "valid"}), *dense],
        "same": [then, *dense],
        "pooled-dense": [then, layers.AveragePooling2D(), *dense],
        "first-pooled-dense": [
            layers.AveragePooling2D(), layers.Flatten(), layers.Dense(6, activation="relu"),
            layers.Dense(10),
        ],
        "pooled": [then, layers.AveragePooling2D(size), layers.Conv2D(**own), *dense],
        "mean": [then, layers.GlobalAveragePooling2D(), layers.Dense(10)],
        "separable": [layers.SeparableConv2D(**{**own, "kernel_size": size}), *dense],
        "depthwise": [
            layers.DepthwiseConv2D(3, padding="same", activation="relu"), then, *dense
        ],
        "normalized": [
            layers.Conv2D(**{**own, "activation": None}), layers.BatchNormalization(),
            layers.ReLU(), *dense,
        ],
    }  # fmt: skip
    model = stack.keras().Sequential([first, *chains[kind]]) if kind in chains else branching(kind)
    rng = np.random.RandomState(0)
    model.set_weights([rng.uniform(0.1, 1, w.shape) for w in model.get_weights()])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return nsc.convert(model, lower=False, synapse=None)


def branching(kind):
    """A Keras model with a sum of two layers, or with two that read one."""
    layers = stack.keras().layers
    own = {"filters": 4, "kernel_size": 3, "padding": "same", "activation": "relu"}
    image = layers.Input((32, 32, 1))
    first = layers.Conv2D(**own)(image)
    then = layers.Conv2D(**own)(first)
    if kind == "sum":
        last = layers.Conv2D(**own)(first + then)
        return stack.keras().Model(image, layers.Dense(10)(layers.Flatten()(last)))
    heads = [layers.Dense(10, activation="relu")(layers.Flatten()(then)) for _ in range(2)]
    return stack.keras().Model(image, heads)


def misfits(chip, network):
    return {check.limit.quantity for check in chips.fit(chip, network).misfits}


class TestAKD1000:
    @pytest.mark.parametrize("case", AKIDA["cases"], ids=lambda case: str(list(case.values())))
    def test_convolutions_are_those_that_its_vendor_maps(self, case):
        size = {"input": [1, 32, 32]}
        own = {**CONV, "kernel": case["kernel"], "stride": case["stride"]}
        before = [] if case["first"] else [{**CONV, "stride": 1}]
        found = misfits("akd1000", images({**size, "layers": [*before, own]}, padding="same"))
        assert (found == set()) == case["mapped"], case["words"]
        assert found <= {"first_convolutions" if case["first"] else "convolutions"}

    @pytest.mark.parametrize("case", AKIDA["structures"], ids=lambda case: case["name"])
    def test_structures_are_those_that_its_vendor_maps(self, case):
        """A network with neurons for the first layer on the chip, and one of Keras with them."""
        found = misfits("akd1000", structure(case["name"]))
        assert (found == set()) == case["mapped"], (found, case["words"])

    def test_a_window_as_large_as_the_whole_image_behind_it_is_a_window_still(self):
        """4 x 4 pooled by 2, and by 2 again: the first is a window in front of a dense layer."""
        layers = stack.keras().layers
        own = {"filters": 4, "kernel_size": 3, "padding": "same", "activation": "relu"}
        pools = [layers.AveragePooling2D(), layers.AveragePooling2D()]
        chain = [layers.Conv2D(**own, input_shape=(4, 4, 1)), layers.Conv2D(**own), *pools]
        network = nsc.convert(
            stack.keras().Sequential([*chain, layers.Flatten(), layers.Dense(3)]),
            lower=False, synapse=None,
        )  # fmt: skip
        assert misfits("akd1000", network) == {"pools_before_dense"}
        once = [layers.Conv2D(**own, input_shape=(2, 2, 1)), layers.Conv2D(**own), pools[0]]
        network = nsc.convert(
            stack.keras().Sequential([*once, layers.Flatten(), layers.Dense(3)]),
            lower=False, synapse=None,
        )  # fmt: skip
        assert misfits("akd1000", network) == set()

    def test_convolutions_of_single_channels_are_no_layer_of_its_own(self):
        """The vendor's package has none of Akida 1.0; of a separable one it is the first half."""
        assert misfits("akd1000", structure("depthwise")) == {"grouped_convolutions"}
        assert misfits("akd1000", structure("separable 3")) == set()

    def test_nothing_recurrent(self):
        weights = {"input": np.ones((2, 3)), "hidden": np.ones((3, 3)), "readout": np.ones((3, 2))}
        # a layer that reads itself has two that it reads, and two that read it
        circle = {"topology", "layer_sources", "layer_targets"}
        assert misfits("akd1000", chain(weights, (3,))) == circle
        weights["hidden"] = np.zeros((3, 3))
        assert misfits("akd1000", chain(weights, (3,))) == set()

    def test_weights_of_more_than_four_bits_are_rounded(self):
        weights = {
            "input": np.array([[8, 1, 3]]), "hidden": np.zeros((3, 3)), "readout": np.ones((3, 2)),
        }  # fmt: skip
        fit = chips.fit("akd1000", chain(weights, (3,)))
        assert fit.fits and [c.need.value for c in fit.rounded] == [5]

    def test_no_time_and_no_energy(self):
        with pytest.raises(errors.ChipError, match=r"AKD1000.*time of a layer"):
            chips.run_time("akd1000", nengo.Network(), None, 3)


@pytest.fixture(scope="module")
def on_loihi():
    rest = {"voltage": nengo.dists.Choice([0])}
    with nengo.Network(seed=0) as net:
        net.config[nengo.Ensemble].neuron_type = LoihiSpikingRectifiedLinear(initial_state=rest)
        net.config[nengo.Ensemble].gain = nengo.dists.Choice([1])
        net.config[nengo.Ensemble].bias = nengo.dists.Choice([0])
        net.config[nengo.Connection].synapse = 0.005
        values = nengo.Node(np.zeros(6), label="values")
        source, a, b = (
            nengo.Ensemble(n, 1, label=x) for n, x in ((6, "source"), (5, "a"), (4, "b"))
        )
        nengo.Connection(values, source.neurons, synapse=None)
        nengo.Connection(source.neurons, a.neurons, transform=np.ones((5, 6)))
        nengo.Connection(a.neurons, b.neurons, transform=np.ones((4, 5)))
        nengo.Probe(b.neurons)
    nsc.loihi.mark_off_chip(net, [source])
    samples = np.random.RandomState(0).rand(2, 6) * 150
    return nsc.measure(net, samples, 30, simulator="loihi", by_step=True, progress=False)


class TestLoihi2:
    def test_the_fullest_core_of_each_step_is_counted(self, on_loihi):
        time = chips.run_time_on_cores("loihi2", on_loihi)
        chip, steps = on_loihi.chip, on_loihi.chip.by_step
        assert np.all(time.counts["core_updates"] == max(chip.compartments))
        for sample in range(2):
            for step in range(30):
                synops = [
                    sum(of[sample, step, core] for of in steps.synops.values())
                    for core in range(chip.n_cores)
                ]
                assert time.counts["core_synops"][sample, step] == max(synops)
        assert time.counts["core_synops"].any()
        assert np.array_equal(time.counts["core_messages_in"], steps.axon_events.max(axis=-1))
        assert np.array_equal(time.counts["core_messages_out"], steps.messages_out.max(axis=-1))

    def test_no_time_is_made_up(self, on_loihi):
        time = chips.run_time_on_cores("loihi2", on_loihi)
        with pytest.raises(errors.ChipError, match="not published in numbers"):
            _ = time.steps
        text = str(time)
        assert "not known" in text and "No energy of an operation is published for Loihi 2" in text
        assert max(map(len, text.splitlines())) <= 80
        content = json.loads(time.to_json())
        assert content["step"] is None and content["terms"][0]["each"] is None
        assert chips.get("loihi2").step.missing == tuple(row["term"] for row in content["terms"])

    def test_with_numbers_of_ones_own_the_largest_term_decides(self, on_loihi, tmp_path):
        path = tmp_path / "mine.toml"
        path.write_text(
            '[mine]\ntitle = "My Loihi 2"\nlimits = {}\n'
            'step = { unit = "s", join = "largest", source = "timcheck", terms = { '
            "core_updates = 2e-9, core_synops = 5e-9, barriers = 18e-9 } }\n"
        )
        chips.load_chips(path)
        time = chips.run_time_on_cores("mine", on_loihi)
        counts = time.counts
        by_hand = np.maximum(
            np.maximum(2e-9 * counts["core_updates"], 5e-9 * counts["core_synops"]), 18e-9
        )
        np.testing.assert_allclose(time.steps, by_hand)
        synops = (5e-9 * counts["core_synops"] > 18e-9).mean()
        assert time.decides["core_synops"] == pytest.approx(synops) and 0 < synops < 1
        assert sum(time.decides.values()) == pytest.approx(1)
        assert "decide in" in str(time)

    def test_each_function_says_when_the_other_is_meant(self, on_loihi):
        with pytest.raises(errors.ChipError, match="run_time_on_cores"):
            chips.run_time("loihi2", nengo.Network(), None, 3)
        with pytest.raises(errors.ChipError, match=r"counted by run_time\."):
            chips.run_time_on_cores("xylo_imu", on_loihi)
        with pytest.raises(errors.ChipError, match="by_step=True"):
            net = chain({k: np.ones((1, 1)) for k in ("input", "hidden", "readout")}, (1,))
            plain = nsc.measure(net, np.ones((1, 1)), 3, progress=False)
            chips.run_time_on_cores("loihi2", plain)
        with pytest.raises(errors.ChipError, match="Activity"):
            chips.run_time_on_cores("loihi2", "spikes")


class TestSpiNNaker2:
    def test_cycles_of_the_keyword_spotter_by_the_published_formula(self):
        """390-256-256 of Blouw et al. 2019, whose two layers Yan et al. give the formula for."""
        n = 512
        weights = {
            "input": np.zeros((390, n)),
            "hidden": np.zeros((n, n)),
            "readout": np.zeros((n, 29)),
        }
        weights["input"][:, :256] = 1
        weights["hidden"][:256, 256:] = 1
        weights["readout"][256:] = 1
        time = chips.run_time("spinnaker2", chain(weights, (256, 256)), np.zeros((1, 390)), 2)

        def cycles(inputs, neurons):
            return 0.13 * neurons * inputs + 24.0 * inputs + 5.38 * neurons + 74.0

        expected = cycles(390, 256) + cycles(256, 256) + cycles(256, 29)
        np.testing.assert_allclose(time.steps, expected)
        assert time.worst_step == pytest.approx(expected)  # whatever spikes

    def test_more_synapses_than_bytes_never_fit(self):
        with nengo.Network() as net:
            a, b = (nengo.Ensemble(4500, 1, neuron_type=nengo.LIF(), label=x) for x in "ab")
            nengo.Connection(a.neurons, b.neurons, transform=np.ones((4500, 4500)))
            nengo.Probe(b.neurons)
        assert misfits("spinnaker2", net) == {"synapses"}
