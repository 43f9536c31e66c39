"""A NIR graph, from its file or as the package ``nir`` holds it, as flat lists of nodes and edges.

The fields are taken as they are written: ``nir`` itself refuses many graphs that tools write (a
convolution without the size of its input, a graph whose types do not agree), and what they mean is
clear nevertheless. Steps:

1. Everything becomes dictionaries, as HDF5 holds them (`graph_tree`).
2. Nested graphs are laid flat: node ``b`` of graph ``a`` is called ``a.b``, and the Inputs and
   Outputs of an inner graph are taken out, what leads into them joined with what leaves them.
3. Edges are checked: both ends exist, none is there twice, none leads into an Input.

Reference: nir 1.0.8, ir/graph.py (what nodes, edges and nested graphs are called).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import ConversionError
from ..graph.naming import unused
from .graph_tree import MAX_DEPTH, graph_tree, word


@dataclass(frozen=True)
class Node:
    """One node of a flat graph.

    Attributes
    ----------
    name : str
        Of a node in a nested graph with the names of the graphs that it is in, ``outer.inner``.
    kind : str
        As NIR calls it: ``"Conv2d"``.
    fields : mapping from str to object
        Its parameters: arrays, numbers, words.
    inside : str
        The nested graph that it is in, by that graph's whole name; "" of the outermost.
    """

    name: str
    kind: str
    fields: Mapping[str, Any] = field(repr=False)
    inside: str = ""

    def array(self, name: str, infinite: bool = False) -> np.ndarray:
        """A field as an array of numbers, float64.

        Parameters
        ----------
        name : str
        infinite : bool
            Whether infinite numbers have a meaning: a time constant without end.

        Raises
        ------
        ConversionError
            If it is missing, or no array of finite numbers.
        """
        if not self.has(name):
            raise self.error(f"has no {name}, which it needs")
        array = self.numbers(name)
        if array is None:
            raise self.error(f"has a {name} that is no array of numbers")
        if not (np.isfinite(array) | (infinite & np.isinf(array))).all():
            raise self.error(f"has a {name} with NaN{'' if infinite else ' or infinite values'}")
        if not array.size:
            raise self.error(f"has a {name} without values")
        return array

    def numbers(self, name: str) -> np.ndarray | None:
        """A field as an array of float64, of whatever values; None if it is no array of numbers."""
        value = self.fields.get(name)
        if value is None or np.iscomplexobj(value):
            return None
        try:
            return np.asarray(value, dtype=np.float64)
        except (TypeError, ValueError):
            return None

    def whole(self, name: str) -> tuple[int, ...]:
        """A field of whole numbers, of whatever sign.

        Raises
        ------
        ConversionError
            If it is missing, or holds something else.
        """
        values = np.atleast_1d(self.array(name)).ravel()
        if (values != np.rint(values)).any():
            raise self.error(f"has a {name} of {values.tolist()}; expected whole numbers")
        return tuple(int(value) for value in values)

    def has(self, name: str) -> bool:
        """Whether a field is there and is not None."""
        return self.fields.get(name) is not None

    def error(self, problem: str) -> ConversionError:
        """An error that names the node."""
        return ConversionError(
            f"Node {self.name!r} ({self.kind}) {problem}.", layer=self.name, kind=self.kind,
            reason=problem,
        )  # fmt: skip


@dataclass
class Graph:
    """A graph without nested ones.

    Attributes
    ----------
    nodes : dict from str to Node
        In the order of the file.
    edges : list of (str, str)
        From and to.
    notes : list of str
        What had to be understood otherwise than it is written.
    label : str
        Where it is from.
    metadata : mapping from str to object
        What its writer says of it besides.
    """

    nodes: dict[str, Node]
    edges: list[tuple[str, str]]
    notes: list[str] = field(default_factory=list)
    label: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def into(self, name: str) -> list[str]:
        """The nodes with an edge to a node."""
        return [pre for pre, post in self.edges if post == name]

    def out_of(self, name: str) -> list[str]:
        """The nodes that a node has an edge to."""
        return [post for pre, post in self.edges if pre == name]

    def of_kind(self, kind: str) -> list[Node]:
        """All nodes of a kind."""
        return [node for node in self.nodes.values() if node.kind == kind]


def read_graph(source: Any) -> Graph:
    """A flat graph.

    Parameters
    ----------
    source : path or nir.NIRGraph
        A ``.nir`` file, or a graph in memory.

    Raises
    ------
    ConversionError
        If it is neither, or the file is damaged or holds something else.
    """
    tree, label = graph_tree(source)
    metadata = tree.get("metadata")
    graph = Graph({}, [], [], label, metadata if isinstance(metadata, Mapping) else {})
    _lay_flat(tree, "", graph, 0)
    if not graph.nodes:
        raise ConversionError("The graph has no nodes.")
    _check_edges(graph)
    _take_out_inner_ends(graph)
    _refuse_fed_inputs(graph)
    return Graph(_in_order(graph), graph.edges, graph.notes, graph.label, graph.metadata)


def _in_order(graph: Graph) -> dict[str, Node]:
    """The nodes as a signal meets them: HDF5 has forgotten the order in which they were written."""
    order: dict[str, Node] = {}
    waiting = {name: len(graph.into(name)) for name in graph.nodes}
    ready = [name for name, n in waiting.items() if n == 0]
    while len(order) < len(graph.nodes):
        if not ready:  # a loop: on with the node that waits for the fewest
            left = [name for name in graph.nodes if name not in order]
            reached = [name for name in left if waiting[name] < len(graph.into(name))]
            ready = [min(reached or left, key=waiting.__getitem__)]
        name = ready.pop(0)
        order[name] = graph.nodes[name]
        for post in graph.out_of(name):
            waiting[post] -= 1
            if waiting[post] == 0 and post not in order:
                ready.append(post)
    return order


def _lay_flat(tree: Mapping[str, Any], inside: str, graph: Graph, depth: int) -> None:
    """Add the nodes and edges of a graph, and of those inside of it."""
    where = f"Graph {inside!r}" if inside else "The graph"
    nodes, edges = tree.get("nodes"), tree.get("edges")
    if not isinstance(nodes, Mapping):
        raise ConversionError(f"{where} has no nodes.")
    if depth > MAX_DEPTH:
        raise ConversionError(f"{where} is nested more than {MAX_DEPTH} deep.")
    prefix = f"{inside}." if inside else ""
    own_names: dict[str, str] = {}
    for key, fields in nodes.items():
        name = own_names[key] = _name_laid_flat(f"{prefix}{key}", graph)
        if not isinstance(fields, Mapping) or "type" not in fields:
            raise ConversionError(f"Node {name!r} has no type.", layer=name)
        kind = str(word(fields["type"]))
        if kind == "NIRGraph":
            graph.nodes[name] = Node(name, kind, {}, inside)
            _lay_flat(fields, name, graph, depth + 1)
            continue
        own = {k: word(v) for k, v in fields.items() if k not in ("type", "metadata")}
        graph.nodes[name] = Node(name, kind, own, inside)
    for edge in _pairs(edges, where):
        pre, post = (own_names.get(end, f"{prefix}{end}") for end in edge)
        graph.edges.append((pre, post))


def _name_laid_flat(name: str, graph: Graph) -> str:
    """A name, or a like one: ``b`` in a graph ``a`` may be beside a node that is called ``a.b``."""
    unique = unused(name, graph.nodes)
    if unique != name:
        graph.notes.append(f"two nodes are called {name!r} where none is nested: one is {unique!r}")
    return unique


def _pairs(edges: Any, where: str) -> Iterator[tuple[str, str]]:
    """Edges as pairs of names."""
    if edges is None:
        raise ConversionError(f"{where} has no edges.")
    for edge in edges if np.size(np.asarray(edges, dtype=object)) else ():
        if not isinstance(edge, (tuple, list, np.ndarray)) or len(edge) != 2:
            raise ConversionError(f"{where} has an edge that is no pair of names: {edge!r}.")
        yield str(word(edge[0])), str(word(edge[1]))


def _check_edges(graph: Graph) -> None:
    """Drop edges that are there twice, and refuse those that lead nowhere."""
    unique = list(dict.fromkeys(graph.edges))
    if len(unique) < len(graph.edges):
        twice = [edge for edge in unique if graph.edges.count(edge) > 1]
        words = ", ".join(f"{pre} -> {post}" for pre, post in twice)
        graph.notes.append(f"edges are there more than once, and count once: {words}")
    unique = [(_meant(graph, unique, a), _meant(graph, unique, b)) for a, b in unique]
    for pre, post in unique:
        for name in (pre, post):
            if name not in graph.nodes:
                raise ConversionError(
                    f"The edge {pre} -> {post} names a node {name!r} that the graph does not have; "
                    f"there are {', '.join(graph.nodes)}."
                )
    graph.edges = unique


def _meant(graph: Graph, edges: Sequence[tuple[str, str]], name: str) -> str:
    """The node that an edge means by a name which no node has.

    Recurrent graphs that were written for NIR's paper call the neurons ``lif`` in their edges, and
    otherwise in their nodes: where just one node of a graph has no edge, it is that one.
    """
    if name in graph.nodes:
        return name
    inside = name.rpartition(".")[0]
    used = {end for edge in edges for end in edge}
    left = [
        n.name
        for n in graph.nodes.values()
        if n.inside == inside and n.name not in used and n.kind != "NIRGraph"
    ]
    if len(left) != 1:
        return name
    note = f"edges name {name!r}, which is no node: {left[0]!r}, which has no edges, is meant"
    if note not in graph.notes:
        graph.notes.append(note)
    return left[0]


def _take_out_inner_ends(graph: Graph) -> None:
    """Join what leads into an inner graph with what its Input leads to; and the same at its end.

    An edge to an inner graph means its Input, one from it its Output. Tools that write inner graphs
    without them mean the first and last of its nodes.
    """
    for name in [node.name for node in graph.nodes.values() if node.kind == "NIRGraph"]:
        inner = [n for n in graph.nodes.values() if n.inside == name]
        for kind, position in (("Input", 1), ("Output", 0)):
            ends = [n.name for n in inner if n.kind == kind] or _bare_ends(graph, inner, position)
            used = [edge for edge in graph.edges if edge[position] == name]
            if used and len(ends) != 1:
                raise ConversionError(
                    f"Graph {name!r} has {len(ends)} {kind} nodes: which one an edge from outside "
                    "means can't be known; give it one.", layer=name,
                )  # fmt: skip
            for edge in used:
                ends_of_edge = [*edge]
                ends_of_edge[position] = ends[0]
                graph.edges[graph.edges.index(edge)] = (ends_of_edge[0], ends_of_edge[1])
        del graph.nodes[name]
    for node in list(graph.nodes.values()):
        if node.inside and node.kind in ("Input", "Output") and _is_inner(graph, node.name):
            _splice(graph, node.name)
    graph.edges = list(dict.fromkeys(graph.edges))


def _bare_ends(graph: Graph, inner: Iterable[Node], position: int) -> list[str]:
    """Nodes of an inner graph that nothing of it leads to (or from)."""
    names = {node.name for node in inner}
    reached = {edge[position] for edge in graph.edges if edge[0] in names and edge[1] in names}
    return [name for name in names if name not in reached]


def _is_inner(graph: Graph, name: str) -> bool:
    """Whether an Input or Output is one of an inner graph: something is on both of its sides."""
    return bool(graph.into(name)) and bool(graph.out_of(name))


def _splice(graph: Graph, name: str) -> None:
    before, after = graph.into(name), graph.out_of(name)
    kept = [edge for edge in graph.edges if name not in edge]
    graph.edges = [*kept, *((pre, post) for pre in before for post in after)]
    del graph.nodes[name]


def _refuse_fed_inputs(graph: Graph) -> None:
    for node in graph.of_kind("Input"):
        for pre in graph.into(node.name):
            raise node.error(f"is fed by {pre!r}, and takes what comes from outside alone")
