"""MNIST through the emulated chip: on the workers of a cluster, and in one process.

Prints time, processor time and peak memory of each, and whether all counts are the same, as digests
of every array; then what processor time 1, 2 and 4 workers take, and what comes of a worker that is
killed and of a sweep that is killed. Every run is in processes of its own. Workers read the images
from a .npy file::

    python benchmarks/scale_out.py mnist.npz [--images 60000] [--scaling 12000]

The file is Keras's: ``x_train`` of shape (60000, 28, 28) and type uint8.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

STEPS, BATCH = 40, 50


def network() -> tuple[Any, Any]:
    """The Keras-to-Loihi tutorial's network, and the Node that takes images."""
    from benchmarks.emulation import tutorial

    net, node, _, _ = tutorial()
    return net, node


def digest(run: Any) -> str:
    """Of all arrays of an emulated run."""
    from nengo_spikecost.digests import array_digest

    arrays = [getattr(run, f.name) for f in dataclasses.fields(run)]
    outputs = [x for output in run.outputs.values() for x in vars(output).values()]
    kept = [x for x in (*arrays, *outputs, *run.host_counts.values()) if isinstance(x, np.ndarray)]
    return array_digest(kept)


def peak_MB() -> float:
    """Of this process."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def used() -> tuple[int, float, float]:
    """Process, processor seconds and peak memory; asked of workers."""
    return os.getpid(), time.process_time(), peak_MB()


@contextlib.contextmanager
def workers(n: int) -> Iterator[Any]:
    """A client of so many workers of one thread, in processes of their own."""
    from distributed import Client, LocalCluster

    cluster = LocalCluster(
        n_workers=n, threads_per_worker=1, dashboard_address=None, memory_limit=0
    )
    with cluster, Client(cluster) as client:
        client.wait_for_workers(n)
        yield client


def emulate(file: str, n_images: int, n_workers: int, kill: bool) -> dict[str, Any]:
    """One run, as a row of the table."""
    from nengo_spikecost.loihi import Emulator

    net, node = network()
    emulator = Emulator(net, batch_size=BATCH)
    images = np.load(file, mmap_mode="r")[:n_images]
    if not n_workers:
        emulator.run({node: images[:BATCH]}, STEPS)  # compiles
        start, cpu = time.perf_counter(), time.process_time()
        run = emulator.run({node: images}, STEPS)
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
        return row(run, seconds, cpu, {"process": peak_MB()})
    part = f"{file}.{n_images}.npy"
    if not os.path.exists(part):
        np.save(part, images)
    del images
    with workers(n_workers) as client:
        warm = f"{file}.{BATCH * n_workers * 4}.npy"
        np.save(warm, np.load(file, mmap_mode="r")[: BATCH * n_workers * 4])
        emulator.run({node: warm}, STEPS, client=client)  # imports, builds and compiles
        before = client.run(used)
        if kill:
            victim = next(iter(before.values()))[0]
            threading.Timer(
                float(os.environ["KILL_AFTER_S"]), os.kill, (victim, signal.SIGKILL)
            ).start()
        start, cpu = time.perf_counter(), time.process_time()
        run = emulator.run({node: part}, STEPS, client=client)
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
        after = client.run(used)
        for address, (_, spent, _) in after.items():
            cpu += spent - before.get(address, (0, 0.0, 0))[1]
        peaks = {"client": peak_MB(), "worker": max(peak for _, _, peak in after.values())}
        gone = len({pid for pid, _, _ in before.values()} - {pid for pid, _, _ in after.values()})
        return {**row(run, seconds, cpu, peaks), "replaced": gone}


def row(run: Any, seconds: float, cpu: float, peaks: dict[str, float]) -> dict[str, Any]:
    """What a run is told by."""
    return {
        "digest": digest(run), "spikes": int(run.spikes.sum()), "synops": int(run.synops.sum()),
        "seconds": seconds, "cpu": cpu, "peaks": peaks,
    }  # fmt: skip


def sweep(study: str, n_trials: int, n_workers: int) -> dict[str, Any]:
    """A sweep of the demo's network, in one process or on workers."""
    import nengo_spikecost as nsc
    from nengo_spikecost.demo import demo_data, demo_model

    data = demo_data()
    options: dict[str, Any] = {"n_trials": n_trials, "study": study, "progress": False}
    given = (demo_model(), data.x_train[:400], data.y_train[:400])
    start = time.perf_counter()
    if n_workers:
        with workers(n_workers) as client:
            swept = nsc.sweep(*given, **options, client=client)
    else:
        swept = nsc.sweep(*given, **options)
    trials = [
        (t.number, t.state, sorted(t.scales.items()), [
            (r.n_steps, r.correct.tobytes().hex(), r.energy_J.tobytes().hex()) for r in t.readings
        ])
        for t in swept.trials
    ]  # fmt: skip
    from nengo_spikecost.digests import array_digest

    best = swept.best(max(swept.space.losses))
    return {
        "digest": array_digest([json.dumps(trials)]), "trials": len(trials),
        "best": [best.trial, best.n_steps, best.energy_J], "seconds": time.perf_counter() - start,
    }  # fmt: skip


def apart(*arguments: Any, **environment: str) -> dict[str, Any]:
    """A run in a process of its own."""
    told = subprocess.run(
        command(*arguments), capture_output=True, text=True, check=False,
        env={**os.environ, **environment},
    )  # fmt: skip
    if told.returncode:
        sys.exit(told.stderr)
    return dict(json.loads(told.stdout.splitlines()[-1]))


def command(*arguments: Any) -> list[str]:
    """The command line of one run."""
    return [sys.executable, "-m", "benchmarks.scale_out", "--one", *map(str, arguments)]


def line(name: str, told: dict[str, Any], n_images: int) -> str:
    """A row of the table."""
    peaks = ", ".join(f"{peak:,.0f} MB {who}" for who, peak in told["peaks"].items())
    return (
        f"{name:<22} {told['seconds']:7.1f} s  {told['cpu']:7.1f} s of processor  "
        f"{n_images / told['seconds']:6.0f} images/s  peak {peaks}"
    )


def killed_sweep(folder: str, n_trials: int) -> None:
    """Kill a sweep on two workers after some trials, go on, and compare."""
    import sqlite3

    alone = apart("sweep", f"{folder}/alone.db", n_trials, 0)
    study = f"{folder}/killed.db"
    process = subprocess.Popen(
        command("sweep", study, n_trials, 2), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    done = 0
    while process.poll() is None and done < n_trials // 3:
        time.sleep(0.05)
        if os.path.exists(study):
            try:
                with sqlite3.connect(f"file:{study}?mode=ro", uri=True) as db:
                    done = db.execute("SELECT count(*) FROM trials").fetchone()[0]
            except sqlite3.OperationalError:
                continue
    process.kill()
    process.wait()
    ended = apart("sweep", study, n_trials, 2)
    print(
        f"\nSweep of {n_trials} trials in one process: {alone['seconds']:.1f} s. On two workers, "
        f"killed after {done} trials and gone on with: trials the same: "
        f"{alone['digest'] == ended['digest']} ({ended['trials']}), best trial, steps and energy "
        f"{alone['best']} and {ended['best']}."
    )


def main() -> None:
    """Run the benchmark."""
    if sys.argv[1:2] == ["--one"]:
        kind, *rest = sys.argv[2:]
        if kind == "sweep":
            told = sweep(rest[0], int(rest[1]), int(rest[2]))
        else:
            told = emulate(rest[0], int(rest[1]), int(rest[2]), rest[3] == "kill")
        print(json.dumps(told))
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mnist", type=Path)
    parser.add_argument("--images", type=int, default=60_000)
    parser.add_argument("--scaling", type=int, default=12_000, help="images of the other runs")
    parser.add_argument("--trials", type=int, default=30)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = f"{folder}/images.npy"
        images = np.load(arguments.mnist)["x_train"].reshape(-1, 784)
        np.save(file, (images / 255).astype(np.float32))
        n = min(arguments.images, len(images))
        one, two = (apart("emulate", file, n, n_workers, "-") for n_workers in (0, 2))
        print(f"{n:,} images of {STEPS} steps, {one['spikes']:,} spikes, {one['synops']:,} synops")
        print(line("one process", one, n))
        print(line("two workers", two, n))
        print(f"All counts and outputs the same: {one['digest'] == two['digest']}\n")
        n = min(arguments.scaling, n)
        runs = {k: apart("emulate", file, n, k, "-") for k in (1, 2, 4)}
        for n_workers, told in runs.items():
            print(line(f"{n_workers} workers, {n:,}", told, n))
        print(f"All the same: {len({told['digest'] for told in runs.values()}) == 1}\n")
        after = str(runs[2]["seconds"] / 3)
        killed = apart("emulate", file, n, 2, "kill", KILL_AFTER_S=after)
        print(line("2 workers, 1 killed", killed, n))
        print(
            f"Workers replaced: {killed['replaced']}; all the same: "
            f"{killed['digest'] == runs[2]['digest']}"
        )
        killed_sweep(folder, arguments.trials)


if __name__ == "__main__":
    main()
