"""Rows of tables for the nodes of a graph, and their shapes for cost models that are formulas."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..layers.layer_info import LayerInfo
from ..layers.layer_shape import LayerShape
from .graph_reading import Graph, Node
from .linear_nodes import Shape, per_axis

#: Kinds of `LayerShape` by the node's; neurons are what a formula calls an activation.
_KINDS = {
    "Input": "input", "Affine": "dense", "Linear": "dense", "Conv1d": "convolution",
    "Conv2d": "convolution", "AvgPool2d": "average pooling", "SumPool2d": "average pooling",
    "Flatten": "shape", "Delay": "shape", "Output": "shape", "Scale": "batch normalization",
    "LIF": "activation", "IF": "activation", "CubaLIF": "activation", "Threshold": "activation",
}  # fmt: skip


def layer_infos(graph: Graph, shapes: Mapping[str, Shape]) -> tuple[LayerInfo, ...]:
    """One row a node, in the order of the graph."""
    return tuple(
        LayerInfo(node.name, node.kind, str(shapes[node.name]), _n_parameters(node))
        for node in graph.nodes.values()
    )


def layer_shapes(graph: Graph, shapes: Mapping[str, Shape]) -> tuple[LayerShape, ...]:
    """Every node as a formula of shapes sees it, channels last."""
    return tuple(_layer_shape(graph, node, shapes) for node in graph.nodes.values())


def _layer_shape(graph: Graph, node: Node, shapes: Mapping[str, Shape]) -> LayerShape:
    before = graph.into(node.name)
    given: dict[str, Any] = {}
    if node.kind in ("Conv1d", "Conv2d"):
        weight = node.array("weight")
        n_axes = weight.ndim - 2
        given = {
            "kernel_size": weight.shape[2:], "strides": per_axis(node, "stride", n_axes, 1),
            "dilation": per_axis(node, "dilation", n_axes, 1),
            "groups": per_axis(node, "groups", 1, 1)[0],
        }  # fmt: skip
    elif node.kind in ("AvgPool2d", "SumPool2d"):
        size = per_axis(node, "kernel_size", 2, None)
        given = {
            "kernel_size": size,
            "strides": per_axis(node, "stride", 2, None) if node.has("stride") else size,
        }
    if node.kind in ("Affine", "Linear", "Conv1d", "Conv2d"):
        given["n_weights"] = int(np.size(node.fields["weight"]))
        given["n_biases"] = int(np.size(node.fields["bias"])) if node.has("bias") else 0
    return LayerShape(
        node.name, node.name, _KINDS.get(node.kind, "unknown"), tuple(before),
        tuple(_channels_last(shapes[name]) for name in before), _channels_last(shapes[node.name]),
        type=node.kind, **given,
    )  # fmt: skip


def _channels_last(shape: Shape) -> Shape:
    return (*shape[1:], shape[0]) if len(shape) > 1 else shape


def _n_parameters(node: Node) -> int:
    named = ("weight", "bias", "scale")
    return sum(math.prod(np.shape(node.fields[k])) for k in named if node.has(k))
