"""What tests of a cluster share: a worker that dies, a cluster with nothing left to do."""

from __future__ import annotations

import os
import signal
import threading


def kills_once(folder, samples):
    """Samples in batches of 3; the second time they are asked for, their worker ends among them."""

    def batches():
        for start in range(0, len(samples), 3):
            if start == 6 and (folder / "asked").exists() and not (folder / "died").exists():
                (folder / "died").touch()
                os.kill(os.getpid(), signal.SIGKILL)
            yield samples[start : start + 3]
        (folder / "asked").touch()

    return batches


def assert_idle(client, seconds=10):
    """Nothing waits on the cluster that nobody would take, or not for long."""
    for _ in range(10 * seconds):
        left = client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks))
        if not left:
            return
        threading.Event().wait(0.1)
    raise AssertionError(f"{left} tasks are left")
