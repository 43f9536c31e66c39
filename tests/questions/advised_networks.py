"""Networks of all kinds to be advised on, small, with random weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import nengo
import numpy as np

from nengo_spikecost import stack

#: Samples of each.
N = 40


def _random(model: Any, low: float, high: float, seed: int = 0) -> Any:
    rng = np.random.RandomState(seed)
    drawn = [rng.uniform(low, high, w.shape) if w.ndim > 1 else w for w in model.get_weights()]
    model.set_weights(drawn)
    return model


def _samples(*shape: int, low: float = 0.0) -> np.ndarray:
    return np.random.RandomState(1).uniform(low, 1, (N, *shape)).astype(np.float32)


def _dense_layers(*sizes: int) -> Any:
    layers = stack.keras().layers
    names = "abcdef"
    dense = [
        layers.Dense(
            size, activation="relu", name=names[k], **({"input_shape": (12,)} if not k else {})
        )
        for k, size in enumerate(sizes)
    ]
    model = stack.keras().Sequential([*dense, layers.Dense(3, name="out")])
    return _random(model, -0.15, 0.35)


def dense() -> tuple[Any, np.ndarray]:
    """Three layers, of which the host has the first."""
    return _dense_layers(30, 20, 10), _samples(12)


def one_layer() -> tuple[Any, np.ndarray]:
    """One layer, which takes values."""
    return _dense_layers(30), _samples(12)


def silent() -> tuple[Any, np.ndarray]:
    """Two layers of three that never fire."""
    model, x = dense()
    weights = model.get_weights()
    weights[2] = -np.abs(weights[2])
    model.set_weights(weights)
    return model, x


def branches() -> tuple[Any, np.ndarray]:
    """A residual connection and a concatenation."""
    layers = stack.keras().layers
    image = layers.Input((8, 8, 1))
    stem = layers.Conv2D(6, 3, activation="relu", name="stem")(image)
    left = layers.Conv2D(6, 3, padding="same", activation="relu", name="left")(stem)
    right = layers.Conv2D(6, 1, activation="relu", name="right")(stem)
    after = layers.Conv2D(8, 3, strides=2, activation="relu", name="after")(left + right)
    both = layers.Concatenate()([layers.Flatten()(after), layers.Flatten()(right)])
    out = layers.Dense(4, name="out")(layers.Dense(16, activation="relu", name="d")(both))
    return _random(stack.keras().Model(image, out), -0.12, 0.25), _samples(8, 8, 1)


def deep() -> tuple[Any, np.ndarray]:
    """Seven layers, of which the last ones hardly fire."""
    layers = stack.keras().layers
    first = layers.Conv2D(4, 3, activation="relu", input_shape=(12, 12, 1), name="c0")
    more = [
        layers.Conv2D(8, 3, padding="same", activation="relu", name=f"c{k}") for k in range(1, 6)
    ]
    ends = [layers.Flatten(), layers.Dense(20, activation="relu", name="d"), layers.Dense(4)]
    return _random(stack.keras().Sequential([first, *more, *ends]), -0.1, 0.16), _samples(12, 12, 1)


def pooled() -> tuple[Any, np.ndarray]:
    """Batch normalization, and poolings of two kinds."""
    layers = stack.keras().layers
    model = stack.keras().Sequential(
        [
            layers.Conv2D(6, 3, activation="relu", input_shape=(12, 12, 1), name="c0"),
            layers.BatchNormalization(), layers.AveragePooling2D(),
            layers.Conv2D(8, 3, activation="relu", name="c1"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(12, activation="relu", name="d"), layers.Dense(4, name="out"),
        ]
    )  # fmt: skip
    return _random(model, -0.15, 0.4), _samples(12, 12, 1)


def mobile() -> tuple[Any, np.ndarray]:
    """As MobileNet: depthwise convolutions, normalizations, and ReLU6 as layers of their own."""
    layers = stack.keras().layers
    own = [layers.Conv2D(6, 3, strides=2, activation="relu", input_shape=(16, 16, 1), name="c0")]
    for k in range(2):
        own += [
            layers.DepthwiseConv2D(3, padding="same", name=f"dw{k}"), layers.BatchNormalization(),
            layers.ReLU(name=f"fires{k}"), layers.Conv2D(8, 1, name=f"pw{k}"),
            layers.BatchNormalization(), layers.ReLU(6.0, name=f"six{k}"),
        ]  # fmt: skip
    own += [layers.GlobalAveragePooling2D(), layers.Dense(4, name="out")]
    return _random(stack.keras().Sequential(own), -0.3, 0.7), _samples(16, 16, 1)


def one_dimension() -> tuple[Any, np.ndarray]:
    """Convolutions over time, and a pooling."""
    layers = stack.keras().layers
    model = stack.keras().Sequential(
        [
            layers.Conv1D(6, 5, activation="relu", input_shape=(40, 2), name="c0"),
            layers.AveragePooling1D(2), layers.Conv1D(8, 3, activation="relu", name="c1"),
            layers.Flatten(), layers.Dense(20, activation="relu", name="d"), layers.Dense(3),
        ]
    )  # fmt: skip
    return _random(model, -0.15, 0.35), _samples(40, 2)


def decoded() -> tuple[Any, np.ndarray]:
    """A square, by decoded Connections between drawn Ensembles."""
    with nengo.Network(seed=0) as network:
        given = nengo.Node(np.zeros(1), label="given")
        pre, square, last = (
            nengo.Ensemble(n, 1, label=name) for n, name in ((50, "pre"), (60, "sq"), (30, "last"))
        )
        nengo.Connection(given, pre)
        nengo.Connection(pre, square, function=np.square, synapse=0.005)
        nengo.Connection(square, last, synapse=0.005)
        nengo.Probe(last, synapse=0.02)
    return network, _samples(1, low=-1.0)


def memory() -> tuple[Any, np.ndarray]:
    """A decoded Connection of an Ensemble to itself."""
    rates = {
        "neuron_type": nengo.SpikingRectifiedLinear(),
        "max_rates": nengo.dists.Uniform(50, 120),
    }
    with nengo.Network(seed=0) as network:
        given = nengo.Node(np.zeros(2), label="given")
        a, b = nengo.Ensemble(60, 2, label="a", **rates), nengo.Ensemble(40, 2, label="b", **rates)
        nengo.Connection(given, a)
        nengo.Connection(a, a, synapse=0.05, transform=0.6)
        nengo.Connection(a, b, synapse=0.005)
        nengo.Probe(b, synapse=0.02)
    return network, _samples(2, low=-1.0)


def recurrent() -> tuple[Any, np.ndarray]:
    """Weights from neurons to neurons, of a layer to itself, and a layer on the host."""
    rng = np.random.RandomState(0)
    with nengo.Network(seed=0) as network:
        stack.nengo_loihi().add_params(network)
        relu = {"neuron_type": nengo.SpikingRectifiedLinear()}
        given = nengo.Node(np.zeros(8), label="given")
        host = nengo.Ensemble(
            40, 1, label="host", gain=np.full(40, 100.0), bias=np.zeros(40), **relu
        )
        network.config[host].on_chip = False
        a, b = (
            nengo.Ensemble(n, 1, label=name, gain=np.ones(n), bias=np.zeros(n), **relu)
            for n, name in ((60, "a"), (30, "b"))
        )
        nengo.Connection(given, host.neurons, transform=rng.uniform(-0.2, 1, (40, 8)), synapse=None)
        for pre, post, high in ((host, a, 0.4), (a, b, 0.4), (a, a, 0.02)):
            weights = rng.uniform(-0.1, high, (post.n_neurons, pre.n_neurons))
            nengo.Connection(pre.neurons, post.neurons, transform=weights, synapse=0.005)
        nengo.Probe(b.neurons)
    return network, _samples(8)


NETWORKS: dict[str, Callable[[], tuple[Any, np.ndarray]]] = {
    network.__name__: network
    for network in (
        dense, one_layer, silent, branches, deep, pooled, mobile, one_dimension, decoded, memory,
        recurrent,
    )
}  # fmt: skip
