"""Record what SpikingJelly's energy models say of the networks of ``scoreboard_given.py``.

    python tools/scoreboard_given.py given.npz                      # the package's environment
    python tools/scoreboard_spikingjelly.py given.npz               # constraints/scoreboard.txt

Each layer is a module of PyTorch that is run step by step with the spikes that it was given, and
followed by IF neurons that are driven to fire exactly when they did. So every model sees the same
spikes, operation by operation. The result goes to ``tools/scoreboard_recordings.json``.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scoreboard_recordings import record, recorded
from spikingjelly.activation_based import neuron, op_counter

MODELS = {
    "simple": op_counter.estimate_simple_energy,
    "Lemaire": op_counter.estimate_lemaire_energy,
    "NeuroMC": op_counter.estimate_neuromc_runtime_energy,
    "SpikeSim": op_counter.estimate_spikesim_energy,
}


class Replayed(torch.nn.Module):
    """A layer run step by step with given spikes.

    Parameters
    ----------
    row : dict
        Of the file: ``n_out``, ``convolution``.
    n_in : int
    drive : torch.Tensor of shape (n_steps, 1, ...), optional
        What makes the neurons fire as they did; None: there are none.
    as_convolution : bool
        Whether a layer all to all is a convolution of one pixel, for tools that take no other.
    """

    def __init__(
        self, row: dict[str, Any], n_in: int, drive: torch.Tensor | None, as_convolution: bool
    ):
        super().__init__()
        if row["convolution"] is not None:
            _, _, inputs, outputs, kernel, stride = row["convolution"]
            self.map: torch.nn.Module = torch.nn.Conv2d(inputs, outputs, kernel, stride, bias=False)
        elif as_convolution:
            self.map = torch.nn.Conv2d(n_in, row["n_out"], 1, bias=False)
        else:
            self.map = torch.nn.Linear(n_in, row["n_out"], bias=False)
        self.drive = drive
        if drive is not None:
            self.neurons = neuron.IFNode(v_reset=None)

    def forward(self, spikes: torch.Tensor) -> torch.Tensor:
        """All steps."""
        for step in range(len(spikes)):
            out = self.map(spikes[step])
            if self.drive is not None:
                out = self.neurons(self.drive[step])
        return out


def images(spikes: np.ndarray, shape: tuple[int, ...] | None, as_convolution: bool) -> torch.Tensor:
    """Spikes of shape (n_steps, n) as a layer takes them: channels first."""
    values = torch.from_numpy(spikes.astype(np.float32))
    if shape is not None:
        values = values.reshape(len(values), *shape).movedim(-1, 1)
    elif as_convolution:
        values = values[:, :, None, None]
    return values[:, None]


def energy_J(name: str, arrays: Any, given: dict[str, Any]) -> tuple[float, int | None]:
    """Energy of a run in J by one of the models, and the synops that it counted."""
    total, synops = 0.0, 0
    for row in given["layers"]:
        spikes = arrays[f"{row['key']}/in"]
        as_convolution, shape = name == "SpikeSim", None
        drive = None
        if row["convolution"] is not None:
            height, width, inputs, outputs, kernel, stride = row["convolution"]
            shape = (height, width, inputs)
        if given["spiking"] and f"{row['key']}/out" in arrays:
            out = None
            if shape is not None:
                side = (height - kernel) // stride + 1
                out = (side, side, outputs)
            drive = images(arrays[f"{row['key']}/out"], out, as_convolution)
        model = Replayed(row, spikes.shape[1], drive, as_convolution).eval()
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            inputs_ = images(spikes, shape, as_convolution)
            if not given["spiking"]:
                inputs_ = inputs_ * 0.5  # values, not spikes
            report = MODELS[name](model, inputs_)
        picojoules = getattr(report, "total_pj", None)
        total += 1e-12 * (report.energy_total_pj if picojoules is None else picojoules)
        synops += getattr(report, "counts", {}).get("synop", 0)
    return total, synops if name in ("simple", "Lemaire") else None


def main(path: str, names: list[str]) -> None:
    """Run all models on all networks, or on those that are named."""
    arrays = dict(np.load(path))
    content = json.loads(str(arrays.pop("content")))
    torch.manual_seed(0)
    for name in MODELS:
        found: dict[str, Any] = recorded().get(f"SpikingJelly {name}", {}).get("runs", {})
        for given in content:
            if names and given["name"] not in names:
                continue
            start = time.time()
            try:
                joules, synops = energy_J(name, arrays, given)
            except (ValueError, NotImplementedError, RuntimeError) as error:
                found[given["name"]] = {"refused": str(error)}
            else:
                found[given["name"]] = {"J": joules}
                if synops is not None:
                    found[given["name"]]["synops"] = synops
            print(name, given["name"], found[given["name"]], f"{time.time() - start:.0f} s")
        version = metadata.version("spikingjelly")
        record(f"SpikingJelly {name}", {"version": version, "runs": found})


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    main(sys.argv[1], sys.argv[2:])
