"""The examples that need nothing but the package run, and say what is true."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run(example: str, folder: Path, *arguments: str, left: Collection[str] = ()) -> str:
    """Standard output of an example, run in another folder as a user would."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / f"{example}.py"), *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    behind = sorted(file.name for file in folder.iterdir())
    assert behind == sorted(left), "an example should leave no files behind that nobody asked for"
    return done.stdout


def number(text: str) -> float:
    """``"1,234"`` or ``"58.1 uJ"``, without its unit."""
    return float(text.replace(",", "").split()[0])


def test_quickstart(tmp_path):
    out = run("quickstart", tmp_path)
    assert "100 samples of 40 steps of 1 ms" in out
    shares = {m[1]: int(m[2]) for m in re.finditer(r"accuracy (.*?): .*\((\d+) of 100\)", out)}
    assert set(shares) == {"keras", "spiking, last step", "spiking, mean over steps"}
    # all 100 where it was written; spikes, and so a digit or two, vary between machines
    assert min(shares.values()) >= 95
    totals = [line for line in out.splitlines() if re.match(r"Total.* [mu]J", line)]
    cpu, loihi = re.findall(r"([\d.]+) (mJ|uJ)", totals[0])[:2]
    # static: (1,043,318 multiply-accumulates + 10,164 neurons) x 8.6 nJ
    assert cpu == ("9.06", "mJ")
    # more than its neuron updates alone: 7,812 neurons on the chip x 40 steps x 81 pJ = 25 uJ
    assert loihi[1] == "uJ" and 25 < float(loihi[0]) < 100


def test_native_network(tmp_path):
    out = run("native_network", tmp_path)
    # decoded connections in their full form: 80 x 120 and 120 x 120 neurons
    assert re.search(r"relay -> memory +neural +9,600\n", out)
    assert re.search(r"memory -> memory +neural +14,400\n", out)
    found = re.findall(r"input ([\d.]+): integral ([\d.]+), ([\d,]+) synops", out)
    (weak, half, few), (strong, whole, many) = found
    assert (float(weak), float(strong)) == (0.5, 1.0)
    # 0.5 s of each; spiking neurons integrate within some per cent, filters delay
    assert float(half) == pytest.approx(0.25, abs=0.06)
    assert float(whole) == pytest.approx(0.5, abs=0.08)
    assert 0 < number(few) < number(many)


@pytest.mark.slow
def test_compare_counting(tmp_path):
    out = run("compare_counting", tmp_path)
    rows = {line.split()[0]: line.split()[1:] for line in out.splitlines()[2:]}
    assert list(rows) == ["to-spikes", "conv0", "conv1", "dense0", "dense1"]
    assert rows["to-spikes"][0] == rows["dense1"][0] == "(host)"
    for name in ("conv0", "conv1", "dense0"):
        exact, average, ratio, guess = map(number, rows[name])
        assert ratio == pytest.approx(average / exact, rel=0.01)
        assert exact > 50 * guess  # blind to scale_firing_rates=200
        if name.startswith("conv"):  # digits are in the middle, where the fan-out is larger
            assert 0.8 < ratio < 0.95


def test_break_even(tmp_path):
    out = run("break_even", tmp_path)
    assert "The network wins: " in out and "The network never wins: " in out
    totals = [line.split() for line in out.splitlines() if line.startswith("Total ")]
    # arithmetic, and with memory, in two parts each
    assert [line[-1] for line in totals[1::2]] == ["wins", "never"]
    # SNN / ANN is of the SNN and the ANN that are shown beside it
    (snn, _, ann), ratio = totals[0][-4:-1], float(totals[1][1])
    assert ratio == pytest.approx(float(snn) / float(ann), rel=0.01) and 0.3 < ratio < 0.6
    assert float(totals[2][-1]) > 3
    rows = [line.split() for line in out.splitlines() if line.startswith("kerasspiking  ")]
    assert [row[1] for row in rows] == ["cpu", "loihi", "digital", "digital_snn"] * 2  # two parts
    assert "27.1 against 23.6 pJ a synop" in " ".join(out.split())


@pytest.mark.slow
def test_tune_mnist(tmp_path):
    out = run("tune_mnist", tmp_path, "--quick")
    found = {}
    for line in out.splitlines():
        row = re.match(
            r"(\S.*?) +[34]0 +([\d.]+)% \(.*?\) +-?[\d.]+ +([\d,]+) .* uJ +([\d.]+)%", line
        )
        if row:
            found[row[1]] = float(row[2]), number(row[3]), float(row[4])
    assert list(found) == [
        "one scale of 100", "200 Hz rule", "200 Hz rule, longer", "tuner, 125 Hz", "sweep",
        "fine-tuning", "fine-tuning and sweep",
    ]  # fmt: skip
    (rule, most, on_chip), (searched, fewer, _), (_, fewest, _) = (
        found[name] for name in ("200 Hz rule", "sweep", "fine-tuning and sweep")
    )
    # 100 digits are too few to tell accuracies apart that are less than a few points apart
    assert min(rule, searched, on_chip) > 80
    assert max(fewer, fewest) < 0.7 * most


@pytest.mark.slow
def test_few_steps(tmp_path):
    results = tmp_path / "results"
    out = run("few_steps", tmp_path, "--quick", "--results", str(results), left=["results"])
    rows = {}
    for line in out.splitlines():
        row = re.match(
            r"(\S.*?) +(\d+) +([\d.]+) +([\d.]+)% \(.*?\) +-?[\d.]+ +([\d,]+) +([\d.]+) uJ "
            r"+([\d.]+)x",
            line,
        )
        if row:
            rows[row[1]] = [int(row[2]), *map(number, row.groups()[2:])]
    assert list(rows) == ["fine-tuning, today's best", "10 steps", "10 steps, image for 6"]
    (_, spikes, right, synops, joules, _), (_, fewer, same, less, lower, share) = (
        rows["10 steps"], rows["10 steps, image for 6"],
    )  # fmt: skip
    # what the host shows too late to be read changes nothing but what it costs
    assert same == right > 75 and fewer < spikes and less < synops and lower < joules
    assert lower == pytest.approx(share * rows["fine-tuning, today's best"][4], rel=0.05)
    assert len(re.findall(r"without a reset: 6 steps and \d without", out)) == 4
    (file,) = results.iterdir()
    result = json.loads(file.read_text())
    assert file.name == "digits-0.json" and len(result["rows"]) == 3
    last = result["rows"][-1]
    assert last["accuracy_by_step"][-1] == last["accuracy"] == right / 100
    assert last["exit"]["mean_steps"] <= 10
    again = run("few_steps", tmp_path, "--quick", "--results", str(results), left=["results"])
    assert again == f"seed 0 is in {file}\n"
