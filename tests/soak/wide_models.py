"""Random Keras models of more layers, options and shapes than those of the property tests."""

from __future__ import annotations

from typing import Any, Callable

import numpy as np
import tensorflow as tf

from tests.conversion.agreement import random_weights
from tests.properties.keras_models import Maker

#: Activations of layers that take one, each as often as it is named.
ACTIVATIONS = (
    *("relu",) * 8, *(None,) * 3, "relu6", "sigmoid", "tanh", "hard_sigmoid", "linear",
)  # fmt: skip

#: What is refused now and then: a model of such layers everywhere would tell nothing.
REFUSED_SHARE = 0.006

_Layers = list[Callable[[], Any]]


class WideMaker(Maker):
    """Grows models of all layers that are converted, and now and then of one that is not."""

    # -- models ---------------------------------------------------------------------------

    def image_shape(self) -> tuple[int, ...]:
        """Odd ones too: one row, one column, many channels."""
        side = self.one_of(1, 3, 5, 6, 7, 8, 9, 11)
        return side, self.number(1, 9), self.one_of(1, 2, 3, 3, 4, 6)

    def volume_shape(self) -> tuple[int, ...]:
        """Three axes and channels."""
        return self.number(2, 4), self.number(2, 5), self.number(2, 4), self.number(1, 2)

    def activation(self) -> Any:
        """Of those that are refused, one in a hundred or so."""
        if self.chance(REFUSED_SHARE):
            return self.one_of("elu", "selu", "swish", "gelu", "softplus", "exponential")
        return super().activation()

    def volume_model(self, name: str) -> Any:
        """A model of volumes, which end as a vector."""
        inp = x = self.input(self.volume_shape())
        for _ in range(self.number(1, 3)):
            if len(x.shape) != 5 or np.prod(x.shape[1:]) > 250:
                break
            x = self.one_of(*self.volume_layers(tuple(x.shape[1:])))()(x)
        x = self.layers.Flatten()(x) if len(x.shape) > 2 else x
        x = self.layers.Dense(3, activation=self.activation())(x)
        return self.keras.Model(inp, x, name=name)

    def model_of_dicts(self, name: str) -> Any:
        """Inputs and outputs by name."""
        keys = [f"in_{k}" for k in range(self.number(2, 3))]
        self.rng.shuffle(keys)
        inputs = {
            key: self.keras.Input((self.number(2, 6),), dtype="float64", name=key) for key in keys
        }
        ends = [self.to_vector(self.grow(x, 1, 0)) for x in inputs.values()]
        joined = self.layers.Concatenate()(ends)
        x = self.layers.Dense(self.number(2, 6), activation=self.activation())(joined)
        outputs = {"last": self.layers.Dense(2)(x), "a": x}
        if self.chance(0.5):
            outputs["b"] = self.layers.Dense(1, activation="relu")(joined)
        return self.keras.Model(inputs, outputs, name=name)

    def model_in_time(self, name: str) -> Any:
        """Layers of every step of a sequence."""
        each = self.layers.TimeDistributed
        shape = self.one_of((self.number(2, 8),), (self.number(3, 6), self.number(3, 6), 2))
        inp = x = self.input((None, *shape))
        if len(shape) == 3:
            x = each(self.conv2d(self.number(1, 4), "same"))(x)
            if self.chance(0.5):
                x = each(self.layers.AveragePooling2D(2, padding="same"))(x)
            x = each(self.layers.Flatten())(x)
        for _ in range(self.number(1, 4)):
            units = self.number(2, 8)
            layer = self.one_of(
                lambda n=units: each(self.layers.Dense(n, activation=self.activation())),
                lambda n=units: self.layers.Dense(n, activation=self.activation()),
                lambda: self.layers.ReLU(self.one_of(None, 1.5)),
                lambda: each(self.layers.LeakyReLU(0.2)),
                lambda: self.layers.Dropout(0.2),
                lambda: self.layers.Rescaling(0.5, 0.1),
                lambda: self.layers.BatchNormalization(),
            )()
            y = layer(x)
            same = y.shape[-1] == x.shape[-1]
            x = self.layers.Add()([x, y]) if same and self.chance(0.3) else y
        return self.keras.Model(inp, self.layers.Dense(2)(x), name=name)

    # -- blocks ---------------------------------------------------------------------------

    def chain(self, x: Any) -> Any:
        """Layers, or an operation written as Python."""
        return self.operation(x) if self.chance(0.15) else super().chain(x)

    def branches(self, x: Any) -> Any:
        """Ways joined by their larger, their smaller, their mean, or side by side."""
        if self.chance(0.3):
            ends = [self.same_shape(x)(x) for _ in range(self.number(2, 3))]
            names = ("Maximum", "Minimum", "Average", "Add")
            return getattr(self.layers, self.one_of(*names))()(ends)
        return super().branches(x)

    def operation(self, x: Any) -> Any:
        """Something linear, or a limit, without a layer."""
        ops = tf if self.keras is tf.keras else self.keras.ops
        last = len(x.shape) - 1
        axis = self.number(1, last)
        made = [
            lambda: x / 3, lambda: -x, lambda: 1 - x, lambda: x - 0.5, lambda: x[..., :1],
            lambda: ops.abs(x), lambda: ops.maximum(x, 0.1), lambda: ops.concat([x, -x], axis)
            if ops is tf else ops.concatenate([x, -x], axis),
            lambda: ops.nn.relu(x) if ops is tf else ops.relu(x),
            lambda: ops.clip_by_value(x, -0.5, 0.5) if ops is tf else ops.clip(x, -0.5, 0.5),
            lambda: (ops.reduce_mean if ops is tf else ops.mean)(x, axis, keepdims=True),
            lambda: (ops.reduce_sum if ops is tf else ops.sum)(x, axis, keepdims=True),
            lambda: ops.pad(x, [[0, 0], *[[int(k), 1] for k in self.rng.randint(0, 2, last)]]),
        ]  # fmt: skip
        return self.one_of(*made)()

    # -- layers ---------------------------------------------------------------------------

    def same_shape(self, x: Any) -> Any:
        """More that keep the shape."""
        layers = self.layers
        if self.chance(0.6):
            return super().same_shape(x)
        made: _Layers = [
            lambda: layers.SpatialDropout2D(0.2) if len(x.shape) == 4 else layers.Dropout(0.1),
            lambda: layers.GaussianDropout(0.2),
            lambda: layers.ActivityRegularization(0.1),
            lambda: layers.Activation(self.activation() or "linear"),
            lambda: layers.ReLU(threshold=0.3),
            lambda: layers.ReLU(self.one_of(0.5, 6.0, None), self.one_of(0.0, 0.3), 0.0),
            lambda: layers.BatchNormalization(center=self.chance(0.5), scale=self.chance(0.5)),
            lambda: layers.Rescaling(-0.7, 0.2),
            lambda: layers.LeakyReLU(self.one_of(0.0, 0.9)),
        ]
        if len(x.shape) > 2:
            made.append(lambda: layers.PReLU(shared_axes=[1]))
        if self.chance(5 * REFUSED_SHARE):
            made = [layers.LayerNormalization, layers.UnitNormalization, layers.ELU]
        return self.one_of(*made)()

    def line_layers(self, shape: tuple[int, ...]) -> _Layers:
        """With strides, groups, dilation and long kernels."""
        layers, number = self.layers, self.number
        return [
            *super().line_layers(shape),
            lambda: self.wide_conv(layers.Conv1D, shape, ("valid", "same", "causal")),
            lambda: self.wide_conv(layers.Conv1D, shape, ("valid", "same", "causal")),
            lambda: layers.Conv1DTranspose(
                number(1, 3), number(1, 4), strides=number(1, 3), padding=self.padding(),
                activation=self.activation(), use_bias=self.chance(0.5),
            ),
            lambda: layers.AveragePooling1D(
                number(1, 4), number(1, 4), padding=self.padding(shape[0] >= 4)
            ),
            lambda: layers.MaxPool1D(number(1, 3), number(1, 3), padding="same"),
            lambda: layers.SeparableConv1D(
                number(1, 4), number(1, 3), strides=number(1, 2), padding="same",
                depth_multiplier=number(1, 2), activation=self.activation(),
            ),
            lambda: layers.DepthwiseConv1D(number(1, 3), strides=number(1, 2), padding="same"),
            lambda: layers.ZeroPadding1D((number(0, 3), number(0, 2))),
            lambda: layers.UpSampling1D(number(1, 3)),
            lambda: layers.GlobalAveragePooling1D(),
            lambda: layers.GlobalMaxPooling1D(),
            lambda: layers.Reshape(self.factors(shape)),
            lambda: layers.Dense(number(1, 5), activation=self.activation()),
        ]  # fmt: skip

    def image_layers(self, shape: tuple[int, ...]) -> _Layers:
        """With strides, groups, dilation, long kernels, and channels first where Keras can."""
        layers, number = self.layers, self.number
        first = {"data_format": self.one_of("channels_first", "channels_last")}
        fits = min(shape[:2]) >= 4
        return [
            *super().image_layers(shape),
            *[lambda: self.wide_conv(layers.Conv2D, shape, ("valid", "same"))] * 5,
            lambda: layers.DepthwiseConv2D(
                (number(1, 3), number(1, 4)), padding="same", dilation_rate=number(1, 2),
                depth_multiplier=number(1, 3), activation=self.activation(),
            ),
            lambda: layers.SeparableConv2D(
                number(1, 4), number(1, 3), strides=number(1, 2), padding="same",
                depth_multiplier=number(1, 2), use_bias=self.chance(0.5),
            ),
            lambda: layers.Conv2DTranspose(
                number(1, 3), (number(1, 4), number(1, 3)),
                strides=(number(1, 3), number(1, 2)), padding=self.padding(),
                activation=self.activation(), use_bias=self.chance(0.5),
            ),
            lambda: layers.AveragePooling2D(
                (number(1, 4), number(1, 3)), (number(1, 4), number(1, 3)),
                padding=self.padding(fits),
            ),
            lambda: layers.MaxPool2D(
                (number(1, 4), number(1, 3)), (number(1, 2), number(1, 4)),
                padding=self.padding(fits),
            ),
            lambda: layers.UpSampling2D((number(1, 2), number(1, 3)), **first),
            lambda: layers.UpSampling2D(2, interpolation=self.one_of("bicubic", "bilinear")),
            lambda: layers.ZeroPadding2D(
                ((number(0, 2), number(0, 2)), (number(0, 1), number(0, 3))), **first
            ),
            lambda: layers.GlobalAveragePooling2D(keepdims=self.chance(0.5), **first),
            lambda: layers.GlobalMaxPooling2D(keepdims=self.chance(0.5)),
            lambda: layers.Reshape(self.factors(shape)),
            lambda: layers.Dense(number(1, 5), activation=self.activation()),
        ]  # fmt: skip

    def volume_layers(self, shape: tuple[int, ...]) -> _Layers:
        """Layers for tensors of four axes."""
        layers, number = self.layers, self.number
        return [
            *[lambda: self.wide_conv(layers.Conv3D, shape, ("valid", "same"))] * 3,
            lambda: layers.Conv3DTranspose(
                number(1, 2), number(1, 3), strides=number(1, 2), padding=self.padding(),
                activation=self.activation(),
            ),
            lambda: layers.AveragePooling3D(number(1, 2), number(1, 2), padding=self.padding()),
            lambda: layers.GlobalAveragePooling3D(keepdims=self.chance(0.5)),
            lambda: layers.UpSampling3D((1, number(1, 2), 1)),
            lambda: layers.ZeroPadding3D(((0, 1), (1, 0), (number(0, 1), 0))),
            lambda: layers.Cropping3D(((0, 1), (1, 0), (0, 0))),
            lambda: layers.ReLU(self.one_of(None, 0.8)),
            lambda: layers.BatchNormalization(axis=number(1, 4)),
            lambda: layers.Permute(tuple(int(a) for a in 1 + self.rng.permutation(4))),
            lambda: layers.Dense(number(1, 3), activation=self.activation()),
        ]  # fmt: skip

    def padding(self, may_be_valid: bool = True) -> str:
        """``"valid"`` or ``"same"``."""
        return str(self.one_of("valid", "same")) if may_be_valid else "same"

    def factors(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Another shape of as many elements."""
        size = int(np.prod(shape))
        divisors = [n for n in range(1, size + 1) if size % n == 0]
        first = self.one_of(*divisors)
        rest = [n for n in divisors if (size // first) % n == 0]
        second = self.one_of(*rest)
        return self.one_of((first, size // first), (first, second, size // first // second))

    def wide_conv(self, kind: Any, shape: tuple[int, ...], paddings: tuple[str, ...]) -> Any:
        """A convolution with every option that goes together."""
        space, channels = shape[:-1], shape[-1]
        padding = self.one_of(*paddings)
        kernel = [self.number(1, 5 if padding != "valid" else min(4, n)) for n in space]
        strides, dilation = [1] * len(space), [1] * len(space)
        if self.chance(0.4):
            strides = [self.number(1, 3) for _ in space]
        elif self.chance(0.4) and min(space) > 2:
            dilation = [self.number(1, 2) for _ in space]
            kernel = [min(k, (n + 1) // 2) for k, n in zip(kernel, space)]
        groups = self.one_of(*[g for g in range(1, channels + 1) if channels % g == 0])
        return kind(
            groups * self.number(1, max(1, 5 // groups)), kernel, strides=strides,
            padding=padding, dilation_rate=dilation, groups=groups,
            activation=self.activation(), use_bias=self.chance(0.6),
        )  # fmt: skip


def wide_model(seed: int, keras: Any, form: str = "model", activations: Any = ACTIVATIONS) -> Any:
    """A model with random weights that computes in float64, the same for the same seed.

    Parameters
    ----------
    seed : int
    keras : module
        Of Keras 2 or 3.
    form : {"model", "volume_model", "model_of_dicts", "model_in_time"}
    activations : sequence of str or None
        To choose from.
    """
    policies = keras.mixed_precision
    before = policies.global_policy() if hasattr(policies, "global_policy") else (
        policies.dtype_policy()
    )  # fmt: skip
    policies.set_global_policy("float64")
    try:
        maker = WideMaker(np.random.RandomState(seed), activations, keras)
        for _ in range(20):
            try:
                model = getattr(maker, form)(f"seed_{seed}")
            except ValueError:  # Keras' own, of shapes that don't go together: draw on
                continue
            return random_weights(model, seed)
        raise RuntimeError(f"Keras took none of 20 models drawn with seed {seed}.")
    finally:
        policies.set_global_policy(before)
