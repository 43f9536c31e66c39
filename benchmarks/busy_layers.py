"""How busy a layer must be for a dense product to cost less than its spikes one by one.

Products of one layer for one sample, with random sources that fire: by events, as a dense product,
and as the compiled engine chooses between them (hybrid). For the emulated chip: its events, and the
dense product that could take their place. Processor time of one thread, of the quickest calls in
turn. Draws the curves::

    python benchmarks/busy_layers.py [--plot docs/_static/busy_layers.png] [--seconds 0.02]
"""

from __future__ import annotations

import argparse
import time
from typing import Any, Callable

import numpy as np

import nengo_spikecost  # noqa: F401  (before nengo_dl, which it prepares for)
from nengo_spikecost.activity.compiled import product_kernels as kernels
from nengo_spikecost.activity.compiled.assembling import joined
from nengo_spikecost.activity.compiled.crossover import measured_crossovers
from nengo_spikecost.activity.compiled.products import (
    CONVOLUTION,
    MATRIX,
    Products,
    by_source,
    by_target,
)

ACTIVITIES = (0.001, 0.003, 0.01, 0.02, 0.03, 0.05, 0.08, 0.12, 0.2, 0.3, 0.5)

#: Rows and columns of the image, channels, filters, kernel, stride.
CONVOLUTIONS = {
    "conv 32x32x64 to 64, 3x3": (32, 64, 64, 3, 1),
    "conv 16x16x128 to 128, 3x3": (16, 128, 128, 3, 1),
    "conv 26x26x32 to 64, 3x3, stride 2": (26, 32, 64, 3, 2),
    "conv 8x8x256 to 256, 1x1": (8, 256, 256, 1, 1),
}

#: Sources and targets.
MATRICES = {"dense 2304 to 100": (2304, 100), "dense 1024 to 1024": (1024, 1024)}

Curves = dict[str, list[float]]


class Layer:
    """One product, as the compiled engine has it, and room for it."""

    def __init__(self, shape: tuple[int, ...], weights: np.ndarray, targets: np.ndarray):
        self.shape, self.by_source, self.by_target = shape, weights, targets
        self.most_events, self.padded_size = 0, _padded_size(shape)
        measured_crossovers([self], np.float32)
        one, none = np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int32)
        row = np.zeros((1, 16), dtype=np.int64)
        row[0, : len(shape)] = shape
        values = joined([weights, targets], np.float32)
        self.table = Products(
            row, one, one + weights.size, one, none, np.zeros((1, 2), dtype=np.int64),
            one + self.most_events, values,
        )  # fmt: skip
        self.marks = -(-shape[2] // 64) * 64  # behind the targets: a bit for each source
        n_marks = -(-shape[1] // 64) * 64 // 32
        self.y = joined([np.zeros(self.marks + n_marks)], np.float32)
        self.padded = joined([np.zeros(self.padded_size + 64)], np.float32)
        self.events = np.empty(shape[1], dtype=np.int32)

    def ways(self, x: np.ndarray) -> dict[str, Callable[[], Any]]:
        """The same product in three ways, of sources that are marked."""
        p, y, events, padded, marks = self.table, self.y, self.events, self.padded, self.marks
        bits = np.zeros(32 * (y.size - marks), dtype=bool)
        bits[: x.size] = x != 0
        y[marks:] = np.packbits(bits, bitorder="little").view(np.float32)
        matrix = self.shape[0] == MATRIX
        one_by_one = kernels.matrix_events if matrix else kernels.convolution_events
        n, ended = self.shape[1], np.zeros(1, dtype=np.int64)  # never set: nothing ends it early

        def by_events() -> None:
            one_by_one(p, 0, x, 0, y, 0, events, kernels.marked(y, marks, n, events), ended)

        def dense() -> None:
            if matrix:
                kernels.matrix_dense(p, 0, x, 0, y, 0, ended)
            else:
                kernels.convolution_dense(p, 0, x, 0, y, 0, padded, ended)

        return {
            "events": by_events, "dense": dense,
            "hybrid": lambda: kernels.product(p, 0, x, 0, y, 0, marks, events, padded, ended),
        }  # fmt: skip


def _padded_size(shape: tuple[int, ...]) -> int:
    if shape[0] != CONVOLUTION:
        return 0
    channels, out_rows, out_columns = shape[5:8]
    rows, columns, down, right = shape[9:13]
    return ((out_rows - 1) * down + rows) * ((out_columns - 1) * right + columns) * channels


def convolution(size: int, channels: int, filters: int, kernel: int, stride: int) -> Layer:
    """Without padding."""
    out = (size - kernel) // stride + 1
    weights = np.random.RandomState(0).normal(size=(kernel, kernel, channels, filters))
    shape = (
        CONVOLUTION, size * size * channels, out * out * filters, size, size, channels,
        out, out, filters, kernel, kernel, stride, stride, 0, 0,
    )  # fmt: skip
    return Layer(shape, by_source(weights, stride), by_target(weights))


def matrix(n_sources: int, n_targets: int) -> Layer:
    weights = np.random.RandomState(0).normal(size=n_sources * n_targets)
    return Layer((MATRIX, n_sources, n_targets), weights, np.zeros(0))


def least(ways: dict[str, Callable[[], Any]], seconds: float) -> dict[str, float]:
    """Processor time of the quickest calls of each, in microseconds; called in turn.

    The 5th percentile: of many thousand calls one or two read less time than passed, as the clock
    of a virtual machine jumps, and the least of all would be theirs.
    """
    times: dict[str, list[int]] = {name: [] for name in ways}
    for call in ways.values():
        call()
    for _ in range(3):
        for name, call in ways.items():
            start = time.perf_counter()
            while time.perf_counter() - start < seconds:
                before = time.thread_time_ns()
                call()
                times[name].append(time.thread_time_ns() - before)
    return {name: float(np.quantile(own, 0.05)) / 1e3 for name, own in times.items()}


#: How often a point is timed again if the hybrid seems to be dearer than the better way.
AGAIN = 3


def curves(layer: Layer, seconds: float) -> Curves:
    rng = np.random.RandomState(1)
    result: Curves = {"events": [], "dense": [], "hybrid": []}
    for activity in ACTIVITIES:
        x = joined([np.zeros(layer.shape[1])], np.float32)
        x[rng.permutation(x.size)[: max(1, round(activity * x.size))]] = 1
        ways = layer.ways(x)
        found = least(ways, seconds)
        for _ in range(AGAIN):
            # where another process took the cache meanwhile, all three are timed once more, and
            # the least is taken of both times
            if found["hybrid"] < 1.05 * min(found["events"], found["dense"]):
                break
            found = {way: min(found[way], value) for way, value in least(ways, seconds).items()}
        for way, value in found.items():
            result[way].append(value)
    return result


def chip_curves(seconds: float) -> dict[str, Curves]:
    """Layers of the emulated CIFAR-size network: events, and dense products of their shapes."""
    import emulation

    from nengo_spikecost.loihi import Emulator
    from nengo_spikecost.loihi.emulation.delivery_kernels import deliver

    net, *_ = emulation.cifar()
    emulator = Emulator(net, batch_size=1)
    chip, tables, result = emulator.chip, emulator.chip.tables, {}
    n = chip.n_compartments
    rng = np.random.RandomState(1)
    # the layers after the one on the host, with the size of the image that each gets
    for name, number, size, layer in (
        ("conv 15x15x64 to 72, 3x3", 1, 15, emulation.CIFAR_LAYERS[2]),
        ("conv 13x13x72 to 256, 3x3, stride 2", 2, 13, emulation.CIFAR_LAYERS[3]),
        ("conv 6x6x256 to 256, 1x1", 3, 6, emulation.CIFAR_LAYERS[4]),
    ):
        filters, kernel, stride, _ = layer
        sources = np.flatnonzero(_of_ensemble(emulator, net.all_ensembles[number]))
        dense = convolution(size, len(sources) // size**2, filters, kernel, stride)
        inputs, reached = np.zeros(n, dtype=np.int32), np.zeros(n, dtype=np.uint8)
        marked, sums = np.zeros(tables.n_marks, dtype=np.int64), np.zeros(dense.shape[2], np.int32)
        steps = iter(range(1, 10**9))
        own: Curves = {"events": [], "dense": []}
        for activity in ACTIVITIES:
            fired = np.sort(rng.permutation(sources)[: max(1, round(activity * len(sources)))])
            events, n_fired = np.append(fired, 0).astype(np.int32), len(fired)
            x = np.zeros(dense.shape[1], dtype=np.float32)
            x[rng.permutation(x.size)[: len(fired)]] = 1

            def by_events(e=events, m=n_fired, i=inputs, r=reached, k=marked, s=steps) -> None:
                deliver(tables, e, m, i, r, k, next(s))

            def product(layer=dense, x=x, total=sums) -> None:
                layer.ways(x)["dense"]()
                np.add(total, layer.y[: layer.shape[2]], out=total, casting="unsafe")

            times = least({"events": by_events, "dense": product}, seconds)
            for way, value in times.items():
                own[way].append(value)
        result[f"chip: {name}"] = own
    return result


def _of_ensemble(emulator: Any, ensemble: Any) -> np.ndarray:
    own = np.zeros(emulator.chip.n_compartments, dtype=bool)
    own[emulator._ensembles[ensemble]] = True
    return own


def crossing(own: Curves) -> str:
    """The activity at which events cost as much as the dense product."""
    ratio = np.log(np.array(own["events"]) / own["dense"])
    above = np.flatnonzero(ratio > 0)
    if not above.size:
        return "above 50 %"
    k = above[0]
    if k == 0:
        return f"below {100 * ACTIVITIES[0]:.1f} %"
    a, b = np.log(ACTIVITIES[k - 1 : k + 1])
    share = -ratio[k - 1] / (ratio[k] - ratio[k - 1])
    return f"{100 * np.exp(a + share * (b - a)):.1f} %"


def products_of(shape: tuple[int, ...]) -> int:
    """Multiply-accumulates of a dense product: as many as synapses."""
    if shape[0] != CONVOLUTION:
        return shape[1] * shape[2]
    return shape[2] * shape[5] * shape[9] * shape[10]


def show_rates(own: Curves, n_products: int) -> None:
    """Print how many products a second are made at best; about so many, at a border of sources."""
    events = max(n_products * a / t for a, t in zip(ACTIVITIES, own["events"])) / 1e3
    dense = n_products / min(own["dense"]) / 1e3
    print(f"at best {events:.1f}e9 synops and {dense:.0f}e9 multiply-accumulates a second")


def show(name: str, own: Curves) -> None:
    """Print the curves of a layer."""
    print(f"\n{name}: events and dense product cost the same at {crossing(own)}")
    print("".join(f"{a:9.1%}" for a in ACTIVITIES))
    for way, values in own.items():
        print("".join(f"{v:9.1f}" for v in values), f"us {way}")
    if "hybrid" in own:
        better = np.minimum(own["events"], own["dense"])
        over = np.array(own["hybrid"]) / better - 1
        print("".join(f"{v:9.0%}" for v in over), "hybrid over the better")


def plot(found: dict[str, Curves], path: str) -> None:
    """Draw all curves."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    from matplotlib.ticker import LogLocator, NullFormatter

    rows = -(-len(found) // 3)
    figure, axes = plt.subplots(rows, 3, figsize=(12, 3.3 * rows), sharex=True, squeeze=False)
    styles = {"events": ("C0", "o-"), "dense": ("C1", "s-"), "hybrid": ("C2", "--")}
    for axis, (name, own) in zip(axes.flat, found.items()):
        for way, values in own.items():
            color, style = styles[way]
            axis.loglog(
                100 * np.array(ACTIVITIES), values, style, color=color, label=way, markersize=4,
                linewidth=3 if way == "hybrid" else 1.5, alpha=0.9,
            )  # fmt: skip
        axis.set_title(f"{name}\nbreak-even {crossing(own)}", fontsize=10)
        axis.grid(alpha=0.3)
        axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        for numbered in (axis.xaxis, axis.yaxis):  # 0.1, 1, 10, and not powers
            numbered.set_major_formatter("{x:g}")
            numbered.set_minor_formatter(NullFormatter())
    for axis in axes.flat[len(found) :]:
        axis.set_visible(False)
    for axis in axes[-1]:
        axis.set_xlabel("sources that fire at a step, %")
    for axis in axes[:, 0]:
        axis.set_ylabel("microseconds")
    axes[0, 0].legend()
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plot", metavar="FILE")
    parser.add_argument("--seconds", type=float, default=0.02, help="for each point, three times")
    arguments = parser.parse_args()
    layers = {name: convolution(*own) for name, own in CONVOLUTIONS.items()}
    layers.update({name: matrix(*own) for name, own in MATRICES.items()})
    found = {name: curves(layer, arguments.seconds) for name, layer in layers.items()}
    found.update(chip_curves(arguments.seconds))
    for name, own in found.items():
        show(name, own)
        if name in layers:
            show_rates(own, products_of(layers[name].shape))
    if arguments.plot:
        plot(found, arguments.plot)


if __name__ == "__main__":
    main()
