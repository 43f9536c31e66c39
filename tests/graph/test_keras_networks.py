"""Networks as NengoDL's converter makes them, against Nengo's own maps."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from nengo_spikecost.conversion import convert
from nengo_spikecost.graph import NetworkGraph

from .nengo_oracle import connection_map, route_map

layers = tf.keras.layers


def overlapping_pools(x):
    x = layers.AveragePooling2D(3, strides=1, name="pool")(x)
    return layers.Conv2D(3, 3, activation="relu", name="after")(x)


def upsampling(x):
    x = layers.UpSampling2D(2, name="up")(x)
    return layers.Conv2D(3, 3, activation="relu", name="after")(x)


def padding(x):
    x = layers.ZeroPadding2D(1, name="pad")(x)
    return layers.Conv2D(3, 3, strides=2, activation="relu", name="after")(x)


def residual(x):
    side = layers.Conv2D(2, 3, padding="same", activation="relu", name="side")(x)
    x = layers.Add(name="add")([x, side])
    return layers.Conv2D(3, 2, activation="relu", name="after")(x)


def concatenated(x):
    side = layers.Conv2D(3, 3, padding="same", activation="relu", name="side")(x)
    x = layers.Concatenate(name="joined")([x, side])
    return layers.Conv2D(4, 3, groups=1, activation="relu", name="after")(x)


def normalised(x):
    x = layers.Conv2D(3, 3, name="linear")(x)
    x = layers.BatchNormalization(name="norm")(x)
    return layers.ReLU(name="after")(x)


def pooled_globally(x):
    x = layers.GlobalAveragePooling2D(name="gap")(x)
    return layers.Dense(3, activation="relu", name="after")(x)


def reshaped(x):
    x = layers.Reshape((9, 4), name="rows")(x)
    return layers.Conv1D(3, 3, activation="relu", name="after")(x)


@pytest.mark.parametrize(
    ("block", "layer"),
    [
        (overlapping_pools, "after"),
        (upsampling, "after"),
        (padding, "after"),
        (residual, "after"),
        (concatenated, "after"),
        (normalised, "linear"),
        (pooled_globally, "after"),
        (reshaped, "after"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_fan_outs_of_converted_layers(block, layer):
    inp = tf.keras.Input((6, 6, 1), name="image")
    before = layers.Conv2D(2, 3, padding="same", activation="relu", name="before")(inp)
    if block is reshaped:
        before = layers.Conv2D(1, 1, activation="relu", name="flat")(before)
    x = layers.Flatten(name="flatten")(block(before))
    model = tf.keras.Model(inp, layers.Dense(3, name="logits")(x))
    rng = np.random.RandomState(0)
    model.set_weights([rng.uniform(0.1, 1, w.shape) for w in model.get_weights()])
    conversion = convert(model)
    graph = NetworkGraph(conversion)

    maps = {conn: connection_map(conn) for conn in conversion.net.all_connections}
    for pathway in graph.pathways:
        expected = route_map(pathway.connections, maps).sum(axis=0)
        np.testing.assert_array_equal(pathway.fan_out, expected, err_msg=pathway.name)
    assert graph.uncounted == ()
    source = "flat" if block is reshaped else "before"
    into = [p for p in graph.pathways_from(source) if p.post.name == "after"]
    assert {p.layer for p in into} == {layer}
    assert {p.kind for p in into} == {"neural"}
    assert {p.kind for p in graph.pathways_from("after")} == {"readout"}
    assert graph.pathways_to("logits")[0].layer == "logits"
    fed = [p.pre.obj for p in graph.pathways if p.kind == "input"]
    assert set(fed) == set(conversion.input_nodes)
    assert all(p.kind == "bias" for p in graph.pathways if "bias" in p.pre.name)


def between_convolutions(layer):
    inp = tf.keras.Input((6, 6, 1), name="image")
    x = layers.Conv2D(2, 3, activation="relu", name="conv")(inp)
    x = layer(x)
    x = layers.Conv2D(3, 2, activation="relu", name="after")(x)
    return tf.keras.Model(inp, x)


def test_tensor_nodes_are_left_with_a_reason():
    model = between_convolutions(layers.LayerNormalization(name="norm"))
    with pytest.warns(UserWarning, match="TensorNode"):
        graph = NetworkGraph(convert(model, allow_fallback=True))
    assert [(u.name, u.layer) for u in graph.uncounted] == [("norm", "norm")]
    assert graph.pathway("conv -> norm").kind == "readout"
    assert graph.pathway("norm -> after").kind == "host"


def test_max_pooling_is_the_hosts_work():
    model = between_convolutions(layers.MaxPooling2D(2, name="max"))
    with pytest.warns(UserWarning, match="max"):
        graph = NetworkGraph(convert(model, max_pooling="exact"))
    assert graph.uncounted == ()
    assert graph.pathway("conv -> max").kind == "readout"
    assert graph.pathway("max -> after").kind == "host"
    parts = {(part.layer, part.role): part for part in graph.host}
    # three comparisons for each of 2x2x2 maxima; a 2x2 kernel over 1x1 positions
    assert parts["max", "function"].operations == 3 * 8
    assert parts["after", "function"].macs == 2 * 2 * 2 * 3
