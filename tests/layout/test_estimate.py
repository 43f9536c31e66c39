"""An estimate and a workload by themselves: tables, records, files and plots."""

from __future__ import annotations

import json

import numpy as np
import pytest

import nengo_spikecost as nsc
from tests import models

STEPS = 10


@pytest.fixture(scope="module")
def energy():
    keras = nsc.stack.keras()
    conversion = nsc.convert(models.conv_net(keras), neuron_type="SpikingRectifiedLinear")
    return nsc.NetworkEnergy(
        conversion, nsc.measure(conversion, models.images(), STEPS, progress=False)
    )


def test_estimate(energy):
    estimate = energy.estimate("loihi")
    text = estimate.summary_string()
    assert text.startswith("Energy per inference on loihi, per_operation")
    assert "Total with host" in text and str(estimate) == text
    frame = estimate.to_frame()
    assert list(frame.index) == [layer.name for layer in estimate.layers]
    np.testing.assert_allclose(frame["synop_J"] + frame["neuron_J"], frame["energy_J"])
    content = json.loads(estimate.to_json())
    assert content["total_energy_J"] == estimate.mean_J
    assert len(content["samples_J"]) == len(models.images())
    assert "23.6 pJ" in estimate.to_html()


def test_workload(energy):
    workload = energy.workload()
    assert workload.summary_string().startswith(f"Per inference of {STEPS} steps of 1 ms")
    frame = workload.to_frame()
    assert frame["synops"].sum() == pytest.approx(workload.mean_synops)
    content = json.loads(workload.to_json())
    assert content["total"]["synops"] == pytest.approx(workload.mean_synops)
    assert content["presentation"]["n_steps"] == STEPS
    assert workload.to_csv().startswith("layer,type,output_shape")


def test_plots(energy):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    estimate, workload = energy.estimate("loihi"), energy.workload()
    for result, total in ((estimate, estimate.mean_J), (workload, workload.mean_synops)):
        axes = result.plot()
        assert sum(bar.get_width() for bar in axes.patches) == pytest.approx(total)
    pyplot.close("all")
