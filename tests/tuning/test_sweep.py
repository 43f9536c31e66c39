"""The search, its study file and its result, over a network that is a formula."""

from __future__ import annotations

import json
import math
import sqlite3

import numpy as np
import pytest

from nengo_spikecost.errors import TuningError
from nengo_spikecost.tuning.sweep_options import (
    checked_losses,
    checked_steps,
    checked_synapses,
)
from nengo_spikecost.tuning.sweeps import Sweep
from nengo_spikecost.tuning.sweeps.search import to_study
from nengo_spikecost.tuning.sweeps.study import Study
from nengo_spikecost.tuning.sweeps.sweep_plan import check_same
from nengo_spikecost.tuning.sweeps.sweep_run import stages_of
from nengo_spikecost.tuning.sweeps.trials import Proposal, Setting, Trial
from tests.tuning.sweep_fakes import RULE, FormulaEngine, formula_sweep


@pytest.fixture(scope="module")
def found():
    return formula_sweep(60)


def _costs(point):
    return -point.accuracy, point.energy_J, point.latency_s


def _dominates(a, b):
    return all(x <= y for x, y in zip(_costs(a), _costs(b))) and _costs(a) != _costs(b)


def _same(a, b):
    """Trials are the same in all but the time they took."""
    if (a.number, a.proposal, a.state, a.reason) != (b.number, b.proposal, b.state, b.reason):
        return False
    return len(a.readings) == len(b.readings) and all(
        x.n_steps == y.n_steps
        and np.array_equal(x.correct, y.correct)
        and np.array_equal(x.energy_J, y.energy_J)
        for x, y in zip(a.readings, b.readings)
    )


def test_front_is_pareto_by_brute_force(found):
    points = [p for p in found.points if p.loss <= 0.05]
    undominated = [p for p in points if not any(_dominates(q, p) for q in points)]
    assert {_costs(p) for p in found.front()} == {_costs(p) for p in undominated}
    assert len({_costs(p) for p in found.front()}) == len(found.front()) > 5


def test_front_within_another_loss(found):
    points = [p for p in found.points if p.loss <= 0.01]
    assert all(p.loss <= 0.01 for p in found.front(0.01))
    assert all(any(_costs(p) == _costs(q) for q in points) for p in found.front(0.01))


def test_significant_front_drops_what_may_be_chance(found):
    sure = found.front(confidence=0.95)
    assert 0 < len(sure) < len(found.front())
    for i, point in enumerate(sure):
        for cheaper in sure[:i]:
            if cheaper.latency_s <= point.latency_s:
                only = int(np.sum(point.correct & ~cheaper.correct))
                other = int(np.sum(cheaper.correct & ~point.correct))
                # McNemar needs 6 discordant images, all on one side, for p < 0.05
                assert only - other >= 6


def test_best_obeys_its_constraints(found):
    for loss in (0.0025, 0.005, 0.02):
        best = found.best(loss)
        assert best.loss <= loss
        assert best.energy_J == min(p.energy_J for p in found.points if p.loss <= loss)
    quick = found.best(0.05, max_latency_s=0.02)
    assert quick.n_steps <= 20
    sure = found.best(0.02, sure=True)
    assert sure.loss_interval[1] <= 0.02
    assert sure.energy_J >= found.best(0.02).energy_J
    assert found.best(0.02, baseline=True).baseline


def test_best_says_what_comes_closest(found):
    with pytest.raises(TuningError, match=r"No setting surely loses at most 0.00%; the closest"):
        found.best(0.0, sure=True)
    with pytest.raises(TuningError, match="10, 20, 40 steps"):
        found.best(max_latency_s=0.001)
    for loss in ("little", math.nan, None):
        with pytest.raises(TuningError, match="max_accuracy_loss must be a number"):
            found.best(loss)


def test_local_search_beats_one_scale(found):
    """The formula's layers need very different scales, so that one for all is wasteful."""
    assert found.best(0.005).energy_J < 0.6 * found.best(0.005, baseline=True).energy_J


def test_stopped_trials_are_never_on_the_front(found):
    assert found.stopped
    numbers = {t.number for t in found.stopped}
    assert not numbers & {p.trial for p in found.points}
    assert all(t.reason and t.readings[0].n_seen < found.n_images for t in found.stopped)
    assert not any(t.proposal.baseline for t in found.stopped)


def test_stopped_trials_would_not_have_been_on_the_front(found):
    """Simulated to the end, none of them enters the front of those that were."""
    engine = FormulaEngine(found.n_images)
    front = found.front()
    for trial in found.stopped:
        for reading in engine.read(trial.proposal.setting, 0, found.n_images):
            cost = -reading.accuracy, reading.mean_J, reading.n_steps / 1000
            loss = found.keras_accuracy - reading.accuracy
            assert loss > 0.05 or any(
                all(x <= y + 1e-15 for x, y in zip(_costs(p), cost)) for p in front
            )


def test_stopping_saves_simulations():
    """Of three seeds together: how many one sweep stops, 4 to 13 of 60, is its sampler's luck."""
    n_trials, n_images, simulated = 60, 2000, 0
    for seed in range(3):
        engine = FormulaEngine(n_images)
        swept = formula_sweep(n_trials, n_images=n_images, engine=engine, explore=0.5, seed=seed)
        calls = sum(stop - start for start, stop in engine.calls)
        left_out = [n_images - trial.readings[0].n_seen for trial in swept.stopped]
        assert left_out and min(left_out) > 0
        assert calls == n_trials * n_images - sum(left_out)
        simulated += calls
    # the 16 global scales and the 12 starts are most of what is left
    assert simulated < 0.9 * 3 * n_trials * n_images


def test_equal_seeds_equal_sweeps(found):
    again = formula_sweep(60)
    assert all(_same(a, b) for a, b in zip(found.trials, again.trials))
    other = formula_sweep(60, seed=1)
    assert not all(_same(a, b) for a, b in zip(found.trials, other.trials))


def test_no_setting_is_tried_twice(found):
    keys = [t.proposal.setting.key for t in found.trials]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("cuts", [(0, 3, 37), (28, 29, 45)])
def test_in_pieces_as_in_one(found, tmp_path, cuts):
    path = tmp_path / "sweep.db"
    for n in (*cuts, 60):
        swept = formula_sweep(n, path=path) if n else None
    assert all(_same(a, b) for a, b in zip(found.trials, swept.trials))
    assert len(swept.trials) == 60
    assert [_costs(p) for p in swept.front()] == [_costs(p) for p in found.front()]
    loaded = Sweep.load(path)
    assert [_costs(p) for p in loaded.front()] == [_costs(p) for p in found.front()]
    assert loaded.study == str(path)


def test_a_trial_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "sweep.db"
    trials = formula_sweep(12, path=path).trials
    with Study(path) as study:
        row = trials[3].readings[0]
        broken = Trial(12, trials[3].proposal, "complete", (row, row))  # the second has its key
        with pytest.raises(sqlite3.IntegrityError):
            study.add(broken)
        assert len(study.trials()) == 12
    assert len(formula_sweep(14, path=path).trials) == 14


def test_failed_trials_are_kept_with_their_error():
    swept = formula_sweep(60, synapses=(0.005, 0.1), engine=FormulaEngine(400, fails=("0.1",)))
    assert swept.failed
    assert {t.reason for t in swept.failed} == {"RuntimeError: no synapse 0.1"}
    assert not {t.number for t in swept.failed} & {p.trial for p in swept.points}
    assert len(swept.trials) == 60


def test_if_all_fail_the_error_is_raised():
    with pytest.raises(TuningError, match=r"The first 3 settings .*no synapse 0\.1"):
        formula_sweep(20, synapses=(0.1,), engine=FormulaEngine(400, fails=("0.1",)))


def test_a_study_in_use_is_refused(tmp_path):
    path = tmp_path / "sweep.db"
    with Study(path), pytest.raises(TuningError, match="Another process works on the study"):
        formula_sweep(5, path=path)
    assert [p.name for p in tmp_path.iterdir()] == ["sweep.db"]


def test_files_that_are_no_study_are_refused(tmp_path):
    text = tmp_path / "text.db"
    text.write_text("not a database, but long enough to look like one " * 40)
    with pytest.raises(TuningError, match="is no study of a sweep"):
        formula_sweep(5, path=text)
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as database:
        database.execute("CREATE TABLE birds (name TEXT)")
    with pytest.raises(TuningError, match=r"something else \(tables birds\)"):
        formula_sweep(5, path=other)
    with pytest.raises(TuningError, match="There is no study"):
        Sweep.load(tmp_path / "nothing.db")


def test_a_study_made_with_something_else_is_refused_by_name():
    made = {"model": "1", "x": "2", "device": "loihi"}
    check_same("a.db", made, dict(made))
    with pytest.raises(TuningError, match=r"a\.db was made with another x; device=loihi, not odin"):
        check_same("a.db", made, {**made, "x": "3", "device": "odin"})


def test_records(found, tmp_path):
    frame = found.to_frame()
    assert set(frame["state"]) == {"complete", "stopped"}
    complete = frame[frame["state"] == "complete"]
    assert len(complete) == len(found.points)
    assert frame["on_front"].sum() == len(found.front())
    content = json.loads(found.to_json(tmp_path / "sweep.json"))
    assert json.loads((tmp_path / "sweep.json").read_text()) == content
    assert len(content["trials"]) == 60
    assert len(content["front"]) == len(found.front())
    text = found.summary_string()
    assert max(len(line) for line in text.splitlines()) <= 98
    assert "one scale" in text


def test_records_with_failures():
    swept = formula_sweep(40, synapses=(0.005, 0.1), engine=FormulaEngine(400, fails=("0.1",)))
    assert "no synapse 0.1" in swept.summary_string()
    frame = swept.to_frame()
    assert frame[frame["state"] == "failed"]["energy_J"].isna().all()
    json.loads(swept.to_json())


def test_plot(found):
    import matplotlib

    matplotlib.use("Agg")
    axes = found.plot()
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert any("one scale" in label for label in labels)
    assert any("front" in label for label in labels)


def test_code_can_be_pasted(found):
    best = found.best(0.02)
    namespace: dict = {}
    exec(best.code(), namespace)
    assert namespace["scale_firing_rates"] == best.scale_firing_rates
    assert namespace["synapse"] == best.synapse
    assert namespace["n_steps"] == best.n_steps


def test_optuna_study(found):
    study = found.to_optuna()
    within = [t for t in found.trials for r in t.readings if _in_bounds(t)]
    assert len(study.trials) == len(within)
    # Optuna's own front, of what it takes for feasible, holds ours
    best = {tuple(t.values) for t in study.best_trials}
    complete = {t.number for t in found.trials if t.complete}
    for point in found.front():
        if point.trial in complete and _in_bounds(found.trials[point.trial]):
            value = (
                found.keras_accuracy - point.accuracy, np.log10(point.energy_J), point.n_steps
            )  # fmt: skip
            # a stopped trial may look better on the few images it saw
            stopped = any(_better(v, value) for v in best - {value})
            assert stopped or any(np.allclose(value, v, rtol=1e-9, atol=1e-12) for v in best)


def _better(a, b):
    return all(x <= y for x, y in zip(a, b))


def _in_bounds(trial):
    return all(RULE[n] / 50 <= s <= 20 * RULE[n] for n, s in trial.scales.items())


def test_sampler_proposals_depend_on_trials_and_number_only(found):
    from nengo_spikecost.tuning.sweeps.search import sampled

    trials = found.trials[:40]
    one = sampled(found.space, trials, set(), found.keras_accuracy, (0, 40))
    two = sampled(found.space, list(trials), set(), found.keras_accuracy, (0, 40))
    other = sampled(found.space, trials, set(), found.keras_accuracy, (0, 41))
    assert one == two != other
    assert to_study(found.space, trials, found.keras_accuracy).trials


def test_settings_are_what_is_pasted():
    setting = Setting({"a": 1 / 3, "b": 2.0}, None)
    assert setting.key == ((0.333333, 2.0), None)
    assert setting.scaled({"b": 0.5}).scales == {"a": 1 / 3, "b": 1.0}
    assert Proposal(setting, "x").parent is None


def test_stages():
    assert stages_of(1000, 200) == (200, 400, 1000)
    assert stages_of(1000, 100) == (100, 200, 400, 1000)
    assert stages_of(100, 100) == (100,)
    assert stages_of(50, 100) == (50,)


def test_arguments():
    assert checked_steps((30, 20, 30)) == (20, 30)
    assert checked_steps(30) == (30,)
    assert checked_synapses((0.005, None, 0, 0.01)) == (0.005, None, 0.01)
    assert checked_synapses(None) == (None,)
    assert checked_losses((0.02, 0.005)) == (0.005, 0.02)
    for wrong in ((), (0,), "30", 2.5, True):
        with pytest.raises(TuningError, match="n_steps"):
            checked_steps(wrong)
    for wrong in ((), (-1,), ("x",), float("nan")):
        with pytest.raises(TuningError, match="synapses"):
            checked_synapses(wrong)
    for wrong in ((), 2, (-0.1,), "x"):
        with pytest.raises(TuningError, match="accuracy_losses"):
            checked_losses(wrong)
