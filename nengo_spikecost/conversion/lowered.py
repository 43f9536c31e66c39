"""A conversion whose network has no relay Nodes between its neurons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import nengo
from nengo.ensemble import Neurons

from ..graph.route_layers import layer_of_route
from ..lowering import Lowering, lower
from .conversion_record import Conversion

_COMPOSED = (
    "has no object of its own: it was composed with others into one Connection "
    "(str(conversion.lowering) lists them); pass lower=False to keep it."
)


def lowered(conversion: Conversion, shapes: Mapping[Any, tuple[int, ...]]) -> Conversion:
    """The same conversion with `nengo_spikecost.lower` applied to its network.

    Parameters
    ----------
    conversion : Conversion
    shapes : mapping from Nengo object to tuple of int
        Output shapes of layers, channels last.
    """
    lowering = lower(conversion.net, keep=conversion.input_nodes, shapes=shapes)
    objects = lowering.objects
    return replace(
        conversion, net=lowering.network, inputs=conversion.inputs.replaced(objects, _COMPOSED),
        outputs=conversion.outputs.replaced(objects, _COMPOSED),
        layers=conversion.layers.replaced(objects, _COMPOSED),
        layer_names=_layer_names(conversion.layer_names, lowering),
        connection_layers=_connection_layers(conversion.layer_names, lowering), lowering=lowering,
        unlowered=conversion,
    )  # fmt: skip


def _layer_names(before: Mapping[Any, str], lowering: Lowering) -> dict[Any, str]:
    """The layer of each Ensemble and Node, those that lowering has made included."""
    names = {lowering.objects[obj]: name for obj, name in before.items() if obj in lowering.objects}
    for conn in lowering.network.all_connections:
        pre, post = _owner(conn.pre_obj), _owner(conn.post_obj)
        if post not in names and pre in names:
            names[post] = names[pre]  # a Node that hands on the neurons' outputs
        elif pre not in names and post in names:
            names[pre] = names[post]  # a constant
    return names


def _connection_layers(before: Mapping[Any, str], lowering: Lowering) -> dict[Any, str]:
    """The layer that the weights of each new Connection are of."""
    return {
        conn: layer_of_route(old, before, before.get(_owner(old[-1].post_obj), ""))
        for conn, old in lowering.composed_of.items()
    }


def _owner(obj: Any) -> nengo.Ensemble | nengo.Node:
    return obj.ensemble if isinstance(obj, Neurons) else obj
