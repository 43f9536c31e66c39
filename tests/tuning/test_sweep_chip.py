"""Sweeps on the emulated chip, held against settings that are converted and measured alone."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner

import nengo_spikecost as nsc
from nengo_spikecost import cli
from nengo_spikecost.energy import loihi_chip
from nengo_spikecost.errors import (
    EmulationWarning,
    LoihiError,
    MeasurementError,
    TuningError,
    UncountedWarning,
)
from nengo_spikecost.layout.si import si
from nengo_spikecost.loihi import fit_blocks
from nengo_spikecost.loihi.simulators.batched_emulation import LoihiEmulatorBackend
from nengo_spikecost.tuning import RescalableNetwork
from nengo_spikecost.tuning.sweeps import ChipBlocks
from nengo_spikecost.tuning.sweeps.chip_blocks import found_blocks
from nengo_spikecost.tuning.sweeps.study import Study
from tests.models import randomise
from tests.tuning.test_sweep_networks import model_and_data

ARGUMENTS = {
    "n_steps": (12, 25),
    "accuracy_losses": (0.1, 0.4),
    "first_images": 20,
    "global_scales": (200.0,),
    "n_trials": 9,
    "device": "loihi_silicon",
    "cost_model": "loihi_chip",
    "simulator": "loihi",
    "progress": False,
}


def converted(model, scales, synapse=0.005):
    return nsc.convert(
        model, neuron_type="LoihiSpikingRectifiedLinear", scale_firing_rates=scales, synapse=synapse
    )


def alone(model, x, point):
    """A setting converted, cut into blocks and measured by itself."""
    conversion = converted(model, point.scale_firing_rates, point.synapse)
    activity = nsc.measure(
        fit_blocks(conversion), x, point.n_steps, simulator="loihi", presentation="fresh",
        progress=False,
    )  # fmt: skip
    return conversion, activity


@pytest.fixture(scope="module")
def data():
    return model_and_data(50)


@pytest.fixture(scope="module")
def swept(data, tmp_path_factory):
    return nsc.sweep(*data, study=tmp_path_factory.mktemp("chip") / "sweep.db", **ARGUMENTS)


def _facts(sweep):
    return [
        (t.number, t.proposal, t.state, [(r.n_steps, r.correct.tolist(), r.energy_J.tolist(),
                                          r.synops, r.layer_synops) for r in t.readings])
        for t in sweep.trials
    ]  # fmt: skip


# ------------------------------------------------------------------ readings


def test_readings_are_those_of_settings_measured_alone(swept, data):
    model, x, y = data
    assert len(swept.points) >= 10
    for point in (swept.points[0], swept.baseline()[0], swept.points[-1]):
        conversion, activity = alone(model, x, point)
        estimate = nsc.NetworkEnergy(conversion, activity, cost_model="loihi_chip").estimate(
            "loihi_silicon"
        )
        # images come in another order and in stages, which changes the last digits of means
        assert point.energy_J == pytest.approx(estimate.mean_J, rel=1e-12)
        cost = nsc.loihi.chip_cost(activity)
        assert point.energy_J == pytest.approx(cost.energy_J("chip").nominal, rel=1e-12)
        assert point.accuracy == pytest.approx(activity.accuracy(y), abs=1e-12)
        on_chip = nsc.NetworkEnergy(conversion, activity).workload()
        synops = sum(p.synops.mean() for p in on_chip.pathways if p.synops is not None)
        assert point.synops == pytest.approx(synops, rel=1e-12)


def test_outcomes_are_in_the_order_of_the_images(swept, data):
    model, x, y = data
    point = max(swept.points, key=lambda p: p.accuracy * (1 - p.accuracy))
    assert 0 < point.accuracy < 1
    _, activity = alone(model, x, point)
    order = swept.plan.ordered()[0]
    where = [int(np.flatnonzero((x == image).all(axis=(1, 2, 3)))[0]) for image in order]
    assert np.array_equal(point.correct, (activity.predictions() == y)[where])


def test_time_costs_what_the_chip_draws_all_the_time(swept):
    """Energy of the chip's cost model has a part that grows with steps, spikes or not."""
    trial = swept.trials[0]
    short, long = trial.readings
    assert long.mean_J / short.mean_J == pytest.approx(25 / 12, rel=0.1)


def test_a_front_of_energies_that_are_at_least(swept, data):
    """NengoLoihi's host does more in a step than is counted, so no saving is more than that."""
    text = " ".join(swept.summary_string(200).split())
    assert swept.at_least and nsc.Sweep.load(swept.study).at_least
    best = swept.best(0.1)
    assert f"loihi_silicon at least {si(best.energy_J, 'J')} per inference" in text
    assert text.count(">= ") >= len(swept.front())
    assert "The front is that of what is counted" in text
    assert json.loads(swept.to_json())["energy_is_at_least"]
    assert swept.to_frame()["energy_is_at_least"].dropna().all()
    axes = swept.plot()
    assert axes.get_xlabel().endswith(", at least")
    confirmed = swept.confirm(data[1][:4], data[2][:4], best, progress=False)
    assert confirmed.at_least and ">= " in confirmed.summary_string(200)
    assert json.loads(confirmed.to_json())["rows"][0]["energy_is_at_least"]
    given = {**ARGUMENTS, "n_trials": 1, "cost_model": loihi_chip(host_io="x86")}
    known = nsc.sweep(*data, **given)
    assert not known.at_least and ">= " not in known.summary_string(200)
    assert "counted" not in known.summary_string(200)


def test_energies_that_are_not_predicted_are_said(data):
    """With a host that manages steps they hold the least that the chip may draw."""
    model = loihi_chip(host_io="host")
    given = {**ARGUMENTS, "cost_model": model, "n_trials": 1, "n_steps": (12,)}
    with pytest.warns(UncountedWarning, match="hold the least of static power and x86: the time"):
        nsc.sweep(*data, **given)


def test_per_operation_on_the_chip(data):
    """Of a device without cores' constants, the spikes of the emulated neurons are priced."""
    model, x, y = data
    found = nsc.sweep(
        model, x, y, **{**ARGUMENTS, "n_trials": 2, "cost_model": "per_operation",
                        "device": "spinnaker2", "synapses": None, "n_steps": 20}
    )  # fmt: skip
    for point in found.points:
        assert point.synapse is None
        conversion, activity = alone(model, x, point)
        energy = nsc.NetworkEnergy(conversion, activity)
        assert energy.total_energy("spinnaker2") == pytest.approx(point.energy_J, rel=1e-12)


def test_starts_are_those_of_a_sweep_in_nengo_dl(swept, data, tmp_path):
    arguments = {
        **ARGUMENTS, "n_trials": 1, "simulator": "nengo_dl", "cost_model": "per_operation",
        "study": tmp_path / "other.db",
    }  # fmt: skip
    other = nsc.sweep(*data, **arguments)
    assert dict(swept.space.rule) == dict(other.space.rule)
    assert swept.trials[0].scales == other.trials[0].scales
    # and what came of them is not: the chip rounds, and its spikes take steps
    assert swept.trials[0].readings[0].synops != other.trials[0].readings[0].synops
    # a study from before there was a choice is one in NengoDL
    with Study(arguments["study"]) as study:
        made_with = study.facts()["made_with"]
        assert made_with.pop("simulator") == "nengo_dl"
        study.remember({"made_with": made_with})
    assert _facts(nsc.sweep(*data, **arguments)) == _facts(other)
    # and goes on in NengoDL unless another simulator is asked for
    del arguments["simulator"]
    again = nsc.sweep(*data, **arguments)
    assert _facts(again) == _facts(other) and again.searched_in == "nengo_dl"
    assert all(point.searched is None for point in again.points)
    with pytest.raises(TuningError, match=r"simulator=nengo_dl, not compiled"):
        nsc.sweep(*data, **arguments, simulator="compiled")


# ------------------------------------------------------------------ block shapes


def test_blocks_do_not_depend_on_scales():
    keras = tf.keras.layers
    wide = tf.keras.Sequential(
        [keras.Input((20, 20, 1)), keras.Conv2D(12, 3, activation="relu"),
         keras.Conv2D(8, 3, activation="relu"), keras.Flatten(), keras.Dense(4)]
    )  # fmt: skip
    model = randomise(wide)
    found = [found_blocks(converted(model, scale), 0.001) for scale in (0.3, 20.0, 3000.0)]
    assert found[0] == found[1] == found[2]
    assert found[0].n_cores > len(found[0].layers)  # 2,048 neurons are too many for one
    fit = fit_blocks(converted(model, 50.0))
    assert fit.n_cores == found[0].n_cores
    assert json.loads(json.dumps(found[0].to_dict())) != {}
    assert ChipBlocks.of_dict(json.loads(json.dumps(found[0].to_dict()))) == found[0]
    # put on another conversion, NengoLoihi builds the cores that the fit has
    other = converted(model, 400.0)
    x = np.random.RandomState(0).uniform(0, 1, (2, 20, 20, 1))
    applied = nsc.measure(found[0].on(other), x, 8, simulator="loihi", progress=False)
    fitted = nsc.measure(fit_blocks(other), x, 8, simulator="loihi", progress=False)
    assert applied.chip.cores == fitted.chip.cores
    assert np.array_equal(applied.chip.compartments, fitted.chip.compartments)
    assert np.array_equal(applied.chip.axon_events, fitted.chip.axon_events)


def test_blocks_are_kept_and_can_be_deployed(swept, data):
    loaded = nsc.Sweep.load(swept.study)
    assert loaded.simulator == "loihi"
    assert loaded.blocks == swept.blocks
    assert f"{swept.blocks.n_cores} emulated cores" in loaded.summary_string()
    content = swept.to_dict()
    assert content["simulator"] == "loihi"
    assert content["block_shapes"].keys() == {"conv0", "conv1", "dense0"} & set(swept.blocks.shapes)
    deployed = nsc.loihi.deploy(data[0], data[1][:2], n_steps=5, block_shapes=swept.blocks.shapes)
    assert deployed.n_cores == swept.blocks.n_cores


# ------------------------------------------------------------------ studies


def test_an_interrupted_sweep_ends_as_one_left_alone(swept, data, tmp_path, monkeypatch):
    study = tmp_path / "pieces.db"
    nsc.sweep(*data, study=study, **{**ARGUMENTS, "n_trials": 4})
    # what was found out once is not found out again
    monkeypatch.setattr(RescalableNetwork, "run", None)
    monkeypatch.setattr("nengo_spikecost.tuning.sweeps.sweep_engine.found_blocks", None)
    resumed = nsc.sweep(*data, study=study, **ARGUMENTS)
    assert _facts(resumed) == _facts(swept)


def test_a_study_of_another_simulator_is_refused(swept, data, tmp_path):
    with pytest.raises(TuningError, match=r"simulator=loihi, not nengo_dl"):
        nsc.sweep(
            *data, study=swept.study,
            **{**ARGUMENTS, "simulator": "nengo_dl", "cost_model": "per_operation"},
        )  # fmt: skip


def test_a_study_of_a_cost_model_with_other_options_is_refused(swept, data):
    """Not all options are in the name of a cost model."""
    other = loihi_chip(powered_cores=64, name="loihi_chip")
    with pytest.raises(TuningError, match="made with options of the cost model="):
        nsc.sweep(*data, study=swept.study, **{**ARGUMENTS, "cost_model": other})


def test_only_one_chip_is_held(data, monkeypatch):
    held, most = [], []

    class Counted(LoihiEmulatorBackend):
        def __init__(self, setup):
            super().__init__(setup)
            held.append(self)
            most.append(len(held))

        def close(self):
            super().close()
            held.remove(self)

    monkeypatch.setitem(nsc.activity.BACKENDS, "loihi", Counted)
    found = nsc.sweep(*data, **{**ARGUMENTS, "n_trials": 3})
    assert most == [1] * len(found.trials)  # built once a trial, for all of its stages
    assert not held


# ------------------------------------------------------------------ confirmation


def test_confirm_is_on_the_chip_as_the_sweep_was(swept, data):
    point = swept.best(0.4)
    confirmed = swept.confirm(data[1], data[2], point, progress=False)
    (row,) = confirmed.rows
    assert confirmed.simulator == "loihi"
    assert row.activity.protocol.presentation == "fresh"
    assert row.activity.chip.n_cores == swept.blocks.n_cores
    # the images of the sweep itself, so that nothing is different
    assert row.accuracy == pytest.approx(point.accuracy, abs=1e-12)
    assert row.energy_J == pytest.approx(point.energy_J, rel=1e-12)
    on = swept.confirm(
        data[1][:10], data[2][:10], point, presentation="continuous", progress=False
    ).rows[0]
    assert on.activity.protocol.presentation == "continuous"


def test_confirm_without_a_chip_is_refused(swept, data):
    with pytest.raises(TuningError, match=r"cost_model='loihi_chip'.*simulator='nengo_dl'"):
        swept.confirm(data[1], data[2], swept.points[0], simulator="nengo_dl")


# ------------------------------------------------------------------ refusals


@pytest.fixture
def nothing_runs(monkeypatch):
    """Whatever is refused is refused before anything is simulated."""

    def runs(*_, **__):
        raise AssertionError("something was simulated")

    monkeypatch.setattr(RescalableNetwork, "run", runs)
    monkeypatch.setattr(LoihiEmulatorBackend, "__init__", runs)


@pytest.mark.parametrize(
    "change, error, words",
    [
        (
            {"simulator": "nengo_dl"},
            TuningError,
            r"cost_model='loihi_chip' .* simulator='nengo_dl' .*: give simulator='loihi'",
        ),
        (
            {"simulator": "nengo_dl", "cost_model": loihi_chip(board="wolf_mountain")},
            TuningError,
            r"cost_model=.*wolf_mountain.* give simulator='loihi'",
        ),
        ({"device": "truenorth"}, TuningError, "truenorth does not price spikes under"),
        ({"cost_model": "kerasspiking"}, TuningError, "kerasspiking"),
        ({"simulator": "board"}, TuningError, "simulator must be one of nengo_dl, compiled, loihi"),
        (
            {"simulator": "nengo_loihi"},
            TuningError,
            r"simulator='nengo_loihi' does not count: give simulator='loihi'",
        ),
        ({"simulator": 3}, TuningError, "simulator must be one of nengo_dl, compiled, loihi"),
    ],
)  # fmt: skip
def test_refused_at_once(data, nothing_runs, change, error, words):
    with pytest.raises(error, match=words):
        nsc.sweep(*data, **{**ARGUMENTS, **change})


def test_neurons_that_the_chip_runs_otherwise_are_said_first(data, nothing_runs):
    words = "conv1 has AdaptiveLIF neurons, .* runs as LIF"
    with pytest.warns(EmulationWarning, match=words), pytest.raises(AssertionError):
        nsc.sweep(*data, **{**ARGUMENTS, "neuron_type": "AdaptiveLIF"})


def test_a_layer_that_fits_on_no_core_is_named(nothing_runs):
    keras = tf.keras.layers
    model = randomise(
        tf.keras.Sequential(
            [keras.Input((8,)), keras.Dense(4500, activation="relu", name="wide"),
             keras.Dense(20, activation="relu", name="narrow"), keras.Dense(3)]
        )
    )  # fmt: skip
    x = np.random.RandomState(0).uniform(0, 1, (8, 8)).astype("f4")
    with pytest.raises(LoihiError, match="No block shapes fit"):
        nsc.sweep(model, x, np.zeros(8, int), **ARGUMENTS)


def test_errors_in_the_emulation_are_kept_with_the_trial(data, monkeypatch):
    def fails(self, inputs, lengths):
        raise MeasurementError("the chip melted")

    monkeypatch.setattr(LoihiEmulatorBackend, "run_lengths", fails)
    with pytest.raises(TuningError, match=r"The first 3 settings .*the chip melted"):
        nsc.sweep(*data, **ARGUMENTS)


# ------------------------------------------------------------------ command line


def test_command_line(data, tmp_path, monkeypatch):
    model, x, y = data
    monkeypatch.chdir(tmp_path)
    model.save("net.h5")
    np.savez("data.npz", x=x, y=y)
    line = (
        "sweep net.h5 --data data.npz --study s.db --trials 3 --steps 20 --losses 0.4 "
        "--samples 40 --confirm 10 --json s.json --simulator loihi --cost-model loihi_chip"
    )
    done = CliRunner().invoke(cli.main, line.split())
    assert done.exit_code == 0, done.output
    assert "emulated cores, priced on" in " ".join(done.output.split())
    assert "Confirmed on 10 images, loihi" in done.output
    assert json.loads((tmp_path / "s.json").read_text())["simulator"] == "loihi"
    wrong = CliRunner().invoke(
        cli.main, line.replace("--simulator loihi", "--simulator nengo_dl").split()
    )
    assert wrong.exit_code == 2
    assert "simulator='loihi'" in wrong.output
