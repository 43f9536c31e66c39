"""Speed and memory of this checkout against another one, side by side.

Both run the same networks on the same data, in turn, every time in a process of its own: the
medians of these are compared, so that a machine that is busy for a while slows down both. Run it
on an idle machine::

    git worktree add --detach OTHER 859201a
    python benchmarks/against.py --old OTHER [ROW ...] [--repeats 5]

Times are wall time and processor time of all threads, in s. ``first`` is the first call, with
building and compiling; ``again`` the median of the calls after it; *peak* the most memory that the
process held. The old checkout measures with NengoDL, this one with compiled code.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from typing import Any, Callable

HERE = pathlib.Path(__file__).resolve().parent

#: Of each row: where it is measured, what of it, and the ratio that is aimed at.
ROWS = {
    "cifar-again": ("measure cifar", "again", 8.0, "measure, CIFAR-size, 50 images x 60"),
    "cifar-first": ("measure cifar", "first", 4.0, "  its first call, with building"),
    "cifar-peak": ("measure cifar", "peak", 1.0, "  peak memory, MB"),
    "tutorial-again": ("measure tutorial", "again", 4.0, "measure, tutorial, 200 images x 30"),
    "tutorial-first": ("measure tutorial", "first", 4.0, "  its first call, with building"),
    "tutorial-peak": ("measure tutorial", "peak", 1.0, "  peak memory, MB"),
    "emulator-busy": ("emulate cifar", "again", 2.5, "Emulator, CIFAR-size, 7 % fire, 25 images"),
    "emulator-quiet": ("emulate cifar", "quiet", 1.0, "  the same, 1 % fire"),
    "emulator-tutorial": ("emulate tutorial", "again", 1.5, "Emulator, tutorial, 200 images x 40"),
    "candidate": ("candidate", "again", 5.0, "a candidate of a sweep, 200 images x 30 steps"),
    "candidate-first": ("candidate", "first", 1.0, "  its network, with building"),
    "sweep": ("sweep", "first", 3.0, "sweep of docs/sweep.md, 24 settings"),
    "dense-net": ("dense net", "first", 3.0, "convert, DenseNet of 26 blocks"),
    "dense-net-peak": ("dense net", "peak", 1.0, "  peak memory, MB"),
}  # fmt: skip

#: Scales of a sweep's candidates, drawn once.
LAYERS = ("to-spikes", "conv0", "conv1", "dense0")

Times = tuple[float, float]


def timed(function: Callable[[], Any], repeats: int = 1) -> tuple[Any, Times]:
    """What a function returns, and the medians of its wall time and its processor time."""
    times = []
    for _ in range(repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        result = function()
        times.append((time.perf_counter() - wall, time.process_time() - cpu))
    wall, cpu = (statistics.median(column) for column in zip(*times))
    return result, (wall, cpu)


def measure(name: str, new: bool) -> dict[str, Any]:
    """Counting: the simulator alone, as `measure` calls it batch by batch."""
    from networks import NETWORKS

    import nengo_spikecost as nsc
    from nengo_spikecost.activity import BACKENDS
    from nengo_spikecost.activity.backend import Setup
    from nengo_spikecost.activity.samples import InputSpec

    make, n_steps, batch_size = NETWORKS[name]
    model, x = make()
    conversion = nsc.convert(
        model, neuron_type="SpikingRectifiedLinear", scale_firing_rates=100, synapse=0.005
    )
    node, graph = conversion.input_nodes[0], nsc.NetworkGraph(conversion)
    setup = Setup(
        network=conversion.net, inputs=[InputSpec("input", node, node.size_out)],
        populations=graph.populations, outputs=dict(conversion.outputs), n_steps=n_steps,
        dt=0.001, batch_size=batch_size, seed=0, presentation="fresh",
    )  # fmt: skip
    flat = x.reshape(len(x), 1, -1)
    backends: list[Any] = []

    def run() -> int:
        if not backends:
            backends.append(BACKENDS["compiled" if new else "nengo_dl"](setup))
        spikes = 0
        for start in range(0, len(x), batch_size):
            counted = backends[0].run({"input": flat[start : start + batch_size]})
            spikes += sum(int(counts.sum()) for counts in counted.counts.values())
        return spikes

    _, first = timed(run)
    before = peak_memory()
    spikes, again = timed(run, 1 if name == "cifar" else 3)
    return {"first": first, "again": again, "peak": (max(before, peak_memory()),), "work": spikes}


def emulate(name: str, new: bool) -> dict[str, Any]:
    """The emulated chip, built and compiled before; of the large one, most or few neurons fire."""
    import emulation

    if name == "tutorial":
        return emulated(emulation.tutorial(), 200, 100)
    busy, quiet = (emulated(emulation.cifar(strength), 25, 25) for strength in (1.0, QUIET))
    return {
        "again": busy["again"], "quiet": quiet["again"], "work": busy["work"] + quiet["work"],
        "firing": (busy["firing"], quiet["firing"]),
    }  # fmt: skip


def emulated(network: Any, n: int, batch_size: int) -> dict[str, Any]:
    """``n`` images; synops, and how many of the chip's neurons fire at a step."""
    import numpy as np

    from nengo_spikecost.loihi import Emulator

    net, node, images, n_steps = network
    images = np.resize(images, (n, images.shape[1]))
    with Emulator(net, batch_size=batch_size) as emulator:
        emulator.run({node: images[:batch_size]}, n_steps)
        run, again = timed(lambda: emulator.run({node: images}, n_steps), 3)
    firing = run.block_spikes().sum() / (n * n_steps * run.block_of[-1].stop)
    return {"again": again, "work": int(run.synops.sum()), "firing": float(firing)}


#: Weights times this make 1 % of the CIFAR-size network's neurons fire at each step.
QUIET = 0.3


def candidate(new: bool) -> dict[str, Any]:
    """Firing-rate scales changed in place, and 200 images simulated with them."""
    import numpy as np

    from nengo_spikecost.demo import demo_data, demo_model
    from nengo_spikecost.tuning import RescalableNetwork

    model, x = demo_model(), demo_data().x_train[:200]
    options: dict[str, Any] = {"simulator": "compiled"} if new else {}
    rng = np.random.RandomState(0)
    settings = [{layer: float(np.exp(rng.uniform(4, 6))) for layer in LAYERS} for _ in range(5)]
    networks: list[Any] = []

    def run() -> int:
        if not networks:
            networks.append(
                RescalableNetwork(
                    model, batch_size=100, synapse=0.005,
                    neuron_type="LoihiSpikingRectifiedLinear", **options,
                )
            )  # fmt: skip
        activity = networks[0].run(x, 30, scales=settings.pop())[30]
        return sum(int(p.counts.sum()) for p in activity.populations.values())

    _, first = timed(run)
    spikes, again = timed(run, 4)
    return {"first": first, "again": again, "work": spikes}


def sweep(new: bool) -> dict[str, Any]:
    """The call of the page on sweeps, from the Keras model to the front."""
    import nengo_spikecost as nsc
    from nengo_spikecost.demo import demo_data, demo_model

    model, digits = demo_model(), demo_data()
    options: dict[str, Any] = {"simulator": "compiled"} if new else {}
    with tempfile.TemporaryDirectory() as folder:
        swept, first = timed(
            lambda: nsc.sweep(
                model, digits.x_test[:300], digits.y_test[:300], n_steps=(30, 40), n_trials=24,
                neuron_type="LoihiSpikingRectifiedLinear", device="loihi", progress=False,
                study=os.path.join(folder, "digits.db"), **options,
            )
        )  # fmt: skip
    return {"first": first, "work": len(swept.front())}


#: Blocks of each stage of a DenseNet. The 58 of DenseNet121 took 14 to 18 GB before.
DENSE_NET = (6, 12, 8)


def dense_net(new: bool) -> dict[str, Any]:
    """`convert` with lowering; the work are the synapses between neurons."""
    import tensorflow as tf

    import nengo_spikecost as nsc

    layers = tf.keras.layers
    inp = tf.keras.Input((32, 32, 3))

    def after(x: Any, filters: int, size: int) -> Any:
        x = layers.ReLU()(layers.BatchNormalization()(x))
        return layers.Conv2D(filters, size, padding="same", use_bias=False)(x)

    x = layers.Conv2D(64, 3, strides=2, padding="same", activation="relu")(inp)
    for number, blocks in enumerate(DENSE_NET):
        if number:
            x = layers.AveragePooling2D(2)(after(x, x.shape[-1] // 2, 1))
        for _ in range(blocks):
            x = layers.Concatenate()([x, after(after(x, 128, 1), 32, 3)])
    x = layers.GlobalAveragePooling2D()(layers.ReLU()(layers.BatchNormalization()(x)))
    model = tf.keras.Model(inp, layers.Dense(10)(x))
    conversion, first = timed(lambda: nsc.convert(model, max_pooling="average"))
    peak = peak_memory()
    pathways = nsc.NetworkGraph(conversion).pathways
    synapses = sum(pathway.n_synapses for pathway in pathways if pathway.kind == "neural")
    return {"first": first, "peak": (peak,), "work": synapses}


JOBS: dict[str, Callable[[bool], dict[str, Any]]] = {
    "measure cifar": lambda new: measure("cifar", new),
    "measure tutorial": lambda new: measure("tutorial", new),
    "emulate cifar": lambda new: emulate("cifar", new),
    "emulate tutorial": lambda new: emulate("tutorial", new),
    "candidate": candidate,
    "sweep": sweep,
    "dense net": dense_net,
}


def peak_memory() -> float:
    """The most memory that this process held, in MB."""
    try:
        status = pathlib.Path("/proc/self/status").read_text()
    except OSError:  # not Linux
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    # unlike ru_maxrss, this is not inherited from the process that started this one
    return next(int(line.split()[1]) for line in status.splitlines() if "VmHWM" in line) / 1024


def in_own_process(job: str, checkout: pathlib.Path, new: bool) -> dict[str, Any]:
    """The figures of a job with the package of a checkout."""
    path = os.pathsep.join([str(checkout), str(HERE)])
    environment = {**os.environ, "PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "3"}
    # Python keeps what it has compiled of both, as it does once a package is installed
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, str(HERE / "against.py"), "--job", job, *(["--new"] * new)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=checkout)
    if done.returncode:
        sys.exit(f"{job} failed with {checkout}:\n{done.stderr[-3000:]}")
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    if pathlib.Path(result["package"]).parent.parent != checkout:
        sys.exit(f"{job} was to be run with {checkout}, but took {result['package']}.")
    return result


def run_job(job: str, new: bool) -> None:
    """Print the figures of a job as JSON."""
    import nengo_spikecost

    # two of the builds warn of other things; what they compute is compared
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = JOBS[job](new)
    print(json.dumps({**result, "package": nengo_spikecost.__file__}))


def median(results: list[dict[str, Any]], what: str, place: int) -> float:
    return statistics.median(result[what][place] for result in results)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", nargs="*", help=f"of {', '.join(ROWS)}; all by default")
    parser.add_argument("--old", type=pathlib.Path, help="the other checkout")
    parser.add_argument("--repeats", type=int, default=5, help="processes of each")
    parser.add_argument("--sweeps", type=int, default=3, help="the same, of the sweep")
    parser.add_argument("--job", help=argparse.SUPPRESS)
    parser.add_argument("--new", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.job:
        run_job(arguments.job, arguments.new)
        return
    unknown = [row for row in arguments.rows if row not in ROWS]
    if unknown:
        parser.error(f"no row {unknown[0]}: the rows are {', '.join(ROWS)}")
    if arguments.old is None or not (arguments.old / "nengo_spikecost").is_dir():
        parser.error("--old must be a folder with another checkout of this project")
    rows = {name: ROWS[name] for name in arguments.rows or ROWS}
    started, old, new = time.perf_counter(), arguments.old.resolve(), HERE.parent
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    print(f"{os.cpu_count()} processors, load {load} at the start; old, new, and old / new")
    print(f"{'':46}{'wall':^24}{'processor time':^24}{'goal':>6}")
    for job in dict.fromkeys(row[0] for row in rows.values()):
        repeats = arguments.sweeps if job == "sweep" else arguments.repeats
        pairs = [
            (in_own_process(job, old, False), in_own_process(job, new, True))
            for _ in range(repeats)
        ]
        before, after = map(list, zip(*pairs))
        for _, what, goal, title in (row for row in rows.values() if row[0] == job):
            text = f"{title:46}"
            for place in range(len(before[0][what])):
                a, b = median(before, what, place), median(after, what, place)
                text += f"{a:8.3f}{b:8.3f}{a / b:7.2f} " if what != "peak" else (
                    f"{a:8,.0f}{b:8,.0f}{a / b:7.2f} {'':24}"
                )  # fmt: skip
            print(f"{text}{goal:6.1f}", flush=True)
        work = [result[0]["work"] for result in (before, after)]
        print(f"  done in both: {work[0]:,} and {work[1]:,}", flush=True)
    print(f"took {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
