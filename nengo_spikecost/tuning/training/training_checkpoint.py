"""Training that can be taken up again: its state in a file, whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...checkpoints import differences, write_arrays
from ...digests import array_digest
from ...errors import TuningError
from .data import Data
from .fine_tuning import EpochRecord

_PARTS = ("variables", "optimizer", "best")


@dataclass(frozen=True)
class State:
    """The state of training after an epoch.

    Attributes
    ----------
    variables, optimizer : list of ndarray
        The trained arrays, and the optimizer's memory.
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


def described(
    settings: Mapping[str, Any], weights: Sequence[np.ndarray], data: Data
) -> dict[str, Any]:
    """All that decides how training goes, as JSON holds it: settings, and digests of arrays."""
    samples = (data.inputs, data.labels, data.held_inputs, data.held_labels)
    return {
        **{name: _described(value) for name, value in settings.items()},
        "model": array_digest(weights),
        "data": array_digest(array for part in samples for array in part.values()),
    }


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


def write(path: str | os.PathLike[str], state: State, arguments: Mapping[str, Any]) -> None:
    """Write a checkpoint; a reader sees the one before or all of this one.

    Raises
    ------
    DataError
        If it can't be written.
    """
    arrays = {
        f"{part}_{i}": array for part in _PARTS for i, array in enumerate(getattr(state, part))
    }
    about = {
        "arguments": arguments, "history": [asdict(record) for record in state.history],
        "moments": state.moments, "counts": [len(getattr(state, part)) for part in _PARTS],
    }  # fmt: skip
    write_arrays(Path(path), {"about": np.array(json.dumps(about)), **arrays})


def read(path: str | os.PathLike[str], arguments: Mapping[str, Any]) -> State | None:
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
            then, history = about["arguments"], about["history"]
            variables, optimizer, best = (
                [archive[f"{part}_{i}"] for i in range(n)]
                for part, n in zip(_PARTS, about["counts"])
            )
    except Exception as error:  # whatever a damaged archive makes of itself
        raise TuningError(
            f"checkpoint {os.fspath(path)!r} can't be read ({error}): remove it, or name another."
        ) from error
    other = differences(then, json.loads(json.dumps(arguments)))
    if other:
        raise TuningError(
            f"checkpoint {os.fspath(path)!r} is of another training ({', '.join(other)}). Remove "
            "it, or name another."
        )
    records = tuple(EpochRecord(**record) for record in history)
    return State(variables, optimizer, best, records, about["moments"])
