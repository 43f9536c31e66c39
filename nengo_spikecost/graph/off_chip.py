"""The part of a network that runs on the host of a chip."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import nengo

from .. import check, stack
from ..errors import NetworkGraphError
from ..options import named_arguments
from .connection_chain import uses_encoders
from .naming import ensemble_of
from .pathways import HostPart, Pathway, Population, Weights

#: The role of a Connection on the host, by the kind of pathway that it is part of.
_ROLES = {"input": "input", "readout": "readout", "host": "function", "neural": "neurons",
          "events": "input"}  # fmt: skip


@named_arguments
def mark_off_chip(network: Any, ensembles: Iterable[Any]) -> None:
    """Have the host run some Ensembles, in the way that NengoLoihi is told.

    Parameters
    ----------
    network : nengo.Network or Conversion
        The network that is simulated (NengoLoihi reads the config of that one only). Its
        config is changed.
    ensembles : iterable of nengo.Ensemble or nengo.ensemble.Neurons
        Of a Conversion, also names of layers: all of their neurons.

    Raises
    ------
    NetworkGraphError
        If one of them is no Ensemble of this network.
    """
    owners = getattr(network, "layer_names", {})
    network = getattr(network, "net", network)
    words = "a nengo.Network or a Conversion"
    check.kind("network", network, nengo.Network, NetworkGraphError, words)
    words = f"a list of Ensembles (for one, write [{check.shown(ensembles)}])"
    chosen: list[Any] = []
    for given in check.several("ensembles", ensembles, NetworkGraphError, words):
        named = [e for e, owner in owners.items() if owner == given and hasattr(e, "neurons")]
        chosen += named or [ensemble_of(given)]
    for ensemble in chosen:
        if not any(ensemble is member for member in network.all_ensembles):
            raise NetworkGraphError(
                f"{ensemble} is no Ensemble of {network}: it can't be marked off chip."
            )
    stack.nengo_loihi().add_params(network)
    for ensemble in chosen:
        network.config[ensemble].on_chip = False


def host_operations(obj: Any) -> int | None:
    """Operations of a Node at every step, for the Nodes that know (see `HostNode`)."""
    operations = getattr(obj, "operations", None)
    return operations if isinstance(operations, int) else None


def host_parts(
    pathways: Iterable[Pathway], weights: Iterable[Weights], populations: Iterable[Population],
    nodes: Mapping[Any, tuple[str, str]],
) -> list[HostPart]:  # fmt: skip
    """The work beside the chip, but for the updates of neurons there.

    Weights are applied one Connection after the other, as on any machine without spikes. A
    Connection that is part of a pathway to the chip and of one that stays beside it is the
    chip's and the host's.

    Parameters
    ----------
    pathways, weights, populations
        Those of a `NetworkGraph`.
    nodes : mapping from nengo.Node to (str, str)
        Name and layer of each Node that computes and knows its operations.
    """
    roles: dict[Any, str] = {}
    sources: dict[Any, list[Any]] = {}
    for pathway in pathways:
        if pathway.kind == "bias" or pathway.place != "host":
            continue
        for conn in pathway.connections:
            roles.setdefault(conn, _ROLES[pathway.kind])
            if pathway.kind == "input":
                sources.setdefault(conn, []).append(pathway.pre)
    off_chip = {p.ensemble for p in populations if not p.on_chip}
    for conn, role in list(roles.items()):
        if uses_encoders(conn):
            # neurons on the chip are sent currents: the host encodes them
            roles[conn.post_obj] = "neurons" if conn.post_obj in off_chip else role
            sources.setdefault(conn.post_obj, []).extend(sources.get(conn, []))
    parts = [
        HostPart(w.name, w.layer, roles[w.obj], w.macs, sources=tuple(sources.get(w.obj, ())))
        for w in weights
        if w.obj in roles and w.macs
    ]
    for node, (name, layer) in nodes.items():
        parts.append(HostPart(name, layer, "function", operations=host_operations(node) or 0))
    return parts


def held_by(pathways: Iterable[Pathway]) -> frozenset[Any]:
    """The objects that hold the weights of pathways: Connections, and Ensembles for encoders."""
    connections = {conn for pathway in pathways for conn in pathway.connections}
    return frozenset(connections | {c.post_obj for c in connections if uses_encoders(c)})
