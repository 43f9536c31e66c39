"""The tilings that a population may be cut into, and what each costs by itself.

What a tiling takes of its own cores (compartments, input axons, synapse memory) does not
depend on other populations, nor do the messages that arrive. Only output axons do.

Exact costs are computed when they are asked for. Before, a tiling counts as possible if
quick bounds allow it, so that what is found with it is a valid lower bound.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...chip.limits import (
    MAX_COMPARTMENTS,
    MAX_INPUT_AXONS,
    MAX_POP16_CHANNELS,
    MAX_POP16_INPUT_AXONS,
    MAX_SYNAPSE_BITS,
)
from ..cores.core_layers import Axons, Layer
from ..cores.population_synapses import ConvolutionSynapses
from ..cores.synapses import DenseSynapses, Synapses
from ..cores.tiling import Tiling, sides
from .core_time import SYNOP_NS, UPDATE_NS

UNKNOWN, FITS, FAILS = 0, 1, -1


class TileChoices:
    """Tilings of one layer, fewest blocks first.

    Parameters
    ----------
    layer : Layer
    tiles : sequence of tuple of int
        Shapes of blocks.
    arriving : sequence of Axons
        What leads to the layer, from the chip and from the host.
    rates : mapping from Ensemble to ndarray
        Spikes per step of each neuron.
    pop_types : tuple of int, or None
        Axon types to choose from for convolutions; None: those they have.

    Attributes
    ----------
    tiles : ndarray of int64, shape (n, axes)
    n_blocks : ndarray of int64, shape (n,)
    state : ndarray of int8, shape (n,)
        Whether it fits, as far as that is known.
    slots : ndarray of int64, shape (n, synapses)
        Slots of an output axon that leads here: 1, or 2 with pop32.
    """

    def __init__(
        self,
        layer: Layer,
        tiles: Sequence[tuple[int, ...]],
        arriving: Sequence[Axons],
        rates: Any,
        pop_types: tuple[int, ...] | None,
    ):
        self.layer, self.arriving, self.rates = layer, arriving, rates
        self.pop_types = pop_types
        shape = np.array(layer.shape)
        self.tiles = np.array(tiles, dtype=np.int64).reshape(-1, len(shape))
        counts = -(-shape // self.tiles)
        order = np.lexsort((self.tiles.max(axis=1), counts.prod(axis=1)))
        self.tiles = self.tiles[order]
        self.n_blocks = counts.prod(axis=1)[order]
        self.state = np.zeros(len(order), dtype=np.int8)
        self.slots = np.ones((len(order), len(layer.synapses)), dtype=np.int64)
        for number, synapses in enumerate(layer.synapses):
            self.slots[:, number] = self._least_slots(synapses)

    def __len__(self) -> int:
        return len(self.tiles)

    def tiling(self, index: int) -> Tiling:
        """One of the tilings."""
        return Tiling(self.layer.shape, tuple(int(t) for t in self.tiles[index]))

    def kept(self, mask: np.ndarray) -> TileChoices:
        """Some of the tilings, with what is known of them."""
        kept = object.__new__(TileChoices)
        kept.__dict__.update(self.__dict__)
        for name in ("tiles", "n_blocks", "state", "slots"):
            setattr(kept, name, getattr(self, name)[mask])
        return kept

    # ------------------------------------------------------------ does it fit

    def check(self, index: int) -> bool:
        """Whether a tiling fits, exactly; also finds its axon types."""
        if self.state[index] == UNKNOWN:
            tiling = self.tiling(index)
            self.state[index] = FITS if self._fits(index, tiling) else FAILS
        return bool(self.state[index] == FITS)

    def _fits(self, index: int, tiling: Tiling) -> bool:
        if tiling.size > MAX_COMPARTMENTS:
            return False
        synapses = self.layer.synapses
        largest = [largest_inputs(s, tiling) for s in synapses]
        axons, bits = (sum(entry[k] for entry in largest) for k in (0, 1))
        if len(synapses) > 1 and (axons > MAX_INPUT_AXONS or bits > MAX_SYNAPSE_BITS):
            # the largest of each need not be in the same tile
            uses = [s.use(tiling) for s in synapses]
            axons = int(np.max(sum(use.axons for use in uses)))
            bits = int(np.max(sum(use.bits for use in uses)))
        if axons > MAX_INPUT_AXONS or bits > MAX_SYNAPSE_BITS:
            return False
        for number, s in enumerate(synapses):
            if s.pop_type == 0:
                continue
            kinds = self._kinds(s)
            pop16 = 16 in kinds and largest[number][2]
            if 32 in kinds:  # it is a choice, made only where hardware takes it too
                pop16 = pop16 and axons <= MAX_POP16_INPUT_AXONS
                pop16 = pop16 and s.n_atoms <= MAX_POP16_CHANNELS
            elif not pop16:
                return False
            self.slots[index, number] = 1 if pop16 else 2
        return True

    def _kinds(self, synapses: Synapses) -> tuple[int, ...]:
        """Axon types to choose from."""
        return (synapses.pop_type,) if self.pop_types is None else self.pop_types

    def _least_slots(self, synapses: Synapses) -> int:
        if synapses.pop_type == 0:
            return 1
        return 1 if 16 in self._kinds(synapses) else 2

    # ------------------------------------------------------------ what it costs

    def messages(self, from_host: bool) -> np.ndarray:
        """Messages per step that arrive at all blocks, shape (n,)."""
        total = np.zeros(len(self.tiles))
        for axons in self.arriving:
            if (axons.source < 0) == from_host:
                total += self._messages_of(axons)
        return total

    def _messages_of(self, axons: Axons) -> np.ndarray:
        rates = axons.rates_from(self.rates)
        sent = np.where(axons.axon_of >= 0, rates, 0.0)
        synapses = axons.synapses
        if isinstance(synapses, DenseSynapses):
            return sent.sum() * self.n_blocks
        if getattr(synapses, "groups", 0) == 1 and _separable(synapses, self.layer.shape):
            return _image_messages(synapses, axons, sent, self)
        return np.array([float(axons.messages(self.tiling(k)) @ rates) for k in range(len(self))])

    def loads_ns(self) -> np.ndarray:
        """Modelled time of a step on the busiest of its cores in ns, shape (n,)."""
        synops = np.zeros(len(self.tiles))
        for axons in self.arriving:
            rates = axons.rates_from(self.rates)
            sent = np.where(axons.axon_of >= 0, rates, 0.0)
            synapses = axons.synapses
            if _separable(synapses, self.layer.shape):
                synops += _image_synops(synapses, axons, sent, self)
            else:
                share = 1.0
                if not isinstance(synapses, DenseSynapses):
                    share = synapses.axons_of_neurons().mean() / max(synapses.n_axons, 1)
                synops += sent.sum() * share * self.tiles.prod(axis=1)
        return self.tiles.prod(axis=1) * UPDATE_NS + synops * SYNOP_NS


def largest_inputs(synapses: Synapses, tiling: Tiling) -> tuple[int, int, bool]:
    """Most input axons and most bits of a tile, and whether pop16 offsets are allowed."""
    if tiling.n_tiles > 1 and _separable(synapses, tiling.full):
        return synapses.largest(tiling)  # type: ignore[attr-defined]
    if isinstance(synapses, DenseSynapses) and tiling.n_tiles > 1:
        bits = synapses.bits_at_most(tiling.size)
        if bits <= MAX_SYNAPSE_BITS or synapses.rows_differ(tiling):
            return synapses.n_axons, bits, True
    use = synapses.use(tiling)
    allowed = True
    if isinstance(synapses, ConvolutionSynapses):
        allowed = synapses.offsets_allowed(tiling)
    return int(use.axons.max()), int(use.bits.max()), allowed


def _separable(synapses: Synapses, shape: tuple[int, ...]) -> bool:
    return isinstance(synapses, ConvolutionSynapses) and synapses.output_shape == shape


def _pixel_rates(synapses: Any, axons: Axons, sent: np.ndarray) -> np.ndarray:
    keep = axons.axon_of >= 0
    pixels = np.bincount(axons.axon_of[keep], weights=sent[keep], minlength=synapses.n_axons)
    return pixels.reshape(synapses.rows.n_in, synapses.columns.n_in)


def _image_messages(
    synapses: Any, axons: Axons, sent: np.ndarray, choices: TileChoices
) -> np.ndarray:
    pixels = _pixel_rates(synapses, axons, sent)
    rows, columns, filters = synapses.along_axes(choices.tiles.T)
    by_pair: dict[tuple[int, int], float] = {}
    found = np.zeros(len(choices))
    for k, (r, c, f) in enumerate(zip(rows.tolist(), columns.tolist(), filters.tolist())):
        if choices.n_blocks[k] == 1:
            found[k] = pixels.sum()
            continue
        if (r, c) not in by_pair:
            reached = synapses.rows.tiles_reached(r) @ pixels
            by_pair[r, c] = float(reached @ synapses.columns.tiles_reached(c))
        found[k] = by_pair[r, c] * -(-synapses.n_filters // f)
    return found


def _image_synops(
    synapses: Any, axons: Axons, sent: np.ndarray, choices: TileChoices
) -> np.ndarray:
    pixels = _pixel_rates(synapses, axons, sent)
    rows, columns, filters = synapses.along_axes(choices.tiles.T)
    by_pair: dict[tuple[int, int], float] = {}
    for r, c in set(zip(rows.tolist(), columns.tolist())):
        reached = synapses.rows.lengths(r) @ pixels @ synapses.columns.lengths(c).T
        by_pair[r, c] = float(reached.max()) / synapses.groups
    pairs = zip(rows.tolist(), columns.tolist())
    return np.array([by_pair[pair] for pair in pairs]) * filters


# ---------------------------------------------------------------- which tilings there are


def balanced_tiles(shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """For each number of tiles along each axis, the smallest that give it."""
    options = [[s for s in sides(n) if s <= MAX_COMPARTMENTS] for n in shape]
    return [t for t in itertools.product(*options) if np.prod(t) <= MAX_COMPARTMENTS]


def all_tiles(shape: tuple[int, ...], most_blocks: int) -> np.ndarray:
    """Every tile of at most a core's compartments that makes at most so many blocks."""
    axes = [np.arange(1, min(n, MAX_COMPARTMENTS) + 1) for n in shape]
    grids = np.stack([g.ravel() for g in np.meshgrid(*axes, indexing="ij")], axis=1)
    blocks = (-(-np.array(shape) // grids)).prod(axis=1)
    return grids[(grids.prod(axis=1) <= MAX_COMPARTMENTS) & (blocks <= most_blocks)]


def possible(layer: Layer, tiles: np.ndarray) -> np.ndarray:
    """Which tiles quick bounds allow: bool of shape (n,). All that fit are among them."""
    axons = np.zeros(len(tiles))
    bits = np.zeros(len(tiles))
    for synapses in layer.synapses:
        if isinstance(synapses, DenseSynapses):
            axons += synapses.n_axons
            if layer.n_neurons > 1 and synapses.rows_differ_in(0, 1):
                # every tile at the start that has two neurons along its last axis has these
                bits += np.where(tiles[:, -1] > 1, _dense_bits(synapses, tiles), 0)
        elif len(layer.synapses) == 1 and _separable(synapses, layer.shape):
            a, b = _image_bounds(synapses, tiles)
            axons, bits = axons + a, bits + b
    return (axons <= MAX_INPUT_AXONS) & (bits <= MAX_SYNAPSE_BITS)


def _dense_bits(synapses: DenseSynapses, tiles: np.ndarray) -> np.ndarray:
    sizes, which = np.unique(tiles.prod(axis=1), return_inverse=True)
    bits = np.array([synapses.bits_at_most(int(size)) for size in sizes], dtype=np.int64)
    return bits[which.ravel()]


def _image_bounds(synapses: Any, tiles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Input axons and least bits of the fullest tile."""
    rows, columns, filters = synapses.along_axes(tiles.T)
    sides_r, where_r = np.unique(rows, return_inverse=True)
    sides_c, where_c = np.unique(columns, return_inverse=True)
    found = []
    for kind in ("most_inputs", "most_taps"):
        r = np.array([getattr(synapses.rows, kind)(int(s)) for s in sides_r])[where_r.ravel()]
        c = np.array([getattr(synapses.columns, kind)(int(s)) for s in sides_c])[where_c.ravel()]
        found.append(r * c)
    if synapses.groups > 1 or synapses.values_may_be_equal:
        return found[0], np.zeros(len(tiles))
    # a weight has 8 bits, and an index of 6 at least where there are two filters
    return found[0], found[1] * filters * synapses.n_channels * np.where(filters > 1, 14, 8)
