"""Probes that sample: what nengo.Simulator 4.1 records of a sample, on every simulator."""

from __future__ import annotations

import nengo
import numpy as np
import pytest

from nengo_spikecost.activity import measure
from nengo_spikecost.errors import MeasurementError

SIMULATORS = ["nengo_dl", "compiled", "nengo_dl_probes", "nengo", "nengo_loihi", "loihi"]


def network(sample_every):
    """An output that rises at every step, behind a filter."""
    with nengo.Network(seed=0) as net:
        net.given = nengo.Node([0.0], label="given")
        behind = nengo.Node(size_in=1)
        nengo.Connection(net.given, behind, synapse=0.02)
        nengo.Probe(behind, label="out", sample_every=sample_every)
        on_chip = nengo.Ensemble(2, 1, gain=[1, 1], bias=[0, 0], encoders=[[1]] * 2)
        nengo.Connection(net.given, on_chip)
    return net


def expected(sample_every, n_steps, n_samples, continuous):
    """Last values and means, from one run of Nengo or from one a sample."""
    net = network(sample_every)
    net.given.output = [1.0]
    lasts, means = [], []
    with nengo.Simulator(net, progress_bar=False, optimize=False) as simulation:
        for _ in range(n_samples):
            if not continuous:
                simulation.reset()
            simulation.run_steps(n_steps)
            values = np.array(simulation.data[net.probes[0]])
            simulation.clear_probes()
            lasts.append(values[-1])
            means.append(values.mean(axis=0))
    return np.array(lasts), np.array(means)


@pytest.mark.parametrize("simulator", SIMULATORS)
@pytest.mark.parametrize("presentation", ["fresh", "continuous"])
@pytest.mark.parametrize("sample_every", [0.01, 0.007, 0.0025, 0.0005, 0.03])
def test_last_values_and_means(simulator, presentation, sample_every):
    """Also where the steps of a sample are no multiple, and where it samples within a step."""
    net = network(sample_every)
    activity = measure(
        net, {net.given: np.ones((3, 1))}, 37, simulator=simulator, batch_size=1,
        presentation=presentation, progress=False,
    )  # fmt: skip
    last, mean = expected(sample_every, 37, 3, presentation == "continuous")
    np.testing.assert_allclose(activity.outputs["out"].last, last, rtol=1e-5)
    np.testing.assert_allclose(activity.outputs["out"].mean, mean, rtol=1e-5)


@pytest.mark.parametrize("simulator", SIMULATORS)
def test_a_probe_that_saw_nothing(simulator):
    net = network(0.05)
    with pytest.raises(MeasurementError, match=r"'out'.*sample_every"):
        measure(net, {net.given: np.ones((1, 1))}, 37, simulator=simulator, progress=False)
