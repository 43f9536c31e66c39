"""`Table`: a table as data, before anything lays it out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Table:
    """A table as data, before it is laid out.

    Attributes
    ----------
    headers, short_headers : tuple of tuple of str
        For every column its header, a str a line; and the same on more and shorter lines.
    right : tuple of bool
        For every column, whether it is aligned right.
    rows : tuple of tuple of str
        Cells.
    short_rows : tuple of tuple of str
        The same cells in fewer characters, for narrow lines.
    n_totals : int
        How many of the last rows are totals of the others.
    title : str
        A line above the table.
    notes : tuple of str
        Sentences below it.
    """

    headers: tuple[tuple[str, ...], ...]
    short_headers: tuple[tuple[str, ...], ...]
    right: tuple[bool, ...]
    rows: tuple[tuple[str, ...], ...]
    short_rows: tuple[tuple[str, ...], ...]
    n_totals: int = 0
    title: str = ""
    notes: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, headers: Sequence[str], rows: Iterable[Sequence[str]], n_text: int = 1, **others: Any
    ) -> Table:
        """A table whose headers and cells have one form each.

        Parameters
        ----------
        headers : sequence of str
            One a column; a new line in it is a new line in the table.
        rows : iterable of sequence of str
            Cells.
        n_text : int
            How many of the first columns are text, aligned left; the others are numbers.
        **others
            ``right``, ``n_totals``, ``title`` and ``notes``.
        """
        lines = tuple(tuple(header.split("\n")) for header in headers)
        cells = tuple(tuple(row) for row in rows)
        others.setdefault("right", tuple(n >= n_text for n in range(len(lines))))
        return cls(lines, lines, rows=cells, short_rows=cells, **others)
