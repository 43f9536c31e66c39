"""The command line, as a user meets it: what is printed, written and returned."""

from __future__ import annotations

import csv
import importlib
import json
import re
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

import nengo_spikecost as nsc
from nengo_spikecost.energy import devices
from tests.commands import runner_in
from tests.models import write_model_and_data


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a model, data, and things that are wrong."""
    folder = tmp_path_factory.mktemp("cli")
    _, x, _ = write_model_and_data(tf.keras, folder)
    np.save(folder / "x.npy", x)
    np.save(folder / "empty.npy", x[:0])
    np.save(folder / "wide.npy", np.zeros((3, 9, 9, 1)))
    np.savez(folder / "few_labels.npz", x=x, y=np.zeros(3))
    x[4, 1, 1] = np.nan
    np.save(folder / "nan.npy", x)
    inp = tf.keras.Input((8, 8, 1))
    tf.keras.Model(inp, tf.keras.layers.LayerNormalization(name="norm")(inp)).save(
        folder / "norm.h5"
    )
    (folder / "mine.toml").write_text(
        '[MyChip]\nspiking = true\ndescription = "mine"\n'
        '[MyChip.energy_per_synop]\nJ = 1e-12\nsource = "me"\nyear = 2026\nevidence = "simulated"\n'
        '[MyChip.energy_per_neuron]\nJ = 2e-12\nsource = "me"\nyear = 2026\n'
        'evidence = "simulated"\n'
    )
    return folder


@pytest.fixture
def run(folder, monkeypatch):
    return runner_in(folder, monkeypatch)


def test_report(run, folder):
    done = run(
        "report", "net.h5", "--data", "data.npz", "--neuron", "LIF", "--scale", 80, "--steps", 40,
        "--devices", "loihi,CPU", "--json", "out.json", "--csv", "out.csv", "--samples", 10,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "10 samples of 40 steps" in done.output and "Written: out.json" in done.output
    content = json.loads((folder / "out.json").read_text())
    assert content["protocol"]["n_steps"] == 40 and set(content["devices"]) == {"loihi", "cpu"}
    rows = list(csv.DictReader((folder / "out.csv").open()))
    assert [row["layer"] for row in rows][:2] == ["image", "conv0"]
    assert float(rows[2]["spikes"]) > 0
    # what is printed is what is written
    assert f"{round(content['total']['synops']):,}" in done.output


@pytest.mark.parametrize(
    "args, words",
    [
        (["report", "net.h5", "--data", "x.npy", "--json", "net.h5"], "over net.h5, which is read"),
        (["report", "net.h5", "--data", "x.npy", "--csv", "./x.npy"], "over x.npy, which is read"),
        (
            ["compare", "net.h5", "--data", "x.npy", "--json", "a.out", "--csv", "./a.out"],
            "--csv ./a.out would be written over a.out, which --json writes",
        ),
        (["fit", "net.h5", "--data", "x.npy", "--json", "x.npy"], "over x.npy, which is read"),
        (["fit", "net.h5", "--json", "net.h5"], "over net.h5, which is read"),
        (["deploy", "net.h5", "--data", "x.npy", "--json", "link.h5"], "over net.h5"),
        (
            ["tune", "net.h5", "--data", "x.npy", "--plot", "a.svg", "--json", "a.svg"],
            "--json a.svg would be written over a.svg, which --plot writes",
        ),
        (["sweep", "net.h5", "--data", "data.npz", "--study", "data.npz"], "over data.npz"),
        (
            ["sweep", "net.h5", "--data", "data.npz", "--study", "s.db", "--json", "s.db"],
            "--json s.db would be written over s.db, which --study writes",
        ),
        (["devices", "--device-file", "mine.toml", "--json", "mine.toml"], "over mine.toml"),
        (["demo", "--json", "a.out", "--csv", "a.out"], "which --json writes"),
        (
            ["--plugin", "plug.py", "report", "net.h5", "--data", "x.npy", "--csv", "plug.py"],
            "over plug.py, which is read",
        ),
        (["report", "saved", "--data", "x.npy", "--json", "saved/a.json"], "over saved"),
    ],
)
def test_no_result_replaces_an_input_or_another(run, folder, args, words):
    (folder / "link.h5").exists() or (folder / "link.h5").symlink_to("net.h5")
    (folder / "plug.py").write_text("")
    (folder / "saved").mkdir(exist_ok=True)
    for name in ("saved_model.pb", "keras_metadata.pb"):
        (folder / "saved" / name).touch()
    before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    done = run(*args)
    assert done.exit_code == 2 and words in done.stderr, done.output
    assert {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()} == before


def test_continuous_presentation_and_no_labels(run):
    done = run("report", "net.h5", "--data", "x.npy", "--steps", 5, "--presentation", "continuous")
    assert done.exit_code == 0, done.output
    assert "each without a pause" in done.output and "accuracy" not in done.output


def test_devices(run):
    done = run("devices")
    assert done.exit_code == 0
    for name in ("cpu", "gpu", "arm", "loihi", "spinnaker", "spinnaker2"):
        assert name in done.output
    assert "23.6 pJ" in done.output and "Davies" in done.output
    assert "64.4 mW    42.0 to 64.9 mW  fitted           2014" in done.output


def test_some_devices_and_their_constants_in_a_file(run, folder):
    done = run("devices", "ODIN", "loihi", "--json", "devices.json")
    assert done.exit_code == 0 and "Written: devices.json" in done.output
    assert "loihi with cost_model='kerasspiking'" in done.output and "cpu" not in done.output
    content = json.loads((folder / "devices.json").read_text())
    assert [device["name"] for device in content["devices"]] == ["odin", "loihi"]
    for args in (["abacus"], ["odin", "--json", "nowhere/devices.json"]):
        done = run("devices", *args)
        assert done.exit_code == 2 and done.stderr.startswith("Error: ")


def test_fit(run, folder):
    done = run("fit", "net.h5", "--data", "data.npz", "--samples", "4", "--json", "fit.json")
    assert done.exit_code == 0, done.output
    content = json.loads((folder / "fit.json").read_text())
    assert f"{content['cores']} cores on 1 chip (fewer are impossible)" in done.output
    assert content["cores"] == content["lower_bound"] and content["rates_known"]
    assert content["cores"] == sum(layer["cores"] for layer in content["layers"])
    for layer in content["layers"]:
        assert layer["layer"] in done.output
        for resource in ("compartments", "input_axons", "output_axons", "synapse_bits"):
            assert layer[resource]["used"] <= layer[resource]["limit"]
    # the code that is printed is the code in the file, and runs
    assert content["code"] in done.output
    conversion = nsc.convert(
        tf.keras.models.load_model(folder / "net.h5"),
        neuron_type="LoihiSpikingRectifiedLinear",
        scale_firing_rates=100,
        synapse=0.005,
        max_pooling="average",
    )
    exec(content["code"], {"net": conversion.net})
    assert nsc.loihi.core_use(conversion).n_cores == content["cores"]


def test_fit_without_data_assumes_rates(run):
    done = run("fit", "net.h5", "--objective", "latency")
    assert done.exit_code == 0, done.output
    assert "at 100 Hz everywhere, as no spikes were given" in done.output


@pytest.mark.parametrize("command", ["tune", "sweep", "deploy"])
def test_the_length_of_a_step_is_checked_first(run, command):
    args = ["--study", "s.db"] if command == "sweep" else []
    done = run(command, "net.h5", "--data", "data.npz", "--dt", "-1", *args)
    assert done.exit_code == 2 and "dt must be" in done.stderr, done.stderr


def test_own_devices(run, monkeypatch):
    monkeypatch.setattr(devices, "_table", None)  # put back at the end
    assert "MyChip" in run("devices", "--device-file", "mine.toml").output
    done = run(
        "report", "net.h5", "--data", "x.npy", "--steps", 5,
        "--device-file", "mine.toml", "--devices", "mychip",
    )  # fmt: skip
    assert done.exit_code == 0 and "MyChip" in done.output


@pytest.mark.parametrize(
    "args, sentence",
    [
        (["gone.h5", "--data", "x.npy"], "There is no model gone.h5."),
        (["net.h5", "--data", "gone.npy"], "There is no data file gone.npy."),
        (["net.h5", "--data", "wide.npy"], "expected (n, 8, 8, 1) with 64 values per sample"),
        (["net.h5", "--data", "nan.npy"], "hold NaN or infinite values, first in sample 4."),
        (["net.h5", "--data", "empty.npy"], "data holds no samples."),
        (["net.h5", "--data", "few_labels.npz"], "The data have 12 samples and 3 labels."),
        (["net.h5", "--data", "x.npy", "--devices", "abacus"], "There is no device 'abacus'"),
        (["norm.h5", "--data", "x.npy"], "Layer 'norm' (LayerNormalization) can't be conv"),
        (["net.h5", "--data", "x.npy", "--neuron", "LIFF"], "neuron_type 'LIFF' is unknown"),
        (["net.h5", "--data", "x.npy", "--steps", "0"], "n_steps must be a whole number"),
        (["net.h5", "--data", "x.npy", "--json", "no/x.json"], "there is no folder"),
        (["net.h5", "--data", "x.npy", "--device-file", "no.toml"], "no.toml"),
        (["net.h5", "--data", "net.h5"], "net.h5 is no .npy or .npz file of arrays."),
    ],
)
def test_bad_input_is_one_sentence(run, args, sentence):
    done = run("report", *args)
    assert done.exit_code == 2
    assert sentence in done.stderr and done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1 and "Traceback" not in done.output
    assert done.stdout == ""


@pytest.mark.parametrize(
    "args",
    [
        ["report", "net.h5", "--data", "x.npy", "--steps", "10", "--steps", "20"],
        ["report", "net.h5", "--data", "x.npy", "--synapse", "0.1", "--synapse=0.2"],
        ["compare", "net.h5", "--data", "x.npy", "--data", "y.npy"],
        ["tune", "net.h5", "--data", "x.npy", "--samples", "1", "--samples", "2"],
        ["demo", "--json", "a.json", "--json", "b.json"],
    ],
)
def test_an_option_given_twice(run, args):
    """click alone would take the last and say nothing."""
    done = run(*args)
    option = {"report": args[4], "compare": "--data", "tune": "--samples", "demo": "--json"}[
        args[0]
    ]
    assert done.exit_code == 2
    assert f"Error: {option} is given 2 times, and takes one value: give it once." in done.stderr


def test_in_a_process_of_its_own(folder):
    """Exit code and streams without a test runner in between: nothing but our sentence."""
    command = [sys.executable, "-m", "nengo_spikecost.cli", "report", "net.h5", "--data"]
    done = subprocess.run([*command, "nan.npy"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr == (
        "Error: data for input 'image' hold NaN or infinite values, first in sample 4.\n"
    )
    options = ["x.npy", "--steps", "5", "--samples", "2"]
    done = subprocess.run([*command, *options], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == "" and "conv0 (Conv2D)" in done.stdout


def test_demo(run, folder):
    done = run("demo", "--samples", 100)
    assert done.exit_code == 0, done.output
    content = json.loads((folder / "spikecost-demo.json").read_text())
    assert content["accuracy"]["keras"] >= 0.97
    assert content["accuracy"]["spiking_last_step"] >= 0.95
    assert len(content["devices"]) >= 6
    for name in ("cpu", "gpu", "arm", "loihi", "spinnaker", "spinnaker2"):
        assert content["total"]["energy_J"][name] > 0 and name in done.output
    for layer in ("to-spikes", "conv0", "conv1", "dense0"):
        assert next(row for row in content["layers"] if row["layer"] == layer)["spikes"] > 0


def test_a_model_with_several_inputs(run, folder):
    """Arrays of an .npz file have the names of the inputs, or the keys of a Keras 3 dict."""
    keras = importlib.import_module("keras")
    a, b = keras.Input((4,), name="ia"), keras.Input((3,), name="ib")
    joined = keras.layers.Concatenate()([a, b])
    out = keras.layers.Dense(2, name="out")(keras.layers.Dense(5, activation="relu")(joined))
    of_dict = not keras.__version__.startswith("2.")
    model = keras.Model({"z": a, "y": b} if of_dict else [a, b], out)
    model.save(folder / "two.h5")
    data = {"ia": np.ones((3, 4)), "ib": np.ones((3, 3)), "labels": np.zeros(3, int)}
    np.savez(folder / "named.npz", **data)
    done = run("report", "two.h5", "--data", "named.npz", "--steps", "3", "--samples", "2")
    assert done.exit_code == 0 and "2 samples" in done.stdout, done.output
    if of_dict:
        # "y" is a usual name of labels, too: here it is an input's
        np.savez(folder / "keys.npz", z=data["ia"], y=data["ib"])
        done = run("report", "two.h5", "--data", "keys.npz", "--steps", "3")
        assert done.exit_code == 0 and "ccuracy" not in done.stdout, done.output
    np.savez(folder / "half.npz", ia=data["ia"])
    done = run("report", "two.h5", "--data", "half.npz")
    assert done.exit_code == 2 and "half.npz has no array for input 'ib'; it has ia." in done.stderr
    np.save(folder / "one.npy", data["ia"])
    done = run("report", "two.h5", "--data", "one.npy")
    assert done.exit_code == 2 and "one array, and the model has 2 inputs" in done.stderr


def test_a_page_that_can_be_sent(run, folder):
    done = run("report", "net.h5", "--data", "data.npz", "--steps", 10, "--html", "report.html")
    assert done.exit_code == 0, done.stderr
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>") and "worth it?" in page
    # the command that makes it again
    assert "report net.h5 --data data.npz --steps 10 --html report.html</code>" in page


def test_json_on_standard_output_is_alone_there(run):
    done = run("report", "net.h5", "--data", "data.npz", "--steps", 10, "--json", "-")
    assert done.exit_code == 0, done.stderr
    content = json.loads(done.stdout)
    assert content["verdict"]["lines"][0]["about"] == "accuracy"
    assert "Per inference of 10 steps" in done.stderr


def test_the_verdict_comes_first_and_its_commands_name_the_files(run):
    done = run("report", "net.h5", "--data", "data.npz", "--steps", 10)
    lines = [line for line in done.stdout.splitlines() if line]
    assert lines[:2] == [
        "Settings: scale 150; 10 steps of 1 ms; filter 5 ms; SpikingRectifiedLinear; max",
        "  pooling average; fresh",
    ]
    assert lines[2].startswith("accuracy    Keras 100.0%, with spikes ")
    commands = [line.strip() for line in lines if line.strip().startswith("nengo-spikecost ")]
    assert commands and all(" net.h5 --data data.npz" in command for command in commands)


def test_verdict_with_the_chip(run):
    done = run("report", "net.h5", "--data", "data.npz", "--steps", 10, "--chip")
    assert done.exit_code == 0, done.stderr
    words = " ".join(done.stdout.split())
    assert words.index("on the emulated chip") < words.index("Loihi")
    ends = r"at least \S+ [um]J the chip, at least \S+ [um]J a board"
    assert re.search(rf"Loihi \S+ [nu]J its cores, {ends}", words)
    assert re.search(r"^Chip \(emulated\) .*^Board \(emulated\) ", done.stdout, re.M | re.S)
    assert "What decides the time of an inference, as if it were one step" in words


def test_report_tells_what_limits_each_layer_as_deploy_does(run, folder):
    """With counts of every step, on the same chip: its table, its JSON and its page."""
    options = ("net.h5", "--data", "data.npz", "--steps", 10, "--by-step", "--no-try")
    files = ("--html", "r.html", "--json")
    done = run("report", *options, "--chip", *files, "r.json")
    assert done.exit_code == 0, done.stderr
    fresh = ("--presentation", "fresh", "--cost", "--json", "d.json")
    assert run("deploy", *options, *fresh).exit_code == 0
    found = json.loads((folder / "r.json").read_text())["floorline"]
    assert found == json.loads((folder / "d.json").read_text())["cost"]["floorline"]
    assert found["with_host"]["by_step"] and "by_step=True" not in done.stdout
    rows = [layer["name"] for layer in found["cores_alone"]["layers"]]
    table = done.stdout[done.stdout.index("What decides the time of a step") :]
    assert rows and all(re.search(rf"^{name} ", table, re.M) for name in rows)
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "What decides a step" in (folder / "r.html").read_text()


@pytest.mark.parametrize("wrong, said", [
    (("--devices", "loihi,toaster"), "There is no device 'toaster'"),
    (("--steps", "0"), "n_steps must be a whole number of at least 1, not 0"),
    (("--task", "juggling"), "juggling"),
])  # fmt: skip
def test_wrong_options_are_said_before_the_model_is_read(run, monkeypatch, wrong, said):
    from nengo_spikecost.cli import model_commands

    monkeypatch.setattr(model_commands, "loaded", lambda *_: pytest.fail("the model was read"))
    done = run("report", "net.h5", "--data", "data.npz", *wrong)
    assert done.exit_code == 2 and said in done.stderr


def test_check_says_whether_it_runs_and_fits(run, folder):
    done = run("check", "net.h5", "--json", "check.json", "--html", "check.html")
    assert done.exit_code == 0, done.stderr
    about = [line.split("  ")[0] for line in done.stdout.splitlines()[:4]]
    assert about[0] == "converts" and "on Loihi" in about and "fits" in done.stdout
    content = json.loads((folder / "check.json").read_text())
    assert content["runs"] is True and content["problems"] == []
    assert (folder / "check.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_check_of_what_can_not_be_converted(run):
    done = run("check", "norm.h5")
    assert done.exit_code == 2 and "norm" in done.stderr and "LayerNormalization" in done.stderr


def test_train_writes_a_model_that_is_read_again(run, folder):
    done = run(
        "train", "net.h5", "--data", "data.npz", "--out", "trained.keras", "--forward", "rates",
        "--batch-size", 4, "--json", "train.json",
    )  # fmt: skip
    assert done.exit_code == 0, done.stderr
    history = json.loads((folder / "train.json").read_text())["history"]
    assert [epoch["epoch"] for epoch in history] == [0, 1]
    assert not list(folder.glob(".saving-*"))
    again = run("report", "trained.keras", "--data", "data.npz", "--steps", 5)
    assert again.exit_code == 0 and "Per inference of 5 steps" in again.stdout


def test_train_refuses_a_name_that_keras_does_not_write(run):
    done = run("train", "net.h5", "--data", "data.npz", "--out", "trained.txt")
    assert done.exit_code == 2 and ".keras or .h5" in done.stderr
    over = run("train", "net.h5", "--data", "data.npz", "--out", "net.h5")
    assert over.exit_code == 2 and "would be written over net.h5" in over.stderr


def test_help_has_sections_and_cuts_nothing(run):
    done = run("--help")
    assert "..." not in done.stdout.replace("[ARGS]...", "")
    sections = [line for line in done.stdout.splitlines() if line in ("Start:", "Tune:", "Loihi:")]
    assert sections == ["Start:", "Tune:", "Loihi:"]
    for command in (
        "check",
        "compare",
        "demo",
        "deploy",
        "fit",
        "report",
        "sweep",
        "train",
        "tune",
    ):
        own = run(command, "--help")
        assert f"Example:\n  nengo-spikecost {command}" in own.stdout, command


def test_version_says_the_stack(run):
    done = run("--version")
    assert done.stdout.startswith("nengo-spikecost ") and "\nnengo-dl 3." in done.stdout
