"""The presenter that an emulator keeps from run to run, and the state that it is in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable

import nengo
import numpy as np

from ...checkpoints import is_unchanged, with_digest
from ...errors import DataError, LoihiError, MeasurementError
from .presenting import Presenter


class KeptPresenter:
    """The presenter of one emulator, made anew for inputs of another kind.

    Parameters
    ----------
    network : nengo.Network
    batch_size : int
        Lanes of a continuous presentation.
    make : callable
        From Nodes, whether their values change within a sample, and lanes, to a `Presenter`.
    """

    def __init__(self, network: nengo.Network, batch_size: int, make: Callable[..., Presenter]):
        self._network, self._batch_size, self._make = network, batch_size, make
        self._presenter: Presenter | None = None
        self._key: Any = None
        self._continuous = False

    def ready(
        self, nodes: frozenset[Any], changing: bool, lanes: int, continuous: bool
    ) -> Presenter:
        """The presenter of inputs of this kind, in the state that it has to start from."""
        goes_on = continuous and self._continuous
        if goes_on and self._key != (nodes, changing, lanes):
            raise MeasurementError(
                "A continuous presentation goes on with the same Nodes, and with inputs that "
                "all change, or all stay, within a sample; reset() starts a new one."
            )
        presenter = self._prepared(nodes, changing, lanes)
        if continuous and not goes_on:
            presenter.reset()
        self._continuous = continuous
        return presenter

    def _prepared(self, nodes: frozenset[Any], changing: bool, lanes: int) -> Presenter:
        """The presenter of inputs to these Nodes."""
        key = (nodes, changing, lanes)
        if self._presenter is not None and key == self._key:
            return self._presenter
        self.close()
        presenter = self._make(tuple(nodes), changing, lanes)
        missing = nodes - presenter.fed
        if missing:
            names = ", ".join(map(str, missing))
            presenter.close()
            raise DataError(f"{names}: not a Node of the host's part of this network.")
        self._presenter, self._key = presenter, key
        return presenter

    def state(self, digest: str) -> dict[str, np.ndarray]:
        """The state of a continuous presentation of the network with this digest."""
        state = {"network": np.array(digest)}
        if self._presenter is None or not self._continuous:
            return with_digest(state)
        nodes, changing, lanes = self._key
        fed = [k for k, node in enumerate(self._network.all_nodes) if node in nodes]
        state.update(fed=np.array(fed, dtype=np.int64), changing=np.array(changing))
        return with_digest({**state, "lanes": np.array(lanes), **self._presenter.state()})

    def starting_state(self) -> dict[str, np.ndarray]:
        """The arrays of the state that a run would go on from; empty if there is none."""
        return self._presenter.state() if self._presenter else {}

    def restore(self, state: Mapping[str, np.ndarray], digest: str) -> None:
        """Go on from a `state`; see `Emulator.restore`."""
        if not isinstance(state, Mapping) or "network" not in state:
            raise LoihiError("This is no state of an Emulator, as Emulator.state() gives it.")
        state = dict(state)  # a file of numpy.load reads an array each time that it is asked
        if not is_unchanged(state):
            raise LoihiError(
                "This state was damaged or edited after Emulator.state() gave it: keep all of its "
                "arrays as they are."
            )
        if str(state["network"]) != digest:
            raise LoihiError(
                "This state is of another network: build the same one, with the same block shapes."
            )
        self.reset()
        if "lanes" not in state:
            return
        if int(state["lanes"]) != self._batch_size:
            raise LoihiError(
                f"This state is of batch_size={int(state['lanes'])}, not {self._batch_size}."
            )
        nodes, changing = self._network.all_nodes, bool(state["changing"])
        fed = frozenset(nodes[k] for k in state["fed"])
        self._prepared(fed, changing, self._batch_size).restore(state)
        self._continuous = True

    def voltages(self) -> np.ndarray:
        """Voltages that the last run left, int32 (lanes, compartments).

        Raises
        ------
        MeasurementError
            If nothing has run.
        """
        if self._presenter is None:
            raise MeasurementError("No voltages: run the emulator first.")
        return self._presenter.lanes.voltages()

    def reset(self) -> None:
        """Start a continuous presentation anew."""
        self._continuous = False

    def close(self) -> None:
        """Free the memory and the threads of the simulation."""
        if self._presenter is not None:
            self._presenter.close()
        self._presenter, self._continuous = None, False
