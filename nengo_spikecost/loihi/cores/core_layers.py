"""The blocks of a network, with the synapses into them and the axons out of them.

These are descriptions that can be asked for any tiling, without a weight being copied;
`layer_reading` makes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ... import check
from ...chip.limits import MAX_COMPARTMENTS, MAX_INPUT_AXONS, MAX_OUTPUT_AXONS, MAX_SYNAPSE_BITS
from ...errors import LoihiError
from ...words import counted
from .synapses import Synapses
from .tiling import Tiling, ceil_div, whole

#: Spikes of a neuron in a step where none were measured: 100 Hz at 1 ms.
UNKNOWN_RATE = 0.1


@dataclass(eq=False)
class Axons:
    """The axons of one population, or of the host, to one group of synapses.

    Attributes
    ----------
    source, target : int
        Numbers of layers; a source on the host is -1.
    source_name : str
    synapses : Synapses
    axon_of : ndarray of int64, shape (n_source,)
        Input axon that each neuron of the source sends to, or -1.
    atom_of : ndarray of int64, shape (n_source,), or None
        Its channel, for convolutions.
    n_unsplit : int
        Axons that NengoLoihi counts before anything is split.
    ensemble : nengo.Ensemble or None
        The source, if it is known.
    connection : nengo.Connection or None
    neurons : ndarray of int64, or None
        Numbers that the source's neurons have in their Ensemble; None: the same.
    """

    source: int
    target: int
    source_name: str
    synapses: Synapses
    axon_of: np.ndarray = field(repr=False)
    atom_of: np.ndarray | None = field(repr=False)
    n_unsplit: int
    ensemble: Any = field(default=None, repr=False)
    connection: Any = field(default=None, repr=False)
    neurons: np.ndarray | None = field(default=None, repr=False)

    def output_slots(self, source: Tiling, target: Tiling) -> np.ndarray:
        """Output axon slots of each tile of the source, shape (n_tiles,)."""
        if (self.axon_of >= 0).all():
            axons = self.synapses.axons_from(source, target)
            if axons is not None:
                return axons * self.synapses.slots
        slots = np.zeros(source.n_tiles, dtype=np.int64)
        for reach in self.synapses.reach(target):
            sent = self._sent(reach.atoms)
            neurons = np.flatnonzero(sent >= 0)
            pairs = source.tile_of[neurons] * self.synapses.n_axons + sent[neurons]
            pairs = np.unique(pairs)
            tiles, axons = np.divmod(pairs, self.synapses.n_axons)
            np.add.at(slots, tiles, reach.tiles[axons] * reach.times)
        return slots * self.synapses.slots

    def messages(self, target: Tiling) -> np.ndarray:
        """Messages that one spike of each neuron of the source makes, shape (n_source,)."""
        # groups of channels reach tiles of filters of their own, and the same tiles of the image:
        # what differs between them is added up by channel, before it is spread over all neurons
        reaches = self.synapses.reach(target)
        patterns = {id(reach.tiles): reach.tiles for reach in reaches}
        times: dict[int, Any] = dict.fromkeys(patterns, 0)
        for reach in reaches:
            atoms = None if self.atom_of is None else reach.atoms
            times[id(reach.tiles)] += reach.times * (1 if atoms is None else atoms.astype(np.int64))
        messages = np.zeros(len(self.axon_of), dtype=np.int64)
        for key, tiles in patterns.items():
            of_atom = times[key] if np.ndim(times[key]) == 0 else times[key][self.atom_of]
            messages += tiles[np.maximum(self.axon_of, 0)] * of_atom
        return np.where(self.axon_of >= 0, messages, 0)

    def source_rates(self, rates: np.ndarray) -> np.ndarray:
        """The values of the neurons that send, out of values for all neurons of the Ensemble.

        The host sends only the neurons that a slice asks for.
        """
        if self.source < 0 and self.connection is not None:
            return np.asarray(rates)[self.connection.pre_slice]
        return np.asarray(rates) if self.neurons is None else np.asarray(rates)[self.neurons]

    def rates_from(self, rates: Any) -> np.ndarray:
        """Spikes per step of each neuron that is sent, by a mapping from Ensemble.

        For Ensembles that are not in it, `UNKNOWN_RATE` is taken.
        """
        known = rates.get(self.ensemble) if self.ensemble is not None else None
        if known is None:
            return np.full(len(self.axon_of), UNKNOWN_RATE)
        return self.source_rates(known)

    def _sent(self, atoms: np.ndarray | None) -> np.ndarray:
        if atoms is None or self.atom_of is None:
            return self.axon_of
        return np.where(atoms[self.atom_of], self.axon_of, -1)


@dataclass(eq=False)
class Layer:
    """One population on the chip: an Ensemble, or neurons that NengoLoihi adds.

    Attributes
    ----------
    name : str
    ensemble : nengo.Ensemble or None
        None for decoding neurons.
    n_neurons : int
    shape : tuple of int
        Rows, columns and channels in the order of its neurons if a convolution leads to it
        or comes from it, else the number of neurons.
    given : Tiling or None
        The BlockShape in the network's config.
    synapses : tuple of Synapses
    outputs : tuple of Axons
    compartment : nengo_loihi.block.Compartment
        Thresholds, decays and refractory periods of its neurons, not rounded yet.
    """

    name: str
    ensemble: Any = field(repr=False)
    n_neurons: int
    shape: tuple[int, ...]
    given: Tiling | None
    synapses: tuple[Synapses, ...]
    outputs: tuple[Axons, ...]
    compartment: Any = field(repr=False)

    def least_input_axons(self) -> int:
        """Most input axons of any neuron: some block needs as many, however the layer is cut."""
        counts = [synapses.axons_of_neurons() for synapses in self.synapses]
        return int(np.max(np.sum(counts, axis=0))) if counts else 0

    def default_tiling(self) -> Tiling:
        """NengoLoihi's own split, without a BlockShape: runs of neurons of equal length."""
        one = whole(self.n_neurons)
        uses = [s.use(one) for s in self.synapses]
        parts = max(
            ceil_div(self.n_neurons, MAX_COMPARTMENTS),
            ceil_div(sum(int(u.axons[0]) for u in uses), MAX_INPUT_AXONS),
            ceil_div(sum(a.n_unsplit * a.synapses.slots for a in self.outputs), MAX_OUTPUT_AXONS),
            ceil_div(sum(int(u.bits[0]) for u in uses), MAX_SYNAPSE_BITS),
        )
        return Tiling((self.n_neurons,), (ceil_div(self.n_neurons, parts),))


@dataclass(eq=False)
class Layers:
    """All populations on the chip, and the axons from the host.

    Attributes
    ----------
    layers : tuple of Layer
        In the order of NengoLoihi's blocks.
    inputs : tuple of Axons
        From the host.
    network : nengo.Network
    given : nengo.Network or Conversion
        The same, or the Conversion that knows the names of its layers.
    """

    layers: tuple[Layer, ...]
    inputs: tuple[Axons, ...]
    network: Any = field(repr=False)
    given: Any = field(repr=False)


def spikes_per_step(layers: Layers, spikes: Any) -> dict[Any, np.ndarray]:
    """Mean spikes per step of each neuron, by Ensemble.

    Parameters
    ----------
    layers : Layers
    spikes : Activity, mapping or None
        An Activity that `nengo_spikecost.measure` returned for this network, or a mapping
        from Ensemble, or its name, to spikes per step: one number for all neurons, or one of
        each. Ensembles that are not in it are left out.

    Raises
    ------
    LoihiError
        If it is neither, or counts other neurons than the network has.
    """
    if spikes is None:
        return {}
    sources = {a.ensemble: a.source_name for a in layers.inputs if a.ensemble is not None}
    sources.update({x.ensemble: x.name for x in layers.layers if x.ensemble is not None})
    populations = getattr(spikes, "populations", None)
    if populations is not None:
        scale = 1.0 / (spikes.protocol.n_steps * spikes.n_samples)
        spikes = {name: record.per_neuron() * scale for name, record in populations.items()}
    if not isinstance(spikes, Mapping):
        raise LoihiError(
            "spikes has to be an Activity, as nengo_spikecost.measure returns it, or a mapping "
            f"from Ensembles to spikes per step, not {type(spikes).__name__}."
        )
    rates = {}
    for ensemble, name in sources.items():
        given = spikes[ensemble] if ensemble in spikes else spikes.get(name)
        if given is None:
            continue
        if np.size(given) not in (1, ensemble.n_neurons):
            raise LoihiError(
                f"{name} has {counted(ensemble.n_neurons, 'neuron')}, and the spikes are of "
                f"{np.size(given):,}: they were measured in another network."
            )
        try:
            values = np.asarray(given, dtype=np.float64)
        except (TypeError, ValueError):
            raise LoihiError(
                f"spikes of {name} must be numbers, not {check.shown(given)}."
            ) from None
        rates[ensemble] = np.broadcast_to(values.ravel(), (ensemble.n_neurons,))
    return rates
