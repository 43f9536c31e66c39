"""Sweeps whose settings workers simulate, against one process: the same trials, bit for bit."""

from __future__ import annotations

import os
import signal

import numpy as np
import pytest

import nengo_spikecost as nsc
from nengo_spikecost import stack
from nengo_spikecost.errors import ScaleOutError, TuningError
from nengo_spikecost.scale_out import Built, Work
from nengo_spikecost.tuning.sweeps.search import Search
from nengo_spikecost.tuning.sweeps.shared_engine import SharedEngine, failure
from nengo_spikecost.tuning.sweeps.study import Study
from nengo_spikecost.tuning.sweeps.sweep_run import likely, run_trials, stages_of
from nengo_spikecost.tuning.sweeps.trials import Space, global_scales, starts
from tests.models import conv_net, images
from tests.scale_out.on_workers import assert_idle
from tests.tuning.sweep_fakes import RULE, STEPS, FormulaEngine, formula_search

OPTIONS = {
    "n_steps": (10, 20), "accuracy_losses": (0.05, 0.2), "first_images": 40, "n_trials": 12,
    "progress": False,
}  # fmt: skip


def facts(trials):
    """All of trials but the time that they took."""
    return [
        (t.number, t.proposal, t.state, t.reason, [
            (r.n_steps, r.correct.tobytes(), r.energy_J.tobytes(), r.synops, dict(r.layer_synops))
            for r in t.readings
        ])
        for t in trials
    ]  # fmt: skip


class FormulaWork(Work, Built):
    """The formula of the tests in place of a network; some settings fail, and one ends a worker."""

    def __init__(self, folder=None, fails=()):
        self.folder, self.fails = folder, fails

    def build(self, n_threads):
        self.engine = FormulaEngine(400, self.fails)
        return self

    def run(self, what, data, go_on):
        setting, part, n_first = what
        assert n_first == 80
        if self.folder is not None:
            (self.folder / f"{part.start} {abs(hash(part))}").touch()
            if part.start == 0 and setting.scales["last"] < 20 and not (self.folder / "d").exists():
                (self.folder / "d").touch()
                os.kill(os.getpid(), signal.SIGKILL)
        try:
            return self.engine.read(setting, part.start, part.stop)
        except Exception as error:
            return failure(error)


def searched(n_trials, engine, fails=(), expect=None):
    formula = FormulaEngine(400, fails)
    search, rules = formula_search(formula, (0.005, 0.01), 80)
    with Study(None) as file:
        run_trials(file, search, rules, engine or formula, n_trials, False, expect)
        return file.trials()


def test_the_search_is_that_of_one_process(client, tmp_path):
    engine = SharedEngine(client, FormulaWork(tmp_path), stages_of(400, 80))
    trials = searched(36, engine, expect=engine.expect)
    engine.close()
    assert facts(trials) == facts(searched(36, None))
    assert {t.state for t in trials} == {"complete", "stopped"}
    assert (tmp_path / "d").exists()  # a worker died on the way


def test_a_setting_that_fails_says_the_same(client):
    engine = SharedEngine(client, FormulaWork(None, ("0.01",)), stages_of(400, 80))
    trials = searched(24, engine, expect=engine.expect)
    engine.close()
    expected = searched(24, None, ("0.01",))
    assert facts(trials) == facts(expected)
    assert "RuntimeError: no synapse 0.01" in {t.reason for t in trials}


def test_what_is_likely_is_what_comes_if_nothing_helps():
    space = Space(RULE, (None,), STEPS, (0.005,))
    first = tuple(starts(space, global_scales(RULE), {}))
    search = Search(space, first, 0.9, 0, 0.25)
    proposals = list(likely(search, [], len(first) + 2))
    assert proposals[: len(first)] == list(first) and len(proposals) == len(first) + 2


def test_trouble_of_the_cluster_is_no_failed_trial(client, monkeypatch):
    engine = SharedEngine(client, FormulaWork(), stages_of(400, 80))
    engine.close()

    def lost(*_):
        raise ScaleOutError("gone")

    monkeypatch.setattr(engine, "read", lost)
    with pytest.raises(ScaleOutError, match="gone"):
        searched(3, engine)


@pytest.fixture(scope="module")
def data():
    model = conv_net(stack.keras())
    x = images(100)
    y = model.predict_on_batch(x).argmax(axis=1)
    flipped = np.random.default_rng(0).random(len(x)) < 0.1
    return model, x, np.where(flipped, (y + 1) % 3, y)


def judged(sweep):
    return [(p.trial, p.n_steps, p.accuracy, p.energy_J, p.synops) for p in sweep.points]


def test_a_sweep_in_compiled_code_judged_by_nengo_dl(client, data):
    expected = nsc.sweep(*data, **OPTIONS, judged="front")
    swept = nsc.sweep(*data, **OPTIONS, judged="front", client=client)
    assert facts(swept.trials) == facts(expected.trials)
    assert judged(swept) == judged(expected)


def test_a_sweep_on_the_chip(client, data):
    options = {**OPTIONS, "n_trials": 4, "simulator": "loihi"}
    expected = nsc.sweep(*data, **options)
    swept = nsc.sweep(*data, **options, client=client)
    assert facts(swept.trials) == facts(expected.trials)


def test_a_sweep_that_was_ended_goes_on_with_a_cluster_and_without(client, data, tmp_path):
    expected = nsc.sweep(*data, **OPTIONS)
    study = tmp_path / "study.db"
    for n_trials, given in ((4, {"client": client}), (7, {}), (12, {"client": client})):
        swept = nsc.sweep(*data, **{**OPTIONS, "n_trials": n_trials}, study=study, **given)
        assert len(swept.trials) == n_trials
    assert facts(swept.trials) == facts(expected.trials) and judged(swept) == judged(expected)


def test_an_interrupt_leaves_nothing_behind(client, data, tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Study, "add", interrupt)
        with pytest.raises(KeyboardInterrupt):
            nsc.sweep(*data, **OPTIONS, client=client)
    assert_idle(client, 20)


def test_no_client_is_said_first():
    with pytest.raises((ScaleOutError, TuningError), match="client must be a dask"):
        nsc.sweep(None, None, None, client=3)
