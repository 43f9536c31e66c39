"""Functions of Nodes that remember something: each lane gets its own copies."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Sequence
from typing import Any

import nengo
from nengo.builder.operator import SimPyFunc

from ...errors import EmulationWarning, LoihiError
from .lane_memory import Memory


class NodeFunctions:
    """The functions that the host calls in every lane.

    Functions that keep nothing are shared by all lanes. The others are copied for each lane,
    with all that they share among themselves, in the state in which the network is given to the
    emulator. The user's own stay as they are.

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

    def __init__(
        self, network: nengo.Network, models: Sequence[Any], n_lanes: int,
        shared: Collection[nengo.Node] = (),
    ):  # fmt: skip
        names = {id(node.output): str(node) for node in network.all_nodes}
        spared = {id(node.output) for node in shared}
        self._n_lanes, self._warned = n_lanes, False
        self._operators: list[Any] = []
        self._lanes: list[Memory] = []
        self._before: bytes | None = None
        calls = [op for model in models for op in model.operators if isinstance(op, SimPyFunc)]
        for op in [op for op in calls if id(op.fn) not in spared]:
            try:
                remembers = Memory([op.fn]).remembers()
            except Exception as error:  # objects raise all kinds when they can't be pickled
                if n_lanes > 1:
                    name = names.get(id(op.fn), str(op))
                    raise LoihiError(
                        f"{name}: its function keeps something that can't be copied for each of "
                        f"{n_lanes} samples side by side ({error}). Use batch_size=1; or, if "
                        "samples may share what it keeps, name the Node in shared=."
                    ) from error
                continue
            if remembers:
                self._operators.append(op)
        self._memory = Memory([op.fn for op in self._operators])
        self._alike = all(op.x is None for op in self._operators)
        self.names = sorted({names.get(id(op.fn), str(op)) for op in self._operators})

    def reset(self) -> None:
        """Make new copies."""
        if self._operators:
            self._lanes = [self._memory.copied() for _ in range(self._n_lanes)]

    def of(self, op: Any) -> list[Any] | None:
        """The function of an operator for each lane; None if it remembers nothing."""
        k = next((k for k, own in enumerate(self._operators) if own is op), None)
        return None if k is None else [lane.roots[k] for lane in self._lanes]

    def alike(self, op: Any) -> bool:
        """Whether an operator's function does the same in all lanes."""
        return self._alike or all(own is not op for own in self._operators)

    def all(self) -> list[Any]:
        """The functions of all lanes."""
        return [function for lane in self._lanes for function in lane.roots]

    def replace(self, functions: Sequence[Any]) -> None:
        """Replace the functions of all lanes, in the order of `all`."""
        n = len(self._operators)
        for k, lane in enumerate(self._lanes):
            lane.roots = list(functions[k * n : (k + 1) * n])

    def watch(self) -> None:
        """Note what the functions of the first lane remember, to see whether it changes."""
        if self._lanes and not self._warned:
            self._before = self._lanes[0].capture()

    def warn_if_changed(self) -> None:
        """Warn once that what functions collect is not in the user's own objects."""
        if self._before is None or self._lanes[0].capture() == self._before:
            return
        self._before, self._warned = None, True
        message = (
            f"Functions of Nodes remember something ({', '.join(self.names)}): each sample has "
            "copies of them, so that samples do not mix, and what they collect is not in your "
            "own objects. Record with Probes; name Nodes in shared= that samples may share."
        )
        warnings.warn(message, EmulationWarning, stacklevel=4)
