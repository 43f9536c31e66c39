"""The table of chips: those of ``chips.toml``, and those of a user's files.

Examples
--------
>>> from nengo_spikecost import chips
>>> chips.get("XyloAudio3").clock_Hz
50000000.0
"""

from __future__ import annotations

import os
import warnings

from .. import check
from ..errors import ChipError, OverwriteWarning
from .chip_reading import read_chip_file, shipped_chips
from .chip_spec import Chip

_ADDED: dict[str, Chip] = {}


def names() -> list[str]:
    """Names of all chips."""
    return [chip.name for chip in _table().values()]


def get(name: str) -> Chip:
    """The chip of that name; case, blanks, hyphens and underscores do not matter.

    Raises
    ------
    ChipError
        If there is none.
    """
    chip = _table().get(_plain(name)) if isinstance(name, str) else None
    if chip is None:
        known = ", ".join(names())
        raise ChipError(f"There is no chip {check.shown(name)}; the chips are {known}.")
    return chip


def load_chips(path: str | os.PathLike[str]) -> list[str]:
    """Add the chips of a TOML file, in the form of ``chips.toml``; gives their names.

    A chip of a name that there is already replaces it, with a warning.

    Raises
    ------
    ChipError
        If the file can't be read, or a chip in it is not what it should be.
    """
    chips = read_chip_file(path)
    for chip in chips:
        if _plain(chip.name) in _table():
            words = f"Chip {chip.name!r} is already there. Overwriting."
            warnings.warn(words, OverwriteWarning, stacklevel=2)
        _ADDED[_plain(chip.name)] = chip
    return [chip.name for chip in chips]


def _table() -> dict[str, Chip]:
    return {**{_plain(chip.name): chip for chip in shipped_chips()[0]}, **_ADDED}


def _plain(name: str) -> str:
    """A name as it is looked up."""
    return name.strip().lower().translate(str.maketrans("", "", " -_"))
