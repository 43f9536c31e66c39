"""The reading of a NIR graph as a table of nodes, as records, and as lists of notes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import Any

from ...layout import Presenter, Table, presents
from ...layout.plots import bar_size, draw_bars
from ...layout.presenter import Part
from ...layout.si import MISSING
from ...words import counted
from ..reading_record import STATES, GraphReading


@presents(GraphReading)
class GraphReadingPresenter(Presenter[GraphReading]):
    """A row a node: its shape, what became of it, and whether that is all that it is."""

    format = "nengo-spikecost/nir/1"
    index = "node"
    nested = ("notes",)

    def title(self, reading: GraphReading) -> str:
        return f"NIR graph {reading.label}"

    def about(self, reading: GraphReading) -> str:
        return f"Steps as {reading.convention.name} takes them: {reading.convention.words}."

    def summary(self, reading: GraphReading) -> Iterator[Part]:
        states = Counter(node.state for node in reading.nodes)
        said = ", ".join(f"{states[state]} {state}" for state in STATES if states[state])
        yield f"NIR graph {reading.label!r}: {counted(len(reading.nodes), 'node')}, {said}"
        yield (
            f"Steps of {reading.dt:g} in the graph's unit of time, {1000 * reading.step_s:g} ms, "
            f"as {reading.convention.name} takes them: {reading.convention.words}"
        )
        rows = [
            (node.name, node.kind, _shape(node.shape), node.became or MISSING, node.state)
            for node in reading.nodes
        ]
        notes = tuple(f"{n.name} {note}" for n in reading.nodes for note in n.notes)
        headers = ("Node", "Kind", "Shape", "Became", "State")
        yield Table.of(headers, rows, right=(False,) * 5, notes=notes)
        yield from (f"* {note}" for note in reading.notes)

    def records(self, reading: GraphReading) -> list[dict[str, Any]]:
        return [
            {
                "node": node.name, "kind": node.kind,
                "shape": None if node.shape is None else list(node.shape), "became": node.became,
                "state": node.state, "notes": list(node.notes),
            }
            for node in reading.nodes
        ]  # fmt: skip

    def content(self, reading: GraphReading) -> dict[str, Any]:
        return {
            "graph": reading.label, "convention": reading.convention.name,
            "steps": reading.convention.words, "dt": reading.dt, "step_s": reading.step_s,
            "notes": list(reading.notes), "rows": self.records(reading),
        }  # fmt: skip

    def size(self, reading: GraphReading) -> tuple[float, float]:
        return bar_size(len(reading.nodes))

    def draw(self, reading: GraphReading, axes: Any) -> None:
        values = [0 if node.shape is None else math.prod(node.shape) for node in reading.nodes]
        names = [node.name for node in reading.nodes]
        draw_bars(axes, names, {"values": values}, "", "Values that a node gives")


def _shape(shape: tuple[int, ...] | None) -> str:
    return MISSING if shape is None else "x".join(map(str, shape))
