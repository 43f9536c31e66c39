"""Whether what is printed fits a line, and no word of a table is broken."""

from __future__ import annotations

from rich.cells import cell_len

from nengo_spikecost.layout.table import Table

#: A word that is longer than this may have to be broken in 80 columns.
LONGEST = 24


def check_it_fits(parts, text, width):
    """Right are the cells as a presenter gives them, in their long or their short form.

    Each of their words that is not longer than a column can be stands in one piece in the text.
    """
    assert max(cell_len(line) for line in text.split("\n")) <= width
    words = set(text.split())
    for table in parts:
        if isinstance(table, Table):
            table = table.without_empty_columns()
            assert any(set(words_of(rows)) <= words for rows in (table.rows, table.short_rows))


def words_of(rows):
    return [w for row in rows for cell in row for w in cell.split() if cell_len(w) <= LONGEST]
