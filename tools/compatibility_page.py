"""See what other packages' models, files and networks do here, and write docs/compatibility.md.

    python tools/compatibility_page.py                    # see what is installed, and write
    python tools/compatibility_page.py --site FOLDER      # with packages of that folder, too
    python tools/compatibility_page.py --check            # see, and compare with the page

What was seen is kept, with the versions it was seen with, in ``compatibility_seen.json``: cases of
packages that are not installed stay as they were seen last. A case that was never seen is not on
the page, nor one where something else is seen than is right: it is printed, as work to be done.
``tests/test_compatibility_page.py`` compares the page with a fresh run of all that is installed.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from compatibility_case import FAULT
from marked_page import Marks

PAGE = Path(__file__).resolve().parents[1] / "docs" / "compatibility.md"
SEEN = Path(__file__).resolve().parent / "compatibility_seen.json"
MARKS = Marks("tools/compatibility_page.py")

HEADER = "| What you bring | What that package does | What happens here | Held by |"
RULE = "|---|---|---|---|"


def cases() -> tuple[Any, ...]:
    """All cases, in the order of the page."""
    from compatibility_keras_cases import KERAS_CASES
    from compatibility_nengo_cases import NENGO_CASES

    return (*KERAS_CASES, *NENGO_CASES)


def known() -> dict[str, dict[str, str]]:
    """What was seen, by the key of the case: the words, and the versions."""
    found: dict[str, dict[str, str]] = json.loads(SEEN.read_text(encoding="utf-8"))
    return found


def see(chosen: Iterable[Any]) -> dict[str, dict[str, str]]:
    """What is seen now of the cases whose packages are installed."""
    seen = ((case, case.seen()) for case in chosen if case.can_be_seen())
    return {case.key: {"seen": words, "versions": case.versions()} for case, words in seen}


def tables(seen: Mapping[str, Mapping[str, str]]) -> str:
    """Everything between the marks: one table a package, of the cases that were seen."""
    packages: dict[str, list[Any]] = {}
    for case in cases():
        if case.key in seen:
            packages.setdefault(case.package, []).append(case)
    lines: list[str] = []
    for package, own in packages.items():
        versions = dict.fromkeys(
            version for case in own for version in seen[case.key]["versions"].split(", ")
        )
        lines += [f"## {package}", "", f"Seen with {', '.join(versions)}.", "", HEADER, RULE]
        lines += [_line(case, seen[case.key]["seen"]) for case in own]
        lines.append("")
    return "\n".join(["", *lines])


def _line(case: Any, words: str) -> str:
    held = f"`{case.test}`" if case.test else "this page's test"
    cells = (case.brings, case.theirs, words, held)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true", help="compare; write nothing")
    parser.add_argument("--site", action="append", default=[], help="a folder with more packages")
    parser.add_argument("--only", default="", help="see only cases whose key has this in it")
    options = parser.parse_args()
    sys.path += options.site
    before = known() if SEEN.exists() else {}
    fresh = see(case for case in cases() if options.only in case.key)
    if options.check:
        changed = [key for key in fresh if fresh[key]["seen"] != before.get(key, {}).get("seen")]
        for key in changed:
            print(f"{key}:\n- {before.get(key, {}).get('seen')}\n+ {fresh[key]['seen']}")
        page = PAGE.read_text(encoding="utf-8")
        stale = MARKS.with_tables(page, tables(before)) != page
        print("docs/compatibility.md is not what was seen." * stale or f"{len(changed)} differ.")
        return int(bool(changed) or stale)
    faults = {key: found["seen"] for key, found in fresh.items() if found["seen"].startswith(FAULT)}
    for key, words in faults.items():
        print(f"{key}: {words}")
    after = {**before, **{key: found for key, found in fresh.items() if key not in faults}}
    kept = {case.key: after[case.key] for case in cases() if case.key in after}
    SEEN.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(MARKS.with_tables(page, tables(kept)), encoding="utf-8")
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
