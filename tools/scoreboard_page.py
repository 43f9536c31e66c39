"""The scoreboard of docs/validation.md: other tools' estimates beside measured boards.

    python tools/scoreboard_page.py              # write
    python tools/scoreboard_page.py --check      # compare with the page

What other tools say is read from ``tools/scoreboard_recordings.json``, which the scripts
``tools/scoreboard_*.py`` of the tools write, each in the tool's own environment. This script
needs none of them. ``tests/test_validation_page.py`` compares the page with a fresh run.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from marked_page import Marks
from scoreboard_given import all_given
from scoreboard_recordings import recorded
from scoreboard_tools import ROWS, TOOLS, Row, Tool
from validation_data import BOUNDARIES, GOOD, measurements
from validation_page import PAGE, lines_that_differ

from nengo_spikecost.layout.si import si

MARKS = Marks("tools/scoreboard_page.py")


def factor(tool: Tool, row: Row) -> float | str:
    """An estimate over what was measured."""
    found = tool.answer(row)
    return found if isinstance(found, str) else found / row.measurement.value


def shown(value: float | str) -> str:
    """A factor in two or three digits, or a word."""
    if isinstance(value, str):
        return value
    if 0.75 <= value <= 1.25:
        return f"**{value:.2f}**"
    return f"{value:.0f}" if value >= 100 else f"{value:.2g}"


def claims() -> Iterator[str]:
    """What each tool is."""
    yield "| Tool | Version | Computed by | What it says that it estimates |"
    yield "|---|---|---|---|"
    for tool in TOOLS:
        version = _version(tool)
        yield f"| {tool.name} (*{tool.short}*) | {version} | {tool.computed} | {tool.says} |"
    yield ""


def _version(tool: Tool) -> str:
    name = tool.name.split("'")[0].split(",")[0]
    found = {k.split(" ")[0]: v["version"] for k, v in recorded().items()}
    return found.get(name, "2.6.0" if tool.short == "Qualia" else "")


def table() -> Iterator[str]:
    """Every measurement by every tool."""
    yield f"| What | Measured | {' | '.join(tool.short for tool in TOOLS)} |"
    yield f"|---|--:|{'--:|' * len(TOOLS)}"
    boundary = ""
    for row in sorted(ROWS, key=lambda row: BOUNDARIES.index(row.measurement.boundary)):
        found = row.measurement
        if found.boundary != boundary:
            boundary = found.boundary
            yield f"| *{boundary}* |{' |' * (len(TOOLS) + 1)}"
        cells = " | ".join(shown(factor(tool, row)) for tool in TOOLS)
        yield f"| {found.what} | {si(found.value, found.unit)} | {cells} |"
    yield ""


def by_boundary() -> Iterator[str]:
    """Median error, and how many estimates are good, of every tool within every boundary."""
    yield f"| Tool | {' | '.join(BOUNDARIES)} |"
    yield f"|---|{'---|' * len(BOUNDARIES)}"
    for tool in TOOLS:
        cells = [_score(tool, boundary) for boundary in BOUNDARIES]
        yield f"| {tool.short} | {' | '.join(cells)} |"
    yield ""


def _score(tool: Tool, boundary: str) -> str:
    rows = [row for row in ROWS if row.measurement.boundary == boundary]
    found = [f for row in rows if isinstance(f := factor(tool, row), float)]
    if not found:
        return "no answer"
    off = statistics.median(max(f, 1 / f) if f else float("inf") for f in found)
    good = sum(abs(f - 1) <= GOOD for f in found)
    times = "nothing" if off == float("inf") else f"{off:.1f}" if off < 10 else f"{off:,.0f}"
    words = f"x {times}, {good} good of {len(found)}"
    return words if boundary in tool.claims else f"({words})"


def given_table() -> Iterator[str]:
    """What tools were given."""
    yield "| Network | Synops | Updates | What it is |"
    yield "|---|--:|--:|---|"
    for given in all_given().values():
        synops = f"{given.synops():,.0f}" if given.spiking else "-"
        updates = f"{given.updates():,.0f}" if given.spiking else "-"
        yield f"| {given.name} | {synops} | {updates} | {given.how} |"
    yield ""


def without_network() -> Iterator[str]:
    """Measurements that no tool is given a network for."""
    known = {row.key for row in ROWS}
    left = [m for m in measurements().values() if m.key not in known]
    counts = Counter(m.boundary for m in left)
    words = ", ".join(f"{n} of {boundary}" for boundary, n in counts.items())
    yield (
        f"{len(left)} measurements of the tables below are not here ({words}): static and x86 "
        "power, and networks whose layers or cores are not published. Only this package predicts "
        "them."
    )
    yield ""


def fresh() -> str:
    """What is between the marks."""
    parts = (claims, by_boundary, table, given_table, without_network)
    return "\n" + "\n".join(line for part in parts for line in part())


def differences(page: str) -> list[str]:
    """Lines of the page ("-") and of a fresh run ("+") that differ."""
    return lines_that_differ(MARKS.written(page), fresh())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true", help="compare; write nothing")
    check = parser.parse_args().check
    page = PAGE.read_text(encoding="utf-8")
    if check:
        found = differences(page)
        print("\n".join(found) or "The scoreboard of docs/validation.md is up to date.")
        return int(bool(found))
    PAGE.write_text(MARKS.with_tables(page, fresh()), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
