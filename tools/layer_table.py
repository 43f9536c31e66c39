"""Measure what can be done with each Keras layer, and write the tables of docs/layers.md.

    python tools/layer_table.py              # measure all rows, about 4 minutes, and write
    python tools/layer_table.py --check      # measure, and compare with the page

Only what is between the two marks of the page is written; the words around it are by hand.
``tests/test_layer_table.py`` measures some of the rows again, and all of them as a slow test.
"""

from __future__ import annotations

import argparse
import math
import re
import sys
from collections.abc import Iterable
from difflib import SequenceMatcher
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from layer_checks import Result, measured
from layer_refusals import refused
from layer_rows import Row, rows
from marked_page import Marks

PAGE = Path(__file__).resolve().parents[1] / "docs" / "layers.md"
MARKS = Marks("tools/layer_table.py")

#: Largest rate error of a layer that computes what Keras computes: float32 rounds.
EXACT = 1e-5

HEADER = "| Layer | Converts | Rate error | Spikes on NengoDL | Emulator | Counted exactly |"
RULE = "|---|---|--:|---|---|---|"
_SMALL = re.compile(r"1e-(\d+)")


def error_cell(error: float) -> str:
    """The power of ten above an error that is rounding; else its first digit."""
    if error < EXACT:
        return f"1e-{-max(math.ceil(math.log10(max(error, 1e-7))), -7)}"
    return f"{error:.1g}"


def line(result: Result) -> str:
    """One line of the table."""
    row = result.row
    if result.refusal:
        return f"| {row.name} | no | | | | |"
    cells = [
        row.name,
        "yes",
        error_cell(result.rate_error) + (", by choice" if result.inexact else ""),
        _spikes_cell(result),
        _emulator_cell(result),
        f"no: {result.miscounted}" if result.miscounted else "yes",
    ]
    return f"| {' | '.join(cells)} |"


def _spikes_cell(result: Result) -> str:
    if result.graded:
        return f"no: {result.graded} neurons have rates"
    return "yes" if result.spikes else "no spikes"


def _emulator_cell(result: Result) -> str:
    if result.emulator != "yes":
        return f"no: {result.emulator}"
    return "yes, this layer on the host" if result.on_host else "yes"


def refused_line(result: Result) -> str:
    """One line of the table of layers that are not converted."""
    return f"| {result.row.name} | {result.refusal or 'it is converted'} |"


def tables(results: Iterable[Result], not_converted: Iterable[Result]) -> str:
    """Everything between the marks."""
    lines: list[str] = []
    group = ""
    for result in results:
        if result.row.group != group:
            group = result.row.group
            lines += ["", f"### {group}", "", HEADER, RULE]
        lines.append(line(result))
    lines += ["", "### Not converted", "", "| Layer | Because |", "|---|---|"]
    lines += [refused_line(result) for result in not_converted]
    return "\n".join([*lines[1:], ""]) + "\n"


def same_line(expected: str, found: str) -> bool:
    """Whether two lines agree; rounding may differ by a power of ten between machines."""
    if _SMALL.sub("#", expected) != _SMALL.sub("#", found):
        return False
    pairs = zip(_SMALL.findall(expected), _SMALL.findall(found))
    return all(abs(int(a) - int(b)) <= 1 for a, b in pairs)


def differences(expected: str, found: str) -> list[str]:
    """Lines of the page ("-") and of a fresh run ("+") that differ."""
    before, after = expected.splitlines(), found.splitlines()
    matcher = SequenceMatcher(
        None, [_SMALL.sub("#", a) for a in before], [_SMALL.sub("#", a) for a in after], False
    )
    result = []
    for tag, i, j, k, m in matcher.get_opcodes():
        if tag != "equal":
            result += [f"- {a}" for a in before[i:j]] + [f"+ {b}" for b in after[k:m]]
            continue
        for a, b in zip(before[i:j], after[k:m]):
            result += [] if same_line(a, b) else [f"- {a}", f"+ {b}"]
    return result


def measured_all(chosen: Iterable[Row]) -> list[Result]:
    """Measure rows, and say on standard error which one is being measured."""
    results = []
    for row in chosen:
        print(row.name, file=sys.stderr, flush=True)
        results.append(measured(row))
    return results


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true", help="compare; write nothing")
    check = parser.parse_args().check
    MARKS.parts(PAGE.read_text(encoding="utf-8"))  # a missing mark is found before it takes minutes
    fresh = tables(measured_all(rows()), measured_all(refused()))
    page = PAGE.read_text(encoding="utf-8")  # which may have been edited meanwhile
    if not check:
        PAGE.write_text(MARKS.with_tables(page, fresh), encoding="utf-8")
        return 0
    found = differences(MARKS.written(page), fresh)
    print("\n".join(found) or "docs/layers.md is up to date.")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
