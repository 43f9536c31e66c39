"""NIR's neurons as neurons of Nengo: the coefficients of one step.

See `conventions` for the formulas. A node with parameters that all neurons share becomes a neuron
type with numbers, else one with arrays.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from nengo.dists import Choice, Samples

from ..words import counted
from .conventions import Convention
from .discrete_neurons import DiscreteLI, DiscreteLIF
from .graph_reading import Node
from .linear_nodes import Shape

#: Kinds whose neurons fire, and those whose membranes are read.
SPIKING = ("LIF", "IF", "CubaLIF", "Threshold")
GRADED = ("LI", "I", "CubaLI")

#: A factor that differs from a whole number by less than float32 rounds is that number: tools write
#: ``r = tau / dt`` in float32, and mean 1.
ROUNDING = 1e-6


@dataclass(frozen=True)
class Neurons:
    """The neurons of a node.

    Attributes
    ----------
    neuron_type : DiscreteLIF or DiscreteLI
    gain, bias : ndarray of shape (n,)
        Of the Ensemble: what an input is multiplied by, and what is added at each step.
    notes : tuple of str
        What differs from the graph, as clauses.
    """

    neuron_type: Any
    gain: np.ndarray
    bias: np.ndarray
    notes: tuple[str, ...] = ()


def neurons_of(
    node: Node, shape: Shape, convention: Convention, dt: float, amplitude: float, recurrent: bool
) -> Neurons:
    """The neurons of a node.

    Parameters
    ----------
    node : Node
        Of one of the kinds `SPIKING` and `GRADED`.
    shape : tuple of int
    convention : Convention
    dt : float
        Length of a step in the graph's unit of time.
    amplitude : float
        Area of a spike, in Nengo's unit.
    recurrent : bool
        Whether its spikes come back to it.
    """
    if node.kind == "Threshold":
        return _threshold(node, shape, convention, amplitude)
    n = math.prod(shape)
    numbers = _Numbers(node, n, convention, dt)
    decay, gain, leak = numbers.membrane()
    given: dict[str, Any] = {"decay": decay}
    if node.kind in ("CubaLIF", "CubaLI"):
        current_decay, into_current = numbers.current()
        given.update(current_decay=current_decay, current_gain=gain, leak=leak)
        gain, bias = into_current, np.zeros(n)
    else:
        bias = leak
    start = _start(node, n, convention)
    if start is not None:
        given["initial_state"] = {"voltage": start}
    if node.kind in GRADED:
        return Neurons(DiscreteLI(**given), gain, bias)
    reset = reset_of(node.kind, convention, recurrent)
    neuron_type = DiscreteLIF(
        threshold=numbers.field("v_threshold"), reset=reset,
        reset_value=numbers.field("v_reset", 0.0), at_threshold=convention.at_threshold,
        several=convention.several, amplitude=amplitude,
        lowest=-np.inf if convention.lowest is None else convention.lowest, **given,
    )  # fmt: skip
    return Neurons(neuron_type, gain, bias, tuple(numbers.notes))


def _threshold(node: Node, shape: Shape, convention: Convention, amplitude: float) -> Neurons:
    """A spike in every step whose input is above the threshold: a membrane that keeps nothing."""
    n = math.prod(shape)
    threshold = np.broadcast_to(node.array("threshold").ravel(), (n,))
    neuron_type = DiscreteLIF(
        decay=0.0, threshold=threshold, at_threshold=convention.at_threshold, amplitude=amplitude
    )
    return Neurons(neuron_type, np.ones(n), np.zeros(n))


class _Numbers:
    """The coefficients of one step of a node's neurons."""

    def __init__(self, node: Node, n: int, convention: Convention, dt: float):
        self.node, self.n, self.convention, self.dt = node, n, convention, dt
        self.notes: list[str] = []

    def field(self, name: str, default: float | None = None) -> np.ndarray:
        """A field, one number for each neuron."""
        if default is not None and not self.node.has(name):
            if name != "w_in":
                self.notes.append(f"has no {name}, and {default:g} is taken")
            return np.full(self.n, default)
        return self._full(self.node.array(name), name)

    def _full(self, values: np.ndarray, name: str) -> np.ndarray:
        if values.size not in (1, self.n):
            raise self.node.error(
                f"has {counted(values.size, 'value')} of {name} for {counted(self.n, 'neuron')}"
            )
        return np.broadcast_to(values.ravel(), (self.n,))

    def membrane(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Decay, gain and leak of the membrane."""
        if self.node.kind in ("IF", "I"):
            factor = 1.0 if self.convention.plain_if else self.dt
            r = self.field("r", 1.0) * factor
            return np.ones(self.n), _rounded(r), np.zeros(self.n)
        tau = "tau_mem" if self.node.kind.startswith("Cuba") else "tau"
        q, never = self._ratio(tau)
        r = self._full(self.node.array("r", infinite=True), "r")
        if (never & ~np.isinf(r)).any():
            raise self.node.error(f"has an infinite {tau} and an r that is not: nothing comes in")
        if (np.isinf(r) & ~never).any():
            raise self.node.error(f"has an infinite r, and a {tau} that is not")
        decay, moved = self._decay(q), self._gain(q)
        # of r = tau / dt with a tau without end, the product is 1
        gain = np.where(never, 1.0, np.where(never, 0.0, r) * moved)
        if self.convention.gain == "undecayed" and self.node.kind in SPIKING:
            gain = gain / decay
        return decay, _rounded(gain), self.field("v_leak", 0.0) * moved

    def current(self) -> tuple[np.ndarray, np.ndarray]:
        """Decay of the synaptic current, and what it gets of an input."""
        q, never = self._ratio("tau_syn")
        w_in = self._full(np.asarray(self.node.fields.get("w_in", 1.0), dtype=float), "w_in")
        if (np.isinf(w_in) != never).any() and self.convention.current == "gain":
            raise self.node.error("has a tau_syn and a w_in of which only one is infinite")
        if self.convention.current != "gain":
            decay = self._decay(q)
            return decay, w_in * decay if self.convention.current == "decayed jump" else w_in
        gain = np.where(never, 1.0, np.where(never, 0.0, w_in) * self._gain(q))
        return self._decay(q), _rounded(gain)

    def _ratio(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """``dt / tau``, and where there is no decay at all."""
        tau = self._full(self.node.array(name, infinite=True), name)
        tau = tau / self.convention.tau_unit
        if (tau == 0).any() or ((tau < 0).any() and not self.convention.clipped):
            raise self.node.error(f"has a {name} of {tau.min():g}; expected times above 0")
        q = self.dt / tau
        if self.convention.clipped and ((q < 0) | (q > 1 + ROUNDING)).any():
            wrong = (q < 0) | (q > 1 + ROUNDING)
            self.notes.append(
                f"has a {name} of {tau[wrong][0]:g}: a decay of {1 - q[wrong][0]:g}, which "
                f"{self.convention.name} cuts to {np.clip(1 - q[wrong][0], 0, 1):g}"
            )
            return q, np.isinf(tau)
        if (q > 1 + ROUNDING).any() and self.convention.decay == "euler":
            raise self.node.error(
                f"has a {name} of {tau.min():g}, less than a step of {self.dt:g}: its membrane "
                "would swing; was the graph made for shorter steps (dt=)?"
            )
        return q, np.isinf(tau)

    def _decay(self, q: np.ndarray) -> np.ndarray:
        if self.convention.clipped:
            return _rounded(np.clip(1 - q, 0, 1))
        return np.exp(-q) if self.convention.decay == "exp" else _rounded(1 - q)

    def _gain(self, q: np.ndarray) -> np.ndarray:
        if self.convention.gain == "plain":
            return np.ones_like(q)
        if self.convention.gain == "exact" and self.convention.decay == "exp":
            return -np.expm1(-q)  # 1 - decay, which an Euler step's q is too
        return q


def _rounded(values: np.ndarray) -> np.ndarray:
    """Numbers that are 0 or 1, but for what float32 rounds, as 0 or 1."""
    nearest = np.clip(np.rint(values), 0, 1)
    return np.where(np.abs(values - nearest) < ROUNDING, nearest, values)


def reset_of(kind: str, convention: Convention, recurrent: bool) -> str:
    """The reset of a kind of neurons as `DiscreteLIF` has it."""
    if convention.reset == "none":
        return "none"
    if convention.reset == "subtract":
        at_once = "subtract_owed" if convention.owed else "subtract"
        return "subtract_later" if convention.delayed else at_once
    # a delayed reset to a value comes to the same as one at once, unless the input is lost with it
    skips = convention.skips_input and (kind == "CubaLIF" or recurrent)
    return "value_skip" if convention.delayed and skips else "value"


def _start(node: Node, n: int, convention: Convention) -> Any:
    """What membranes start at, if that is not 0."""
    if convention.start == "zero" or not node.has(convention.start):
        return None
    values = np.broadcast_to(node.array(convention.start).ravel(), (n,))
    if not values.any():
        return None
    return Choice([float(values[0])]) if (values == values[0]).all() else Samples(values)
