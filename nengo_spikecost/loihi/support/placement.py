"""Where each Ensemble and Node runs, by NengoLoihi's own rules."""

from __future__ import annotations

from typing import Any

import nengo

from ...errors import LoihiError
from ...graph.chip_split import ChipSplit
from .unsupported import network_and_names


def on_chip(network: Any) -> dict[Any, bool]:
    """Whether each Ensemble and Node of a network runs on the chip.

    Ensembles do unless they are marked otherwise, are in Direct mode, are the target of a
    learned Connection or the source of its error; Nodes do not, but for processes of the chip. A
    passthrough Node counts as on the host, though NengoLoihi merges those between two populations
    on the chip. The rules are `nengo_spikecost.graph.chip_split`'s, and the graph goes by them.

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
    split = ChipSplit(network_and_names(network)[0])
    for ensemble, role in split.contradictions.items():
        raise LoihiError(
            f"{ensemble} is {role}, and so must not be marked as on the chip: set its on_chip to "
            "None, or mark it off chip (nengo_spikecost.loihi.mark_off_chip)."
        )
    return dict(split.places)


def has_placement_params(config: nengo.Config) -> bool:
    """Whether ``nengo_loihi.add_params`` was called on the network of this config."""
    try:
        return "on_chip" in config[nengo.Ensemble]._extra_params
    except nengo.exceptions.ConfigError:
        return False
