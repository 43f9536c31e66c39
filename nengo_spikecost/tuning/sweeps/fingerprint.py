"""What a study was made with, so that it goes on with the same or not at all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Any

import numpy as np

from ...digests import array_digest
from ...errors import TuningError


def of_arrays(*arrays: Any) -> str:
    """A hash of arrays: their types, shapes and values."""
    return array_digest(np.asarray(array) for array in arrays)[:16]


def of_text(value: Any) -> str:
    """A hash of what an object says of itself, such as a device of its constants."""
    return hashlib.sha256(repr(value).encode()).hexdigest()[:8]


def of_model(model: Any) -> str:
    """A hash of a Keras model: its layers and weights."""
    layers = json.dumps(model.get_config(), default=str, sort_keys=True)
    digest = hashlib.sha256(layers.encode())
    digest.update(of_arrays(*model.get_weights()).encode())
    return digest.hexdigest()[:16]


def of_options(cost_model: Any) -> dict[str, str]:
    """A hash of a cost model's options, by what to call it; its name need not have all of them."""
    price = cost_model.price
    return {"options of the cost model": of_text(price)} if is_dataclass(price) else {}


def of_reference(reference: Any) -> str:
    """In words, what losses of accuracy are against."""
    return "the model" if reference is None else f"another model ({of_model(reference)})"


def check(path: str | None, made_with: Mapping[str, str], now: Mapping[str, str]) -> None:
    """Raise `TuningError` if a study was made with something else; it says with what.

    Parameters
    ----------
    path : str, optional
        The study.
    made_with, now : mapping from str to str
        Arguments in words, or hashes of them, by name.
    """
    absent = "not given"
    names = dict.fromkeys([*made_with, *now])
    differ = [n for n in names if made_with.get(n, absent) != now.get(n, absent)]
    if not differ:
        return
    words = []
    for name in differ:
        if name in ("model", "x", "y"):
            words.append(f"another {name}")
        else:
            words.append(f"{name}={made_with.get(name, absent)}, not {now.get(name, absent)}")
    raise TuningError(
        f"The study {path} was made with {'; '.join(words)}. Give the same arguments to go on "
        "with it, or another file."
    )
