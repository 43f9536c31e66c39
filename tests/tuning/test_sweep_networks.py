"""Sweeps over real networks: prices, seeds, killed processes, other images, the command line."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner

import nengo_spikecost as nsc
from nengo_spikecost import cli
from nengo_spikecost.errors import DataError, TuningError
from tests.models import conv_net, images

ARGUMENTS = {
    "n_steps": (10, 20, 30),
    "accuracy_losses": (0.05, 0.2),
    "first_images": 60,
    "n_trials": 14,
    "progress": False,
}


def model_and_data(n=160):
    """A network and images, with labels that it mostly agrees with."""
    model = conv_net(tf.keras)
    x = images(n)
    y = model.predict_on_batch(x).argmax(axis=1)
    flipped = np.random.default_rng(0).random(n) < 0.1
    return model, x, np.where(flipped, (y + 1) % 3, y)


@pytest.fixture(scope="module")
def data():
    return model_and_data()


@pytest.fixture(scope="module")
def swept(data, tmp_path_factory):
    path = tmp_path_factory.mktemp("sweep") / "sweep.db"
    return nsc.sweep(*data, study=path, **ARGUMENTS)


def _facts(sweep):
    """All that a sweep found, but for the time it took."""
    return [
        (t.number, t.proposal, t.state, [(r.n_steps, r.correct.tolist(), r.energy_J.tolist())
                                         for r in t.readings])
        for t in sweep.trials
    ]  # fmt: skip


def _point(p):
    return p.trial, p.n_steps, p.scale_firing_rates, p.accuracy, p.energy_J


def test_energy_and_accuracy_are_those_of_a_fresh_measurement(swept, data):
    """One setting, converted, built and measured by itself, priced as ever."""
    model, x, y = data
    for point in (swept.best(0.2), swept.baseline()[0], swept.front()[-1]):
        conversion = nsc.convert(
            model,
            neuron_type="LoihiSpikingRectifiedLinear",
            scale_firing_rates=point.scale_firing_rates,
            synapse=point.synapse,
        )
        activity = nsc.measure(conversion, x, point.n_steps, progress=False)
        energy = nsc.NetworkEnergy(conversion, activity)
        # images are in another order, which changes the last digits of a mean
        assert energy.total_energy("loihi") == pytest.approx(point.energy_J, rel=1e-12)
        assert activity.accuracy(y) == pytest.approx(point.accuracy, abs=1e-12)
        synops = sum(p.synops.mean() for p in energy.workload().pathways if p.synops is not None)
        assert synops == pytest.approx(point.synops, rel=1e-12)


def test_another_cost_model_and_device(data):
    model, x, y = data
    swept = nsc.sweep(
        model, x[:60], y[:60], n_steps=20, n_trials=3, device="digital_snn", cost_model="lemaire",
        neuron_type="SpikingRectifiedLinear", progress=False,
    )  # fmt: skip
    point = swept.points[0]
    conversion = nsc.convert(
        model,
        neuron_type="SpikingRectifiedLinear",
        scale_firing_rates=point.scale_firing_rates,
        synapse=point.synapse,
    )
    activity = nsc.measure(conversion, x[:60], 20, progress=False)
    energy = nsc.NetworkEnergy(conversion, activity, cost_model="lemaire")
    assert energy.total_energy("digital_snn") == pytest.approx(point.energy_J, rel=1e-12)


def test_the_rule_aims_at_200_Hz(swept, data):
    """In steady state ReLU neurons at the rule's scales fire at 200 Hz, averaged over active."""
    model, x, _ = data
    rule = dict(swept.space.rule)
    conversion = nsc.convert(model, neuron_type="RectifiedLinear", scale_firing_rates=rule)
    order = np.random.default_rng(0).permutation(len(x))[:60]
    activity = nsc.measure(conversion, x[order], 1, progress=False)
    for record in activity.populations.values():
        rates = record.counts / 0.001
        assert rates[rates > 0].mean() == pytest.approx(200, rel=1e-4)


def test_keras_accuracy_is_kerass(swept, data):
    model, x, y = data
    assert swept.keras_accuracy == np.mean(model.predict_on_batch(x).argmax(axis=1) == y)


def test_losses_are_against_the_reference(data, tmp_path):
    model, x, y = data
    worse = conv_net(tf.keras)
    *weights, bias = model.get_weights()
    worse.set_weights([*weights, bias + [5, 0, 0]])  # mostly the first class
    arguments = {**ARGUMENTS, "n_trials": 3, "study": tmp_path / "reference.db"}
    found = nsc.sweep(model, x, y, reference=worse, **arguments)
    expected = worse.predict_on_batch(x).argmax(axis=1) == y
    assert found.keras_accuracy == expected.mean() < 0.8
    for point in found.points:
        assert point.loss == pytest.approx(expected.mean() - point.accuracy, abs=1e-12)
    confirmed = found.confirm(x[:50], y[:50], found.points[0], progress=False)
    assert confirmed.keras_accuracy == (
        np.mean(worse.predict_on_batch(x[:50]).argmax(axis=1) == y[:50])
    )
    with pytest.raises(TuningError, match=r"reference=another model.*not the model"):
        nsc.sweep(model, x, y, **arguments)


@pytest.mark.parametrize("reference", ["net.h5", 0.98])
def test_a_reference_must_be_a_model(data, reference):
    with pytest.raises(TuningError, match="reference must be a Keras model"):
        nsc.sweep(*data, reference=reference, **ARGUMENTS)


def test_sweeps_with_equal_seeds_are_equal(swept, data):
    again = nsc.sweep(*data, **{**ARGUMENTS, "n_trials": 13})
    assert _facts(again) == _facts(swept)[:13]


def test_an_open_study_goes_on_without_simulating_again(swept, data):
    began = time.monotonic()
    again = nsc.sweep(*data, study=swept.study, **ARGUMENTS)
    assert time.monotonic() - began < 20
    assert _facts(again) == _facts(swept)
    loaded = nsc.Sweep.load(swept.study)
    assert _facts(loaded) == _facts(swept)
    with pytest.raises(TuningError, match="has no model"):
        loaded.confirm(data[1], data[2])


@pytest.mark.parametrize(
    "change, words",
    [
        ({"n_steps": (10, 20)}, r"n_steps=\(10, 20, 30\), not \(10, 20\)"),
        ({"synapses": None}, r"synapses=\(0\.005,\), not \(None,\)"),
        ({"device": "spinnaker"}, "device=loihi, not spinnaker"),
        ({"neuron_type": "LIF"}, "neuron_type=LoihiSpikingRectifiedLinear"),
        ({"seed": 3}, "seed=0, not 3"),
        ({"max_pooling": "average"}, "max_pooling=not given, not average"),
    ],
)
def test_a_study_made_with_other_arguments_is_refused_by_name(swept, data, change, words):
    with pytest.raises(TuningError, match=f"was made with .*{words}"):
        nsc.sweep(*data, study=swept.study, **{**ARGUMENTS, **change})


def test_a_study_made_with_another_model_or_data_is_refused(swept, data):
    model, x, y = data
    with pytest.raises(TuningError, match="made with another x"):
        nsc.sweep(model, x + np.float32(1e-3), y, study=swept.study, **ARGUMENTS)
    with pytest.raises(TuningError, match="made with another y"):
        nsc.sweep(model, x, (y + 1) % 3, study=swept.study, **ARGUMENTS)
    with pytest.raises(TuningError, match="made with another model"):
        nsc.sweep(conv_net(tf.keras, seed=1), x, y, study=swept.study, **ARGUMENTS)


_CHILD = """
import sys
from tests.tuning.test_sweep_networks import ARGUMENTS, model_and_data
import nengo_spikecost as nsc
nsc.sweep(*model_and_data(), study=sys.argv[1], **ARGUMENTS)
"""


def _n_trials(path):
    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
            return database.execute("SELECT COUNT(*) FROM trials").fetchone()[0]
    except sqlite3.OperationalError:
        return 0


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_sweep_killed_in_the_middle_ends_as_one_left_alone(swept, data, tmp_path):
    path = tmp_path / "killed.db"
    root = Path(__file__).parents[2]
    paths = os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])
    with open(tmp_path / "log", "w") as log:
        child = subprocess.Popen(
            [sys.executable, "-c", _CHILD, str(path)],
            stdout=log, stderr=log, cwd=tmp_path, env={**os.environ, "PYTHONPATH": paths},
        )  # fmt: skip
        try:
            deadline = time.monotonic() + 120
            while _n_trials(path) < 5:
                assert child.poll() is None, (tmp_path / "log").read_text()
                assert time.monotonic() < deadline
                time.sleep(0.01)
        finally:
            child.kill()  # SIGKILL: nothing can be put in order
            child.wait()
    assert child.returncode == -signal.SIGKILL
    n = _n_trials(path)
    assert 5 <= n < ARGUMENTS["n_trials"]
    assert _facts(nsc.Sweep.load(path)) == _facts(swept)[:n]
    resumed = nsc.sweep(*data, study=path, **ARGUMENTS)
    assert _facts(resumed) == _facts(swept)
    assert [_point(p) for p in resumed.front()] == [_point(p) for p in swept.front()]


def test_timeout_keeps_what_there_is(data):
    swept = nsc.sweep(*data, **{**ARGUMENTS, "timeout": 0.0})
    assert len(swept.trials) == 1


def test_timeout_ends_what_runs(data, monkeypatch):
    """In the middle of a setting, which is given up; what was done before stays."""
    done = []

    def slow(self, *args, **kwargs):
        if len(done) >= 40:  # some settings are done by then
            time.sleep(0.5)
        done.append(1)
        return run_lengths(self, *args, **kwargs)

    from nengo_spikecost.activity.compiled.compiled_backend import CompiledBackend

    run_lengths = CompiledBackend.run_lengths
    monkeypatch.setattr(CompiledBackend, "run_lengths", slow)
    arguments = {**ARGUMENTS, "n_trials": 1000, "timeout": 8.0, "simulator": "compiled"}
    began = time.monotonic()
    swept = nsc.sweep(*data, **arguments)
    assert time.monotonic() - began < 10
    assert 1 <= len(swept.trials) < 50
    assert all(trial.state != "failed" for trial in swept.trials)


def test_timeout_before_the_first_setting_is_an_error(data, tmp_path):
    study = tmp_path / "study.db"
    with pytest.raises(TuningError, match=r"No setting was done in 0.001 s\. Give a longer"):
        nsc.sweep(*data, study=study, **{**ARGUMENTS, "timeout": 0.001})
    # the study is whole: a sweep goes on with it
    assert len(nsc.sweep(*data, study=study, **{**ARGUMENTS, "timeout": 0.0}).trials) == 1


def test_time_left_for_the_judge_ends_too(data, monkeypatch):
    """What NengoDL has no time to judge has the figures of compiled code, and says so."""
    from nengo_spikecost.deadlines import OutOfTime
    from nengo_spikecost.tuning.rescaling.loop import RescaledLoop

    def late(self, *args, **kwargs):
        raise OutOfTime

    monkeypatch.setattr(RescaledLoop, "run_lengths", late)
    swept = nsc.sweep(*data, **{**ARGUMENTS, "timeout": 30.0})
    assert len(swept.trials) == ARGUMENTS["n_trials"] and not swept.judged
    assert "NengoDL judged none of the settings" in swept.summary_string(80)


def test_confirm(swept, data):
    model, _, _ = data
    x = images(100, seed=7)
    y = model.predict_on_batch(x).argmax(axis=1)
    points = [swept.best(0.2), swept.best(0.2, baseline=True)]
    confirmed = swept.confirm(x, y, points, progress=False)
    assert confirmed.keras_accuracy == 1.0
    for row, point in zip(confirmed.rows, points):
        assert row.point is point
        assert row.accuracy == row.activity.accuracy(y)
        assert row.interval[0] <= row.accuracy <= row.interval[1]
        assert row.loss == pytest.approx(1 - row.accuracy)
        assert row.energy_J == pytest.approx(point.energy_J, rel=0.1)  # other images
    assert len(confirmed.to_frame()) == 2
    json.dumps(confirmed.to_dict(), allow_nan=False)
    assert "Confirmed on 100 images, nengo_dl" in confirmed.summary_string()


def test_best_of_the_confirmed(swept, data):
    model, _, _ = data
    x = images(100, seed=8)
    y = model.predict_on_batch(x).argmax(axis=1)
    confirmed = swept.confirm(x, y, swept.front(0.5), progress=False)
    losses = sorted({row.loss for row in confirmed.rows})
    assert len(losses) > 1
    for limit in losses:
        best = confirmed.best(limit)
        assert best.loss <= limit + 1e-12
        assert best.energy_J == min(r.energy_J for r in confirmed.rows if r.loss <= limit + 1e-12)
    surely = max(row.loss_interval[1] for row in confirmed.rows)
    assert confirmed.best(surely, sure=True).energy_J == min(r.energy_J for r in confirmed.rows)
    with pytest.raises(TuningError, match="Allow a larger loss, or confirm settings"):
        confirmed.best(losses[0] - 0.01)
    least = min(row.loss_interval[1] for row in confirmed.rows)
    with pytest.raises(TuningError, match="No confirmed setting surely loses at most"):
        confirmed.best(least - 0.01, sure=True)
    with pytest.raises(TuningError, match="no settings to confirm"):
        swept.confirm(x, y, [], progress=False)


def test_confirm_on_the_chip(swept, data):
    model, _, _ = data
    x = images(30, seed=7)
    y = model.predict_on_batch(x).argmax(axis=1)
    chip = swept.confirm(x, y, swept.best(0.05), simulator="loihi", more_steps=5, progress=False)
    (row,) = chip.rows
    assert row.n_steps == row.point.n_steps + 5
    assert row.activity.protocol.simulator == "loihi"
    assert row.accuracy > 0.5


@pytest.mark.parametrize(
    "change, error, words",
    [
        ({"device": "cpu"}, TuningError, "cpu does not price spikes"),
        ({"cost_model": "kerasspiking"}, TuningError, "kerasspiking"),
        ({"n_trials": 0}, TuningError, "n_trials must be a whole number"),
        ({"confidence": 95}, TuningError, "confidence must be a share"),
        ({"readout": "first"}, TuningError, "readout must be one of last, mean"),
        ({"start_from": [{"conv0": 1.0}]}, TuningError, "start_from .* conv0, conv1, dense0"),
        ({"global_scales": (-1.0,)}, TuningError, "global_scales"),
        ({"scale_firing_rates": 100}, TuningError, "scale_firing_rates"),
    ],
)
def test_wrong_arguments(data, change, error, words):
    with pytest.raises(error, match=words):
        nsc.sweep(*data, **{**ARGUMENTS, **change})


def test_wrong_data(data):
    model, x, y = data
    with pytest.raises(DataError, match="160 samples and labels"):
        nsc.sweep(model, x, y[:5], **ARGUMENTS)
    with pytest.raises(DataError, match="whole numbers from 0 to 2"):
        nsc.sweep(model, x, y + 5, **ARGUMENTS)
    with pytest.raises(DataError, match="a sweep needs samples that the Keras"):
        nsc.sweep(model, x[:, :4], y, **ARGUMENTS)
    with pytest.raises(TuningError, match=r"No neuron of layer 'conv0' is active"):
        nsc.sweep(model, 0 * x, y, **ARGUMENTS)


def test_command_line(data, tmp_path, monkeypatch):
    model, x, y = data
    monkeypatch.chdir(tmp_path)
    model.save("net.h5")
    np.savez("data.npz", x=x, y=y)
    line = (
        "sweep net.h5 --data data.npz --study s.db --trials 12 --steps 10,20 --losses 0.05,0.2 "
        "--samples 100 --confirm 60 --plot s.png --json s.json --csv s.csv"
    )
    arguments = line.split()
    done = CliRunner().invoke(cli.main, arguments)
    assert done.exit_code == 0, done.output
    assert "To paste, for trial" in done.output
    assert "Confirmed on 60 images" in done.output
    assert (tmp_path / "s.png").read_bytes()[:4] == b"\x89PNG"
    assert len(json.loads((tmp_path / "s.json").read_text())["trials"]) == 12
    assert len((tmp_path / "s.csv").read_text().splitlines()) > 12
    assert len(nsc.Sweep.load("s.db").trials) == 12
    wrong = CliRunner().invoke(cli.main, [*arguments, "--steps", "10,many"])
    assert wrong.exit_code == 2
    few = CliRunner().invoke(cli.main, [*arguments, "--confirm", "200"])
    assert few.exit_code == 2
