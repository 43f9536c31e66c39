"""``nengo-spikecost fit --chip``."""

from __future__ import annotations

import json

import numpy as np
import pytest

import nengo_spikecost as nsc
from nengo_spikecost import chips, stack
from tests.commands import runner_in


@pytest.fixture()
def run(tmp_path, monkeypatch):
    return runner_in(tmp_path, monkeypatch)


@pytest.fixture()
def model(tmp_path):
    keras = stack.keras()
    layers = keras.layers
    keras.Sequential([
        layers.Input((16,)), layers.Dense(12, activation="relu", name="first"),
        layers.Dense(9, activation="relu", name="second"), layers.Dense(4, name="out"),
    ]).save(tmp_path / "model.keras")  # fmt: skip
    np.save(tmp_path / "x.npy", np.random.RandomState(0).rand(3, 16))
    return "model.keras"


def test_a_model_against_a_chip_with_the_time_of_its_steps(run, model, tmp_path):
    done = run(
        "fit", model, "--chip", "XyloAudio3", "--data", "x.npy", "--steps", 20,
        "--json", "fit.json", "--html", "fit.html",
    )  # fmt: skip
    assert done.exit_code == 0, done.stderr
    assert "yes, within all 12 limits" in done.stdout and "real time" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    content = json.loads((tmp_path / "fit.json").read_text())
    # the first layer takes values, so that the host has it and sends its spikes
    assert content["fits"] is True and content["run_time"]["n_steps"] == 20
    sizes = {row["quantity"]: row["network"] for row in content["limits"]}
    assert (sizes["input_channels"], sizes["hidden_neurons"]) == (12, 9)
    assert content["run_time"]["assumed"] == []
    assert "<html" in (tmp_path / "fit.html").read_text()


def test_labels_say_how_many_the_network_gets_right(run, model, tmp_path):
    """Values: `profile` of the same model with the neurons of the chip."""
    x = np.load(tmp_path / "x.npy")
    y = np.array([0, 1, 2])
    np.savez(tmp_path / "data.npz", x_test=x, y_test=y)
    done = run("fit", model, "--chip", "xylo_audio3", "--data", "data.npz", "--steps", 20)
    assert done.exit_code == 0, done.stderr
    found = nsc.profile(
        nsc.load_model(tmp_path / model), x, y, n_steps=20, neuron_type="SpikingRectifiedLinear",
        progress=False, scale_firing_rates=150, synapse=0.005,
    )  # fmt: skip
    lines = [score.line() for score in found.scores]
    assert lines and all(line in done.stdout for line in lines)
    without = run("fit", model, "--chip", "xylo_audio3", "--data", "x.npy", "--steps", 20)
    assert "accuracy" not in without.stdout


def test_without_data_there_are_limits_alone_and_other_neurons_are_kept(run, model):
    done = run("fit", model, "--chip", "xylo_imu", "--neuron", "LIF")
    assert done.exit_code == 0, done.stderr
    assert "the chip takes subtract, the network has zero" in " ".join(done.stdout.split())
    assert "real time" not in done.stdout


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--chip", "abacus"), "There is no chip 'abacus'"),
        (("--chip", "xylo_imu", "--time-limit", "3"), "--time-limit is for the blocks of Loihi"),
        (("--chip", "xylo_imu", "--objective", "cores"), "--objective is for the blocks of Loihi"),
        (("--chip-file", "none.toml", "--chip", "mine"), "none.toml"),
    ],
)
def test_what_is_wrong_is_a_sentence_and_exit_code_2(run, flags, words):
    done = run("fit", "no_model.keras", *flags)
    assert done.exit_code == 2 and words in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("n_inputs, hidden, words", [
    (6, 40, "Give the chip the inputs as spikes (spike_input=True, --spike-input): 6 values are"),
    (12, 40, "Make the first layer smaller: the host computes it"),
])  # fmt: skip
def test_input_channels_of_a_model_are_the_neurons_of_the_hosts_layer(
    run, tmp_path, n_inputs, hidden, words
):
    layers = stack.keras().layers
    model = stack.keras().Sequential(
        [
            layers.Dense(hidden, activation="relu", input_shape=(n_inputs,)),
            layers.Dense(20, activation="relu"), layers.Dense(3),
        ]
    )  # fmt: skip
    model.save(tmp_path / "own.keras")
    result = run("fit", "own.keras", "--chip", "xylo_audio3")
    text = " ".join(result.stdout.split())
    assert f"input channels: the chip takes 16, the network has {hidden}" in text
    assert words in text
    if n_inputs == 6:
        flags = ("--chip", "xylo_audio3", "--spike-input")
        assert "fits yes" in " ".join(run("fit", "own.keras", *flags).stdout.split())


def test_a_model_of_one_layer_needs_spikes_for_its_inputs(run, tmp_path):
    layers = stack.keras().layers
    model = stack.keras().Sequential(
        [layers.Dense(20, activation="relu", input_shape=(6,)), layers.Dense(3)]
    )
    model.save(tmp_path / "one.keras")
    result = run("fit", "one.keras", "--chip", "xylo_audio3")
    assert result.exit_code == 2
    words = "run on the host. Convert it with spike_input=True (--spike-input)"
    assert words in " ".join(result.stderr.split())


def test_a_chip_of_ones_own(run, model, tmp_path):
    (tmp_path / "mine.toml").write_text(
        '[mine]\ntitle = "Mine"\nlimits.neurons = { at_most = 12, source = "lab" }\n'
    )
    done = run("fit", model, "--chip-file", "mine.toml", "--chip", "mine", "--data", "x.npy")
    assert done.exit_code == 0, done.stderr
    assert "the chip takes 12, the network has 13" in " ".join(done.stdout.split())
    assert "real time" not in done.stdout
    assert "No time of its steps: Mine: nothing is published" in " ".join(done.stdout.split())
    assert "mine" in chips.names()
    alone = run("fit", model, "--chip-file", "mine.toml")
    assert alone.exit_code == 2 and "say with --chip which one" in alone.stderr
