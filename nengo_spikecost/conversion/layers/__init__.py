"""Layer converters, one file a family; importing this package registers all of them."""

from . import (
    activations,
    convolutions,
    dense,
    fallback,
    keras_spiking,
    memories,
    merging,
    no_ops,
    operators,
    pooling,
    qkeras,
    quantizeml,
    shapes,
)
from .base import LayerConverter, Stage
from .converter_registry import converters, register_layer_converter

__all__ = [
    "LayerConverter", "Stage", "activations", "converters", "convolutions", "dense",
    "fallback", "keras_spiking", "memories", "merging", "no_ops", "operators", "pooling", "qkeras",
    "quantizeml", "register_layer_converter", "shapes",
]  # fmt: skip
