"""Convolutions of any kind as sparse matrices, for those that have no kernels of their own."""

from __future__ import annotations

import itertools
from typing import Any

import nengo
import numpy as np


def has_kernel(conv: Any) -> bool:
    """Whether compiled code has a kernel for a convolution, and needs no matrix."""
    is_one = isinstance(conv, nengo.Convolution)
    return is_one and conv.dimensions <= 2 and conv.groups == 1 and conv.channels_last


def sparse_matrix(conv: Any, kernel: np.ndarray, transposed: bool) -> Any:
    """A convolution with groups, other dimensions than two, or transposed, as a matrix.

    Parameters
    ----------
    conv : nengo.Convolution or nengo.ConvolutionTranspose
    kernel : ndarray, shape (*kernel_size, channels of a group of the input, channels of the output)
    transposed : bool

    Returns
    -------
    scipy.sparse.csc_matrix, shape (size_out, size_in)
    """
    import scipy.sparse

    # a transposed convolution is the transpose of one from its output to its input
    wide, narrow = conv.input_shape, conv.output_shape
    if transposed:
        wide, narrow = narrow, wide
    wide_places, narrow_places = _places(wide), _places(narrow)
    sizes, steps = conv.kernel_size, conv.strides
    before = [
        max((n - 1) * step + size - m, 0) // 2 if conv.padding == "same" else 0
        for n, m, step, size in zip(narrow.spatial_shape, wide.spatial_shape, steps, sizes)
    ]
    positions = np.indices(narrow.spatial_shape)
    rows, columns, values = [], [], []
    for offset in itertools.product(*map(range, sizes)):
        reached = [p * step + k - b for p, step, k, b in zip(positions, steps, offset, before)]
        inside = np.all([(r >= 0) & (r < m) for r, m in zip(reached, wide.spatial_shape)], axis=0)
        own = narrow_places[inside]  # (positions, channels)
        other = wide_places[tuple(r[inside] for r in reached)]
        weights = kernel[offset]  # (input channels of a group, output channels)
        sources, targets = (own, other) if transposed else (other, own)
        n_in, n_out = sources.shape[1], targets.shape[1]
        groups = n_in // weights.shape[0]
        for i in range(n_in):
            group = i // weights.shape[0]
            of_group = slice(group * n_out // groups, (group + 1) * n_out // groups)
            w = weights[i % weights.shape[0], of_group]
            reach = targets[:, of_group]
            rows.append(reach.reshape(-1))
            columns.append(np.repeat(sources[:, i], reach.shape[1]))
            values.append(np.tile(w, len(reach)))
    matrix = scipy.sparse.coo_matrix(
        (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))),
        shape=(conv.output_shape.size, conv.input_shape.size),
    )
    return matrix.tocsc()


def _places(shape: Any) -> np.ndarray:
    """The place of every element of an image, channels last."""
    places = np.arange(shape.size).reshape(shape.shape)
    return places if shape.channels_last else np.moveaxis(places, 0, -1)
