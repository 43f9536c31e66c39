"""``advise`` on the command line: what it writes, and what it refuses."""

from __future__ import annotations

import json
import logging
import shlex

import pytest
import tensorflow as tf

DATA = ("net.h5", "--data", "data.npz")


def test_advice_is_printed_and_written(run, folder):
    done = run("advise", *DATA, "--steps", 8, "--changes", 2, "--samples", 4, "--first-samples", 1,
               "--json", "advice.json", "--csv", "advice.csv", "--html", "advice.html",
               "--plot", "advice.png")  # fmt: skip
    assert done.exit_code == 0, done.stderr
    content = json.loads((folder / "advice.json").read_text())
    assert content["format"] == "nengo-spikecost/advice/1"
    assert content["n_samples"] == 4 and content["n_steps"] == 8
    assert 1 <= len(content["changes"]) <= 2
    for change in content["changes"]:
        assert change["change"].split(":")[0] in done.stdout
    rows = (folder / "advice.csv").read_text().splitlines()
    assert len(rows) == 1 + len(content["changes"]) + len(content["together"]) and rows[
        0
    ].startswith("change,kind,layer")
    assert "advice" in (folder / "advice.html").read_text().lower()
    assert (folder / "advice.png").stat().st_size > 1000


RUN = ("--steps", 30, "--samples", 6, "--first-samples", 2, "--scale", 2000, "--prune-share", "0.5")


def energy_of(content):
    """Of the cores, in J, as ``deploy --cost`` writes it."""
    return content["cost"]["boundaries"]["core_dynamic"]["energy_J"]["nominal"]


def run_chain(run, command):
    """What a printed command does: ``nengo-spikecost A && nengo-spikecost B``."""
    for words in command.split(" && "):
        program, *arguments = shlex.split(words)
        assert program == "nengo-spikecost"
        done = run(*arguments, *(["--json", "done.json"] if "--cost" in arguments else []))
        assert done.exit_code == 0, done.stderr
    return done


def test_every_command_gives_what_was_measured(run, folder):
    done = run("advise", *DATA, *RUN, "--host", "none", "--changes", 6, "--json", "advice.json",
               "--save", "energy")  # fmt: skip
    assert done.exit_code == 0, done.stderr
    content = json.loads((folder / "advice.json").read_text())
    assert content["host"] is None
    tried = [*content["changes"], *content["together"]]
    assert {"steps", "rate", "prune", "together"} <= {one["kind"] for one in tried}
    # a line that is broken ends in a backslash, as a shell reads it
    text = " ".join(done.stdout.replace("\\\n", " ").split())
    for one in tried:
        if one["saving"] > 0:
            assert " ".join(one["command"].split()) in text
        run_chain(run, one["command"])
        again = json.loads((folder / "done.json").read_text())
        assert energy_of(again) == pytest.approx(one["realised"], rel=1e-12), one["command"]
        assert again["accuracy"] == one["accuracy"]


def test_time_is_saved_by_a_command_that_counts_each_step(run, folder):
    flags = ("--save", "time", "--host-io", "none", "--changes", 2, "--no-combine", "--steps", 8)
    done = run("advise", *DATA, *flags, "--samples", 4, "--json", "advice.json", "-q")
    assert done.exit_code == 0, done.stderr
    changes = json.loads((folder / "advice.json").read_text())["changes"]
    assert changes
    for one in changes:
        assert "--by-step" in one["command"] and "--host-io none" in one["command"]
        run_chain(run, one["command"])
        cost = json.loads((folder / "done.json").read_text())["cost"]
        assert cost["latency_s"]["nominal"] == pytest.approx(one["realised"], rel=1e-12)


def test_a_layer_moves_to_the_host_by_its_command(run, folder):
    done = run("advise", *DATA, *RUN, "--boundary", "board", "--changes", 20, "--no-combine",
               "--json", "advice.json")  # fmt: skip
    assert done.exit_code == 0, done.stderr
    changes = json.loads((folder / "advice.json").read_text())["changes"]
    moved = [one for one in changes if one["kind"] == "host"]
    for one in moved:
        assert f"--off-chip {one['layer']}" in one["command"]
        run_chain(run, one["command"])
        layers = json.loads((folder / "done.json").read_text())["layers"]
        assert {row["place"] for row in layers if row["layer"] == one["layer"]} == {"host"}
    assert moved


def test_scales_and_block_shapes_of_other_commands_are_carried_on(run, folder):
    run("tune", *DATA, "--target", "50", "--steps", 8, "--samples", 4, "--json", "tune.json")
    assert run("fit", "net.h5", "--json", "fit.json").exit_code == 0
    given = ("--scales", "tune.json", "--fit", "fit.json", "--steps", 8, "--samples", 4)
    done = run("advise", *DATA, *given, "--changes", 1, "--json", "advice.json")
    assert done.exit_code == 0, done.stderr
    before = json.loads((folder / "advice.json").read_text())["before"]
    deployed = run("deploy", *DATA, *given, "--presentation", "fresh", "--cost", "--json", "d.json")
    assert deployed.exit_code == 0, deployed.stderr
    chip = energy_of(json.loads((folder / "d.json").read_text()))
    assert before > chip  # with its host
    alone = run("advise", *DATA, *given, "--changes", 9, "--host", "none", "--json", "advice.json")
    assert alone.exit_code == 0, alone.stderr
    content = json.loads((folder / "advice.json").read_text())
    assert content["before"] == pytest.approx(chip, rel=1e-12)
    (steps,) = [one for one in content["changes"] if one["kind"] == "steps"]
    assert "--scales tune.json" in steps["command"] and "--fit fit.json" in steps["command"]


@pytest.mark.parametrize("flag, file", [("--scales", "data.npz"), ("--fit", "data.npz")])
def test_other_files_are_refused(run, flag, file):
    done = run("advise", *DATA, flag, file)
    assert done.exit_code == 2 and file in done.stderr


@pytest.mark.parametrize(
    "flags, words",
    [
        (("--keep-steps", "1"), "keep_steps is 1: a change must leave and take something"),
        (("--target", "board"), "advise needs target='emulator'"),
        (("--host", "loihi"), "host must be a processor"),
        (("--host-io", "usb"), "host_io must be 'x86'"),
        (("--board", "kapoho"), "board must be 'nahuku32'"),
        (("--off-chip", "nothing"), "--off-chip names layer 'nothing'"),
        (("--changes", "0"), "n_changes"),
        (("--save", "money"), "money"),
    ],
)
def test_wrong_flags_are_refused(run, flags, words):
    done = run("advise", *DATA, *flags)
    assert done.exit_code == 2
    assert words in " ".join(done.stderr.split())


def test_tensorflow_warns_of_nothing_of_its_own(run):
    """Many networks make it warn that their functions are traced again, which nobody can act on."""
    logger = tf.get_logger()
    before = logger.level
    logger.setLevel("WARNING")
    try:
        assert run("check", "net.h5").exit_code == 0
        assert not logger.isEnabledFor(logging.WARNING)
    finally:
        logger.setLevel(before)
