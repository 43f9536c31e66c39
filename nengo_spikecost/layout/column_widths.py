"""How wide the columns of a table are, so that it fits a line, and cells wrapped between words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len, chop_cells

from .table import Table

#: Spaces between columns.
GAP = 2

#: A column is not wrapped to fewer characters than this.
NARROWEST = 12

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
# behind what joins words in names, if a letter follows: "conv2d_1" and "0.5" stay whole
_JOINED = re.compile(r"(?<=[/_.:,;>-])(?=[^\W\d_])|(?<=[a-z])(?=[A-Z])")

_SPACES = re.compile(r" ")

Rows = Sequence[Sequence[str]]


@dataclass(frozen=True)
class Layout:
    """Headers and cells as they are shown, and the columns of each part of the table.

    Attributes
    ----------
    headers : sequence of tuple of str
        Lines of the header of each column.
    rows : sequence of sequence of str
        Cells, with a new line where one is wrapped.
    widths : sequence of int
        Of the columns.
    groups : sequence of sequence of int
        Numbers of the columns of each part.
    """

    headers: Sequence[tuple[str, ...]]
    rows: Rows
    widths: Sequence[int]
    groups: Sequence[Sequence[int]]


def fit(table: Table, line_length: int) -> Layout:
    """The longest form of a table that fits a line in as few parts as any form does.

    Counts are shortened first (556k for 556,123), then names and headers are wrapped between
    words; where that is not enough the table has several parts, each with its keys.
    """
    forms = (
        (table.headers, table.rows),
        (table.short_headers, table.rows),
        (table.short_headers, table.short_rows),
    )
    best, least = None, (0, 0)
    # as they are; between words; and within words that are joined, as in "conv/kernel"
    for words in (None, _SPACES, _JOINED):
        for headers, rows in forms:
            columns = _Columns(headers, [[_shown(c) for c in row] for row in rows], table.right)
            widths = columns.natural
            if words is not None:
                widths = _narrowed(widths, columns.minima(words, line_length), line_length)
            groups = _split_evenly(widths, line_length, table.n_keys)
            misfit = len(groups), max(0, max(_total(widths, g) for g in groups) - line_length)
            if best is None or misfit < least:
                best, least = (columns, widths, groups), misfit
    assert best is not None
    columns, widths, groups = best
    widths = _forced(widths, groups, line_length)
    widths = _relaxed(widths, columns.natural, groups, line_length)
    return Layout(*columns.wrapped(widths), widths, groups)


@dataclass(frozen=True)
class _Columns:
    headers: Sequence[tuple[str, ...]]
    rows: Rows
    right: Sequence[bool]

    @property
    def natural(self) -> list[int]:
        """Widths at which nothing is wrapped."""
        return [max(self._header(i), self._cells(i)) for i in range(len(self.headers))]

    def minima(self, words_end: re.Pattern[str], line_length: int) -> list[int]:
        """Widths at which no word is broken; of very long ones a share of the line."""
        least = []
        for i, header in enumerate(self.headers):
            words = [_longest_word(line, words_end) for line in header]
            if not self.right[i]:
                words += [_longest_word(row[i], words_end) for row in self.rows]
            share = line_length // (3 if self.right[i] else 2)
            own = min(max([*words, min(NARROWEST, self.natural[i])]), max(share, NARROWEST))
            least.append(max(own, self._cells(i)) if self.right[i] else own)
        return least

    def wrapped(self, widths: Sequence[int]) -> tuple[list[tuple[str, ...]], Rows]:
        """Headers and cells in lines no wider than the columns."""
        headers = [
            tuple(part for line in header for part in wrapped_words(line, width).split("\n"))
            for header, width in zip(self.headers, widths)
        ]
        return headers, [[wrapped_words(c, w) for c, w in zip(row, widths)] for row in self.rows]

    def _header(self, i: int) -> int:
        return max(map(cell_len, self.headers[i]))

    def _cells(self, i: int) -> int:
        return max([0, *(cell_len(row[i]) for row in self.rows)])


def wrapped_words(text: str, width: int) -> str:
    """Text in lines no wider than that, broken between words, or where names are joined.

    Examples
    --------
    >>> wrapped_words("batch_normalization_3 (BatchNormalization)", 24).split("\\n")
    ['batch_normalization_3', '(BatchNormalization)']
    >>> wrapped_words("spiking_layers/conv2d_1", 16).split("\\n")
    ['spiking_layers/', 'conv2d_1']
    """
    if cell_len(text) <= width:
        return text
    lines = [""]
    for word in _words(text):
        parts = [word] if cell_len(word) <= width else _JOINED.split(word)
        for number, part in enumerate(parts):
            joined = lines[-1] + (" " if lines[-1] and not number else "") + part
            if cell_len(joined) <= width:
                lines[-1] = joined
                continue
            pieces = chop_cells(part, width) if cell_len(part) > width else [part]
            lines += pieces
    return "\n".join(lines[1:] if not lines[0] else lines)


def _words(text: str) -> list[str]:
    """Words; what begins with spaces is indented, and stays so."""
    words = text.split(" ")
    indent = len(text) - len(text.lstrip(" "))
    rest = [word for word in words[indent:] if word]
    return [" " * indent + rest[0], *rest[1:]] if rest else [text]


def _longest_word(text: str, words_end: re.Pattern[str]) -> int:
    """Width of what would be broken in a narrower column."""
    if cell_len(text) <= NARROWEST:
        return cell_len(text)
    return max(cell_len(part) for word in _words(text) for part in words_end.split(word))


def _shown(cell: str) -> str:
    return _CONTROL.sub(" ", cell)


def evened(cells: Sequence[str]) -> list[str]:
    """Cells of one row, all of as many lines."""
    height = max(cell.count("\n") for cell in cells)
    return [cell + "\n" * (height - cell.count("\n")) for cell in cells]


def _total(widths: Sequence[int], group: Iterable[int]) -> int:
    return sum(widths[i] + GAP for i in group) - GAP


def _narrowed(widths: Sequence[int], minima: Sequence[int], line_length: int) -> list[int]:
    """Widths of which the largest are reduced until all fit a line, or none can be reduced."""
    widths = list(widths)
    while _total(widths, range(len(widths))) > line_length:
        widest = max(range(len(widths)), key=lambda i: (widths[i] > minima[i]) * widths[i])
        if widths[widest] <= minima[widest]:
            break
        widths[widest] -= 1
    return widths


def _forced(widths: Sequence[int], groups: Iterable[Sequence[int]], line_length: int) -> list[int]:
    """Widths that fit where even single words are too long: these are broken."""
    widths = list(widths)
    for group in groups:
        while _total(widths, group) > line_length:
            widest = max(group, key=lambda i: widths[i])
            if widths[widest] <= 1:
                break
            widths[widest] -= 1
    return widths


def _relaxed(
    widths: Sequence[int], natural: Sequence[int], groups: Sequence[Sequence[int]], line_length: int
) -> list[int]:
    """Widths grown as far as every part of the table leaves room, the first column first."""
    widths = list(widths)
    for i, wanted in enumerate(natural):
        room = min(line_length - _total(widths, group) for group in groups if i in group)
        widths[i] += max(0, min(room, wanted - widths[i]))
    return widths


def _split_evenly(widths: Sequence[int], line_length: int, n_keys: int) -> list[list[int]]:
    """As few parts as fit, as even as that number allows."""
    groups = _split(widths, line_length, n_keys)
    while len(groups) > 1 and line_length > 0:
        line_length -= 1
        narrower = _split(widths, line_length, n_keys)
        if len(narrower) > len(groups):
            break
        groups = narrower
    return groups


def _split(widths: Sequence[int], line_length: int, n_keys: int) -> list[list[int]]:
    """Columns in parts no wider than a line; each part has the keys."""
    keys = list(range(n_keys))
    if _total(widths, keys) > line_length // 2:
        keys = [0]
    groups, used = [[*keys]], _total(widths, keys)
    for i in range(len(keys), len(widths)):
        if used + GAP + widths[i] > line_length and len(groups[-1]) > len(keys):
            groups.append([*keys])
            used = _total(widths, keys)
        groups[-1].append(i)
        used += GAP + widths[i]
    return groups
