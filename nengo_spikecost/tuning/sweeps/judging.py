"""Settings that compiled code found, simulated by NengoDL on the same images.

The search itself goes by what compiled code said, from the first setting to the last: it
does not depend on what was judged when. A study keeps what NengoDL said beside the trials, reading
by reading.

Which settings: with ``"best"`` the setting with the least energy within each loss of accuracy, with
``"front"`` all points of the front. What NengoDL says may move another setting to their place, so
that it goes on until they are all NengoDL's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ...errors import TuningError
from ...layout.si import known
from ...progress import progress_bar
from ..sweep_options import JUDGES, SEARCHES
from .shared_engine import SharedJudge
from .study import Study
from .sweep_engine import NetworkEngine
from .sweep_plan import Plan
from .sweep_result import Sweep
from .trials import Point, Reading

_NAME = "judged {} {}"


def judge(file: Study, plan: Plan, progress: bool) -> Sweep:
    """The sweep of a study, with the settings that were asked for simulated by NengoDL.

    Those that the study has already are not simulated again.
    """
    swept = Sweep.of_study(file, plan)
    if plan.options.judged == "none" or swept.searched_in != SEARCHES:
        return swept
    plan_of_judge = replace(plan, options=replace(plan.options, simulator=JUDGES))
    engine: SharedJudge | NetworkEngine
    if plan.options.client is not None:
        engine = SharedJudge(plan.options.client, plan_of_judge)
    else:
        engine = NetworkEngine(plan_of_judge)
    try:
        with progress_bar("Judging", None, progress) as advance:
            while True:
                chosen = [p for p in _chosen(swept) if p.searched is None]
                if not chosen:
                    return swept
                # one simulation of a setting is read at all times that matter of it
                steps: dict[int, list[int]] = {}
                for point in chosen:
                    steps.setdefault(point.trial, []).append(point.n_steps)
                settings = {trial: swept.trials[trial].proposal.setting for trial in steps}
                if isinstance(engine, SharedJudge):
                    engine.expect([(settings[t], sorted(steps[t])) for t in steps])
                trial = chosen[0].trial
                for reading in engine.read_at(settings[trial], sorted(steps[trial])):
                    _keep(file, trial, reading)
                advance(1)
                swept = Sweep.of_study(file, plan)
    finally:
        engine.close()


def _chosen(swept: Sweep) -> Iterable[Point]:
    assert swept.plan is not None
    if swept.plan.options.judged == "front":
        return swept.front()
    points: dict[tuple[int, int], Point] = {}
    for loss in swept.space.losses:
        try:
            best = swept.best(loss)
        except TuningError:
            continue  # none is within this loss
        points[best.trial, best.n_steps] = best
    return points.values()


def _keep(file: Study, trial: int, reading: Reading) -> None:
    name = _NAME.format(trial, reading.n_steps)
    synops = known(reading.synops)
    fact = {
        "trial": trial, "n_steps": reading.n_steps, "synops": synops,
        "layer_synops": dict(reading.layer_synops),
    }  # fmt: skip
    arrays = {f"{name} correct": reading.correct, f"{name} energy_J": reading.energy_J}
    if reading.agreement is not None:
        arrays[f"{name} agreement"] = reading.agreement.to_array()
    file.remember({name: fact}, arrays)
