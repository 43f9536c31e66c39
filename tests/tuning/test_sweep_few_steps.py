"""Sweeps of a few steps: where they start, what energy is made of, and what the front shows."""

from __future__ import annotations

from dataclasses import replace

import matplotlib
import matplotlib.figure
import numpy as np
import pytest

import nengo_spikecost as nsc
from nengo_spikecost.demo import demo_data, demo_model
from nengo_spikecost.errors import EmulationWarning
from nengo_spikecost.tuning.sweeps import Sweep
from nengo_spikecost.tuning.sweeps.sweep_run import tuned_hz
from tests.commands import runner_in

matplotlib.use("Agg")
NEURONS = "LoihiSpikingRectifiedLinear"
STEPS = (4, 6, 9)
#: KerasSpiking's constants for Loihi, in J.
SYNOP, UPDATE = 23.6e-12, 81e-12


@pytest.fixture(scope="module")
def digits():
    data = demo_data()
    return data.x_test[:60], data.y_test[:60]


@pytest.fixture(scope="module")
def swept(digits, tmp_path_factory):
    return nsc.sweep(
        demo_model(), *digits, neuron_type=NEURONS, n_steps=STEPS, synapses=None, readout="mean",
        accuracy_losses=(0.05, 0.2), global_scales=(300,), n_trials=12, progress=False,
        study=tmp_path_factory.mktemp("few") / "study.db",
    )  # fmt: skip


def test_the_fewer_steps_the_higher_the_rates_that_it_starts_from():
    assert tuned_hz(40, 0.001) == tuned_hz(20, 0.001) == (150.0, 100.0)
    assert tuned_hz(8, 0.001) == (375.0, 250.0)
    # no more than a spike in two steps, and two spikes in the presentation if that allows it
    assert tuned_hz(4, 0.001) == (500.0, 333.0)
    assert tuned_hz(4, 0.002) == (250.0, 167.0)


def test_finds_settings_from_four_steps_on(swept):
    front = swept.front()
    assert {point.n_steps for point in front} & {4, 6}
    assert any(trial.proposal.origin == "tuned to 333 Hz" for trial in swept.trials) or any(
        trial.proposal.origin.startswith("tuned to 5") for trial in swept.trials
    )
    assert min(point.loss for point in swept.points if point.n_steps == 4) <= 0.2


def test_energy_is_of_updates_and_synops_and_as_measured(swept, digits):
    point = min(swept.front(), key=lambda p: p.n_steps)
    network = nsc.convert(
        demo_model(), neuron_type=NEURONS, scale_firing_rates=point.scale_firing_rates, synapse=None
    )
    on_chip = sum(p.n_neurons for p in nsc.NetworkGraph(network).populations if p.on_chip)
    assert swept.updates_per_step == on_chip == 7812
    for own in swept.points:
        assert own.updates == on_chip * own.n_steps
        assert own.energy_J == pytest.approx(own.updates * UPDATE + own.synops * SYNOP)
    activity = nsc.measure(network, digits[0], point.n_steps, progress=False)
    energy = nsc.NetworkEnergy(network, activity)
    assert point.energy_J == pytest.approx(energy.estimate("loihi").mean_J)
    assert point.accuracy == activity.accuracy(digits[1], readout="mean")


def test_the_front_shows_steps_beside_energy(swept, tmp_path):
    text = swept.summary_string(line_length=80)
    assert max(map(len, text.splitlines())) <= 80
    heading = next(line for line in text.splitlines() if line.startswith("Trial  Steps"))
    assert heading.split()[:5] == ["Trial", "Steps", "Energy", "Updates", "Synops"]
    axes = matplotlib.figure.Figure().subplots()
    swept.plot(axes)
    labels = [entry.get_text() for entry in axes.get_legend().get_texts()]
    assert [f"{n} steps, {n} ms" for n in STEPS] == labels[-3:]
    page = swept.to_html()
    assert "Updates" in page and "4 steps" in page
    frame = swept.to_frame()
    known = frame[frame["n_steps"] == 6]
    assert (known["updates"] == 6 * 7812).all() and len(known)
    point = swept.to_dict()["front"][0]
    assert point["updates"] == point["n_steps"] * 7812


def test_a_study_of_before_updates_were_kept_is_shown_without(swept):
    again = Sweep.load(swept.study)
    assert again.front()[0].updates == swept.front()[0].updates
    before = replace(again, updates_per_step=None)
    assert "Updates" not in before.summary_string() and before.front()[0].updates is None


def test_on_the_command_line(tmp_path, monkeypatch):
    run = runner_in(tmp_path, monkeypatch)
    data = demo_data()
    model, file = tmp_path / "model.h5", tmp_path / "data.npz"
    demo_model().save(model)
    np.savez(file, x=data.x_test[:30], y=data.y_test[:30])
    out = run(
        "sweep", model, "--data", file, "--study", tmp_path / "study.db", "--neuron", NEURONS,
        "--steps", "4,6", "--synapses", "0", "--readout", "mean", "--trials", "4", "--losses",
        "0.5",
    )  # fmt: skip
    assert "Updates" in out.output, out.output
    kept = Sweep.load(tmp_path / "study.db")
    assert kept.space.synapses == (None,) and kept.space.n_steps == (4, 6)


def test_on_the_chip_times_that_are_too_short_are_said(digits):
    x, y = digits
    with pytest.warns(EmulationWarning, match=r"n_steps=4: nothing .* from step 5 on"):
        swept = nsc.sweep(
            demo_model(), x[:12], y[:12], neuron_type=NEURONS, n_steps=(4, 8), synapses=None,
            readout="mean", simulator="loihi", cost_model="loihi_chip", device="loihi_silicon",
            accuracy_losses=(0.9,), global_scales=(400,), n_trials=2, progress=False,
        )  # fmt: skip
    for own in swept.points:
        assert own.updates == 7812 * own.n_steps and own.energy_J > 0
