"""Patterns that are a product of one small pattern per axis of an image.

A convolution whose kernel has the same nonzero channels at every offset reaches an output
if its row, its column and its channel each do so. Its pattern is the Kronecker product of
one small pattern per axis, and so are its degrees; and the union of two such maps in a
row is, axis by axis, the union of theirs. That is what makes fan-outs of whole
networks cheap *and* exact.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property, reduce

import numpy as np

from .connectivity import AllToAll, Connectivity, Identity, Placement, Selection, SparsePattern


class Kronecker(Connectivity):
    """The Kronecker product of one pattern per axis, elements in C order.

    Parameters
    ----------
    axes : sequence of Connectivity
        One pattern for each axis, the slowest-varying axis first.
    """

    def __init__(self, axes: Sequence[Connectivity]):
        self.axes = tuple(axes)
        self.shape_in = tuple(axis.size_in for axis in self.axes)
        self.shape_out = tuple(axis.size_out for axis in self.axes)
        super().__init__(int(np.prod(self.shape_in)), int(np.prod(self.shape_out)))

    def _forward(self, u: np.ndarray) -> np.ndarray:
        image = u.reshape(*self.shape_in, u.shape[1])
        for number, axis in enumerate(self.axes):
            image = _along(axis.forward, image, number)
        return image.reshape(self.size_out, -1)

    def _adjoint(self, v: np.ndarray) -> np.ndarray:
        image = v.reshape(*self.shape_out, v.shape[1])
        # The channel axis comes last and shrinks most: take it first.
        for number in reversed(range(len(self.axes))):
            image = _along(self.axes[number].adjoint, image, number)
        return image.reshape(self.size_in, -1)

    @cached_property
    def out_degree(self) -> np.ndarray:
        return reduce(np.multiply.outer, [axis.out_degree for axis in self.axes]).ravel()

    @cached_property
    def in_degree(self) -> np.ndarray:
        return reduce(np.multiply.outer, [axis.in_degree for axis in self.axes]).ravel()

    @property
    def n_synapses(self) -> int:
        return math.prod(axis.n_synapses for axis in self.axes)

    def synapses(self, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        coordinates = np.unravel_index(inputs, self.shape_in)
        position = np.arange(len(inputs))
        output = np.zeros(len(inputs), dtype=np.int64)
        for axis, coordinate in zip(self.axes, coordinates):
            where, along = axis.synapses(coordinate[position])
            position = position[where]
            output = output[where] * axis.size_out + along
        return position, output

    @property
    def T(self) -> Connectivity:
        return Kronecker([axis.T for axis in self.axes])


def _along(apply: object, image: np.ndarray, number: int) -> np.ndarray:
    """Apply a function of arrays of shape (size, n) along one axis of an image."""
    front = np.moveaxis(image, number, 0)
    result = apply(front.reshape(front.shape[0], -1))  # type: ignore[operator]
    return np.moveaxis(result.reshape(-1, *front.shape[1:]), 0, number)


def union(first: Connectivity, second: Connectivity) -> Connectivity:
    """The pattern of ``second`` after ``first``: the pairs joined by at least one path.

    Meant for the small patterns of single axes: those without a closed form are multiplied
    out as sparse boolean matrices.
    """
    if isinstance(first, Identity):
        return second
    if isinstance(second, Identity):
        return first
    if isinstance(second, AllToAll) and first.out_degree.all():
        return AllToAll(first.size_in, second.size_out)
    if isinstance(first, AllToAll) and second.in_degree.all():
        return AllToAll(first.size_in, second.size_out)
    return SparsePattern(second.to_sparse() @ first.to_sparse())


def union_of_products(first: Kronecker, second: Kronecker) -> Kronecker | None:
    """`union` axis by axis, or None if the two do not cut their image alike."""
    if first.shape_out != second.shape_in:
        return None
    return Kronecker([union(a, b) for a, b in zip(first.axes, second.axes)])


def split_selection(selection: Selection, shape: Sequence[int]) -> list[Connectivity] | None:
    """Write a selection that repeats elements axis by axis as a product.

    Nearest-neighbour upsampling repeats rows and columns: ``x[indices]``, reshaped to
    ``shape``, takes its row from one axis alone, and its column from another.

    Parameters
    ----------
    selection : Selection
    shape : sequence of int
        Shape of the image its outputs are read as.

    Returns
    -------
    list of Connectivity, or None
        A shorter selection, left out where it would be an identity, followed by a
        `Kronecker` product with ``shape_out == shape``. None if the selection is no such
        product, or repeats nothing.
    """
    image = selection.indices.reshape(tuple(shape))
    origin = image[(0,) * image.ndim]
    steps = []
    for number in range(image.ndim):
        line = [0] * image.ndim
        line[number] = slice(None)  # type: ignore[call-overload]
        steps.append(image[tuple(line)] - origin)
    if not np.array_equal(image, origin + reduce(np.add.outer, steps)):
        return None
    axes: list[Connectivity] = []
    corners = []
    for step in steps:
        values, which = np.unique(step, return_inverse=True)
        corners.append(values)
        axes.append(Selection(which.ravel(), len(values)))
    grid = (origin + reduce(np.add.outer, corners)).ravel()
    if len(grid) == image.size:
        return None
    product = Kronecker(axes)
    if np.array_equal(grid, np.arange(selection.size_in)):
        return [product]
    return [Selection(grid, selection.size_in), product]


def on_grid(placement: Placement, shape: Sequence[int]) -> Kronecker | None:
    """Write a placement onto a grid of an image as a product.

    One branch of a concatenation is placed on all rows, all columns, and channels of its own; a
    cropped or padded image on some rows and columns. What such a branch reaches through the next
    convolution is then a product again (`union_of_products`).

    Parameters
    ----------
    placement : Placement
    shape : sequence of int
        Shape of the image that its outputs are read as.

    Returns
    -------
    Kronecker, or None
        With ``shape_out == shape``, and the same pairs. None if the inputs are not placed on some
        rows, some columns and some channels, each with each, in C order.
    """
    lines = [np.unique(line) for line in np.unravel_index(placement.indices, tuple(shape))]
    if math.prod(map(len, lines)) != placement.size_in:
        return None
    grid = np.ravel_multi_index(np.ix_(*lines), tuple(shape)).ravel()
    if not np.array_equal(grid, placement.indices):
        return None
    return Kronecker([Placement(line, size) for line, size in zip(lines, shape)])
