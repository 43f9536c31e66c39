"""Model, data and arguments of a study as digests and words: it goes on with the same only."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Any

import numpy as np

from ...checkpoints import differences
from ...digests import array_digest
from ...errors import TuningError


def of_arrays(*arrays: Any) -> str:
    """A hash of arrays: their types, shapes and values."""
    return array_digest(np.asarray(array) for array in arrays)[:16]


def of_text(value: Any) -> str:
    """A hash of the ``repr`` of an object: of a device, all its constants."""
    return hashlib.sha256(repr(value).encode()).hexdigest()[:8]


def of_model(model: Any) -> str:
    """A hash of a Keras model: its layers and weights."""
    layers = json.dumps(model.get_config(), default=str, sort_keys=True)
    digest = hashlib.sha256(layers.encode())
    digest.update(of_arrays(*model.get_weights()).encode())
    return digest.hexdigest()[:16]


def of_options(cost_model: Any) -> dict[str, str]:
    """A hash of a cost model's options, as an argument; its name need not have all of them."""
    price = cost_model.price
    return {"options of the cost model": of_text(price)} if is_dataclass(price) else {}


def of_reference(reference: Any) -> str:
    """The model that losses of accuracy are against, in words."""
    return "the model" if reference is None else f"another model ({of_model(reference)})"


def check(path: str | None, made_with: Mapping[str, str], now: Mapping[str, str]) -> None:
    """Refuse a study that was made with something else.

    Parameters
    ----------
    path : str, optional
        The study.
    made_with, now : mapping from str to str
        Arguments in words, or hashes of them, by name.

    Raises
    ------
    TuningError
        If arguments differ; it names them.
    """
    words = differences(
        made_with, now, digests=("model", "x", "y"), absent="not given", written=str
    )
    if words:
        raise TuningError(
            f"The study {path} was made with {'; '.join(words)}. Give the same arguments to go on "
            "with it, or another file."
        )
