"""`UnavoidableWork`: what the neurons of a placed network have to do wherever they are.

The sums that `bounds` bounds messages and steps by; why these are bounds stands there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ...chip import limits
from ...chip.chip_activity import FORMATS
from ...chip.mesh import Hops, Mesh
from ...energy.loihi_chip import Profile
from ..cores.built import BuiltNetwork, Part, synapse_format, synapse_kind
from .traffic import Spikes, Traffic, axon_sizes


class Placed(Protocol):
    """A `Mapping`, as its bounds see it."""

    @property
    def cores_per_chip(self) -> int: ...
    @property
    def mesh(self) -> Mesh: ...
    @property
    def traffic(self) -> Traffic: ...
    @property
    def built(self) -> BuiltNetwork: ...
    @property
    def spikes(self) -> Spikes: ...
    @property
    def n_cores(self) -> int: ...
    @property
    def n_chips(self) -> int: ...
    @property
    def positions(self) -> np.ndarray: ...
    @property
    def between_cores(self) -> np.ndarray: ...
    @property
    def received(self) -> np.ndarray: ...
    @property
    def chip_to_chip(self) -> int: ...
    @property
    def hops(self) -> Hops: ...
    def per_inference(self, messages: Any) -> Any: ...


def cores_reached(n_reached: np.ndarray, n_neurons: int, n_cores: int, most: int) -> np.ndarray:
    """Cores of a layer that hold at least one of some of its neurons: at least so many.

    Parameters
    ----------
    n_reached : ndarray of int
        How many neurons of the layer; 0 for none.
    n_neurons, n_cores : int
        Of the layer; no core is empty.
    most : int
        Neurons that a core holds.
    """
    reached = np.asarray(n_reached)
    cores = np.maximum(-(-reached // most), n_cores - (n_neurons - reached))
    return np.where(reached > 0, np.maximum(cores, 1), 0)


def least_largest(loads: np.ndarray, n_cores: int, shared: float = 0.0) -> float:
    """The largest sum of loads on one of the cores is at least this, however they are dealt out.

    Parameters
    ----------
    loads : ndarray of float, shape (n_neurons,)
        Each is on one core.
    n_cores : int
    shared : float
        What all cores together have besides.
    """
    if not loads.size:
        return shared / n_cores
    quickest = np.sort(loads)[: -(-len(loads) // n_cores)].sum()
    return float(max((loads.sum() + shared) / n_cores, quickest, loads.max()))


def most_neurons(bits: np.ndarray) -> int:
    """How many neurons of a layer fit one core at most, of the bits that each takes at least."""
    room = np.searchsorted(np.cumsum(np.sort(bits)), limits.MAX_SYNAPSE_BITS, side="right")
    # a block that was built has its neurons on a core, whatever is counted here
    return max(1, min(limits.MAX_COMPARTMENTS, int(room)))


@dataclass
class Layer:
    """The neurons of one source on the chip: of one Ensemble, or of one decoded value.

    Attributes
    ----------
    blocks : list of int
    neurons : ndarray of int64, shape (n_neurons,)
        Which of the source's, in the order of the blocks.
    bits : ndarray of int64, shape (n_neurons,)
        Of synapse memory that each neuron takes at least.
    synops : dict from format to ndarray of int64, shape (n_neurons,)
        Spikes that met a weight of each neuron, over all samples.
    arrived : int
        Messages that arrive at least, over all samples.
    """

    blocks: list[int]
    neurons: np.ndarray
    bits: np.ndarray
    synops: dict[str, np.ndarray]
    arrived: int = 0

    @property
    def n_neurons(self) -> int:
        """Neurons on all its blocks."""
        return len(self.bits)

    @property
    def most(self) -> int:
        """Neurons that a core holds at most."""
        return most_neurons(self.bits)


class UnavoidableWork:
    """What every neuron of a placed network has to do wherever it is."""

    def __init__(self, mapping: Placed):
        self.mapping, self.blocks = mapping, mapping.built.blocks
        self.layers: dict[int, Layer] = {}
        #: of each block, which neurons of its layer it has
        self.own: list[slice] = []
        members: dict[int, list[int]] = {}
        for number, part in enumerate(self.blocks):
            members.setdefault(id(part.source), []).append(number)
        for source, blocks in members.items():
            n = sum(self.blocks[block].obj.n_neurons for block in blocks)
            synops = {kind: np.zeros(n, dtype=np.int64) for kind in FORMATS}
            neurons = np.concatenate([self.blocks[block].neurons for block in blocks])
            self.layers[source] = Layer(blocks, neurons, np.zeros(n, dtype=np.int64), synops)
        first = dict.fromkeys(self.layers, 0)
        for part in self.blocks:
            start = first[id(part.source)]
            first[id(part.source)] = stop = start + part.obj.n_neurons
            self.own.append(slice(start, stop))
        sets = [(k, synapse) for k, part in enumerate(self.blocks) for synapse in part.obj.synapses]
        self.block_of = {id(synapse): block for block, synapse in sets}
        self.sizes = {id(synapse): axon_sizes(synapse) for _, synapse in sets}
        arriving = self._arriving()
        for block, synapse in sets:
            self._count(block, synapse, arriving[id(synapse)])
        #: messages that each block, then each input, sends at least
        self.sent = [self._sent(part) for part in (*self.blocks, *mapping.built.inputs)]

    def layer(self, block: int) -> Layer:
        """The layer that a block has neurons of."""
        return self.layers[id(self.blocks[block].source)]

    def name_of(self, layer: int) -> str:
        """The name of a layer's source."""
        return self.blocks[self.layers[layer].blocks[0]].source.name

    def spikes_of(self, part: Part) -> np.ndarray:
        """Spikes of each neuron of a block or an input; 0 where they are not known."""
        counts = self.mapping.spikes.counts.get(part.source.owner)
        if counts is None:
            return np.zeros(len(part.neurons), dtype=np.int64)
        return np.asarray(counts[part.neurons])

    def places(self, block: int, synapse: Any, axon: int) -> np.ndarray:
        """Neurons of its layer that an axon of one of a block's sets of synapses reaches."""
        if not self.sizes[id(synapse)][axon]:
            return np.zeros(0, dtype=np.int64)
        reached = synapse.indices[synapse.axon_weight_idx(axon)][0]
        return np.asarray(self.own[block].start + synapse.axon_compartment_base(axon) + reached)

    def _arriving(self) -> dict[int, np.ndarray]:
        """Spikes at each input axon of each set of synapses."""
        arriving = {key: np.zeros(len(sizes), dtype=np.int64) for key, sizes in self.sizes.items()}
        for part in (*self.blocks, *self.mapping.built.inputs):
            spikes = self.spikes_of(part)
            for axon in part.obj.axons:
                at = np.asarray(axon.map_axon(np.arange(len(spikes))))
                np.add.at(arriving[id(axon.target)], at[at >= 0], spikes[at >= 0])
        return arriving

    def _count(self, block: int, synapse: Any, arriving: np.ndarray) -> None:
        """Memory and synops of the neurons that a set of synapses reaches."""
        layer, own = self.layer(block), self.own[block]
        kind = synapse_kind(synapse_format(synapse, self.blocks[block].obj))
        synops, bits = layer.synops[kind][own], layer.bits[own]
        shared = synapse.axon_to_weight_map is not None
        for axon in np.flatnonzero(self.sizes[id(synapse)]):
            if shared and not arriving[axon]:
                continue
            reached = synapse.indices[synapse.axon_weight_idx(axon)][0]
            places = synapse.axon_compartment_base(axon) + reached
            synops[places] += arriving[axon]
            if not shared:
                bits[places] += limits.WEIGHT_BITS

    def _sent(self, part: Part) -> int:
        """Messages of a part's spikes at least; the layers that they go to get to know theirs."""
        spikes = self.spikes_of(part)
        sent = 0
        for layer, reached in self._reached(part):
            cores = cores_reached(reached, layer.n_neurons, len(layer.blocks), layer.most)
            layer.arrived += int(spikes @ cores)
            sent += int(spikes @ cores)
        return sent

    def _reached(self, part: Part) -> Iterator[tuple[Layer, np.ndarray]]:
        """Of each Connection of a part, how many neurons of a layer each of its own reaches.

        NengoLoihi splits a Connection into axons to the blocks of a layer in their order, so that
        where a block does not come after the one before, another Connection has begun. If it
        began unseen, the two are taken for one, which makes no more messages than both.
        """
        everyone = np.arange(len(part.neurons))
        found: list[tuple[Layer, np.ndarray]] = []
        last = -1
        for axon in part.obj.axons:
            block = self.block_of[id(axon.target)]
            layer = self.layer(block)
            at = np.asarray(axon.map_axon(everyone))
            reached = np.where(at >= 0, self.sizes[id(axon.target)][at], 0)
            if found and found[-1][0] is layer and block > last:
                found[-1] = (layer, found[-1][1] + reached)
            else:
                found.append((layer, reached))
            last = block
        yield from found

    @property
    def n_steps(self) -> int:
        """All steps that spikes were counted over."""
        return self.mapping.traffic.n_samples * (self.mapping.traffic.n_steps or 1)

    def step_s(self, profile: Profile, slowest_s: float | None = None) -> tuple[float, float]:
        """Mean time of a step, of all steps together: of this placement, and at least.

        ``slowest_s`` is what the slowest core takes at least in all steps, if more is known than is
        proven here.
        """
        mapping, n_steps = self.mapping, self.n_steps
        tiles = np.unique(mapping.mesh.tile_of(mapping.positions))
        used = np.bincount(tiles // mapping.mesh.n_tiles).max()
        per_chip = -(-mapping.n_cores // mapping.n_chips)
        fewest = -(-per_chip // mapping.mesh.cores_per_tile)
        found = max(self._block_s(block, profile, n_steps) for block in range(len(self.blocks)))
        least = slowest_s
        if least is None:
            least = max(self._least_s(layer, profile, n_steps) for layer in self.layers.values())
        found_s = found / n_steps + profile.sync.at(int(used), "nominal")
        return found_s, least / n_steps + profile.sync.at(fewest, "nominal")

    def updates_s(self, layer: Layer, profile: Profile, n_steps: int) -> np.ndarray:
        """Time that each neuron of a layer takes to be updated and to fire, in all steps."""
        spikes = [self.spikes_of(self.blocks[b]) for b in layer.blocks]
        idle, active, spike = (
            profile.time_s(event, "nominal") for event in ("idle_update", "active_update", "spike")
        )
        # a neuron that fires is active
        return n_steps * idle + np.concatenate(spikes) * (spike + max(active - idle, 0.0))

    def _block_s(self, block: int, profile: Profile, n_steps: int) -> float:
        """Time of a core in all steps."""
        sends = self.updates_s(self.layer(block), profile, n_steps)[self.own[block]].sum()
        sends += self.mapping.between_cores[block].sum() * profile.time_s("message", "nominal")
        return float(max(sends, self.receives_s(block, profile)))

    def receives_s(self, block: int, profile: Profile) -> float:
        """Time in all steps that a core takes to take messages in and make their synops."""
        receives = self.mapping.received[block] * profile.time_s("axon_event", "nominal")
        for kind, synops in self.layer(block).synops.items():
            own = synops[self.own[block]].sum()
            receives += own * profile.time_s(f"synop_{kind}", "nominal")
        return float(receives)

    def _least_s(self, layer: Layer, profile: Profile, n_steps: int) -> float:
        """Time of the slowest core of a layer in all steps, at least."""
        times = {kind: profile.time_s(f"synop_{kind}", "nominal") for kind in FORMATS}
        # weights to all of a block may be to some of another, and the other way round
        times["dense"] = times["sparse"] = min(times["dense"], times["sparse"])
        receives = np.asarray(sum(layer.synops[kind] * times[kind] for kind in FORMATS))
        arrived = layer.arrived * profile.time_s("axon_event", "nominal")
        sent = sum(self.sent[block] for block in layer.blocks)
        sends = self.updates_s(layer, profile, n_steps)
        sent_s = sent * profile.time_s("message", "nominal")
        n_cores = len(layer.blocks)
        return max(least_largest(sends, n_cores, sent_s), least_largest(receives, n_cores, arrived))
