"""The tables of docs/few_steps.md, from results that are written down here."""

from __future__ import annotations

import json

import pytest

from tests.tools import tool


def row(setting, core_uJ, **changes):
    own = {
        "setting": setting, "n_steps": 10, "n_shown": 10, "accuracy": 0.98,
        "interval": [0.97, 0.99], "loss": 0.002, "loss_interval": [0.001, 0.003],
        "spikes_per_neuron": 0.2, "spikes": {}, "synops": 100_000.0, "updates": 78_120.0,
        "core_uJ": core_uJ, "accuracy_by_step": None, "exit": None, "seconds": 1.0,
    }  # fmt: skip
    return {**own, **changes}


def result(seed, core_uJ, **changes):
    best = row("best", 20.0, n_steps=35, spikes_per_neuron=0.7)
    exit = {"threshold": 1.0, "mean_steps": 7.5, "accuracy": 0.979, "interval": [0.96, 0.99],
            "loss": 0.003, "core_uJ": 4.0}  # fmt: skip
    few = row("10 steps", core_uJ, accuracy_by_step=[0.1, 0.5, 0.98], exit=exit, **changes)
    way = {"name": "without a reset", "n_shown": 6, "n_pause": 2, "n_images": 50, "accuracy": 0.9,
           "interval": [0.8, 0.95], "synops": 90_000.0, "core_uJ": 3.0}  # fmt: skip
    return {
        "seed": seed, "n_test": 1000, "settings": {"data": "mnist"},
        "relu": {"accuracy": 0.982, "interval": [0.97, 0.99]},
        "relu_longer": {"accuracy": 0.988, "interval": [0.98, 0.99]},
        "rows": [best, few], "ways": [way],
    }  # fmt: skip


@pytest.fixture
def page(tmp_path):
    module = tool("few_steps_page")
    for seed, core_uJ in ((0, 5.0), (1, 7.0)):
        file = tmp_path / f"mnist-{seed}.json"
        file.write_text(json.dumps(result(seed, core_uJ)))
    return module, tmp_path


def test_tables_have_means_and_ends_and_shares_of_each_seeds_own(page):
    module, folder = page
    text = module.written(module.read(folder))
    assert "## MNIST" in text and "2 training runs (seeds 0, 1), 1,000 test images each" in text
    (line,) = [line for line in text.splitlines() if line.startswith("| 10 steps | 10 | 0.200 (")]
    assert "| 6.00 (5.00 to 7.00) | 0.300 (0.250 to 0.350) | 7.50 (7.50 to 7.50) |" in line
    assert "* 10 steps: reaches all of it for every seed." in text
    assert "| 10 steps | 10.00 | 50.00 | 98.00 |" in text
    assert "| without a reset | 6 | 2 | 8 | 90.00 (90.00 to 90.00) | 90 (90 to 90) k |" in text
    # every line of a table has as many cells as its heading
    for table in text.split("\n\n"):
        widths = {line.count("|") for line in table.splitlines() if line.startswith("|")}
        assert len(widths) <= 1


def test_what_is_missed_is_said_with_the_worst_seed(page):
    module, folder = page
    few = result(1, 7.2, n_steps=12, spikes_per_neuron=0.31, loss=0.0031)
    (folder / "mnist-1.json").write_text(json.dumps(few))
    text = module.written(module.read(folder))
    assert (
        "* 10 steps: misses with 12 steps, 0.310 spikes a neuron, 0.31 points, 0.360 of the energy "
        "at worst." in text
    )


def test_no_results_are_said(tmp_path, capsys, monkeypatch):
    module = tool("few_steps_page")
    monkeypatch.setattr("sys.argv", ["few_steps_page.py", "--results", str(tmp_path)])
    assert module.main() == 2
    assert "has no results" in capsys.readouterr().out


def test_the_page_is_what_the_runs_give():
    module = tool("few_steps_page")
    written = module.written(module.read(module.RESULTS))
    assert module.MARKS.written(module.PAGE.read_text(encoding="utf-8")) == written
