"""``make soak``: random networks through everything, until the time is up.

    make soak                                                    # an hour
    make soak ARGS="--minutes 5 --seed 7 --networks 50"
    make soak ARGS="--only 1234"                                 # one network again
    make soak ARGS="--only 1234 --check spikes"

The exit code is 1 if anything failed.
"""

from __future__ import annotations

import argparse
import json
import platform
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.soak.results import FAILED, printed, summary
from tests.soak.supervisor import ROOT, Worker


def options_of(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__.split("\n")[0])
    parser.add_argument("--minutes", type=float, default=60.0, help="begin no network after that")
    parser.add_argument("--networks", type=int, default=None, help="end after so many")
    parser.add_argument("--seed", type=int, default=None, help="the first seed (default: by clock)")
    parser.add_argument("--only", type=int, nargs="+", default=None, metavar="SEED",
                        help="these networks, and all values of a failure")  # fmt: skip
    parser.add_argument("--kind", action="append", default=[], help="networks of this kind only")
    parser.add_argument("--check", action="append", default=[], help="this check only")
    parser.add_argument(
        "--time-limit", type=float, default=120.0, help="seconds of processor time for a network"
    )
    parser.add_argument("--processes", type=int, default=1, help="networks at the same time")
    parser.add_argument("--json", type=Path, default=None, help="write what was found to this file")
    return parser.parse_args(arguments)


def seeds(options: argparse.Namespace) -> Iterator[int]:
    """Seeds one after the other, of the kinds that are asked for."""
    # kinds are registered by what makes networks
    from tests.soak.one_network import kind_of

    if options.only:
        yield from options.only
        return
    seed = options.seed
    while True:
        if not options.kind or kind_of(seed).name in options.kind:
            yield seed
        seed += 1


def soak(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Look at networks until time or number is up; the records, by seed."""
    from tests.soak.one_network import kind_of

    until = time.monotonic() + 60 * options.minutes
    records: list[dict[str, Any]] = []
    waiting, turn = seeds(options), threading.Lock()
    ended = threading.Event()
    begun = 0

    def next_seed() -> int | None:
        nonlocal begun
        with turn:
            late = time.monotonic() > until and not options.only
            if late or ended.is_set() or begun == options.networks:
                return None
            begun += 1
            return next(waiting, None)

    def work() -> None:
        worker = Worker()
        try:
            while (seed := next_seed()) is not None:
                if worker.is_over:
                    worker.end()
                    worker = Worker()
                record = worker.look_at(seed, options.check, options.time_limit)
                record["kind"] = kind_of(seed).name
                with turn:
                    records.append(record)
                    _say(record, options)
        finally:
            worker.end()

    with ThreadPoolExecutor(options.processes) as pool:
        running = [pool.submit(work) for _ in range(options.processes)]
        try:
            for one in running:
                one.result()
        except KeyboardInterrupt:
            ended.set()
            print("Interrupted: ends with the networks that are being looked at.", flush=True)
    return sorted(records, key=lambda record: record["seed"])


def _say(record: dict[str, Any], options: argparse.Namespace) -> None:
    failed = {name: c for name, c in record["checks"].items() if c["outcome"] == FAILED}
    words = f"seed {record['seed']:>9}  {record['kind']:<20} {record['seconds']:6.1f} s"
    print(words, *[f"FAILED {name}" for name in failed], sep="  ", flush=True)
    if options.only:
        print(f"  {record['network']}")
        for name, found in record["checks"].items():
            print(f"  {name}: {found['outcome']}  {' '.join(found['said'].split())[:300]}")
            print("".join(f"    {line}\n" for line in found["where"].splitlines()), end="")


def commit() -> str:
    """The commit that is looked at."""
    found = subprocess.run(
        ["git", "rev-parse", "--short=10", "HEAD"], cwd=ROOT, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    return found.stdout.strip() or "unknown"


def versions() -> list[str]:
    """Of Python and of what the networks are held against."""
    from importlib.metadata import version

    names = ("tensorflow", "numpy", "nengo", "nengo-dl", "nengo-loihi", "nengo-spa")
    return [f"Python {platform.python_version()}", *(f"{name} {version(name)}" for name in names)]


def main(arguments: list[str] | None = None) -> int:
    """Run, print and write; the exit code."""
    options = options_of(arguments)
    # whoever ends it, a person or a machine's time table, is told what was found so far
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.default_int_handler)
    if options.seed is None:
        # of those who soak at different times, nobody looks at the same networks
        options.seed = int(time.time()) % 10**6 * 1000
    before, started = commit(), time.monotonic()
    print(f"commit {before}, first seed {options.seed}", flush=True)
    records = soak(options)
    found = summary(records)
    print(printed(found), flush=True)
    if options.json is not None:
        run = {
            "commit": before, "date": time.strftime("%Y-%m-%d"), "versions": versions(),
            "first_seed": options.seed, "last_seed": max([r["seed"] for r in records], default=0),
            "minutes": round((time.monotonic() - started) / 60, 1),
            "processes": options.processes, **found,
        }  # fmt: skip
        options.json.write_text(json.dumps(run, indent=1) + "\n", encoding="utf-8")
    return int(bool(found["failures"]) or not records)


if __name__ == "__main__":
    sys.exit(main())
