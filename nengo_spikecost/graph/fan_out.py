"""Which inputs of a transform reach which of its outputs: one rule per transform type.

A rule is a pure function of a transform and of ``count_zeros``. To make the package
understand a transform of your own, register one more::

    from nengo_spikecost.graph import Selection, fan_out_rules

    @fan_out_rules.register(Reversal)
    def reversal(transform, count_zeros):
        return Selection(range(transform.size_in)[::-1], transform.size_in)

Weights that are exactly zero are no synapse unless ``count_zeros`` is true. Zeros are
common: NengoDL writes pooling as a convolution whose kernel is an identity between
channels. Weights still to be drawn from a distribution all count.
"""

from __future__ import annotations

from typing import Any, Callable

import numpy as np
from nengo import Convolution, ConvolutionTranspose, Dense, Sparse
from nengo.dists import Distribution
from nengo.transforms import NoTransform, SparseMatrix, Transform
from scipy import sparse

from ..errors import NetworkGraphError
from ..registry import TypeRegistry
from .connectivity import Connectivity, Identity, SparsePattern, pattern_of
from .convolution import convolution_pattern
from .nengo_types import replaced

FanOutRule = Callable[[Any, bool], Connectivity]

#: From transform type to fan-out rule. A subclass that replaces ``sample``, or anything else of
#: its base, needs a rule of its own.
fan_out_rules: TypeRegistry[FanOutRule] = TypeRegistry("fan-out rule", replaced)


def connectivity(transform: Transform, count_zeros: bool = False) -> Connectivity:
    """Binary connectivity pattern of a transform.

    Parameters
    ----------
    transform : nengo.transforms.Transform
        Maps ``size_in`` values to ``size_out`` values.
    count_zeros : bool
        Whether a weight that is exactly zero still is a synapse.

    Raises
    ------
    NetworkGraphError
        If no rule is registered for this type of transform, or the rule's answer has
        the wrong size.
    """
    rule = fan_out_rules.find(transform)
    if rule is None:
        raise NetworkGraphError(
            f"No fan-out rule for transforms of type {type(transform).__name__}; "
            "register one with nengo_spikecost.graph.fan_out_rules.register."
        )
    pattern = rule(transform, count_zeros)
    if (pattern.size_in, pattern.size_out) != (transform.size_in, transform.size_out):
        raise NetworkGraphError(
            f"The fan-out rule for {type(transform).__name__} gave {pattern!r} for a "
            f"transform from {transform.size_in} to {transform.size_out} elements."
        )
    return pattern


def synapse_mask(weights: Any, shape: Any, count_zeros: bool) -> np.ndarray:
    """Which of some weights are synapses, as booleans of the given shape.

    Parameters
    ----------
    weights : Distribution or array_like
    shape : tuple of int
        Shape of the weights, should they come from a distribution.
    count_zeros : bool
    """
    if isinstance(weights, Distribution):
        return np.ones(shape, dtype=bool)
    if count_zeros:
        return np.ones(np.shape(weights), dtype=bool)
    return np.asarray(weights) != 0


@fan_out_rules.register(NoTransform)
def no_transform(transform: NoTransform, count_zeros: bool) -> Connectivity:
    """Element by element."""
    return Identity(transform.size_in)


@fan_out_rules.register(Dense)
def dense(transform: Dense, count_zeros: bool) -> Connectivity:
    """A matrix; or a vector or scalar that stands for a diagonal matrix."""
    mask = synapse_mask(transform.init, transform.shape, count_zeros)
    if mask.ndim == 2:
        return pattern_of(mask)
    if mask.all():
        return Identity(transform.size_in)
    kept = np.flatnonzero(np.broadcast_to(mask, transform.size_in))
    diagonal = (np.ones(len(kept), dtype=bool), (kept, kept))
    return SparsePattern(sparse.csr_matrix(diagonal, transform.shape))


@fan_out_rules.register(Sparse)
def sparse_matrix(transform: Sparse, count_zeros: bool) -> Connectivity:
    """The stored entries; entries at the same place add up."""
    init = transform.init
    if isinstance(init, SparseMatrix):
        mask = synapse_mask(init.data, (len(init.indices),), count_zeros)
        weights = mask if isinstance(init.data, Distribution) or count_zeros else init.data
        matrix = sparse.csr_matrix((weights, tuple(init.indices.T)), transform.shape)
    else:
        # The copy keeps the user's matrix as it is: what follows works in place.
        matrix = sparse.csr_matrix(init.tocsr(), transform.shape, copy=True)
    matrix.sum_duplicates()
    if not count_zeros:
        matrix.eliminate_zeros()
    return SparsePattern(matrix)


@fan_out_rules.register(Convolution)
def convolution(transform: Convolution, count_zeros: bool) -> Connectivity:
    """Strided, padded and grouped convolution in any number of dimensions."""
    return convolution_pattern(
        synapse_mask(transform.init, transform.kernel_shape, count_zeros),
        transform.input_shape.spatial_shape, transform.output_shape.spatial_shape,
        transform.strides, transform.padding, transform.channels_last,
        getattr(transform, "groups", 1),
    )  # fmt: skip


@fan_out_rules.register(ConvolutionTranspose)
def convolution_transpose(transform: ConvolutionTranspose, count_zeros: bool) -> Connectivity:
    """The transpose of the convolution that leads from its output to its input."""
    mask = synapse_mask(transform.init, transform.kernel_shape, count_zeros)
    return convolution_pattern(
        mask.swapaxes(-1, -2), transform.output_shape.spatial_shape,
        transform.input_shape.spatial_shape, transform.strides, transform.padding,
        transform.channels_last,
    ).T  # fmt: skip
