"""The tilings that one population may be cut into, and what each costs by itself.

What a tiling takes of its own cores (compartments, input axons, synapse memory) does not depend
on other populations, nor do the messages that arrive; only output axons do (`couplings`). So
everything here is an array over the tilings of one layer:

1. `balanced_tiles` lists tilings to choose from: for each number of tiles along each axis the
   smallest side that gives it. A larger side with as many tiles would only make them less equal.
   `all_tiles` lists every one, for layers where a balanced one may not be the best.
2. `possible` drops those that quick bounds rule out: bounds that need no weight to be read.
3. `TileChoices` sorts the others by blocks, with messages and loads of each where asked for.
4. `TileChoices.check` says exactly whether one fits. That reads weights, because NengoLoihi stores
   equal rows once; so it is done for tilings that a search chooses, and the answer is kept.

Until it is checked a tiling counts as possible, so a solution found before is a valid lower bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Callable

import numpy as np

from ...chip.limits import (
    MAX_COMPARTMENTS,
    MAX_INPUT_AXONS,
    MAX_POP16_CHANNELS,
    MAX_POP16_INPUT_AXONS,
    MAX_SYNAPSE_BITS,
)
from ...deadlines import Clock
from ..cores.core_layers import Axons, Layer
from ..cores.population_synapses import ConvolutionSynapses
from ..cores.synapses import DenseSynapses, Synapses
from ..cores.tiling import Tiling, sides

#: A model of the time that a core needs for a step: ns of a synaptic operation, and of an active
#: compartment's update (5.3 when it is not), one after the other. They were simulated before there
#: was silicon (Davies et al., Loihi: A Neuromorphic Manycore Processor with On-Chip Learning, IEEE
#: Micro 38(1), 2018, Table 2); that they add up, and that nothing else takes time, is this model's
#: assumption. It says which core is busiest, and in what proportion, to choose shapes by;
#: `chip_cost` says how long it takes.
SYNOP_NS, UPDATE_NS = 3.5, 8.4

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
    clock : Clock, optional
        Asked while all tilings are priced one by one. Default: it never ends.

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
        self, layer: Layer, tiles: Sequence[tuple[int, ...]], arriving: Sequence[Axons], rates: Any,
        pop_types: tuple[int, ...] | None, clock: Clock | None = None,
    ):  # fmt: skip
        self.layer, self.arriving, self.rates = layer, arriving, rates
        self.pop_types = pop_types
        self.clock = Clock() if clock is None else clock
        shape = np.array(layer.shape)
        self.tiles = np.array(tiles, dtype=np.int64).reshape(-1, len(shape))
        counts = -(-shape // self.tiles)
        order = np.lexsort((self.tiles.max(axis=1), counts.prod(axis=1)))
        self.tiles = self.tiles[order]
        self.n_blocks = counts.prod(axis=1)[order]
        self.state = np.zeros(len(order), dtype=np.int8)
        self.slots = np.ones((len(order), len(layer.synapses)), dtype=np.int64)
        for number, synapses in enumerate(layer.synapses):
            few = synapses.pop_type == 0 or 16 in self._kinds(synapses)
            self.slots[:, number] = 1 if few else 2

    def __len__(self) -> int:
        return len(self.tiles)

    def tiling(self, index: int) -> Tiling:
        """One of the tilings."""
        return Tiling(self.layer.shape, tuple(int(t) for t in self.tiles[index]))

    def kept(self, mask: np.ndarray) -> TileChoices:
        """Some of the tilings, with all that was checked of them."""
        kept = object.__new__(TileChoices)
        kept.__dict__.update(self.__dict__)
        for name in ("tiles", "n_blocks", "state", "slots"):
            setattr(kept, name, getattr(self, name)[mask])
        return kept

    # ------------------------------------------------------------ whether it fits

    def check(self, index: int) -> bool:
        """Whether a tiling fits, exactly; also sets the slots of its axon types."""
        if self.state[index] == UNKNOWN:
            self.state[index] = FITS if self._fits(index, self.tiling(index)) else FAILS
        return bool(self.state[index] == FITS)

    def _fits(self, index: int, tiling: Tiling) -> bool:
        if tiling.size > MAX_COMPARTMENTS:
            return False
        synapses = self.layer.synapses
        # at most so many bits: it is seldom that weights have to be read to see that they fit
        largest = [largest_inputs(s, tiling, False) for s in synapses]
        axons, bits = (sum(entry[k] for entry in largest) for k in (0, 1))
        if bits > MAX_SYNAPSE_BITS:
            largest = [largest_inputs(s, tiling, True) for s in synapses]
            bits = sum(entry[1] for entry in largest)
        if len(synapses) > 1 and (axons > MAX_INPUT_AXONS or bits > MAX_SYNAPSE_BITS):
            # the largest of each need not be in the same tile: add up tile by tile
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
            if 32 in kinds:  # pop16 is a choice, made only where hardware takes it too
                few_channels = s.n_atoms <= MAX_POP16_CHANNELS
                pop16 = pop16 and few_channels and axons <= MAX_POP16_INPUT_AXONS
            elif not pop16:
                return False
            self.slots[index, number] = 1 if pop16 else 2
        return True

    def _kinds(self, synapses: Synapses) -> tuple[int, ...]:
        """Axon types to choose from."""
        return (synapses.pop_type,) if self.pop_types is None else self.pop_types

    # ------------------------------------------------------------ costs

    def messages(self, from_host: bool) -> np.ndarray:
        """Messages per step that arrive at all blocks, shape (n,)."""
        total = np.zeros(len(self.tiles))
        for axons in self.arriving:
            if (axons.source < 0) == from_host:
                total += self._messages_of(axons)
        return total

    def _messages_of(self, axons: Axons) -> np.ndarray:
        rates, sent, synapses = _rates_and_sent(self, axons)
        if isinstance(synapses, DenseSynapses):
            return sent.sum() * self.n_blocks
        if _separable(synapses, self.layer.shape):
            return _image_messages(synapses, axons, sent, self)
        messages = np.zeros(len(self))
        for k in range(len(self)):
            self.clock.check()
            messages[k] = axons.messages(self.tiling(k)) @ rates
        return messages

    def loads_ns(self) -> np.ndarray:
        """Modelled time of a step on the busiest of its cores in ns, shape (n,)."""
        sizes = self.tiles.prod(axis=1)
        synops = np.zeros(len(self.tiles))
        for axons in self.arriving:
            _, sent, synapses = _rates_and_sent(self, axons)
            if _separable(synapses, self.layer.shape):
                synops += _image_synops(synapses, axons, sent, self)
            else:
                share = 1.0
                if not isinstance(synapses, DenseSynapses):
                    share = synapses.axons_of_neurons().mean() / max(synapses.n_axons, 1)
                synops += sent.sum() * share * sizes
        return sizes * UPDATE_NS + synops * SYNOP_NS


def _rates_and_sent(choices: TileChoices, axons: Axons) -> tuple[np.ndarray, np.ndarray, Synapses]:
    """Spikes per step of each neuron, those of neurons that send, and the synapses they reach."""
    rates = axons.rates_from(choices.rates)
    return rates, np.where(axons.axon_of >= 0, rates, 0.0), axons.synapses


def largest_inputs(synapses: Synapses, tiling: Tiling, by_value: bool) -> tuple[int, int, bool]:
    """Most input axons and most bits of a tile, and whether pop16 offsets are allowed.

    Without ``by_value`` weights are not read where that takes long; bits are at most so many then.
    """
    if tiling.n_tiles > 1 and _separable(synapses, tiling.full):
        return synapses.largest(tiling, by_value)  # type: ignore[attr-defined]
    if isinstance(synapses, DenseSynapses) and tiling.n_tiles > 1:
        bits = synapses.bits_at_most(tiling.size)
        if not by_value or bits <= MAX_SYNAPSE_BITS or synapses.rows_differ(tiling):
            return synapses.n_axons, bits, True
    use = synapses.use(tiling)
    allowed = True
    if isinstance(synapses, ConvolutionSynapses):
        allowed = synapses.offsets_allowed(tiling)
    return int(use.axons.max()), int(use.bits.max()), allowed


def _separable(synapses: Synapses, shape: tuple[int, ...]) -> bool:
    return isinstance(synapses, ConvolutionSynapses) and synapses.output_shape == shape


def _pixel_rates(synapses: Any, axons: Axons, sent: np.ndarray) -> np.ndarray:
    """Spikes per step of each pixel that send, by group of channels: (groups, rows, columns)."""
    keep = axons.axon_of >= 0
    place = axons.axon_of[keep]
    if synapses.groups > 1:
        assert axons.atom_of is not None
        group = axons.atom_of[keep] // (synapses.n_channels // synapses.groups)
        place = place + group * synapses.n_axons
    size = synapses.groups * synapses.n_axons
    pixels = np.bincount(place, weights=sent[keep], minlength=size)
    return pixels.reshape(synapses.groups, synapses.rows.n_in, synapses.columns.n_in)


def _image_messages(
    synapses: Any, axons: Axons, sent: np.ndarray, choices: TileChoices
) -> np.ndarray:
    """Messages of all pixels.

    A pixel reaches so many rows of tiles, times so many columns; its channels so many tiles of
    filters, which depends on their group only.
    """
    pixels = _pixel_rates(synapses, axons, sent)
    tiles = synapses.along_axes(choices.tiles.T)
    (rows, r), (columns, c), (filters, f) = (np.unique(t, return_inverse=True) for t in tiles)
    along_rows = np.array([synapses.rows.tiles_reached(side) for side in rows.tolist()])
    along_columns = np.array([synapses.columns.tiles_reached(side) for side in columns.tolist()])
    per_group = np.array([synapses.tiles_of_groups(side) for side in filters.tolist()])
    # (groups, sides of rows, sides of columns), then a value for every tiling
    by_group = np.zeros((synapses.groups, len(rows), len(columns)))
    for group, own in enumerate(pixels):
        choices.clock.check()
        by_group[group] = along_rows @ own @ along_columns.T
    by_side = np.tensordot(per_group, by_group, axes=1)
    # a whole block keeps the axons that lead nowhere
    reached = by_side[f.ravel(), r.ravel(), c.ravel()]
    return np.where(choices.n_blocks == 1, pixels.sum(), reached)


def _image_synops(
    synapses: Any, axons: Axons, sent: np.ndarray, choices: TileChoices
) -> np.ndarray:
    """Synops of the busiest tile: spikes times the rows and columns of it that they reach."""
    pixels = _pixel_rates(synapses, axons, sent).sum(axis=0)
    along_rows, along_columns = synapses.rows.lengths, synapses.columns.lengths
    rows, columns, filters = synapses.along_axes(choices.tiles.T)

    def synops(r: int, c: int) -> float:
        choices.clock.check()
        return (along_rows(r) @ pixels @ along_columns(c).T).max() / synapses.groups

    return _by_pair(synops, rows, columns) * filters


def _by_pair(
    function: Callable[[int, int], float], rows: np.ndarray, columns: np.ndarray
) -> np.ndarray:
    """Values of a function of a tile's rows and columns, called once for each pair of sides."""
    known = lru_cache(maxsize=None)(function)
    pairs = zip(rows.tolist(), columns.tolist())
    return np.array([known(r, c) for r, c in pairs], dtype=np.float64)


# ---------------------------------------------------------------- the list of tilings


def balanced_tiles(shape: tuple[int, ...]) -> np.ndarray:
    """For each number of tiles along each axis, the smallest that give it: int64, (n, axes)."""
    # the largest come first: of equally good tilings a search takes the first
    return _tiles_of([np.array(list(sides(n)), dtype=np.int64)[::-1] for n in shape])[::-1]


def all_tiles(shape: tuple[int, ...], most_blocks: int) -> np.ndarray:
    """Every tile that a core has compartments for and that makes at most ``most_blocks`` blocks."""
    tiles = _tiles_of([np.arange(1, n + 1) for n in shape])
    blocks = (-(-np.array(shape) // tiles)).prod(axis=1)
    return tiles[blocks <= most_blocks]


def _tiles_of(lengths: Sequence[np.ndarray]) -> np.ndarray:
    """All tiles of these lengths along each axis, in growing order, that a core can hold."""
    tiles = np.ones((1, 0), dtype=np.int64)
    for own in lengths:
        # one axis more: of each tile so far, as many lengths as leave it small enough
        number = np.searchsorted(own, MAX_COMPARTMENTS // tiles.prod(axis=1), side="right")
        start = np.repeat(np.cumsum(number) - number, number)
        tiles = np.column_stack(
            [np.repeat(tiles, number, axis=0), own[np.arange(number.sum()) - start]]
        )
    return tiles


def first_that(fits: Callable[[int], bool], indices: Sequence[int], clock: Clock) -> int | None:
    """One of the first indices for which something holds; None if it does for none.

    Tilings with more blocks fit more often. So some are tried at growing distances, and then it is
    halved between the first that fits and the one before. That is quick, and done even if no time
    is left; only if none fits all others are tried.

    Raises
    ------
    OutOfTime
    """
    n = len(indices)
    steps = [k for k in (0, *(2**k for k in range(n.bit_length())), n - 1) if 0 <= k < n]
    tried = list(dict.fromkeys(steps))
    low = -1
    for high in tried:
        if fits(int(indices[high])):
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (low, middle) if fits(int(indices[middle])) else (middle, high)
            return int(indices[high])
        low = high
    for k in sorted(set(range(n)) - set(tried)):
        clock.check()
        if fits(int(indices[k])):
            return int(indices[k])
    return None


def possible(layer: Layer, tiles: np.ndarray, by_value: bool) -> np.ndarray:
    """Which tiles quick bounds allow: bool of shape (n,). All that fit are among them.

    With ``by_value`` a few weights are read, so that there are bounds on memory, too.
    """
    axons = np.zeros(len(tiles))
    bits = np.zeros(len(tiles))
    images: dict[Any, np.ndarray] = {}
    for synapses in layer.synapses:
        if isinstance(synapses, DenseSynapses):
            axons += synapses.n_axons
            if by_value and layer.n_neurons > 1 and synapses.rows_differ_in(0, 1):
                # rows differ in every tile at the start with two neurons along its last axis
                least = _by_side(synapses.bits_at_most, tiles.prod(axis=1))
                bits += np.where(tiles[:, -1] > 1, least, 0)
        elif _separable(synapses, layer.shape):
            own = np.stack(_image_bounds(synapses, tiles, by_value))
            geometry = synapses.geometry  # type: ignore[attr-defined]
            images[geometry] = images.get(geometry, 0) + own
    if images:
        # convolutions of one geometry are fullest in the same tile, others perhaps in another one
        most = np.max(list(images.values()), axis=0)
        axons, bits = axons + most[0], bits + most[1]
    return (axons <= MAX_INPUT_AXONS) & (bits <= MAX_SYNAPSE_BITS)


def _image_bounds(
    synapses: Any, tiles: np.ndarray, by_value: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Input axons and least bits of the fullest tile."""
    rows, columns, filters = synapses.along_axes(tiles.T)
    r, c = synapses.rows, synapses.columns
    axons = _by_side(r.most_inputs, rows) * _by_side(c.most_inputs, columns)
    if not by_value or synapses.groups > 1 or synapses.values_may_be_equal:
        return axons, np.zeros(len(tiles))
    taps = _by_side(r.most_taps, rows) * _by_side(c.most_taps, columns)
    # a weight has 8 bits, and an index of 6 at least where there are two filters
    return axons, taps * filters * synapses.n_channels * np.where(filters > 1, 14, 8)


def _by_side(function: Callable[[int], int], sides_of_tiles: np.ndarray) -> np.ndarray:
    """Values of a function of a tile's side or size, called once for each."""
    distinct, which = np.unique(sides_of_tiles, return_inverse=True)
    return np.array([function(int(side)) for side in distinct], dtype=np.int64)[which.ravel()]
