"""The shape of what every node is fed and gives.

Files often do not say: shapes are carried along the edges, from Inputs and from nodes whose weights
have them, again and again until nothing changes. So it does not matter where in the graph the
known ones are, and loops need no order.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from ..errors import ConversionError
from ..words import counted
from .graph_reading import Graph, Node
from .linear_nodes import LINEAR, LinearNode, Shape, fixed_shapes, in_words

#: Kinds that give what they are fed, element by element.
ELEMENTWISE = (
    "LIF", "IF", "CubaLIF", "LI", "I", "CubaLI", "Threshold", "Delay", "Input", "Output",
)  # fmt: skip

#: Values that a node may give: more are not held in memory.
MAX_VALUES = 100_000_000


def find_shapes(graph: Graph) -> tuple[dict[str, Shape], dict[str, LinearNode]]:
    """Shape of the output of every node, and what every linear node computes.

    Raises
    ------
    ConversionError
        If a node is fed what it can't take, or the shapes of some can't be known.
    """
    taken: dict[str, Shape] = {}
    given: dict[str, Shape] = {}
    linear: dict[str, LinearNode] = {}
    for node in graph.nodes.values():
        own_in, own_out = _own(node)
        if own_in is not None:
            taken[node.name] = own_in
        if own_out is not None:
            given[node.name] = own_out
    feeding = {name: graph.into(name) for name in graph.nodes}
    fed_by = {name: graph.out_of(name) for name in graph.nodes}
    todo = list(graph.nodes)
    while todo:
        name = todo.pop(0)
        node = graph.nodes[name]
        shape = _fed(node, [given[pre] for pre in feeding[name] if pre in given], taken.get(name))
        if shape is None:
            # before an Input of no shape, what it leads to tells it
            shape = next((taken[p] for p in fed_by[name] if p in taken), None)
            if shape is None or node.kind not in ("Input", *ELEMENTWISE):
                continue
        new = _given(node, shape, linear)
        if math.prod(new) > MAX_VALUES:
            raise node.error(f"gives {math.prod(new):,} values; {MAX_VALUES:,} are the most")
        if given.get(name) != new or taken.get(name) != shape:
            given[name], taken[name] = new, shape
            todo += [other for other in (*fed_by[name], *feeding[name]) if other not in todo]
    unknown = [name for name in graph.nodes if name not in given]
    if unknown:
        raise ConversionError(
            f"The shapes of {', '.join(unknown)} can't be known from the graph: give its Input the "
            "shape of a sample without the axes of samples and time (input_shape=)."
        )
    return given, linear


def _own(node: Node) -> tuple[Shape | None, Shape | None]:
    """Shapes that a node tells by itself."""
    if node.kind in ("Input", "Output"):
        sizes = said_shape(node)
        return (sizes, sizes) if node.kind == "Input" else (None, None)
    if node.kind in ELEMENTWISE:
        arrays = [np.shape(value) for key, value in node.fields.items() if _is_parameter(key)]
        longest = max(arrays, key=math.prod, default=())
        return (longest, longest) if math.prod(longest) > 1 else (None, None)
    return fixed_shapes(node)


def said_shape(node: Node) -> Shape | None:
    """The shape that an Input, Output, convolution or Flatten says it is fed, if it does.

    Axes of no size are left out: they stand for samples, of which there may be any number.
    """
    name = {"Input": "shape", "Output": "shape", "Flatten": "input_type"}.get(node.kind)
    if name is None:
        return fixed_shapes(node)[0] if node.kind in ("Conv1d", "Conv2d") else None
    if not node.has(name) or not np.size(node.fields[name]):
        return None
    return tuple(n for n in node.whole(name) if n > 0) or None


def shape_notes(graph: Graph, given: Mapping[str, Shape]) -> dict[str, str]:
    """Where a node says another shape than it has here, as a clause, by node."""
    notes: dict[str, str] = {}
    for node in graph.nodes.values():
        said = said_shape(node)
        before = [node.name] if node.kind in ("Input", "Output") else graph.into(node.name)
        if said is None or not before:
            continue
        found = given[before[0]]
        if math.prod(said) != math.prod(found):
            notes[node.name] = (
                f"says that it is fed values of shape {in_words(said)}, and is fed "
                f"{in_words(found)}"
            )
    return notes


def _is_parameter(key: str) -> bool:
    return key not in ("input_type", "output_type", "input_shape", "shape")


def _fed(node: Node, shapes: list[Shape], own: Shape | None) -> Shape | None:
    """What a node is fed: all that leads to it is added, so shapes agree, but for axes of 1."""
    sizes = {math.prod(shape) for shape in shapes}
    if len(sizes) > 1:
        raise node.error(
            "is fed values that can't be added: of shapes " + " and ".join(map(str, shapes))
        )
    if not shapes:
        return own
    # of shapes with as many values, the one with most axes says most
    return max(shapes, key=lambda shape: (len(shape), shape == own))


def _given(node: Node, shape: Shape, linear: dict[str, LinearNode]) -> Shape:
    if node.kind in LINEAR:
        linear[node.name] = LINEAR[node.kind](node, shape)
        return linear[node.name].shape
    own = _own(node)[1]
    if own is not None and math.prod(own) != math.prod(shape):
        raise node.error(
            f"has parameters of shape {own}, and is fed {counted(math.prod(shape), 'value')} "
            f"(of shape {shape})"
        )
    return shape
