"""Record what KerasSpiking's ModelEnergy says of the networks of ``scoreboard_given.py``.

    python tools/scoreboard_keras_spiking.py

ModelEnergy takes mean activations for rates in Hz. Each layer is a Keras model of its own whose
example data are the rates of the spikes that it was given, so that the tool has the same spikes
as all others, as far as it can use them.
"""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

from scoreboard_given import Given, Layer, all_given
from scoreboard_recordings import record

from nengo_spikecost import stack

DT = 0.001

#: Device of ModelEnergy by the name of what is given; loihi if nothing is said.
DEVICES = {"TrueNorth": None, "ODIN": None}


def layer_energy_J(layer: Layer, n_steps: int, device: str) -> float:
    """Energy of a layer in J."""
    import keras_spiking

    keras = stack.keras()
    rates_hz = layer.spikes_in.sum(axis=0) / (n_steps * DT)
    activation = "relu" if layer.neurons else None
    if layer.convolution is None:
        shape: tuple[int, ...] = (layer.n_in,)
        added = keras.layers.Dense(layer.n_out, activation=activation, use_bias=False)
    else:
        height, width, inputs, outputs, kernel, stride = layer.convolution
        shape = (height, width, inputs)
        added = keras.layers.Conv2D(
            outputs, kernel, strides=stride, activation=activation, use_bias=False
        )
    model = keras.Sequential([keras.Input(shape), added])
    data = rates_hz.reshape(1, *shape).astype(np.float32)
    energy = keras_spiking.ModelEnergy(model, example_data=data)
    found = energy.total_energy(device, timesteps_per_inference=n_steps, dt=DT)
    return float(found)


def run_of(given: Given) -> dict[str, Any]:
    """Energies of a run, by device if it is none that spikes."""
    if given.name.split()[0] in DEVICES:
        return {"refused": "has no device of this kind"}
    devices = ("loihi",) if given.spiking else ("cpu", "gpu")
    totals = {
        device: sum(layer_energy_J(layer, given.n_steps, device) for layer in given.layers)
        for device in devices
    }
    return {"J": totals["loihi"]} if given.spiking else {"J": totals}


def main() -> None:
    """Ask ModelEnergy for all networks."""
    runs = {name: run_of(given) for name, given in all_given().items()}
    print(runs)
    record("KerasSpiking", {"version": metadata.version("keras-spiking"), "runs": runs})


if __name__ == "__main__":
    main()
