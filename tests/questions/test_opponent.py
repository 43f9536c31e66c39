"""`break_even`: on real networks, in words, as a table, as records and as a plot."""

from __future__ import annotations

import json
from dataclasses import replace

import matplotlib
import nengo
import numpy as np
import pytest

import nengo_spikecost as nsc
from nengo_spikecost.energy.cost_models import get_cost_model
from nengo_spikecost.energy.device import Constant, Device
from nengo_spikecost.energy.peers.lemaire import lemaire
from nengo_spikecost.errors import EnergyError, MissingActivityError
from nengo_spikecost.questions.opponent.balance import Balance, LayerBalance
from nengo_spikecost.questions.opponent.break_even import break_even_of, zero_share
from nengo_spikecost.questions.opponent.verdicts import verdict
from nengo_spikecost.questions.shown.break_even_view import outcome
from nengo_spikecost.workload.work_entries import (
    DenseWork,
    HostWork,
    PathwayWork,
    PopulationWork,
    UncountedWork,
)
from nengo_spikecost.workload.workload_record import LayerInfo, Workload

from .. import models

matplotlib.use("Agg")

CHIP = Device("chip", True, Constant(2e-12), Constant(3e-12), process="14 nm")
DENSE = Device("dense", False, Constant(40e-12), Constant(1e-12), process="45 nm")
SYNOPS = np.array([100, 300, 200])


@pytest.fixture
def workload():
    """Spikes from 5 neurons of the host arrive at 20 synapses of the chip."""
    return Workload(
        layers=tuple(LayerInfo(name, "Dense", "(5,)") for name in ("a", "b", "pool", "out")),
        populations=(
            PopulationWork("a", "a", 5, "LIF", True, 50, SYNOPS // 10, on_chip=False),
            PopulationWork("b", "b", 4, "LIF", True, 40, np.zeros(3, int)),
        ),
        pathways=(
            PathwayWork("a -> b", "b", "neural", 20, SYNOPS, n_sources=5,
                        source_spikes=SYNOPS // 10),
        ),
        dense=(DenseWork("ab", "b", 20), DenseWork("mean", "pool", 7),
               DenseWork("bo", "out", 8, on_chip=False)),
        uncounted=(),
        n_steps=10,
        dt=0.002,
        n_samples=3,
        host=(HostWork("bo", "out", "readout", 8, 0, 0, 10),
              HostWork("a", "a", "neurons", 0, 5, 0, 10)),
    )  # fmt: skip


def hold(workload, **options):
    return break_even_of(workload, **{"device": CHIP, "opponent": DENSE, **options})


class TestInWords:
    def test_wins(self, workload):
        assert hold(workload).layer_verdict("b") == (
            "b wins: 520 pJ on chip are 0.647 times the 804 pJ of dense, at 200 Hz (10 spikes per "
            "synapse). It wins up to 342 Hz (17.1 spikes per synapse)."
        )

    def test_loses_in_some_samples(self, workload):
        verdict = hold(workload, opponent=replace(DENSE, energy_per_synop=Constant(20e-12)))
        assert verdict.layer_verdict("b") == (
            "b loses: 520 pJ on chip are 1.29 times the 404 pJ of dense, at 200 Hz (10 spikes per "
            "synapse). It would win below 142 Hz (7.1 spikes per synapse). It wins in 1 of 3 "
            "samples."
        )

    def test_never_wins(self, workload):
        found = hold(workload, opponent=replace(DENSE, energy_per_synop=Constant(1e-12)))
        assert found.layer_verdict("b") == (
            "b never wins: without any spike it takes 120 pJ on chip, 5 times the opponent's "
            "24.0 pJ."
        )
        assert found.verdict.startswith("The network never wins: ")

    def test_host_composed_and_silent_layers(self, workload):
        found = hold(workload)
        assert found.layer_verdict("out") == "out is left to the host on both sides."
        assert "costs the opponent 280 pJ" in found.layer_verdict("pool")
        silent = hold(workload.with_spikes(0.0))
        assert "no spike arrives at it" in silent.layer_verdict("b")
        words = [outcome(layer) for layer in (*found.layers, *silent.layers)]
        assert words == ["host", "wins", "composed", "host", "host", "no spikes", "composed",
                         "host"]  # fmt: skip

    def test_what_is_uncounted_is_said(self, workload):
        missing = replace(workload, uncounted=(UncountedWork("rule", "b", "is opaque"),))
        found = hold(missing)
        assert found.layer_verdict("b").endswith("Not counted: rule (is opaque).")
        assert "Total, at least" in found.summary_string()
        assert ">= 520 pJ" in found.summary_string()

    def test_static_power_and_processes_are_named(self, workload):
        device = replace(CHIP, static_power=Constant(1e-9, unit="W"))
        text = " ".join(hold(workload, device=device).summary_string().split())
        assert "Static power is 20.0 pJ of the spiking network's." in text
        assert "Their processes differ: chip 14 nm, dense 45 nm." in text
        assert "dense, which has no energies by width" in text
        assert "has no memory" in text

    def test_the_hosts_work_is_named_on_both_sides(self, workload):
        text = " ".join(hold(workload).summary_string().split())
        # 8 x 10 multiply-accumulates and 5 x 10 updates, against once each
        assert "Left to the host on both sides: out, a." in text
        assert "3.25 nJ more for the spiking network and 325 pJ for the opponent" in text

    def test_ranges_reach_both_ends(self, workload):
        device = replace(CHIP, energy_per_synop=Constant(2e-12, low=1e-12, high=4e-12))
        found = hold(workload, device=device)
        left = 27 * 40 + 4 - 120
        assert found.range == (pytest.approx(left / 800), pytest.approx(left / 200))
        assert "Over the ranges of the constants" in found.summary_string()
        assert hold(workload).range is None


def test_table_and_records_say_the_same(workload):
    found = hold(workload)
    lines = found.summary_string(line_length=98).split("\n")
    assert max(map(len, lines)) <= 98
    row = next(line for line in lines if line.startswith("b (Dense)"))
    assert row.split() == [
        "b", "(Dense)", "200.0", "10", "520", "pJ", "804", "pJ", "0.647", "342", "17.1", "wins",
    ]  # fmt: skip
    frame = found.to_frame()
    assert list(frame.index) == ["a", "b", "pool", "out", "Total"]
    assert frame.loc["b", "break_even_factor"] == pytest.approx(1.71)
    assert frame.loc["b", "ann_J"] == pytest.approx(804e-12)
    assert frame.loc["Total", "ann_J"] == pytest.approx(1084e-12)
    record = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert [layer["layer"] for layer in record["layers"]] == ["a", "b", "pool", "out"]
    assert record["network"]["break_even_factor"] == pytest.approx((1084 - 120) / 400)
    assert record["bits"] == {"activations": 4, "weights": 8, "accumulators": 32}
    verdicts = {t["name"]: t["verdict"] for t in record["literature"]}
    # 10 spikes a synapse, one a step: more than anybody has them pay
    assert {v for name, v in verdicts.items() if "alone" not in name} == {"not met"}
    assert verdicts["Yan et al. 2024, arithmetic alone"] == "met"  # k = 20
    assert "not met" in found.summary_string()
    short = found.summary_string(print_warnings=False)
    assert "* " not in short and short.startswith("with spikes  520 pJ on chip, at 111 Hz")
    assert f"Yes. {found.verdict}" in " ".join(short.split())
    html = found._repr_html_()
    assert found.verdict in html and "40.0 pJ" in html


def test_there_is_no_such_layer(workload):
    with pytest.raises(EnergyError, match="'c'; the layers are a, b, pool, out"):
        hold(workload).layer("c")


class TestPlot:
    def test_lines_points_and_bands(self, workload):
        found = hold(workload.with_spikes(0.1))  # one spike a synapse
        axes = found.plot("b")
        lines = {line.get_label(): line for line in axes.get_lines()}
        spikes, dense = lines["spikes, chip"], lines["dense, dense"]
        # 120 pJ silent and 40 pJ more at the measured rate
        f, energies = spikes.get_data()
        np.testing.assert_allclose(energies, 120e-12 + np.array(f) * 40e-12)
        np.testing.assert_allclose(dense.get_ydata(), 804e-12)
        point = lines["measured, 20.0 Hz"]
        assert point.get_xdata() == [1.0] and point.get_ydata() == [pytest.approx(160e-12)]
        crossing = lines["break-even, 342 Hz"]
        assert crossing.get_xdata() == [pytest.approx(17.1)]
        assert crossing.get_ydata() == [pytest.approx(804e-12)]
        np.testing.assert_allclose(lines["Dampfhoffer et al. 2023"].get_xdata(), [0.15, 1.38])
        assert lines["Davidson and Furber 2021"].get_xdata() == [1.72]
        np.testing.assert_allclose(lines["Shen et al. 2024"].get_xdata(), [1.0, 1.5])
        assert "measured rate" in axes.get_xlabel() and axes.get_ylabel()
        assert axes.get_xlim()[1] > 17.1 and axes.get_ylim()[1] > 804e-12

    def test_on_given_axes(self, workload):
        from matplotlib.figure import Figure

        axes = Figure().subplots()
        assert hold(workload).plot(axes=axes) is axes
        assert axes.get_title(loc="left").startswith("Network")

    def test_what_does_not_cross_is_named(self, workload):
        found = hold(workload, opponent=replace(DENSE, energy_per_synop=Constant(1e-12)))
        labels = [line.get_label() for line in found.plot("b").get_lines()]
        assert "no break-even" in labels
        far = hold(workload.with_spikes(0.001)).plot("b")
        assert "break-even: 1.71e+03 x" in [line.get_label() for line in far.get_lines()]
        assert far.get_xlim()[1] < 2

    def test_nothing_to_plot(self, workload):
        with pytest.raises(EnergyError, match="nothing to plot of out"):
            hold(workload).plot("out")


@pytest.fixture(scope="module")
def native():
    """Two Ensembles of the NEF, with decoded and recurrent connections, and no layers."""
    with nengo.Network(seed=1) as network:
        stimulus = nengo.Node([0.5])
        a = nengo.Ensemble(30, 1, label="a")
        b = nengo.Ensemble(20, 1, label="b")
        nengo.Connection(stimulus, a)
        nengo.Connection(a, b)
        nengo.Connection(b, b, synapse=0.1)
        nengo.Probe(b)
    activity = nsc.measure(network, None, 50, simulator="nengo", progress=False)
    return network, activity


class TestNativeNetwork:
    def test_against_its_own_estimates(self, native):
        network, activity = native
        found = nsc.break_even(network, activity)
        energy = nsc.NetworkEnergy(network, activity)
        # 32 bits in place of the device's 8: the first check is of counts, not of constants
        device = found.sides.device
        expected = energy.estimate(device).mean_J
        assert found.network.total.mean_J == pytest.approx(expected, rel=1e-12)
        assert device.energy_per_synop_J == pytest.approx(0.1e-12)
        # b feeds itself, so that the network without spikes runs at each of the 50 steps: of
        # the weights between neurons (the input's are the host's on both sides), and 50 neurons
        opponent = found.sides.opponent
        macs = sum(w.macs for w in energy.workload().dense if w.on_chip)
        once_J = macs * opponent.energy_per_synop_J + 50 * opponent.energy_per_neuron_J
        assert found.network.total.ann_J == pytest.approx(50 * once_J)
        assert found.network.total.crossing == "crosses"
        assert [layer.name for layer in found.layers] == list(energy.workload().layer_names)
        assert 0 < zero_share(activity) < 1

    def test_priced_again_at_break_even(self, native):
        network, activity = native
        device = Device("free", True, Constant(0.1e-12), Constant(0.0))
        found = nsc.break_even(network, activity, device=device)
        workload = nsc.NetworkEnergy(network, activity).workload()
        factor = found.network.total.factor
        again = get_cost_model("per_operation").price(workload.with_spikes(factor), device)
        assert again.mean_J == pytest.approx(found.network.total.ann_J, rel=1e-9)

    def test_with_memory(self, native):
        found = nsc.break_even(*native, cost_model="lemaire")
        assert found.memory and found.network.arithmetic is not None
        total, bare = found.network.total, found.network.arithmetic
        assert bare.mean_J < total.mean_J and bare.ann_J < total.ann_J
        assert "No memory" in found.summary_string()
        text = " ".join(found.summary_string().split())
        assert "the other widths are those of the cost model" in text

    def test_cost_models_with_options_keep_their_widths(self, native):
        found = nsc.break_even(*native, cost_model=lemaire(16))
        narrow = nsc.break_even(*native, cost_model=lemaire(16), bits=2)
        assert found.network.total.mean_J == narrow.network.total.mean_J
        # graded values between layers are narrower, and nothing else
        assert narrow.network.total.ann_J < found.network.total.ann_J

    def test_more_bits_cost_the_opponent_more(self, native):
        energies = [
            nsc.break_even(*native, bits=bits).network.total.ann_J for bits in (1, 4, 8, 16)
        ]
        assert sorted(energies) == energies and len(set(energies)) == 4

    def test_without_activity(self, native):
        with pytest.raises(MissingActivityError, match="activity=measure"):
            nsc.break_even(native[0], None)

    def test_qtools_prices_nothing_that_spikes(self, native):
        from nengo_spikecost.energy.peers.qtools import qtools

        with pytest.raises(EnergyError):
            nsc.break_even(*native, cost_model=qtools())


class TestKerasNetwork:
    @pytest.fixture(scope="class")
    def pooled(self):
        """Neurons of conv0 get pixels, and run on the host; softmax is the host's too."""
        keras = nsc.stack.keras()
        layers = keras.layers
        inp = x = keras.Input((8, 8, 1), name="image")
        x = layers.Conv2D(2, 3, activation="relu", name="conv0")(x)
        x = layers.AveragePooling2D(2, name="pool")(x)
        x = layers.Conv2D(4, 2, activation="relu", name="conv1")(x)
        x = layers.Flatten(name="flatten")(x)
        x = layers.Dense(5, activation="relu", name="dense0")(x)
        x = layers.Dense(3, name="dense1")(x)
        model = models.randomise(keras.Model(inp, x))
        conversion = nsc.convert(
            model, neuron_type="SpikingRectifiedLinear", scale_firing_rates=100
        )
        return conversion, nsc.measure(conversion, models.images(), 20, progress=False)

    def test_the_opponent_by_hand(self, pooled):
        found = nsc.break_even(*pooled)
        places = {layer.name: layer.where for layer in found.layers}
        assert places == {
            "image": "nothing", "conv0": "host", "pool": "composed", "conv1": "",
            "flatten": "nothing", "dense0": "", "dense1": "host",
        }  # fmt: skip
        # 5 x 8 bits and sums of 32: a b^2 + b_ b of the parabola at sqrt(40), and 0.1
        square = 2.3 / 768
        mac = square * 40 + (0.025 - 8 * square) * 40**0.5 + 0.1
        macs = {"pool": 3 * 3 * 2 * 4, "conv1": 2 * 2 * 4 * 2 * 4, "dense0": 16 * 5}
        neurons = {"pool": 0, "conv1": 16, "dense0": 5}
        for name, count in macs.items():
            expected = 1e-12 * (count * mac + 0.1 * neurons[name])
            assert found.layer(name).total.ann_J == pytest.approx(expected, rel=1e-9)
        expected = 1e-12 * (sum(macs.values()) * mac + 0.1 * 21)
        assert found.network.total.ann_J == pytest.approx(expected, rel=1e-9)
        # conv0 and the readout, once: 6 x 6 x 9 x 2 and 5 x 3 products, and 72 neurons
        assert found.sides.host.ann_J == pytest.approx(
            1e-12 * ((648 + 15) * mac + 0.1 * 72), rel=1e-9
        )

    def test_calls_and_launches_are_not_the_hosts_work(self, pooled):
        """Both sides' host would need them: what it would take is arithmetic on both."""
        found = nsc.break_even(*pooled, device="loihi", opponent="gpu_single")
        on_chip = 37.8 * (1.014e-3 + 3 * 94.5e-6) + 0.3e-9 * (72 + 128 + 80 + 21)
        assert found.network.total.ann_J == pytest.approx(on_chip, rel=1e-9)
        assert found.sides.host.ann_J == pytest.approx(0.3e-9 * (648 + 15 + 72), rel=1e-6)
        text = " ".join(str(found).split())
        assert "besides calls and what these launch" in text and "all in all" not in text
        without = " ".join(str(nsc.break_even(*pooled, device="loihi", opponent="gpu")).split())
        assert "besides calls" not in without and "all in all" in without

    def test_nothing_on_the_chip_needs_no_call(self):
        """All is the host's on both sides, against a processor that is called, too."""
        layers = nsc.stack.keras().layers
        inp = nsc.stack.keras().Input((4,))
        x = layers.Dense(5, activation="relu")(inp)
        model = models.randomise(nsc.stack.keras().Model(inp, layers.Dense(3)(x)))
        conversion = nsc.convert(model, scale_firing_rates=100)
        activity = nsc.measure(conversion, np.ones((2, 4)), 5, progress=False)
        for opponent in ("gpu", "gpu_single"):
            found = nsc.break_even(conversion, activity, device="loihi", opponent=opponent)
            assert found.network.where == "host"
            assert found.network.total.ann_J == found.network.total.mean_J == 0

    def test_lemaire_has_the_whole_network_on_the_device(self, pooled):
        found = nsc.break_even(*pooled, cost_model="lemaire")
        assert found.sides.host is None
        assert found.layer("conv0").where == found.layer("dense1").where == ""
        # every layer with weights that spikes reach, the readout too
        workload = nsc.NetworkEnergy(*pooled).workload()
        events = sum(p.events for p in workload.pathways if p.events is not None)
        np.testing.assert_array_equal(found.network.synops, events)


class TestColumns:
    def test_spikes_per_synapse_and_break_even(self, native, monkeypatch):
        monkeypatch.setattr("nengo_spikecost.energy.devices._table", None)  # put back at the end
        network, activity = native
        device = Device("free", True, Constant(0.1e-12), Constant(0.0))
        nsc.register_device("free", 0.1e-12, 0.0, True)
        energy = nsc.NetworkEnergy(network, activity)
        columns = ["name", "spikes/synapse", "break-even free", "energy free", "break-even loihi"]
        lines = energy.summary_string(columns, line_length=130).split("\n")
        total = next(line for line in lines if line.startswith("Total "))
        found = nsc.break_even(network, activity, device=device).network
        # without samples it runs on: its table is per second, and these were 50 ms
        seconds = activity.protocol.presentation_time
        assert total.split()[1:3] == [
            f"{found.spikes_per_synapse.mean() / seconds:.2f}",
            f"{found.break_even_spikes_per_synapse / seconds:.2f}",
        ]
        assert total.split()[-1] == "never"
        headers = lines[: lines.index(total)]
        assert any("free" in line for line in headers)

    def test_devices_must_spike(self, native):
        with pytest.raises(EnergyError, match="cpu works without spikes"):
            nsc.NetworkEnergy(*native).summary_string(["name", "break-even cpu"])


def test_a_layer_that_costs_the_opponent_nothing_has_no_break_even():
    """Spikes that are only handed on, as an output's, take energy where memory is priced."""
    balance = Balance(snn_J=np.array([2e-9, 4e-9]), fixed_J=np.zeros(2), ann_J=0.0)
    assert balance.ratio is None and balance.factor is None and balance.crossing == "never"
    layer = LayerBalance(
        "output", "Node", "", n_synapses=3, synops=np.array([5, 7]), rate_hz=np.array([1.0, 2.0]),
        n_steps=10, total=balance,
    )  # fmt: skip
    words = "output takes 3.00 nJ on loihi, and the opponent nothing."
    assert verdict(layer, "loihi", "digital") == words
