"""Where each Ensemble and Node runs, by NengoLoihi's own rules."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import nengo
from nengo.exceptions import BuildError

from ... import stack
from ...errors import LoihiError
from .unsupported import network_and_names


def on_chip(network: Any) -> dict[Any, bool]:
    """Whether each Ensemble and Node of a network runs on the chip.

    Ensembles do unless they are marked otherwise, are in Direct mode, are the target of a
    learned Connection or the source of its error; Nodes do not. A passthrough Node counts
    as on the host, though NengoLoihi merges those between two populations on the chip.

    Parameters
    ----------
    network : nengo.Network, Conversion, or any object with a Network as ``.net``
        It is not changed.

    Returns
    -------
    dict from nengo.Ensemble or nengo.Node to bool

    Raises
    ------
    LoihiError
        If an Ensemble is marked as on the chip that has to be on the host.
    """
    net, _ = network_and_names(network)
    view = placement_view(net)
    try:
        split = stack.nengo_loihi().splitter.HostChipSplit(view)
    except BuildError as err:
        raise LoihiError(str(err)) from err
    objects = (*view.all_nodes, *view.all_ensembles)
    return {obj: obj in split.chip_objs for obj in objects}


def placement_view(network: nengo.Network) -> Any:
    """A network as NengoLoihi's splitters read it, which they may add parameters to.

    They add parameters to the config of the network they are given. A config without them marks
    no Ensemble, and so a new one means the same. Probes are left out: those on Connections
    can't be placed, and `check_support` has a rule for them.
    """
    config = network.config
    if not has_placement_params(config):
        config = nengo.Config(nengo.Ensemble, nengo.Connection)
    return SimpleNamespace(
        config=config, all_nodes=network.all_nodes, all_ensembles=network.all_ensembles,
        all_connections=network.all_connections, all_probes=[],
    )  # fmt: skip


def has_placement_params(config: nengo.Config) -> bool:
    """Whether ``nengo_loihi.add_params`` was called on the network of this config."""
    try:
        return "on_chip" in config[nengo.Ensemble]._extra_params
    except nengo.exceptions.ConfigError:
        return False
