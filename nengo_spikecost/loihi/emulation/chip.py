"""A built network as flat arrays: what the chip holds, ready for compiled code.

Compartments of all blocks are numbered through in NengoLoihi's order, and the neurons of
the host's inputs follow them: together the sources of spikes. Weights are kept as the
chip keeps them, shared by all axons that use them: a row of weights for each set and atom,
and for each source and axon one entry that names its row and where in the block it starts.

Reference: nengo-loihi 1.1.0, block.py, emulator/interface.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from ...errors import LoihiError
from ..cores.built import BuiltNetwork, Part
from .weight_rows import Rows, entries_of, flat, sorted_entries


class Tables(NamedTuple):
    """Arrays that the compiled step reads; all are of int32 unless said otherwise.

    ``entry_of[s]:entry_of[s + 1]`` (int64) are the ``entries`` of source ``s``, each of four
    numbers: the compartment that it starts from, the first of its row of ``weights`` (int16
    or int32), and where these go: to the ``runs`` (first compartment and number of
    compartments, relative to the start) from the third number up to the fourth, or, if the
    fourth is negative, as many single ``places``, from the third on. ``effects`` of an entry
    are the number of its route and how many weights a spike meets; ``synapses_of`` is by
    route. Segments are compartments that have all but their bias in common. ``sender_of`` a
    source is a block, or an input of the host, after the blocks. There are ``most_events``
    spikes in one step at most (an int).
    """

    entry_of: np.ndarray
    entries: np.ndarray
    effects: np.ndarray
    synapses_of: np.ndarray
    sender_of: np.ndarray
    runs: np.ndarray
    places: np.ndarray
    weights: np.ndarray
    bias: np.ndarray
    segment_start: np.ndarray
    segment_stop: np.ndarray
    segment_block: np.ndarray
    keep_current: np.ndarray
    keep_voltage: np.ndarray
    threshold: np.ndarray
    lowest: np.ndarray
    highest: np.ndarray
    refractory: np.ndarray
    record_spiked: np.ndarray
    record_current: np.ndarray
    record_voltage: np.ndarray
    most_events: int


@dataclass(frozen=True)
class Synapses:
    """One set of synapses of a block.

    Attributes
    ----------
    block : int
        Number of the block that holds it.
    format : {"dense", "sparse", "pop16", "pop32"}
        Discrete weights to all compartments of the block or to some, or weights that a
        population of axons shares.
    label : str
        NengoLoihi's.
    """

    block: int
    format: str
    label: str

    @property
    def kind(self) -> str:
        """The format as a `ChipActivity` calls it: weights of a population are ``"conv"``."""
        return "conv" if self.format.startswith("pop") else self.format


@dataclass(frozen=True)
class Route:
    """The axons of one block or input to one set of synapses.

    Attributes
    ----------
    sender : int
        Number of the block; inputs of the host follow after the last block.
    synapses : int
        Number of the set of synapses.
    sources : slice
        Which sources the sender has.
    messages, synops : ndarray of int64, shape (sources of the sender,)
        Messages of one spike, 0 or 1, and the weights it meets.
    """

    sender: int
    synapses: int
    sources: slice
    messages: np.ndarray = field(repr=False)
    synops: np.ndarray = field(repr=False)


@dataclass(frozen=True)
class Chip:
    """A built network as flat arrays.

    Attributes
    ----------
    blocks, inputs : tuple
        NengoLoihi's, in its order.
    block_of : slices of the compartments of each block; `input_of` : of each input's sources
    synapses : tuple of Synapses
    routes : tuple of Route
    tables : Tables
    """

    blocks: tuple[Any, ...]
    inputs: tuple[Any, ...]
    block_of: tuple[slice, ...]
    input_of: tuple[slice, ...]
    synapses: tuple[Synapses, ...]
    routes: tuple[Route, ...]
    tables: Tables = field(repr=False)

    @property
    def n_compartments(self) -> int:
        """Compartments of all blocks."""
        return self.block_of[-1].stop

    @property
    def n_sources(self) -> int:
        """Compartments, and neurons of the host that send to the chip."""
        return self.input_of[-1].stop if self.input_of else self.n_compartments


def flatten(built: BuiltNetwork, probes: Sequence[Any]) -> Chip:
    """Read the blocks of a built and discretised model.

    Parameters
    ----------
    built : BuiltNetwork
    probes : sequence of nengo_loihi.probe.LoihiProbe
        What is recorded.

    Raises
    ------
    LoihiError
        If a block learns or was not discretised, or an event is repeated too often.
    """
    blocks, inputs = (tuple(p.obj for p in parts) for parts in (built.blocks, built.inputs))
    for part in built.blocks:
        _raise_if_it_cannot_run(part)
    stops = np.cumsum([part.n_neurons for part in (*blocks, *inputs)])
    slices = [slice(int(e - p.n_neurons), int(e)) for e, p in zip(stops, (*blocks, *inputs))]
    block_of, input_of = tuple(slices[: len(blocks)]), tuple(slices[len(blocks) :])

    rows = Rows()
    synapses: list[Synapses] = []
    numbers: dict[int, int] = {}
    tables_of: list[np.ndarray] = []
    for number, block in enumerate(blocks):
        for synapse in block.synapses:
            numbers[id(synapse)] = len(synapses)
            first = rows.add(synapse)
            synapses.append(Synapses(number, _format(synapse, block), str(synapse.label or "")))
            tables_of.append(first)
    routes: list[Route] = []
    entries: list[Any] = []
    for sender, (part, sources) in enumerate(zip((*blocks, *inputs), slices)):
        for axon in part.axons:
            number = numbers[id(axon.target)]
            start = block_of[synapses[number].block].start
            found = entries_of(axon, part.n_neurons, tables_of[number], rows)
            every = np.full(len(found.source), len(routes))
            entries.append((found.source + sources.start, found.place + start, found.row, every))
            routes.append(Route(sender, number, sources, found.messages, found.synops))
    recorded = {
        f"record_{key}": _recorded(probes, key, dict(zip(blocks, block_of)))
        for key in ("spiked", "current", "voltage")
    }
    tables = Tables(
        **sorted_entries(entries, slices[-1].stop, rows),
        synapses_of=np.array([route.synapses for route in routes], dtype=np.int32),
        sender_of=np.repeat(np.arange(len(slices)), np.diff(stops, prepend=0)).astype(np.int32),
        **rows.arrays(),
        **_segments(blocks, block_of),
        **recorded,
        most_events=slices[-1].stop + _most_repeats(inputs),
    )
    return Chip(blocks, inputs, block_of, input_of, tuple(synapses), tuple(routes), tables)


def _raise_if_it_cannot_run(part: Part) -> None:
    """Refuse what changes weights, and what is no model of the chip."""
    name, block = part.name, part.obj
    if any(synapse.learning for synapse in block.synapses):
        raise LoihiError(
            f"{name} learns on the chip, so that its weights differ from sample to sample: "
            "remove the learning rule, or run it with NengoLoihi."
        )
    if block.compartment.vth.dtype != np.int32:
        raise LoihiError(f"{name} was built without discretising; build it with target='sim'.")


def _most_repeats(inputs: Sequence[Any]) -> int:
    """How many events of processes on the chip repeat another of the same step, at most."""
    found = 0
    for spikes in inputs:
        for step in spikes.permanent:
            events = np.bincount(np.asarray(spikes.spikes[step], dtype=np.int64), minlength=1)
            if events.max() > np.iinfo(np.uint8).max:
                raise LoihiError(
                    f"{spikes.label}: a neuron fires {events.max()} times in step {step}; at "
                    f"most {np.iinfo(np.uint8).max} times can be emulated."
                )
            found = max(found, int((events - (events > 0)).sum()))
    # several inputs may have theirs in the same step
    return found * len(inputs)


def _format(synapse: Any, block: Any) -> str:
    if synapse.pop_type:
        return f"pop{synapse.pop_type}"
    full = all(i.shape[1] == block.n_neurons for i in synapse.indices)
    return "dense" if full else "sparse"


def _segments(blocks: Sequence[Any], block_of: Sequence[slice]) -> dict[str, np.ndarray]:
    """Compartments that are alike, side by side in a block."""

    def column(values: Any, block: Any) -> np.ndarray:
        return np.broadcast_to(np.asarray(values).astype(np.int64), block.n_neurons)

    columns = []
    for number, block in enumerate(blocks):
        c = block.compartment
        values = (c.decay_u, c.decay_v, c.vth, c.vmin, c.vmax, c.refract_delay, number)
        columns.append(np.stack([column(v, block) for v in values], axis=1))
    table = np.concatenate(columns)
    changes = np.flatnonzero((np.diff(table, axis=0) != 0).any(axis=1)) + 1
    starts = np.concatenate([[0], changes])
    du, dv, vth, vmin, vmax, ref, number = table[starts].astype(np.int32).T
    bias = np.concatenate([column(b.compartment.bias, b) for b in blocks])
    found = {
        "bias": bias,
        "segment_start": starts,
        "segment_stop": np.append(changes, block_of[-1].stop),
        "segment_block": number,
        "keep_current": 4096 - 1 - du,  # the chip adds 1 to this decay
        "keep_voltage": 4096 - dv,
        "threshold": vth,
        "lowest": vmin,
        "highest": vmax,
        "refractory": ref,
    }
    return {name: np.ascontiguousarray(values, dtype=np.int32) for name, values in found.items()}


def _recorded(probes: Sequence[Any], key: str, block_of: dict[Any, slice]) -> np.ndarray:
    """Compartments that the Probes of a quantity record, one after another."""
    found = [
        np.arange(block_of[block].start, block_of[block].stop)[part]
        for probe in probes
        if probe.key == key
        for block, part in zip(probe.target, probe.slice)
    ]
    return flat(found, np.int32)
