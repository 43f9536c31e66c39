"""The rows of docs/layers.md: a small model for every Keras layer, and what it is called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any, Callable

import nengo_spikecost  # noqa: F401  before keras_spiking, which imports what it patches

Build = Callable[[Any], Any]

LINE, IMAGE, VOLUME, VECTOR = (12, 2), (6, 6, 2), (4, 4, 4, 2), (6,)


@dataclass(frozen=True)
class Row:
    """One line of the table: what is put between two layers with neurons.

    Attributes
    ----------
    group, layer, options : str
        The heading it is listed under, the name of the Keras layer, and its arguments.
    words : str
        What else the row is called by.
    shape : tuple of int
        Shape of one sample of the input.
    build : callable
        From the tensor before it to the tensor behind it, or a list of these.
    convert : mapping
        Options of ``convert``.
    lag : int
        Steps by which the network is behind Keras.
    types : tuple of str
        Names of layer types it is about, where ``layer`` is not one.
    whole : bool
        Whether ``build`` also makes the neurons behind, called "after", and the output.
    """

    group: str
    layer: str
    options: str
    shape: tuple[int, ...]
    build: Build
    convert: Mapping[str, Any] = field(default_factory=dict)
    words: str = ""
    lag: int = 0
    types: tuple[str, ...] = ()
    whole: bool = False

    @property
    def temporal(self) -> bool:
        """Whether the first axis of a sample is time."""
        return self.group == "Over time"

    @property
    def name(self) -> str:
        """The layer as a call, what else there is to say, and how it is converted."""
        called = f"`{self.layer}({self.options})`" if self.options else f"`{self.layer}`"
        options = f"`{shown(self.convert)}`" if self.convert else ""
        return ", ".join(part for part in (called, self.words, options) if part)


def rows() -> tuple[Row, ...]:
    """All rows, group by group."""
    return (
        *_dense(),
        *_convolutions(),
        *_pooling(),
        *_activations(),
        *_no_operations(),
        *_shapes(),
        *_merging(),
        *_operations(),
        *_topologies(),
        *_over_time(),
    )


# -- what rows are made of ----------------------------------------------------------------


def keras_layers() -> Any:
    from nengo_spikecost import stack

    return stack.keras().layers


def shown(arguments: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in arguments.items())


def one(layer_type: Any, **arguments: Any) -> Build:
    return lambda x: layer_type(name="layer", **arguments)(x)


def relu(x: Any, name: str | None = None) -> Any:
    """Another population of the same shape."""
    return keras_layers().Dense(x.shape[-1], activation="relu", name=name)(x)


class _Group:
    """Collects the rows under one heading."""

    def __init__(self, name: str, before: Build | None = None):
        self.name = name
        self.before = before
        self.rows: list[Row] = []

    def add(
        self,
        kind: str,
        shape: tuple[int, ...],
        *,
        convert: Mapping[str, Any] | None = None,
        words: str = "",
        **arguments: Any,
    ) -> None:
        """A layer of a type, with arguments."""
        layer, before = one(getattr(keras_layers(), kind), **arguments), self.before
        build: Build = layer if before is None else lambda x: layer(before(x))
        self.own(kind, shape, build, words, options=shown(arguments), convert=convert or {})

    def own(
        self,
        layer: str,
        shape: tuple[int, ...],
        build: Build,
        words: str = "",
        *,
        options: str = "",
        **more: Any,
    ) -> None:
        """A model part of one's own."""
        self.rows.append(Row(self.name, layer, options, shape, build, words=words, **more))


def _dense() -> list[Row]:
    group = _Group("Dense and normalization")
    group.add("Dense", VECTOR, units=4, activation="relu")
    group.add("Dense", VECTOR, units=4)
    group.add("Dense", VECTOR, units=4, activation="relu", use_bias=False)
    group.add("Dense", IMAGE, words="of an image", units=3, activation="relu")
    group.add("BatchNormalization", VECTOR, words="of a vector")
    group.add("BatchNormalization", IMAGE, words="of an image")
    group.add("BatchNormalization", IMAGE, axis=1)
    group.add("Normalization", IMAGE, mean=0.5, variance=2.0)
    group.add("Rescaling", IMAGE, scale=0.5, offset=0.1)
    return group.rows


def _convolutions() -> list[Row]:
    group = _Group("Convolutions")
    for kind, shape in (("Conv1D", LINE), ("Conv2D", IMAGE), ("Conv3D", VOLUME)):
        common: dict[str, Any] = {"filters": 4, "kernel_size": 3, "activation": "relu"}
        group.add(kind, shape, **common)
        group.add(kind, shape, **common, strides=2, padding="same")
        group.add(kind, shape, **{**common, "kernel_size": 2}, dilation_rate=2, use_bias=False)
        group.add(kind, shape, **common, groups=2, padding="same")
        if kind == "Conv1D":
            group.add(kind, shape, **common, padding="causal")
        if kind == "Conv2D":
            group.add(kind, shape, filters=4, kernel_size=3)
    for number, shape in ((1, LINE), (2, IMAGE)):
        kind = f"DepthwiseConv{number}D"
        group.add(kind, shape, kernel_size=3, activation="relu")
        group.add(kind, shape, kernel_size=3, depth_multiplier=2, strides=2, padding="same")
        kind = f"SeparableConv{number}D"
        group.add(kind, shape, filters=3, kernel_size=3, activation="relu")
        group.add(kind, shape, filters=3, kernel_size=3, strides=2, padding="same")
    for number, shape in ((1, LINE), (2, IMAGE), (3, VOLUME)):
        kind = f"Conv{number}DTranspose"
        group.add(kind, shape, filters=2, kernel_size=3, activation="relu")
        group.add(kind, shape, filters=2, kernel_size=3, strides=2, padding="same")
    return group.rows


def _pooling() -> list[Row]:
    group = _Group("Pooling")
    for number, shape in ((1, LINE), (2, IMAGE), (3, VOLUME)):
        group.add(f"AveragePooling{number}D", shape, pool_size=2)
        group.add(f"AveragePooling{number}D", shape, pool_size=3, strides=1, padding="same")
        group.add(f"GlobalAveragePooling{number}D", shape)
    group.add("GlobalAveragePooling2D", IMAGE, keepdims=True)
    for number, shape in ((1, LINE), (2, IMAGE), (3, VOLUME)):
        windows: list[dict[str, Any]] = [{"pool_size": 2}]
        if number == 2:
            windows.append({"pool_size": 3, "strides": 2, "padding": "same"})
        for window, how in product(windows, ("exact", "average", "strided")):
            group.add(f"MaxPooling{number}D", shape, convert={"max_pooling": how}, **window)
        for how in ("exact", "average"):
            group.add(f"GlobalMaxPooling{number}D", shape, convert={"max_pooling": how})
    return group.rows


def _activations() -> list[Row]:
    layers = keras_layers()
    # from values above zero to values on both sides of every kink
    group = _Group("Activations", before=layers.Rescaling(3.0, offset=-6.0))
    for function in ("relu", "relu6", "hard_sigmoid", "sigmoid", "tanh", "linear"):
        group.add("Activation", IMAGE, activation=function)
    group.add("ReLU", IMAGE)
    group.add("ReLU", IMAGE, max_value=1.0)
    group.add("ReLU", IMAGE, negative_slope=0.1, max_value=1.0)
    group.add("LeakyReLU", IMAGE, alpha=0.2)
    group.add("PReLU", IMAGE)
    group.add("PReLU", IMAGE, shared_axes=[1, 2])
    group.add("Conv2D", IMAGE, filters=3, kernel_size=2, activation="relu6")
    group.add("ELU", IMAGE, convert={"swap_activations": {"elu": "relu"}})
    swaps = {"thresholded_relu": "relu"}
    group.add("ThresholdedReLU", IMAGE, convert={"swap_activations": swaps}, theta=0.5)

    def at_the_output(x: Any) -> Any:
        dense = layers.Dense(4, activation="relu", name="after")(layers.Flatten()(x))
        return layers.Softmax(name="layer")(layers.Dense(3)(dense))

    def head(x: Any) -> Any:
        dense = layers.Dense(4, activation="relu", name="after")(layers.Flatten()(x))
        return layers.Dense(2, activation="sigmoid", name="layer")(dense)

    group.own("Softmax", IMAGE, at_the_output, "at the output", whole=True)
    sigmoid = "units=2, activation='sigmoid'"
    group.own("Dense", IMAGE, head, "at the output", options=sigmoid, whole=True)
    group.before = None
    group.add("Softmax", IMAGE, words="before other layers")
    group.add("Dense", VECTOR, units=4, activation="softmax")
    return group.rows


def _no_operations() -> list[Row]:
    group = _Group("Nothing in inference")
    for kind in ("Dropout", "AlphaDropout", "GaussianDropout"):
        group.add(kind, IMAGE, rate=0.5)
    group.add("GaussianNoise", IMAGE, stddev=0.5)
    for number, shape in ((1, LINE), (2, IMAGE), (3, VOLUME)):
        group.add(f"SpatialDropout{number}D", shape, rate=0.5)
    group.add("ActivityRegularization", IMAGE)
    group.add("Identity", IMAGE)
    for kind in ("RandomBrightness", "RandomContrast", "RandomRotation"):
        group.add(kind, IMAGE, factor=0.2)
    group.add("RandomFlip", IMAGE)
    group.add("RandomTranslation", IMAGE, height_factor=0.2, width_factor=0.2)
    group.add("RandomZoom", IMAGE, height_factor=0.2)
    return group.rows


def _shapes() -> list[Row]:
    group = _Group("Shapes")
    for number, shape in ((1, LINE), (2, IMAGE), (3, VOLUME)):
        group.add(f"ZeroPadding{number}D", shape, padding=1)
        group.add(f"Cropping{number}D", shape, cropping=1)
        group.add(f"UpSampling{number}D", shape, size=2)
    group.add("ZeroPadding2D", IMAGE, padding=((0, 1), (2, 0)))
    group.add("UpSampling2D", IMAGE, size=2, interpolation="bilinear")
    group.add("CenterCrop", IMAGE, height=3, width=4)
    group.add("Permute", IMAGE, dims=(2, 1, 3))
    group.add("Permute", IMAGE, dims=(3, 1, 2))
    group.add("Reshape", IMAGE, target_shape=(9, 4, 2))
    group.add("Flatten", IMAGE)
    group.add("Flatten", IMAGE, data_format="channels_first")
    group.add("RepeatVector", VECTOR, n=3)
    group.own("a[:, 1:, ::2]", IMAGE, lambda x: x[:, 1:, ::2], types=("SlicingOpLambda",))
    return group.rows


def _merging() -> list[Row]:
    layers, group = keras_layers(), _Group("Merging")

    def joined(kind: str, **arguments: Any) -> Build:
        return lambda x: getattr(layers, kind)(name="layer", **arguments)([x, relu(x)])

    def residual(x: Any) -> Any:
        return layers.Add(name="layer")([x, layers.Conv2D(2, 3, padding="same")(x)])

    for kind in ("Add", "Average", "Subtract", "Maximum", "Minimum"):
        group.own(kind, IMAGE, joined(kind))
    group.own("Concatenate", IMAGE, joined("Concatenate"))
    group.own("Concatenate", IMAGE, joined("Concatenate", axis=1), options="axis=1")
    group.own("Add", IMAGE, residual, "a linear convolution and the way around it")
    group.own("a + b, a - b", IMAGE, lambda x: x - relu(x) + x * 2, types=("TFOpLambda",))
    group.own("0.5 * a + 1", IMAGE, lambda x: 0.5 * x + 1, types=("TFOpLambda",))
    return group.rows


def _operations() -> list[Row]:
    import tensorflow as tf

    group = _Group("Operations")

    def keras_3(function: Callable[[Any, Any], Any]) -> Build:
        def build(x: Any) -> Any:
            from importlib import import_module

            from nengo_spikecost.conversion.keras3 import rebuild

            keras = import_module("keras")
            inp = keras.Input(x.shape[1:])
            return rebuild(keras.Model(inp, function(keras.ops, inp), name="layer"))(x)

        return build

    known: tuple[tuple[str, Callable[[Any], Any]], ...] = (
        ("tf.reduce_mean(a, axis=1)", lambda a: tf.reduce_mean(a, axis=1)),
        ("tf.transpose(a, (0, 2, 1, 3))", lambda a: tf.transpose(a, (0, 2, 1, 3))),
        ("tf.concat([a, a], 1)", lambda a: tf.concat([a, a], 1)),
        ("tf.abs(a)", lambda a: tf.abs(a)),
        ("tf.maximum(a, 1.0)", lambda a: tf.maximum(a, 1.0)),
        ("tf.clip_by_value(a, 0.5, 1.0)", lambda a: tf.clip_by_value(a, 0.5, 1.0)),
    )
    for name, build in known:
        group.own(name, IMAGE, build, types=("TFOpLambda",))
    newer: tuple[tuple[str, Callable[[Any, Any], Any]], ...] = (
        ("a - a / 255", lambda ops, a: a - a / 255),
        ("a[..., :1]", lambda ops, a: a[..., :1]),
        ("ops.mean(a, (1, 2), keepdims=True)", lambda ops, a: ops.mean(a, (1, 2), keepdims=True)),
        ("ops.pad(a, ((0, 0), (1, 1), (0, 2), (0, 0)))",
         lambda ops, a: ops.pad(a, ((0, 0), (1, 1), (0, 2), (0, 0)))),
        ("ops.relu(a - 1)", lambda ops, a: ops.relu(a - 1)),
        ("ops.clip(a, 0.5, 1.0)", lambda ops, a: ops.clip(a, 0.5, 1.0)),
        ("ops.maximum(a, 2 * a - 1)", lambda ops, a: ops.maximum(a, 2 * a - 1)),
        ("ops.max(a, axis=1)", lambda ops, a: ops.max(a, axis=1)),
    )  # fmt: skip
    for name, function in newer:
        group.own(name, IMAGE, keras_3(function), "of Keras 3", types=("Keras3Operation",))
    return group.rows


def _topologies() -> list[Row]:
    from nengo_spikecost import stack

    keras, layers, group = stack.keras(), keras_layers(), _Group("Models")

    def block(x: Any, name: str = "layer") -> Any:
        inp = y = keras.Input(x.shape[1:])
        y = layers.Conv2D(2, 3, padding="same", activation="relu")(y)
        y = layers.Add()([layers.BatchNormalization()(y), inp])
        return keras.Model(inp, y, name=name)(x)

    def sequential(x: Any) -> Any:
        inner = keras.Sequential([layers.Conv2D(2, 2, activation="relu"), layers.ReLU()])
        return keras.Sequential([keras.Input(x.shape[1:]), inner, layers.AveragePooling2D()])(x)

    def shared(x: Any) -> Any:
        layer = layers.Conv2D(2, 3, padding="same", activation="relu", name="layer")
        return layers.Add()([layer(x), layer(layer(x))])

    def several_outputs(x: Any) -> Any:
        return [block(x), layers.Dense(2, name="second")(layers.GlobalAveragePooling2D()(x))]

    def several_inputs(x: Any) -> Any:
        side = keras.Input(x.shape[1:], name="side")
        return layers.Add(name="layer")([x, layers.ReLU()(side)])

    group.own("Model", IMAGE, block, "a residual block, nested", types=("Functional",))
    group.own("Sequential", IMAGE, sequential, "a Sequential in a Sequential")
    group.own("Conv2D", IMAGE, shared, "shared: applied to its own output too")
    group.own("InputLayer", IMAGE, several_inputs, "several inputs")
    group.own("Model", IMAGE, several_outputs, "several outputs", types=("Functional",))
    return group.rows


def _over_time() -> list[Row]:
    import keras_spiking

    layers, group = keras_layers(), _Group("Over time")

    def dense(x: Any) -> Any:
        return layers.TimeDistributed(layers.Dense(4, activation="relu"), name="layer")(x)

    def spiking(x: Any) -> Any:
        return keras_spiking.SpikingActivation("relu", seed=0, name="layer")(x)

    group.own("TimeDistributed", VECTOR, dense, "a Dense layer")
    group.own("keras_spiking.SpikingActivation", VECTOR, spiking, types=("SpikingActivation",))
    for kind in ("Lowpass", "Alpha"):
        tau = 2**-6  # a float32 without rounding
        build = one(getattr(keras_spiking, kind), tau_initializer=tau, dt=0.001)
        group.own(
            f"keras_spiking.{kind}",
            VECTOR,
            build,
            options=f"tau_initializer={tau}",
            lag=1,
            types=(kind,),
        )
    return group.rows
