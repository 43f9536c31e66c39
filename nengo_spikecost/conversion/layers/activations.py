"""Layers that are an activation."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from ..reasons import reason_of
from .base import LayerConverter
from .converter_registry import register_layer_converter
from .curves import PiecewiseLinear, layer_curve, rectified, softmax


class ActivationConverter(LayerConverter):
    """Base class: the layer's input, into the neurons of its curve."""

    def curve(self, node_id: int) -> Any:
        """The activation, as `LayerConverter.add_stage` takes it."""
        raise NotImplementedError

    def convert(self, node_id: int) -> Any:
        """One Connection into the neurons."""
        stage = self.add_stage(node_id, self.curve(node_id))
        self.connect(self.get_input_obj(node_id), stage.input)
        return stage.output


@register_layer_converter(tf.keras.layers.Activation)
class ConvertActivation(ActivationConverter):
    """Any activation function."""

    def curve(self, node_id: int) -> Any:
        """The layer's function."""
        return self.layer.activation


@register_layer_converter(tf.keras.layers.ReLU)
class ConvertReLU(ActivationConverter):
    """ReLU that may leak and saturate."""

    @classmethod
    def problem(cls, layer: Any, converter: Any) -> str | None:
        """No sum of ReLUs has a jump."""
        if float(layer.threshold):
            return f"its output jumps at threshold={float(layer.threshold):g}; only 0 has none"
        return None

    def curve(self, node_id: int) -> Any:
        """One to three populations."""
        curve = layer_curve(self.layer)
        return curve if isinstance(curve, PiecewiseLinear) else tf.nn.relu


@register_layer_converter(tf.keras.layers.LeakyReLU)
class ConvertLeakyReLU(ActivationConverter):
    """Leaky ReLU."""

    def curve(self, node_id: int) -> Any:
        """Two populations."""
        return layer_curve(self.layer)


@register_layer_converter(tf.keras.layers.PReLU)
class ConvertPReLU(ActivationConverter):
    """Leaky ReLU with a slope for each element."""

    has_weights = True

    @classmethod
    def problem(cls, layer: Any, converter: Any) -> str | None:
        """Slopes are constants here."""
        return None if converter.inference_only else "its slopes need inference_only=True"

    def curve(self, node_id: int) -> Any:
        """Two populations; axes of length 1 share a slope."""
        return rectified(np.asarray(self.layer.alpha.numpy(), dtype=np.float64), name="prelu")


@register_layer_converter(tf.keras.layers.ELU, tf.keras.layers.ThresholdedReLU)
class ConvertCurveless(ActivationConverter):
    """Layers with a curve that no neurons have, for ``swap_activations``."""

    @classmethod
    def problem(cls, layer: Any, converter: Any) -> str | None:
        """They are converted as something else only."""
        # by the layer's name, by the layer itself, or by the name of its curve
        wanted = converter.swaps.replaced(converter.swapped(layer, layer))
        return None if wanted is not layer else reason_of(layer)

    def curve(self, node_id: int) -> Any:
        """The layer itself, which has the name of its curve."""
        self.converter.note(self.layer, "what swap_activations says", exact=False)
        return self.layer


@register_layer_converter(tf.keras.layers.Softmax)
class ConvertSoftmax(ActivationConverter):
    """Softmax, on the host."""

    def curve(self, node_id: int) -> Any:
        """Over one axis or several."""
        axes = tf.nest.flatten(self.layer.axis)
        return softmax(tuple(self.axis(int(axis), node_id) for axis in axes))
