"""Bare operations of TensorFlow in Keras 2 models, held against Keras."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

import nengo_spikecost as nsc
from nengo_spikecost.errors import ConversionError
from tests.conversion.agreement import assert_same

keras = tf.keras
MATRIX = np.random.RandomState(0).normal(size=(3, 4)).astype("f4")

OPERATIONS = {
    "reduce_mean": lambda a: tf.reduce_mean(a, axis=[1, 2]),
    "transpose": lambda a: tf.transpose(a, (0, 3, 1, 2)),
    "concat": lambda a: tf.concat([a, 2 * a], -1),
    "stack": lambda a: tf.stack([a, -a], 1),
    "abs": lambda a: abs(a),
    "maximum of a constant": lambda a: tf.maximum(a, 0.2),
    "maximum of two": lambda a: tf.maximum(-a, a * 2),
    "minimum": lambda a: tf.minimum(a, tf.constant(MATRIX[:, 0])),
    "clip": lambda a: tf.clip_by_value(a, -0.5, 0.5),
    "matmul": lambda a: a @ MATRIX,
    "reshape": lambda a: tf.reshape(a, (-1, 60)),
    "pad": lambda a: tf.pad(a, ((0, 0), (1, 0), (0, 2), (0, 0))),
    "reduce_max": lambda a: tf.reduce_max(a, axis=1),
    "reduce_min": lambda a: tf.reduce_min(a, -1, keepdims=True),
    "softmax": lambda a: tf.nn.softmax(a, axis=1),
    "leaky_relu": lambda a: tf.nn.leaky_relu(a, 0.1),
    "slices": lambda a: a[..., :2] - a[:, 1:2, :, 1:],
    "cumsum, gather": lambda a: tf.gather(tf.cumsum(a, axis=1), [2, 0], axis=-1),
    "broadcast": lambda a: a[:, :1] + tf.ones((1, 5, 4, 3)),
    "where": lambda a: tf.where(MATRIX[:, 0] > 0, a, 0.0),
    "average": lambda a: tf.nn.avg_pool2d(a, 2, 2, "VALID"),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_operations_are_exact(name):
    inp = keras.Input((5, 4, 3))
    model = keras.Model(inp, OPERATIONS[name](inp))
    for lower in (None, True):
        assert_same(model, "nengo_dl", lower=lower)


@pytest.mark.parametrize(
    "build, reason",
    [
        (lambda a: a**2, r"tf\.math\.pow multiplies values with each other"),
        (lambda a: tf.where(a > 0, a, 0.0), r"tf\.math\.greater jumps"),
        (lambda a: a - tf.reduce_mean(a, 0, keepdims=True), "joins samples of the batch"),
        (lambda a: 2 / a, "divides by the output of a layer"),
        (lambda a: tf.split(a, 3, -1)[0], r"not tf\.split; use a Keras layer"),
    ],
)
def test_what_is_not_converted_says_why(build, reason):
    inp = keras.Input((5, 4, 3))
    with pytest.raises(ConversionError, match=reason):
        nsc.convert(keras.Model(inp, build(inp)))
