"""``cost_model="kerasspiking"`` against ModelEnergy: its stored output, and itself."""

from __future__ import annotations

import json
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from nengo_spikecost.energy import devices
from nengo_spikecost.questions.network_energy import NetworkEnergy

from .compact_kerasspiking import COMPACT, SHARED, compact

STORED = json.loads(COMPACT.read_text("utf-8"))
FIXTURES = {fixture["name"]: fixture for fixture in STORED["fixtures"]}
FULL = sorted(SHARED.glob("*.json"))

# ModelEnergy averages activations in float32 and other versions of TensorFlow sum in another
# order: 1.3e-7 was seen. The numbers themselves are products, exact to float64.
RTOL = 1e-6

SUMMARY_COLUMNS = (
    "name",
    "output_shape",
    "params",
    "connections",
    "neurons",
    "rate",
    "energy cpu",
    "synop_energy loihi",
    "neuron_energy loihi",
    "energy loihi",
)
SUMMARY_STEPS = 10  # the fixtures' summaries are of ten steps of 1 ms


def build(code: str, name: str) -> NetworkEnergy:
    """Rebuild a fixture's model and data, and count them."""
    space = {"tf": tf, "np": np, "L": tf.keras.layers}
    exec(STORED["helpers"], space)
    exec(code, space)
    model, data = space[name]()
    space["set_weights"](model)
    return NetworkEnergy(model, example_data=data, cost_model="kerasspiking")


def assert_reproduced(fixture: dict[str, Any]) -> None:
    energy = build(fixture["code"], fixture["name"])
    runs = [tuple(run) for run in fixture["runs"]]
    for layer in fixture["layers"]:
        name = layer["name"]
        expected = {key: layer[key] for key in ("connections", "neurons", "spiking")}
        assert energy.layer_stats[name] == expected
        np.testing.assert_allclose(energy.layer_rates[name], layer["rate"], rtol=RTOL)
        found = [
            energy.layer_energy(name, device, timesteps_per_inference=steps, dt=dt)
            for steps, dt, device in runs
        ]
        np.testing.assert_allclose(found, layer["energy_J"], rtol=RTOL, atol=0)
    totals = [energy.total_energy(device, steps, dt) for steps, dt, device in runs]
    np.testing.assert_allclose(totals, fixture["totals_J"], rtol=RTOL, atol=0)


@pytest.mark.parametrize("name", FIXTURES)
def test_stored_numbers(name: str) -> None:
    assert_reproduced(FIXTURES[name])


@pytest.mark.parametrize("path", FULL or [None], ids=lambda path: path and path.stem)
def test_full_fixtures(path: Path | None) -> None:
    if path is None:
        pytest.skip("the full fixtures are not beside this checkout; the stored ones are tested")
    assert_reproduced(compact(json.loads(path.read_text("utf-8"))))


@pytest.mark.parametrize("name", FIXTURES)
def test_summary_cells(name: str) -> None:
    fixture = FIXTURES[name]
    text = build(fixture["code"], name).summary_string(
        SUMMARY_COLUMNS, timesteps_per_inference=SUMMARY_STEPS, line_length=250
    )
    cells = [re.split(r"\s{2,}", line.strip()) for line in text.split("\n")]
    start = next(i for i, row in enumerate(cells) if row[0] == "Layer (type)")
    body = [cells[start], *cells[start + 2 : start + 1 + len(fixture["cells"])]]
    # Keras gives an input layer's shape in a list.
    expected = [[re.sub(r"^\[(.*)\]$", r"\1", c) for c in row] for row in fixture["cells"]]
    assert body == expected


def test_devices_have_kerasspiking_constants() -> None:
    for name, constants in STORED["devices"].items():
        device = devices.get(name, "kerasspiking")
        assert device.spiking == constants["spiking"]
        np.testing.assert_allclose(
            (device.energy_per_synop_J, device.energy_per_neuron_J),
            (constants["energy_per_synop"], constants["energy_per_neuron"]),
            rtol=1e-12,  # 27.1e-12 is a sum there
        )


def random_model(rng: np.random.RandomState) -> tuple[Any, np.ndarray]:
    """A random functional model of the layers that ModelEnergy knows."""
    layers = tf.keras.layers
    size = int(rng.randint(7, 12))
    x = inp = tf.keras.Input((size, size, int(rng.randint(1, 4))), name="inp")
    for _ in range(rng.randint(1, 4)):
        activation = rng.choice(["relu", "linear", "sigmoid"])
        padding, strides = rng.choice(["same", "valid"]), int(rng.randint(1, 3))
        kind = rng.randint(4)
        if kind == 0 and min(x.shape[1:3]) >= 3:
            x = layers.Conv2D(3, 3, strides, padding, activation=activation)(x)
        elif kind == 1:
            x = layers.Dense(4, activation=activation)(x)
        elif kind == 2:
            x = layers.LeakyReLU()(x)
        else:
            x = layers.Add()([layers.Activation("relu")(x), x])
    x = layers.Dense(5, activation="relu")(layers.Flatten()(x))
    return tf.keras.Model(inp, x), rng.uniform(-1, 1, (40, *inp.shape[1:])).astype("f4")


@pytest.mark.parametrize("seed", range(6))
def test_live(seed: int) -> None:
    keras_spiking = pytest.importorskip("keras_spiking")
    rng = np.random.RandomState(seed)
    model, data = random_model(rng)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = keras_spiking.ModelEnergy(model, example_data=data)
    ours = NetworkEnergy(model, example_data=data, cost_model="kerasspiking")
    for layer in model.layers:
        assert ours.layer_stats[layer.name] == theirs.layer_stats[layer]
        for device in STORED["devices"]:
            kwargs = {"timesteps_per_inference": 7, "dt": 0.002}
            np.testing.assert_allclose(
                ours.layer_energy(layer, device, **kwargs),
                theirs.layer_energy(layer, device, **kwargs),
                rtol=RTOL,
            )


def test_live_temporal_and_spiking_layers() -> None:
    keras_spiking = pytest.importorskip("keras_spiking")
    layers = tf.keras.layers
    inp = x = tf.keras.Input((5, 9, 9, 2))
    x = layers.TimeDistributed(layers.Conv2D(4, 3, groups=2))(x)
    x = keras_spiking.SpikingActivation("relu", seed=0)(x)
    x = layers.TimeDistributed(layers.Flatten())(x)
    x = keras_spiking.SpikingActivation("relu", return_sequences=False, seed=0)(x)
    model = tf.keras.Model(inp, layers.Dense(3)(x))
    data = np.random.RandomState(0).uniform(size=(3, 5, 9, 9, 2)).astype("f4")
    ours = NetworkEnergy(model, example_data=data, cost_model="kerasspiking")
    theirs = keras_spiking.ModelEnergy(model, example_data=data)
    for layer in model.layers:
        stats = dict(theirs.layer_stats[layer])
        assert ours.layer_stats[layer.name] == stats
    assert ours.total_energy("cpu") == pytest.approx(theirs.total_energy("cpu"), rel=RTOL)
