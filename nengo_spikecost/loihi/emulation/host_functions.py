"""The functions that NengoLoihi's host calls, in every lane of the emulation."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import nengo

from ...activity.node_functions import Called
from ...activity.operator_functions import OperatorFunctions
from ...errors import EmulationWarning, LoihiError


class HostFunctions(OperatorFunctions):
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
        self._uncopied: list[tuple[Called, Exception]] = []
        self._n_resets = 0
        super().__init__(network, models, n_lanes, spared=shared)

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
