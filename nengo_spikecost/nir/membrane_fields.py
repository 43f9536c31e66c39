"""Fields of a NIR neuron whose step is that of a `Membrane`, for a given reader.

NIR's own equations (and a `Convention`) have a field for everything, so weights stay as they are.
Tools look at few fields. For them neurons are written in another variable, ``u = k (v - v_reset)``,
which fires and is reset at the same steps::

    v  <-  a v + b i + c                    i = g W x + B: gain, weights, bias of the Ensemble
    u  <-  a u + k b i + k (c - (1 - a) v_reset)

so that the reset is at 0, and what is constant goes into the bias of the weights. ``k`` is free: it
leaves the weights as they are if the thresholds ``k (v_threshold - v_reset)`` come out all the
same, and makes the thresholds 1 if not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .conventions import Convention
from .neuron_nodes import ROUNDING, reset_of
from .tool_readers import Reader
from .written_neurons import Membrane

#: A leak without end, for tools that have no field for it: in float32 nothing is lost in a step.
NO_LEAK = 2.0**30


@dataclass(frozen=True)
class Fields:
    """A NIR neuron's fields, and what its weights have to be.

    Attributes
    ----------
    kind : str
    arrays : dict from str to ndarray of shape (n,)
    scale : ndarray of shape (n,)
        What the weights into each neuron are multiplied by.
    bias : ndarray of shape (n,)
        What is added to the input of each, besides.
    differences : tuple of str
        What the reader's neurons do otherwise, as clauses.
    notes : tuple of str
        What is worth a word, and makes no difference but in ties.
    """

    kind: str
    arrays: dict[str, np.ndarray]
    scale: np.ndarray
    bias: np.ndarray
    differences: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Given:
    """What a population is, before it is written.

    Attributes
    ----------
    membrane : Membrane
    gain, bias : ndarray of shape (n,)
        Of the Ensemble: ``J = gain W x + bias``.
    filter_decay : float
        Of a Lowpass filter on all of its inputs, what is left after a step; 0 without one.
    recurrent : bool
        Whether spikes come back to it.
    """

    membrane: Membrane
    gain: np.ndarray
    bias: np.ndarray
    filter_decay: float = 0.0
    recurrent: bool = False

    @property
    def own_current(self) -> bool:
        """Whether the neurons have a synaptic current by themselves."""
        return bool(self.membrane.current_decay.any())


def fields_of(given: Given, reader: Reader, dt: float) -> Fields:
    """The fields of a population.

    Parameters
    ----------
    given : Given
    reader : Reader
    dt : float
        Length of a step in the unit of the graph's time constants.
    """
    normal = reader.is_tool and not given.membrane.graded  # tools read no membranes
    fields = _normal(given, reader, dt) if normal else _plain(given, reader, dt)
    own, notes = _other_steps(given, reader, fields)
    differences = (*given.membrane.differences, *own, *fields.differences)
    return Fields(fields.kind, fields.arrays, fields.scale, fields.bias, differences, notes)


def _other_steps(
    given: Given, reader: Reader, fields: Fields
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What of reset, start and threshold the reader has otherwise."""
    membrane, convention, name = given.membrane, reader.convention, reader.called
    differences: list[str] = []
    notes: list[str] = []
    start = membrane.start
    if not membrane.graded:
        read = reset_of(fields.kind, convention, given.recurrent)
        if read != membrane.reset:
            differences.append(
                f"resets by {_RESETS[membrane.reset]}, where {name} resets by {_RESETS[read]}"
            )
        if membrane.several != convention.several:
            here, there = (_SEVERAL[k] for k in (membrane.several, convention.several))
            differences.append(f"fires {here} in a step, where {name} fires {there}")
        lowest = -np.inf if convention.lowest is None else convention.lowest
        if membrane.lowest != lowest:
            differences.append(
                f"keeps its membrane from falling below {membrane.lowest:g}, where {name}'s has "
                f"{'no such floor' if lowest == -np.inf else f'a floor of {lowest:g}'}"
            )
        if membrane.at_threshold != convention.at_threshold:
            own, other = (">=", ">") if membrane.at_threshold else (">", ">=")
            notes.append(f"fires at v {own} threshold, and {name} at v {other} threshold")
        if reader.is_tool and membrane.reset == "value":
            start = start - membrane.reset_value
    read_start = fields.arrays.get(convention.start, 0.0)
    scale = np.abs(membrane.threshold[np.isfinite(membrane.threshold)]).max(initial=0.0)
    if np.abs(start - read_start).max() > ROUNDING * scale:
        differences.append(f"starts with membranes that are not where {name} has them")
    return tuple(differences), tuple(notes)


_SEVERAL = {True: "several times", False: "once"}
_RESETS = {
    "value": "setting it to a value", "subtract": "subtracting the threshold", "none": "nothing",
    "value_skip": "setting it to a value for a whole step",
    "subtract_owed": "subtracting the threshold, and in the next step what is left",
    "subtract_later": "subtracting the threshold in the next step",
}  # fmt: skip


def _plain(given: Given, reader: Reader, dt: float) -> Fields:
    """By NIR's equations, stepped as a convention says."""
    m, convention, ones = given.membrane, reader.convention, np.ones(len(given.gain))
    steps = _Steps(convention, dt)
    gain = m.gain * (1.0 if given.own_current else given.gain)
    constant = m.leak + (0.0 if given.own_current else m.gain * given.bias)
    scale, bias = ones, 0.0 * ones
    differences: tuple[str, ...] = ()
    tau, moved, endless = steps.tau(m.decay)
    cuba = given.own_current or given.filter_decay > 0
    arrays: dict[str, np.ndarray]
    if endless.all() and not cuba:
        arrays = {"r": gain / (1.0 if convention.plain_if else dt)}
        kind = "I" if m.graded else "IF"
        bias = _divided(constant, gain)
    else:
        # without a leak there is no field for the gain: what comes in counts once
        into = moved
        if convention.gain == "undecayed" and not m.graded:
            into = moved / np.where(endless, 1.0, m.decay)
        r = np.where(endless, np.inf, gain / np.where(endless, 1.0, into))
        scale = np.where(endless, gain, 1.0)
        v_leak = np.where(endless, 0.0, constant / np.where(endless, 1.0, moved))
        bias = np.where(endless, _divided(constant, gain), 0.0)
        arrays = {("tau_mem" if cuba else "tau"): tau, "r": r, "v_leak": v_leak}
        kind = "LI" if m.graded else "LIF"
    if cuba:
        kind = f"Cuba{kind}"
        if bias.any() and not given.own_current:
            differences = (_UNFILTERED,)
        current = m.current_decay if given.own_current else given.filter_decay * ones
        into = given.gain if given.own_current else 1 - current
        arrays["tau_syn"], moved, never = steps.tau(current)
        if convention.current == "gain":
            arrays["w_in"] = into / np.where(never, 1.0, moved)
        else:
            jump = 1.0 if convention.current == "jump" else current
            arrays["w_in"] = into / jump
        arrays["w_in"] = np.where(never, np.inf, arrays["w_in"])
        scale = np.where(never, scale * into, scale)
        if given.own_current:
            bias = bias + _divided(given.bias, given.gain)
    if not m.graded:
        arrays |= {"v_threshold": m.threshold, "v_reset": m.reset_value}
        if m.reset not in ("value", "value_skip"):
            arrays["v_reset"] = 0.0 * ones
    return Fields(kind, arrays, scale, bias, differences)


_UNFILTERED = (
    "has a bias beside its filtered inputs, which is filtered, too, where it is read: it takes a "
    "few time constants to get there"
)


def _normal(given: Given, reader: Reader, dt: float) -> Fields:
    """In the normal form of tools."""
    m, n = given.membrane, len(given.gain)
    q = np.where(np.abs(1 - m.decay) < ROUNDING / 1e3, 0.0, 1 - m.decay)
    integrates = not q.any() and reader.reads("IF")
    base = m.reset_value if m.reset in ("value", "value_skip") else np.zeros(n)
    cuba = given.own_current or given.filter_decay > 0
    integrates = integrates and not cuba
    current = m.current_decay if given.own_current else np.full(n, given.filter_decay)
    # 1. what the weights have to be multiplied by, with k = 1
    q = np.where(q == 0, 1 / NO_LEAK, q)
    scale = m.gain * given.gain * (1.0 if given.own_current else 1 - current)
    divided = q if reader.r == "1" and not (cuba or integrates) else np.ones(n)
    # 2. k: weights as they are, or thresholds of 1
    k = np.where(scale == 0, 1.0, divided / np.where(scale == 0, 1.0, scale))
    threshold = k * (m.threshold - base)
    alike = np.ptp(threshold) <= ROUNDING * np.abs(threshold).max()
    # readers compare thresholds bit by bit
    threshold = np.full(n, threshold[0] if alike and (scale > 0).all() else 1.0)
    k = threshold / (m.threshold - base)
    # 3. what is constant
    leak = m.leak - (1 - m.decay) * base
    differences: tuple[str, ...] = ()
    if given.own_current:
        bias, beside = k * m.gain * given.bias, k * leak
    else:
        bias, beside = np.zeros(n), k * (m.gain * given.bias + leak)
    if cuba and np.abs(beside).max() > ROUNDING * np.abs(k * m.threshold).max():
        differences = (_UNFILTERED,)
    bias = bias + beside * (1 - current if cuba else 1.0) / divided
    arrays = {"v_threshold": threshold, "v_reset": np.zeros(n)}
    if integrates:
        return Fields("IF", {"r": np.full(n, 1 / dt), **arrays}, k * scale, bias, differences)
    tau = dt / q
    arrays["v_leak"] = np.zeros(n)
    if not cuba:
        r = np.ones(n) if reader.r == "1" else tau / dt
        return Fields("LIF", {"tau": tau, "r": r, **arrays}, k * scale / divided, bias, differences)
    tau_syn = dt / np.where(1 - current <= 0, 1 / NO_LEAK, 1 - current)
    arrays |= {"tau_mem": tau, "r": tau / dt, "tau_syn": tau_syn, "w_in": tau_syn / dt}
    return Fields("CubaLIF", arrays, k * scale, bias, differences)


class _Steps:
    """Time constants under a convention."""

    def __init__(self, convention: Convention, dt: float):
        self.convention, self.dt = convention, dt

    def tau(self, decay: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Time constants of decays, what of an input comes in, and where there is no decay."""
        endless = np.abs(1 - decay) < ROUNDING / 1e3
        safe = np.where(endless, 0.5, decay)
        q = -np.log(safe) if self.convention.decay == "exp" else 1 - safe
        moved = -np.expm1(-q) if self.convention.gain == "exact" else q
        if self.convention.gain == "plain":
            moved = np.ones_like(q)
        tau = self.dt / q * self.convention.tau_unit
        return np.where(endless, np.inf, tau), moved, endless


def _divided(values: Any, by: np.ndarray) -> np.ndarray:
    """A constant of the membrane as one of its input."""
    return np.divide(values, by, out=np.zeros(len(by)), where=by != 0)
