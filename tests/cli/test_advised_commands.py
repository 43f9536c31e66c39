"""Commands that verdicts advise, run as they are printed: they do what was said of them."""

from __future__ import annotations

import json
import shlex

import numpy as np
import pytest

from nengo_spikecost import loihi, stack, tuning
from nengo_spikecost.trying.retyping import network_flags, spiking_flags
from nengo_spikecost.tuning.fine_tune_options import FineTuneOptions
from nengo_spikecost.tuning.training.fine_tune import _flags as flags_of
from tests.models import images

DATA = ("net.h5", "--data", "data.npz")


def advised(path, start):
    """The words of the command that a file's verdict advises, behind the program's name."""
    steps = json.loads(path.read_text())["verdict"]["next_steps"]
    wanted = f"nengo-spikecost {start}"
    (command,) = (s["command"] for s in steps if s["command"].startswith(wanted))
    words = command.replace("TRAINING_DATA", "many.npz").replace("TEST_DATA", "data.npz")
    return shlex.split(words)[1:]


@pytest.fixture
def many(folder):
    """More images than so few steps can get all right, with the model's own answers as labels."""
    model = stack.keras().models.load_model(folder / "net.h5", compile=False)
    x = images(60, seed=4)
    np.savez(folder / "many.npz", x=x, y=model.predict_on_batch(x).argmax(1))
    return "net.h5", "--data", "many.npz"


def options_of(monkeypatch, module, name):
    """The options that a function is called with."""
    seen, function = {}, getattr(module, name)

    def noted(*args, **options):
        seen.update(options)
        return function(*args, **options)

    monkeypatch.setattr(module, name, noted)
    return seen


@pytest.fixture
def trained_with(monkeypatch):
    return options_of(monkeypatch, tuning, "fine_tune")


@pytest.fixture
def deployed_with(monkeypatch):
    return options_of(monkeypatch, loihi, "deploy")


@pytest.mark.parametrize("one_scale", [True, False])
def test_training_that_a_sweep_advises_is_of_its_nearest_setting(
    folder, run, many, trained_with, deployed_with, one_scale
):
    done = run("sweep", *many, "--steps", "1,2", "--synapses", "0", "--readout", "mean", "--dt",
               "0.002", "--losses", "0", "--trials", 2 if one_scale else 5, "--max-pooling",
               "strided", "--study", f"s{one_scale}.db", "--json", "s.json")  # fmt: skip
    assert done.exit_code == 0, done.stderr
    content = json.loads((folder / "s.json").read_text())
    assert content["readout"] == "mean" and not content["front"]
    done = run(*advised(folder / "s.json", "train"), "--json", "train.json", "--batch-size", 20)
    assert done.exit_code == 0, done.stderr
    trial, reading = min(
        ((t, r) for t in content["trials"] if t["state"] == "complete" for r in t["readings"]),
        key=lambda pair: -pair[1]["accuracy"],
    )
    written = json.loads((folder / "train.json").read_text())
    assert written["scale_firing_rates"] == trial["scale_firing_rates"]
    assert written["n_steps"] == trained_with["n_steps"] == reading["n_steps"]
    assert trained_with["readout"] == "mean" and trained_with["synapse"] is None
    assert trained_with["neuron_type"] == "LoihiSpikingRectifiedLinear"
    assert trained_with["dt"] == 0.002 and trained_with["max_pooling"] == "strided"
    # and what training advises, if an epoch was better, is on the same terms
    flags = flags_of(FineTuneOptions(readout="mean", synapse=None, dt=0.002)).split()
    assert flags == ["--synapse", "0", "--readout", "mean", "--dt", "0.002"]
    done = run(
        "report", *DATA, "--scales", "train.json", "--steps", 2, *flags, "--chip", "--no-try"
    )
    assert done.exit_code == 0, done.stderr
    assert deployed_with["readout"] == "mean" and deployed_with["dt"] == 0.002
    assert deployed_with["n_steps"] == 2 and deployed_with["synapse"] is None


@pytest.mark.parametrize("samples", [40, 60])
def test_a_front_is_confirmed_with_the_options_of_its_study(folder, run, many, samples):
    done = run("sweep", *many, "--steps", "3,5", "--losses", "1", "--trials", 3, "--samples",
               samples, "--study", f"front{samples}.db", "--json", "front.json")  # fmt: skip
    assert done.exit_code == 0, done.stderr
    before = (folder / "front.json").read_text()
    words = advised(folder / "front.json", "sweep")
    assert words[-4:] == ["--samples", "40", "--confirm", "20"]
    done = run(*words)
    assert done.exit_code == 0, done.stderr
    assert "Confirmed on 20 images" in done.stdout
    assert (folder / "front.json").read_text() == before
    if samples == 60:  # none is left: a new study, whose name is the user's to choose
        assert words[words.index("--study") + 1] == "NEW_STUDY"


def test_tuned_scales_are_carried_on_to_the_same_network(folder, run, deployed_with):
    network = ["--max-pooling", "strided", "--spike-input"]
    done = run("tune", *DATA, *network, "--steps", 12, "--dt", "0.002", "--neuron", "LoihiLIF",
               "--samples", 4, "--json", "tune.json")  # fmt: skip
    assert done.exit_code == 0, done.stderr
    words = advised(folder / "tune.json", "report")
    done = run(*words, "--chip", "--no-try")
    assert done.exit_code == 0, done.stderr
    assert deployed_with["max_pooling"] == "strided" and deployed_with["n_steps"] == 12
    assert deployed_with["dt"] == 0.002 and deployed_with["spike_input"] is True
    assert "to-spikes" in deployed_with["scale_firing_rates"] and "LoihiLIF" in done.stdout
    assert words[-9:] == [*network, "--steps", "12", "--dt", "0.002", "--neuron", "LoihiLIF"]


def test_block_shapes_are_carried_on_to_the_same_network(folder, run, deployed_with):
    spiking = ["--spike-input", "--scale", "170", "--steps", "5"]
    done = run("fit", *DATA, *spiking, "--samples", 2, "--json", "shapes.json")
    assert done.exit_code == 0, done.stderr
    words = advised(folder / "shapes.json", "deploy")
    done = run(*words, "--no-try")
    assert done.exit_code == 0, done.stderr
    assert words[-len(spiking) :] == spiking
    assert deployed_with["scale_firing_rates"] == 170 and deployed_with["spike_input"] is True


def test_a_setting_is_carried_on_with_its_readout(folder, run):
    done = run("sweep", *DATA, "--steps", "3,5", "--synapses", "0", "--readout", "mean", "--losses",
               "1", "--trials", 3, "--study", "wide.db", "--json", "sweep.json")  # fmt: skip
    assert done.exit_code == 0, done.stderr
    done = run(*advised(folder / "sweep.json", "deploy"), "--json", "d.json")
    assert done.exit_code == 0, done.stderr
    assert json.loads((folder / "d.json").read_text())["readout"] == "mean"
    assert "mean over steps" in done.stdout


def test_the_chip_of_a_report_is_read_as_asked_for(folder, run, deployed_with):
    given = ("report", *DATA, "--steps", 6, "--synapse", 0, "--no-try")
    for flags, readout in ((("--readout", "mean"), "mean"), ((), "last")):
        done = run(*given, *flags, "--chip")
        assert done.exit_code == 0, done.stderr
        assert deployed_with["readout"] == readout
    done = run(*given, "--readout", "mean")
    assert done.exit_code == 2 and "--readout is for the emulated chip: give --chip" in done.stderr


@pytest.mark.parametrize(
    "typed, flags, neurons",
    [
        ("nengo-spikecost deploy m --data d --steps 9 --cost --scale a=2 --scale=3",
         "--steps 9 --scale a=2 --scale=3", "--neuron LoihiSpikingRectifiedLinear"),
        ("nengo-spikecost deploy m --data d --readout mean --dt 0.002 --neuron LoihiLIF --html h",
         "--readout mean --dt 0.002", "--neuron LoihiLIF"),
        ("nengo-spikecost report m --data d --synapse 0 --swap elu=relu --spike-input",
         "--synapse 0 --swap elu=relu --spike-input", ""),
        ("", "", ""),
    ],
)  # fmt: skip
def test_flags_that_another_command_needs(typed, flags, neurons):
    assert spiking_flags(typed) == flags
    network = "--trust --swap=a=b --max-pooling exact --custom-objects own"
    assert network_flags(f"nengo-spikecost sweep m --steps 5 {network} --seed 3") == network
    assert spiking_flags(f"{typed or 'nengo-spikecost report m'} --trust").endswith("--trust")
    with_neurons = spiking_flags(typed, neurons=True).split()
    assert sorted(with_neurons) == sorted((flags + " " + neurons).split())
