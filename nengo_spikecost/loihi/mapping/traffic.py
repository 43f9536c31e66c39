"""Spike messages from block to block, counted from spikes that really fired.

A spike of a compartment makes one message for each of its output axons, that is for each
set of synapses that it reaches: one a core, or as many as there are Connections to the same
core. An axon that leads to no weight (a border pixel of a strided convolution) is not built
on hardware, and makes none. pop16 and pop32 messages carry which atom of the population
fired, and are one message all the same.

Reference: nengo-loihi 1.1.0, hardware/builder.py (``build_axon``),
hardware/nxsdk_objects.py (``LoihiSpikeInput``), emulator/interface.py
(``SynapseState.inject_current``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...activity.activity_record import Activity
from ...errors import LoihiError
from ...words import counted
from ..cores.built import KINDS, BuiltNetwork, Source


@dataclass(frozen=True)
class Spikes:
    """Spikes of the neurons that send messages.

    Attributes
    ----------
    counts : mapping from owner of a source to ndarray of int64, shape (n_neurons,)
        Spikes of each neuron over all samples. Sources without an entry are not known.
    n_samples : int
    n_steps : int or None
        Steps of each sample; None if there are none.
    measured : bool
        False: every neuron is taken to fire once.
    """

    counts: Mapping[Any, np.ndarray] = field(repr=False)
    n_samples: int = 1
    n_steps: int | None = None
    measured: bool = True


@dataclass(frozen=True)
class Traffic:
    """Messages from each block and each input of the host to each block.

    Attributes
    ----------
    sender : ndarray of int64, shape (n_routes,)
        Number of the block; inputs of the host follow after the last block.
    receiver : ndarray of int64, shape (n_routes,)
        Number of the block.
    messages : ndarray of int64, shape (n_routes,)
        Over all samples. 0 where the sender's spikes are not known.
    n_blocks, n_inputs : int
    n_samples : int
    n_steps : int or None
        Steps a sample.
    measured : bool
        False: messages if every neuron fired once.
    unknown : tuple of str
        Senders whose spikes are not known: totals are lower bounds.
    """

    sender: np.ndarray = field(repr=False)
    receiver: np.ndarray = field(repr=False)
    messages: np.ndarray = field(repr=False)
    n_blocks: int
    n_inputs: int
    n_samples: int
    n_steps: int | None
    measured: bool
    unknown: tuple[str, ...] = ()

    @property
    def from_host(self) -> np.ndarray:
        """Which routes start from the host, bool, shape (n_routes,)."""
        return np.asarray(self.sender >= self.n_blocks)

    def between_groups(self, group: np.ndarray, n_groups: int) -> np.ndarray:
        """Messages between groups of blocks, such as chips; the last row is the host's.

        Parameters
        ----------
        group : ndarray of int, shape (n_blocks,)
        n_groups : int

        Returns
        -------
        ndarray of int64, shape (n_groups + 1, n_groups)
        """
        senders = np.append(group, np.full(self.n_inputs, n_groups))[self.sender]
        between = np.zeros((n_groups + 1, n_groups), dtype=np.int64)
        np.add.at(between, (senders, group[self.receiver]), self.messages)
        return between


def count_messages(built: BuiltNetwork, spikes: Spikes) -> Traffic:
    """Count the messages that these spikes make between the blocks of a network."""
    target = {id(s): k for k, part in enumerate(built.blocks) for s in part.obj.synapses}
    live: dict[int, np.ndarray] = {}
    routes: dict[tuple[int, int], int] = {}
    parts = (*built.blocks, *built.inputs)
    for number, part in enumerate(parts):
        counts = spikes.counts.get(part.source.owner)
        everyone = np.arange(len(part.neurons))
        for axon in part.obj.axons:
            synapse = axon.target
            if id(synapse) not in live:
                live[id(synapse)] = axon_sizes(synapse) > 0
            key = (number, target[id(synapse)])
            routes.setdefault(key, 0)
            if counts is not None:
                axons = np.asarray(axon.map_axon(everyone))
                reaches = (axons >= 0) & live[id(synapse)][axons]
                routes[key] += int(counts[part.neurons][reaches].sum())
    ordered = sorted(routes)
    pairs = np.array(ordered, dtype=np.int64).reshape(-1, 2)
    senders = {part.source.owner: part.source for part in parts if part.obj.axons}
    messages = np.array([routes[key] for key in ordered], dtype=np.int64)
    unknown = tuple(s.name for owner, s in senders.items() if owner not in spikes.counts)
    return Traffic(
        pairs[:, 0], pairs[:, 1], messages, len(built.blocks), len(built.inputs),
        spikes.n_samples, spikes.n_steps, spikes.measured, unknown,
    )  # fmt: skip


def axon_sizes(synapse: Any) -> np.ndarray:
    """Compartments that each input axon of a Synapse reaches, int64, shape (n_axons,)."""
    base, weights = synapse.axon_compartment_base, synapse.axon_weights_indices
    axons = range(synapse.n_axons)
    sizes = [0 if base(k) is None else weights(k)[0].size for k in axons]
    return np.array(sizes, dtype=np.int64)


def spikes_of(built: BuiltNetwork, activity: Any) -> Spikes:
    """Spikes of each neuron, from an Activity or a mapping.

    Parameters
    ----------
    built : BuiltNetwork
    activity : Activity, mapping or None
        A mapping from Ensemble, from Connection (its decoding neurons) or from either's name
        to spikes of each neuron. None: every neuron fires once.

    Raises
    ------
    LoihiError
        If the activity is of another network, or was measured without spikes.
    """
    if activity is None:
        ones = {s.owner: np.ones(s.n_neurons, dtype=np.int64) for s in built.sources}
        return Spikes(ones, measured=False)
    if isinstance(activity, Activity):
        recorded = {s.owner: _recorded(s, activity) for s in built.sources if s.kind == KINDS[0]}
        counts = {owner: spikes for owner, spikes in recorded.items() if spikes is not None}
        return Spikes(counts, activity.n_samples, activity.protocol.n_steps)
    if not isinstance(activity, Mapping):
        raise LoihiError(
            "activity has to be an Activity, as nengo_spikecost.measure returns it, or a mapping "
            f"from Ensembles to spikes of each neuron, not {type(activity).__name__}."
        )
    return Spikes(dict(_given(built, activity)))


def _recorded(source: Source, activity: Activity) -> np.ndarray | None:
    record = activity.populations.get(source.name)
    if record is None:
        known = ", ".join(activity.populations) or "none"
        raise LoihiError(
            f"The activity has no population {source.name!r} (it has {known}): it is of another "
            "network. Measure this one (nengo_spikecost.measure)."
        )
    if record.n_neurons != source.n_neurons:
        raise LoihiError(
            f"{source.name} has {counted(source.n_neurons, 'neuron')}, and the activity counts "
            f"{record.n_neurons:,}: it is of another network. Measure this one "
            "(nengo_spikecost.measure)."
        )
    if record.spiking:
        return record.per_neuron().astype(np.int64)
    if not source.on_chip:
        return None  # the host sends a message wherever a graded output is not 0
    raise LoihiError(
        f"The activity of {source.name} was measured without spikes, and a message is a spike. "
        "Measure the network with the neurons that it has on the chip."
    )


def _given(built: BuiltNetwork, activity: Mapping[Any, Any]) -> Any:
    by_name = {source.name: source for source in built.sources}
    by_owner = {source.owner: source for source in built.sources}
    for key, given in activity.items():
        source = by_name.get(key) if isinstance(key, str) else by_owner.get(key)
        if source is None:
            raise LoihiError(
                f"activity has an entry for {key}, which sends no spikes in this network; there "
                f"are {', '.join(by_name) or 'none'}."
            )
        counts = np.asarray(given)
        if counts.shape != (source.n_neurons,):
            raise LoihiError(
                f"activity of {source.name} has shape {counts.shape}; expected "
                f"({source.n_neurons},): spikes of each neuron."
            )
        whole = counts.astype(np.int64)
        if (whole != counts).any() or (whole < 0).any():
            raise LoihiError(
                f"activity of {source.name} has to be whole numbers of spikes, not rates."
            )
        yield source.owner, whole
