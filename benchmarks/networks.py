"""The networks that the benchmarks run on, with random weights from a fixed seed."""

from __future__ import annotations

from typing import Any

import numpy as np


def tutorial() -> tuple[Any, np.ndarray]:
    """The network of the Keras-to-Loihi tutorial (10,164 neurons), trained, and 200 digits."""
    from nengo_spikecost.demo import demo_data, demo_model

    return demo_model(), demo_data().x_test[:200]


def cifar() -> tuple[Any, np.ndarray]:
    """A network for 32x32 colour images with 229,504 neurons, and 50 random images."""
    import tensorflow as tf

    keras, layers = tf.keras, tf.keras.layers
    keras.utils.set_random_seed(0)
    inp = x = keras.Input((32, 32, 3), name="input")
    for i, (filters, stride) in enumerate(
        [(64, 1), (64, 1), (128, 2), (128, 1), (256, 2), (256, 1)]
    ):
        x = layers.Conv2D(
            filters, 3, strides=stride, padding="same", activation="relu", name=f"conv{i}"
        )(x)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    x = layers.Dense(128, activation="relu", name="dense0")(x)
    x = layers.Dense(10, name="dense1")(x)
    images = np.random.RandomState(0).uniform(0, 1, (50, 32, 32, 3)).astype("f4")
    return keras.Model(inp, x, name="cifar"), images


#: Name to (network and images, steps per image, images side by side).
NETWORKS = {"tutorial": (tutorial, 30, 100), "cifar": (cifar, 60, 25)}
