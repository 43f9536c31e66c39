"""`ChipActivity`: what it refuses, and batches put together."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from nengo_spikecost.activity import ChipActivity, StepCounts
from nengo_spikecost.chip.chip_activity import chip_arrays, chip_of_arrays, joined_chips
from nengo_spikecost.errors import DataError, MeasurementError


def chip(n_samples=2, n_steps=None, seed=0, cores=("a[0]", "a[1]", "b")):
    rng = np.random.RandomState(seed)

    def counts(*shape):
        return rng.randint(0, 9, shape)

    shape = (n_samples, len(cores))
    steps = None
    if n_steps is not None:
        by_step = (n_samples, n_steps, len(cores))
        steps = StepCounts(
            {"conv": counts(*by_step)}, *(counts(*by_step) for _ in range(5)),
            counts(n_samples, n_steps),
        )  # fmt: skip
    return ChipActivity(
        cores=cores,
        layers=tuple(name.split("[")[0] for name in cores),
        inputs=("host",),
        compartments=np.full(len(cores), 10),
        biased=counts(len(cores)),
        spikes=counts(*shape),
        with_input=counts(*shape),
        active=counts(*shape),
        synops={"conv": counts(*shape), "dense": counts(*shape)},
        axon_events=counts(*shape),
        messages_out=counts(*shape),
        messages_between=counts(len(cores) + 1, len(cores)),
        host_to_chip=counts(n_samples),
        chip_to_host=counts(n_samples),
        by_step=steps,
    )


@pytest.mark.parametrize("n_steps", [None, 4])
def test_batches_are_joined(n_steps):
    parts = [chip(2, n_steps, 1), chip(3, n_steps, 2)]
    whole = joined_chips(parts)
    assert (whole.n_samples, whole.n_cores) == (5, 3)
    np.testing.assert_array_equal(whole.spikes[2:], parts[1].spikes)
    np.testing.assert_array_equal(whole.synops["dense"][:2], parts[0].synops["dense"])
    between = parts[0].messages_between + parts[1].messages_between
    np.testing.assert_array_equal(whole.messages_between, between)
    np.testing.assert_array_equal(whole.compartments, [10, 10, 10])
    np.testing.assert_array_equal(whole.total_synops(), sum(whole.synops.values()))
    np.testing.assert_array_equal(whole.updates(7), [70, 70, 70])
    if n_steps:
        assert whole.by_step.n_steps == 4
        np.testing.assert_array_equal(whole.by_step.spikes[2:], parts[1].by_step.spikes)


def test_to_arrays_and_back():
    for n_steps in (None, 4):
        one = chip(2, n_steps)
        again = chip_of_arrays(chip_arrays(one))
        assert (again.cores, again.layers, again.inputs) == (one.cores, one.layers, one.inputs)
        for name, values in chip_arrays(one).items():
            np.testing.assert_array_equal(chip_arrays(again)[name], values)
    assert chip_of_arrays({"counts 0": np.zeros(3)}) is None
    before = {key: x for key, x in chip_arrays(one).items() if key != "chip active"}
    with pytest.raises(DataError, match=r"earlier version .* Start again in another folder"):
        chip_of_arrays(before)


def test_what_does_not_fit_together_is_refused():
    one = chip(2, 4)
    for wrong, message in (
        ({"spikes": np.zeros((3, 3))}, r"with_input|shape"),
        ({"active": np.zeros((2, 4))}, r"active has shape \(2, 4\); expected \(2, 3\)"),
        ({"layers": ("a", "b")}, "layers has shape"),
        ({"messages_between": np.zeros((3, 3))}, r"messages_between .* expected \(4, 3\)"),
        ({"host_to_chip": np.zeros(3)}, "host_to_chip"),
        ({"synops": {"pop32": np.zeros((2, 3))}}, "formats .'pop32'.; expected some of dense"),
        ({"by_step": chip(3, 4).by_step}, "expected 2 samples"),
    ):
        with pytest.raises(MeasurementError, match=message):
            replace(one, **wrong)
    with pytest.raises(MeasurementError, match="expected"):
        replace(one.by_step, host_to_chip=np.zeros((2, 5)))
    with pytest.raises(MeasurementError, match="n_samples, n_steps, n_cores"):
        replace(one.by_step, spikes=np.zeros((2, 5)))
    with pytest.raises(MeasurementError, match="different cores"):
        joined_chips([one, chip(2, 4, cores=("a", "b", "c"))])
    with pytest.raises(MeasurementError, match="step by step"):
        joined_chips([one, chip(2)])


def test_counts_are_read_without_tensorflow():
    code = (
        "import sys, nengo_spikecost.activity, nengo_spikecost.loihi; "
        "assert 'tensorflow' not in sys.modules and 'nengo_loihi' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
