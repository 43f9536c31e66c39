"""A network graph as a line for each part, as records of pathways, and as bars of synapses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...layout import Presenter, presents
from ...layout.plots import bar_size, draw_bars
from ...words import counted
from ..network_graph import NetworkGraph
from ..pathways import Pathway

_WHERE = {"chip": "", "host": ", on the host", "nowhere": ", read by nothing"}


@presents(NetworkGraph)
class NetworkGraphPresenter(Presenter[NetworkGraph]):
    """Everything in the graph; only records and plots compute fan-outs.

    In text and bars, the parts of a subnetwork, such as an EnsembleArray, share a line, and so do
    the pathways between two of these.
    """

    format = "nengo-spikecost/graph/1"
    index = "pathway"

    def summary(self, graph: NetworkGraph) -> Iterator[str]:
        yield repr(graph)[1:-1]
        alike: dict[Any, list[int]] = {}
        groups = _groups(graph)
        for p in graph.populations:
            where = "" if p.on_chip else ", off chip"
            end = f" {type(p.neuron_type).__name__}{where}"
            alike.setdefault((groups.get(p.name, p.name), end), []).append(p.n_neurons)
        for (name, end), sizes in alike.items():
            yield f"  population  {name}: {_sizes(sizes)}{end}"
        routes = _routes(graph)
        for (kind, name, end), ways in routes.items():
            name += f": {len(ways):,} pathways" if len(ways) > 1 else ""
            yield f"  {kind:<10}  {name} {end}"
        if len(routes) < len(graph.pathways):
            yield "  (each by itself: .populations, .pathways, .to_frame())"
        for r in graph.learning:
            yield f"  learning    {r.name}: {counted(r.n_weights, 'weight')}"
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
        return bar_size(len(_routes(graph)))

    def draw(self, graph: NetworkGraph, axes: Any) -> None:
        routes = _routes(graph)
        synapses = [sum(pathway.n_synapses for pathway in ways) for ways in routes.values()]
        names = [name for _, name, _ in routes]
        draw_bars(axes, names, {"synapses": synapses}, "", "Synapses")


def _groups(graph: NetworkGraph) -> Mapping[str, str]:
    """Names of populations and Nodes that share a subnetwork with others, and its name.

    None of a network that knows its layers: those are what is looked for.
    """
    if graph.has_layers:
        return {}
    sizes = Counter(graph.subnetworks.values())
    return {name: group for name, group in graph.subnetworks.items() if sizes[group] > 1}


def _routes(graph: NetworkGraph) -> dict[tuple[str, str, str], list[Pathway]]:
    """Pathways by kind, name and place: those between the parts of two subnetworks are together."""
    groups = _groups(graph)
    routes: dict[tuple[str, str, str], list[Pathway]] = {}
    for way in graph.pathways:
        where = "" if way.kind == "bias" else _WHERE[way.place]
        pre, post = (groups.get(end, end) for end in (way.pre.name, way.post.name))
        # ends that stand alone have pathways that do
        name = way.name if (pre, post) == (way.pre.name, way.post.name) else f"{pre} -> {post}"
        layer = groups.get(way.layer, way.layer)
        routes.setdefault((way.kind, name, f"[layer {layer}{where}]"), []).append(way)
    return routes


def _sizes(n_neurons: Sequence[int]) -> str:
    """Neurons of one population, or of several in one line: ``"16 x 50"``."""
    if len(n_neurons) == 1:
        return f"{n_neurons[0]:,}"
    if len(set(n_neurons)) == 1:
        return f"{len(n_neurons):,} x {n_neurons[0]:,}"
    return f"{sum(n_neurons):,} in {len(n_neurons):,} ensembles,"
