"""``advise`` on the command line: what it writes, and what it refuses."""

from __future__ import annotations

import json
import logging

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
    assert len(rows) == 1 + len(content["changes"]) and rows[0].startswith("change,kind,layer")
    assert "advice" in (folder / "advice.html").read_text().lower()
    assert (folder / "advice.png").stat().st_size > 1000


@pytest.mark.parametrize(
    "flags, words",
    [
        (("--keep-steps", "1"), "keep_steps is 1: a change must leave and take something"),
        (("--target", "board"), "advise needs target='emulator'"),
        (("--host", "loihi"), "host must be a processor"),
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
