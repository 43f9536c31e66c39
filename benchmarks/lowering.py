"""Time and peak memory of graph, lowering and a whole `profile`, on MobileNetV2 at 96x96, or any.

The steps up to the lowered network run in one process, `profile` of the same model in
another, so that peak memory is its own. Run it on an idle machine::

    python benchmarks/lowering.py [--size 96] [--width 1.0] [--changes]
    python benchmarks/lowering.py --model DenseNet121 --size 32 --no-profile

Ends with status 1 if graph and lowering exceed the limits below. The weights are random:
neither step looks at their values, other than at zeros.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import nengo_spikecost as nsc  # before nengo_dl, which it prepares for

#: What graph and lowering may take for MobileNetV2 at 96x96 or DenseNet121 at 32x32, the process
#: and Keras included.
LIMIT_SECONDS = 60
LIMIT_MB = 4000

N_IMAGES = 2
N_STEPS = 3


def made(name: str, size: int, width: float) -> Any:
    """A model of keras.applications with random weights."""
    import tensorflow as tf

    tf.keras.utils.set_random_seed(0)
    make = getattr(tf.keras.applications, name)
    options = {"alpha": width} if name.startswith("MobileNet") else {}
    return make(input_shape=(size, size, 3), weights=None, **options)


def peak_MB() -> float:
    """Largest memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@contextmanager
def timed(steps: dict[str, tuple[float, float]], what: str) -> Iterator[None]:
    """Note how long a step took, and the peak memory after it."""
    start = time.perf_counter()
    yield
    steps[what] = time.perf_counter() - start, peak_MB()


def run_steps(model: Any, changes: bool) -> dict[str, Any]:
    """Convert, graph and lowering, one after the other."""
    steps: dict[str, tuple[float, float]] = {}
    with timed(steps, "convert"):
        conversion = nsc.convert(model, lower=False)
    with timed(steps, "graph"):
        before = sizes(conversion.net, nsc.NetworkGraph(conversion))
    with timed(steps, "lower"):
        lowering = nsc.lower(conversion.net, keep=conversion.input_nodes)
    with timed(steps, "graph, lowered"):
        after = sizes(lowering.network, nsc.NetworkGraph(lowering.network))
    text = str(lowering) if changes else str(lowering).splitlines()[0]
    return {"steps": steps, "before": before, "after": after, "text": text}


def sizes(net: Any, graph: Any) -> dict[str, int]:
    """How large a network is, and what its graph makes of it."""
    from nengo_spikecost.lowering.lowering_record import n_stored

    neural = [pathway for pathway in graph.pathways if pathway.kind == "neural"]
    return {
        "neurons": net.n_neurons,
        "populations": len(graph.populations),
        "Nodes": len(net.all_nodes),
        "Connections": len(net.all_connections),
        "weights stored": sum(n_stored(conn.transform) for conn in net.all_connections),
        "pathways between neurons": len(neural),
        "their synapses": sum(pathway.n_synapses for pathway in neural),
    }


def run_profile(model: Any) -> dict[str, Any]:
    """All of `profile`: convert, lower, build, simulate, count, price."""
    import numpy as np

    images = np.random.RandomState(0).uniform(0, 1, (N_IMAGES, *model.input_shape[1:]))
    steps: dict[str, tuple[float, float]] = {}
    with timed(steps, f"profile, {N_IMAGES} images of {N_STEPS} steps"):
        result = nsc.profile(
            model, images.astype("f4"), n_steps=N_STEPS, batch_size=1, progress=False
        )
        result.summary_string(print_warnings=False)
    return {"steps": steps}


def in_own_process(part: str, args: argparse.Namespace) -> dict[str, Any]:
    """What one part gives, in a process without the memory of the others."""
    command = [sys.executable, __file__, "--one", part]
    command += ["--size", str(args.size), "--width", str(args.width), "--model", args.model]
    command += ["--changes"] if args.changes else []
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        sys.exit(f"{part} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=96, help="pixels of a side")
    parser.add_argument("--width", type=float, default=1.0, help="alpha of MobileNetV2")
    parser.add_argument("--model", default="MobileNetV2", help="a name of keras.applications")
    parser.add_argument("--no-profile", action="store_true", help="only graph and lowering")
    parser.add_argument("--changes", action="store_true", help="print what was changed")
    parser.add_argument("--one", metavar="PART", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        model = made(args.model, args.size, args.width)
        before = {"steps": {"Python, TensorFlow, the Keras model": (None, peak_MB())}}
        found = run_steps(model, args.changes) if args.one == "steps" else run_profile(model)
        found["steps"] = {**before["steps"], **found["steps"]}
        print(json.dumps(found))
        return
    from counting import print_machine

    print_machine()
    print(f"load at the start: {os.getloadavg()[0]:.2f}")
    found = in_own_process("steps", args)
    print_steps("graph and lowering", found["steps"])
    print_sizes(found["before"], found["after"])
    print(found["text"])
    if not args.no_profile:
        print_steps("profile, a process of its own", in_own_process("profile", args)["steps"])
    check_limits(found["steps"])


def print_steps(title: str, steps: dict[str, Any]) -> None:
    print(f"\n{title:<40} {'seconds':>8} {'peak MB':>8}")
    for step, (seconds, peak) in steps.items():
        print(f"{step:<40} {'' if seconds is None else f'{seconds:.1f}':>8} {peak:>8,.0f}")


def print_sizes(before: dict[str, int], after: dict[str, int]) -> None:
    print(f"\n{'':<28} {'converted':>14} {'lowered':>14}")
    for name in before:
        print(f"{name:<28} {before[name]:>14,} {after[name]:>14,}")


def check_limits(steps: dict[str, Any]) -> None:
    """Say whether graph and lowering stay within the limits; end with status 1 if not."""
    counted = [steps[name] for name in ("graph", "lower", "graph, lowered")]
    seconds, peak = sum(s for s, _ in counted), max(p for _, p in counted)
    print(
        f"\ngraph and lowering: {seconds:.1f} s (limit {LIMIT_SECONDS} s), "
        f"peak {peak:,.0f} MB (limit {LIMIT_MB:,} MB)"
    )
    if seconds > LIMIT_SECONDS or peak > LIMIT_MB:
        sys.exit("over the limit")


if __name__ == "__main__":
    main()
