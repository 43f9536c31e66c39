"""Protocols of networks that know their layers, which `NetworkGraph` takes besides plain ones.

A `Conversion` satisfies both. It is made in a room above this one, and so is described here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Protocol, runtime_checkable

import nengo


@runtime_checkable
class LayeredNetwork(Protocol):
    """A network that was made of layers.

    Attributes
    ----------
    net : nengo.Network
    layer_names : mapping from Nengo object to str
        The layer of each Ensemble (or its neurons) and Node.
    input_nodes : collection of nengo.Node
        The Nodes that are fed with data: every other constant Node is a bias.
    """

    @property
    def net(self) -> nengo.Network: ...
    @property
    def layer_names(self) -> Mapping[Any, str]: ...
    @property
    def input_nodes(self) -> Collection[nengo.Node]: ...


class LoweredObjects(Protocol):
    """The changes of lowering, as far as a graph needs them."""

    @property
    def objects(self) -> Mapping[Any, Any]: ...


@runtime_checkable
class LoweredNetwork(LayeredNetwork, Protocol):
    """A network of layers that may have been lowered.

    Attributes
    ----------
    connection_layers : mapping from nengo.Connection to str
        The layer whose weights a Connection has.
    unlowered : LayeredNetwork, optional
        The network before it was lowered.
    lowering : object with ``objects``, optional
        From the objects before to those after.
    """

    @property
    def connection_layers(self) -> Mapping[Any, str]: ...
    @property
    def unlowered(self) -> LayeredNetwork | None: ...
    @property
    def lowering(self) -> LoweredObjects | None: ...
