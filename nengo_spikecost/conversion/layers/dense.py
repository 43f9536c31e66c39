"""Dense layers, and those that scale and shift every element."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import nengo
import numpy as np
import tensorflow as tf
from nengo_dl.compat import BatchNormalizationV1, BatchNormalizationV2

from .base import LayerConverter
from .converter_registry import register_layer_converter
from .convolutions import TRAINING_ONLY


@register_layer_converter(tf.keras.layers.Dense)
class ConvertDense(LayerConverter):
    """Dense layers; on inputs of more than one axis, the same weights at every place."""

    unsupported_training_args = TRAINING_ONLY
    has_weights = True

    def convert(self, node_id: int) -> Any:
        """A matrix; or a convolution whose kernel covers one place."""
        weights = self.layer.kernel.numpy()
        biases = self.layer.bias.numpy() if self.layer.use_bias else None
        stage = self.add_stage(node_id, self.layer.activation, biases)
        *places, _ = self.input_shape(node_id)
        transform = places_transform(weights, places)
        self.connect(self.get_input_obj(node_id), stage.input, transform, trainable=True)
        return stage.output


def places_transform(weights: np.ndarray, places: Sequence[int]) -> Any:
    """Weights from the last axis, the same at every place of the axes before it.

    Parameters
    ----------
    weights : ndarray of shape (n_inputs, n_outputs)
    places : sequence of int
        Lengths of the other axes of a sample.
    """
    if math.prod(places) <= 1:
        return weights.T
    # two axes, because NengoLoihi has no other convolutions
    rows = places[0] if len(places) > 1 else math.prod(places)
    return nengo.Convolution(
        n_filters=weights.shape[1],
        input_shape=(rows, math.prod(places) // rows, weights.shape[0]),
        kernel_size=(1, 1), init=weights[None, None],
    )  # fmt: skip


@register_layer_converter(BatchNormalizationV1, BatchNormalizationV2)
class ConvertBatchNormalization(LayerConverter):
    """Batch normalization as it is in inference: with the moving averages."""

    @classmethod
    def problem(cls, layer: Any, converter: Any) -> str | None:
        """Training would need the statistics of the batch."""
        if not converter.inference_only and layer.trainable:
            return "it needs inference_only=True, or layer.trainable=False"
        return None

    def convert(self, node_id: int) -> Any:
        """A factor and an offset for every channel."""
        layer = self.layer
        if self.layer.inbound_nodes[node_id].call_kwargs.get("training"):
            raise self.refused("it is called with training=True")
        scale = 1 / np.sqrt(layer.moving_variance.numpy().astype(np.float64) + layer.epsilon)
        if layer.scale:
            scale = scale * layer.gamma.numpy()
        offset = -scale * layer.moving_mean.numpy()
        if layer.center:
            offset = offset + layer.beta.numpy()
        shape = [1] * len(self.output_shape(node_id))
        sizes = self.output_shape(node_id)
        for axis in layer.axis:
            shape[self.axis(axis, node_id)] = sizes[self.axis(axis, node_id)]
        return self.add_affine(node_id, np.reshape(scale, shape), np.reshape(offset, shape))


@register_layer_converter(tf.keras.layers.Rescaling)
class ConvertRescaling(LayerConverter):
    """A factor and an offset."""

    def convert(self, node_id: int) -> Any:
        """Both broadcast from the last axes."""
        return self.add_affine(node_id, self.layer.scale, self.layer.offset)


@register_layer_converter(tf.keras.layers.Normalization)
class ConvertNormalization(LayerConverter):
    """Normalization with a mean and a variance that were adapted or given."""

    @classmethod
    def problem(cls, layer: Any, converter: Any) -> str | None:
        """Without statistics there is nothing to normalize with."""
        if getattr(layer, "mean", None) is None:
            return "it has no statistics yet; call its adapt() first"
        return None

    def convert(self, node_id: int) -> Any:
        """A factor and an offset, both with the axes of the layer."""
        mean, variance = np.asarray(self.layer.mean)[0], np.asarray(self.layer.variance)[0]
        # the smallest deviation that Keras divides by
        deviation = np.maximum(np.sqrt(variance.astype(np.float64)), tf.keras.backend.epsilon())
        if getattr(self.layer, "invert", False):
            return self.add_affine(node_id, deviation, mean)
        return self.add_affine(node_id, 1 / deviation, -mean / deviation)
