"""What each tool makes of its own graph: read back by its own reader, and run on the same input."""

from __future__ import annotations

import contextlib
import copy
import textwrap
import warnings
from collections.abc import Callable
from typing import Any

import norse.torch as norse
import numpy as np
import torch
from nir_recording_file import Recording, is_spikes
from rockpool.nn.modules.torch.nir import from_nir as read_in_rockpool
from snntorch.import_nir import import_from_nir as read_in_snntorch
from spikingjelly.activation_based.nir_exchange import import_from_nir as read_in_spikingjelly


def read_back(recording: Recording) -> str:
    """How many outputs differ from those of the network that was written; in words."""
    run = READERS.get(recording.tool)
    if run is None or not recording.ran:
        return "not tried"
    right = recording.spikes["output"]
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(None), torch.no_grad():
            warnings.simplefilter("ignore")
            outputs = run(recording)
    except Exception as error:
        words = textwrap.shorten(str(error).split("\n")[0], 160, placeholder=" ...")
        return f"{type(error).__name__}: {words}"
    if outputs.shape != right.shape:
        return f"outputs of shape {outputs.shape[2:]} instead of {right.shape[2:]}"
    same = outputs == right if is_spikes(right) else np.abs(outputs - right) < 1e-4
    return "the same" if same.all() else f"{int((~same).sum())} of {same.size} outputs differ"


def _step_by_step(make: Callable[[], Any], recording: Recording) -> np.ndarray:
    """Each sample by itself, without an axis for a batch, as the file has none."""
    outputs = []
    for sample in torch.as_tensor(recording.inputs):
        module, state, own = make(), None, []
        for given in sample:
            out, state = module(given, state)
            own.append(out.detach().numpy().copy())
        outputs.append(np.stack(own))
    return np.stack(outputs)


def _snntorch(recording: Recording) -> np.ndarray:
    return _step_by_step(lambda: read_in_snntorch(copy.deepcopy(recording.graph)), recording)


def _norse(recording: Recording) -> np.ndarray:
    dt = recording.dt if recording.step is None else recording.step
    return _step_by_step(
        lambda: norse.from_nir(recording.graph, ignore_warnings=True, dt=dt), recording
    )


def _spikingjelly(recording: Recording) -> np.ndarray:
    module, state, outputs = read_in_spikingjelly(recording.graph, dt=recording.dt), None, []
    for given in torch.as_tensor(recording.inputs).transpose(0, 1):
        out, state = module(given, state)
        outputs.append(out.detach().numpy().copy())
    return np.stack(outputs, axis=1)


def _rockpool(recording: Recording) -> np.ndarray:
    module = read_in_rockpool(recording.graph)
    given = torch.as_tensor(recording.inputs)
    return np.concatenate([module(sample)[0].numpy() for sample in given[:, None]])


READERS: dict[str, Callable[[Recording], np.ndarray]] = {
    "snntorch": _snntorch,
    "norse": _norse,
    "rockpool": _rockpool,
    "spikingjelly": _spikingjelly,
}
