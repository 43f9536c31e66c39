"""A conversion as a table of layers, as records, and as bars of neurons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import nengo

from ...graph.chip_split import ChipSplit
from ...graph.nengo_types import is_passthrough
from ...graph.off_chip import host_operations
from ...layers.layer_info import LayerInfo
from ...layout import Presenter, Table, presents
from ...layout.plots import bar_size, draw_bars
from ...layout.presenter import Part
from ...layout.si import MISSING
from ...words import counted
from ..conversion_record import Conversion


@presents(Conversion)
class ConversionPresenter(Presenter[Conversion]):
    """A row a layer: its Keras type and size, and the Nengo objects in its place."""

    format = "nengo-spikecost/conversion/1"
    index = "layer"

    def summary(self, conversion: Conversion) -> Iterator[Part]:
        counts = conversion.neuron_counts
        (kind, *others) = counts or ("",)
        neurons = counted(conversion.net.n_neurons, "neuron")
        if others:
            neurons += f" ({', '.join(f'{n:,} {name}' for name, n in counts.items())})"
        elif kind:
            neurons += f" of type {kind}"
        yield (
            f"Model {conversion.model.name!r}: {counted(len(conversion.layer_infos), 'layer')}, "
            f"{neurons}, synapse {conversion.synapse}"
        )
        rows = [
            (
                row["layer"], row["type"], row["output_shape"], f"{row['params']:,}", row["became"],
                row["runs_on"] or MISSING, MISSING if row["scale"] is None else f"{row['scale']:g}",
            )
            for row in self.records(conversion)
        ]  # fmt: skip
        headers = ("Layer", "Type", "Output shape", "Params", "Became", "Runs on", "Scale")
        right = (False, False, False, True, False, False, True)
        notes = tuple(
            f"{choice.layer}: {choice.choice}"
            + ("" if choice.exact else " (not the same function)")
            for choice in conversion.choices
        )
        yield Table.of(headers, rows, right=right, notes=notes)

    def records(self, conversion: Conversion) -> list[dict[str, Any]]:
        objects: dict[str, list[Any]] = {}
        for obj, name in conversion.layer_names.items():
            objects.setdefault(name, []).append(obj)
        split = ChipSplit(conversion.net)
        return [
            _row(conversion, split, info, objects.get(info.name, []))
            for info in conversion.layer_infos
        ]

    def content(self, conversion: Conversion) -> dict[str, Any]:
        return {
            "model": conversion.model.name,
            "neuron_type": str(conversion.neuron_type),
            "neurons": conversion.neuron_counts,
            "synapse": None if conversion.synapse is None else str(conversion.synapse),
            "lowered": conversion.lowering is not None,
            "choices": [asdict(choice) for choice in conversion.choices],
            "rows": self.records(conversion),
        }

    def size(self, conversion: Conversion) -> tuple[float, float]:
        return bar_size(len(conversion.layer_infos))

    def draw(self, conversion: Conversion, axes: Any) -> None:
        rows = self.records(conversion)
        neurons = [row["neurons"] for row in rows]
        draw_bars(axes, [row["layer"] for row in rows], {"neurons": neurons}, "", "Neurons")


def _row(
    conversion: Conversion, split: ChipSplit, info: LayerInfo, objects: list[Any]
) -> dict[str, Any]:
    neurons = sum(obj.n_neurons for obj in objects if isinstance(obj, nengo.Ensemble))
    return {
        "layer": info.name, "type": info.kind, "output_shape": info.output_shape,
        "params": info.n_params, "neurons": neurons,
        "became": _form(conversion, info.name, objects), "runs_on": _place(split, objects),
        "scale": conversion.scale_firing_rates.get(info.name, 1.0) if neurons else None,
    }  # fmt: skip


def _form(conversion: Conversion, name: str, objects: list[Any]) -> str:
    """The Nengo form of a layer, in a few words."""
    neurons: Counter[str] = Counter()
    for obj in objects:
        if isinstance(obj, nengo.Ensemble):
            neurons[type(obj.neuron_type).__name__] += obj.n_neurons
    if neurons:
        return ", ".join(f"{n:,} {kind}" for kind, n in neurons.items())
    if name in conversion.inputs:
        return "input"
    nodes = [obj for obj in objects if obj.size_in]
    if nodes:
        return "relay Node" if all(map(is_passthrough, nodes)) else type(nodes[-1]).__name__
    # a layer that is applied several times is listed by number
    known = name in conversion.layers or f"{name}.0" in conversion.layers
    return "nothing of its own" if known else "weights of Connections"


def _place(split: ChipSplit, objects: list[Any]) -> str:
    """Where spiking neurons and computing Nodes run: "chip", "host", both, or nowhere."""
    places = set()
    for obj in objects:
        if isinstance(obj, nengo.Ensemble):
            if getattr(obj.neuron_type, "spiking", False):
                places.add("chip" if split.on_chip(obj) else "host")
        elif host_operations(obj) is not None:
            places.add("host")
    return ", ".join(sorted(places))
