"""Workers started, watched, ended and replaced."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tests.soak.results import FAILED

ROOT = Path(__file__).parents[2]

#: Networks that one process looks at before another takes its place, and with it its memory.
NETWORKS_A_PROCESS = 120
#: Seconds that a process may take to begin: TensorFlow is slow to import.
START_S = 300.0
#: A network may take this many times the processor time that it is allowed: others work here too.
WAITS = 20


class Worker:
    """One process, and what it has said.

    Parameters
    ----------
    command : sequence of str, optional
        What to run; it is given the pipe's number. Default: `tests.soak.worker`.
    """

    def __init__(self, command: Sequence[str] = (sys.executable, "-m", "tests.soak.worker")):
        reads, writes = os.pipe()
        self.process = subprocess.Popen(
            [*command, str(writes)], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, pass_fds=(writes,), cwd=ROOT, text=True,
        )  # fmt: skip
        os.close(writes)
        self.pipe = reads
        self.rest = b""
        self.n_networks = 0
        self.ready = self._line(time.monotonic() + START_S) is not None

    def look_at(self, seed: int, only: Iterable[str], time_limit_s: float) -> dict[str, Any]:
        """The record of one network; of a process that died or was ended, one that says so."""
        self.n_networks += 1
        started = time.monotonic()
        said = "" if self.ready else f"it did not begin within {START_S:.0f} s"
        begun = ""
        asked = {"seed": seed, "only": list(only), "time_limit_s": time_limit_s}
        if not said:
            try:
                assert self.process.stdin is not None
                self.process.stdin.write(json.dumps(asked) + "\n")
                self.process.stdin.flush()
                while (line := self._line(started + WAITS * time_limit_s)) is not None:
                    if "begin" not in line:
                        return line
                    begun = line["begin"]
            except BrokenPipeError:
                pass
            said = self._end_in_words(time_limit_s)
        self.end()
        seconds = round(time.monotonic() - started, 2)
        outcome = {"outcome": FAILED, "seconds": seconds, "said": said, "where": ""}
        return {"seed": seed, "seconds": seconds, "network": "", "checks": {begun: outcome}}

    def _end_in_words(self, time_limit_s: float) -> str:
        code = self.process.poll()
        if code is None:
            return f"it took more than {WAITS * time_limit_s:g} s"
        if code == -signal.SIGXCPU:
            return f"it took more than {time_limit_s:g} s of processor time"
        return f"its process ended with code {code}"

    @property
    def is_over(self) -> bool:
        """Whether another one should take its place."""
        return self.process.poll() is not None or self.n_networks >= NETWORKS_A_PROCESS

    def end(self) -> None:
        """End the process, whatever it is doing."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if self.process.stdin is not None:
            self.process.stdin.close()
        if self.pipe >= 0:
            os.close(self.pipe)
            self.pipe = -1

    def _line(self, until: float) -> Any:
        """The next thing that it says; None: it is dead, or it is late."""
        while b"\n" not in self.rest:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.pipe], [], [], left)[0]:
                return None
            more = os.read(self.pipe, 65536)
            if not more:
                self.process.wait()
                return None
            self.rest += more
        line, _, self.rest = self.rest.partition(b"\n")
        return json.loads(line)
