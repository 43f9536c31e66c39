"""Training that can be taken up again: its state in a file, whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ...digests import array_digest
from ...errors import TuningError
from ...files import written_whole
from .fine_tuning import EpochRecord


@dataclass(frozen=True)
class State:
    """All that training goes on from.

    Attributes
    ----------
    variables, optimizer : list of ndarray
        What is trained, and the optimizer's memory.
    best : list of ndarray
        The Keras model's weights in the best epoch.
    history : tuple of EpochRecord
    moments : dict from str to list of float
        Sums of rates and squared rates in the best epoch, by population.
    """

    variables: list[np.ndarray]
    optimizer: list[np.ndarray]
    best: list[np.ndarray]
    history: tuple[EpochRecord, ...]
    moments: dict[str, list[float]]


def fingerprint(settings: dict[str, Any], arrays: Sequence[np.ndarray]) -> str:
    """A digest of all that decides how training goes: settings, weights and data."""
    return array_digest([json.dumps(_described(settings)), *arrays])


def _described(value: Any) -> Any:
    """A setting as plain text and lists, the same in every process.

    The ``repr`` of a regularizer, an optimizer or a function has its address.
    """
    if isinstance(value, Mapping):
        return sorted(([_described(k), _described(v)] for k, v in value.items()), key=repr)
    if isinstance(value, (list, tuple)):
        return [_described(part) for part in value]
    if hasattr(value, "get_config") and not isinstance(value, type):
        return [type(value).__qualname__, _described(value.get_config())]
    if hasattr(value, "__qualname__"):
        return f"{value.__module__}.{value.__qualname__}"
    return value if isinstance(value, (str, int, float, type(None))) else repr(value)


def write(path: str | os.PathLike[str], state: State, digest: str) -> None:
    """Write a checkpoint; a reader sees the one before or all of this one.

    Raises
    ------
    DataError
        If it can't be written.
    """
    arrays = {
        f"{part}_{i}": array
        for part in ("variables", "optimizer", "best")
        for i, array in enumerate(getattr(state, part))
    }
    about = {
        "digest": digest,
        "history": [asdict(record) for record in state.history],
        "moments": state.moments,
        "counts": [len(state.variables), len(state.optimizer), len(state.best)],
    }
    with written_whole(path) as file:
        np.savez(file, about=np.array(json.dumps(about)), **arrays)


def read(path: str | os.PathLike[str], digest: str) -> State | None:
    """The state in a checkpoint, None if there is no file.

    Raises
    ------
    TuningError
        If it is of other settings, another model or other data, or no checkpoint.
    """
    if not os.path.exists(path):
        return None
    try:
        with np.load(path, allow_pickle=False) as archive:
            about = json.loads(str(archive["about"]))
            variables, optimizer, best = (
                [archive[f"{part}_{i}"] for i in range(n)]
                for part, n in zip(("variables", "optimizer", "best"), about["counts"])
            )
    except Exception as error:  # whatever a damaged archive makes of itself
        raise TuningError(
            f"checkpoint {os.fspath(path)!r} can't be read ({error}): remove it, or name another."
        ) from error
    if about["digest"] != digest:
        raise TuningError(
            f"checkpoint {os.fspath(path)!r} is of another training: its model, data or settings "
            "differ from these. Remove it, or name another."
        )
    history = tuple(EpochRecord(**record) for record in about["history"])
    return State(variables, optimizer, best, history, about["moments"])
