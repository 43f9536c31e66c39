"""A network graph as a line for each part, as records of pathways, and as bars of synapses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...layout import Presenter, presents
from ...layout.plots import bar_size, draw_bars
from ..network_graph import NetworkGraph

_WHERE = {"chip": "", "host": ", on the host", "nowhere": ", read by nothing"}


@presents(NetworkGraph)
class NetworkGraphPresenter(Presenter[NetworkGraph]):
    """Everything in the graph; only records and plots compute fan-outs."""

    format = "nengo-spikecost/graph/1"
    index = "pathway"

    def summary(self, graph: NetworkGraph) -> Iterator[str]:
        yield repr(graph)[1:-1]
        for p in graph.populations:
            where = "" if p.on_chip else ", off chip"
            kind = type(p.neuron_type).__name__
            yield f"  population  {p.name}: {p.n_neurons:,} {kind}{where}"
        for w in graph.pathways:
            where = "" if w.kind == "bias" else _WHERE[w.place]
            yield f"  {w.kind:<10}  {w.name} [layer {w.layer}{where}]"
        for r in graph.learning:
            yield f"  learning    {r.name}: {r.n_weights:,} weights"
        for u in graph.uncounted:
            yield f"  uncounted   {u.name} {u.reason}"

    def records(self, graph: NetworkGraph) -> list[dict[str, Any]]:
        return [
            {
                "pathway": pathway.name, "kind": pathway.kind, "layer": pathway.layer,
                "pre": pathway.pre.name, "post": pathway.post.name, "on_chip": pathway.on_chip,
                "synapses": pathway.n_synapses, "weights": pathway.n_weights,
            }
            for pathway in graph.pathways
        ]  # fmt: skip

    def content(self, graph: NetworkGraph) -> dict[str, Any]:
        return {
            "populations": [
                {
                    "name": p.name, "layer": p.layer, "neurons": p.n_neurons,
                    "neuron_type": type(p.neuron_type).__name__, "spiking": p.spiking,
                    "on_chip": p.on_chip,
                }
                for p in graph.populations
            ],
            "pathways": self.records(graph),
            "learning": [{"name": r.name, "weights": r.n_weights} for r in graph.learning],
            "uncounted": [{"name": u.name, "reason": u.reason} for u in graph.uncounted],
        }  # fmt: skip

    def size(self, graph: NetworkGraph) -> tuple[float, float]:
        return bar_size(len(graph.pathways))

    def draw(self, graph: NetworkGraph, axes: Any) -> None:
        synapses = [pathway.n_synapses for pathway in graph.pathways]
        names = [pathway.name for pathway in graph.pathways]
        draw_bars(axes, names, {"synapses": synapses}, "", "Synapses")
