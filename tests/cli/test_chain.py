"""What one command found, carried on to the next: --scales, --scale LAYER=HZ and --fit."""

from __future__ import annotations

import itertools
import json

import pytest

DATA = ("net.h5", "--data", "data.npz")


@pytest.fixture(scope="module")
def tuned(folder):
    """Files as `tune`, `sweep` and `fit` write them: their keys are those of the schemas."""
    scales = {"conv0": 120.0, "conv1": 340.0, "dense0": 560.0}
    front = [
        {"n_steps": 12, "synapse": 0.003, "loss": 0.01, "energy_J": 3e-9,
         "scale_firing_rates": {**scales, "conv0": 99.0}},
        {"n_steps": 8, "synapse": None, "loss": 0.03, "energy_J": 1e-9,
         "scale_firing_rates": {**scales, "conv0": 11.0}},
        {"n_steps": 30, "synapse": 0.005, "loss": 0.0, "energy_J": 9e-9,
         "scale_firing_rates": scales},
    ]  # fmt: skip
    files = {
        "tune.json": {"format": "nengo-spikecost/firing-rates/1", "scale_firing_rates": scales},
        "sweep.json": {
            "format": "nengo-spikecost/sweep/1", "accuracy_losses": [0.01, 0.02], "front": front,
            "neuron_type": "LoihiSpikingRectifiedLinear()",
        },
        "hard.json": {
            "format": "nengo-spikecost/sweep/1", "accuracy_losses": [0.001], "front": front[:2],
            "neuron_type": "LoihiSpikingRectifiedLinear()",
        },
        "other.json": {"format": "nengo-spikecost/firing-rates/1", "scale_firing_rates": {"a": 1}},
        "cut.json": {"format": "nengo-spikecost/firing-rates/1"},
        "energy.json": {"format": "nengo-spikecost/energy/1"},
        "list.json": [1, 2],
    }  # fmt: skip
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content))
    return folder


def settings(done):
    assert done.exit_code == 0, done.stderr
    first, *others = done.stdout.splitlines()
    continued = itertools.takewhile(lambda line: line.startswith("  "), others)
    return " ".join([first, *(line.strip() for line in continued)])


def test_scales_of_a_file_and_of_single_layers(run, tuned):
    done = run("report", *DATA, "--steps", 4, "--scales", "tune.json", "--scale", "conv1=7",
               "--devices", "loihi", "--json", "a.json")  # fmt: skip
    assert settings(done).startswith("Settings: scales conv0 120, conv1 7, dense0 560; 4 steps")
    content = json.loads((tuned / "a.json").read_text())
    assert content["conversion"]["scale_firing_rates"] == {
        "conv0": 120.0, "conv1": 7.0, "dense0": 560.0
    }  # fmt: skip


def test_single_layers_and_all_others(run, tuned):
    done = run("deploy", *DATA, "--steps", 4, "--scale", "conv1=7", "--scale", 90, "--samples", 2)
    assert settings(done).startswith("Settings: scales others 90, conv1 7; 4 steps of 1 ms")


def test_the_next_command_has_the_same_scales(run, tuned):
    """Joined again, as a shell would read it: what was typed, for another command."""
    done = run("report", *DATA, "--steps", 4, "--scales", "tune.json", "--scale", "conv1=7",
               "--devices", "loihi", "--json", "b.json")  # fmt: skip
    assert done.exit_code == 0, done.stderr
    steps = json.loads((tuned / "b.json").read_text())["verdict"]["next_steps"]
    assert (
        "nengo-spikecost deploy net.h5 --data data.npz --steps 4 --scales tune.json --scale "
        "conv1=7 --cost"
    ) in [step["command"] for step in steps]


def test_a_new_scale_is_in_place_of_those_of_a_file():
    from nengo_spikecost.trying.attempts import FLAGS
    from nengo_spikecost.trying.retyping import changed_command

    typed = "nengo-spikecost deploy net.h5 --data x.npy --scales tune.json --fit fit.json -q"
    assert changed_command(typed, {"scale_firing_rates": 300.0}, FLAGS) == (
        "nengo-spikecost deploy net.h5 --data x.npy --fit fit.json --scale 300"
    )
    assert changed_command(typed, {"n_steps": 60}, FLAGS) == (
        "nengo-spikecost deploy net.h5 --data x.npy --scales tune.json --fit fit.json --steps 60"
    )


def test_tune_says_how_its_scales_are_carried_on(run, tuned):
    done = run("tune", *DATA, "--steps", 10, "--json", "found.json")
    assert done.exit_code == 0, done.stderr
    assert "\nnengo-spikecost deploy net.h5 --data DATA --scales found.json\n" in done.stdout
    deployed = run("deploy", *DATA, "--steps", 10, "--scales", "found.json")
    assert deployed.exit_code == 0, deployed.stderr


def test_the_best_setting_of_a_sweep_has_steps_filter_and_neurons(run, tuned):
    """Of those within the smallest loss, 0.01, the one with the least energy: by hand the first."""
    best = "scales conv0 99, conv1 340, dense0 560; {}; filter 3 ms; {}; max pooling average; fresh"
    done = run("report", *DATA, "--scales", "sweep.json", "--devices", "loihi")
    assert settings(done) == "Settings: " + best.format(
        "12 steps of 1 ms", "LoihiSpikingRectifiedLinear"
    )
    own = run("report", *DATA, "--scales", "sweep.json", "--devices", "loihi", "--steps", 5,
              "--neuron", "LIF")  # fmt: skip
    assert settings(own) == "Settings: " + best.format("5 steps of 1 ms", "LIF")


@pytest.mark.parametrize(
    "args, words",
    [
        (["--scales", "hard.json"], "no setting of this sweep is within its smallest loss, 0.001"),
        (["--scales", "other.json"], "other.json is of another model: it names layer 'a'"),
        (["--scales", "cut.json"], "cut.json is not as it was written (KeyError"),
        (["--scales", "energy.json"], "(its format is nengo-spikecost/energy/1); expected a file"),
        (["--scales", "list.json"], "list.json is something else; expected a file"),
        (["--scales", "net.h5"], "net.h5 is no JSON file"),
        (["--scales", "none.json"], "There is no file none.json"),
        (["--scales", "tune.json", "--scale", "3"], "are both for all layers: leave one out"),
        (["--scale", "3", "--scale", "4"], "two values for all layers, 3 and 4"),
        (["--scale", "conv0=x"], "expected HZ or LAYER=HZ, not 'conv0=x'"),
        (["--scales", "tune.json", "--json", "tune.json"], "over tune.json, which is read"),
    ],
)
@pytest.mark.parametrize("command", ["report", "deploy"])
def test_files_that_do_not_carry_on(run, tuned, monkeypatch, command, args, words):
    from nengo_spikecost.cli import model_commands

    monkeypatch.setattr(model_commands, "loaded", lambda *_: pytest.fail("the model was read"))
    done = run(command, *DATA, *args)
    assert done.exit_code == 2 and words in " ".join(done.stderr.split()), done.stderr
    assert done.stdout == ""


def test_a_layer_without_neurons_has_no_scale(run, tuned):
    done = run("report", *DATA, "--scale", "flatten=3")
    assert done.exit_code == 2 and done.stderr.count("\n") == 1
    assert "no effect on layers without neurons: flatten" in done.stderr


def test_block_shapes_of_a_fit(run, tuned):
    done = run("fit", *DATA, "--steps", 5, "--json", "fit.json")
    assert done.exit_code == 0, done.stderr
    assert "accuracy keras:                     100.00%" in done.stdout
    fit = json.loads((tuned / "fit.json").read_text())
    # cut otherwise than a search would: one row and column a block
    shapes = {"conv1": [1, 1, 4], "dense0": [6]}
    for row in fit["layers"]:
        row["block_shape"] = shapes[row["layer"]]
    (tuned / "own.json").write_text(json.dumps(fit))
    done = run("deploy", *DATA, "--steps", 4, "--samples", 2, "--fit", "own.json", "--json",
               "d.json")  # fmt: skip
    assert done.exit_code == 0, done.stderr
    layers = json.loads((tuned / "d.json").read_text())["layers"]
    assert {r["layer"]: r["block_shape"] for r in layers if r["block_shape"]} == shapes
    on_chip = run("report", *DATA, "--steps", 4, "--samples", 2, "--chip", "--fit", "own.json",
                  "--devices", "loihi")  # fmt: skip
    assert on_chip.exit_code == 0
    assert "(5 cores of 1 chip, emulated)" in " ".join(on_chip.stdout.split())


def test_block_shapes_of_another_network(run, tuned):
    rows = [{"layer": "conv1", "shape": [5, 5, 4], "block_shape": [5, 5, 4]}]
    fit = {"format": "nengo-spikecost/block-fit/1", "code": "...", "layers": rows}
    (tuned / "larger.json").write_text(json.dumps(fit))
    done = run("deploy", *DATA, "--steps", 4, "--fit", "larger.json")
    assert done.exit_code == 2 and done.stdout == ""
    assert "conv1 has 16 neurons, and its block shape is over (5, 5, 4)" in done.stderr
