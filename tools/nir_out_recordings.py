"""Have snnTorch, Norse and SpikingJelly run the graphs that `to_nir` wrote for them.

Needs the environment of ``nir_recordings.py``, and the graphs that
``tests/nir/nir_out_networks.py`` wrote in that of this package::

    .venv/bin/python tests/nir/nir_out_networks.py
    nirtools/bin/python tools/nir_out_recordings.py

It writes ``tests/nir/recordings_out/spikes.npz``: for every network and tool the spikes of its
output, (steps, n), as the tool's own importer and modules compute them.
"""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nir
import norse.torch
import numpy as np
import snntorch.import_nir
import torch
from spikingjelly.activation_based import nir_exchange

FOLDER = Path(__file__).resolve().parent.parent / "tests" / "nir" / "recordings_out"

IMPORTERS: dict[str, Callable[[Any], Any]] = {
    "snntorch": snntorch.import_nir.import_from_nir,
    "norse": norse.torch.from_nir,
    "spikingjelly": nir_exchange.import_from_nir,
}


def spikes_of(module: Any, values: np.ndarray) -> np.ndarray:
    """What a module gives, step by step; one sample, with an axis of samples."""
    state, steps = None, []
    with torch.no_grad():
        for value in values:
            given, state = module(torch.tensor(value)[None], state)
            given = given[0] if isinstance(given, tuple) else given
            steps.append(given.numpy().ravel())
    result = np.array(steps)
    if not np.isin(result, (0, 1)).all():
        raise SystemExit(f"an output is no spikes: {result}")
    return result.astype(np.uint8)


def main() -> None:
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    inputs = np.load(FOLDER / "inputs.npz")
    spikes = {}
    with zipfile.ZipFile(FOLDER / "graphs.zip") as file:
        for entry in file.namelist():
            name, tool = entry[: -len(".nir")].rsplit("_", 1)
            graph = nir.read(io.BytesIO(file.read(entry)))
            with contextlib.redirect_stdout(io.StringIO()):
                module = IMPORTERS[tool](graph)
            shape = next(n for n in graph.nodes.values() if isinstance(n, nir.Input))
            sizes = tuple(int(n) for n in shape.input_type["input"])
            values = inputs[name]
            if len(sizes) > 1:  # images are given with their channels first
                order = inputs[f"{name}_order"] if f"{name}_order" in inputs else slice(None)
                values = values[:, order].reshape(-1, *sizes)
            spikes[f"{name}_{tool}"] = spikes_of(module, values)
    np.savez_compressed(FOLDER / "spikes.npz", **spikes)  # type: ignore[arg-type]
    for key, value in spikes.items():
        print(f"{key}: {int(value.sum())} spikes")


if __name__ == "__main__":
    main()
