"""The functions that operators of a built Nengo network call, with copies for every lane."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import nengo
from nengo.builder.operator import SimPyFunc
from nengo.builder.processes import SimProcess

from .lane_memory import keeps_memory
from .node_functions import Called, NodeFunctions


class OperatorFunctions(NodeFunctions):
    """Functions and processes by ``id`` of the operator that calls them.

    Parameters
    ----------
    network : nengo.Network
        The network whose Nodes messages name.
    models : sequence of nengo.builder.Model
    n_lanes : int
    continuous : bool
        Whether lanes run on from sample to sample.
    spared : collection of nengo.Node
        Nodes whose functions are not called, or not copied.
    """

    def __init__(
        self, network: nengo.Network, models: Sequence[Any], n_lanes: int,
        continuous: bool = False, spared: Collection[nengo.Node] = (),
    ):  # fmt: skip
        names = {id(node.output): str(node) for node in network.all_nodes}
        for model in models:  # NengoLoihi builds processes from copies
            own = [node for node in network.all_nodes if node in model.sig]
            names.update({id(model.sig[node].get("out")): str(node) for node in own})
        ids = {id(node.output) for node in spared}
        calls: dict[Any, Called] = {}
        for op in [op for model in models for op in model.operators]:
            function = _called_by(op)
            if function is not None and id(function) not in ids:
                name = names.get(id(function), names.get(id(op.output), str(op)))
                calls[id(op)] = Called(function, name, _input_of(op) is not None)
        super().__init__(calls, n_lanes, continuous)


def _called_by(op: Any) -> Any:
    """The function that an operator calls, or its process if that may keep things."""
    if isinstance(op, SimPyFunc):
        return op.fn
    if isinstance(op, SimProcess) and keeps_memory(op.process):
        return op.process
    return None


def _input_of(op: Any) -> Any:
    return op.x if isinstance(op, SimPyFunc) else op.input
