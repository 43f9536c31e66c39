"""`Table`: a table as data, before anything lays it out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .si import MISSING

#: Cells that say nothing.
_EMPTY = ("", MISSING)


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
    n_keys : int
        How many of the first columns say which row it is: every part of a table that is too wide
        for a line has them.
    n_totals : int
        How many of the last rows are totals of the others.
    title : str
        A line above the table.
    notes : tuple of str
        Sentences below it.
    sections : mapping from int to str
        Headings, by the number of the row that they are above.
    folded : tuple of (str, Table), optional
        The same with more rows, and what it is called: HTML folds it away below the table.
    """

    headers: tuple[tuple[str, ...], ...]
    short_headers: tuple[tuple[str, ...], ...]
    right: tuple[bool, ...]
    rows: tuple[tuple[str, ...], ...]
    short_rows: tuple[tuple[str, ...], ...]
    n_keys: int = 1
    n_totals: int = 0
    title: str = ""
    notes: tuple[str, ...] = ()
    sections: Mapping[int, str] = field(default_factory=dict)
    folded: tuple[str, Table] | None = None

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
            ``right``, ``n_keys``, ``n_totals``, ``title``, ``notes`` and ``sections``.
        """
        lines = tuple(tuple(header.split("\n")) for header in headers)
        cells = tuple(tuple(row) for row in rows)
        others.setdefault("right", tuple(n >= n_text for n in range(len(lines))))
        return cls(lines, lines, rows=cells, short_rows=cells, **others)

    def without_empty_columns(self) -> Table:
        """The table without the columns, but for its keys, in which no cell says anything."""
        kept = [
            n
            for n in range(len(self.headers))
            if n < self.n_keys or any(r[n] not in _EMPTY for r in self.rows)
        ]
        if len(kept) == len(self.headers):
            return self

        def pick(row: Sequence[Any]) -> tuple[Any, ...]:
            return tuple(row[n] for n in kept)

        return replace(
            self, headers=pick(self.headers), short_headers=pick(self.short_headers),
            right=pick(self.right), rows=tuple(map(pick, self.rows)),
            short_rows=tuple(map(pick, self.short_rows)),
            folded=self.folded and (self.folded[0], self.folded[1].without_empty_columns()),
        )  # fmt: skip

    def blocks(self) -> list[tuple[str, tuple[tuple[str, ...], ...]]]:
        """Rows without totals under the heading of each section; ``""`` for rows without one."""
        n_body = len(self.rows) - self.n_totals
        starts = sorted({0, *(n for n in self.sections if n < n_body)})
        ends = [*starts[1:], n_body]
        return [(self.sections.get(a, ""), self.rows[a:b]) for a, b in zip(starts, ends)]

    @property
    def totals(self) -> tuple[tuple[str, ...], ...]:
        """The rows that are totals."""
        return self.rows[len(self.rows) - self.n_totals :]
