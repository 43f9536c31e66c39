"""Tables of the products of a network, and the order of their weights (product_kernels.py)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .vector_sizes import TILE_VECTORS, WIDTH

MATRIX, CONVOLUTION, SPARSE = 0, 1, 2


class Products(NamedTuple):
    """All products of a network.

    Attributes
    ----------
    shape : ndarray of int64, shape (products, 16)
        Kind, number of sources, of targets, and for a convolution: rows, columns and channels of
        its sources; rows, columns and channels of its targets; rows and columns of its kernel;
        strides; rows and columns of padding before the first source; 0.
    weights : tuple of int64 arrays (products,)
        Where weights begin in ``values``, by source.
    by_target : ndarray of int64 (products,)
        Where weights of convolutions begin in ``values``, in the order of kernel rows, kernel
        columns, sources' channels, targets' channels.
    starts, places : ndarray of int64, int32
        Of sparse matrices: where the weights of each source begin, and their targets.
    sparse_at : ndarray of int64, shape (products, 2)
        Where a sparse matrix begins in ``starts`` and ``places``.
    most_events : ndarray of int64 (products,)
        Up to as many sources that fire, events cost less than a dense product.
    values : ndarray of float
        Weights of all products.
    """

    shape: np.ndarray
    weights: np.ndarray
    by_target: np.ndarray
    starts: np.ndarray
    places: np.ndarray
    sparse_at: np.ndarray
    most_events: np.ndarray
    values: np.ndarray


def by_target(kernel: np.ndarray) -> np.ndarray:
    """Weights of a convolution as its dense product reads them.

    Groups of as many channels of the targets as a tile has, and then of fewer, each with the
    weights of all rows, columns and channels of the sources, in this order.

    Parameters
    ----------
    kernel : ndarray, shape (rows, columns, channels of sources, channels of targets)
    """
    flat = kernel.reshape(-1, kernel.shape[-1])
    parts, c = [], 0
    for size in (TILE_VECTORS * WIDTH, WIDTH, 4, 1):
        while c + size <= flat.shape[1]:
            parts.append(flat[:, c : c + size].reshape(-1))
            c += size
    return np.concatenate(parts)


def by_source(kernel: np.ndarray, stride: int) -> np.ndarray:
    """Weights of a convolution as its events read them.

    Channels of the sources come first. Every ``stride``-th column is together, in reverse: those
    with which a source reaches its targets, in the order of these.

    Parameters
    ----------
    kernel : ndarray, shape (rows, columns, channels of sources, channels of targets)
    stride : int
        From column to column.
    """
    n = kernel.shape[1]
    columns = np.concatenate([np.arange(k, n, stride)[::-1] for k in range(stride)])
    return kernel[:, columns].transpose(2, 0, 1, 3).reshape(-1)
