"""docs/soak.md: its tables are those of the run that is kept, which was a full one."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from tests.soak import registry
from tests.soak.one_network import MADE
from tests.tools import ROOT, tool

#: What a full run is.
FULL = 1000


@pytest.fixture(scope="module")
def soak_page():
    return tool("soak_page")


@pytest.fixture(scope="module")
def run(soak_page):
    return json.loads(soak_page.RUN.read_text(encoding="utf-8"))


def test_the_page_is_what_the_run_found(soak_page, capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["soak_page.py", "--check"])
    assert soak_page.main() == 0
    assert "is what the run found" in capsys.readouterr().out


def test_the_run_was_a_full_one_of_all_kinds_and_checks(run):
    assert run["n_networks"] >= FULL and sum(run["networks"].values()) == run["n_networks"]
    assert set(run["networks"]) == set(registry.KINDS)
    done: Counter[str] = Counter()
    for kind, checks in run["checks"].items():
        assert set(checks) == {MADE, *(check.name for check in registry.checks_of(kind))}, kind
        done.update({name: counts["done"] for name, counts in checks.items()})
    # no check is in name only
    assert min(done.values()) > 50, done


def test_what_failed_then_passes_now(soak_page, run):
    seeds = {failure["seed"] for failure in run["failures"]}
    if not seeds:
        return
    again = json.loads(soak_page.AGAIN.read_text(encoding="utf-8"))
    assert again["n_networks"] == len(seeds) and again["failures"] == []


def test_every_kind_and_check_is_on_the_page():
    page = (ROOT / "docs/soak.md").read_text(encoding="utf-8")
    for check in registry.CHECKS:
        assert f"| {check.name} |" in page
    for kind in registry.KINDS:
        assert f"| {kind} (" in page


def test_failures_are_told_on_the_page(soak_page):
    failure = {
        "seed": 7, "kind": "Keras 2", "check": "spikes", "said": "AssertionError: 1 != 2 | `3`",
    }  # fmt: skip
    run = {
        "n_networks": 1, "date": "2026-01-01", "first_seed": 7, "last_seed": 7, "commit": "abc",
        "minutes": 1.0, "processes": 1, "versions": ["Python 3"], "seconds": {"Keras 2": 1.0},
        "networks": {"Keras 2": 1}, "reasons": {"refused": {"one": 5, "rare": 1}},
        "checks": {"Keras 2": {"spikes": {"done": 0, "refused": 0, "left out": 0, "failed": 1}}},
        "failures": [failure],
    }  # fmt: skip
    again = {"date": "2026-01-02", "commit": "def", "failures": []}
    text = soak_page.written(run, again)
    assert "| 7 | Keras 2 | spikes | `AssertionError: 1 != 2 \\| '3'` |" in text
    assert "1 of 1 seeds pass" in text and "| 5 | `one` |" in text
    assert "| 1 | 1 others, each of fewer |" in text
    assert "0 of 1 seeds pass" in soak_page.written(run, {**again, "failures": [failure]})
