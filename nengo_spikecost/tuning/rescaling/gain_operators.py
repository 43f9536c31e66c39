"""The neurons that a scale acts on, and the operators that multiply their inputs with gains."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import nengo
from nengo.builder.operator import Copy, ElementwiseInc


def is_tunable(ensemble: nengo.Ensemble) -> bool:
    """Whether a scale on an Ensemble's input can be divided out of its output."""
    return hasattr(ensemble.neuron_type, "amplitude")


def gain_operators(model: Any, operators: Sequence[Any]) -> list[tuple[nengo.Ensemble, Any]]:
    """The operators that multiply an input of tunable neurons with their gains."""
    inputs = {model.sig[ensemble.neurons]["in"]: ensemble
              for ensemble in model.toplevel.all_ensembles if is_tunable(ensemble)}  # fmt: skip
    copies = {op.src.base: op.dst.base for op in operators if isinstance(op, Copy)}
    multiplying = []
    for op in operators:
        if not isinstance(op, ElementwiseInc) or not op.A.name.endswith(".gains"):
            continue
        # inputs of some neurons in any order are collected first, and then copied
        target = op.Y.base if op.Y.base in inputs else copies.get(op.Y.base)
        if target in inputs:
            multiplying.append((inputs[target], op))
    return multiplying
