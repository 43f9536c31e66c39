"""`Lowering`: the new network, and the changes made on the way to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import nengo
import numpy as np
from nengo.transforms import NoTransform

from ..graph.naming import ensemble_of
from ..graph.routes import layer_of_route
from ..layout import Result

#: Kinds of changes to a part of a network.
#:
#: ``"composed"``
#:     A path through passthrough Nodes became one Connection.
#: ``"bias"``
#:     Constants were added to the biases of an Ensemble.
#: ``"rewritten"``
#:     A Connection between neurons has another, equal transform.
#: ``"relay"``
#:     A Node was put between neurons and a Connection that leads out of them.
#: ``"left"``
#:     Something was not composed, or not folded; ``reason`` says why.
CHANGE_KINDS = ("composed", "bias", "rewritten", "relay", "left")


@dataclass(frozen=True)
class Change:
    """One step of lowering, or one that was left out.

    Attributes
    ----------
    kind : str
        One of `CHANGE_KINDS`.
    origin, target : str
        Names of the objects at both ends.
    connections : tuple of nengo.Connection
        Those of the given network that it concerns.
    transform : nengo.transforms.Transform, optional
        That of the new Connection.
    weights_before, weights_after : int
        Number of weights stored, a shared one counted once.
    reason : str
        Why something was left, as a clause that follows the origin.
    """

    kind: str
    origin: str
    target: str
    connections: tuple[nengo.Connection, ...] = field(default=(), repr=False)
    transform: Any = None
    weights_before: int = 0
    weights_after: int = 0
    reason: str = ""

    def __str__(self) -> str:
        if self.kind == "left":
            return f"left       {self.origin} {self.reason}"
        if self.kind == "bias":
            return f"bias       {self.origin} -> biases of {self.target}"
        text = f"{self.kind:<10} {self.origin} -> {self.target}: {describe(self.transform)}"
        if self.kind == "composed":
            text += (
                f", from {len(self.connections)} Connections "
                f"({self.weights_before:,} -> {self.weights_after:,} weights)"
            )
        return text


@dataclass(frozen=True)
class Lowering(Result):
    """A network without relay Nodes between its neurons.

    Attributes
    ----------
    network : nengo.Network
    objects : mapping
        From each Ensemble (and its neurons), Node, Connection, Probe and Network of the
        given network that is still there to that of the new one.
    changes : tuple of Change
    composed_of : mapping
        From each new Connection to those of the given network that it stands for.
    """

    network: nengo.Network
    objects: Mapping[Any, Any] = field(repr=False)
    changes: tuple[Change, ...] = field(repr=False)
    composed_of: Mapping[Any, tuple[nengo.Connection, ...]] = field(repr=False)

    def carried_names(self, before: Mapping[Any, str]) -> dict[Any, str]:
        """The layer of each Ensemble and Node of the new network, those that were added included.

        Parameters
        ----------
        before : mapping from Nengo object to str
            The layers of those of the given network.
        """
        names = {self.objects[obj]: name for obj, name in before.items() if obj in self.objects}
        for conn in self.network.all_connections:
            pre, post = ensemble_of(conn.pre_obj), ensemble_of(conn.post_obj)
            if post not in names and pre in names:
                names[post] = names[pre]  # a Node that hands on the neurons' outputs
            elif pre not in names and post in names:
                names[pre] = names[post]  # a constant
        return names

    def connection_layers(self, before: Mapping[Any, str]) -> dict[Any, str]:
        """The layer that the weights of each new Connection are of.

        Parameters
        ----------
        before : mapping from Nengo object to str
            The layers of the objects of the given network.
        """
        return {
            conn: layer_of_route(old, before, before.get(ensemble_of(old[-1].post_obj), ""))
            for conn, old in self.composed_of.items()
        }

    def summary_string(self, line_length: int = 200) -> str:
        """One line for each change, with room for the names of both ends and a reason."""
        return self._text(line_length)


def describe(transform: Any) -> str:
    """A transform in a few words."""
    name = type(transform).__name__
    if hasattr(transform, "kernel_size"):
        kernel = "x".join(map(str, transform.kernel_size))
        text = f"{name} {kernel}, stride {'x'.join(map(str, transform.strides))}"
        groups = getattr(transform, "groups", 1)
        return f"{text}, {transform.padding}" + (f", {groups} groups" if groups > 1 else "")
    return f"{name} {transform.size_out}x{transform.size_in}"


def n_stored(transform: Any) -> int:
    """Number of weights that a transform stores."""
    if isinstance(transform, NoTransform):
        return 0
    if hasattr(transform, "kernel_shape"):
        return int(np.prod(transform.kernel_shape))
    # a transform of the user's own has no more than Nengo asks of all
    init = getattr(transform, "init", None)
    if init is None:
        init = transform.sample(rng=np.random.RandomState(0))
    # Of a sparse matrix, the entries; its own size is that of the whole matrix.
    return int(np.size(init if isinstance(init, np.ndarray) else init.data))
