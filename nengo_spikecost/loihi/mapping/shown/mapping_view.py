"""A `Mapping` as text, as rows and as plain values."""

from __future__ import annotations

import textwrap
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from ....chip.limits import MAX_HOST_SPIKES_PER_STEP

if TYPE_CHECKING:
    from ..mapping import Mapping, PlacedBlock

JSON_FORMAT = "nengo-spikecost/loihi-mapping/1"

#: Longest line of the sentences.
LINE = 98


def mapping_records(mapping: Mapping) -> list[dict[str, Any]]:
    """One flat dict a block; messages and hops over all samples."""
    sent, received = mapping.between_cores.sum(axis=1), mapping.between_cores.sum(axis=0)
    columns, rows = mapping.mesh.coordinates(mapping.mesh.tile_of(mapping.positions))
    from_host = _from_host(mapping)
    return [
        {
            "block": block.name,
            "layer": block.layer,
            "kind": block.kind,
            "chip": block.chip,
            "core": block.core,
            "column": int(columns[number]),
            "row": int(rows[number]),
            **asdict(block.use),
            "messages_sent": int(sent[number]),
            "messages_received": int(received[number]),
            "messages_from_host": int(from_host[number]),
        }
        for number, block in enumerate(mapping.blocks)
    ]


def _from_host(mapping: Mapping) -> np.ndarray:
    """Messages from the host to each block, int64, shape (n_blocks,)."""
    traffic = mapping.traffic
    host = traffic.from_host
    received = np.zeros(traffic.n_blocks, dtype=np.int64)
    np.add.at(received, traffic.receiver[host], traffic.messages[host])
    return received


def mapping_dict(mapping: Mapping) -> dict[str, Any]:
    """Everything as plain dicts, lists, strings and numbers."""
    traffic, hops, mesh, search = mapping.traffic, mapping.hops, mapping.mesh, mapping.search
    return {
        "format": JSON_FORMAT,
        "allocator": mapping.allocator,
        "n_cores": mapping.n_cores,
        "n_chips": mapping.n_chips,
        "cores_per_chip": mapping.cores_per_chip,
        "mesh": {
            "width": mesh.width,
            "height": mesh.height,
            "cores_per_tile": mesh.cores_per_tile,
            "chips_per_row": mesh.chips_per_row,
        },
        "limits": {name: limit for name, _, limit in mapping.blocks[0].use.limits},
        "blocks": mapping_records(mapping),
        "messages": {
            "measured": traffic.measured,
            "n_samples": traffic.n_samples,
            "n_steps": traffic.n_steps,
            "on_chip": mapping.on_chip,
            "chip_to_chip": mapping.chip_to_chip,
            "host_to_chip": mapping.host_to_chip.tolist(),
            "between_chips": mapping.between_chips.tolist(),
            "routes": [
                [_sender(mapping, int(sender)), mapping.blocks[receiver].name, int(messages)]
                for sender, receiver, messages in zip(
                    traffic.sender, traffic.receiver, traffic.messages
                )
            ],
            "unknown": list(traffic.unknown),
        },
        "hops": {
            "east_west": hops.east_west,
            "north_south": hops.north_south,
            "chip_crossings": hops.chip_crossings,
            "within_tile": hops.within_tile,
        },
        "chip_to_host": [
            {"chip": r.chip, "values": r.values, "words": r.words, "packets": r.packets}
            for r in mapping.reads
        ],
        "search": search
        and {
            "start_cost": search.start_cost,
            "cost": search.cost,
            "lower_bound": search.lower_bound,
            "is_optimal": search.is_optimal,
            "in_time": search.in_time,
        },
    }


def _sender(mapping: Mapping, number: int) -> str:
    if number < mapping.traffic.n_blocks:
        return mapping.blocks[number].name
    part = mapping.built.inputs[number - mapping.traffic.n_blocks]
    return f"{part.name} (host)" if part.source.kind != "events" else part.name


def mapping_text(mapping: Mapping) -> str:
    """A table of the layers, and sentences on messages, hops and what the host reads."""
    cores, chips = mapping.n_cores, mapping.n_chips
    head = f"{cores:,} core{_s(cores)} on {chips} chip{_s(chips)}, by {mapping.allocator}"
    per_chip = ", ".join(f"{n:,}" for n in np.bincount(mapping.chips, minlength=chips))
    head += f" ({per_chip} cores)" if chips > 1 else ""
    notes = [
        textwrap.fill(sentence, LINE, initial_indent="* ", subsequent_indent="  ")
        for sentence in _sentences(mapping)
    ]
    return "\n".join([head, "", *_table(mapping), "", *notes])


def _table(mapping: Mapping) -> list[str]:
    by_layer: dict[str, list[int]] = {}
    for number, block in enumerate(mapping.blocks):
        by_layer.setdefault(block.layer, []).append(number)
    sent = mapping.between_cores.sum(axis=1)
    resources = [name for name, _, _ in mapping.blocks[0].use.limits]
    rows = [["layer", "cores", "chips", *resources, "messages"]]
    for layer, numbers in by_layer.items():
        blocks = [mapping.blocks[number] for number in numbers]
        rows.append(
            [
                layer,
                f"{len(blocks):,}",
                _ranges([block.chip for block in blocks]),
                *(_share(blocks, number) for number in range(len(resources))),
                _count(mapping.per_inference(int(sent[numbers].sum()))),
            ]
        )
    traffic = mapping.traffic
    for number in range(traffic.n_inputs):
        mine = traffic.sender == traffic.n_blocks + number
        messages = _count(mapping.per_inference(int(traffic.messages[mine].sum())))
        rows.append([_sender(mapping, traffic.n_blocks + number), *[""] * 6, messages])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [_line(row, widths) for row in rows]
    return [lines[0], "-" * len(lines[0]), *lines[1:]]


def _line(row: list[str], widths: list[int]) -> str:
    first = row[0].ljust(widths[0])
    return "  ".join([first, *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:]))])


def _share(blocks: list[PlacedBlock], resource: int) -> str:
    """The share of the fullest block."""
    uses = [block.use.limits[resource] for block in blocks]
    return f"{max(100 * used / limit for _, used, limit in uses):.1f} %"


def _ranges(numbers: list[int]) -> str:
    """Numbers as ``0-2, 5``."""
    found = sorted(set(numbers))
    starts = [n for n in found if n - 1 not in found]
    ends = [n for n in found if n + 1 not in found]
    return ", ".join(f"{a}" if a == b else f"{a}-{b}" for a, b in zip(starts, ends))


def _sentences(mapping: Mapping) -> list[str]:
    traffic, mesh, hops = mapping.traffic, mapping.mesh, mapping.hops
    per = mapping.per_inference
    what = "per inference" if traffic.measured else "if every neuron fired once"
    to_chips = ", ".join(_count(per(int(n))) for n in mapping.host_to_chip)
    lines = [
        "Shares are of the fullest core of a layer.",
        f"Messages {what}: {_count(per(mapping.on_chip))} on a chip, "
        f"{_count(per(mapping.chip_to_chip))} from chip to chip, {to_chips} from the host"
        + (" to each chip." if mapping.n_chips > 1 else "."),
        f"Hops {what}: {_count(per(hops.east_west))} east-west, "
        f"{_count(per(hops.north_south))} north-south, {hops.per_message:.2f} a message. "
        f"Assumed: {mesh.width} x {mesh.height} tiles of {mesh.cores_per_tile} cores a chip.",
    ]
    if mapping.search is not None:
        lines.append(_searched(mapping))
    words = [
        f"{r.words:,} word{_s(r.words)} ({r.values:,} value{_s(r.values)})" for r in mapping.reads
    ]
    lines.append(f"To the host, each step: {', '.join(words)}.")
    if traffic.unknown:
        lines.append(
            f"At least: the spikes of {', '.join(traffic.unknown)} are not known, and none of "
            "their messages are counted."
        )
    if traffic.n_steps is not None and len(mapping.host_to_chip):
        most = float(mapping.per_step(mapping.host_to_chip).max())
        if most > MAX_HOST_SPIKES_PER_STEP:
            lines.append(
                f"The host sends {most:,.0f} messages a step to a chip on average, and NengoLoihi "
                f"drops what is over {MAX_HOST_SPIKES_PER_STEP}: raise snip_max_spikes_per_step in "
                "hardware_options."
            )
    return lines


def _searched(mapping: Mapping) -> str:
    search = mapping.search
    assert search is not None
    n = mapping.traffic.n_samples
    end = "which is optimal" if search.is_optimal else f"bound {_count(search.lower_bound / n)}"
    late = "" if search.in_time else "; stopped by the clock"
    return (
        f"Positions searched: cost {_count(search.start_cost / n)} -> "
        f"{_count(search.cost / n)}, {end}{late}."
    )


def _count(value: float) -> str:
    """A mean count: whole if it is, else to a tenth, or to three digits below 10."""
    if float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:,.1f}" if abs(value) >= 10 else f"{value:.3g}"


def _s(number: int) -> str:
    return "" if number == 1 else "s"
