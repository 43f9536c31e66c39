"""Early exit against a loop over samples and steps, and energy against runs of as many steps."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

import nengo_spikecost as nsc
from nengo_spikecost import loihi
from nengo_spikecost.chip.changed_work import first_steps
from nengo_spikecost.demo import demo_data, demo_model
from nengo_spikecost.energy.loihi_chip import price_chip
from nengo_spikecost.errors import DataError, EnergyError, MeasurementError
from nengo_spikecost.layout.si import si
from nengo_spikecost.workload.measured_chip import chip_work

from ..json_files import check_json

N_STEPS = 14
OPTIONS = {
    "neuron_type": "LoihiSpikingRectifiedLinear", "scale_firing_rates": 400, "synapse": None,
}  # fmt: skip


@pytest.fixture(scope="module")
def digits():
    data = demo_data()
    return data.x_test[:60], data.y_test[:60]


@pytest.fixture(scope="module")
def deployment(digits):
    return loihi.deploy(
        demo_model(), *digits, n_steps=N_STEPS, presentation="fresh", readout="mean", by_step=True,
        try_out=False, progress=False, **OPTIONS,
    )  # fmt: skip


def by_hand(steps, y, threshold, min_step, rule="margin", readout="mean"):
    """The step at which each sample ends, and whether it is right."""
    ends, right = [], []
    for values, label in zip(steps.astype(float), y):
        for k in range(min_step, len(values) + 1):
            read = values[:k].sum(axis=0) if readout == "mean" else values[k - 1]
            shown = read
            if rule == "softmax":
                shown = np.exp(read - read.max()) / np.exp(read - read.max()).sum()
            first, second = sorted(shown, reverse=True)[:2]
            if first - second >= threshold or k == len(values):
                ends.append(k)
                right.append(read.argmax() == label)
                break
    return np.array(ends), np.array(right)


@pytest.mark.parametrize("readout", ["mean", "last"])
@pytest.mark.parametrize("rule", ["margin", "softmax"])
@pytest.mark.parametrize("min_step", [1, 6])
def test_ends_as_a_loop_over_steps_does(deployment, digits, rule, readout, min_step):
    output = next(iter(deployment.activity.outputs.values()))
    thresholds = [0.0, 0.3, 0.9, 7.0] if rule == "margin" else [0.0, 0.2, 0.7, 0.95]
    found = nsc.early_exit(
        deployment, rule=rule, readout=readout, min_step=min_step, thresholds=thresholds
    )
    for point, threshold in zip(found.points, thresholds):
        steps, right = by_hand(output.steps, digits[1], threshold, min_step, rule, readout)
        np.testing.assert_array_equal(point.steps, steps)
        np.testing.assert_array_equal(point.correct, right)
        assert point.mean_steps == pytest.approx(steps.mean())
        assert point.accuracy == pytest.approx(right.mean())
        assert point.early == pytest.approx((steps < N_STEPS).mean())
        assert point.loss == pytest.approx(found.accuracy_by_step[-1] - right.mean())
    assert len({point.mean_steps for point in found.points}) > 2


def test_the_usual_thresholds_go_from_all_samples_to_none(deployment):
    found = nsc.early_exit(deployment)
    first, last = found.points[0], found.points[-1]
    # a spike of the input can't be read before: conv0, conv1, dense0, and out of the chip
    assert found.options.min_step == 5 == deployment.first_steps.outputs[found.output]
    assert (first.steps == 5).all() and (last.steps == N_STEPS).all()
    assert last.threshold == math.inf and last.loss == 0 and last.early == 0
    steps = [point.mean_steps for point in found.points]
    energy = [point.energy_J for point in found.points]
    assert steps == sorted(steps) and energy == sorted(energy) and len(steps) > 20
    expected = [deployment.activity.accuracy(deployment.labels, readout="mean")]
    assert found.accuracy_by_step[-1:] == pytest.approx(expected)
    np.testing.assert_array_equal(found.accuracy_by_step, deployment.accuracy_by_step())


@pytest.mark.parametrize(
    "boundary", [pytest.param("core dynamic", marks=pytest.mark.slow), "board"]
)
def test_energy_is_that_of_runs_of_as_many_steps(deployment, digits, boundary):
    found = nsc.early_exit(deployment, thresholds=[0.0, 0.5, math.inf], boundary=boundary)
    x, runs = digits[0], {}
    for k in sorted({k for point in found.points for k in point.steps}):
        runs[k] = loihi.deploy(
            deployment.fit, x, n_steps=int(k), presentation="fresh", by_step=True, progress=False
        )
    for point in found.points:
        rows = list(enumerate(point.steps))
        joules = [runs[k].cost().nominal.energy_J(boundary)[i] for i, k in rows]
        assert point.energy_J == pytest.approx(np.mean(joules), rel=1e-9)
        synops = [runs[k].activity.chip.total_synops()[i].sum() for i, k in rows]
        assert point.synops == pytest.approx(np.mean(synops))
        updates = runs[point.steps[0]].activity.chip.compartments.sum() * point.mean_steps
        assert point.updates == pytest.approx(updates)
    assert 5 < found.points[1].mean_steps < N_STEPS


def test_a_host_that_reads_every_step_takes_time_and_so_energy(deployment):
    cores = nsc.early_exit(deployment, thresholds=0.5).points[0].energy_J
    board = nsc.early_exit(deployment, thresholds=0.5, boundary="board").points[0].energy_J
    options = {"thresholds": 0.5, "boundary": "board", "host_io": 1e-3}
    managed = nsc.early_exit(deployment, **options).points[0].energy_J
    assert cores < board < managed
    assert nsc.early_exit(deployment, thresholds=0.5, host_io=1e-3).points[0].energy_J == cores


def test_samples_that_end_early_are_asked_whether_their_energy_is_predicted(digits):
    """Of the whole run it is, of the first steps it is not: as a run of as many steps says."""
    deployment = loihi.deploy(
        demo_model(), digits[0][:10], digits[1][:10], n_steps=30, presentation="fresh",
        readout="mean", by_step=True, progress=False, **{**OPTIONS, "scale_firing_rates": 800},
    )  # fmt: skip
    setting = {"host_io": "host", "profile": "davies2018"}
    options = {**setting, "boundary": "total dynamic", "thresholds": [0.0, 0.5, math.inf]}
    found = nsc.early_exit(deployment, **options)
    work = chip_work(deployment.activity)
    for point in found.points:
        if len(set(point.steps)) > 1:
            continue
        until = price_chip(first_steps(work, int(point.steps[0])), **setting)
        expected = until.energy_J("total dynamic")
        assert math.isnan(point.energy_J) == (not expected.predicted)
        if expected.predicted:
            assert point.energy_ends_J is None
            assert point.energy_J == pytest.approx(expected.nominal)
        else:
            assert point.energy_ends_J == pytest.approx((expected.low, expected.high))
    first, last = found.points[0], found.points[-1]
    assert math.isnan(first.energy_J) and last.energy_J > 0
    low, high = first.energy_ends_J
    assert high > 10 * low
    text = found.summary_string()
    assert f"{si(low, 'J')} to {si(high, 'J')}" in " ".join(text.split())
    assert "none is predicted" in " ".join(text.split())
    content = json.loads(found.to_json())
    check_json(content)
    assert content["points"][0]["energy_J"] is None and content["points"][2]["energy_J"] > 0
    assert content["points"][0]["energy_ends_J"] == [low, high]
    cores = nsc.early_exit(deployment, thresholds=[0.0], host_io="host", profile="davies2018")
    assert cores.points[0].energy_J > 0 and cores.points[0].energy_ends_J is None


def test_a_threshold_is_chosen_on_some_samples_and_judged_on_others(deployment, digits):
    chosen = nsc.early_exit(deployment, confidence=0.9)
    best = chosen.best(0.02)
    assert best.loss <= 0.02
    fits = [p.mean_steps for p in chosen.points if p.loss <= 0.02]
    assert best.mean_steps == min(fits)
    options = chosen.judging(0.02)
    assert options.thresholds == (best.threshold,) and options.min_step == 5
    data = demo_data()
    x, y = data.x_test[60:100], data.y_test[60:100]
    other = loihi.deploy(
        deployment.fit, x, y, n_steps=N_STEPS, presentation="fresh", by_step=True, progress=False
    )
    (point,) = nsc.early_exit(other, options=options).points
    output = next(iter(other.activity.outputs.values()))
    steps, right = by_hand(output.steps, y, best.threshold, 5)
    np.testing.assert_array_equal(point.steps, steps)
    np.testing.assert_array_equal(point.correct, right)
    with pytest.raises(MeasurementError, match="closest loses"):
        chosen.best(-0.5)
    for loss in ("little", math.nan, None):
        with pytest.raises(MeasurementError, match="max_accuracy_loss must be a number"):
            chosen.judging(loss)


def test_without_counts_by_step_energy_is_uncounted(digits):
    network = nsc.convert(demo_model(), **OPTIONS)
    activity = nsc.measure(
        network, digits, N_STEPS, simulator="compiled", by_step=True, progress=False
    )
    found = nsc.early_exit(activity)
    assert not found.counted and found.options.min_step == 1
    assert {point.energy_J for point in found.points} == {None}
    assert "uncounted" in found.summary_string()
    assert found.points[0].steps.max() == 1


def test_what_can_not_be_asked_is_refused_in_words(deployment, digits):
    activity, y = deployment.activity, digits[1]
    network = deployment.network
    run = {"simulator": "compiled", "progress": False}
    for given, options, error, words in (
        (3, {}, MeasurementError, "takes a Deployment, or an Activity"),
        (activity, {}, DataError, "needs labels"),
        (deployment, {"min_step": 15}, MeasurementError, "beyond the 14 steps"),
        (deployment, {"rule": "sure"}, MeasurementError, "rule must be one of margin, softmax"),
        (deployment, {"readout": "sum"}, MeasurementError, "readout must be one of last, mean"),
        (deployment, {"thresholds": []}, MeasurementError, "one or more numbers"),
        (deployment, {"thresholds": [-1]}, MeasurementError, "one or more numbers"),
        (deployment, {"thresholds": math.nan}, MeasurementError, "one or more numbers"),
        (deployment, {"thresholds": "high"}, MeasurementError, "one or more numbers"),
        (deployment, {"boundary": "roof"}, EnergyError, "boundary must be one of"),
        (deployment, {"confidence": 2}, MeasurementError, "confidence must be"),
        (deployment, {"output": "other"}, MeasurementError, "no output 'other'"),
        (deployment, {"profile": "gold"}, EnergyError, "profile must be"),
    ):
        with pytest.raises(error, match=words):
            nsc.early_exit(given, **options)
    name, output = next(iter(activity.outputs.items()))
    sigmoid = replace(activity, outputs={name: replace(output, head="sigmoid")})
    with pytest.raises(DataError, match="labels that are classes; these are multi-label"):
        nsc.early_exit(sigmoid, np.tile([1, 1, *np.zeros(8)], (60, 1)))
    plain = nsc.measure(network, digits, 4, **run)
    with pytest.raises(MeasurementError, match="by_step=True"):
        nsc.early_exit(plain)
    # that nothing is priced, and that all is, is told after the options were looked at
    for option in ("profile", "board", "host_io"):
        with pytest.raises(EnergyError, match=f"{option} must be"):
            nsc.early_exit(plain, **{option: "x"})
    runs_on = nsc.measure(network, digits, 4, presentation="continuous", by_step=True, **run)
    with pytest.raises(MeasurementError, match="presentation='fresh'"):
        nsc.early_exit(runs_on, y)
