"""Networks of Nengo that `to_nir` writes, and the inputs they are run with.

Run by itself, it writes the graphs for each reader and the inputs into ``recordings_out``;
``tools/nir_out_recordings.py`` then adds what the tools make of them.
"""

from __future__ import annotations

import io
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nengo
import numpy as np
from nengo.dists import Choice, Uniform

from nengo_spikecost import to_nir
from nengo_spikecost.errors import ConversionWarning
from nengo_spikecost.nir import DiscreteLIF

FOLDER = Path(__file__).resolve().parent / "recordings_out"
TOOLS = ("snntorch", "norse", "spikingjelly")
N_STEPS = 40
DT = 0.001

NETWORKS: dict[str, Callable[[np.random.Generator], nengo.Network]] = {}


def network(function: Callable[[np.random.Generator], nengo.Network]):
    NETWORKS[function.__name__] = function
    return function


def lif(tau_rc: float = 0.02) -> nengo.LIF:
    """LIF as NIR has it: without rest, floor, or a membrane that starts somewhere."""
    return nengo.LIF(tau_rc, tau_ref=0, min_voltage=-np.inf, initial_state={"voltage": Choice([0])})


def population(n: int, label: str, kind=None, gain=20.0, bias=0.0) -> nengo.Ensemble:
    return nengo.Ensemble(
        n, 1, neuron_type=kind or lif(), label=label, gain=np.broadcast_to(gain, n).copy(),
        bias=np.broadcast_to(bias, n).copy(),
    )  # fmt: skip


def join(pre, post, transform=None, synapse=None) -> None:
    given = {} if transform is None else {"transform": transform}
    nengo.Connection(pre, post, synapse=synapse, **given)


@network
def dense(rng):
    """Two layers, gains and biases that differ between neurons."""
    with nengo.Network(seed=1) as net:
        inp = nengo.Node(np.zeros(3), label="input")
        a = population(6, "hidden", gain=rng.uniform(10, 40, 6), bias=rng.normal(0, 1, 6))
        b = population(4, "out", lif(0.01))
        join(inp, a.neurons, rng.normal(0.3, 1, (6, 3)))
        join(a.neurons, b.neurons, rng.normal(0.4, 0.5, (4, 6)) * DT)
        nengo.Probe(b.neurons)
    return net


@network
def recurrent(rng):
    """Neurons that lead to themselves."""
    with nengo.Network(seed=1) as net:
        inp = nengo.Node(np.zeros(3), label="input")
        a = population(6, "hidden", bias=0.5)
        join(inp, a.neurons, rng.normal(0.3, 1, (6, 3)))
        join(a.neurons, a.neurons, rng.normal(0, 0.7, (6, 6)) * DT, synapse=0)
        nengo.Probe(a.neurons)
    return net


@network
def loop(rng):
    """Two populations that lead to each other."""
    with nengo.Network(seed=1) as net:
        inp = nengo.Node(np.zeros(3), label="input")
        a, b = population(5, "one"), population(4, "two")
        join(inp, a.neurons, rng.normal(0.3, 1, (5, 3)))
        join(a.neurons, b.neurons, rng.normal(0.3, 0.7, (4, 5)) * DT)
        join(b.neurons, a.neurons, rng.normal(0, 0.7, (5, 4)) * DT, synapse=0)
        nengo.Probe(b.neurons)
    return net


@network
def integrate(rng):
    """Neurons without a leak, with thresholds and resets of their own."""
    kind = DiscreteLIF(
        threshold=rng.uniform(0.8, 2, 6), reset="value", reset_value=0.25, amplitude=DT,
        initial_state={"voltage": Choice([0.25])},
    )  # fmt: skip
    with nengo.Network(seed=1) as net:
        inp = nengo.Node(np.zeros(3), label="input")
        a = population(6, "hidden", kind, 1.0, 0.1)
        b = population(4, "out", DiscreteLIF(amplitude=DT), 1.0)
        join(inp, a.neurons, rng.normal(0.1, 0.7, (6, 3)))
        join(a.neurons, b.neurons, rng.normal(0.2, 0.7, (4, 6)))
        nengo.Probe(b.neurons)
    return net


@network
def convolution(rng):
    """Channels first: convolution with a stride, pooling, a matrix."""
    with nengo.Network(seed=1) as net:
        inp = nengo.Node(np.zeros(2 * 6 * 6), label="input")
        first = nengo.Convolution(
            3, (2, 6, 6), channels_last=False, padding="same", kernel_size=(3, 3),
            init=rng.normal(0.1, 0.4, (3, 3, 2, 3)),
        )  # fmt: skip
        a = population(3 * 6 * 6, "conv", bias=np.repeat(rng.normal(0, 1, 3), 36))
        pooled = nengo.Node(size_in=3 * 3 * 3, label="pool")
        mean = np.zeros((2, 2, 3, 3))
        mean[..., range(3), range(3)] = 0.25
        pooling = nengo.Convolution(
            3, (3, 6, 6), channels_last=False, strides=(2, 2), kernel_size=(2, 2), init=mean
        )
        b = population(4, "out")
        join(inp, a.neurons, first)
        join(a.neurons, pooled, pooling)
        join(pooled, b.neurons, rng.normal(0.05, 0.3, (4, 27)) * DT)
        nengo.Probe(b.neurons)
    return net


@network
def channels_last(rng):
    """Channels last, kernels that are not square, a stride, paddings that are not symmetrical."""
    with nengo.Network(seed=1) as net:
        inp = nengo.Node(np.zeros(7 * 6 * 2), label="input")
        first = nengo.Convolution(
            3,
            (7, 6, 2),
            padding="same",
            kernel_size=(2, 3),
            init=rng.normal(0.1, 0.4, (2, 3, 2, 3)),
        )
        second = nengo.Convolution(
            2, (7, 6, 3), kernel_size=(3, 2), strides=(2, 2), init=rng.normal(0, 0.5, (3, 2, 3, 2))
        )
        a = population(7 * 6 * 3, "conv")
        b = population(3 * 3 * 2, "strided", bias=np.tile([0.5, 1.0], 9))
        c = population(4, "out")
        join(inp, a.neurons, first)
        join(a.neurons, b.neurons, _scaled(second, DT))
        join(b.neurons, c.neurons, rng.normal(0.1, 0.5, (4, 18)) * DT)
        nengo.Probe(c.neurons)
    return net


def _scaled(transform: nengo.Convolution, factor: float) -> nengo.Convolution:
    return nengo.Convolution(
        transform.n_filters, transform.input_shape, kernel_size=transform.kernel_size,
        strides=transform.strides, padding=transform.padding, init=transform.init * factor,
        channels_last=transform.channels_last,
    )  # fmt: skip


@network
def filtered(rng):
    """Lowpass filters before all neurons, which are synaptic currents."""
    with nengo.Network(seed=1) as net:
        inp = nengo.Node(np.zeros(3), label="input")
        a, b = population(6, "hidden", gain=60.0), population(4, "out", lif(0.01), 40.0)
        join(inp, a.neurons, rng.normal(0.3, 1, (6, 3)), 0.005)
        join(a.neurons, b.neurons, rng.normal(0.2, 0.7, (4, 6)) * DT, 0.003)
        join(b.neurons, b.neurons, rng.normal(0, 0.7, (4, 4)) * DT, 0.003)
        nengo.Probe(b.neurons)
    return net


@network
def decoded(rng):
    """Encoders and decoders, with a function in them."""
    options = {"neuron_type": lif(), "max_rates": Uniform(100, 300)}
    with nengo.Network(seed=1) as net:
        inp = nengo.Node(np.zeros(1), label="input")
        a = nengo.Ensemble(12, 1, label="value", **options)
        b = nengo.Ensemble(10, 1, label="square", **options)
        nengo.Connection(inp, a, synapse=None)
        nengo.Connection(a, b, function=np.square, synapse=None)
        nengo.Probe(b.neurons)
    return net


@network
def parts(rng):
    """Slices, a sum of two ways, and a passthrough Node between."""
    with nengo.Network(seed=1) as net:
        inp = nengo.Node(np.zeros(4), label="input")
        a = population(6, "hidden", gain=30.0)
        total = nengo.Node(size_in=6, label="sum")
        b = population(6, "out", gain=60.0)
        join(inp[:3], a.neurons[2:], rng.normal(0.3, 1, (4, 3)))
        join(inp[3], a.neurons[0])
        join(a.neurons, total, DT)
        join(a.neurons[::-1], total, 0.5 * DT)
        join(total, b.neurons, rng.normal(0.2, 0.7, (6, 6)))
        nengo.Probe(b.neurons)
    return net


@network
def skip(rng):
    """A way around a population: the sum of its spikes and those before it."""
    with nengo.Network(seed=1) as net:
        inp = nengo.Node(np.zeros(3), label="input")
        a, b, c = population(5, "first"), population(5, "second"), population(4, "out")
        total = nengo.Node(size_in=5, label="sum")
        join(inp, a.neurons, rng.normal(0.3, 1, (5, 3)))
        join(a.neurons, b.neurons, rng.normal(0.3, 0.7, (5, 5)) * DT)
        join(a.neurons, total)
        join(b.neurons, total)
        join(total, c.neurons, rng.normal(0.2, 0.7, (4, 5)) * DT)
        nengo.Probe(c.neurons)
    return net


@network
def branches(rng):
    """Two populations beside each other, and weights of their own to a third."""
    with nengo.Network(seed=1) as net:
        inp = nengo.Node(np.zeros(3), label="input")
        a, b, c = population(5, "one"), population(5, "two"), population(4, "out")
        join(inp, a.neurons, rng.normal(0.3, 1, (5, 3)))
        join(inp, b.neurons, rng.normal(0.3, 1, (5, 3)))
        join(a.neurons, c.neurons, rng.normal(0.2, 0.7, (4, 5)) * DT)
        join(b.neurons, c.neurons, rng.normal(0.2, 0.7, (4, 5)) * DT)
        nengo.Probe(c.neurons)
    return net


@network
def keras(rng):
    """A Keras model's conversion: convolutions, pooling, batch normalization, biases."""
    from nengo_spikecost import convert, stack

    layers = stack.keras().layers
    inp = layers.Input((6, 6, 2), name="input")
    x = layers.Conv2D(3, 3, padding="same", activation="relu", name="first")(inp)
    x = layers.AveragePooling2D(2, name="pool")(x)
    x = layers.Conv2D(4, 2, name="second")(x)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.ReLU(name="relu")(x)
    x = layers.Flatten(name="flat")(x)
    x = layers.Dense(4, activation="relu", name="out")(x)
    model = stack.keras().Model(inp, x)
    model.set_weights([rng.uniform(-0.3, 0.6, w.shape) for w in model.get_weights()[:8]] + [
        rng.uniform(0.5, 1.5, w.shape) for w in model.get_weights()[8:]
    ])  # fmt: skip
    kind = DiscreteLIF(current_gain=DT)
    return convert(model, neuron_type=kind, scale_firing_rates=200, synapse=None, lower=False)


#: Shapes of images with their channels last, which tools take first.
IMAGES = {"channels_last": (7, 6, 2), "keras": (6, 6, 2)}

#: What a reader refuses, as it would run it otherwise than it is.
REFUSED = {("branches", "norse")}


def made(name: str) -> tuple[Any, np.ndarray]:
    """A network or conversion, and its input of shape (steps, size)."""
    rng = np.random.default_rng(len(name))
    net = NETWORKS[name](rng)
    size = input_of(net).size_out
    # float32, as the tools take it
    return net, rng.normal(0.3, 1.0, (N_STEPS, size)).astype(np.float32)


def input_of(given: Any) -> nengo.Node:
    """The Node that is fed."""
    return given.input_nodes[0] if hasattr(given, "input_nodes") else given.all_nodes[0]


def spikes_of(given: Any, values: np.ndarray) -> np.ndarray:
    """The output of a network in Nengo's simulator, as numbers of spikes."""
    input_of(given).output = lambda t: values[round(t / DT) - 1]
    net = getattr(given, "net", given)
    with nengo.Simulator(net, dt=DT, progress_bar=False, optimize=False) as sim:
        sim.run_steps(len(values))
    return (sim.data[net.all_probes[0]] > 0).astype(np.uint8)


def main() -> None:
    import nir

    warnings.simplefilter("ignore", ConversionWarning)
    FOLDER.mkdir(exist_ok=True)
    inputs = {}
    with zipfile.ZipFile(FOLDER / "graphs.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as file:
        for name in NETWORKS:
            net, inputs[name] = made(name)
            for tool in TOOLS:
                if (name, tool) in REFUSED:
                    continue
                content = io.BytesIO()
                nir.write(content, to_nir(net, convention=tool), compression=None)
                entry = zipfile.ZipInfo(f"{name}_{tool}.nir", (2026, 1, 1, 0, 0, 0))
                entry.compress_type = zipfile.ZIP_DEFLATED
                file.writestr(entry, content.getvalue())
    for name, shape in IMAGES.items():
        order = np.moveaxis(np.arange(np.prod(shape)).reshape(shape), -1, 0)
        inputs[f"{name}_order"] = order.ravel()
    np.savez_compressed(FOLDER / "inputs.npz", **inputs)


if __name__ == "__main__":
    main()
