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
from collections.abc import Sequence
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


def pool_windows(
    space: Sequence[int], pool_size: Sequence[int], strides: Sequence[int], padding: str
) -> list[tuple[int, int, int]]:
    """Of each axis the number of windows, and of padded elements before and after, as in Keras."""
    result = []
    for n, k, s in zip(space, pool_size, strides):
        windows = -(-n // s) if padding == "same" else (n - k) // s + 1
        missing = max((windows - 1) * s + k - n, 0)
        result.append((windows, missing // 2, missing - missing // 2))
    return result


class MaxPool(HostFunction):
    """The largest value of each window, channel by channel.

    Parameters
    ----------
    shape_in : tuple of int
        Spatial shape and channels; with 1, 2 or 3 spatial axes.
    pool_size, strides : sequence of int
        One number per spatial axis.
    padding : {"valid", "same"}
        As in Keras: padded elements are never the largest.
    channels_last : bool
        Whether the channels are the last axis, or the first.
    """

    name = "max pooling"

    def __init__(
        self, shape_in: Sequence[int], pool_size: Sequence[int], strides: Sequence[int],
        padding: str = "valid", channels_last: bool = True,
    ):  # fmt: skip
        self.shape_in = tuple(int(n) for n in shape_in)
        self.pool_size = tuple(int(n) for n in pool_size)
        self.strides = tuple(int(n) for n in strides)
        self.padding = padding
        self.channels_last = channels_last
        *space, channels = self._last(self.shape_in)
        windows, *pads = zip(*pool_windows(space, self.pool_size, self.strides, padding))
        self._pad = [*zip(*pads), (0, 0)]
        self.shape_out = (*windows, channels) if channels_last else (channels, *windows)
        # comparisons; padded elements are compared too
        self.operations = self.size_out * (math.prod(self.pool_size) - 1)

    def of_sample(self, x: np.ndarray) -> np.ndarray:
        image = x if self.channels_last else np.moveaxis(x, 0, -1)
        image = np.pad(image, self._pad, constant_values=-np.inf)
        space = tuple(range(len(self.pool_size)))
        view: Any = np.lib.stride_tricks.sliding_window_view
        windows = view(image, self.pool_size, axis=space)
        windows = windows[tuple(slice(None, None, s) for s in self.strides)]
        largest = windows.max(axis=tuple(-1 - axis for axis in space))
        return largest if self.channels_last else np.moveaxis(largest, -1, 0)

    def of_batch(self, x: tf.Tensor) -> tf.Tensor:
        if not self.channels_last:  # not every processor pools channels that come first
            x = tf.transpose(x, [0, *range(2, x.shape.rank), 1])
        largest = tf.nn.max_pool(x, self.pool_size, self.strides, self.padding.upper())
        if not self.channels_last:
            rank = largest.shape.rank
            largest = tf.transpose(largest, [0, rank - 1, *range(1, rank - 1)])
        return largest

    def _last(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return shape if self.channels_last else (*shape[1:], shape[0])


class Softmax(HostFunction):
    """Exponentials divided by their sum.

    Parameters
    ----------
    shape : tuple of int
        Shape of one sample, before and after.
    axes : sequence of int
        Axes of one sample that are summed over; may count from the end.
    """

    name = "softmax"

    def __init__(self, shape: Sequence[int], axes: Sequence[int] = (-1,)):
        self.shape_in = self.shape_out = tuple(int(n) for n in shape)
        self.axes = tuple(axis % len(self.shape_in) for axis in axes)
        # maximum, difference, exponential, sum, division: one of each an element
        self.operations = 5 * self.size_out

    def of_sample(self, x: np.ndarray) -> np.ndarray:
        powers = np.exp(x - x.max(axis=self.axes, keepdims=True))
        return powers / powers.sum(axis=self.axes, keepdims=True)

    def of_batch(self, x: tf.Tensor) -> tf.Tensor:
        axes = [1 + axis for axis in self.axes]
        if len(axes) == 1:
            return tf.nn.softmax(x, axis=axes[0])
        return tf.exp(x - tf.reduce_logsumexp(x, axis=axes, keepdims=True))


class Sigmoid(HostFunction):
    """``1 / (1 + exp(-x))`` of each element.

    Parameters
    ----------
    shape : tuple of int
        Shape of one sample, before and after.
    """

    name = "sigmoid"

    def __init__(self, shape: Sequence[int]):
        self.shape_in = self.shape_out = tuple(int(n) for n in shape)
        # exponential, addition, division: one of each an element
        self.operations = 3 * self.size_out

    def of_sample(self, x: np.ndarray) -> np.ndarray:
        return 0.5 * (1 + np.tanh(0.5 * x))  # the same, and no large exponential

    def of_batch(self, x: tf.Tensor) -> tf.Tensor:
        return tf.sigmoid(x)


class Tanh(HostFunction):
    """The hyperbolic tangent of each element.

    Parameters
    ----------
    shape : tuple of int
        Shape of one sample, before and after.
    """

    name = "tanh"

    def __init__(self, shape: Sequence[int]):
        self.shape_in = self.shape_out = tuple(int(n) for n in shape)
        # exponential, two additions, division: one of each an element
        self.operations = 4 * self.size_out

    def of_sample(self, x: np.ndarray) -> np.ndarray:
        return np.tanh(x)

    def of_batch(self, x: tf.Tensor) -> tf.Tensor:
        return tf.tanh(x)


class Extreme(HostFunction):
    """The largest or smallest value along some axes.

    Parameters
    ----------
    shape_in : tuple of int
        Shape of one sample.
    axes : sequence of int
        Axes of one sample.
    keepdims : bool
        Whether these axes stay, with length 1.
    largest : bool
    """

    def __init__(
        self, shape_in: Sequence[int], axes: Sequence[int], keepdims: bool, largest: bool
    ):  # fmt: skip
        self.name = "largest value" if largest else "smallest value"
        self.shape_in = tuple(int(n) for n in shape_in)
        self.axes, self.keepdims, self.largest = tuple(axes), keepdims, largest
        kept = [1 if i in self.axes else n for i, n in enumerate(self.shape_in)]
        self.shape_out = tuple(n for i, n in enumerate(kept) if keepdims or i not in self.axes)
        self.operations = self.size_in - self.size_out  # comparisons

    def of_sample(self, x: np.ndarray) -> np.ndarray:
        extreme = np.max if self.largest else np.min
        return np.asarray(extreme(x, axis=self.axes, keepdims=self.keepdims))

    def of_batch(self, x: tf.Tensor) -> tf.Tensor:
        extreme = tf.reduce_max if self.largest else tf.reduce_min
        return extreme(x, axis=[1 + axis for axis in self.axes], keepdims=self.keepdims)


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
