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
