"""A NIR graph while it is written: nodes with names of their own, edges, and ``nir``'s objects."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ..errors import StackError
from ..graph.naming import unused
from .tool_readers import Reader
from .written_maps import Written

#: Names that modules of PyTorch have for something else.
_TAKEN = frozenset((
    "add_module", "apply", "bfloat16", "buffers", "children", "clear", "cpu", "cuda", "double",
    "dump_patches", "eval", "extra_repr", "float", "forward", "get_buffer", "get_parameter",
    "graph", "half", "input_type", "items", "keys", "load_state_dict", "modules", "named_modules",
    "parameters", "pop", "register_buffer", "share_memory", "state", "state_dict", "to", "train",
    "training", "type", "update", "values", "xpu", "zero_grad",
))  # fmt: skip


class GraphNodes:
    """Nodes and edges, in the order in which they are added.

    Parameters
    ----------
    reader : Reader
        Tools make modules of PyTorch of nodes, whose names are words.
    """

    def __init__(self, reader: Reader):
        self.reader = reader
        self.nodes: dict[str, Written] = {}
        self.edges: list[tuple[str, str]] = []
        self.shapes: dict[str, tuple[int, ...]] = {}

    def add(self, name: str, written: Written, shape: tuple[int, ...]) -> str:
        """Add a node that gives values of a shape; returns the name that it has."""
        clean = re.sub(r"[^0-9A-Za-z_]+" if self.reader.is_tool else r"/", "_", name).strip("_")
        clean = clean or written.kind.lower()
        if self.reader.is_tool and clean in _TAKEN:
            clean += "_"
        unique = unused(clean, self.nodes)
        self.nodes[unique] = written
        self.shapes[unique] = shape
        return unique

    def join(self, pres: Iterable[str], post: str) -> None:
        """Edges to a node; one that is there already goes through a node that changes nothing."""
        for pre in pres:
            if (pre, post) in self.edges:
                between = self.identity(f"{pre}_again", self.shapes[pre])
                self.edges.append((pre, between))
                pre = between
            self.edges.append((pre, post))

    def identity(self, name: str, shape: tuple[int, ...]) -> str:
        """A node that hands on what it gets."""
        return self.add(name, identity_node(shape), shape)

    def split_loops(self) -> None:
        """Two matrices for one that leads from neurons to themselves.

        snntorch 1.0.0 puts a loop of two nodes into a graph of its own in a way that fails.
        """
        for pre, post in list(self.edges):
            back = self.nodes[post]
            if back.kind in ("Linear", "Affine") and (post, pre) in self.edges:
                between = self.identity(f"{post}_back", self.shapes[post])
                self.edges[self.edges.index((post, pre))] = (between, pre)
                self.edges.append((post, between))

    def graph(self, metadata: Mapping[str, Any]) -> Any:
        """The ``nir.NIRGraph``, with its types checked."""
        nir = nir_package()
        short = self.reader.is_tool
        nodes = {
            name: getattr(nir, node.kind)(**_typed(node.fields, short))
            for name, node in self.nodes.items()
        }
        return nir.NIRGraph(nodes=nodes, edges=list(self.edges), metadata=dict(metadata))


def identity_node(shape: tuple[int, ...]) -> Written:
    """A node that hands on values of a shape."""
    weight = np.eye(shape[0])
    if len(shape) == 1:
        return Written("Linear", {"weight": weight})
    n_axes = len(shape) - 1
    one: Any = 1 if n_axes == 1 else (1,) * n_axes
    none: Any = 0 if n_axes == 1 else (0,) * n_axes
    return Written(f"Conv{n_axes}d", {
        "input_shape": shape[1] if n_axes == 1 else shape[1:],
        "weight": weight.reshape(*weight.shape, *[1] * n_axes), "stride": one, "padding": none,
        "dilation": one, "groups": 1, "bias": np.zeros(shape[0]),
    })  # fmt: skip


def _typed(fields: Mapping[str, Any], short: bool) -> dict[str, Any]:
    """Weights in float32 if nothing is lost, or if the reader computes in it anyway."""
    result = dict(fields)
    for name in ("weight", "bias", "scale"):
        if name in result:
            narrow = np.asarray(result[name], dtype=np.float32)
            if short or np.array_equal(narrow, result[name]):
                result[name] = narrow
    return result


def nir_package() -> Any:
    """The package ``nir``.

    Raises
    ------
    StackError
        If it is not installed.
    """
    try:
        import nir
    except ImportError as error:
        raise StackError(
            "To write a NIR graph, the package nir has to be there: "
            "pip install 'nengo-spikecost[nir]' (or pip install nir==1.0.8)."
        ) from error
    return nir
