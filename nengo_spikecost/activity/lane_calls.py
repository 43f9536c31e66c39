"""Copies of what a network's Nodes call, put where any simulator that is built calls them.

Simulators take functions from the network when they are built, and keep them. So a stand-in takes
the place of each function meanwhile, and calls the copy of the lane whose turn it is.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import nengo
from nengo.builder import Builder
from nengo.connection import FunctionInfo

from .lane_memory import keeps_memory
from .node_functions import Called, NodeFunctions


class LaneCalls:
    """Functions of a network that remember, for the lanes of one simulator.

    Parameters
    ----------
    network : nengo.Network
        It is changed only within `replaced`.
    fed : collection of nengo.Node
        Nodes whose functions are not called, because their output is given.
    n_lanes : int
        Lanes for which the simulator calls a function of values, in turn, at every step.
    continuous : bool
        Whether lanes run on from sample to sample.
    sources_in_turn : bool
        Whether functions without input are called for every lane too, and not once for all.
    """

    def __init__(
        self, network: nengo.Network, fed: Collection[nengo.Node], n_lanes: int, continuous: bool,
        sources_in_turn: bool = False,
    ):  # fmt: skip
        self._network, self._n_lanes = network, n_lanes
        self._sources_in_turn = sources_in_turn
        calls: dict[Any, Called] = {}
        for node in network.all_nodes:
            own = node.output
            is_process = isinstance(own, nengo.Process)
            called = keeps_memory(own) if is_process else callable(own)
            if called and node not in fed and _is_built_as_node(node):
                calls[node] = Called(own, str(node), node.size_in > 0)
        for conn in network.all_connections:
            if callable(conn.function) and _is_called(conn):
                calls[conn] = Called(conn.function, str(conn), True)
        self.functions = NodeFunctions(calls, n_lanes, continuous)
        self._stand_ins: dict[Any, Any] = {}
        for obj in calls:
            if self.functions.remembers(obj):
                self._stand_ins[obj] = self._stand_in(obj, calls[obj])

    @contextlib.contextmanager
    def replaced(self) -> Iterator[None]:
        """Context in which a simulator is built with the copies."""
        with contextlib.ExitStack() as undo:
            for obj, stand_in in self._stand_ins.items():
                # written past the setter, which would look at it, and may call it
                if isinstance(obj, nengo.Node):
                    data, value = nengo.Node.output.data, stand_in
                else:
                    data = nengo.Connection.function_info.data
                    value = FunctionInfo(stand_in, obj.function_info.size)
                undo.callback(data.__setitem__, obj, data[obj])
                data[obj] = value
            yield

    def reset(self) -> None:
        """Start all lanes afresh."""
        self.functions.reset()
        for stand_in in self._stand_ins.values():
            stand_in.turn.restart()

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Context of a batch, after which it is told what functions remember."""
        self.functions.watch()
        yield
        self.functions.warn_if_changed()

    def out_of_order(self) -> list[tuple[str, str]]:
        """Nodes without input that share memory with others, so that the order of calls counts."""
        return self.functions.sharing(
            obj
            for obj in self._stand_ins
            if isinstance(obj, nengo.Node) and not obj.size_in
        )  # fmt: skip

    def _stand_in(self, obj: Any, called: Called) -> Any:
        in_turn = called.has_input or self._sources_in_turn
        turn = _Turn(self.functions, obj, self._n_lanes if in_turn else 1)
        if isinstance(called.function, nengo.Process):
            return _ProcessInTurn(turn, called.function, self._n_lanes)
        return _FunctionInTurn(turn, called.function)


def _is_built_as_node(node: nengo.Node) -> bool:
    """Whether Nengo's own builder takes the output; others keep state in signals."""
    kinds = [kind for kind in type(node).__mro__ if kind in Builder.builders]
    return bool(kinds) and kinds[0] is nengo.Node


def _is_called(conn: nengo.Connection) -> bool:
    """Whether a Connection's function is called at every step, not only solved for."""
    pre = conn.pre_obj
    return isinstance(pre, nengo.Node) or (
        isinstance(pre, nengo.Ensemble) and isinstance(pre.neuron_type, nengo.Direct)
    )


class _Turn:
    """Whose turn it is."""

    def __init__(self, functions: NodeFunctions, key: Any, n_lanes: int):
        self._functions, self._key, self.n_lanes = functions, key, n_lanes
        self.restart()

    def restart(self) -> None:
        """The first lane's."""
        self._next = 0
        self._own: Sequence[Any] = self._functions.of(self._key) or ()

    def take(self) -> Any:
        """The copy of the lane whose turn it is."""
        lane, self._next = self._next, (self._next + 1) % self.n_lanes
        return self._own[lane]


class _FunctionInTurn:
    """Calls the copy of one lane after the other."""

    def __init__(self, turn: _Turn, function: Any):
        self.turn = turn
        self.__name__ = getattr(function, "__name__", type(function).__name__)

    def __call__(self, *arguments: Any) -> Any:
        return self.turn.take()(*arguments)


class _ProcessInTurn(nengo.Process):
    """Makes the steps of one lane after the other from its copy of a process."""

    def __init__(self, turn: _Turn, process: nengo.Process, n_lanes: int):
        super().__init__(process.default_size_in, process.default_size_out,
                         process.default_dt, process.seed)  # fmt: skip
        self.turn, self._process = turn, process
        turn.n_lanes = n_lanes  # steps are made for every lane, with input or without

    def make_state(self, *arguments: Any, **keywords: Any) -> Any:
        return self._process.make_state(*arguments, **keywords)

    def make_step(self, *arguments: Any, **keywords: Any) -> Any:
        return self.turn.take().make_step(*arguments, **keywords)

    def get_rng(self, rng: Any) -> Any:
        return self._process.get_rng(rng)
