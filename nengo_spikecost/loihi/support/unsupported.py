"""`Unsupported`, a problem that `check_support` lists, and the `Context` of its rules."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import nengo

from ... import check
from ...activity.subject import step_of
from ...errors import LoihiError, NetworkGraphError
from ...graph.chip_split import owner_of
from ...graph.naming import unique_names
from ...lowering import lower
from ...lowering.composition_plan import fixed_connections


@dataclass(frozen=True)
class Unsupported:
    """Something that NengoLoihi refuses, or silently runs as something else.

    Attributes
    ----------
    name : str
        The layer, or the object's name in its network.
    reason : str
        What is wrong, in words.
    remedy : str
        What to do about it.
    refused : bool
        True: NengoLoihi fails, when it builds the network or when it runs it. False: if it
        runs the network, then not as it was written.
    obj : nengo object
        The Ensemble, Node, Connection or Probe at fault.
    """

    name: str
    reason: str
    remedy: str
    refused: bool = True
    obj: Any = field(default=None, repr=False, compare=False)

    def __str__(self) -> str:
        return f"{self.name} {self.reason}. {self.remedy}."


@dataclass(frozen=True)
class Context:
    """A network as the rules see it.

    Attributes
    ----------
    network : nengo.Network
    chip : mapping from Ensemble or Node to bool
        Whether it runs on the chip.
    names : mapping from Ensemble or Node to str
    dt : float
        Time step in s.
    """

    network: nengo.Network
    chip: Mapping[Any, bool]
    names: Mapping[Any, str]
    dt: float

    def name(self, obj: Any) -> str:
        """Name of an Ensemble, its neurons or a Node, or of a view on one."""
        owner = owner_of(obj)
        return self.names.get(owner) or str(owner)

    def problem(self, obj: Any, reason: str, remedy: str, refused: bool = True) -> Unsupported:
        """A problem of an Ensemble or a Node."""
        return Unsupported(self.name(obj), reason, remedy, refused, obj)

    @functools.cached_property
    def left_by_lowering(self) -> Mapping[Any, str]:
        """Passthrough Nodes and Connections that `lower` can't compose, and why, as a clause."""
        nodes = (*self.network.all_ensembles, *self.network.all_nodes)
        named = {name: obj for obj, name in unique_names(self.network, nodes, {}).items()}
        left = [change for change in lower(self.network).changes if change.kind == "left"]
        reasons = {named[c.origin]: c.reason for c in left if c.origin in named}
        said = {obj: f"{self.name(obj)} {reason}" for obj, reason in reasons.items()}
        return {**said, **fixed_connections(self.network)}

    def is_on_chip(self, obj: Any) -> bool:
        """Whether an Ensemble, its neurons, a Node, or a view on one runs on the chip."""
        return self.chip.get(owner_of(obj), False)


def chip_step(network: Any, dt: float | None) -> float:
    """Length of a step in s: the one that was asked for, that of the network's neurons, or 1 ms.

    Raises
    ------
    LoihiError
        If it is no time above 0.
    MeasurementError
        If the network's neurons were made for another one.
    """
    return step_of(network, dt if dt is None else check.time("dt", dt, LoihiError))


def network_and_names(given: Any) -> tuple[nengo.Network, Mapping[Any, str]]:
    """The network of an object, and the layer names of the network's objects if it knows them.

    Parameters
    ----------
    given : nengo.Network, Conversion, Lowering, or any object with ``.net`` or ``.network``
    """
    if isinstance(given, nengo.Network):
        return given, getattr(given, "layer_names", {})
    for attribute in ("net", "network"):
        network = getattr(given, attribute, None)
        if isinstance(network, nengo.Network):
            return network, getattr(given, "layer_names", {})
    raise NetworkGraphError(
        "Expected a nengo.Network, or an object with one as .net (a Conversion), "
        f"not {type(given).__name__}."
    )
