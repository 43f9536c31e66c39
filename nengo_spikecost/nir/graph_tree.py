"""What a NIR graph holds, as dictionaries: of a file, or of the package ``nir``'s objects.

Reference: nir 1.0.8, serialization.py (what is in a file, and how it is called).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .. import check
from ..errors import ConversionError

#: Graphs within graphs within graphs, as deep as anybody writes them.
MAX_DEPTH = 20


def graph_tree(source: Any) -> tuple[dict[str, Any], str]:
    """The dictionaries of a graph, and where it is from.

    Parameters
    ----------
    source : path or nir.NIRGraph

    Raises
    ------
    ConversionError
        If it is neither, or the file is damaged or holds something else.
    """
    if isinstance(source, (str, os.PathLike)):
        return _from_file(source), Path(source).stem
    if hasattr(source, "nodes") and hasattr(source, "edges"):
        return _from_object(source), "network"
    raise ConversionError(
        f"from_nir takes the path of a .nir file or a nir.NIRGraph, not {type(source).__name__}."
    )


def _from_file(path: str | os.PathLike[str]) -> dict[str, Any]:
    import h5py

    name = check.path("path", path, ConversionError)
    if not Path(name).exists():
        raise ConversionError(f"There is no model {name}.")
    try:
        with h5py.File(name, "r") as file:
            if not isinstance(file.get("node"), h5py.Group):
                raise ConversionError(
                    f"{name} is an HDF5 file without a NIR graph (no group 'node')."
                )
            return _tree(file["node"], 0)
    except (OSError, RuntimeError, KeyError, ValueError, RecursionError) as error:
        if isinstance(error, ConversionError):
            raise
        reason = str(error).split("\n")[0]
        raise ConversionError(
            f"{name} can't be read: it is no HDF5 file, or one that is cut off or damaged "
            f"({reason}); write it again, with nir.write."
        ) from error


def _tree(group: Any, depth: int) -> dict[str, Any]:
    import h5py

    if depth > 4 * MAX_DEPTH:
        raise ConversionError(f"The graph is nested more than {MAX_DEPTH} deep.")
    tree: dict[str, Any] = {}
    for key, item in group.items():
        tree[str(key)] = _tree(item, depth + 1) if isinstance(item, h5py.Group) else item[()]
    return tree


def _from_object(graph: Any) -> dict[str, Any]:
    """What `_from_file` would read of a graph in memory; ``to_dict`` fails on malformed ones."""
    nodes = {str(name): _from_node(node) for name, node in graph.nodes.items()}
    metadata = getattr(graph, "metadata", None)
    return {"type": "NIRGraph", "nodes": nodes, "edges": list(graph.edges), "metadata": metadata}


def _from_node(node: Any) -> dict[str, Any]:
    if hasattr(node, "nodes") and hasattr(node, "edges"):
        return _from_object(node)
    if node is None:  # of tools that do not know a module
        return {"type": "None"}
    fields = {key: value for key, value in vars(node).items() if key != "metadata"}
    kind = type(node).__name__
    for end in ("input", "output"):
        types = fields.get(f"{end}_type")
        if isinstance(types, Mapping):
            fields[f"{end}_type"] = types.get(end)
    if kind in ("Input", "Output"):
        fields.setdefault("shape", fields.get(f"{kind.lower()}_type"))
    fields = {key: _array(value) for key, value in fields.items()}
    return {**fields, "type": kind}


def _array(value: Any) -> Any:
    """A field; a tensor of PyTorch may have gradients, or be on a GPU."""
    return value.detach().cpu().numpy() if hasattr(value, "detach") else value


def word(value: Any) -> Any:
    """Text that HDF5 gives as bytes."""
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value.item()
    return value.decode("utf8", "replace") if isinstance(value, bytes) else value
