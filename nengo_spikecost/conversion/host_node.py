"""Layers that neurons can't compute, run exactly on the host, in every simulator.

A Node here is known in two forms: NumPy for one sample, which ``nengo.Simulator`` and the host of
NengoLoihi run, and TensorFlow for a whole batch, which NengoDL runs and can differentiate. One
operator, `SimOnHost`, serves Nodes without a state (`HostNode`) and with one (`FilterNode`): it
answers within the step, where a Node with a Python function would be called sample by sample in
NengoDL, without a gradient.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any, Callable

import nengo
import nengo_dl
import numpy as np
import tensorflow as tf
from nengo.builder import Builder, Operator, Signal
from nengo.builder.operator import Reset


class OnHost(ABC):
    """A function of a layer's values and, maybe, of a state, in NumPy and in TensorFlow.

    Attributes
    ----------
    initial : ndarray, optional
        The state before the first step; None: the function has no state.
    operations : int
        Elementary operations of one step.
    """

    initial: np.ndarray | None = None
    operations: int

    @abstractmethod
    def step(self, state: np.ndarray | None, x: np.ndarray) -> np.ndarray:
        """The output, shape (size_out,), of an input, shape (size_in,); changes the state."""

    @abstractmethod
    def step_batch(self, state: tf.Tensor | None, x: tf.Tensor) -> tuple[Any, tf.Tensor]:
        """The state afterwards and the outputs; everything has a batch axis first."""


class OnHostNode(nengo.Node):
    """A Node that computes an `OnHost` function.

    Attributes
    ----------
    hosted : OnHost
    operations : int
        Operations that the host makes at every time step.
    """

    @property
    def hosted(self) -> OnHost:
        """The function that is computed."""
        raise NotImplementedError

    @property
    def operations(self) -> int:
        """Operations that the host makes at every time step."""
        return self.hosted.operations


class SimOnHost(Operator):
    """Applies an `OnHost` function to a signal within one time step.

    Parameters
    ----------
    hosted : OnHost
    x, output : Signal
        Read and set.
    state : Signal, optional
        Kept from step to step.
    """

    def __init__(
        self, hosted: OnHost, x: Signal, output: Signal, state: Any = None, tag: str | None = None
    ):
        super().__init__(tag=tag)
        self.hosted = hosted
        self.sets = [output]
        self.incs: list[Signal] = []
        self.reads = [x]
        self.updates = [] if state is None else [state]

    # Looked up each time: Nengo's optimizer puts other signals into these lists.

    @property
    def x(self) -> Signal:
        """The signal that is read."""
        return self.reads[0]

    @property
    def output(self) -> Signal:
        """The signal that is set."""
        return self.sets[0]

    @property
    def state(self) -> Any:
        """The signal that is kept from step to step, or None."""
        return self.updates[0] if self.updates else None

    def make_step(self, signals: Any, dt: float, rng: Any) -> Callable[[], None]:
        """The function that ``nengo.Simulator`` calls at every time step."""
        x, output = signals[self.x], signals[self.output]
        state = None if self.state is None else signals[self.state]

        def step_on_host() -> None:
            output[...] = self.hosted.step(state, x)

        return step_on_host


@Builder.register(OnHostNode)
def build_on_host(model: Any, node: OnHostNode) -> None:
    """Build an `OnHostNode`: input, output, the state if there is one, and their operator."""
    x = Signal(shape=node.size_in, name=f"{node}.in")
    output = Signal(shape=node.size_out, name=f"{node}.out")
    initial = node.hosted.initial
    state = None if initial is None else Signal(initial, name=f"{node}.state")
    model.add_op(Reset(x))
    model.add_op(SimOnHost(node.hosted, x, output, state, tag=str(node)))
    model.sig[node]["in"], model.sig[node]["out"] = x, output
    model.params[node] = None


@nengo_dl.builder.Builder.register(SimOnHost)
class SimOnHostBuilder(nengo_dl.builder.OpBuilder):
    """An `OnHost` function on a whole batch, as TensorFlow operations of NengoDL's graph."""

    def build_pre(self, signals: Any, config: Any) -> None:
        """Look up the arrays that are read and set."""
        super().build_pre(signals, config)
        (op,) = self.ops  # operators of this kind are never merged
        self._hosted = op.hosted
        self._x, self._output = signals[op.x], signals[op.output]
        self._state = None if op.state is None else signals[op.state]

    def build_step(self, signals: Any) -> None:
        """Add the operations of one time step."""
        x = signals.gather(self._x)
        state = None if self._state is None else signals.gather(self._state)
        state, output = self._hosted.step_batch(state, x)
        if self._state is not None:
            signals.scatter(self._state, state)
        signals.scatter(self._output, output)


class HostFunction(OnHost):
    """A function of one layer's values, in NumPy and in TensorFlow.

    Attributes
    ----------
    name : str
        Its name in messages: ``"max pooling"``.
    shape_in, shape_out : tuple of int
        Shapes of one sample.
    operations : int
        Elementary operations (comparisons, additions, exponentials, divisions) of one call.
    """

    name: str
    shape_in: tuple[int, ...]
    shape_out: tuple[int, ...]

    @abstractmethod
    def of_sample(self, x: np.ndarray) -> np.ndarray:
        """From an array of shape ``shape_in`` to one of shape ``shape_out``."""

    @abstractmethod
    def of_batch(self, x: tf.Tensor) -> tf.Tensor:
        """From shape (batch_size, \\*shape_in) to (batch_size, \\*shape_out), differentiable."""

    @property
    def size_in(self) -> int:
        """Number of values of one sample before."""
        return math.prod(self.shape_in)

    @property
    def size_out(self) -> int:
        """Number of values of one sample after."""
        return math.prod(self.shape_out)

    def __call__(self, t: float, x: np.ndarray) -> np.ndarray:
        """As the function of a Node."""
        return self.step(None, x)

    def step(self, state: Any, x: np.ndarray) -> np.ndarray:
        return self.of_sample(np.reshape(x, self.shape_in)).ravel()

    def step_batch(self, state: Any, x: tf.Tensor) -> tuple[None, tf.Tensor]:
        outputs = self.of_batch(tf.reshape(x, (x.shape[0], *self.shape_in)))
        return None, tf.reshape(outputs, (x.shape[0], -1))


class HostNode(OnHostNode):
    """A Node that computes a `HostFunction`: exactly, and not on the chip.

    It is no passthrough Node: pathways that lead to it end here, and its outputs are graded
    values.

    Parameters
    ----------
    function : HostFunction
    label : str, optional

    Attributes
    ----------
    function : HostFunction
    operations : int
        Operations that the host makes at every time step.
    """

    def __init__(self, function: HostFunction, label: str | None = None):
        super().__init__(
            output=function, size_in=function.size_in, size_out=function.size_out, label=label
        )

    @property
    def function(self) -> HostFunction:
        """The function that is computed."""
        return self.output

    hosted = function
