"""Nengo's linear filters as they step, and those whose state is their output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import nengo
import numpy as np
from nengo.builder.processes import SimProcess

#: The kinds of steps that Nengo's linear filters have.
STEPS: Any = nengo.LinearFilter


def is_linear_filter(op: Any) -> bool:
    """Whether a process is one of Nengo's linear filters, also a subclass that steps likewise."""
    kind = next(k for k in type(op.process).__mro__ if "make_step" in vars(k))
    return kind is nengo.LinearFilter and op.input is not None


def filter_step(op: Any, dt: float) -> Any:
    """The step of a linear filter, as Nengo makes it, on values of its own."""
    state = {name: signal.initial_value.copy() for name, signal in op.state.items()}
    return op.process.make_step(op.input.shape, op.output.shape, dt, None, state)


def filter_numbers(step: Any) -> list[float]:
    """The numbers of a step of a linear filter, in the order that instructions have them."""
    if isinstance(step, STEPS.NoX):
        return [float(step.d)]
    if isinstance(step, STEPS.OneX):
        return [float(step.a), float(step.b)]
    parts = [np.asarray(m, dtype=float).reshape(-1) for m in (step.A, step.B, step.C, step.D)]
    return [float(number) for part in parts for number in part]


def steps_alike(op: Any, process: Any, dt: float) -> bool:
    """Whether another process in place of a filter makes the same instructions, numbers aside."""
    state = process.make_state(op.input.shape, op.output.shape, dt)
    if {name: own.shape for name, own in state.items()} != {
        name: signal.shape for name, signal in op.state.items()
    }:
        return False
    one = filter_step(op, dt)
    two = process.make_step(op.input.shape, op.output.shape, dt, None, state)
    return type(one) is type(two) and len(filter_numbers(one)) == len(filter_numbers(two))


def aliases(steps: Sequence[Any], written: Sequence[Any], dt: float) -> dict[Any, Any]:
    """States of filters that are their outputs, and need no memory of their own.

    From the base of the state to that of the output. Only filters of first order that pass nothing
    on at once are such: with feedthrough the output is another number, and a filter with a step of
    its own may give anything.
    """
    kept = {}
    for op in steps:
        if not isinstance(op, SimProcess) or op.mode == "inc" or not is_linear_filter(op):
            continue
        if not isinstance(filter_step(op, dt), STEPS.OneX):
            continue
        state, output = op.state["X"], op.output
        whole = output.base is output and state.base is state and state.size == output.size
        zero = not (np.any(state.initial_value) or np.any(output.initial_value))
        if whole and zero and written.count(output) == written.count(state) == 1:
            kept[state] = output
    return kept
