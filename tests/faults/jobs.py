"""Commands that are killed in the middle, again and again, until they have ended as if left alone.

``python -m tests.faults.jobs FOLDER JOB N_KILLS SEED`` runs one job in FOLDER, with the model and
data that are there. It imports what the job needs once, and forks for every attempt: so a kill hits
the work and not the imports. Prints JSON: the kills by signal, and how often the job went on from
something.
"""

from __future__ import annotations

import csv
import faulthandler
import io
import json
import os
import random
import shlex
import shutil
import signal
import sqlite3
import sys
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

DATA = "net.h5 --data data.npz --steps 6 -q"
FILES = "--json out.json --html out.html"

#: Command lines by name.
JOBS = {
    "report": f"report {DATA} {FILES} --csv out.csv --no-try --simulator compiled "
    "--presentation continuous --checkpoint kept",
    "chip": f"deploy {DATA} {FILES} --no-try --batch-size 1 --checkpoint kept",
    "sweep": f"sweep {DATA} {FILES} --csv out.csv --trials 12 --study study.db",
    "fit": f"fit net.h5 -q {FILES} --time-limit 60",
    "tune": f"tune {DATA} {FILES}",
    "train": f"train {DATA} {FILES} --out out.keras --epochs 4 --batch-size 6 "
    "--checkpoint kept.npz",
}  # fmt: skip

#: What is written of a run that differs from one to the next.
VOLATILE = {"seconds", "seconds_per_epoch", "created", "date", "digest", "elapsed_s"}

#: Seconds after which an attempt is taken to hang.
HANGS_S = 90

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)


def main() -> None:
    folder, job, n_kills, seed = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    os.chdir(folder)
    inputs = set(os.listdir())
    run = prepared(job)
    began = time.monotonic()
    wait_for(start(run))
    duration = time.monotonic() - began
    expected = outcome(inputs)
    assert expected, f"{job} wrote nothing: {Path('log.txt').read_text()[-2000:]}"
    rng, kills, went_on = random.Random(seed), Counter(), 0
    while sum(kills.values()) < n_kills:
        clear(inputs)
        while True:
            child, began = start(run), time.monotonic()
            if ends_within(child, rng.uniform(0, 1.1 * duration)):
                # the machine may have been busy before: later kills would all come too late
                duration = min(duration, time.monotonic() - began)
            else:
                by = rng.choice(SIGNALS)
                os.kill(child, by)
                _, status = os.waitpid(child, 0)
                if os.WIFSIGNALED(status) or os.WEXITSTATUS(status) != 0:
                    kills[by.name] += 1
            problem = broken(inputs)
            assert problem is None, f"{job}, seed {seed}, after {kills}: {problem}"
            if sum(kills.values()) >= n_kills or is_done(expected):
                break
            went_on += any(name.startswith(("kept", "study")) for name in os.listdir())
        wait_for(start(run))
        after = outcome(inputs)
        for name in expected:
            assert after.get(name) == expected[name], f"{job}, seed {seed}, {kills}: {name} differs"
        assert after.keys() == expected.keys(), (job, seed, sorted(after), sorted(expected))
    print(json.dumps({"kills": kills, "went_on": went_on, "seconds": round(duration, 2)}))


def prepared(job: str) -> Callable[[], None]:
    """The command, with all imported that it will need; nothing of TensorFlow runs yet."""
    from nengo_spikecost import cli, stack
    from nengo_spikecost.questions import profiling  # noqa: F401
    from nengo_spikecost.tuning import sweeps, training  # noqa: F401

    stack.nengo_dl(), stack.nengo_loihi()
    arguments = shlex.split(JOBS[job])
    return lambda: cli.main(arguments, standalone_mode=True)


def start(run: Callable[[], None]) -> int:
    """The process of an attempt."""
    child = os.fork()
    if child:
        return child
    log = os.open("log.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    # what runs in the background of a shell has it ignored
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # an attempt that hangs says where
    faulthandler.dump_traceback_later(HANGS_S, exit=True, file=sys.__stderr__)
    code = 1
    try:
        run()
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    finally:
        sys.stdout.flush()
        os._exit(code)


def ends_within(child: int, seconds: float) -> bool:
    """Whether an attempt ends by itself in this time; if so, no sooner than it does."""
    until = time.monotonic() + seconds
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        if time.monotonic() >= until:
            return False
        time.sleep(0.001)
    return True


def wait_for(child: int) -> None:
    """Wait for an attempt that nobody kills; it must succeed."""
    _, status = os.waitpid(child, 0)
    assert status == 0, (
        f"{os.waitstatus_to_exitcode(status)}: {Path('log.txt').read_text()[-2000:]}"
    )


def clear(inputs: set[str]) -> None:
    """Take away what the job wrote."""
    for name in set(os.listdir()) - inputs:
        shutil.rmtree(name) if os.path.isdir(name) else os.remove(name)


def is_done(expected: dict[str, Any]) -> bool:
    """Whether all files of the job are there."""
    return all(os.path.exists(name) for name in expected)


def outcome(inputs: set[str]) -> dict[str, Any]:
    """What the job's files say, but for times."""
    names = sorted(set(os.listdir()) - inputs - {"log.txt"})
    return {name: read(name) for name in names if name.startswith("out")}


def read(name: str) -> Any:
    """The content of a file of the job, but for times."""
    path = Path(name)
    if name.endswith(".json"):
        return without_times(json.loads(path.read_text()))
    if name.endswith(".csv"):
        rows = list(csv.DictReader(io.StringIO(path.read_text())))
        return [without_times(row) for row in rows]
    if name.endswith(".html"):
        text = path.read_text()
        assert text.rstrip().endswith("</html>"), f"{name} is cut off"
        return len(text) > 1000
    if name.endswith(".keras"):
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None
            # the weights' file has times of its own
            return sorted(archive.namelist())
    raise ValueError(name)


def without_times(value: Any) -> Any:
    """JSON without what differs from one run to the next."""
    if isinstance(value, dict):
        return {k: without_times(v) for k, v in value.items() if k not in VOLATILE}
    if isinstance(value, list):
        return [without_times(v) for v in value]
    return value


def broken(inputs: set[str]) -> str | None:
    """What of the job's files is neither whole nor absent."""
    for name in set(os.listdir()) - inputs - {"log.txt"}:
        try:
            if name.startswith("out") and not name.endswith(".tmp"):
                read(name)
            elif name == "study.db":
                connection = sqlite3.connect(name)
                assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
                connection.close()
        except Exception as error:  # whatever is wrong with a file is what is looked for
            return f"{name}: {type(error).__name__}: {error}"
    return None


if __name__ == "__main__":
    main()
