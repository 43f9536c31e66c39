"""Shape rules of the layers of Keras, QKeras and KerasSpiking.

A layer of the user's own has its rule in the class of its converter (`register_layer_converter`).
The package's own do not, although it converts nearly all of these layers itself: models are priced
by their shapes without being converted, and the converters import NengoDL. So these rules stay
below, where TensorFlow is not even imported: they are made once the user has done so.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from .layer_application import LayerApplication, ShapeRule, activation_name, shape_rules, shapes_of
from .layer_shape import LayerShape

#: Layers whose output has the values of their input, or some of them.
_SHAPE_LAYERS = """
    ActivityRegularization AlphaDropout Concatenate Cropping1D Cropping2D Cropping3D Dropout
    Flatten GaussianDropout GaussianNoise Identity Permute RandomBrightness RandomContrast
    RandomFlip RandomRotation RandomTranslation RandomZoom RepeatVector Reshape SpatialDropout1D
    SpatialDropout2D SpatialDropout3D UpSampling1D UpSampling3D ZeroPadding1D ZeroPadding2D
    ZeroPadding3D
"""

_MERGES = ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum")

_ACTIVATIONS = {
    "ReLU": "relu", "LeakyReLU": "leaky_relu", "PReLU": "prelu", "ELU": "elu",
    "ThresholdedReLU": "thresholded_relu", "Softmax": "softmax",
}  # fmt: skip

#: Operations of Keras 3 whose output has the values of their input, or some of them.
_RESHAPING = (
    "Concatenate", "ExpandDims", "Flip", "GetItem", "Moveaxis", "Pad", "Ravel", "Repeat",
    "Reshape", "Roll", "Slice", "Split", "Squeeze", "Stack", "Swapaxes", "Take", "Tile",
    "Transpose", "Unstack",
)  # fmt: skip

#: Bare operations of TensorFlow between layers, by their names.
_OPERATIONS = {
    "__operators__.add": "add", "math.add": "add", "math.subtract": "subtract",
    "math.multiply": "multiply", "math.maximum": "maximum", "math.minimum": "minimum",
    "nn.relu": "activation", "nn.relu6": "activation", "reshape": "shape", "concat": "shape",
    "identity": "shape", "transpose": "shape", "stack": "shape", "pad": "shape", "tile": "shape",
    "repeat": "shape", "expand_dims": "shape", "squeeze": "shape", "reverse": "shape",
    "roll": "shape", "gather": "shape",
    # of Keras 3, by their classes
    "Add": "add", "Subtract": "subtract", "Multiply": "multiply", "Maximum": "maximum",
    "Minimum": "minimum", "Relu": "activation", "ReLU": "activation", "Relu6": "activation",
    **dict.fromkeys(_RESHAPING, "shape"),
}  # fmt: skip


def _of_kind(kind: str, **fields: Any) -> ShapeRule:
    return lambda use: use.shape(kind, **fields)


def _sizes(values: Sequence[int] | int, n_axes: int = 1) -> tuple[int, ...]:
    return (values,) * n_axes if isinstance(values, int) else tuple(int(v) for v in values)


def _parameters(*variables: Any) -> int:
    return sum(math.prod(v.shape) for v in variables if v is not None)


def _stored(layer: Any, kernel: Any) -> dict[str, int]:
    bias = layer.bias if getattr(layer, "use_bias", False) else None
    return {"n_weights": _parameters(kernel), "n_biases": _parameters(bias)}


def _kernel(layer: Any) -> dict[str, Any]:
    return {
        "kernel_size": _sizes(layer.kernel_size),
        "strides": _sizes(layer.strides),
        "dilation": _sizes(layer.dilation_rate),
    }


def _dense(use: LayerApplication) -> LayerShape:
    return use.shape("dense", **_stored(use.layer, use.layer.kernel))


def _convolution(kind: str) -> ShapeRule:
    def rule(use: LayerApplication) -> LayerShape:
        layer = use.layer
        groups = getattr(layer, "groups", 1)
        return use.shape(kind, groups=groups, **_stored(layer, layer.kernel), **_kernel(layer))

    return rule


def _depthwise(use: LayerApplication) -> LayerShape:
    layer = use.layer
    fields = {**_stored(layer, layer.depthwise_kernel), **_kernel(layer)}
    shape = use.shape("depthwise convolution", **fields)
    return replace(shape, groups=shape.channels_in)


def _separable(use: LayerApplication) -> tuple[LayerShape, ...]:
    """A depthwise convolution, then one that mixes the channels."""
    layer = use.layer
    whole = use.shape("convolution")
    *places, _ = whole.output_shape
    between = (*places, whole.channels_in * layer.depth_multiplier)
    quantizers = dict(whole.quantizers)
    pointwise = {"weights": quantizers.pop("pointwise")} if "pointwise" in quantizers else {}
    depthwise = {"weights": quantizers.pop("weights")} if "weights" in quantizers else {}
    name = f"{use.name}.depthwise"
    first = use.shape(
        "depthwise convolution", name=name, output_shape=between, groups=whole.channels_in,
        n_weights=_parameters(layer.depthwise_kernel), activation="linear", quantizers=depthwise,
        **_kernel(layer),
    )  # fmt: skip
    ones = (1,) * len(places)
    second = use.shape(
        "convolution", inputs=(name,), input_shapes=(between,), kernel_size=ones, strides=ones,
        dilation=ones, quantizers={**quantizers, **pointwise},
        **_stored(layer, layer.pointwise_kernel),
    )  # fmt: skip
    return first, second


def _pooling(kind: str) -> ShapeRule:
    def rule(use: LayerApplication) -> LayerShape:
        layer = use.layer
        return use.shape(kind, kernel_size=_sizes(layer.pool_size), strides=_sizes(layer.strides))

    return rule


def _global_pooling(kind: str) -> ShapeRule:
    def rule(use: LayerApplication) -> LayerShape:
        shape = use.shape(kind)
        *places, channels = shape.input_shapes[0]
        # without places left, the one axis is that of the channels in any data format
        kept = (1,) * len(places) if getattr(use.layer, "keepdims", False) else ()
        size = tuple(places)
        return use.shape(kind, kernel_size=size, strides=size, output_shape=(*kept, channels))

    return rule


def _batch_normalization(use: LayerApplication) -> LayerShape:
    n = _parameters(use.layer.moving_mean)
    # one factor and one offset for each channel, whatever they are computed from
    return use.shape("batch normalization", n_weights=n, n_biases=n)


def _rescaling(use: LayerApplication) -> LayerShape:
    return use.shape("batch normalization", n_weights=1, n_biases=1)


def _activation(name: str) -> ShapeRule:
    def rule(use: LayerApplication) -> LayerShape:
        slopes = getattr(use.layer, "alpha", None) if name == "prelu" else None
        return use.shape("activation", activation=name, n_weights=_parameters(slopes))

    return rule


def _quantized_activation(use: LayerApplication) -> LayerShape:
    return use.shape("activation", activation=activation_name(use.layer.quantizer))


def _upsampling(use: LayerApplication) -> LayerShape:
    nearest = use.layer.interpolation == "nearest"
    return use.shape("shape" if nearest else "unknown")


def shape_of_operation(use: LayerApplication) -> LayerShape:
    symbol = str(getattr(use.layer, "symbol", None) or getattr(use.layer, "kind", ""))
    kind = _OPERATIONS.get(symbol, "unknown")
    if kind in {name.lower() for name in _MERGES} and len(use.inputs) < 2:
        kind = "unknown"  # with a constant
    name = symbol.rpartition(".")[2].lower() if kind == "activation" else "linear"
    return use.shape(kind, activation=name)


def _of_wrapped(use: LayerApplication) -> tuple[LayerShape, ...]:
    """The layer within a ``TimeDistributed``, with time as one of its axes."""
    shapes = shapes_of(replace(use, layer=use.layer.layer))
    unknown = any(shape.kind == "unknown" for shape in shapes)
    return (use.shape("unknown"),) if unknown else shapes


def _of_tensorflow(tf: Any) -> dict[type, ShapeRule]:
    layers = tf.keras.layers
    by_name: dict[str, ShapeRule] = {
        "InputLayer": _of_kind("input"), "Dense": _dense, "DepthwiseConv1D": _depthwise,
        "DepthwiseConv2D": _depthwise, "SeparableConv1D": _separable, "SeparableConv2D": _separable,
        "BatchNormalization": _batch_normalization, "Rescaling": _rescaling,
        "UpSampling2D": _upsampling, "TimeDistributed": _of_wrapped,
        "Activation": _of_kind("activation"),
        **{name: _activation(function) for name, function in _ACTIVATIONS.items()},
        **{name: _of_kind(name.lower()) for name in _MERGES},
        **dict.fromkeys(_SHAPE_LAYERS.split(), _of_kind("shape")),
    }  # fmt: skip
    for n in (1, 2, 3):
        by_name[f"Conv{n}D"] = _convolution("convolution")
        by_name[f"Conv{n}DTranspose"] = _convolution("transposed convolution")
        for words, kind in (("Average", "average pooling"), ("Max", "max pooling")):
            by_name[f"{words}Pooling{n}D"] = _pooling(kind)
            by_name[f"Global{words}Pooling{n}D"] = _global_pooling(kind)
    # not every version has all of them
    rules = {getattr(layers, n): rule for n, rule in by_name.items() if hasattr(layers, n)}
    # Keras does not export the layers that it makes of operations
    path = layers.Layer.__module__.replace("engine.base_layer", "layers.core.tf_op_layer")
    operations = importlib.import_module(path)
    return {
        **rules,
        operations.TFOpLambda: shape_of_operation,
        operations.SlicingOpLambda: _of_kind("shape"),
    }


def _of_qkeras(qkeras: Any) -> dict[type, ShapeRule]:
    names = ("QActivation", "QAdaptiveActivation")
    return {getattr(qkeras, n): _quantized_activation for n in names if hasattr(qkeras, n)}


shape_rules.add_defaults("tensorflow", _of_tensorflow)
shape_rules.add_defaults("qkeras", _of_qkeras)
shape_rules.add_defaults(
    "keras_spiking", lambda package: {package.SpikingActivation: _of_kind("activation")}
)
