"""Graphs as Rockpool writes them, written here by hand; it is never run.

Each formula is in our words, with the file that it was read from. What the tool would do with an
input is computed in NumPy from its documented equations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import nir
import numpy as np
from nir_recording_file import Recording
from nir_recording_numpy import Layer, Step, chain, convention, linear, matrix, written

#: where it was read
ROCKPOOL = "3.0.3 (42cee1c), rockpool/nn/modules/torch"


def leak(alpha: Any, decayed_input: bool) -> Callable[[Any], Step]:
    """v = alpha v + x, or alpha (v + x); the output is v."""

    def make(kind: Any) -> Step:
        state = {"v": np.zeros((), kind)}
        decay = np.asarray(alpha, dtype=kind)

        def step(x: np.ndarray) -> np.ndarray:
            state["v"] = decay * (state["v"] + x) if decayed_input else decay * state["v"] + x
            return state["v"]

        return step

    return make


def rockpool_neuron(
    alpha: Any, threshold: Any, bias: Any = 0.0, beta: Any = None, recurrent: Any = None
) -> Callable[[Any], Step]:
    """i = beta (i + x + W z); v = alpha v + i + bias; floor(v / threshold) spikes, subtracted."""

    def make(kind: Any) -> Step:
        state: dict[str, Any] = {name: np.zeros((), kind) for name in ("v", "i", "z")}
        decay, level, add = (np.asarray(value, dtype=kind) for value in (alpha, threshold, bias))

        def step(x: np.ndarray) -> np.ndarray:
            if recurrent is not None and state["z"].ndim:
                x = x + state["z"] @ recurrent.astype(kind)
            if beta is not None:
                x = state["i"] = np.asarray(beta, dtype=kind) * (state["i"] + x)
            v = decay * state["v"] + x + add
            state["z"] = ((v >= level) * np.floor(v / level)).astype(kind)
            state["v"] = v - state["z"] * level
            return state["z"]

        return step

    return make


def recordings() -> Iterator[Recording]:
    """tau in seconds, r = tau exp(-dt / tau) / dt, v_leak = 0 (a bias is lost), w_in = 1."""
    dt = 1e-3

    def resistance(tau: np.ndarray) -> np.ndarray:
        return (tau * np.exp(-dt / tau) / dt).astype(np.float32)

    def shapes(nodes: dict[str, Any], size: int) -> Any:
        # sample_data is (1, size), and modules give batch x time x size
        return chain(
            {
                "input": nir.Input(np.array([1, 6])),
                **nodes,
                "output": nir.Output(np.array([1, 1, size])),
            }
        )

    malformed = "input is of shape (1, 6), output of (1, 1, n): batch and time are among them"
    equations = "v = exp(-dt / tau_mem) v + {}; floor(v / threshold) spikes, each subtracts one"

    def lif(rng: np.random.Generator) -> tuple[list[Layer], Callable[[], Any]]:
        tau = np.full(8, 0.01, np.float32)
        weight = matrix(rng, 8, 6)
        layers: list[Layer] = [
            ("0_LinearTorch", linear(weight), False),
            ("1_LIFNeuronTorch", rockpool_neuron(np.exp(-dt / tau), 1.0), True),
        ]
        node = nir.LIF(
            tau=tau, r=resistance(tau), v_leak=np.zeros_like(tau), v_threshold=np.ones_like(tau)
        )
        return layers, lambda: shapes(
            {"0_LinearTorch": nir.Linear(weight), "1_LIFNeuronTorch": node}, 8
        )

    lost = [
        "bias of the neurons",
        "several spikes in one step",
        "reset by subtraction, though v_reset = 0 is written",
        "dt (it follows from r)",
    ]
    yield written(
        "rockpool",
        ROCKPOOL,
        "lif",
        lif,
        convention(">=", "subtract", equations.format("x"), "many"),
        dt,
        odd=[malformed],
        lost=lost,
    )

    def cuba(bias: float, recurrent: bool) -> Any:
        def make(rng: np.random.Generator) -> tuple[list[Layer], Callable[[], Any]]:
            mem = [np.full(8, 0.01, np.float32), np.full(3, 0.02, np.float32)]
            syn = [np.full(8, 0.004, np.float32), np.full(3, 0.005, np.float32)]
            weights = [matrix(rng, 8, 6, gain=0.5), matrix(rng, 3, 8, gain=0.4)]
            w_rec = matrix(rng, 8, 8, gain=0.3) - 0.04 if recurrent else None
            layers: list[Layer] = []
            nodes: dict[str, Any] = {}
            for index in range(2):
                name = f"{2 * index + 1}_LIFTorch"
                decays = np.exp(-dt / mem[index]), np.exp(-dt / syn[index])
                cell = rockpool_neuron(decays[0], 1.0, bias, decays[1], None if index else w_rec)
                layers += [
                    (f"{2 * index}_LinearTorch", linear(weights[index]), False),
                    (name, cell, True),
                ]
                nodes[f"{2 * index}_LinearTorch"] = nir.Linear(weights[index])
                nodes[name] = nir.CubaLIF(
                    tau_syn=syn[index],
                    tau_mem=mem[index],
                    r=resistance(mem[index]),
                    v_leak=np.zeros_like(mem[index]),
                    v_threshold=np.ones_like(mem[index]),
                )
            return layers, lambda: shapes(nodes, 3)

        return make

    current = "i with i = exp(-dt / tau_syn) (i + x){}"
    yield written(
        "rockpool",
        ROCKPOOL,
        "cuba",
        cuba(0.0, False),
        convention(">=", "subtract", equations.format(current.format("")), "many"),
        dt,
        lost=lost,
        odd=[malformed, "w_in = 1, though the input is only decayed once"],
    )
    yield written(
        "rockpool",
        ROCKPOOL,
        "cuba_recurrent",
        cuba(0.02, True),
        convention(
            ">=",
            "subtract",
            equations.format(current.format(", x with W z, and a bias of 0.02")),
            "many",
        ),
        dt,
        lost=lost,
        faithful=False,
        odd=[malformed, "recurrent weights and biases are not in the file"],
    )

    def synapse(rng: np.random.Generator) -> tuple[list[Layer], Callable[[], Any]]:
        tau = np.full(4, 0.005, np.float32)
        weight = matrix(rng, 4, 6)
        layers: list[Layer] = [
            ("0_LinearTorch", linear(weight), False),
            ("1_ExpSynTorch", leak(np.exp(-dt / tau), True), True),
        ]
        node = nir.LI(tau=tau, r=resistance(tau), v_leak=np.zeros_like(tau))
        return layers, lambda: shapes(
            {"0_LinearTorch": nir.Linear(weight), "1_ExpSynTorch": node}, 4
        )

    yield written(
        "rockpool",
        ROCKPOOL,
        "exp_syn",
        synapse,
        convention("none", "none", "v = exp(-dt / tau) (v + x); the output is v"),
        dt,
        odd=[malformed],
    )


def refused() -> Iterator[tuple[str, Callable[[], Any]]]:
    """Nothing that can be known without running it."""
    yield from ()
