"""Random Keras models of every layer that is converted, made from a seed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Callable

import numpy as np
import tensorflow as tf

from tests.conversion.agreement import random_weights

#: Tensors of more elements are made smaller before anything else happens to them.
MAX_SIZE = 700

#: Activations of layers that take one, each as often as it is named.
ACTIVATIONS = ("relu", "relu", "relu", None, "relu6", "sigmoid")

#: For Loihi, which has no sigmoid neurons; `hard_sigmoid` layers still ask for one now and then.
ON_CHIP = ("relu", "relu", "relu6", None)


def random_model(seed: int, activations: Sequence[str | None] = ACTIVATIONS) -> Any:
    """A small model with random weights, the same for the same seed.

    Computes in float64: what differs from a network then differs by more than rounding.

    Parameters
    ----------
    seed : int
    activations : sequence of str or None
        To choose from.

    Returns
    -------
    tf.keras.Model
        With one or two inputs, which are images, sequences or vectors, and one to three
        outputs.
    """
    policy = tf.keras.mixed_precision.global_policy()
    tf.keras.mixed_precision.set_global_policy("float64")
    try:
        model = Maker(np.random.RandomState(seed), activations).model(f"seed_{seed}")
        return random_weights(model, seed)
    finally:
        tf.keras.mixed_precision.set_global_policy(policy)


class Maker:
    """Grows models, block by block.

    Parameters
    ----------
    rng : np.random.RandomState
        Decides everything.
    activations : sequence of str or None
        To choose from.
    keras : module, optional
        The Keras to make them of. Default: TensorFlow's.
    """

    def __init__(
        self, rng: np.random.RandomState, activations: Sequence[str | None], keras: Any = None
    ):
        self.rng = rng
        self.activations = activations
        self.keras = keras or tf.keras
        self.layers = self.keras.layers

    # -- decisions ------------------------------------------------------------------------

    def number(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        return int(self.rng.randint(low, high + 1))

    def chance(self, probability: float) -> bool:
        """Whether something happens."""
        return bool(self.rng.uniform() < probability)

    def one_of(self, *choices: Any) -> Any:
        """One of several things."""
        return choices[self.rng.randint(len(choices))]

    def activation(self) -> Any:
        """An activation for a layer that takes one."""
        return self.one_of(*self.activations)

    def input(self, shape: tuple[int, ...]) -> Any:
        """A new input; Keras makes those of float32, whatever its policy."""
        return self.keras.Input(shape, dtype="float64")

    # -- models ---------------------------------------------------------------------------

    def model(self, name: str) -> Any:
        """A whole model."""
        shape = self.one_of(self.image_shape, self.image_shape, self.line_shape, self.vector_shape)
        inputs = [self.input(shape())]
        x = self.grow(inputs[0], self.number(2, 4))
        outputs = []
        if self.chance(0.25):
            outputs.append(x)
        x = self.to_vector(x)
        if self.chance(0.25):
            inputs.append(self.input((self.number(2, 5),)))
            x = self.layers.Concatenate()([x, self.to_vector(self.grow(inputs[1], 1))])
        x = self.layers.Dense(self.number(2, 5), activation=self.activation())(x)
        if self.chance(0.2):
            outputs.append(x)
        if self.chance(0.5):
            x = self.layers.Dense(3, activation=self.one_of(None, "softmax"))(x)
        return self.keras.Model(inputs, [*outputs, x], name=name)

    def image_shape(self) -> tuple[int, ...]:
        """Height, width and channels."""
        return self.number(6, 9), self.number(6, 9), self.number(1, 3)

    def line_shape(self) -> tuple[int, ...]:
        """Length and channels."""
        return self.number(8, 20), self.number(1, 3)

    def vector_shape(self) -> tuple[int, ...]:
        """Number of elements."""
        return (self.number(3, 20),)

    def grow(self, x: Any, n_blocks: int, nesting: int = 2) -> Any:
        """Several blocks, one after the other."""
        blocks: list[Callable[..., Any]] = [self.chain] * 4
        blocks += [self.residual, self.branches, self.shared]
        for _ in range(n_blocks):
            if np.prod(x.shape[1:]) > MAX_SIZE:
                x = self.smaller(x)
            block = self.one_of(*blocks, *[self.nested] * (nesting > 0))
            x = self.nested(x, nesting) if block == self.nested else block(x)
        return x

    # -- blocks ---------------------------------------------------------------------------

    def chain(self, x: Any) -> Any:
        """One to three self.layers."""
        for _ in range(self.number(1, 3)):
            x = self.layer(x)(x)
        return x

    def residual(self, x: Any) -> Any:
        """Layers that keep the shape, and a way around them."""
        y = x
        for _ in range(self.number(1, 2)):
            y = self.same_shape(y)(y)
        how = self.one_of("add", "add", "average", "subtract", "operator", "broadcast")
        if how == "operator":
            return x + y * 0.5
        if how == "broadcast" and len(x.shape) == 4:
            return self.layers.Add()([x, self.layers.GlobalAveragePooling2D(keepdims=True)(y)])
        join = {"average": self.layers.Average, "subtract": self.layers.Subtract}.get(
            how, self.layers.Add
        )
        return join()([y, x])

    def branches(self, x: Any) -> Any:
        """Two or three ways, joined along any axis."""
        ends = [self.same_shape(x)(x) for _ in range(self.number(1, 2))]
        if self.chance(0.5):
            ends.append(self.one_of(x, self.layers.ReLU()(x)))
        if self.chance(0.3):
            ends.append(ends[0])
        axis = self.one_of(-1, self.number(1, len(x.shape) - 1))
        return self.layers.Concatenate(axis=axis)(ends) if len(ends) > 1 else ends[0]

    def shared(self, x: Any) -> Any:
        """One layer applied twice."""
        layer = self.same_shape(x)
        if self.chance(0.5):
            return layer(layer(x))
        return self.layers.Add()([layer(x), layer(self.layers.ReLU()(x))])

    def nested(self, x: Any, nesting: int) -> Any:
        """A model within the model, used once or twice."""
        shape = tuple(x.shape[1:])
        inner_input = self.input(shape)
        if self.chance(0.3):
            inner = self.keras.Sequential([self.input(shape), self.same_shape(x)])
        elif self.chance(0.3):
            y = self.same_shape(x)(inner_input)
            both = self.keras.Model(inner_input, [y, inner_input])
            return self.layers.Add()(both(x))
        else:
            y = self.grow(inner_input, self.number(1, 2), nesting - 1)
            inner = self.keras.Model(inner_input, y)
        y = inner(x)
        if tuple(y.shape) == tuple(x.shape) and self.chance(0.3):
            y = inner(y)
        return y

    def to_vector(self, x: Any) -> Any:
        """One axis, whatever there was."""
        n_axes = len(x.shape) - 1
        if n_axes == 1:
            return x
        if self.chance(0.3):
            pool = (self.layers.GlobalAveragePooling1D, self.layers.GlobalAveragePooling2D)[
                n_axes - 2
            ]
            return pool()(x)
        order = self.one_of("channels_last", "channels_last", "channels_first")
        return self.layers.Flatten(data_format=order)(x)

    def smaller(self, x: Any) -> Any:
        """A quarter of the elements, or so."""
        n_axes = len(x.shape) - 1
        if n_axes == 1:
            return self.layers.Dense(10)(x)
        if n_axes == 2:
            return self.layers.AveragePooling1D(4, padding="same")(x)
        return self.layers.Conv2D(4, 2, strides=2, padding="same", activation="relu")(x)

    # -- layers ---------------------------------------------------------------------------

    def layer(self, x: Any) -> Any:
        """Any layer that takes a tensor of this shape."""
        menus = {1: self.vector_layers, 2: self.line_layers, 3: self.image_layers}
        if self.chance(0.3):
            return self.same_shape(x)
        return self.one_of(*menus[len(x.shape) - 1](tuple(x.shape[1:])))()

    def same_shape(self, x: Any) -> Any:
        """A layer that keeps the shape."""
        channels = x.shape[-1]
        made: list[Callable[[], Any]] = [
            lambda: self.layers.BatchNormalization(axis=self.number(1, len(x.shape) - 1)),
            lambda: self.layers.Dense(channels, activation=self.activation()),
            lambda: self.layers.Dropout(0.5),
            lambda: self.layers.GaussianNoise(0.5),
            lambda: self.layers.LeakyReLU(0.2),
            lambda: self.layers.PReLU(),
            lambda: self.layers.ReLU(max_value=1.0, negative_slope=self.one_of(0.0, 0.1)),
            lambda: self.layers.ReLU(),
            lambda: self.layers.Activation("hard_sigmoid"),
            lambda: self.layers.Rescaling(0.5, 0.1),
        ]
        if len(x.shape) == 3:
            made += [lambda: self.conv1d(channels, "same"), lambda: self.conv1d(channels, "causal")]
        if len(x.shape) == 4:
            made += [lambda: self.conv2d(channels, "same")] * 3
            made += [
                lambda: self.layers.DepthwiseConv2D(
                    3, padding="same", activation=self.activation()
                ),
                lambda: self.layers.SeparableConv2D(channels, 2, padding="same"),
                lambda: self.layers.Conv2DTranspose(channels, 3, padding="same"),
                lambda: self.layers.AveragePooling2D(3, 1, padding="same"),
                lambda: self.layers.MaxPool2D(2, 1, padding="same"),
            ]
        return self.one_of(*made)()

    def vector_layers(self, shape: tuple[int, ...]) -> list[Callable[[], Any]]:
        """Layers for tensors of one axis."""
        return [
            *[lambda: self.layers.Dense(self.number(2, 8), activation=self.activation())] * 3,
            lambda: self.layers.RepeatVector(2),
            lambda: self.layers.Reshape((*shape, 1)),
        ]

    def line_layers(self, shape: tuple[int, ...]) -> list[Callable[[], Any]]:
        """Layers for tensors of two axes."""
        long = shape[0] >= 5
        return [
            *[lambda: self.conv1d(self.number(1, 4), "valid" if long else "same")] * 3,
            lambda: self.layers.Permute((2, 1)),
            lambda: self.layers.ZeroPadding1D((self.number(0, 1), 1)),
            lambda: self.layers.Cropping1D((1, 1) if long else (0, 0)),
            lambda: self.layers.UpSampling1D(2),
            lambda: self.layers.AveragePooling1D(
                2, padding=self.one_of("valid", "same") if long else "same"
            ),
            lambda: self.layers.MaxPool1D(2, padding="same"),
            lambda: self.layers.Conv1DTranspose(2, 3, strides=self.number(1, 2)),
            lambda: self.layers.SeparableConv1D(3, 2, padding="same"),
            lambda: self.layers.DepthwiseConv1D(2, padding="same", depth_multiplier=2),
            lambda: self.layers.Reshape((shape[0], 1, shape[1])),
        ]

    def image_layers(self, shape: tuple[int, ...]) -> list[Callable[[], Any]]:
        """Layers for tensors of three axes."""
        large = min(shape[:2]) >= 5
        padding = self.one_of("valid", "same") if large else "same"
        return [
            *[lambda: self.conv2d(self.number(1, 5), padding)] * 4,
            lambda: self.layers.DepthwiseConv2D(
                self.number(1, 3), strides=self.number(1, 2), padding=padding, depth_multiplier=2
            ),
            lambda: self.layers.SeparableConv2D(
                self.number(1, 4), (2, 3), padding=padding, activation=self.activation()
            ),
            lambda: self.layers.Conv2DTranspose(
                2, self.number(1, 3), strides=self.number(1, 2), padding=padding
            ),
            lambda: self.layers.AveragePooling2D(2, self.number(1, 3), padding=padding),
            lambda: self.layers.MaxPool2D((2, 3), self.number(1, 2), padding=padding),
            lambda: self.layers.UpSampling2D(
                (2, 1), interpolation=self.one_of("nearest", "bilinear")
            ),
            lambda: self.layers.ZeroPadding2D(((0, 1), (self.number(0, 2), 1))),
            lambda: self.layers.Cropping2D(((1, 0), (0, 1)) if large else 0),
            lambda: self.layers.Permute(tuple(int(a) for a in 1 + self.rng.permutation(3))),
            lambda: self.layers.GlobalAveragePooling2D(keepdims=self.chance(0.5)),
            lambda: self.layers.Reshape((-1, shape[2])),
        ]

    def conv1d(self, filters: int, padding: str) -> Any:
        """A convolution along one axis, of a kernel of at most 3 places."""
        dilated = self.chance(0.2)
        return self.layers.Conv1D(
            filters,
            2 if dilated else self.number(1, 3),
            strides=1 if dilated or padding != "valid" else self.number(1, 2),
            padding=padding,
            dilation_rate=2 if dilated else 1,
            activation=self.activation(),
        )

    def conv2d(self, filters: int, padding: str) -> Any:
        """A convolution along two axes; it only strides without padding."""
        dilated = self.chance(0.2)
        return self.layers.Conv2D(
            filters,
            2 if dilated else (self.number(1, 3), self.number(1, 3)),
            strides=1 if dilated or padding != "valid" else self.number(1, 2),
            padding=padding,
            dilation_rate=2 if dilated else 1,
            activation=self.activation(),
            use_bias=self.chance(0.7),
        )
