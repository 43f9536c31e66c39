"""Time and memory of counting spikes, against the simulation without it.

Every method runs in a process of its own, one after the other, so that peak memory is its
own. Prints one table a network; run it on an idle machine::

    python benchmarks/counting.py [tutorial] [cifar] [--repeats 5]

``first`` is the whole first call, with building and tracing the network; ``again`` the best
of the repeats that follow; ``cpu`` the least processor time of these.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time

import nengo_spikecost as nsc  # before nengo_dl, which it prepares for

METHODS = {
    "default": "predict, default planner",
    "bare": "predict, cheap planner",
    "history": "predict, cheap planner, full-history probes",
    "probes": "measure, public NengoDL interface",
    "stream": "measure",
}


def prepare(network: str, method: str):
    """The conversion, and a function that simulates all images once."""
    import nengo
    import nengo_dl
    import numpy as np
    from networks import NETWORKS

    from nengo_spikecost.activity import BACKENDS
    from nengo_spikecost.activity.backend import Setup
    from nengo_spikecost.activity.samples import InputSpec

    make, n_steps, batch_size = NETWORKS[network]
    model, x = make()
    conversion = nsc.convert(
        model, neuron_type="SpikingRectifiedLinear", scale_firing_rates=100, synapse=0.005
    )
    node = conversion.input_nodes[0]
    flat = x.reshape(len(x), 1, -1)
    state = {}

    def simulate():
        if "sim" not in state:
            with conversion.net:
                if method != "default":
                    planner = nengo_dl.graph_optimizer.noop_planner
                    nengo_dl.configure_settings(planner=planner)
                if method == "history":
                    for ensemble in conversion.net.all_ensembles:
                        nengo.Probe(ensemble.neurons)
            state["sim"] = nengo_dl.Simulator(
                conversion.net, minibatch_size=batch_size, progress_bar=False, seed=0
            )
        data = state["sim"].predict({node: np.tile(flat, (1, n_steps, 1))}, verbose=0)
        return sum(float(found.sum()) for found in data.values())

    def measure():
        if "backend" not in state:
            graph = nsc.NetworkGraph(conversion)
            setup = Setup(
                network=conversion.net,
                inputs=[InputSpec("input", node, node.size_out)],
                populations=graph.populations,
                outputs=dict(conversion.outputs),
                n_steps=n_steps,
                dt=0.001,
                batch_size=batch_size,
                seed=0,
                presentation="fresh",
            )
            name = "nengo_dl_probes" if method == "probes" else "nengo_dl"
            state["backend"] = BACKENDS[name](setup)
        spikes = 0
        for start in range(0, len(x), batch_size):
            found = state["backend"].run({"input": flat[start : start + batch_size]})
            spikes += sum(int(counts.sum()) for counts in found.counts.values())
        return spikes

    return measure if method in ("probes", "stream") else simulate


def run_one(network: str, method: str, repeats: int) -> dict:
    """Figures of one method, measured in this process."""
    run = prepare(network, method)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    start = time.perf_counter()
    run()
    first = time.perf_counter() - start
    wall, cpu = [], []
    for _ in range(repeats):
        start, cpu_start = time.perf_counter(), time.process_time()
        run()
        wall.append(time.perf_counter() - start)
        cpu.append(time.process_time() - cpu_start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "first": first, "again": min(wall), "cpu": min(cpu), "before": before, "peak": peak
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="*", default=["tutorial", "cifar"])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--one", metavar="METHOD", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(json.dumps(run_one(args.networks[0], args.one, args.repeats)))
        return
    print_machine()
    for network in args.networks:
        figures = {method: in_own_process(network, method, args.repeats) for method in METHODS}
        print_table(network, figures)


def in_own_process(network: str, method: str, repeats: int) -> dict:
    command = [sys.executable, __file__, network, "--one", method, "--repeats", str(repeats)]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        sys.exit(f"{network}, {method} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def print_machine() -> None:
    print(nsc.stack.report())
    print(f"{os.cpu_count()} cores")


def print_table(network: str, figures: dict) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"{network}: seconds and MB; x = times the bare predict")
    for header in ("", "first s", "again s", "x", "cpu s", "x", "peak MB", "x"):
        table.add_column(header, justify="left" if not header else "right")
    bare = figures["bare"]
    for method, found in figures.items():
        table.add_row(
            METHODS[method],
            f"{found['first']:.2f}",
            f"{found['again']:.3f}", f"{found['again'] / bare['again']:.2f}",
            f"{found['cpu']:.3f}", f"{found['cpu'] / bare['cpu']:.2f}",
            f"{found['peak']:,.0f}", f"{found['peak'] / bare['peak']:.2f}",
        )  # fmt: skip
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
