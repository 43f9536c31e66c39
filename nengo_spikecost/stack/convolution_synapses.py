"""Convolutions as population synapses of NengoLoihi: grouped ones, and transposed ones.

A population synapse of NengoLoihi has one row of weights and one of compartment indices
for each *atom*, here each input channel, and many input axons, here each pixel, share one
set of rows. An ordinary convolution has the same indices in every row. In a grouped one,
each channel reaches the filters of its own group only, so the rows differ in their indices
and are shorter by the number of groups: the chip's memory holds them as they are.

Reference: nengo-loihi 1.1.0, ``conv.conv2d_loihi_weights`` (asserts that there are no
groups; with ``padding="same"``, places the outputs of a transposed convolution right only
if its output shape is the smallest possible), ``block.Synapse``, ``builder.split_blocks``
(asserts that atoms have the same indices), ``hardware.builder`` (writes the indices of
each atom).
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import nengo
import numpy as np

#: Largest compartment offset of an axon; the rest goes into the indices.
AXON_BASES = 256


@dataclass(frozen=True)
class _Reach:
    """The outputs that one input row (or column) of a convolution reaches.

    Attributes
    ----------
    first : int
        First output row; the others follow it one by one.
    taps : tuple of int
        The kernel row that leads to each of them.
    """

    first: int
    taps: tuple[int, ...]


def _reaches(n_in: int, n_out: int, kernel: int, stride: int, same: bool) -> list[_Reach]:
    """The reach of each input row: output ``y`` sees input ``y * stride + tap - pad``."""
    pad = _pad(n_in, n_out, kernel, stride) if same else 0
    reaches = []
    for i in range(n_in):
        pairs = [(*divmod(i + pad - tap, stride), tap) for tap in range(kernel)]
        hits = sorted((y, tap) for y, rest, tap in pairs if rest == 0 and 0 <= y < n_out)
        reaches.append(_Reach(hits[0][0] if hits else -1, tuple(tap for _, tap in hits)))
    return reaches


def _transposed_reaches(
    n_in: int, n_out: int, kernel: int, stride: int, same: bool
) -> list[_Reach]:
    """The same, transposed: output ``y * stride + tap - pad`` sees input ``y``."""
    pad = _pad(n_out, n_in, kernel, stride) if same else 0
    reaches = []
    for y in range(n_in):
        first = y * stride - pad
        taps = tuple(tap for tap in range(kernel) if 0 <= first + tap < n_out)
        reaches.append(_Reach(first + taps[0] if taps else -1, taps))
    return reaches


def _pad(n_in: int, n_out: int, kernel: int, stride: int) -> int:
    """Rows of zeros before the first input row of a convolution that is padded."""
    return max((n_out - 1) * stride + kernel - n_in, 0) // 2


def conv2d_weights(
    transform: Any,
) -> tuple[list[np.ndarray], list[np.ndarray], np.ndarray, np.ndarray]:
    """Weights and indices of any convolution, as ``conv2d_loihi_weights`` gives them.

    Parameters
    ----------
    transform : nengo.Convolution or nengo.ConvolutionTranspose
        With two spatial axes and an array as ``init``, kernel shape
        ``(rows, columns, channels / groups, filters)``.

    Returns
    -------
    weights : list of ndarray, each of shape (channels, reached)
        One entry a set of weights that pixels share.
    indices : list of ndarray of int32, each of the shape of its weights
        Output neurons, relative to the pixel's offset.
    axon_to_weight_map : ndarray of int32, shape (pixels,)
        The set of each input pixel.
    offsets : ndarray of int32, shape (pixels,)
        The offset of each input pixel, 0 to 255, or -1 if it reaches nothing.
    """
    n_in = transform.input_shape.spatial_shape
    n_out = transform.output_shape.spatial_shape
    same = transform.padding == "same"
    reaches = _transposed_reaches if is_transposed(transform) else _reaches
    rows, columns = (
        reaches(n_in[k], n_out[k], transform.kernel_size[k], transform.strides[k], same)
        for k in (0, 1)
    )
    pixel_step = transform.n_filters if transform.channels_last else 1

    weights: list[np.ndarray] = []
    indices: list[np.ndarray] = []
    sets: dict[tuple[Any, ...], int] = {}
    axon_to_weight_map = np.zeros(n_in[0] * n_in[1], dtype=np.int32)
    offsets = np.full(n_in[0] * n_in[1], -1, dtype=np.int32)
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            if not row.taps or not column.taps:
                continue
            pixel = i * n_in[1] + j
            first = (row.first * n_out[1] + column.first) * pixel_step
            offsets[pixel] = first % AXON_BASES
            key = (row.taps, column.taps, first - offsets[pixel])
            if key not in sets:
                sets[key] = len(weights)
                w, reached = _set_of_weights(transform, row.taps, column.taps)
                weights.append(w)
                indices.append(reached + np.int32(first - offsets[pixel]))
            axon_to_weight_map[pixel] = sets[key]
    return weights, indices, axon_to_weight_map, offsets


def is_transposed(transform: Any) -> bool:
    """Whether a transform is a ConvolutionTranspose."""
    return isinstance(transform, nengo.ConvolutionTranspose)


def _set_of_weights(
    transform: Any, row_taps: tuple[int, ...], column_taps: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Weights and relative indices of all channels for these kernel rows and columns."""
    n_channels, n_filters = transform.input_shape.n_channels, transform.n_filters
    per_group = n_filters // transform.groups
    group = np.arange(n_channels) // (n_channels // transform.groups)
    filters = group[:, None] * per_group + np.arange(per_group)  # (channels, filters reached)

    kernel = transform.init[np.ix_(row_taps, column_taps)]
    within = np.arange(n_channels) % (n_channels // transform.groups)
    # the advanced indices stand together, so their axes come last: (r, c, channel, filter)
    w = kernel[:, :, within[:, None], filters]

    out_rows, out_columns = transform.output_shape.spatial_shape
    r, c = np.ogrid[: len(row_taps), : len(column_taps)]
    pixels = (r * out_columns + c)[:, :, None, None]
    if transform.channels_last:
        reached = pixels * n_filters + filters
        order = (2, 0, 1, 3)
    else:
        reached = filters * (out_rows * out_columns) + pixels
        order = (2, 3, 0, 1)
    return (
        w.transpose(order).reshape(n_channels, -1),
        reached.astype(np.int32).transpose(order).reshape(n_channels, -1),
    )


# ---------------------------------------------------------------- blocks split over cores


def atoms_differ(synapse: Any) -> bool:
    """Whether the atoms of a synapse reach different compartments."""
    return any((indices != indices[:1]).any() for indices in synapse.indices)


def split_grouped_synapse(
    old_block: Any, old_synapse: Any, new_blocks: Any
) -> OrderedDict[Any, list[int]]:
    """Split a synapse whose atoms reach different compartments over the parts of its block.

    A part is given only the atoms that reach it, numbered anew; `restrict_axons` lets
    through only their spikes. Where some of them reach fewer compartments than others, the
    rows are filled up with weights of 0, because the chip reads rows of equal length.

    Parameters
    ----------
    old_block : nengo_loihi.block.LoihiBlock
        Not used: ``split_synapse`` of NengoLoihi has it.
    old_synapse : nengo_loihi.block.Synapse
    new_blocks : mapping from LoihiBlock to sequence of int
        The parts, and the compartments of the old block that each holds, ascending.

    Returns
    -------
    OrderedDict from nengo_loihi.block.Synapse to list of int
        The new synapses, and the input axons of the old one that each needs.
    """
    used = [
        a for a in range(old_synapse.n_axons) if old_synapse.axon_compartment_base(a) is not None
    ]
    n_atoms = old_synapse.weights[0].shape[0]
    by_synapse: OrderedDict[Any, list[int]] = OrderedDict()
    for number, (block, compartments) in enumerate(new_blocks.items()):
        members = np.array(list(compartments))
        reached = {}  # axon -> (atoms, targets) place in this part, or -1
        for axon in used:
            targets = old_synapse.axon_compartment_base(axon) + _rows(old_synapse, axon)[1]
            places = np.searchsorted(members, targets)
            inside = members[np.minimum(places, len(members) - 1)] == targets
            if inside.any():
                reached[axon] = np.where(inside, places, -1)
        if not reached:
            continue
        atoms = np.flatnonzero(np.any([(p >= 0).any(axis=1) for p in reached.values()], axis=0))
        synapse = type(old_synapse)(len(reached))
        if old_synapse.label is not None:
            synapse.label = f"{old_synapse.label}[{number}]"
        block.add_synapse(synapse)
        _fill(synapse, old_synapse, reached, atoms)
        new_atoms = np.full(n_atoms, -1)
        new_atoms[atoms] = np.arange(len(atoms))
        synapse._new_atoms = new_atoms
        by_synapse[synapse] = list(reached)
    return by_synapse


def _rows(synapse: Any, axon: int) -> tuple[np.ndarray, np.ndarray]:
    """Weights and indices of one input axon, each of shape (atoms, targets)."""
    number = synapse.axon_weight_idx(axon)
    return synapse.weights[number], synapse.indices[number]


def _fill(synapse: Any, old: Any, reached: dict[int, np.ndarray], atoms: np.ndarray) -> None:
    """Give a new synapse the weights of `old` that reach its part."""
    weights: list[np.ndarray] = []
    indices: list[np.ndarray] = []
    sets: dict[tuple[bytes, bytes], int] = {}
    axon_sets, bases = [], []
    for axon, all_places in reached.items():
        w, places = _equal_rows(_rows(old, axon)[0][atoms], all_places[atoms])
        base = int(places.min()) % AXON_BASES
        places = (places - base).astype(np.int32)
        key = (w.tobytes(), places.tobytes())
        if key not in sets:
            sets[key] = len(weights)
            weights.append(w)
            indices.append(places)
        axon_sets.append(sets[key])
        bases.append(base)
    synapse._set_weights_indices(
        weights, indices, weight_dtype=weights[0].dtype, compression=old.synapse_cfg.compression
    )
    synapse.axon_to_weight_map = np.asarray(axon_sets)
    synapse.axon_compartment_bases = np.asarray(bases)
    synapse.pop_type = old.pop_type


def _equal_rows(weights: np.ndarray, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The weights whose place is not negative, in rows of equal length.

    A row is filled up with weights of 0 to places that it does not reach yet: a place that
    came twice in a row would get one of the two weights only.
    """
    inside = places >= 0
    lengths = inside.sum(axis=1)
    width = lengths.max()
    if (lengths == width).all():
        shape = (len(weights), width)
        return weights[inside].reshape(shape), places[inside].reshape(shape)
    everywhere = np.unique(places[inside])
    w = np.zeros((len(weights), width), dtype=weights.dtype)
    p = np.zeros((len(weights), width), dtype=places.dtype)
    for row, (keep, n) in enumerate(zip(inside, lengths)):
        w[row, :n] = weights[row, keep]
        others = np.setdiff1d(everywhere, places[row, keep])
        p[row] = np.concatenate([places[row, keep], others[: width - n]])
    return w, p


def restrict_axons(axons: list[Any]) -> list[Any]:
    """Let spikes into split synapses only from atoms that reach them, under their new number."""
    kept = []
    for axon in axons:
        new_atoms = getattr(axon.target, "_new_atoms", None)
        if new_atoms is not None:
            atoms = new_atoms[axon.compartment_atoms]
            axon.compartment_map = np.where(atoms >= 0, axon.compartment_map, -1)
            axon.compartment_atoms = np.maximum(atoms, 0)
            axon.n_axons = np.unique(axon.compartment_map[axon.compartment_map >= 0]).size
            if axon.n_axons == 0:
                continue
        kept.append(axon)
    return kept
