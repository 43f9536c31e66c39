"""Small Keras models that several tests use."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np


def randomise(model: Any, seed: int = 0) -> Any:
    """Give every weight a random value, mostly positive, so that all layers are active."""
    rng = np.random.RandomState(seed)
    model.set_weights([rng.uniform(-0.2, 0.35, w.shape).astype("f4") for w in model.get_weights()])
    return model


def positive_variances(model: Any) -> Any:
    """The model's weights again, but no negative variances."""
    for weight in model.weights:
        if "variance" in weight.name:
            weight.assign(np.abs(weight.numpy()) + 0.5)
    return model


def conv_net(keras: Any, seed: int = 0, names: tuple[str, str] = ("conv0", "conv1")) -> Any:
    """Two convolutions, one with biases, and two dense layers on 8x8 images."""
    layers = keras.layers
    inp = x = keras.Input((8, 8, 1), name="image")
    x = layers.Conv2D(3, 3, activation="relu", use_bias=False, name=names[0])(x)
    x = layers.Conv2D(4, 3, strides=2, activation="relu", name=names[1])(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(6, activation="relu", name="dense0")(x)
    x = layers.Dense(3, name="dense1")(x)
    return randomise(keras.Model(inp, x, name="conv_net"), seed)


def save_archive(model: Any, path: Path) -> None:
    """Write a model as .keras, a zip archive: TensorFlow 2.12 makes one only if it is asked to."""
    named = version("tensorflow").startswith("2.12.")
    model.save(path, **({"save_format": "keras_v3"} if named else {}))


def write_model_and_data(keras: Any, folder: Path) -> tuple[Any, np.ndarray, np.ndarray]:
    """``net.h5``, and 12 images with the model's own answers as labels in ``data.npz``."""
    model = conv_net(keras)
    model.save(folder / "net.h5")
    x = images(12)
    y = model.predict_on_batch(x).argmax(axis=1)
    np.savez(folder / "data.npz", x=x, y=y)
    return model, x, y


def images(n: int = 6, seed: int = 1) -> np.ndarray:
    """Random 8x8 images, shape (n, 8, 8, 1), pixels 0 to 1."""
    return np.random.RandomState(seed).uniform(0, 1, (n, 8, 8, 1)).astype("f4")
