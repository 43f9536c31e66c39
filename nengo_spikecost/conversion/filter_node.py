"""A Node that filters each of its elements by itself, and answers within the step.

A synapse of Nengo answers one step late, and has one time constant. The filter layers of
KerasSpiking do neither: their output at a step has that step's input in it, and once they
are trained, each element has a time constant and an initial level of its own.
"""

from __future__ import annotations

from typing import Any, Callable

import nengo
import nengo_dl
import numpy as np
import tensorflow as tf
from nengo.builder import Builder, Operator, Signal
from nengo.builder.operator import Reset


class ElementFilter:
    """A discrete linear filter for each element of a signal.

    ``state = A state + B input`` and then ``output = C state``, element by element.

    Parameters
    ----------
    a : array_like of shape (n_states, n_states, size)
    b, c : array_like of shape (n_states, size)
    initial : array_like of shape (n_states, size), optional
        The state before the first step. Default: zeros.
    """

    def __init__(self, a: Any, b: Any, c: Any, initial: Any = None):
        self.a, self.b, self.c = (np.asarray(x, dtype=np.float64) for x in (a, b, c))
        self.initial = np.zeros_like(self.b) if initial is None else np.asarray(initial, float)

    @property
    def size(self) -> int:
        """Number of elements."""
        return self.b.shape[1]

    @property
    def operations(self) -> int:
        """Multiplications of one step."""
        return int(self.a.size + self.b.size + self.c.size)

    def __call__(self, state: np.ndarray, x: np.ndarray) -> np.ndarray:
        """One step: changes the state, shape (n_states, size), and gives the output."""
        state[...] = np.einsum("ijk,jk->ik", self.a, state) + self.b * x
        return (self.c * state).sum(axis=0)


def lowpass_filter(tau: np.ndarray, level: np.ndarray, dt: float) -> ElementFilter:
    """First-order low-pass filters, with inputs that are held for a step.

    Parameters
    ----------
    tau, level : ndarray of shape (size,)
        Time constants in s, and levels before the first step.
    dt : float
        Length of a step in s.
    """
    stays = np.exp(-dt / np.maximum(tau, 1e-8))
    return ElementFilter(stays[None, None], (1 - stays)[None], np.ones_like(stays)[None], [level])


def alpha_filter(tau: np.ndarray, level: np.ndarray, dt: float) -> ElementFilter:
    """Second-order low-pass filters with two equal time constants; see `lowpass_filter`.

    With ``x`` the output and ``v`` its slope, ``tau ** 2 dv/dt = u - x - 2 tau v``, exact for
    inputs ``u`` that are held for a step. They begin at their level, with a slope of zero.
    """
    tau = np.maximum(tau, 1e-8)
    ratio = dt / tau
    decay = np.exp(-ratio)
    slope = [decay * (1 - ratio), -decay * ratio / tau]
    value = [decay * dt, decay * (1 + ratio)]
    b = [decay * ratio / tau, 1 - decay * (1 + ratio)]
    c = [np.zeros_like(tau), np.ones_like(tau)]
    # KerasSpiking keeps the slope as the first state
    return ElementFilter([slope, value], b, c, [np.zeros_like(tau), level])


class FilterNode(nengo.Node):
    """A Node whose output is its input through an `ElementFilter`, without a delay.

    Runs in ``nengo.Simulator``, in NengoDL and on NengoLoihi's host.

    Parameters
    ----------
    element_filter : ElementFilter
    label : str, optional

    Attributes
    ----------
    operations : int
        Operations that the host makes at every time step.
    """

    def __init__(self, element_filter: ElementFilter, label: str | None = None):
        size = element_filter.size
        super().__init__(output=_Filtering(element_filter), size_in=size, label=label)

    @property
    def element_filter(self) -> ElementFilter:
        """The filter."""
        return self.output.element_filter

    @property
    def operations(self) -> int:
        """Operations that the host makes at every time step."""
        return self.element_filter.operations


class _Filtering:
    """A filter with its state, as the function of a Node: where no builder of ours is asked."""

    def __init__(self, element_filter: ElementFilter):
        self.element_filter = element_filter
        self._state = element_filter.initial.copy()

    def __call__(self, t: float, x: np.ndarray) -> np.ndarray:
        if t <= 0:  # Nengo asks for the size of the output
            return np.zeros(self.element_filter.size)
        return self.element_filter(self._state, x)


class SimFilter(Operator):
    """Applies an `ElementFilter` to a signal within one time step.

    Parameters
    ----------
    element_filter : ElementFilter
    x, output, state : Signal
        Read, set, and kept.
    """

    def __init__(
        self,
        element_filter: ElementFilter,
        x: Signal,
        output: Signal,
        state: Signal,
        tag: str | None = None,
    ):
        super().__init__(tag=tag)
        self.element_filter = element_filter
        self.sets = [output]
        self.incs: list[Signal] = []
        self.reads = [x]
        self.updates = [state]

    @property
    def x(self) -> Signal:
        """The signal that is read."""
        return self.reads[0]

    @property
    def output(self) -> Signal:
        """The signal that is set."""
        return self.sets[0]

    @property
    def state(self) -> Signal:
        """The signal that is kept from step to step."""
        return self.updates[0]

    def make_step(self, signals: Any, dt: float, rng: Any) -> Callable[[], None]:
        """The function that ``nengo.Simulator`` calls at every time step."""
        x, output, state = signals[self.x], signals[self.output], signals[self.state]

        def step_filter() -> None:
            output[...] = self.element_filter(state, x)

        return step_filter


@Builder.register(FilterNode)
def build_filter_node(model: Any, node: FilterNode) -> None:
    """Build a `FilterNode`: its input, its state, its output, and the operator between them."""
    x = Signal(shape=node.size_in, name=f"{node}.in")
    output = Signal(shape=node.size_out, name=f"{node}.out")
    state = Signal(node.element_filter.initial, name=f"{node}.state")
    model.add_op(Reset(x))
    model.add_op(SimFilter(node.element_filter, x, output, state, tag=str(node)))
    model.sig[node]["in"], model.sig[node]["out"] = x, output
    model.params[node] = None


@nengo_dl.builder.Builder.register(SimFilter)
class SimFilterBuilder(nengo_dl.builder.OpBuilder):
    """An `ElementFilter` on a whole batch, as TensorFlow operations of NengoDL's graph."""

    def build_pre(self, signals: Any, config: Any) -> None:
        """Look up the arrays that are read and set."""
        super().build_pre(signals, config)
        (op,) = self.ops  # operators of this kind are never merged
        self._x, self._output, self._state = (signals[s] for s in (op.x, op.output, op.state))
        kept = op.element_filter
        self._a, self._b, self._c = (
            tf.constant(m, signals.dtype) for m in (kept.a, kept.b, kept.c)
        )

    def build_step(self, signals: Any) -> None:
        """Add the operations of one time step."""
        x, state = signals.gather(self._x), signals.gather(self._state)
        state = tf.einsum("ijk,mjk->mik", self._a, state) + self._b * x[:, None]
        signals.scatter(self._state, state)
        signals.scatter(self._output, tf.reduce_sum(self._c * state, axis=1))
