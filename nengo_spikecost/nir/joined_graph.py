"""Places and links of a network as the nodes and edges of a NIR graph.

1. Factors go into the links: what a spike is, and what fields of neurons ask for.
2. Places are laid out as images or flat (`find_layouts`).
3. Neurons and inputs become nodes, links become nodes in a row, of which the first that can takes
   the bias of its target; then all are joined by edges.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ..errors import ConversionWarning
from ..lowering.linear_map import Gather
from ..warned import warn
from ..words import counted
from .depth_first import for_depth_first
from .graph_nodes import GraphNodes, identity_node
from .membrane_fields import Fields
from .network_links import Link
from .prepared_links import PreparedLinks
from .refused_objects import refuse
from .written_layouts import find_layouts
from .written_maps import (
    Layout,
    Written,
    flatten,
    image_layout,
    image_node,
    matrix_nodes,
    scaled,
)  # fmt: skip


class JoinedGraph:
    """A graph from what is prepared.

    Parameters
    ----------
    prepared : PreparedLinks
    fields : mapping from neurons to Fields
    dt : float
        Length of a step in the unit of the graph's time constants.

    Attributes
    ----------
    nodes : GraphNodes
        All nodes and edges.
    """

    def __init__(self, prepared: PreparedLinks, fields: Mapping[Any, Fields], dt: float):
        self.prepared, self.reader, self.dt = prepared, prepared.reader, dt
        self.nodes = GraphNodes(self.reader)
        self.tails_of: dict[Any, list[str]] = {}
        self._scale(fields)
        self.layouts = find_layouts(prepared.read.places, self.links, self.biases, self.reader)
        self._add_nodes(fields)
        self._add_links()
        self._join()
        if self.reader.splits_loops:
            self.nodes.split_loops()
        if self.reader.depth_first:
            self._order_edges()

    def _scale(self, fields: Mapping[Any, Fields]) -> None:
        """Factors into the links, and biases by place in NIR's numbers."""
        self.biases: dict[Any, np.ndarray] = {}
        links = []
        for link in self.prepared.links:
            factor = self.prepared.units[link.pre] * np.ones(link.map.size_out)
            if link.post in fields:
                factor = factor * fields[link.post].scale
            else:
                factor = factor * self.prepared.events(link.post) / self.prepared.units[link.post]
            nearest = np.rint(factor)
            factor = np.where(np.abs(factor - nearest) < 1e-12 * np.abs(factor), nearest, factor)
            links.append(replace(link, map=scaled(link.map, factor)))
        self.links = links
        for key, place in self.prepared.read.places.items():
            bias = fields[key].bias if key in fields else place.bias / self.prepared.units[key]
            if bias.any():
                self.biases[key] = bias

    def _add_nodes(self, fields: Mapping[Any, Fields]) -> None:
        for key, place in self.prepared.read.places.items():
            layout = self.layouts[key]
            if place.kind == "input":
                sizes = {"input_type": {"input": np.array(layout.sizes)}}
                written = Written("Input", sizes)
            elif place.kind == "neurons":
                arrays = {k: layout.arranged(v) for k, v in fields[key].arrays.items()}
                written = Written(fields[key].kind, arrays)
            else:
                continue
            name = self.nodes.add(self.prepared.name(key), written, layout.sizes)
            self.tails_of[key] = [name]

    def _add_links(self) -> None:
        """The nodes of every link; a bias goes to the first that takes it."""
        self.chains: list[list[str]] = []
        waiting = dict(self.biases)
        order = sorted(
            range(len(self.links)),
            key=lambda k: (k in self.prepared.closing, self._is_direct(self.links[k])),
        )
        chains: dict[int, list[str]] = {}
        for number in order:
            link = self.links[number]
            takes = number not in self.prepared.closing and not self.prepared.is_filtered(link)
            bias = waiting.get(link.post) if takes else None
            rows = self._written(link, bias)
            if bias is not None and rows is not None:
                del waiting[link.post]
            elif rows is None:
                rows = self._written(link, None)
            assert rows is not None
            chains[number] = self._named(number, rows)
        self.chains = [chains[number] for number in range(len(self.links))]
        self.alone = waiting

    def _is_direct(self, link: Link) -> bool:
        return isinstance(link.map, Gather) and link.map.is_diagonal

    def _written(self, link: Link, bias: np.ndarray | None) -> list[Written] | None:
        """A link as nodes; None if it can't take the bias."""
        source, target = self.layouts[link.pre], self.layouts[link.post]
        if source.is_image or source.same_as(target):
            image = target
            if not target.is_image and source.is_image and hasattr(link.map, "image_out"):
                image = image_layout(link.map.image_out)
            if image.flat.same_as(target.flat):
                rows = None
                if image.is_image:
                    rows = image_node(link.map, source, image, bias, self.reader)
                elif bias is None:
                    rows = image_node(link.map, source, target, None, self.reader)
                if rows is not None:
                    return [*rows, *([] if image.is_image == target.is_image else [flatten(image)])]
        if target.is_image:
            return None
        return matrix_nodes(link.map, source, target, bias, link.name)

    def _named(self, number: int, rows: list[Written]) -> list[str]:
        """Add a link's nodes, and what makes it late or filters it."""
        link = self.links[number]
        target = self.layouts[link.post]
        rows = list(rows)
        if number in self.prepared.closing and not rows and self.reader.is_tool:
            rows.append(identity_node(target.sizes))
        if self.prepared.is_filtered(link):
            rows.append(self._filter_node(link.decay, target))
        if self.prepared.waiting.get(number):
            rows.append(Written("Delay", {"delay": self.prepared.waiting[number] * self.dt
                                          * np.ones(target.sizes)}))  # fmt: skip
        if not rows:
            return []
        feeding = [k for k, other in enumerate(self.links) if other.post == link.post]
        relay = self.prepared.read.places[link.post].kind == "relay" and len(feeding) == 1
        name = (
            self.prepared.name(link.post)
            if relay and link.post in self.prepared.names
            else link.name
        )
        names = []
        main = max(range(len(rows)), key=lambda k: (rows[k].kind not in _MINOR, -k))
        shape = self.layouts[link.pre].sizes
        for k, row in enumerate(rows):
            shape = _shape_after(row, shape, target)
            own = name if k == main else f"{name}_{row.kind.lower()}"
            names.append(self.nodes.add(own, row, shape))
        return names

    def _filter_node(self, decay: float, layout: Layout) -> Written:
        """A Lowpass filter of values that are laid out like that."""
        ones = np.ones(layout.sizes)
        tau = self.dt / (1 - decay) * ones
        return Written("LI", {"tau": tau, "r": ones, "v_leak": 0 * ones})

    def _tails(self, key: Any) -> list[str]:
        """The nodes that a place's values come from."""
        if key not in self.tails_of:
            # there already while it is filled: relays may lead to each other
            self.tails_of[key] = tails = []
            for ends in self._ends_into(key):
                tails += ends
        return self.tails_of[key]

    def _ends_into(self, key: Any) -> Iterator[list[str]]:
        """For each link to a place, the nodes at its end."""
        for number, link in enumerate(self.links):
            if link.post == key:
                chain = self.chains[number]
                yield [chain[-1]] if chain else self._tails(link.pre)

    def _join(self) -> None:
        for number, chain in enumerate(self.chains):
            link = self.links[number]
            if chain:
                self.nodes.join(self._tails(link.pre), chain[0])
                for pre, post in zip(chain, chain[1:]):
                    self.nodes.join([pre], post)
        for key, place in self.prepared.read.places.items():
            if place.kind == "neurons":
                for ends in self._ends_into(key):
                    self.nodes.join(ends, self.tails_of[key][0])
        self._feed_alone()
        for name, key, decay in self.prepared.read.outputs:
            self._add_output(name, key, decay)

    def _order_edges(self) -> None:
        """Edges in an order in which a reader that goes depth first runs the graph right."""
        ends = {self.chains[number][-1] for number in self.prepared.closing}
        closing = {edge for edge in self.nodes.edges if edge[0] in ends}
        start = self.tails_of[self.prepared.inputs[0]][0]
        edges, early = for_depth_first(self.nodes.edges, start, self.output, closing)
        reason = f"is reached by several ways, and {self.reader.name} runs it before some of them"
        refuse(((name, f"{reason} (depth first)") for name in early), self.reader.called)
        self.nodes.edges = edges

    def _feed_alone(self) -> None:
        """Weights of 0 to neurons that nothing leads to, with their bias."""
        first = self.prepared.inputs[0]
        source, start = self.layouts[first], self.tails_of[first][0]
        fed = {post for _, post in self.nodes.edges}
        for key, place in self.prepared.read.places.items():
            bias = self.alone.get(key)
            if place.kind != "neurons" or (bias is None and self.tails_of[key][0] in fed):
                continue
            zeros = Gather(np.full(place.size, -1), 0.0, source.order.size)
            name = f"{self.prepared.name(key)}_bias"
            rows = matrix_nodes(zeros, source, self.layouts[key], bias, name)
            shape, previous = source.sizes, start
            for row in rows:
                shape = _shape_after(row, shape, self.layouts[key])
                node = self.nodes.add(name, row, shape)
                self.nodes.join([previous], node)
                previous = node
            self.nodes.join([previous], self.tails_of[key][0])

    def _add_output(self, name: str, key: Any, decay: float) -> None:
        layout, tails = self.layouts[key], self._tails(key)
        ahead = self.prepared.ahead[key]
        if decay and self.reader.reads("LI"):
            filtering = self._filter_node(decay, layout)
            shown = self.nodes.add(f"{name}_filter", filtering, layout.sizes)
            self.nodes.join(tails, shown)
            tails, ahead = [shown], ahead + 1
        elif decay:
            warn(
                f"The filter of probe {name} is left out: {self.reader.name} reads no LI.",
                ConversionWarning,
            )  # fmt: skip
        if len(tails) > 1 and self.reader.is_tool:
            total = self.nodes.identity(f"{name}_sum", layout.sizes)
            self.nodes.join(tails, total)
            tails = [total]
        sizes = {"output_type": {"output": np.array(layout.sizes)}}
        output = self.output = self.nodes.add(name, Written("Output", sizes), layout.sizes)
        self.nodes.join(tails, output)
        if ahead:
            warn(
                f"Values of output {output} come {counted(ahead, 'step')} earlier than in "
                "Nengo, where a filter takes a step.", ConversionWarning,
            )  # fmt: skip


#: Nodes that are beside what a link is.
_MINOR = ("Flatten", "LI", "Delay")


def _shape_after(row: Written, shape: tuple[int, ...], target: Layout) -> tuple[int, ...]:
    """The shape that a node of a link gives."""
    if row.kind == "Flatten":
        return (int(np.prod(shape)),)
    if row.kind.startswith("Conv") and not target.is_image:
        return shape  # a Flatten follows, and nothing is joined here
    return target.sizes
