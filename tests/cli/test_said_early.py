"""Whatever is wrong with names, numbers and files is said before TensorFlow starts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nengo_spikecost import cli

ROOT = Path(__file__).parents[2]
LIMIT_s = 1.0
"""A second of processor time, beside the import of Nengo and SciPy, which is timed apart."""

ON_DATA = {
    "report": (), "compare": (), "deploy": (), "fit": (), "tune": (), "advise": (),
    "train": ("--out", "trained.keras"), "sweep": ("--study", "study.db"),
}  # fmt: skip
"""Commands on MODEL and --data, with what else they need."""


def wrong() -> list[tuple[list[str], str]]:
    """Command lines that are wrong, and a part of the sentence that says so."""
    cases: list[tuple[list[str], str]] = [
        (["demo", "--steps", "0"], "n_steps must be"),
        (["demo", "--devices", "toaster"], "There is no device 'toaster'"),
        (["demo", "--neuron", "LIFF"], "neuron_type 'LIFF' is unknown"),
        (["demo", "--scale", "-3"], "scale_firing_rates must be a positive number"),
        (["demo", "--json", "no/x.json"], "there is no folder"),
        (["devices", "toaster"], "There is no device 'toaster'"),
        (["devices", "--json", "no/x.json"], "there is no folder"),
        (["chips", "toaster"], "There is no chip 'toaster'"),
        (["chips", "--json", "no/x.json"], "there is no folder"),
        (["chips", "--chip-file", "no.toml"], "no.toml"),
        (["check", "no.h5"], "There is no model no.h5"),
        (["check", "net.h5", "--off-chip", "c"], "--off-chip names layer 'c'"),
        (["prune", "no.h5", "--units", "c=0", "--out", "a.h5"], "There is no model no.h5"),
        (["prune", "net.h5", "--units", "c=0", "--out", "a.h5"], "--units names layer 'c'"),
        (["prune", "net.h5", "--units", "c", "--out", "a.h5"], "expected LAYER=0,3,5-9"),
        (["prune", "net.h5", "--units", "c=0", "--out", "a.txt"], ".keras or .h5"),
        (["deploy", "net.h5", "--data", "x.npy", "--host-io", "usb"], "host_io must be"),
        (["deploy", "net.h5", "--data", "x.npy", "--host-io", "nan"], "host_io must be a finite"),
        (["deploy", "net.h5", "--data", "x.npy", "--x86-active", "2"], "x86_active must be"),
        (["deploy", "net.h5", "--data", "x.npy", "--x86-active", "1,0.5"], "x86_active must be"),
        (["deploy", "net.h5", "--data", "x.npy", "--board", "b"], "board must be"),
        (["check", "net.h5", "--html", "no/x.html"], "there is no folder"),
        (["check", "net.h5", "--time-limit", "-1"], "--time-limit must be"),
        (["check", "net.h5", "--max-pooling", "least"], "'least' is not one of"),
        (["nir", "net.h5", "--out", "a.txt"], "has to end in .nir"),
        (["nir", "net.h5", "--out", "no/a.nir"], "there is no folder"),
        (["nir", "no.h5", "--out", "a.nir"], "There is no model no.h5"),
        (["nir", "net.h5", "--out", "a.nir", "--scale", "-3"], "is not in the range"),
        (["report", "net.h5", "--data", "x.npy", "--devices", "toaster"], "no device 'toaster'"),
        (["report", "net.h5", "--data", "x.npy", "--fit", "fit.json"], "give --chip"),
        (["compare", "net.h5", "--data", "x.npy", "--devices", "toaster"], "no device 'toaster'"),
        (
            ["deploy", "net.h5", "--data", "x.npy", "--cost", "--target", "nengo_loihi"],
            "--cost needs --target emulator",
        ),
        (["deploy", "net.h5", "--data", "x.npy", "--fit", "x.npy"], "x.npy is no JSON file"),
        (["advise", "net.h5", "--data", "x.npy", "--save", "money"], "'money' is not one of"),
        (["advise", "net.h5", "--data", "x.npy", "--changes", "0"], "n_changes must be"),
        (["advise", "net.h5", "--data", "x.npy", "--keep-rate", "1"], "keep_rate is 1"),
        (["advise", "net.h5", "--data", "x.npy", "--host", "loihi"], "host must be a processor"),
        (["advise", "net.h5", "--data", "x.npy", "--target", "board"], "needs target='emulator'"),
        (["tune", "net.h5", "--data", "x.npy", "--target", "-4"], "target must be a rate in Hz"),
        (["tune", "net.h5", "--data", "x.npy", "--skip-steps", "99"], "skip_steps must be less"),
        (["train", "net.h5", "--data", "x.npy", "--out", "no/a.keras"], "there is no folder"),
        (["train", "net.h5", "--data", "x.npy", "--out", "a.keras"], "has no labels"),
        (["train", "net.h5", "--data", "x.npy", "--out", "a.txt"], ".keras or .h5"),
        (
            ["sweep", "net.h5", "--data", "data.npz", "--study", "s.db", "--device", "toaster"],
            "There is no device 'toaster'",
        ),
        (
            ["sweep", "net.h5", "--data", "data.npz", "--study", "s.db", "--confirm", "12"],
            "--confirm 12 needs so many samples beyond the 12",
        ),
        (
            ["sweep", "net.h5", "--data", "data.npz", "--study", "s.db", "--cost-model",
             "loihi_chip"],
            "prices what each core of a chip did",
        ),
    ]  # fmt: skip
    for command, needs in ON_DATA.items():
        line = [command, "net.h5", "--data", "x.npy", *needs]
        cases += [
            ([*line, "--steps", "0"], "n_steps must be"),
            ([*line, "--neuron", "LIFF"], "neuron_type 'LIFF' is unknown"),
            ([*line, "--json", "no/x.json"], "there is no folder"),
            ([*line, "--samples", "0"], "0 is not in the range"),
            ([command, "net.h5", "--data", "no.npz", *needs], "There is no data file no.npz"),
            ([command, "no.h5", "--data", "x.npy", *needs], "There is no model no.h5"),
            ([*line, "--synapses" if command == "sweep" else "--synapse", "-1"], "time constant"),
        ]
        if command not in ("tune", "sweep"):
            cases += [
                ([*line, "--scale", "conv9=3"], "--scale names layer 'conv9'"),
                ([*line, "--scale", "conv0=0"], "of layer 'conv0' must be a positive number"),
            ]
        if command not in ("tune", "sweep", "advise"):
            cases.append(([*line, "--scales", "no.json"], "There is no file no.json"))
    return cases


_ALL = """
import contextlib, io, json, sys, time

before = time.process_time()
import nengo, scipy.sparse, scipy.optimize  # the work of others
imported = time.process_time() - before
from nengo_spikecost.cli import main

said = []
for line in json.loads(sys.argv[1]):
    began, error = time.process_time(), io.StringIO()
    with contextlib.redirect_stderr(error), contextlib.redirect_stdout(io.StringIO()):
        try:
            main(line, prog_name="nengo-spikecost")
            code = 0
        except SystemExit as stop:
            code = stop.code
    heavy = [m for m in ("tensorflow", "nengo_dl", "nengo_loihi", "keras") if m in sys.modules]
    said.append([code, error.getvalue(), time.process_time() - began, heavy])
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def said(folder):
    """What each wrong line makes of a process that has no TensorFlow: code, words, s, modules."""
    lines = json.dumps([line for line, _ in wrong()])
    done = subprocess.run(
        [sys.executable, "-c", _ALL, lines], cwd=folder, text=True, capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_wrong_lines_are_told_without_tensorflow(said):
    for (line, words), (code, error, seconds, heavy) in zip(wrong(), said):
        assert code == 2, (line, error)
        assert words in " ".join(error.split()), (line, error)
        assert heavy == [], line
        assert seconds < LIMIT_s, (line, seconds)


def test_every_command_is_among_them():
    assert {line[0] for line, _ in wrong()} == set(cli.main.commands)


def test_nothing_was_written(folder, said):
    assert {path.name for path in folder.iterdir()} <= {"net.h5", "data.npz", "x.npy"}
