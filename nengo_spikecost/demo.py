"""The digits and the trained network shipped with the package.

They let the demo, the documentation and the tests run on real data without a download.
TensorFlow is imported only by the functions that build a model.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from importlib.resources import files
from io import BytesIO
from typing import Any
from zipfile import BadZipFile

import numpy as np

from nengo_spikecost import stack
from nengo_spikecost.errors import DataError
from nengo_spikecost.spiking import defaults

DATA_FILE = "mnist_subset.npz"
WEIGHTS_FILE = "tutorial_weights.npz"
GRAPH_FILE = "digits_snntorch.nir"
INPUT_SHAPE = (28, 28, 1)

SPIKING_LAYERS = ("to-spikes", "conv0", "conv1", "dense0")
"""Names of the layers that become spiking neurons, from input to output."""


@dataclass(frozen=True)
class DemoData:
    """Handwritten digits: the first of MNIST's training and test parts.

    Attributes
    ----------
    x_train : (2000, 28, 28, 1) float32 array
        Training images, pixels 0 (paper) to 1 (ink).
    y_train : (2000,) int64 array
        The digits 0 to 9 shown in ``x_train``.
    x_test : (500, 28, 28, 1) float32 array
        Test images. The shipped network was not trained on them.
    y_test : (500,) int64 array
        The digits shown in ``x_test``.
    """

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


@dataclass(frozen=True)
class DemoSettings:
    """How the demo turns the network into spikes.

    Attributes
    ----------
    neuron_type : str
        Class name of the neurons, from ``nengo`` or ``nengo_loihi.neurons``.
    scale_firing_rates : float
        One factor for all layers. The shipped weights are balanced (see
        `demo_model`), so that it is also about the mean steady rate in Hz of the neurons
        that fire.
    n_steps : int
        Simulation steps of 1 ms for which each image is shown.
    synapse : float
        Time constant in s of the low-pass synapse behind every spiking layer.
    """

    neuron_type: str
    scale_firing_rates: float
    n_steps: int
    synapse: float


# What all calls take unless they are told otherwise. With it, 99.0% and 99.2% (last, averaged
# output) of the 2,000 shipped training digits are right, where ReLU has 99.45%, and neurons fire
# at up to 875 Hz; at scale 200 two layers are above the 1,000 Hz of a chip, and 60 steps instead
# of 40 take 57% more spikes for the same accuracy.
DEMO_SETTINGS = DemoSettings(
    neuron_type=defaults.NEURONS, scale_firing_rates=defaults.SCALE, n_steps=defaults.N_STEPS,
    synapse=defaults.SYNAPSE,
)  # fmt: skip


def _read_archive(name: str) -> dict[str, np.ndarray]:
    """Arrays of one ``.npz`` file of the package's data folder, by name."""
    path = files(__package__) / "data" / name
    try:
        # Through memory, because a package may be imported from a zip file.
        with np.load(BytesIO(path.read_bytes()), allow_pickle=False) as archive:
            return {key: archive[key] for key in archive.files}
    except (OSError, ValueError, EOFError, BadZipFile, zlib.error) as error:
        raise DataError(
            f"The demo file {name!r} of nengo_spikecost cannot be read ({error}); "
            "reinstall the package."
        ) from error


def to_images(pixels: np.ndarray) -> np.ndarray:
    """Scale raw digits to the input of the demo network.

    Parameters
    ----------
    pixels : (n, 28, 28) uint8 array
        Raw MNIST pixels, 0 to 255.

    Returns
    -------
    (n, 28, 28, 1) float32 array
        Pixels from 0 to 1.
    """
    return pixels[..., None].astype(np.float32) / np.float32(255)


def demo_graph() -> str:
    """Path of a NIR graph: a network that was trained in snnTorch on the shipped digits.

    ``examples/train_snntorch.py`` made it. It is fed images of shape (1, 28, 28) at every step of
    0.1 ms, and has ten outputs that spike.
    """
    return str(files("nengo_spikecost").joinpath("data", GRAPH_FILE))


def demo_data() -> DemoData:
    """Load the digits shipped in the package.

    Returns
    -------
    DemoData
        2,000 training and 500 test digits of MNIST (Yann LeCun and Corinna Cortes,
        CC BY-SA 3.0).

    Raises
    ------
    DataError
        If the file is missing from the installation or damaged.
    """
    raw = _read_archive(DATA_FILE)
    return DemoData(
        x_train=to_images(raw["x_train"]), y_train=raw["y_train"].astype(np.int64),
        x_test=to_images(raw["x_test"]), y_test=raw["y_test"].astype(np.int64),
    )  # fmt: skip


def build_demo_model() -> Any:
    """Build the demo network with fresh random weights.

    It is the network of NengoLoihi's Keras-to-Loihi tutorial: 1x1 convolution with 3
    filters (on a chip, the layer that turns pixels into spikes), 3x3 convolutions with
    32 and 64 filters and stride 2, dense layers of 100 and 10. ReLU on all but the
    last, "valid" padding, no bias in the convolutions.

    Returns
    -------
    tf.keras.Model
        Input (n, 28, 28, 1), output (n, 10) logits.
    """
    keras = stack.keras()
    layers = keras.layers
    # A 1x1 filter with a negative weight would never let a pixel (>= 0) through ReLU.
    positive = keras.initializers.RandomUniform(0.5, 1.5)
    conv = {"activation": "relu", "use_bias": False}

    image = keras.Input(INPUT_SHAPE, name="image")
    x = layers.Conv2D(3, 1, kernel_initializer=positive, name="to-spikes", **conv)(image)
    x = layers.Conv2D(32, 3, strides=2, name="conv0", **conv)(x)
    x = layers.Conv2D(64, 3, strides=2, name="conv1", **conv)(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(100, activation="relu", name="dense0")(x)
    logits = layers.Dense(10, name="dense1")(x)
    return keras.Model(image, logits, name="tutorial")


def demo_model() -> Any:
    """Load the trained demo network.

    Trained by ``examples/train_demo_model.py`` on the 60,000 training digits, pixels
    from 0 to 1. Its layers are balanced: in each spiking layer the mean output of the
    active neurons is 1 over the training digits, so that one ``scale_firing_rates``
    suits all layers. Balancing multiplies weights only and changes no prediction.

    Returns
    -------
    tf.keras.Model
        Input (n, 28, 28, 1) with pixels from 0 to 1, output (n, 10) logits.

    Raises
    ------
    DataError
        If the weights are missing from the installation or do not fit the network.
    """
    model = build_demo_model()
    stored = _read_archive(WEIGHTS_FILE)
    shapes = {name: tuple(w.shape) for name, w in named_weights(model).items()}
    stored_shapes = {name: w.shape for name, w in stored.items()}
    if shapes != stored_shapes:
        raise DataError(
            f"The demo file {WEIGHTS_FILE!r} does not fit the demo network: expected "
            f"{shapes}, found {stored_shapes}; reinstall the package."
        )
    # Stored in half precision; widening is exact, so every stack gets the same numbers.
    model.set_weights([stored[name].astype(np.float32) for name in shapes])
    return model


def named_weights(model: Any) -> dict[str, Any]:
    """Weight variables of a Keras model by name, such as ``"conv0/kernel"``.

    In the order of ``model.weights``. Names are the same in all versions of Keras 2.
    """
    return {
        f"{layer.name}/{weight.name.rsplit('/', 1)[-1].split(':')[0]}": weight
        for layer in model.layers
        for weight in layer.weights
    }
