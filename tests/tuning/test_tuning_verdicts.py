"""Verdicts on searches and training, from records made by hand: numbers by arithmetic."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from nengo_spikecost.layout.result import presenter_of
from nengo_spikecost.loihi.blocks.block_fit import BlockFit
from nengo_spikecost.tuning.rates.rate_tuning import LayerRates, RateTuning
from nengo_spikecost.tuning.sweeps.confirmation import Confirmation, ConfirmedPoint
from nengo_spikecost.tuning.training.fine_tuning import EpochRecord, FineTuning
from tests.tuning.sweep_fakes import formula_sweep


def lines(result):
    verdict = presenter_of(result).verdict(result)
    return dict(verdict.lines), [(s.advice, s.command, s.tried) for s in verdict.next_steps]


def test_sweep():
    sweep = replace(formula_sweep(12), files=("net.keras", "train.npz"))
    sweep = replace(sweep, space=replace(sweep.space, losses=(0.05, 0.1)))
    loss = min(sweep.space.losses)
    best, one = sweep.best(loss), sweep.best(loss, baseline=True)
    said, steps = lines(sweep)
    assert said["accuracy"] == (
        f"Keras {sweep.keras_accuracy:.1%}, with spikes {best.accuracy:.1%} "
        f"({sweep.n_images} images)"
    )
    assert said["Loihi"].endswith(f"per inference, trial {best.trial} at {best.n_steps} steps")
    saved = 1 - best.energy_J / one.energy_J
    expected = f"Yes: {saved:.0%} less energy" if saved > 0.02 else "No need of scales by layer"
    assert said["worth it?"].startswith(expected)
    deploy = "nengo-spikecost deploy net.keras --data TEST_DATA --scales sweep.json --cost"
    assert steps[-1][1:] == (deploy, False)
    # a loss that no setting has
    strict = replace(sweep, space=replace(sweep.space, losses=(-0.5,)))
    said, steps = lines(strict)
    closest = min(p.loss for p in sweep.points)
    lost = f"{100 * closest:.1f} points lost" if closest > 0 else "no points lost"
    assert said["worth it?"] == (
        f"No: no setting is within -50 points of the Keras model; the closest is {lost} from it."
    )
    assert "train net.keras --data TRAINING_DATA" in steps[0][1]
    assert sweep.to_dict()["verdict"]["lines"][0]["about"] == "accuracy"


@pytest.mark.parametrize(
    ("n_spare", "end"),
    [
        (None, "--study s.db --samples 400 --confirm 200"),
        (1000, "--study s.db --samples 400 --confirm 200"),
        (30, "--study s.db --samples 400 --confirm 30"),
        (0, "--study NEW_STUDY --samples 267 --confirm 133"),
    ],
)
def test_a_sweep_is_confirmed_on_samples_that_there_are(n_spare, end):
    sweep = replace(formula_sweep(12), files=("net.keras", "x.npz"), study="s.db", n_spare=n_spare)
    sweep = replace(sweep, space=replace(sweep.space, losses=(0.1,)))
    (first, command, _), *_ = lines(sweep)[1]
    assert sweep.n_images == 400 and first.startswith("The best of many is also lucky")
    assert command == f"nengo-spikecost sweep net.keras --data x.npz {end}"
    # a study goes on with the options that it was made with alone
    typed = "nengo-spikecost sweep net.keras --steps 5,9 --study=s.db --data x.npz --json s.json -q"
    (_, command, _), *_ = lines(replace(sweep, typed=typed))[1]
    assert command == f"nengo-spikecost sweep net.keras --steps 5,9 --data x.npz {end}"


def test_a_sweep_on_very_few_samples_is_confirmed_on_fewer():
    def advised(n_images):
        few = formula_sweep(12, n_images=n_images)
        few = replace(few, space=replace(few.space, losses=(1.0,)), study="s.db", n_spare=0)
        return [command for _, command, _ in lines(few)[1] if "--confirm" in command]

    (command,) = advised(2)
    assert command.endswith("--study NEW_STUDY --samples 1 --confirm 1")
    assert advised(1) == []  # none can be kept back


def test_confirmation():
    point = formula_sweep(12).best()

    def confirmed(loss):
        row = ConfirmedPoint(
            point=point, n_steps=20, accuracy=0.98 - loss, interval=(0.9, 1.0), loss=loss,
            loss_interval=(0.0, 0.1), p_value=1.0, energy_J=2e-6, synops=1e3,
            activity=SimpleNamespace(),
        )  # fmt: skip
        return Confirmation((row,), "nengo_dl", 200, 0.98, (0.9, 1.0), "loihi")

    said, _ = lines(confirmed(0.0))
    assert said["accuracy"] == "Keras 98.0%, with spikes 98.0% (200 images not searched on)"
    assert said["Loihi"] == f"2.00 uJ per inference, trial {point.trial} at 20 steps"
    assert said["worth it?"].startswith("Yes, it holds: no points lost here, ")
    said, _ = lines(confirmed(0.08))
    assert said["worth it?"].startswith("Not as it seemed: 8.0 points lost here, ")


def test_fine_tuning():
    before = EpochRecord(0, loss=0.4, accuracy=0.90, synops=2000.0, objective=0.4)
    after = EpochRecord(1, loss=0.2, accuracy=0.96, synops=1500.0, objective=0.2)
    tuned = FineTuning(
        None, {"a": 150.0}, (before, after), 1, 40, "spikes", files=("t.keras", "TEST")
    )
    said, steps = lines(tuned)
    assert said["accuracy"] == ("with spikes before 90.0%, after 96.0% (as simulated in training)")
    assert said["synops"] == "2,000 before, 1,500 after, per sample"
    assert said["worth it?"] == "Yes: 6.0 points gained, 25% fewer synops."
    command = "nengo-spikecost report t.keras --data TEST --scale 150 --steps 40 --chip"
    assert steps[0][1:] == (command, False)
    said, steps = lines(replace(tuned, best_epoch=0))
    assert said["worth it?"] == "No: no epoch was better than before." and not steps


def layer(name, rate_hz, reached, **changes):
    return LayerRates(
        layer=name, scale=100.0, target_hz=200.0, allowed_hz=10.0, ceiling_hz=None,
        rate_hz=rate_hz, reached=reached, mean_hz=20.0, max_hz=400.0, active=0.5, silent=0.0,
        linearity=1.0, skew=1.0, first_half_hz=1.0, second_half_hz=1.0,
        **{"reason": "", "saturated": 0.0, **changes},
    )  # fmt: skip


def test_firing_rates():
    good, bad = layer("a", 201.0, True), layer("b", 150.0, False, reason="its neurons saturate")

    def tuning(*layers):
        return RateTuning(
            layers, {}, (), 1.0, "mean", 0.05, 40, 0, SimpleNamespace(), {},
            files=("net.h5", "d.npz"),
        )  # fmt: skip

    said, steps = lines(tuning(good))
    assert said["reached"] == "1 of 1 layer within 5% of the target" and "look at" not in said
    assert steps[0][1] == "nengo-spikecost report net.h5 --data TEST_DATA --scales tune.json"
    said, _ = lines(tuning(good, bad, layer("c", 199.0, True, saturated=0.5)))
    assert said["reached"] == "2 of 3 layers within 5% of the target"
    assert said["look at"] == "c saturated 50%"
    assert said["worth it?"] == "Not wholly: b fires at 150 Hz, as its neurons saturate."


def test_blocks():
    fit = SimpleNamespace(
        busiest_ns=12_300.0, n_cores=11, n_chips=1, is_optimal=False, lower_bound=9,
        ended="time", files=("net.h5", "d.npz"), given=SimpleNamespace(model=None),
        reordered=False, json_file="fit.json", typed="",
    )  # fmt: skip
    from nengo_spikecost.layout.presenter import presenters

    verdict = presenters.find(BlockFit.__new__(BlockFit)).verdict(fit)
    assert dict(verdict.lines) == {
        "fits": "yes: 11 cores on 1 chip (at least 9)",
        "Loihi": "12.3 us a step on the busiest core (modelled)",
    }
    assert "had no more time" in verdict.next_steps[0].sentence()
    assert verdict.next_steps[1].command == (
        "nengo-spikecost deploy net.h5 --data d.npz --fit fit.json --cost"
    )
    assert np.all([not step.tried for step in verdict.next_steps])
