"""Digests of arrays and texts: equal for equal contents."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np


def array_digest(parts: Iterable[np.ndarray | str]) -> str:
    """SHA-256 of arrays and texts in their order, as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, str):
            digest.update(part.encode() + b"\0")
        else:
            add_array(digest, part)
    return digest.hexdigest()


def digest_in_parts(parts: Iterable[np.ndarray], n: int) -> str:
    """What `array_digest` gives for one array of ``n`` rows, which comes in parts of some rows."""
    digest = hashlib.sha256()
    for number, part in enumerate(parts):
        if not number:
            digest.update(f"{part.dtype.str}{(n, *part.shape[1:])}".encode())
        digest.update(part.tobytes())
    return digest.hexdigest()


def add_array(digest: Any, array: np.ndarray) -> None:
    """Add the type, the shape and the values of an array to an object of ``hashlib``."""
    digest.update(f"{array.dtype.str}{array.shape}".encode())
    digest.update(repr(array.tolist()).encode() if array.dtype.hasobject else array.tobytes())
