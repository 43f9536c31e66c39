"""Write the tables of docs/soak.md from the last full run of `make soak`.

    make soak ARGS="--seed 0 --json tools/soak_run.json"     # an hour or so: the run
    python tools/soak_page.py                                # write the page
    python tools/soak_page.py --check                        # compare the page with the run

``soak_again.json`` has the seeds of that run that failed, as they are now: ``make soak ARGS="--only
... --json tools/soak_again.json"``.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from marked_page import Marks

TOOLS = Path(__file__).resolve().parent
PAGE = TOOLS.parent / "docs" / "soak.md"
RUN, AGAIN = TOOLS / "soak_run.json", TOOLS / "soak_again.json"
MARKS = Marks("tools/soak_page.py")

OUTCOMES = ("done", "refused", "left out", "failed")
#: Reasons that the page lists: those of this many networks at least.
FEWEST = 3


def read(path: Path) -> dict[str, Any]:
    """What `make soak --json` wrote."""
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def written(run: dict[str, Any], again: dict[str, Any] | None) -> str:
    """Everything between the marks."""
    return "\n".join(["", *_head(run), *_table(run), *_reasons(run), *_failures(run, again), ""])


def _head(run: dict[str, Any]) -> list[str]:
    seconds = sum(run["seconds"].values()) / run["n_networks"]
    processes = "one process" if run["processes"] == 1 else f"{run['processes']} processes"
    return [
        f"**{run['n_networks']:,} networks** on {run['date']}, seeds {run['first_seed']} to "
        f"{run['last_seed']}, at commit `{run['commit']}`, in {run['minutes']:.0f} minutes of "
        f"{processes}, {seconds:.1f} s of processor time for a network on average.",
        "",
        f"Held against {', '.join(run['versions'])}.",
        "",
    ]


def _table(run: dict[str, Any]) -> list[str]:
    lines = [
        "| Networks | Check | Done | Refused | Left out | Failed |",
        "|---|---|--:|--:|--:|--:|",
    ]
    for kind, checks in run["checks"].items():
        for number, (name, counts) in enumerate(checks.items()):
            label = "" if number else f"{kind} ({run['networks'][kind]})"
            numbers = " | ".join(f"{counts[outcome]:,}" for outcome in OUTCOMES)
            lines.append(f"| {label} | {name} | {numbers} |")
    totals = [
        sum(counts[outcome] for checks in run["checks"].values() for counts in checks.values())
        for outcome in OUTCOMES
    ]
    return [*lines, f"| All | | {' | '.join(f'{n:,}' for n in totals)} |", ""]


def _reasons(run: dict[str, Any]) -> list[str]:
    lines = []
    titles = {"refused": "Refused, and why", "left out": "Left out, and why"}
    for outcome, title in titles.items():
        counts = run["reasons"].get(outcome, {})
        shown = {words: n for words, n in counts.items() if n >= FEWEST}
        lines += [f"### {title}", "", "| Networks | Reason |", "|--:|---|"]
        lines += [f"| {n} | {_cell(words)} |" for words, n in shown.items()]
        rest = sum(n for words, n in counts.items() if words not in shown)
        if rest:
            lines.append(f"| {rest} | {len(counts) - len(shown)} others, each of fewer |")
        lines.append("")
    return lines


def _failures(run: dict[str, Any], again: dict[str, Any] | None) -> list[str]:
    lines = ["### What failed", ""]
    if not run["failures"]:
        return [*lines, "Nothing.", ""]
    seeds = {failure["seed"] for failure in run["failures"]}
    lines += [
        f"{len(run['failures'])} checks of {len(seeds)} networks.", "",
        "| Seed | Networks | Check | What was seen |", "|--:|---|---|---|",
    ]  # fmt: skip
    for failure in run["failures"]:
        cells = (failure["seed"], failure["kind"], failure["check"], _cell(failure["said"]))
        lines.append(f"| {' | '.join(map(str, cells))} |")
    if again is not None:
        failed = {failure["seed"] for failure in again["failures"]}
        passing = f"{len(seeds - failed)} of {len(seeds)} seeds pass"
        lines += ["", f"Run again on {again['date']}, at commit `{again['commit']}`: {passing}."]
    return [*lines, ""]


def _cell(words: str, most: int = 200) -> str:
    line = " ".join(words.split())
    line = line if len(line) <= most else line[: most - 4].rsplit(" ", 1)[0] + " ..."
    return "`" + line.replace("|", "\\|").replace("`", "'") + "`"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true", help="compare; write nothing")
    options = parser.parse_args()
    page = PAGE.read_text(encoding="utf-8")
    fresh = MARKS.with_tables(page, written(read(RUN), read(AGAIN) if AGAIN.exists() else None))
    if options.check:
        print("docs/soak.md is what the run found." if fresh == page else "docs/soak.md differs.")
        return int(fresh != page)
    PAGE.write_text(fresh, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
