"""A `Mapping` as text, as rows, as plain values, and as a map of the mesh."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from functools import partial
from itertools import cycle, product
from math import ceil, sqrt
from typing import Any

import numpy as np

from ...chip.limits import MAX_HOST_SPIKES_PER_STEP
from ...layout import Presenter, Table, presents
from ...layout.charts import Bars, Chart, Drawing, Tile, Tiles
from ...layout.plots import COLOURS
from ...layout.result import identifier
from ...layout.si import si
from ...words import counted
from ..mapping.bounds import Bound
from ..mapping.mapping import Mapping, PlacedBlock
from .core_map import COLUMNS, MOST_CHIPS, core_tile

#: Inches of a tile, and of the legend beside the mesh.
TILE, LEGEND = 0.55, 2.2

#: Attributes of a search that JSON has.
SEARCH = ("start_cost", "cost", "lower_bound", "is_optimal", "in_time")

#: Hatches that tell layers of one colour apart.
HATCHES = ("", "//", "..", "xx", "--")


@presents(Mapping)
class MappingPresenter(Presenter[Mapping]):
    """A table of the layers, and notes on messages, hops and the words that the host reads.

    In tables and pictures the parts of a subnetwork, such as an EnsembleArray, are one; in records
    and JSON each block is for itself.
    """

    format = "nengo-spikecost/loihi-mapping/2"
    index = "block"

    def title(self, mapping: Mapping) -> str:
        return "Blocks on the cores of Loihi"

    def about(self, mapping: Mapping) -> str:
        return _head(mapping)

    def charts(self, mapping: Mapping) -> Iterable[Chart]:
        """Cores by how full they are, and in their places by the messages that they get."""
        yield _utilisation(mapping)
        yield Drawing(
            "Cores in their places", partial(self.draw, mapping), self.size(mapping),
            description="The mesh of tiles: cores in the colours of their layers, darker where "
            "more messages arrive",
        )  # fmt: skip
        sent = mapping.between_cores.sum(axis=1)
        layers = dict.fromkeys(_layers(mapping), 0.0)
        for block, messages in zip(mapping.blocks, sent):
            layers[_in_groups(mapping, block.layer)] += mapping.per_inference(int(messages))
        layers = {name: messages for name, messages in layers.items() if messages}
        if layers:
            when = "an inference" if mapping.traffic.measured else "if every neuron fired once"
            heading = f"Messages between cores, {when}"
            yield Bars(heading, tuple(layers), {"messages": list(layers.values())})

    def summary(self, mapping: Mapping) -> Iterable[str | Table]:
        resources = [name.replace(" ", "\n") for name, _, _ in mapping.blocks[0].use.limits]
        headers = ("layer", "cores", "chips", *resources, "messages")
        return [_head(mapping), "", Table.of(headers, _rows(mapping), notes=tuple(_notes(mapping)))]

    def records(self, mapping: Mapping) -> list[dict[str, Any]]:
        """One flat dict a block; messages over all samples."""
        sent, received = mapping.between_cores.sum(axis=1), mapping.between_cores.sum(axis=0)
        columns, rows = mapping.mesh.coordinates(mapping.mesh.tile_of(mapping.positions))
        from_host = mapping.received - received
        return [
            {
                "block": block.name, **_of(block, "layer", "kind", "chip", "core"),
                "column": int(columns[number]), "row": int(rows[number]), **asdict(block.use),
                "messages_sent": int(sent[number]), "messages_received": int(received[number]),
                "messages_from_host": int(from_host[number]),
            }
            for number, block in enumerate(mapping.blocks)
        ]  # fmt: skip

    def content(self, mapping: Mapping) -> dict[str, Any]:
        traffic, hops, search = mapping.traffic, mapping.hops, mapping.search
        ends = zip(map(int, traffic.sender), traffic.receiver, map(int, traffic.messages))
        routes = [[_sender(mapping, a), mapping.blocks[b].name, n] for a, b, n in ends]
        return {
            **_of(mapping, "allocator", "n_cores", "n_chips", "cores_per_chip"),
            "mesh": asdict(mapping.mesh),
            "limits": {identifier(name): limit for name, _, limit in mapping.blocks[0].use.limits},
            "blocks": self.records(mapping),
            "messages": {
                **_of(traffic, "measured", "n_samples", "n_steps"),
                **_of(mapping, "on_chip", "chip_to_chip"),
                "host_to_chip": mapping.host_to_chip.tolist(),
                "between_chips": mapping.between_chips.tolist(),
                "routes": routes,
                "unknown": list(traffic.unknown),
            },
            "hops": _of(hops, "east_west", "north_south", "chip_crossings", "within_tile"),
            "chip_to_host": [asdict(reads) for reads in mapping.reads],
            "search": search and _of(search, *SEARCH),
            "bounds": [{**asdict(bound), "gap": bound.gap} for bound in mapping.bounds],
        }

    def size(self, mapping: Mapping) -> tuple[float, float]:
        """Width and height in inches in which every core can be seen."""
        columns, rows = _extent(mapping)
        return LEGEND + max(3.0, TILE * columns), 1.0 + max(2.2, TILE * rows)

    def draw(self, mapping: Mapping, axes: Any) -> None:
        """Draw every core in use in its place: layers by colour, messages received by its shade."""
        from matplotlib.patches import Rectangle

        mesh, received = mapping.mesh, mapping.received
        columns, rows = _extent(mapping)
        for tile in product(range(columns), range(rows)):
            axes.add_patch(Rectangle(tile, 1, 1, facecolor="#f2f2f2", edgecolor="white"))
        # cores of a tile are drawn as the smallest square grid that holds them
        side = ceil(sqrt(mesh.cores_per_tile))
        tile_columns, tile_rows = mesh.coordinates(mesh.tile_of(mapping.positions))
        in_tile = mapping.positions % mesh.cores_per_tile
        styles = _styles(mapping)
        named: dict[str, Any] = {}
        for number, block in enumerate(mapping.blocks):
            down, right = divmod(int(in_tile[number]), side)
            corner = tile_columns[number] + right / side, tile_rows[number] + down / side
            # a core that hears little is pale, but never so pale that its colour is lost
            alpha = 0.35 + 0.65 * float(received[number]) / max(int(received.max()), 1)
            layer = _in_groups(mapping, block.layer)
            patch = Rectangle(corner, 1 / side, 1 / side, alpha=alpha, lw=0.5, **styles[layer])
            axes.add_patch(patch)
            named.setdefault(layer, Rectangle((0, 0), 1, 1, **styles[layer]))
        for edge in range(0, columns + 1, mesh.width):
            axes.axvline(edge, color="black", lw=1)
        for edge in range(0, rows + 1, mesh.height):
            axes.axhline(edge, color="black", lw=1)
        label = "Cores on the tiles of the mesh; darker: more messages arrive"
        axes.set(xlim=(0, columns), ylim=(rows, 0), xticks=[], yticks=[], xlabel=label)
        axes.set_aspect("equal")
        axes.legend(
            named.values(), named, fontsize="small", frameon=False, loc="upper left",
            bbox_to_anchor=(1.0, 1.0),
        )  # fmt: skip


def _head(mapping: Mapping) -> str:
    cores, chips = counted(mapping.n_cores, "core"), counted(mapping.n_chips, "chip")
    head = f"{cores} on {chips}, by {mapping.allocator}"
    if mapping.n_chips > 1:
        per_chip = np.bincount(mapping.chips, minlength=mapping.n_chips)
        head += f" ({', '.join(f'{n:,}' for n in per_chip)} cores)"
    return head


def _utilisation(mapping: Mapping) -> Tiles:
    """The cores of every chip in NengoLoihi's order."""
    groups = {name: number for number, name in enumerate(_layers(mapping))}
    chips: dict[str, list[Tile]] = {}
    blocks = sorted(mapping.blocks, key=lambda block: (block.chip, block.core))
    for block in blocks[: MOST_CHIPS * mapping.cores_per_chip]:
        tile = core_tile(block.name, block.use, groups[_in_groups(mapping, block.layer)])
        chips.setdefault(f"chip {block.chip}", []).append(tile)
    for tiles in chips.values():
        tiles += [Tile("not in use", 0.0, -1)] * (mapping.cores_per_chip - len(tiles))
    note = "Filled as far as what the core has least left of; the mouse shows the numbers."
    return Tiles("How full the cores are", chips, COLUMNS, tuple(groups), note)


def _of(record: Any, *names: str) -> dict[str, Any]:
    return {name: getattr(record, name) for name in names}


def _in_groups(mapping: Mapping, layer: str) -> str:
    """A layer, or the subnetwork that it is part of: of ``"ea_0 -> b"``, ``"ea -> b"``."""
    groups = mapping.built.groups
    return " -> ".join(groups.get(end, end) for end in layer.split(" -> "))


def _layers(mapping: Mapping) -> tuple[str, ...]:
    """Layers and subnetworks with blocks, in their order."""
    return tuple(dict.fromkeys(_in_groups(mapping, layer) for layer in mapping.layers))


def _rows(mapping: Mapping) -> Iterable[list[str]]:
    """Cells of each layer or subnetwork, then of each input from the host."""
    by_layer: dict[str, list[int]] = {}
    for number, block in enumerate(mapping.blocks):
        by_layer.setdefault(_in_groups(mapping, block.layer), []).append(number)
    sent, traffic = mapping.between_cores.sum(axis=1), mapping.traffic
    for layer, numbers in by_layer.items():
        blocks = [mapping.blocks[number] for number in numbers]
        chips = _ranges([block.chip for block in blocks])
        messages = _count(mapping.per_inference(int(sent[numbers].sum())))
        yield [layer, f"{len(blocks):,}", chips, *_shares(blocks), messages]
    from_host: dict[str, int] = {}
    for number in range(traffic.n_blocks, traffic.n_blocks + traffic.n_inputs):
        name = _sender(mapping, number, grouped=True)
        total = int(traffic.messages[traffic.sender == number].sum())
        from_host[name] = from_host.get(name, 0) + total
    for name, total in from_host.items():
        yield [name, *[""] * 6, _count(mapping.per_inference(total))]


def _sender(mapping: Mapping, number: int, grouped: bool = False) -> str:
    if number < mapping.traffic.n_blocks:
        return mapping.blocks[number].name
    part = mapping.built.inputs[number - mapping.traffic.n_blocks]
    name = _in_groups(mapping, part.name) if grouped else part.name
    return f"{name} (host)" if part.source.kind != "events" else name


def _shares(blocks: list[PlacedBlock]) -> list[str]:
    """The share of each resource that the fullest block uses."""
    shares = [[used / limit for _, used, limit in block.use.limits] for block in blocks]
    return [f"{share:.1%}" for share in np.max(shares, axis=0)]


def _ranges(numbers: list[int]) -> str:
    """Numbers as ``0-2, 5``."""
    distinct = sorted(set(numbers))
    starts = [n for n in distinct if n - 1 not in distinct]
    ends = [n for n in distinct if n + 1 not in distinct]
    return ", ".join(f"{a}" if a == b else f"{a}-{b}" for a, b in zip(starts, ends))


def _notes(mapping: Mapping) -> Iterable[str]:
    traffic, mesh, hops = mapping.traffic, mapping.mesh, mapping.hops
    per = mapping.per_inference
    when = "per inference" if traffic.measured else "if every neuron fired once"
    to_chips = ", ".join(_count(per(int(n))) for n in mapping.host_to_chip)
    yield "Shares are of the fullest core of a layer."
    yield (
        f"Messages {when}: {_count(per(mapping.on_chip))} on a chip, "
        f"{_count(per(mapping.chip_to_chip))} from chip to chip, {to_chips} from the host"
        + (" to each chip." if mapping.n_chips > 1 else ".")
    )
    yield (
        f"Hops {when}: {_count(per(hops.east_west))} east-west, "
        f"{_count(per(hops.north_south))} north-south, {hops.per_message:.2f} a message. "
        f"Assumed: {mesh.width} x {mesh.height} tiles of {mesh.cores_per_tile} cores a chip."
    )
    if mapping.search is not None:
        yield _searched(mapping)
    yield _bounds(mapping)
    reads = [(counted(r.words, "word"), counted(r.values, "value")) for r in mapping.reads]
    words = [f"{words} ({values})" for words, values in reads]
    yield f"To the host, each step: {', '.join(words)}."
    if traffic.unknown:
        yield (
            f"At least: the spikes of {', '.join(traffic.unknown)} are not known, and none of "
            "their messages are counted."
        )
    if traffic.n_steps is not None and len(mapping.host_to_chip):
        most = float(mapping.per_step(mapping.host_to_chip).max())
        if most > MAX_HOST_SPIKES_PER_STEP:
            yield (
                f"The host sends {most:,.0f} messages a step to a chip on average, and NengoLoihi "
                f"drops those over {MAX_HOST_SPIKES_PER_STEP}: raise snip_max_spikes_per_step in "
                "hardware_options."
            )


def _bounds(mapping: Mapping) -> str:
    """What no placement is better than, and by how much this one might be."""
    words: dict[str, list[str]] = {}
    for bound in mapping.bounds:
        words.setdefault(bound.over, []).append(_bound(bound))
    parts = "; with ".join(f"{over} {', '.join(said)}" for over, said in words.items())
    return f"At least, by proof: with {parts}."


def _bound(bound: Bound) -> str:
    step = bound.quantity == "step"
    least, found = (si(x, "s") if step else _count(x) for x in (bound.least, bound.found))
    what = {"step": "a step", "chip to chip": "messages from chip to chip"}
    named = what.get(bound.quantity, bound.quantity)
    if bound.is_optimal:
        return f"{found} {named}, as here"
    most = "" if bound.exact else "at most "
    return f"{least} {named}, here {found} ({most}{bound.gap:.0%} to save)"


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


def _extent(mapping: Mapping) -> tuple[int, int]:
    """Columns and rows of tiles of all chips."""
    per_row = min(mapping.mesh.chips_per_row or 1, mapping.n_chips)
    return mapping.mesh.width * per_row, mapping.mesh.height * -(-mapping.n_chips // per_row)


def _styles(mapping: Mapping) -> dict[str, dict[str, Any]]:
    """Colour and hatch of each layer: with more layers than colours, hatches tell them apart."""
    looks = [{"facecolor": c, "hatch": h, "edgecolor": "black"} for h in HATCHES for c in COLOURS]
    return dict(zip(_layers(mapping), cycle(looks)))
