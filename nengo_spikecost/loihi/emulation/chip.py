"""A built network as flat arrays, ready for compiled code.

The compartments of all blocks have consecutive numbers in NengoLoihi's order, and the neurons of
the host's inputs follow them: together they are the sources of spikes. The chip has a row of
weights for each set and atom, shared by all axons that use it, and for each source and axon an
entry that names its row and where in the block it starts (weight_rows.py). What is counted is
counted by them; what is added is laid out anew (deliveries.py).

Reference: nengo-loihi 1.1.0, block.py, emulator/interface.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from ...digests import array_digest
from ...errors import LoihiError
from ..cores.built import BuiltNetwork, Part, synapse_format, synapse_kind
from .deliveries import Deliveries, pieces_of, wiring
from .weight_rows import Rows, entries_of, flat, sorted_entries


class Tables(NamedTuple):
    """Arrays that the compiled step reads; all are int32 unless said otherwise.

    ``delivery_of[s]:delivery_of[s + 1]`` (int64) are the ``deliveries`` of source ``s``, each of
    five numbers: the input that it starts from, the first of its ``weights`` (int16 or int32),
    and where these go: to the ``runs`` (first input and number of inputs, relative to the
    start) from the third number up to the fourth, or, if the fourth is negative, as many
    single ``places``, from the third on; the fifth is the same for all that go to the same
    inputs, and less than ``n_marks`` (an int). Inputs are those of the compartments in another
    order: ``pieces`` have the first input, the first compartment, and how many there are;
    those of a segment are ``piece_of[segment]:piece_of[segment + 1]``, all of ``piece_size``
    compartments unless that is 0.

    ``entry_of[s]:entry_of[s + 1]`` (int64) are the entries of source ``s`` as the chip has
    them. ``effects`` of an entry are the number of its route and how many weights a spike
    meets; ``synapses_of`` is by route. Segments are neighbouring compartments that are alike
    except for their bias.
    ``sender_of`` is the block of each source, or its input from the host, numbered after the
    blocks. At most ``most_events`` spikes (an int) are fired in one step.
    """

    delivery_of: np.ndarray
    deliveries: np.ndarray
    pieces: np.ndarray
    piece_of: np.ndarray
    piece_size: np.ndarray
    n_marks: int
    entry_of: np.ndarray
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
        NengoLoihi's label.
    """

    block: int
    format: str
    label: str

    @property
    def kind(self) -> str:
        """The format as a `ChipActivity` calls it: weights of a population are ``"conv"``."""
        return synapse_kind(self.format)


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
        NengoLoihi's blocks and inputs, in its order.
    block_of, input_of : tuple of slice
        Compartments of each block, and sources of each input.
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
        """Number of compartments of all blocks."""
        return self.block_of[-1].stop

    @property
    def n_sources(self) -> int:
        """Number of compartments, and of neurons of the host that send to the chip."""
        return self.input_of[-1].stop if self.input_of else self.n_compartments


def flatten(built: BuiltNetwork, probes: Sequence[Any]) -> Chip:
    """Read the blocks of a built and discretised model.

    Parameters
    ----------
    built : BuiltNetwork
    probes : sequence of nengo_loihi.probe.LoihiProbe
        Probes on the chip.

    Raises
    ------
    LoihiError
        If a block learns or was not discretised, or a neuron fires too often in one step.
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
            synapses.append(
                Synapses(number, synapse_format(synapse, block), str(synapse.label or ""))
            )
            tables_of.append(rows.add(synapse))
    routes: list[Route] = []
    entries: list[Any] = []
    for sender, (part, sources) in enumerate(zip((*blocks, *inputs), slices)):
        for axon in part.axons:
            number = numbers[id(axon.target)]
            start = block_of[synapses[number].block].start
            own = entries_of(axon, part.n_neurons, tables_of[number], rows)
            every = np.full(len(own.source), len(routes))
            entries.append((own.source + sources.start, own.place + start, own.row, every))
            routes.append(Route(sender, number, sources, own.messages, own.synops))
    recorded: dict[str, Any] = {
        f"record_{key}": _recorded(probes, key, dict(zip(blocks, block_of)))
        for key in ("spiked", "current", "voltage")
    }
    in_order = sorted_entries(entries, slices[-1].stop, rows)
    position, segments = wiring(built.blocks, block_of), _segments(blocks, block_of)
    tables = Tables(
        **Deliveries(in_order, rows, position).arrays(),
        **pieces_of(position, segments["segment_stop"]),
        entry_of=in_order.first, effects=in_order.effects,
        synapses_of=np.array([route.synapses for route in routes], dtype=np.int32),
        sender_of=np.repeat(np.arange(len(slices)), np.diff(stops, prepend=0)).astype(np.int32),
        **segments, **recorded,
        most_events=slices[-1].stop + _most_repeats(inputs),
    )  # fmt: skip
    return Chip(blocks, inputs, block_of, input_of, tuple(synapses), tuple(routes), tables)


def _raise_if_it_cannot_run(part: Part) -> None:
    """Refuse blocks that learn, and blocks that were not discretised."""
    name, block = part.name, part.obj
    if any(synapse.learning for synapse in block.synapses):
        raise LoihiError(
            f"{name} learns on the chip, so that its weights differ from sample to sample: "
            "remove the learning rule, or run it with NengoLoihi."
        )
    if block.compartment.vth.dtype != np.int32:
        raise LoihiError(f"{name} was built without discretising; build it with target='sim'.")


def _most_repeats(inputs: Sequence[Any]) -> int:
    """Most events of one step, of processes on the chip, that repeat another of that step."""
    most = 0
    for spikes in inputs:
        for step in spikes.permanent:
            events = np.bincount(np.asarray(spikes.spikes[step], dtype=np.int64), minlength=1)
            if events.max() > np.iinfo(np.uint8).max:
                raise LoihiError(
                    f"{spikes.label}: a neuron fires {events.max()} times in step {step}; at "
                    f"most {np.iinfo(np.uint8).max} times can be emulated."
                )
            most = max(most, int((events - (events > 0)).sum()))
    # several inputs may have theirs in the same step
    return most * len(inputs)


def _segments(blocks: Sequence[Any], block_of: Sequence[slice]) -> dict[str, Any]:
    """Neighbouring compartments of a block that are alike, as `Tables` has them."""

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
    stops = np.append(changes, block_of[-1].stop)
    segments = {
        "bias": bias, "segment_start": starts, "segment_stop": stops, "segment_block": number,
        "keep_current": 4096 - 1 - du,  # the chip adds 1 to this decay
        "keep_voltage": 4096 - dv, "threshold": vth, "lowest": vmin, "highest": vmax,
        "refractory": ref,
    }  # fmt: skip
    return {name: np.ascontiguousarray(values, dtype=np.int32) for name, values in segments.items()}


def _recorded(probes: Sequence[Any], key: str, block_of: dict[Any, slice]) -> np.ndarray:
    """Compartments that the Probes of a quantity record, one Probe after another."""
    own = [probe for probe in probes if probe.key == key]
    parts = [(block_of[b], part) for probe in own for b, part in zip(probe.target, probe.slice)]
    return flat([np.arange(at.start, at.stop)[part] for at, part in parts], np.int32)


def built_digest(model: Any, chip: Chip) -> str:
    """Digest of the blocks on the chip, and of the operators and signals of the host."""

    def parts() -> Iterable[np.ndarray | str]:
        yield from map(np.asarray, chip.tables)
        for block in chip.blocks:
            c = block.compartment
            noise = (c.enable_noise, c.noise_exp, c.noise_offset, c.noise_at_membrane)
            yield from map(np.asarray, noise)
        for spikes in chip.inputs:
            for step in sorted(spikes.permanent):
                yield from (np.asarray(step), np.asarray(spikes.spikes[step]))
        for part in (model.host_pre, model.host):
            for op in part.operators:
                yield type(op).__name__
                for signal in op.all_signals:
                    value = signal.base.initial_value
                    # sparse ones are not arrays
                    yield np.asarray(value.toarray() if hasattr(value, "toarray") else value)

    return array_digest(parts())
