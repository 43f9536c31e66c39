"""The best of all ways to deal the neurons of small layers out to cores: bounds that are reached.

Who sends a message does not matter to how many cores it goes to. So messages into a layer follow
from how that layer alone is dealt out, and the best deal of each is found by itself. The time of a
step follows from all layers together: what a core sends depends on the cores that it sends to.

1. A layer on one core, or with a core for each neuron, has one deal, which is the one placed.
2. Of others every deal is a row of core numbers, in which a new core has the next number: cores
   are alike, so that deals which only number them otherwise are tried once.
3. A spike makes a message for each core that holds a neuron which it reaches. Sets of neurons are
   bits of a whole number, so that this is one operation for a core of every deal.

A deal that is tried can be had: every core could hold the whole layer, in synapse memory and input
axons, and senders have axons for as many cores as there are; else the layer is left to the bounds.
NengoLoihi cuts boxes of neurons; a deal that is no box is had with an Ensemble for each core.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from math import comb, prod

import numpy as np

from ...chip import limits
from ...energy.loihi_chip import Profile
from ..cores.built import Part
from .assignment_bounds import MAX_ARRANGEMENTS
from .unavoidable_work import Layer, UnavoidableWork

Deal = Mapping[str, tuple[tuple[int, ...], ...]]
"""Of each layer that can be dealt out in several ways, the neurons on each of its cores."""

#: Neurons of a layer that is dealt out in all ways, and numbers that are added up for all deals.
MAX_NEURONS, MAX_ADDED = 16, 200_000_000

_AT_ONCE = 1 << 21


def n_deals(n_neurons: int, n_cores: int, most: int) -> int:
    """Ways to deal neurons out to cores that are alike, none empty, of at most so many each."""

    @cache
    def ways(neurons: int, cores: int) -> int:
        if not cores or not neurons:
            return int(cores == neurons)
        # the first neuron shares its core with some of the others
        return sum(
            comb(neurons - 1, k) * ways(neurons - 1 - k, cores - 1)
            for k in range(min(most, neurons))
        )

    return ways(n_neurons, n_cores)


def all_deals(n_neurons: int, n_cores: int, most: int) -> np.ndarray:
    """All of them, one a row: the core of each neuron, int64 (n_deals, n_neurons)."""
    rows = np.zeros((1, 1), dtype=np.int64)
    for placed in range(2, n_neurons + 1):
        # to a core in use, or the next
        way, core = np.nonzero(np.arange(n_cores) <= rows.max(axis=1)[:, None] + 1)
        rows = np.column_stack([rows[way], core])
        sizes = (rows == core[:, None]).sum(axis=1)
        empty = n_cores - 1 - rows.max(axis=1)
        rows = rows[(sizes <= most) & (empty <= n_neurons - placed)]
    return rows


@dataclass
class _Spikes:
    """Spikes of one sender into a layer by one Connection.

    Attributes
    ----------
    sender : int
        Number of the block; inputs of the host follow.
    connection : int
        Which of the Connections into the layer.
    shared : bool
        Whether axons share weights.
    reached : ndarray of int64, shape (n_senders,)
        The neurons that each spike reaches, a bit for each.
    spikes : ndarray of int64, shape (n_senders,)
    """

    sender: int
    connection: int
    shared: bool
    reached: np.ndarray
    spikes: np.ndarray


@dataclass
class _Dealt:
    """A layer with the ways to deal it out.

    Attributes
    ----------
    layer : Layer
    known : bool
        Whether its deals are: all that there are, and each can be had.
    cores : ndarray of int64, shape (n_deals, n_neurons), or None
        None: there is one, that placed.
    into : list of _Spikes
    fixed : dict of int to ndarray of int64, shape (n_senders,)
        Of the deal placed, messages of a spike of each neuron, by its block or input.
    """

    layer: Layer
    known: bool
    cores: np.ndarray | None = None
    into: list[_Spikes] = field(default_factory=list)
    fixed: dict[int, np.ndarray] = field(default_factory=dict)

    @property
    def n_deals(self) -> int:
        return 1 if self.cores is None else len(self.cores)

    @cached_property
    def masks(self) -> np.ndarray:
        """Neurons on each core, a bit for each, int64 (n_deals, n_cores)."""
        assert self.cores is not None
        bits = 1 << np.arange(self.cores.shape[1], dtype=np.int64)
        n_cores = len(self.layer.blocks)
        return np.stack([(self.cores == k) @ bits for k in range(n_cores)], axis=1)

    def messages_of(self, spikes: _Spikes) -> np.ndarray:
        """Cores that a spike of each neuron goes to, int64 (n_deals, n_senders)."""
        different, which = np.unique(spikes.reached, return_inverse=True)
        cores = [np.count_nonzero(self.masks & reached, axis=1) for reached in different]
        return np.stack(cores, axis=1)[:, which.reshape(-1)]

    def arriving(self) -> np.ndarray:
        """Messages to each core, int64 (n_deals, n_cores)."""
        total = np.zeros_like(self.masks)
        for spikes in self.into:
            different, which = np.unique(spikes.reached, return_inverse=True)
            sums = np.zeros(len(different), dtype=np.int64)
            np.add.at(sums, which.reshape(-1), spikes.spikes)
            for reached, n in zip(different, sums):
                total += n * ((self.masks & reached) != 0)
        return total

    def summed(self, values: np.ndarray) -> np.ndarray:
        """Of values of each neuron the sum on each core, (n_deals, n_cores)."""
        assert self.cores is not None
        n_cores = len(self.layer.blocks)
        return np.stack([(self.cores == k) @ values for k in range(n_cores)], axis=1)

    def receiving_s(self, profile: Profile) -> np.ndarray:
        """Time that each core takes to take messages in and make synops, (n_deals, n_cores)."""
        time = {key: profile.time_s(key, "nominal") for key in
                ("axon_event", "synop_conv", "synop_dense", "synop_sparse")}  # fmt: skip
        found = self.arriving() * time["axon_event"]
        bits = 1 << np.arange(self.layer.n_neurons, dtype=np.int64)
        for connection in sorted({spikes.connection for spikes in self.into}):
            own = [spikes for spikes in self.into if spikes.connection == connection]
            reached = np.concatenate([spikes.reached for spikes in own])
            counts = np.concatenate([spikes.spikes for spikes in own])
            synops = self.summed(counts @ ((reached[:, None] & bits) != 0))
            each: float | np.ndarray = time["synop_conv"]
            if not own[0].shared:
                # weights to all neurons of a core, of all that go there
                all_of = np.ones(self.masks.shape, dtype=bool)
                for some in np.unique(reached):
                    there = self.masks & some
                    all_of &= (there == 0) | (there == self.masks)
                each = np.where(all_of, time["synop_dense"], time["synop_sparse"])
            found = found + synops * each
        return found

    def named(self, deal: int) -> tuple[tuple[int, ...], ...]:
        """The neurons on each core of one deal."""
        assert self.cores is not None
        n_cores = len(self.layer.blocks)
        return tuple(
            tuple(sorted(self.layer.neurons[self.cores[deal] == k].tolist()))
            for k in range(n_cores)
        )


class EveryDeal:
    """All deals of the layers of a placed network, as far as they are few."""

    def __init__(self, work: UnavoidableWork):
        self.work, self.mapping = work, work.mapping
        self.layers = {source: self._dealt(layer) for source, layer in work.layers.items()}
        self.parts = (*self.mapping.built.blocks, *self.mapping.built.inputs)
        self.spikes = [work.spikes_of(part) for part in self.parts]
        for number in range(len(self.parts)):
            self._read(number)

    def _dealt(self, layer: Layer) -> _Dealt:
        n_cores, n_neurons = len(layer.blocks), layer.n_neurons
        if n_cores in (1, n_neurons):
            return _Dealt(layer, True)
        most = limits.MAX_COMPARTMENTS
        few = n_neurons <= MAX_NEURONS and n_deals(n_neurons, n_cores, most) <= MAX_ARRANGEMENTS
        if not (few and self._fits(layer)):
            return _Dealt(layer, False)
        return _Dealt(layer, True, all_deals(n_neurons, n_cores, most))

    def _fits(self, layer: Layer) -> bool:
        """Whether each core could hold what all do, and who sends has axons for all cores."""
        blocks = [self.work.blocks[block].obj for block in layer.blocks]
        synapses = [synapse for block in blocks for synapse in block.synapses]
        if sum(synapse.bits() for synapse in synapses) > limits.MAX_SYNAPSE_BITS:
            return False
        if sum(synapse.n_axons for synapse in synapses) > limits.MAX_INPUT_AXONS:
            return False
        if max(map(self._output_axons, self.work.blocks)) > limits.MAX_OUTPUT_AXONS:
            return False
        return self._connections_are_told_apart(layer)

    def _output_axons(self, part: Part) -> int:
        """Slots of output axons that a core with a part's neurons takes at most."""
        slots: dict[tuple[int, int], int] = {}  # of one neuron to one core, by layer and core
        for axon in part.obj.axons:
            block = self.work.block_of[id(axon.target)]
            key = id(self.work.blocks[block].source), block
            slots[key] = slots.get(key, 0) + limits.AXON_SLOTS[axon.target.pop_type]
        layers = {layer for layer, _ in slots}
        most = sum(
            max(n for (own, _), n in slots.items() if own == layer)
            * len(self.work.layers[layer].blocks)
            for layer in layers
        )
        whole = self.work.layers[id(part.source)]
        return most * (whole.n_neurons if whole.n_neurons <= MAX_NEURONS else len(part.neurons))

    def _connections_are_told_apart(self, layer: Layer) -> bool:
        """Whether the sets of synapses of each core are of the same Connections, in one order.

        NengoLoihi numbers the axons of a Connection by the cores that it goes to. If the number is
        that of the core, it goes to all those before; and so to all, if all have as many.
        """
        if len({len(self.work.blocks[block].obj.synapses) for block in layer.blocks}) > 1:
            return False
        number = {block: f"[{k}]" for k, block in enumerate(layer.blocks)}
        return all(
            str(axon.label).endswith(number[self.work.block_of[id(axon.target)]])
            for part in (*self.mapping.built.blocks, *self.mapping.built.inputs)
            for axon in part.obj.axons
            if self.work.block_of[id(axon.target)] in number
        )

    def _read(self, number: int) -> None:
        """Where the spikes of a part go."""
        part = self.parts[number]
        everyone = np.arange(len(part.neurons))
        into: dict[tuple[int, int], _Spikes] = {}
        for axon in part.obj.axons:
            synapse = axon.target
            block = self.work.block_of[id(synapse)]
            source = id(self.work.blocks[block].source)
            dealt = self.layers[source]
            at = np.asarray(axon.map_axon(everyone))
            if dealt.cores is None:
                sizes = np.where(at >= 0, self.work.sizes[id(synapse)][at], 0)
                before = dealt.fixed.get(number, np.zeros(len(everyone), dtype=np.int64))
                dealt.fixed[number] = before + (sizes > 0)
                continue
            connection = next(
                k for k, own in enumerate(self.work.blocks[block].obj.synapses) if own is synapse
            )
            if (source, connection) not in into:
                into[source, connection] = _Spikes(
                    number, connection, bool(synapse.pop_type),
                    np.zeros(len(everyone), dtype=np.int64), self.spikes[number],
                )  # fmt: skip
                dealt.into.append(into[source, connection])
            sets = np.array([self._set(block, synapse, k) for k in range(synapse.n_axons)])
            into[source, connection].reached |= np.where(at >= 0, sets[at], 0)

    def _set(self, block: int, synapse: object, axon: int) -> int:
        """Neurons of the layer that an axon reaches, as bits."""
        return sum(1 << int(place) for place in self.work.places(block, synapse, axon))

    def messages(self) -> tuple[int, bool, Deal]:
        """The fewest messages over all samples; whether they can be had, and by which deal."""
        least, deal, exact = 0, {}, not self.mapping.traffic.unknown
        for source, dealt in self.layers.items():
            if not dealt.known:
                least, exact = least + dealt.layer.arrived, False
            elif dealt.cores is None:
                least += int(self.mapping.received[dealt.layer.blocks].sum())
            else:
                sums = dealt.arriving().sum(axis=1)
                best = int(sums.argmin())
                least += int(sums[best])
                deal[self.work.name_of(source)] = dealt.named(best)
        return least, exact, deal if exact else {}

    def slowest_s(self, profile: Profile) -> tuple[float | None, Deal]:
        """The shortest time of the slowest core in all steps, and its deal; None: not all tried."""
        layers = list(self.layers.values())
        shape = [dealt.n_deals for dealt in layers]
        added = prod(shape) * sum(dealt.layer.n_neurons for dealt in layers)
        known = all(dealt.known for dealt in layers) and not self.mapping.traffic.unknown
        if not known or prod(shape) > MAX_ARRANGEMENTS or added > MAX_ADDED:
            return None, {}
        receiving = [self._receiving_s(dealt, profile).max(axis=1) for dealt in layers]
        rows = max(1, _AT_ONCE // sum(dealt.layer.n_neurons for dealt in layers))
        slowest = np.empty(prod(shape))
        for start in range(0, len(slowest), rows):
            ways = np.arange(start, min(start + rows, len(slowest)))
            deals = np.unravel_index(ways, shape)
            times = [seconds[deal] for seconds, deal in zip(receiving, deals)]
            times += [
                self._sending_s(k, layers, deals, profile).max(axis=1) for k in range(len(layers))
            ]
            slowest[ways] = np.max(times, axis=0)
        best = int(slowest.argmin())
        chosen = np.unravel_index(best, shape)
        deal = {
            self.work.name_of(source): dealt.named(int(k))
            for (source, dealt), k in zip(self.layers.items(), chosen)
            if dealt.cores is not None
        }
        return float(slowest[best]), deal

    def _receiving_s(self, dealt: _Dealt, profile: Profile) -> np.ndarray:
        if dealt.cores is not None:
            return dealt.receiving_s(profile)
        own = [self.work.receives_s(block, profile) for block in dealt.layer.blocks]
        return np.array([own])

    def _sending_s(
        self, k: int, layers: Sequence[_Dealt], deals: Sequence[np.ndarray], profile: Profile
    ) -> np.ndarray:
        """Time that each core of a layer takes to update and to send, (n_ways, n_cores)."""
        dealt, message_s = layers[k], profile.time_s("message", "nominal")
        own = self.work.updates_s(dealt.layer, profile, self.work.n_steps)
        times = np.repeat(own[None], len(deals[0]), axis=0)
        for block in dealt.layer.blocks:
            at = self.work.own[block]
            for other, deal in zip(layers, deals):
                if block in other.fixed:
                    times[:, at] += message_s * self.spikes[block] * other.fixed[block]
                for spikes in other.into:
                    if spikes.sender == block:
                        cores = other.messages_of(spikes)[deal]
                        times[:, at] += message_s * spikes.spikes * cores
        if dealt.cores is None:
            starts = [self.work.own[block].start for block in dealt.layer.blocks]
            return np.add.reduceat(times, starts, axis=1)
        on = dealt.cores[deals[k]]
        return np.stack(
            [np.where(on == core, times, 0).sum(axis=1) for core in range(on.max() + 1)], axis=1
        )
