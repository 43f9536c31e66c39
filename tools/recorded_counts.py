"""Counts that are the same everywhere: write them, or compare what this machine counts.

    python tools/recorded_counts.py            # compare; the exit code is the number that differ
    python tools/recorded_counts.py --write    # write tests/properties/recorded_counts.json
    python tools/recorded_counts.py --processors 1 --case drawn

``tests/properties/recorded_cases.py`` says what is counted, ``test_determinism.py`` holds it on
every stack. Of each way there are the sum of all counts, which shows by how much two differ, and a
digest, which shows whether they do.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RECORDED = ROOT / "tests" / "properties" / "recorded_counts.json"

Recorded = dict[str, dict[str, dict[str, Any]]]


def recorded() -> Recorded:
    """What was written."""
    found: Recorded = json.loads(RECORDED.read_text(encoding="utf-8"))
    return found


def counted(names: Iterable[str] = ()) -> Recorded:
    """What this process counts of some cases, or of all."""
    import nengo
    import numpy as np

    from nengo_spikecost.digests import array_digest
    from tests.properties.recorded_cases import CASES

    # decoders that another NumPy has pickled into the user's cache can't be read by this one
    nengo.rc.set("decoder_cache", "enabled", "False")
    found: Recorded = {}
    for name in names or CASES:
        found[name] = {}
        for way, arrays in CASES[name]().items():
            whole = [np.asarray(array).astype(np.int64) for array in arrays]
            digest = array_digest(whole)[:16]
            found[name][way] = {"sum": sum(int(part.sum()) for part in whole), "digest": digest}
    return found


def differences(found: Recorded) -> list[str]:
    """A line for each way in which what was found is not what was written."""
    kept = recorded()
    return [
        f"{name}, {way}: {one} was recorded as {kept.get(name, {}).get(way)}"
        for name, ways in found.items()
        for way, one in ways.items()
        if one != kept.get(name, {}).get(way)
    ]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true", help="write them")
    parser.add_argument("--case", action="append", default=[], help="this one; again for more")
    parser.add_argument("--processors", type=int, help="use so many, or as many threads as if")
    options = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    import nengo_spikecost  # noqa: F401  before nengo
    from nengo_spikecost.activity.processors import at_most

    if options.processors == 1 and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])
    with at_most(options.processors or len(os.sched_getaffinity(0))):
        found = counted(options.case)
    if options.write:
        kept = {**recorded(), **found} if options.case else found
        RECORDED.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
        return 0
    lines = differences(found)
    print(*lines, f"{len(lines)} differ.", sep="\n")
    return len(lines)


if __name__ == "__main__":
    sys.exit(main())
