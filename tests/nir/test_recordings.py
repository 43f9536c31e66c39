"""NIR graphs that other tools wrote, against the spikes that those tools gave, step by step.

``tools/nir_recordings.py`` recorded them in snnTorch, Norse, SpikingJelly and Rockpool (pinned in
constraints/nir_tools.txt); those of Sinabs and Lava were written by hand with the formulas of
their exporters, and stepped by NumPy with the equations of their sources.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nengo_spikecost import from_nir, measure
from nengo_spikecost.demo import demo_data, demo_graph
from nengo_spikecost.errors import ConversionError

from ..tools import tool

nir_cases = tool("nir_cases")

NAMES = [path.stem for path in sorted(nir_cases.FOLDER.glob("*.npz"))]
#: Recordings whose file does not determine what the tool did, and why.
LEFT_OUT = {
    "snntorch_left_out": "a part of the network",
    "snntorch_left_out_middle": "a part of the network",
    "norse_lif_v_reset": "v_reset",
    "rockpool_cuba_recurrent": "recurrent weights",
}


def test_there_are_recordings_of_every_tool():
    assert len(NAMES) > 50
    tools = {name.split("_")[0] for name in NAMES}
    assert {"snntorch", "norse", "spikingjelly", "sinabs", "rockpool", "lava-dl"} <= tools


@pytest.mark.filterwarnings("ignore::nengo_spikecost.errors.ConversionWarning")
@pytest.mark.parametrize("name", [name for name in NAMES if name not in LEFT_OUT])
def test_every_spike_at_its_step(name):
    case = nir_cases.case(name)
    assert case.about["faithful"]
    steps = nir_cases.run(case.network(), case.inputs)
    assert case.spikes or case.values
    for node, spikes in case.spikes.items():
        assert spikes.sum() > 0
        np.testing.assert_array_equal(steps[node].reshape(spikes.shape), spikes, err_msg=node)
    for node, values in case.values.items():
        # float32 there: a membrane of up to 8, after 40 steps of rounding
        np.testing.assert_allclose(steps[node].reshape(values.shape), values, atol=2e-5)


@pytest.mark.parametrize("name", [name for name in LEFT_OUT if name in NAMES])
def test_what_a_file_does_not_say_is_not_made_up(name):
    case = nir_cases.case(name)
    assert not case.about["faithful"]
    try:
        steps = nir_cases.run(case.network(), case.inputs)
    except ConversionError as error:
        assert "can't be added" in str(error)
        return
    known = {node: spikes for node, spikes in case.spikes.items() if node in steps}
    same = [np.array_equal(steps[n].reshape(spikes.shape), spikes) for n, spikes in known.items()]
    assert not all(same) or set(case.spikes) > set(known)


@pytest.mark.filterwarnings("ignore::nengo_spikecost.errors.ConversionWarning")
@pytest.mark.parametrize(
    "name",
    [
        "snntorch_conv",
        "snntorch_rsynaptic_subtract",
        "norse_cuba",
        "spikingjelly_conv",
        "sinabs_iaf_conv",
    ],
)
@pytest.mark.parametrize("simulator", ["compiled", "nengo_dl"])
def test_the_same_counts_in_every_simulator(name, simulator):
    case = nir_cases.case(name)
    activity = measure(case.network(), case.inputs, simulator=simulator, progress=False)
    for node, spikes in case.spikes.items():
        if node in activity.populations:
            counts = activity.populations[node].counts
            np.testing.assert_array_equal(counts, spikes.sum(axis=1).reshape(counts.shape))


def test_the_shipped_digits_fire_as_in_snntorch():
    """examples/train_snntorch.py trained the network, and kept every spike of 20 test digits."""
    with np.load(Path(__file__).parent / "digits_snntorch.npz") as archive:
        recorded = {key: archive[key] for key in archive.files}
    network = from_nir(demo_graph(), convention="snntorch", reset="value")
    x = np.repeat(recorded["x_test"][:5, None], 20, axis=1)
    steps = nir_cases.run(network, x)
    for name in ("1", "3", "6"):
        spikes = recorded[f"spikes/{name}"][:5]
        assert spikes.sum() > 20
        np.testing.assert_array_equal(steps[name].reshape(spikes.shape), spikes)
    activity = measure(network, recorded["x_test"], 20, simulator="compiled", progress=False)
    for name in ("1", "3", "6"):
        total = recorded[f"spikes/{name}"].sum(axis=1).reshape(20, -1)
        # float32: sums of 784 weights in another order may tie with the threshold
        assert np.count_nonzero(activity.populations[name].counts != total) <= 2
    np.testing.assert_array_equal(demo_data().x_test[:20, ..., 0], recorded["x_test"][:, 0])
