"""Nodes that filter their input, element by element or all together, and answer within the step.

A synapse of Nengo answers one step late, and has one time constant. The filter layers of
KerasSpiking do neither: their output at a step has that step's input in it, and once they
are trained, each element has a time constant and an initial level of its own.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from .host_node import OnHost, OnHostNode


class ElementFilter(OnHost):
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
        self.initial: np.ndarray = np.zeros_like(self.b)
        if initial is not None:
            self.initial = np.asarray(initial, float)

    @property
    def size_in(self) -> int:
        """Number of elements."""
        return self.b.shape[1]

    size_out = size_in

    @property
    def operations(self) -> int:  # type: ignore[override]
        """Multiplications of one step."""
        return int(self.a.size + self.b.size + self.c.size)

    def step(self, state: Any, x: np.ndarray) -> np.ndarray:
        state[...] = np.einsum("ijk,jk->ik", self.a, state) + self.b * x
        return (self.c * state).sum(axis=0)

    __call__ = step

    def step_batch(self, state: Any, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        a, b, c = (tf.constant(m, x.dtype) for m in (self.a, self.b, self.c))
        state = tf.einsum("ijk,mjk->mik", a, state) + b * x[:, None]
        return state, tf.reduce_sum(c * state, axis=1)


class StateSpace(OnHost):
    """A linear memory of a signal.

    ``state = A state + B input``, and the output is the state. It starts at zero.

    Parameters
    ----------
    a : array_like of shape (n_states, n_states)
    b : array_like of shape (n_states, size_in)
    """

    def __init__(self, a: Any, b: Any):
        self.a, self.b = (np.asarray(x, dtype=np.float64) for x in (a, b))
        self.initial: np.ndarray = np.zeros(len(self.a))

    @property
    def size_in(self) -> int:
        """Number of values of its input."""
        return self.b.shape[1]

    @property
    def size_out(self) -> int:
        """Number of values that it holds."""
        return len(self.a)

    @property
    def operations(self) -> int:  # type: ignore[override]
        """Multiplications of one step: none with zeros, as between windows of their own."""
        return int(np.count_nonzero(self.a) + np.count_nonzero(self.b))

    def step(self, state: Any, x: np.ndarray) -> np.ndarray:
        state[...] = self.a @ state + self.b @ x
        return state

    def step_batch(self, state: Any, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        a, b = (tf.constant(m.T, x.dtype) for m in (self.a, self.b))
        state = state @ a + x @ b
        return state, state


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


class FilterNode(OnHostNode):
    """A Node whose output is its input through a filter, without a delay.

    Runs in ``nengo.Simulator``, in NengoDL and on NengoLoihi's host.

    Parameters
    ----------
    linear_filter : ElementFilter or StateSpace
    label : str, optional

    Attributes
    ----------
    operations : int
        Operations that the host makes at every time step.
    """

    def __init__(self, linear_filter: ElementFilter | StateSpace, label: str | None = None):
        super().__init__(
            output=_Filtering(linear_filter), size_in=linear_filter.size_in, label=label
        )

    @property
    def hosted(self) -> ElementFilter | StateSpace:
        """The filter."""
        return self.output.linear_filter


class _Filtering:
    """A filter with its state, as the function of a Node: for builders other than ours."""

    def __init__(self, linear_filter: ElementFilter | StateSpace):
        self.linear_filter = linear_filter
        self._state = linear_filter.initial.copy()

    def __call__(self, t: float, x: np.ndarray) -> np.ndarray:
        if t <= 0:  # Nengo asks for the size of the output
            return np.zeros(self.linear_filter.size_out)
        return self.linear_filter.step(self._state, x)
