"""Arguments checked: one function for each kind, all with the same words.

Each returns the value, or raises the error class of the caller's room with a sentence that names
the argument, what was expected, and what was given.
"""

from __future__ import annotations

import math
import numbers
import os
import reprlib
from collections.abc import Collection, Iterable, Mapping
from typing import Any

#: Texts are long enough for names of layers, objects for what their type is called.
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 60

#: What labels can be for.
TASKS = ("classification", "regression")


def is_whole(value: Any, least: float = -math.inf, most: float = math.inf) -> bool:
    """Whether a value is a whole number from ``least`` to ``most``.

    ``True`` and ``False`` are not, although Python counts with them: where a number is expected,
    they are an argument in the wrong place.
    """
    number = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    return number and bool(least <= value <= most)


def is_number(value: Any) -> bool:
    """Whether a value is a finite real number, and not True or False."""
    if not isinstance(value, numbers.Real) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # an int that is larger than any float
        return False


def whole(
    name: str, value: Any, error: type[Exception], least: float = -math.inf, most: float = math.inf
) -> int:
    """A whole number from ``least`` to ``most``, as an int."""
    if not is_whole(value, least, most):
        ends = ""
        if math.isfinite(least) and math.isfinite(most):
            ends = f" from {least:,} to {most:,}"
        elif math.isfinite(least):
            ends = f" of at least {least:,}"
        raise error(f"{name} must be a whole number{ends}, not {shown(value)}.")
    return int(value)


def positive(name: str, value: Any, error: type[Exception], zero: bool = False) -> float:
    """A finite number above 0, or with ``zero`` 0 as well, as a float."""
    if not is_number(value) or value < 0 or (value == 0 and not zero):
        kind = "a finite number of at least 0" if zero else "a positive finite number"
        raise error(f"{name} must be {kind}, not {shown(value)}.")
    return float(value)


def time(name: str, value: Any, error: type[Exception]) -> float:
    """A time above 0 in s, as a float."""
    if not is_number(value) or value <= 0:
        raise error(f"{name} must be a positive time in s, not {shown(value)}.")
    return float(value)


def share(name: str, value: Any, error: type[Exception]) -> float:
    """A number from 0 to 1, as a float."""
    if not is_number(value) or not 0 <= value <= 1:
        raise error(f"{name} must be between 0 and 1, not {shown(value)}.")
    return float(value)


def confidence(name: str, value: Any, error: type[Exception]) -> float:
    """That of an interval, as a float: a share from 0.5 to below 1."""
    if not is_number(value) or not 0.5 <= value < 1:
        raise error(f"{name} must be a share from 0.5 to below 1, not {value!r}.")
    return float(value)


def choice(
    name: str, value: Any, choices: Collection[str], error: type[Exception], quoted: bool = False
) -> str:
    """One of a few texts; ``quoted`` writes them as Python does."""
    if not isinstance(value, str) or value not in choices:
        listed = ", ".join(map(repr, choices) if quoted else choices)
        raise error(f"{name} must be one of {listed}, not {shown(value)}.")
    return value


def seed(name: str, value: Any, error: type[Exception]) -> int:
    """A seed as NumPy takes it, from 0 to 2**32 - 1."""
    if not is_whole(value, 0, 2**32 - 1):
        raise error(f"{name} must be a whole number from 0 to 2**32 - 1, not {shown(value)}.")
    return int(value)


def task(value: Any, error: type[Exception]) -> str | None:
    """One of `TASKS`, or None to tell it from the labels."""
    return None if value is None else choice("task", value, TASKS, error)


def kind(
    name: str, value: Any, types: type | tuple[type, ...], error: type[Exception], expected: str
) -> Any:
    """An object of some types; ``expected`` says in words what it must be, and whence it comes."""
    if not isinstance(value, types):
        raise error(f"{name} must be {expected}, not {shown(value)}.")
    return value


def several(name: str, value: Any, error: type[Exception], of: str) -> list[Any]:
    """Any iterable but a text, as a list; ``of`` says in words what it is of."""
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
        raise error(f"{name} must be {of}, not {shown(value)}.")
    try:
        return list(value)
    except TypeError:  # an array without axes says that it is iterable
        raise error(f"{name} must be {of}, not {shown(value)}.") from None


def path(name: str, value: Any, error: type[Exception]) -> str:
    """The path of a file or a folder, as a str."""
    if not isinstance(value, (str, os.PathLike)) or not isinstance(os.fspath(value), str):
        raise error(f"{name} must be a path, not {shown(value)}.")
    if "\0" in os.fspath(value):
        raise error(f"{name} must be a path, and {shown(value)} has a null character.")
    return os.fspath(value)


def flag(name: str, value: Any, error: type[Exception]) -> bool:
    """True or False; numbers that Python takes for them are an argument in the wrong place."""
    of_numpy = getattr(value, "shape", None) == () and str(getattr(value, "dtype", "")) == "bool"
    if not isinstance(value, bool) and not of_numpy:
        raise error(f"{name} must be True or False, not {shown(value)}.")
    return bool(value)


def record(kind: str, name: Any, records: Iterable[Any], error: type[Exception]) -> Any:
    """The record of that name; ``kind`` says in words what it is: "layer", "pathway"."""
    records = list(records)
    for one in records if isinstance(name, str) else ():
        if one.name == name:
            return one
    known = ", ".join(one.name for one in records)
    listed = f"the {kind}s are {known}" if known else "there are none"
    raise error(f"There is no {kind} {shown(name)}; {listed}.")


def array(
    name: str, value: Any, error: type[Exception], shape: tuple[int, ...] | None = None,
    whole: bool = False,
) -> Any:  # fmt: skip
    """Numbers as a NumPy array (0-d for one), of a shape if one is given, or ``whole`` ones."""
    import numpy as np  # here: the command line checks arguments before it needs arrays

    kinds = "iu" if whole else "iuf"
    try:
        given = np.asarray(value)
    except ValueError:  # ragged, or a list that holds itself
        given = None
    expected = "whole numbers" if whole else "numbers"
    expected += "" if shape is None else f" of shape {shape}"
    if given is None or given.dtype.kind not in kinds or shape not in (None, given.shape):
        raise error(f"{name} must be {expected}, not {shown(value)}.")
    return given


def shown(value: Any) -> str:
    """An object as Python writes it, shortened: it may be large, or hold itself."""
    return " ".join(_SHORT.repr(value).split())
