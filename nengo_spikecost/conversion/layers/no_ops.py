"""Layers that do nothing in inference."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from .base import LayerConverter
from .converter_registry import register_layer_converter


@register_layer_converter(
    tf.keras.layers.ActivityRegularization, tf.keras.layers.AlphaDropout, tf.keras.layers.Dropout,
    tf.keras.layers.GaussianDropout, tf.keras.layers.GaussianNoise,
    tf.keras.layers.RandomBrightness, tf.keras.layers.RandomContrast, tf.keras.layers.RandomFlip,
    tf.keras.layers.RandomRotation, tf.keras.layers.RandomTranslation, tf.keras.layers.RandomZoom,
    tf.keras.layers.SpatialDropout1D, tf.keras.layers.SpatialDropout2D,
    tf.keras.layers.SpatialDropout3D,
)  # fmt: skip
class ConvertNoOperation(LayerConverter):
    """Layers that only act in training."""

    @classmethod
    def problem(cls, layer: Any, converter: Any) -> str | None:
        """Their effect in training has no Nengo form."""
        if not converter.inference_only:
            return "what it does in training has no Nengo form; use inference_only=True"
        return None

    def convert(self, node_id: int) -> Any:
        """Hand on the input."""
        if self.layer.inbound_nodes[node_id].call_kwargs.get("training"):
            raise self.refused("it is called with training=True, so it is random in inference too")
        return self.get_input_obj(node_id)


@register_layer_converter(tf.keras.layers.Identity)
class ConvertIdentity(LayerConverter):
    """The layer that hands on its input, in training too."""

    def convert(self, node_id: int) -> Any:
        """The input itself."""
        return self.get_input_obj(node_id)
