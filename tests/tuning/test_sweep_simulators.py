"""Sweeps on simulators that the package does not have of its own."""

from __future__ import annotations

import re

import nengo
import numpy as np
import pytest
from click.testing import CliRunner

import nengo_spikecost as nsc
from nengo_spikecost import cli
from nengo_spikecost.activity import register_simulator, simulators
from nengo_spikecost.errors import TuningError
from tests.tuning.test_sweep_networks import model_and_data

ARGUMENTS = {
    "n_steps": (8, 16),
    "accuracy_losses": (0.2, 0.6),
    "first_images": 10,
    "global_scales": (200.0,),
    "n_trials": 3,
    "progress": False,
}


@pytest.fixture
def abacus():
    """Nengo's simulator under a name of the user's."""
    register_simulator("abacus", nengo.Simulator)
    yield "abacus"
    simulators.remove("abacus")


def test_a_registered_simulator_sweeps_and_confirms(abacus):
    model, x, y = model_and_data(20)
    found = nsc.sweep(model, x, y, simulator=abacus, **ARGUMENTS)
    other = nsc.sweep(model, x, y, **ARGUMENTS)
    assert found.simulator == abacus and not found.failed
    # spikes are those of NengoDL, but for rounding: the settings and their prices are the same
    for one, two in zip(found.points, other.points):
        assert one.scale_firing_rates == two.scale_firing_rates and one.n_steps == two.n_steps
        assert one.energy_J == pytest.approx(two.energy_J, rel=1e-2)
    point = found.points[0]
    (row,) = found.confirm(x, y, point, progress=False).rows
    assert row.activity.protocol.simulator == abacus
    assert row.activity.protocol.presentation == "fresh"
    assert row.accuracy == pytest.approx(point.accuracy, abs=1e-12)
    assert row.energy_J == pytest.approx(point.energy_J, rel=1e-12)
    with pytest.raises(TuningError, match="cost_model='loihi_chip' prices what each core"):
        nsc.sweep(model, x, y, simulator=abacus, cost_model="loihi_chip", **ARGUMENTS)


def test_a_registered_simulator_stands_in_the_command_line(abacus, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shown = " ".join(CliRunner().invoke(cli.main, ["sweep", "--help"]).output.split())
    # in brackets, or in words where the line would be too long
    assert re.search(r"nengo_dl(\||, )compiled", shown) and abacus in shown
    model, x, y = model_and_data(20)
    model.save("net.h5")
    np.savez("data.npz", x=x, y=y)
    line = (
        "sweep net.h5 --data data.npz --study s.db --trials 1 --steps 8 --losses 0.6 "
        f"--json s.json --simulator {abacus}"
    )
    done = CliRunner().invoke(cli.main, line.split())
    assert done.exit_code == 0, done.output
    assert nsc.Sweep.load("s.db").simulator == abacus
    line = line.replace(abacus, "sundial")
    wrong = CliRunner().invoke(cli.main, line.split())
    assert wrong.exit_code == 2 and abacus in wrong.output


def test_a_sweep_on_compiled_code_builds_once_and_is_judged_by_nengo_dl(tmp_path, monkeypatch):
    """Settings are changed in place; each reading is that of a build of its own."""
    model, x, y = model_and_data(20)
    conversions = []
    convert = nsc.convert
    monkeypatch.setattr(
        "nengo_spikecost.tuning.sweeps.sweep_plan.convert",
        lambda *args, **options: conversions.append(options) or convert(*args, **options),
    )
    arguments = {**ARGUMENTS, "n_trials": 6, "study": tmp_path / "study.db"}
    found = nsc.sweep(model, x, y, judged="none", **arguments)
    assert not conversions and not found.failed and len(found.trials) == 6
    assert found.simulator == nsc.Sweep.load(arguments["study"]).simulator == "compiled"
    # a build of its own for each setting, of the same images
    compiled = found.confirm(x, y, found.points, simulator="compiled", progress=False)
    for row in compiled.rows:
        assert row.activity.protocol.simulator == row.point.simulator == "compiled"
        assert row.accuracy == pytest.approx(row.point.accuracy, abs=1e-12)
        assert row.energy_J == pytest.approx(row.point.energy_J, rel=1e-12)
    assert len(conversions) == len(found.points)
    # NengoDL rounds otherwise: a spike more or less of thousands
    by_nengo_dl = found.confirm(x, y, found.points, progress=False).rows
    for row in by_nengo_dl:
        assert row.activity.protocol.simulator == "nengo_dl"
        assert row.energy_J == pytest.approx(row.point.energy_J, rel=1e-3)
    with pytest.raises(TuningError, match="simulator=compiled, not nengo_dl"):
        nsc.sweep(model, x, y, simulator="nengo_dl", **arguments)
    # the same study goes on where it was, and all of its front is judged now
    again = nsc.sweep(model, x, y, judged="front", **{**arguments, "n_trials": 7})
    assert [t.proposal for t in again.trials[:6]] == [t.proposal for t in found.trials]
    assert again.searched_in == "compiled"
    measured = {(row.point.trial, row.point.n_steps): row for row in by_nengo_dl}
    for point in again.front():
        assert point.simulator == "nengo_dl" and point.searched is not None
        if (point.trial, point.n_steps) in measured:  # not of the new setting
            row = measured[point.trial, point.n_steps]
            assert point.energy_J == pytest.approx(row.energy_J, rel=1e-12)
            assert point.accuracy == pytest.approx(row.accuracy, abs=1e-12)
    others = [p for p in again.points if p not in again.front()]
    assert all(p.searched is None and p.simulator == "compiled" for p in others)
    assert "are NengoDL's" in again.summary_string()
    # kept in the study: nothing is simulated again
    monkeypatch.setattr("nengo_spikecost.tuning.sweeps.judging.NetworkEngine.read_at", None)
    assert nsc.Sweep.load(arguments["study"]).front() == again.front()
    kept = nsc.sweep(model, x, y, judged="front", **{**arguments, "n_trials": 7})
    assert kept.front() == again.front()
