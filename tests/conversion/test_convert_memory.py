"""What a conversion takes, told beforehand: held against how a process grows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import nengo_spikecost as nsc
from nengo_spikecost import memory, stack
from nengo_spikecost.conversion.convert_memory import convert_need
from nengo_spikecost.errors import ConversionError

keras = stack.keras()
layers = keras.layers
ROOT = Path(__file__).resolve().parents[2]

#: Grows a process by the conversion of a matrix, or of large images; prints what was told, what it
#: has grown by at most, and the bytes that were allocated before.
GROWS = """
import sys
import nengo_spikecost as nsc
from nengo_spikecost import stack
from nengo_spikecost.conversion.convert_memory import convert_need
from nengo_spikecost.conversion.lookup import walk_layers

keras = stack.keras()
layers = keras.layers

def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) * 1024

def made(kind, size):
    if kind == "matrix":
        given = keras.Input((size,))
        return keras.Model(given, layers.Dense(size, activation="relu")(given))
    given = keras.Input((size, size, 3))
    x = layers.Conv2D(64, 3, activation="relu")(given)
    return keras.Model(given, layers.Conv2D(8, 1, activation="relu")(x))

nsc.convert(made(sys.argv[1], 8), neuron_type="LIF")
model = made(sys.argv[1], int(sys.argv[2]))
before = peak()
nsc.convert(model, neuron_type="LIF")
print(convert_need(dict(walk_layers(model))).total(), peak() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peaks are Linux' to tell")
@pytest.mark.parametrize("kind, size", [("matrix", 4000), ("images", 300)])
def test_is_near_what_a_process_grows_by(kind, size):
    done = subprocess.run(
        [sys.executable, "-c", GROWS, kind, str(size)], cwd=ROOT, capture_output=True, text=True,
        timeout=300, check=True,
    )  # fmt: skip
    told, taken = map(int, done.stdout.split())
    assert 0.5 * told < taken < 1.5 * told, (told, taken)


def test_a_model_that_does_not_fit_is_refused_before_it_is_copied(monkeypatch):
    given = keras.Input((2000,))
    model = keras.Model(given, layers.Dense(1000, activation="relu")(given))
    told = r"Converting the model takes about 80.* MB of memory, more than the 50 MB that memory="
    for options in ({}, {"lower": False}, {"spike_input": True}):
        with pytest.raises(ConversionError, match=told):
            nsc.convert(model, memory="50 MB", **options)
    assert nsc.convert(model, memory="100 MB").net.n_neurons == 1000
    monkeypatch.setattr(memory, "free_bytes", lambda: 10**7)
    with pytest.raises(ConversionError, match="more than the 10 MB that are free"):
        nsc.convert(model)


def test_steps_of_a_sample_take_nothing():
    """A network has the neurons of one step: a recording of any length is converted."""
    given = keras.Input((100_000, 20, 20, 1))
    x = layers.TimeDistributed(layers.Conv2D(8, 3, activation="relu"))(given)
    assert nsc.convert(keras.Model(given, x), memory="2 MB").net.n_neurons == 8 * 18 * 18


def test_layers_of_any_output_count():
    shared = layers.Dense(5)
    given = keras.Input((None, 4))
    several = keras.layers.LSTM(3, return_state=True)(given)
    twice = shared(layers.Dense(7)(several[0])), shared(layers.Dense(7)(several[1]))
    model = keras.Model(given, twice)
    named = {layer.name: layer for layer in model.layers}
    assert convert_need(named).total() > 12 * model.count_params()
