"""Networks and spikes of measured boards, as every estimator of the scoreboard is given them.

    python tools/scoreboard_given.py FILE.npz      # for tools that run in another environment

A `Given` is a list of layers, each with the spikes that it gets and those that its neurons emit,
step by step. Where a network is known it is that network on the emulated chip. Where only counts
are published it is the plainest network that has these counts, cut into layers of a core's size,
since some tools take a layer for one memory; `Given.how` says which.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

from validation_others import SPIKES_PER_SYNAPSE, TUTORIAL_SPIKES


@dataclass(frozen=True)
class Layer:
    """Synapses, and the neurons behind them.

    Attributes
    ----------
    name : str
    spikes_in : ndarray of bool, shape (n_steps, n_in)
    spikes_out : ndarray of bool, shape (n_steps, n_out), optional
        None: the synapses lead to neurons of another layer.
    convolution : tuple of int, optional
        Height and width of the input, channels in, channels out, kernel and stride; no padding.
        None: all to all.
    """

    name: str
    spikes_in: np.ndarray = field(repr=False)
    n_out: int
    spikes_out: np.ndarray | None = field(default=None, repr=False)
    convolution: tuple[int, ...] | None = None

    @property
    def n_in(self) -> int:
        """Neurons that send."""
        return int(self.spikes_in.shape[1])

    @property
    def neurons(self) -> int:
        """Neurons of its own."""
        return 0 if self.spikes_out is None else self.n_out

    @property
    def synapses(self) -> int:
        """From neuron to neuron."""
        if self.convolution is None:
            return self.n_in * self.n_out
        _, _, inputs, _, kernel, _ = self.convolution
        return self.n_out * inputs * kernel**2

    def synops(self) -> int:
        """Spikes times the neurons that each really reaches."""
        if self.convolution is None:
            return int(self.spikes_in.sum()) * self.n_out
        height, width, inputs, outputs, kernel, stride = self.convolution
        images = self.spikes_in.sum(axis=0).reshape(height, width, inputs).sum(axis=2)
        windows = np.lib.stride_tricks.sliding_window_view(images, (kernel, kernel))
        return int(windows[::stride, ::stride].sum()) * outputs


@dataclass(frozen=True)
class Given:
    """A network and its spikes.

    Attributes
    ----------
    name : str
    layers : tuple of Layer
    share : float
        What one run is of what is predicted: 1 / 25 if 25 inferences were run, 4,096 if the
        layers are one of so many equal cores.
    how : str
        How it was made, in words of the page.
    spiking : bool
        False: run once without spikes; ``spikes_in`` is all true.
    """

    name: str
    layers: tuple[Layer, ...]
    share: float
    how: str
    spiking: bool = True

    @property
    def n_steps(self) -> int:
        """Steps that were run."""
        return len(self.layers[0].spikes_in)

    def synops(self) -> float:
        """Of what is predicted."""
        return self.share * sum(layer.synops() for layer in self.layers)

    def updates(self) -> float:
        """Neurons times steps."""
        return self.share * self.n_steps * sum(layer.neurons for layer in self.layers)


def spread(n_spikes: int, n_steps: int, size: int, seed: int = 0) -> np.ndarray:
    """So many spikes at random steps of random neurons, at most one a neuron and step."""
    spikes = np.zeros(n_steps * size, dtype=bool)
    chosen = np.random.RandomState(seed).permutation(n_steps * size)[:n_spikes]
    spikes[chosen] = True
    return spikes.reshape(n_steps, size)


def one_layer(
    name: str, n_in: int, n_out: int, n_steps: int, n_spikes: int, how: str, *,
    fired: int = 0, share: float = 1.0, seed: int = 0,
) -> Given:  # fmt: skip
    """A layer all to all that gets and emits so many spikes."""
    layer = Layer(
        name, spread(n_spikes, n_steps, n_in, seed), n_out, spread(fired, n_steps, n_out, seed + 1)
    )
    return Given(name, (layer,), share, how)


@cache
def all_given() -> dict[str, Given]:
    """By name."""
    found = (*_scaling(), *_by_counts(), *_without_spikes())
    return {given.name: given for given in found}


def _scaling() -> Iterator[Given]:
    from validation_networks import N_INFERENCES, N_LAYERS, WIDTH, scaling

    for copies, name in ((0, "no copies"), (1, "one copy"), (2, "a further copy")):
        recording = scaling(copies).recording
        names = [block.split("[")[0] for block in recording.chip.cores]
        sizes = [int(n) for n in np.ravel(recording.chip.compartments)]
        pieces = np.split(recording.spikes, np.cumsum(sizes), axis=1)
        fired: dict[str, np.ndarray] = {}
        for block, piece in zip(names, pieces):
            fired[block] = np.hstack([fired[block], piece]) if block in fired else piece
        host = pieces[-1][:, :WIDTH]  # each copy has a set of its own of the same spikes
        own = [f"copy_{copies - 1}_layer_{depth}" for depth in range(N_LAYERS)] if copies else []
        inputs = [host, *(fired[layer] for layer in own)]
        layers = [Layer(n, spikes, WIDTH, fired[n]) for n, spikes in zip(own, inputs)]
        neurons = fired["output"] if copies < 2 else None
        layers.append(Layer("output", inputs[-1], WIDTH, neurons))
        how = "its network on the emulated chip, with Nengo's gains and biases"
        yield Given(name, tuple(layers), 1 / N_INFERENCES, how)


def _by_counts() -> Iterator[Given]:
    cores = 32 * 120
    yield one_layer(
        "nearest neighbours", 708, 76_800 // cores, 60, 708,
        "708 inputs that spike once in 60 steps, all to all to 20 neurons that do not fire, on "
        f"each of {cores:,} cores",
        share=cores,
    )  # fmt: skip
    n_in, neurons, cores, rate = round(341_000 / 4_000), 4_000 // 14, 14, SPIKES_PER_SYNAPSE[1]
    yield one_layer(
        "NxTF MNIST", n_in, neurons, 100, round(n_in * rate),
        f"{n_in} inputs all to all to {neurons} neurons on each of {cores} cores, which is 340,000 "
        "synapses; as many spikes for each as in Intel's tutorial",
        fired=round(neurons * rate), share=cores,
    )  # fmt: skip
    yield _intel_mnist()
    neurons, synops, cores = 158_508, 48.6e6, 128
    n_spikes = round(synops / neurons)
    yield one_layer(
        "PilotNet", 20, neurons // cores, 16, n_spikes,
        f"{n_spikes} spikes of 20 inputs in 16 steps, all to all to {neurons // cores:,} neurons "
        f"that do not fire, on each of {cores} cores",
        share=cores,
    )  # fmt: skip
    neurons, cores, synops, fired = 350, 2, 636_472, 10_868 - 2_013
    n_spikes = round(synops / neurons)
    yield one_layer(
        "sequential MNIST", 80, neurons // cores, 840, n_spikes,
        f"{n_spikes:,} spikes of 80 inputs in 840 steps, all to all to {neurons // cores} neurons "
        f"on each of {cores} cores, which are as many synops as its published weights make",
        fired=fired // cores, share=cores,
    )  # fmt: skip
    for rate in (11.58, 20.07, 95.93, 20.0, 0.0):
        yield one_layer(
            f"TrueNorth {rate:g} Hz", 128, 256, 1_000, round(128 * rate),
            "a second of 1,000 steps of a core of 256 neurons with 128 inputs each, 4,096 times",
            fired=round(256 * rate), share=4_096,
        )  # fmt: skip
    for name, rate in (("fast", 37.5e6), ("slow", 650e3)):
        yield one_layer(
            f"ODIN {name}", 256, 256, 1_000, round(rate / 256),
            "a second of 1,000 steps of 256 neurons, all to all, which do not fire",
        )  # fmt: skip


def _intel_mnist() -> Given:
    """16C5s2-32C3-64C3s2-10C4 on 28 by 28 pixels, in 512 steps."""
    n_steps, side, channels, layers = 512, 28, 1, []
    spikes = spread(TUTORIAL_SPIKES[0], n_steps, side**2)
    for number, (filters, kernel, stride) in enumerate(
        ((16, 5, 2), (32, 3, 1), (64, 3, 2), (10, 4, 1))
    ):
        shape = (side, side, channels, filters, kernel, stride)
        side, channels = (side - kernel) // stride + 1, filters
        n_out = side**2 * filters
        n_fired = (*TUTORIAL_SPIKES, 0)[number + 1]  # the last layer does not fire
        fired = spread(n_fired, n_steps, n_out, number + 1)
        layers.append(Layer(f"layer {number}", spikes, n_out, fired, shape))
        spikes = fired
    how = "its four layers; as many spikes of each as its weights make, anywhere, in 512 steps"
    return Given("Intel's MNIST", tuple(layers), 1.0, how)


def _without_spikes() -> Iterator[Given]:
    sizes = (390, 256, 256, 29)
    layers = tuple(
        Layer(f"layer {i}", np.ones((1, n), bool), m, np.ones((1, m), bool))
        for i, (n, m) in enumerate(zip(sizes, sizes[1:]))
    )
    yield Given("keyword spotting without spikes", layers, 1.0, "390-256-256-29, one pass", False)
    layer = Layer("layer", np.ones((1, 85), bool), 4_000, np.ones((1, 4_000), bool))
    how = "85 inputs all to all to 4,000 neurons, one pass"
    yield Given("NxTF MNIST without spikes", (layer,), 1.0, how, False)


def main(path: str) -> None:
    """Write all of them for a recorder."""
    arrays: Any = {}
    kept = []
    for given in all_given().values():
        rows = []
        for layer in given.layers:
            key = f"{given.name}/{layer.name}"
            arrays[f"{key}/in"] = layer.spikes_in
            if layer.spikes_out is not None:
                arrays[f"{key}/out"] = layer.spikes_out
            shape = layer.convolution
            rows.append({"key": key, "n_out": layer.n_out, "convolution": shape})
        kept.append({"name": given.name, "spiking": given.spiking, "layers": rows})
    np.savez_compressed(path, content=np.array(json.dumps(kept)), **arrays)


if __name__ == "__main__":
    main(sys.argv[1])
