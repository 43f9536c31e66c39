"""``prune``: the model that it writes, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

import nengo_spikecost as nsc
from nengo_spikecost.errors import ConversionError


def sizes(model):
    return {layer.name: layer.output.shape[-1] for layer in model.layers}


def test_the_smaller_model_is_written(run, folder):
    model = nsc.load_model(folder / "net.h5")
    layer = next(one for one in model.layers if type(one).__name__ == "Conv2D")
    name = layer.name
    done = run(
        "prune", "net.h5", "--units", f"{name}=0", "--units", f"{name}=2-2", "--out",
        "smaller.keras",
    )  # fmt: skip
    assert done.exit_code == 0, done.stderr
    assert f"{layer.name}: without 2 units" in done.stdout
    smaller = nsc.load_model(folder / "smaller.keras")
    assert sizes(smaller)[layer.name] == sizes(model)[layer.name] - 2
    same = nsc.prune(model, {layer.name: [0, 2]})
    for found, expected in zip(smaller.get_weights(), same.get_weights()):
        np.testing.assert_array_equal(found, expected)
    before, after = f"{model.count_params():,}", f"{smaller.count_params():,}"
    assert f"{after} parameters, {before} before" in done.stdout


@pytest.mark.parametrize(
    "arguments, words",
    [
        (("net.h5", "--units", "nothing=0", "--out", "a.keras"), "--units names layer 'nothing'"),
        (("net.h5", "--units", "conv0=999", "--out", "a.keras"), "there is no unit 999"),
        (("net.h5", "--units", "conv0=0-2", "--out", "a.keras"), "all 3 units of conv0"),
        (("net.h5", "--units", "conv", "--out", "a.keras"), "expected LAYER=0,3,5-9, not 'conv'"),
        (("net.h5", "--units", "conv=a", "--out", "a.keras"), "expected LAYER=0,3,5-9"),
        (("net.h5", "--units", "conv=5-3", "--out", "a.keras"), "expected LAYER=0,3,5-9"),
        (("net.h5", "--units", "conv=1-2-3", "--out", "a.keras"), "expected LAYER=0,3,5-9"),
        (("net.h5", "--units", "conv=0", "--out", "a.txt"), ".keras or .h5"),
        (("net.h5", "--units", "conv=0", "--out", "net.h5"), "which is read"),
        (("no.h5", "--units", "conv=0", "--out", "a.keras"), "no.h5"),
    ],
)
def test_what_can_not_be_pruned_is_refused(run, folder, arguments, words):
    done = run("prune", *arguments)
    assert done.exit_code == 2 and words in " ".join(done.stderr.split()), done.stderr
    assert not (folder / "a.keras").exists()


@pytest.mark.parametrize("units", [{"conv": "1"}, {"conv": [1.5]}, {"conv": [-1]}, ["conv"]])
def test_wrong_units_are_refused(folder, units):
    model = nsc.load_model(folder / "net.h5")
    with pytest.raises(ConversionError, match="unit"):
        nsc.prune(model, units)


def test_no_model_is_refused():
    with pytest.raises(ConversionError, match=r"must be a tf\.keras\.Model"):
        nsc.prune(object(), {"conv": [0]})
