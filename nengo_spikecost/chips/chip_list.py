"""`listed`: all chips, or some, with every number and its source."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .. import check
from ..errors import ChipError
from ..layout import Result
from . import chip_table
from .chip_spec import Chip


@dataclass(frozen=True)
class ChipList(Result):
    """Chips with what is published of them, as `listed` returns it.

    Attributes
    ----------
    chips : tuple of Chip
    """

    chips: tuple[Chip, ...]


def listed(names: Iterable[str] = ()) -> ChipList:
    """All chips, or those of some names.

    Parameters
    ----------
    names : iterable of str
        Default: all.

    Raises
    ------
    ChipError
        If there is no chip of a name.
    """
    given = check.several("names", names, ChipError, "a list of names of chips")
    return ChipList(tuple(map(chip_table.get, given or chip_table.names())))
