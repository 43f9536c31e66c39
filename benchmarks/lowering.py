"""Time and peak memory of the network graph and of lowering, on MobileNetV2 at 96x96.

Run it as ``python benchmarks/lowering.py [--width 1.0]``; it prints one line a step. The
weights are random: neither step looks at their values, other than at zeros.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import nengo_spikecost  # noqa: F401


def mobile_net(size: int, width: float) -> Any:
    """A MobileNetV2 with random weights."""
    import tensorflow as tf

    tf.keras.utils.set_random_seed(0)
    return tf.keras.applications.MobileNetV2(input_shape=(size, size, 3), alpha=width, weights=None)


def peak_MB() -> float:
    """Largest memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Print how long a step took, and the peak memory after it."""
    start = time.perf_counter()
    yield
    print(f"{what:<28} {time.perf_counter() - start:7.1f} s   peak {peak_MB():7,.0f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--size", type=int, default=96, help="pixels of a side")
    parser.add_argument("--width", type=float, default=1.0, help="alpha of MobileNetV2")
    parser.add_argument("--changes", action="store_true", help="print what was changed")
    args = parser.parse_args()

    from nengo_spikecost.conversion import convert
    from nengo_spikecost.graph import NetworkGraph
    from nengo_spikecost.lowering import lower

    with timed("Keras model"):
        model = mobile_net(args.size, args.width)
    with timed("convert"):
        conversion = convert(model, lower=False)
    net = conversion.net
    print(f"{net.n_neurons:,} neurons, {len(net.all_connections)} Connections")
    with timed("graph"):
        graph = NetworkGraph(conversion)
        n_synapses = sum(p.n_synapses for p in graph.pathways if p.kind == "neural")
    print(f"{len(graph.pathways)} pathways, {n_synapses:,} synapses")
    with timed("lower"):
        lowering = lower(net, keep=conversion.input_nodes)
    with timed("graph of the lowered network"):
        graph = NetworkGraph(lowering.network)
        n_synapses = sum(p.n_synapses for p in graph.pathways if p.kind == "neural")
    print(f"{len(graph.pathways)} pathways, {n_synapses:,} synapses")
    print(lowering if args.changes else str(lowering).splitlines()[0])


if __name__ == "__main__":
    main()
