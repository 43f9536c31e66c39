"""Nested graphs as they are published with NIR's paper, written here by hand, at a small size.

Read from paper/03_rnn/extras of the NIR repository (7232ada): files and the script that made them.
What the network does is computed in NumPy, from what paper/03_rnn/README.md says of it: snnTorch's
equations with a reset in the same step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import nir
import numpy as np
from nir_recording_file import Recording
from nir_recording_numpy import Layer, Step, convention, linear, matrix, written

PAPER = "NIR 7232ada, paper/03_rnn"
DT = 1e-4
ALPHA, BETA = 0.75, 0.875


def recurrent_synaptic(weight: np.ndarray, bias: np.ndarray) -> Callable[[Any], Step]:
    """i = alpha i + x + W z + b; v = beta v + i; z = v > 1, where v is set to zero."""

    def make(kind: Any) -> Step:
        state = {name: np.zeros((), kind) for name in ("i", "v", "z")}

        def step(x: np.ndarray) -> np.ndarray:
            back = state["z"] @ weight.T.astype(kind) if state["z"].ndim else 0.0
            state["i"] = ALPHA * state["i"] + x + back + bias.astype(kind)
            v = BETA * state["v"] + state["i"]
            state["z"] = (v > 1).astype(kind)
            state["v"] = np.where(v > 1, 0, v).astype(kind)
            return state["z"]

        return step

    return make


def network(cell: str) -> Callable[[np.random.Generator], tuple[list[Layer], Callable[[], Any]]]:
    """``cell`` is the name of the inner node that edges call ``lif``."""

    def make(rng: np.random.Generator) -> tuple[list[Layer], Callable[[], Any]]:
        into, back, out = (
            matrix(rng, 8, 6, gain=0.5),
            matrix(rng, 8, 8, gain=0.3),
            matrix(rng, 3, 8),
        )
        back = (back - 0.1).astype(np.float32)
        bias = rng.normal(0.0, 0.1, 8).astype(np.float32)
        layers: list[Layer] = [
            ("fc1", linear(into), False),
            (f"lif1.{cell}", recurrent_synaptic(back, bias), True),
            ("fc2", linear(out), False),
        ]

        def graph() -> Any:
            tau_syn, tau_mem = DT / (1 - ALPHA), DT / (1 - BETA)
            neurons = nir.CubaLIF(
                tau_syn=np.full(8, tau_syn),
                tau_mem=np.full(8, tau_mem),
                r=np.full(8, tau_mem / DT),
                v_leak=np.zeros(8),
                v_threshold=np.ones(8),
                w_in=np.full(8, tau_syn / DT),
            )
            inner = nir.NIRGraph(
                {
                    "input": nir.Input(np.array([8])),
                    cell: neurons,
                    "lin": nir.Affine(back, bias),
                    "output": nir.Output(np.array([8])),
                },
                [("input", "lif"), ("lif", "lin"), ("lin", "lif"), ("lif", "output")],
                type_check=False,
            )
            nodes = {
                "input": nir.Input(np.array([6])),
                "fc1": nir.Linear(into),
                "lif1": inner,
                "fc2": nir.Linear(out),
                "output": nir.Output(np.array([3])),
            }
            names = list(nodes)
            return nir.NIRGraph(nodes, list(zip(names[:-1], names[1:])), type_check=False)

        return layers, graph

    return make


def recordings() -> Iterator[Recording]:
    how = convention(
        ">", "zero", "i = alpha i + x + W z(one step ago) + b; v = beta v + i (the new i)"
    )
    for name, cell, odd in [
        ("nested", "lif", []),
        ("nested_misnamed", "lif1", ["inner edges call the node lif1 by the name lif"]),
    ]:
        yield written("nir-paper", PAPER, name, network(cell), how, DT, odd=odd, lost=["the reset"])


def refused() -> Iterator[tuple[str, Callable[[], Any]]]:
    """Nothing that can be known without running it."""
    yield from ()
