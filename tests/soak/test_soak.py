"""The soak itself: networks come again, faults are seen, and what hangs or dies is one failure."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import textwrap
from collections import Counter

import numpy as np
import pytest

import nengo_spikecost as nsc
from tests.soak import __main__ as command
from tests.soak import one_network, registry
from tests.soak.results import FAILED, printed, reason, summary
from tests.soak.supervisor import ROOT, Worker

KINDS = tuple(registry.KINDS)


def seed_of(kind, start=0):
    """The first seed that makes a network of a kind."""
    return next(seed for seed in range(start, start + 9999) if registry.kind_of(seed).name == kind)


def test_every_kind_has_checks_and_its_share():
    drawn = Counter(registry.kind_of(seed).name for seed in range(4000))
    total = sum(kind.share for kind in registry.KINDS.values())
    for name, kind in registry.KINDS.items():
        names = [check.name for check in registry.checks_of(name)]
        assert len(names) >= 2 and len(names) == len(set(names)), name
        # four standard deviations of a binomial
        expected = 4000 * kind.share / total
        assert abs(drawn[name] - expected) < 4 * np.sqrt(expected), name
    assert {name for check in registry.CHECKS for name in check.kinds} == set(KINDS)


# SPA's networks are large, and a first step of the emulator compiles it
SLOW = ("Nengo, SPA", "Nengo, modules", "Keras 3", "Keras, on Loihi", "Loihi, values")


@pytest.mark.parametrize(
    "kind", [pytest.param(k, marks=[pytest.mark.slow] * (k in SLOW)) for k in KINDS]
)
def test_a_network_of_each_kind(kind):
    record = one_network.look_at(seed_of(kind))
    assert record["kind"] == kind and record["network"]
    outcomes = {name: (c["outcome"], c["said"]) for name, c in record["checks"].items()}
    assert FAILED not in {outcome for outcome, _ in outcomes.values()}, outcomes


def test_a_seed_makes_the_same_network_again():
    for kind in ("Keras 2", "Nengo, all objects", "Loihi, blocks"):
        seed = seed_of(kind, 50)
        first, second = (registry.kind_of(seed).make(seed) for _ in range(2))
        assert str(first) == str(second)
        if hasattr(first, "model"):
            for one, other in zip(first.model.get_weights(), second.model.get_weights()):
                np.testing.assert_array_equal(one, other)


@pytest.fixture
def wrong(monkeypatch):
    """A check that is appended to those of one kind."""

    def add(run):
        checks = [*registry.CHECKS, registry.Check("wrong", "nothing", ("Nengo, ensembles",), run)]
        monkeypatch.setattr(registry, "CHECKS", checks)
        return one_network.look_at(seed_of("Nengo, ensembles"), ["wrong"])["checks"]["wrong"]

    return add


def test_a_failure_says_both_values_and_is_not_the_end(wrong):
    def differs(network):
        found, wanted = 1234, 5678
        assert found == wanted

    outcome = wrong(differs)
    assert outcome["outcome"] == FAILED
    assert "found = 1234" in outcome["where"] and "wanted = 5678" in outcome["where"]


def test_a_failure_is_recorded_without_the_folder_of_this_machine(wrong):
    def fails(network):
        raise ValueError(f"{ROOT}/nengo_spikecost/version.py is of no use")

    outcome = wrong(fails)
    assert outcome["said"] == "ValueError: nengo_spikecost/version.py is of no use"
    assert 'File "tests/soak/test_soak.py"' in outcome["where"]
    assert str(ROOT) not in outcome["where"]


@pytest.mark.parametrize(
    "error, outcome",
    [
        (nsc.errors.ConversionError("no"), "refused"),
        (registry.Refused("no"), "refused"),
        (registry.LeftOut("no"), "left out"),
        (ValueError("no"), FAILED),
        (AssertionError("no"), FAILED),
    ],
)
def test_only_sentences_of_our_own_are_refusals(wrong, error, outcome):
    def fails(network):
        raise error

    found = wrong(fails)
    assert found["outcome"] == outcome and "no" in found["said"]


def stand_in(tmp_path, body):
    """A command that does to a worker's pipe what it is told."""
    path = tmp_path / "worker.py"
    path.write_text(
        "import json, os, sys, time\nout = os.fdopen(int(sys.argv[-1]), 'w', buffering=1)\n"
        "say = lambda content: out.write(json.dumps(content) + chr(10))\nsay({'ready': 1})\n"
        + textwrap.dedent(body)
    )
    return (sys.executable, "-c", f"import runpy; runpy.run_path({str(path)!r})")


def test_what_hangs_is_ended_and_what_dies_is_said(tmp_path):
    body = "for line in sys.stdin:\n    say({'begin': 'spikes'})\n    "
    waits = Worker(stand_in(tmp_path, body + "time.sleep(60)"))
    record = waits.look_at(3, (), time_limit_s=0.05)
    assert record["seed"] == 3 and record["checks"]["spikes"]["outcome"] == FAILED
    assert record["checks"]["spikes"]["said"] == "it took more than 1 s"
    assert waits.is_over and waits.process.returncode == -9

    dies = Worker(stand_in(tmp_path, body + "os._exit(7)"))
    record = dies.look_at(4, (), time_limit_s=30)
    assert record["checks"]["spikes"]["said"] == "its process ended with code 7"
    assert dies.is_over

    works = Worker(stand_in(
        tmp_path, "from tests.soak.worker import limit_processor_time\n"
        + body + "limit_processor_time(json.loads(line)['time_limit_s'])\n    while True: pass",
    ))  # fmt: skip
    record = works.look_at(5, (), time_limit_s=1)
    assert record["checks"]["spikes"]["said"] == "it took more than 1 s of processor time"


@pytest.mark.parametrize(
    ("seed", "kind"), [(201181, "Keras, volumes"), (200818, "Keras 2"), (3, "Loihi, populations")]
)
def test_a_seed_is_always_of_the_same_kind(seed, kind):
    assert registry.kind_of(seed).name == kind


def test_the_command(tmp_path, capsys):
    seed, path = seed_of("Nengo, ensembles"), tmp_path / "run.json"
    arguments = ["--kind", "Nengo, ensembles", "--check", "synops", "--json", str(path)]
    assert command.main([*arguments, "--seed", str(seed), "--networks", "2"]) == 0
    run = json.loads(path.read_text())
    assert run["n_networks"] == 2 and run["networks"] == {"Nengo, ensembles": 2}
    assert run["checks"]["Nengo, ensembles"]["synops"]["done"] == 2
    assert run["first_seed"] == seed and run["failures"] == []
    said = capsys.readouterr().out
    assert f"first seed {seed}" in said and "2 networks, 0 failures." in said
    # no time at all: nothing was looked at, which is no success
    assert command.main(["--minutes", "0", "--seed", "0"]) == 1


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_whoever_ends_it_is_told_what_was_found(number, tmp_path):
    path = tmp_path / "run.json"
    arguments = ["--kind", "Nengo, ensembles", "--seed", "0", "--json", str(path)]
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.soak", *arguments], cwd=ROOT, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    for line in process.stdout:
        if line.startswith("seed "):
            break
    process.send_signal(number)
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0 and "networks, 0 failures." in said
    assert json.loads(path.read_text())["n_networks"] >= 1


def records():
    def check(outcome, said=""):
        return {"outcome": outcome, "seconds": 1.0, "said": said, "where": ""}

    one = {"seed": 1, "kind": "Keras 2", "network": "3 layers", "seconds": 2.0}
    refused = check("refused", "Layer 'elu_1' (ELU) can't be converted")
    return [
        {**one, "checks": {"spikes": check("done"), "price": check(FAILED, "1 != 2")}},
        {**one, "seed": 2, "checks": {"spikes": refused, "price": refused}},
        {**one, "seed": 3, "kind": "Nengo, SPA", "checks": {"spikes": check("left out", "none")}},
    ]


def test_outcomes_are_counted():
    found = summary(records())
    assert found["n_networks"] == 3 and found["networks"] == {"Keras 2": 2, "Nengo, SPA": 1}
    assert found["checks"]["Keras 2"]["spikes"] == {
        "done": 1, "refused": 1, "left out": 0, FAILED: 0,
    }  # fmt: skip
    # a network that is refused twice for one reason is one network
    assert found["reasons"]["refused"] == {"Layer (ELU) can't be converted": 1}
    assert found["reasons"]["left out"] == {"none": 1}
    (failure,) = found["failures"]
    assert (failure["seed"], failure["check"], failure["said"]) == (1, "price", "1 != 2")
    text = printed(found)
    assert "FAILED seed 1 (Keras 2), price: 1 != 2" in text and "3 networks, 1 failures." in text


def test_reasons_lose_names_and_numbers():
    first = reason("Layer 're_lu_4' (ReLU) can't be converted: its output jumps at threshold=0.3.")
    assert first == reason(
        "Layer 're_lu' (ReLU) can't be converted: its output jumps at threshold=0.25."
    )
    assert len(reason("word " * 100)) <= 160
