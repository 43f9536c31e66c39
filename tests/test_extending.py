"""What docs/extending.md promises of a file of one's own: it stands in the command line."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import nengo
import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner

import nengo_spikecost as nsc
from nengo_spikecost import cli
from nengo_spikecost.activity import (
    Backend,
    BatchCounts,
    SimulatorSpec,
    register_simulator_spec,
    simulators,
)
from nengo_spikecost.conversion import LayerConverter, register_layer_converter
from nengo_spikecost.conversion.layers import converter_registry
from nengo_spikecost.energy import Constant, StaticEnergy
from nengo_spikecost.errors import ConversionError, MeasurementError
from nengo_spikecost.layout import Presenter, Result, presents
from nengo_spikecost.loading import load_model

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")


def shown_file(name: str) -> str:
    """A file that the page shows."""
    (text,) = re.findall(rf":caption: {re.escape(name)}\n\n(.*?)^```$", PAGE, re.S | re.M)
    return text


@pytest.fixture
def dense_model(tmp_path):
    """A model file and a data file of a dense network, in the current folder."""
    layers = tf.keras.layers
    model = tf.keras.Sequential(
        [
            layers.Dense(12, activation="relu", input_shape=(8,), name="hidden"),
            layers.Dense(3, name="out"),
        ]
    )
    x = np.random.RandomState(0).uniform(0, 1, (30, 8)).astype("f4")
    model.save(tmp_path / "model.h5")
    y = model.predict_on_batch(x).argmax(axis=1)
    np.savez(tmp_path / "data.npz", x_test=x, y_test=y)
    return [str(tmp_path / "model.h5"), "--data", str(tmp_path / "data.npz")]


@pytest.fixture
def plugin(monkeypatch):
    """Forgets afterwards what a plug-in has registered."""
    monkeypatch.setattr(simulators, "_specs", dict(simulators._specs))
    monkeypatch.setattr(cli.main, "commands", dict(cli.main.commands))
    yield CliRunner()
    for name in ("numpy_simulator", "count_command", "clash"):
        sys.modules.pop(name, None)


def test_a_sub_command_is_one_file(plugin, dense_model, tmp_path):
    file = tmp_path / "count_command.py"
    file.write_text(shown_file("count_command.py"))
    done = plugin.invoke(cli.main, ["--plugin", str(file), "count", *dense_model, "--steps", "10"])
    assert done.exit_code == 0, done.output
    assert "hidden" in done.output and "30 samples of 10 steps" in done.output
    again = plugin.invoke(cli.main, ["--plugin", str(file), "--help"])
    assert "Count the spikes of MODEL" in again.output


SIMULATOR = ["--plugin", str(ROOT / "examples" / "numpy_simulator.py")]


def test_a_simulator_stands_in_every_command(plugin, dense_model, tmp_path):
    words = [*SIMULATOR, "report", *dense_model, "--steps", "20", "--simulator"]
    done = plugin.invoke(cli.main, [*words, "numpy"])
    assert done.exit_code == 0, done.output
    assert "on numpy" in done.output
    theirs = plugin.invoke(cli.main, [*words, "nengo"])
    row = re.compile(r"^hidden.*$", re.M)
    assert row.findall(done.output) == row.findall(theirs.output)


def test_a_simulator_sweeps(plugin, dense_model, tmp_path):
    words = ["--study", str(tmp_path / "study.db"), "--trials", "4", "--steps", "10,20"]
    words += ["--losses", "0.9", "--neuron", "SpikingRectifiedLinear", "--synapses", "0"]
    done = plugin.invoke(
        cli.main, [*SIMULATOR, "sweep", *dense_model, *words, "--simulator", "numpy"]
    )
    assert done.exit_code == 0, done.output
    assert "settings of SpikingRectifiedLinear" in done.output


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--plugin", "nowhere.py", "devices"], "there is no file nowhere.py"),
        (["--plugin", "no.such.module", "devices"], "No module named"),
        (["report", "m.h5", "--data", "x.npy", "--simulator", "abacus"], "'abacus' is not one of"),
    ],
)
def test_mistakes_are_said_in_a_sentence(plugin, words, says):
    done = plugin.invoke(cli.main, words)
    assert done.exit_code == 2 and says in done.output and "Traceback" not in done.output


# What a newcomer stumbled over.


def priced(network, activity, price, **details):
    from nengo_spikecost.energy import CostModel
    from nengo_spikecost.workload.exact import ExactCounter

    return CostModel("mine", lambda n, a, x: ExactCounter(n, a), price, **details)


@pytest.fixture(scope="module")
def two_neurons():
    with nengo.Network(seed=0) as network:
        a = nengo.Ensemble(2, 1, label="a", neuron_type=nengo.SpikingRectifiedLinear())
        b = nengo.Ensemble(3, 1, label="b", neuron_type=nengo.SpikingRectifiedLinear())
        nengo.Connection(a.neurons, b.neurons, transform=np.ones((3, 2)), synapse=None)
        nengo.Probe(b.neurons, label="answer")
    return network, nsc.measure(network, None, 20, simulator="nengo", progress=False)


@pytest.mark.parametrize("has_ranges", [False, True])
def test_static_energy_of_a_cost_model_is_kept(two_neurons, has_ranges):
    from nengo_spikecost.energy.per_operation import price

    def with_static(workload, device):
        estimate = price(workload, device)
        static = StaticEnergy(7.0, workload.n_steps * workload.dt) if device.spiking else None
        return replace(estimate, static=static)

    model = priced(*two_neurons, with_static, has_ranges=has_ranges)
    plain = nsc.NetworkEnergy(*two_neurons).total_energy("digital_snn")
    energy = nsc.NetworkEnergy(*two_neurons, cost_model=model)
    assert energy.total_energy("digital_snn") == pytest.approx(plain + 7.0 * 0.020)
    sides = nsc.break_even(*two_neurons, cost_model=model).sides
    assert sides.static_J == pytest.approx(7.0 * 0.020)


def test_a_device_that_a_cost_model_changes_is_the_one_that_draws(two_neurons):
    from nengo_spikecost.energy.per_operation import price

    def doubled(workload, device):
        return price(workload, replace(device, static_power=Constant(2.0, unit="W")))

    model = priced(*two_neurons, doubled)
    estimate = nsc.NetworkEnergy(*two_neurons, cost_model=model).estimate("digital_snn")
    assert estimate.static_J == pytest.approx(2.0 * 0.020)


def test_tables_of_a_new_cost_model_show_spikes(two_neurons):
    from nengo_spikecost.energy.per_operation import price

    model = priced(*two_neurons, price)
    text = nsc.NetworkEnergy(*two_neurons, cost_model=model).summary_string()
    assert "Spikes" in text and "loihi" in text


class Answers(Backend):
    """Gives the answer that it is made with."""

    any_size = True

    def __init__(self, answer):
        self.answer = answer

    def run(self, inputs):
        return self.answer

    def close(self):
        pass


def counts(a=(1, 2), b=(1, 3), answer=(1, 3)):
    values = {name: np.ones(shape) for name, shape in {"a": a, "b": b}.items() if shape}
    outputs = {"answer": (np.ones(answer), np.ones(answer))} if answer else {}
    return BatchCounts(values, outputs)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (counts(b=(1, 2)), r"counts of b of shape \(1, 2\); expected \(1, 3\)"),
        (counts(b=(0, 3)), r"counts of b of shape \(0, 3\)"),
        (counts(b=None), "counts of b of shape None"),
        (counts(answer=None), "last of output answer of shape None"),
        (counts(answer=(0, 3)), r"last of output answer of shape \(0, 3\)"),
        (BatchCounts({"a": -np.ones((1, 2)), "b": np.ones((1, 3))}, counts().outputs),
         "negative counts of a"),
        ({"a": 1}, "run returned dict, not BatchCounts"),
    ],
)  # fmt: skip
def test_wrong_answers_of_a_back_end_are_refused(two_neurons, monkeypatch, answer, says):
    monkeypatch.setattr(simulators, "_specs", dict(simulators._specs))
    register_simulator_spec(SimulatorSpec("mine", lambda setup: Answers(answer), minibatch=False))
    with pytest.raises(MeasurementError, match=f"Simulator 'mine'.*{says}"):
        nsc.measure(two_neurons[0], None, 5, simulator="mine", progress=False)


def test_what_is_no_back_end_and_what_cannot_resume(two_neurons, monkeypatch, tmp_path):
    monkeypatch.setattr(simulators, "_specs", dict(simulators._specs))
    register_simulator_spec(SimulatorSpec("five", lambda setup: 5))
    with pytest.raises(MeasurementError, match="Simulator 'five' made a int, not a Backend"):
        nsc.measure(two_neurons[0], None, 5, simulator="five", progress=False)
    spec = SimulatorSpec("mine", lambda setup: Answers(counts()), resumable=True, minibatch=False)
    register_simulator_spec(spec)
    options = {"presentation": "continuous", "checkpoint": tmp_path / "kept", "progress": False}
    with pytest.raises(MeasurementError, match=r"needs the methods state and restore.*Answers"):
        nsc.measure(two_neurons[0], None, 5, simulator="mine", **options)


class Mirror(tf.keras.layers.Layer):
    """Nothing that the package knows."""


def test_mistakes_in_a_layer_converter(monkeypatch):
    monkeypatch.setattr(converter_registry, "_registered", dict(converter_registry._registered))
    with pytest.raises(ConversionError, match=r"Both.shape takes a use .*@staticmethod"):

        @register_layer_converter(Mirror)
        class Both(LayerConverter):
            def shape(self, use):
                return use.shape("shape")

    @register_layer_converter(Mirror)
    class Nothing(LayerConverter):
        def convert(self, node_id):
            return None

    inp = tf.keras.Input((4,))
    model = tf.keras.Model(inp, Mirror(name="mirror")(inp))
    with pytest.raises(ConversionError, match=r"Layer 'mirror' \(Mirror\).*returned None"):
        nsc.convert(model)


def test_a_saved_layer_that_is_not_known(tmp_path):
    inp = tf.keras.Input((4,))
    tf.keras.Model(inp, Mirror(name="mirror")(inp)).save(tmp_path / "mirror.h5")
    with pytest.raises(
        ConversionError, match=r"layer 'mirror' of type Mirror.*register_keras_serializable"
    ):
        load_model(tmp_path / "mirror.h5")


def test_a_plugin_that_takes_a_commands_name_says_so(plugin, tmp_path):
    file = tmp_path / "clash.py"
    file.write_text("import click\n\n\n@click.command()\ndef devices():\n    click.echo('mine')\n")
    done = plugin.invoke(cli.main, ["--plugin", str(file), "devices"])
    assert "replaces the sub-command devices" in done.output and "mine" in done.output


def test_a_presenter_says_which_method_it_lacks():
    @dataclass(frozen=True)
    class Bare(Result):
        pass

    @presents(Bare)
    class Empty(Presenter):
        pass

    with pytest.raises(NotImplementedError, match="Empty has no draw, which a Bare needs"):
        Bare().plot()
