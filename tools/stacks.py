"""Install and test every stack on each Python found here, and write the table in docs/stack.md.

    python tools/stacks.py                               # all Pythons, all their stacks
    python tools/stacks.py --python 3.9 --python 3.13    # these; a path does, too
    python tools/stacks.py --stack tf2.12                # this stack only
    python tools/stacks.py --tests "tests/graph tests/workload"   # a part of the tests
    python tools/stacks.py --list                        # what would run
    python tools/stacks.py --write                       # run nothing, write the table anew
    python tools/stacks.py --check                       # whether the table is what was seen

Each run clones a commit into an empty folder, installs there with ``make venv`` from an empty cache
of pip, and runs ``make test``, in one process unless ``--workers`` says otherwise; the folder is
removed again. It takes about 3 GB of disk and half an hour of one core. What was seen is kept in
``stacks_seen.json``, run by run, so that one which is ended loses nothing of those before it.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import shlex
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from marked_page import Marks
from setup_venv import STACKS
from stack_pythons import Python, chosen
from stack_run import Seen, commit_of, run

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "stack.md"
SEEN = Path(__file__).resolve().parent / "stacks_seen.json"
MARKS = Marks("tools/stacks.py")

#: Tests that failed are named up to so many.
MOST_NAMED = 10

HEADER = (
    "| Python | stack | NumPy | commit | tests | passed | skipped | failed | set-up | tests took |"
)
RULE = "|---|---|---|---|---|--:|--:|--:|--:|--:|"


def known(path: Path = SEEN) -> dict[str, Seen]:
    """What was seen, by Python and stack, in the order of their versions."""
    if not path.exists():
        return {}
    found = [Seen(**entry) for entry in json.loads(path.read_text(encoding="utf-8"))]
    found.sort(key=lambda seen: (seen.stack, [int(n) for n in seen.python.split(".")]))
    return {seen.key: seen for seen in found}


def keep(seen: Seen, path: Path = SEEN) -> None:
    """Put one run among those that were seen, in place of one of its Python and stack."""
    entries = {**known(path), seen.key: seen}.values()
    text = json.dumps([dataclasses.asdict(entry) for entry in entries], indent=1)
    path.write_text(text + "\n", encoding="utf-8")


def table(seen: dict[str, Seen]) -> str:
    """Everything between the marks: a row a run, then what failed, and why tests were skipped."""
    lines = ["", HEADER, RULE, *map(_row, seen.values()), ""]
    for key, entry in seen.items():
        if entry.names_of_failed:
            named, more = entry.names_of_failed[:MOST_NAMED], entry.names_of_failed[MOST_NAMED:]
            names = ", ".join(f"`{name}`" for name in named)
            others = f" and {len(more):,} more" if more else ""
            lines += [f"Failed with {key}: {names}{others}.", ""]
    reasons = sorted({reason for entry in seen.values() for reason in entry.skipped_because})
    if reasons:
        lines += ["| skipped because | " + " | ".join(seen) + " |", "|---|" + "--:|" * len(seen)]
        for reason in reasons:
            numbers = (str(entry.skipped_because.get(reason, "")) for entry in seen.values())
            lines.append(f"| {_cell(reason)} | {' | '.join(numbers)} |")
        lines.append("")
    return "\n".join(lines)


def _row(seen: Seen) -> str:
    counts = [f"{n:,}" for n in (seen.passed, seen.skipped, seen.failed)]
    versions = seen.versions
    cells = (
        seen.python,
        f"TensorFlow {versions.get('tensorflow', seen.stack[2:])}",
        versions.get("numpy", ""),
        f"`{seen.commit[:9]}`",
        _cell(seen.ended or seen.tests),
        *(counts if not seen.ended else [""] * 3),
        f"{seen.setup_s:.0f} s",
        f"{seen.tests_s / 60:.0f} min",
    )
    return f"| {' | '.join(cells)} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def write() -> None:
    """Write the page's table from what was seen."""
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(MARKS.with_tables(page, table(known())), encoding="utf-8")


def is_written() -> bool:
    """Whether the page's table is what was seen."""
    page = PAGE.read_text(encoding="utf-8")
    return MARKS.with_tables(page, table(known())) == page


def planned(pythons: Sequence[Python], stack: str | None) -> list[tuple[Python, str]]:
    """Every Python with each of its stacks, or with one of them."""
    return [(python, name) for python in pythons for name in python.stacks if stack in (None, name)]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--python", action="append", default=[], help="3.12, or a path; again for more"
    )
    parser.add_argument("--stack", choices=sorted(STACKS), help="this one only")
    parser.add_argument("--tests", default="", help="files and folders; default: all but slow ones")
    parser.add_argument("--commit", default="HEAD", help="what is cloned; default: HEAD")
    parser.add_argument(
        "--time-limit", type=float, metavar="S", help="seconds for the tests of each"
    )
    parser.add_argument("--workers", type=int, default=0, help="processes that share the tests")
    parser.add_argument("--log", type=Path, help="a folder that keeps what was printed")
    parser.add_argument("--list", action="store_true", help="say what would run, and end")
    parser.add_argument("--write", action="store_true", help="write the table; run nothing")
    parser.add_argument("--check", action="store_true", help="compare the table; run nothing")
    options = parser.parse_args()
    if options.check:
        print("docs/stack.md is " + "not " * (not is_written()) + "what was seen.")
        return int(not is_written())
    if options.write:
        write()
        return 0
    try:
        runs = planned(chosen(options.python), options.stack)
    except ValueError as error:
        parser.error(str(error))
    if not runs:
        parser.error("no Python was found that a stack is pinned for: give one with --python.")
    if options.list:
        for python, name in runs:
            print(f"Python {'.'.join(map(str, python.version))}, {name}: {python.command}")
        return 0
    commit = commit_of(ROOT, options.commit)
    results = [_one(python, name, commit, options) for python, name in runs]
    return int(not all(seen.is_well for seen in results))


def _one(python: Python, stack: str, commit: str, options: argparse.Namespace) -> Seen:
    """One run in a folder of its own, kept and printed."""
    with tempfile.TemporaryDirectory(prefix="stacks-") as folder:
        tests = shlex.split(options.tests)
        seen = run(
            ROOT, python, stack, commit, Path(folder), tests, options.time_limit, options.workers
        )
        if options.log:
            options.log.mkdir(parents=True, exist_ok=True)
            kept = options.log / f"{seen.key.replace(' ', '-')}.txt"
            os.replace(Path(folder, "log.txt"), kept)
    keep(seen)
    write()
    print(_row(seen), *seen.names_of_failed, sep="\n  ", flush=True)
    return seen


if __name__ == "__main__":
    sys.exit(main())
