"""Layers that move elements about: each output is one input, zero, or a mean of a few."""

from __future__ import annotations

from typing import Any

import nengo
import numpy as np
import scipy.sparse
import tensorflow as tf

from .base import LayerConverter
from .converter_registry import register_layer_converter


@register_layer_converter(tf.keras.layers.Flatten)
class ConvertFlatten(LayerConverter):
    """No change of order, except that channels that come first are moved last."""

    def convert(self, node_id: int) -> Any:
        """The input, or a permutation of it."""
        indices = self.indices(node_id)
        if not self.channels_last and indices.ndim > 1:
            indices = np.moveaxis(indices, 0, -1)
        return self.select(node_id, indices)


@register_layer_converter(tf.keras.layers.Permute)
class ConvertPermute(LayerConverter):
    """Axes in another order."""

    def convert(self, node_id: int) -> Any:
        """A permutation."""
        axes = [axis - 1 for axis in self.layer.dims]
        if self.converter.temporal_model:
            if axes[0] != 0:
                raise self.refused("it moves the axis that is time")
            axes = [axis - 1 for axis in axes[1:]]
        return self.select(node_id, self.indices(node_id).transpose(axes))


@register_layer_converter(tf.keras.layers.RepeatVector)
class ConvertRepeatVector(LayerConverter):
    """The input several times over."""

    def convert(self, node_id: int) -> Any:
        """A selection that takes each element as often as it is repeated."""
        return self.select(node_id, np.tile(np.ravel(self.indices(node_id)), self.layer.n))


@register_layer_converter(
    tf.keras.layers.Cropping1D, tf.keras.layers.Cropping2D, tf.keras.layers.Cropping3D
)
class ConvertCropping(LayerConverter):
    """The middle of an image."""

    def convert(self, node_id: int) -> Any:
        """A selection."""
        cropping = self.layer.cropping
        pairs = [cropping] if isinstance(cropping[0], int) else list(cropping)
        indices = self.indices(node_id)
        first = 0 if self.channels_last else 1
        space = indices.shape[first : first + len(pairs)]
        kept = tuple(slice(a, n - b) for (a, b), n in zip(pairs, space))
        return self.select(node_id, indices[kept if self.channels_last else (slice(None), *kept)])


@register_layer_converter(tf.keras.layers.CenterCrop)
class ConvertCenterCrop(LayerConverter):
    """The middle of an image, if it is large enough."""

    def convert(self, node_id: int) -> Any:
        """A selection; Keras resizes images that are too small."""
        layer, indices = self.layer, self.indices(node_id)
        first = indices.ndim - 3 if self.channels_last else indices.ndim - 2
        kept: list[Any] = [slice(None)] * indices.ndim
        for axis, size in ((first, layer.height), (first + 1, layer.width)):
            over = indices.shape[axis] - size
            if over < 0:
                raise self.refused(
                    f"its input of {indices.shape[first]} x {indices.shape[first + 1]} is smaller "
                    f"than {layer.height} x {layer.width}, so that it would resize; give it a "
                    "larger input, or use UpSampling2D"
                )
            # as both Keras 2 and 3 do, what is left over is one more at the end
            kept[axis] = slice(over // 2, over // 2 + size)
        return self.select(node_id, indices[tuple(kept)])


@register_layer_converter(
    tf.keras.layers.UpSampling1D, tf.keras.layers.UpSampling2D, tf.keras.layers.UpSampling3D
)
class ConvertUpSampling(LayerConverter):
    """Larger images: nearest neighbours as a selection, else a sparse matrix."""

    def convert(self, node_id: int) -> Any:
        """One step per spatial axis, all of them composed."""
        sizes = np.atleast_1d(self.layer.size)
        method = getattr(self.layer, "interpolation", "nearest")
        first = 0 if self.channels_last else 1
        if method == "nearest":
            indices = self.indices(node_id)
            for axis, size in enumerate(sizes):
                indices = np.repeat(indices, size, axis=first + axis)
            return self.select(node_id, indices)
        shape = self.input_shape(node_id)
        factors = [scipy.sparse.eye(n) for n in shape]
        for axis, size in enumerate(sizes):
            factors[first + axis] = _resizing(shape[first + axis], int(size), method)
        matrix = factors[0]
        for factor in factors[1:]:
            matrix = scipy.sparse.kron(matrix, factor)
        matrix = matrix.tocsr()
        output = self.add_relay(node_id)
        transform = nengo.Sparse(matrix.shape, init=matrix)
        self.connect(self.get_input_obj(node_id), output, transform)
        return output


def _resizing(size: int, factor: int, method: str) -> scipy.sparse.csr_matrix:
    """How TensorFlow makes one axis longer: shape (size * factor, size)."""
    unit_images = np.eye(size, dtype=np.float32)[:, :, None, None]
    resized = tf.image.resize(unit_images, (size * factor, 1), method=method)
    return scipy.sparse.csr_matrix(resized.numpy()[:, :, 0, 0].T.astype(np.float64))
