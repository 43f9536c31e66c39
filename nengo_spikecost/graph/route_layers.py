"""Which layer the synapses of a route belong to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import nengo
import numpy as np
from nengo.dists import Distribution
from nengo.ensemble import Neurons

from .fan_out import connectivity


def layer_of_route(
    connections: tuple[nengo.Connection, ...], layer_names: Mapping[Any, str], target_layer: str
) -> str:
    """The layer whose weights make most of a route's synapses.

    A spike that passes a pooling, a convolution and an addition makes its synaptic
    operations in the convolution. So the layer is the one (the last one) whose transform
    joins the most pairs, among those with weights of their own: where all weights are
    equal, as in pooling, averaging and upsampling, nothing was learned.

    Parameters
    ----------
    connections : tuple of nengo.Connection
    layer_names : mapping from nengo object to str
        Layers of Ensembles and Nodes.
    target_layer : str
        The answer if no Connection on the way has weights of its own.
    """
    candidates = []
    for conn in connections:
        post = conn.post_obj.ensemble if isinstance(conn.post_obj, Neurons) else conn.post_obj
        layer = target_layer if conn is connections[-1] else layer_names.get(post)
        if layer is not None and has_own_weights(conn.transform):
            candidates.append((conn, layer))
    if len({layer for _, layer in candidates}) <= 1:
        return candidates[0][1] if candidates else target_layer
    sizes = [connectivity(conn.transform).n_synapses for conn, _ in candidates]
    last = len(sizes) - 1 - int(np.argmax(sizes[::-1]))
    return candidates[last][1]


def has_own_weights(transform: Any) -> bool:
    """Whether the weights of a transform are not all equal."""
    init = getattr(transform, "init", None)
    weights = getattr(init, "data", init) if not isinstance(init, np.ndarray) else init
    if weights is None:
        return False
    if isinstance(weights, Distribution):
        return True
    flat = np.asarray(weights).ravel()
    nonzero = flat[flat != 0]
    return bool((nonzero != nonzero[:1]).any())
