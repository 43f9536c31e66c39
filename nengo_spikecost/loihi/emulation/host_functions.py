"""The functions that NengoLoihi's host calls, in every lane of the emulation."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import nengo
from nengo.builder.operator import SimPyFunc
from nengo.builder.processes import SimProcess

from ...activity.lane_memory import keeps_memory
from ...activity.node_functions import Called, NodeFunctions
from ...errors import EmulationWarning, LoihiError


class HostFunctions(NodeFunctions):
    """The functions of the operators of the host, by operator.

    Parameters
    ----------
    network : nengo.Network
        The network whose Nodes messages name.
    models : sequence of nengo.builder.Model
    n_lanes : int
    shared : collection of nengo.Node
        Nodes whose functions all lanes share, whatever they remember.

    Raises
    ------
    LoihiError
        If there are several lanes, and a function remembers something that can't be copied.
    """

    error, warning = LoihiError, EmulationWarning
    advice = "Record with Probes; name Nodes that samples may share in the Emulator's shared=."

    def __init__(
        self, network: nengo.Network, models: Sequence[Any], n_lanes: int,
        shared: Collection[nengo.Node] = (),
    ):  # fmt: skip
        names = {id(node.output): str(node) for node in network.all_nodes}
        for model in models:  # NengoLoihi builds processes from copies
            own = [node for node in network.all_nodes if node in model.sig]
            names.update({id(model.sig[node].get("out")): str(node) for node in own})
        spared = {id(node.output) for node in shared}
        self._uncopied: list[tuple[Called, Exception]] = []
        self._n_resets = 0
        calls: dict[Any, Called] = {}
        for op in [op for model in models for op in model.operators]:
            function = _called_by(op)
            if function is not None and id(function) not in spared:
                name = names.get(id(function), names.get(id(op.output), str(op)))
                calls[id(op)] = Called(function, name, _input_of(op) is not None)
        super().__init__(calls, n_lanes)

    def cannot_copy(self, called: Called, error: Exception) -> None:
        """Refuse it if there are several lanes."""
        self._uncopied.append((called, error))
        if self._n_lanes > 1:
            raise LoihiError(
                f"{called.name}: its function keeps something that can't be copied for each of "
                f"{self._n_lanes} samples side by side ({error}). Use batch_size=1 with "
                "presentation='continuous'; or, if samples may share what it keeps, name the Node "
                "in the Emulator's shared=."
            ) from error

    def reset(self) -> None:
        """Make new copies.

        Raises
        ------
        LoihiError
            If a sample would start with what another left.
        """
        self._n_resets += 1
        if self._uncopied and self._n_resets > 1:
            called, error = self._uncopied[0]
            raise LoihiError(
                f"{called.name}: its function keeps something that can't be copied for each "
                f"sample ({error}), so that a second sample can't start afresh. Use "
                "presentation='continuous'; or, if samples may share what it keeps, name the Node "
                "in the Emulator's shared=."
            ) from error
        super().reset()


def _called_by(op: Any) -> Any:
    """The function that an operator calls, or its process if that may keep things."""
    if isinstance(op, SimPyFunc):
        return op.fn
    if isinstance(op, SimProcess) and keeps_memory(op.process):
        return op.process
    return None


def _input_of(op: Any) -> Any:
    return op.x if isinstance(op, SimPyFunc) else op.input
