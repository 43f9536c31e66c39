"""Several presentation times read from one emulation, held against runs of their own."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
import tensorflow as tf

import nengo_spikecost as nsc
from nengo_spikecost.activity.backend import Setup
from nengo_spikecost.activity.lengths import measured_at
from nengo_spikecost.activity.subject import subject
from nengo_spikecost.chip.chip_activity import continued_chip
from nengo_spikecost.errors import MeasurementError
from nengo_spikecost.graph import NetworkGraph
from nengo_spikecost.loihi import fit_blocks
from nengo_spikecost.loihi.simulators.batched_emulation import LoihiEmulatorBackend
from tests.models import conv_net, images

LENGTHS = (1, 12, 13, 25)


@pytest.fixture(scope="module")
def conversion():
    return nsc.convert(
        conv_net(tf.keras),
        neuron_type="LoihiSpikingRectifiedLinear",
        scale_firing_rates={"conv0": 150.0, "conv1": 90.0, "dense0": 230.0},
        synapse=0.005,
    )


def _backend(conversion, batch_size, n_images=50):
    fit = fit_blocks(conversion)
    what = subject(fit)
    x = images(n_images)
    inputs, stream = what.stream(x, LENGTHS[-1])
    populations = NetworkGraph(conversion).populations
    setup = Setup(
        what.network, inputs, populations, what.outputs, LENGTHS[-1], 0.001, batch_size, 0,
        "fresh", {}, fit,
    )  # fmt: skip
    return LoihiEmulatorBackend(setup), stream, fit, x


@pytest.mark.parametrize("batch_size", [50, 16])
def test_lengths_read_on_the_way_are_those_of_separate_runs(conversion, batch_size):
    backend, stream, fit, x = _backend(conversion, batch_size)
    found = measured_at(backend, stream, LENGTHS, "loihi")
    again = measured_at(backend, stream, LENGTHS, "loihi")  # nothing is left of the first
    backend.close()
    for n, activity in found.items():
        apart = nsc.measure(
            fit, x, n, simulator="loihi", presentation="fresh", batch_size=batch_size,
            progress=False,
        )  # fmt: skip
        for other in (apart, again[n]):
            _equal(activity, other)
    # the longest has whatever was delivered of spikes fired just before a length was read
    assert found[25].chip.total_synops().sum() > found[13].chip.total_synops().sum() > 0


def _equal(one, other):
    assert one.protocol == other.protocol
    for name, record in one.populations.items():
        assert np.array_equal(record.counts, other.populations[name].counts)
    for name, output in one.outputs.items():
        # decoded outputs are matrix products over the steps of a stretch; rounded to float32
        assert np.allclose(output.last, other.outputs[name].last, rtol=1e-6, atol=1e-6)
        assert np.allclose(output.mean, other.outputs[name].mean, rtol=1e-6, atol=1e-6)
    for part in fields(one.chip):
        a, b = getattr(one.chip, part.name), getattr(other.chip, part.name)
        if isinstance(a, dict):
            assert a.keys() == b.keys()
            assert all(np.array_equal(a[key], b[key]) for key in a)
        else:
            assert np.array_equal(a, b), part.name


def test_only_counts_of_the_same_cores_are_added(conversion):
    chip = nsc.measure(conversion, images(2), 5, simulator="loihi", progress=False).chip
    with pytest.raises(MeasurementError, match="of different cores"):
        continued_chip(chip, replace(chip, cores=tuple(f"other {name}" for name in chip.cores)))


def test_inputs_that_change_are_run_at_each_length(conversion):
    backend, _, fit, _ = _backend(conversion, 4, n_images=4)
    (name,) = {spec.name for spec in backend.setup.inputs}
    frames = np.random.RandomState(0).uniform(0, 1, (4, 25, 64)).astype("f4")
    found = backend.run_lengths({name: frames}, LENGTHS)
    backend.close()
    for n in (12, 25):
        apart = nsc.measure(
            fit, frames[:, :n], simulator="loihi", presentation="fresh", progress=False
        )
        for population, record in apart.populations.items():
            assert np.array_equal(found[n].counts[population], record.counts)
