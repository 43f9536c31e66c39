"""Networks of Lava-DL as a script beside NIR writes them, here by hand; neither is run.

Each formula is in our words, with the file that it was read from. What the tool would do with an
input is computed in NumPy from its documented equations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import nir
import numpy as np
from nir_recording_file import Recording
from nir_recording_numpy import Layer, Step, convention, linear, matrix, written

#: where it was read
LAVA = (
    "0.7.0.dev0 (d825ac5), lava/lib/dl/slayer; "
    "NIR 7232ada, docs/source/examples/lava/lava_to_nir.py"
)


def lava_neuron(current_decay: int, voltage_decay: int, threshold: float) -> Callable[[Any], Step]:
    """Integers of 12 fractional bits for float32; for float64 without the rounding."""
    scale = 4096

    def make(kind: Any) -> Step:
        state = {"i": np.zeros((), np.float64), "v": np.zeros((), np.float64)}

        def decayed(value: np.ndarray, decay: int) -> np.ndarray:
            left = value * (scale - decay) / scale
            return np.trunc(left) if kind is np.float32 else left

        def step(x: np.ndarray) -> np.ndarray:
            state["i"] = decayed(state["i"], current_decay) + x.astype(np.float64) * scale
            v = decayed(state["v"], voltage_decay) + state["i"]
            spikes = v > threshold * scale
            state["v"] = np.where(spikes, 0, v)
            return spikes.astype(kind)

        return step

    return make


def recordings() -> Iterator[Recording]:
    """dt = 1e-4; dt / tau is a decay of 12 bits; weights and threshold over 64; r = tau / dt."""
    dt = 1e-4

    def make(rng: np.random.Generator) -> tuple[list[Layer], Callable[[], Any]]:
        decays, threshold = (1024, 512), 1.25
        weights = [
            np.round(matrix(rng, 8, 6, gain=0.5) * 32) / 32,
            np.round(matrix(rng, 3, 8, gain=0.5) * 32) / 32,
        ]
        layers: list[Layer] = [
            ("0", linear(weights[0]), False),
            ("1", lava_neuron(*decays, threshold), True),
            ("2", linear(weights[1]), False),
            ("3", lava_neuron(*decays, threshold), True),
        ]

        def node(size: int) -> Any:
            syn, mem = (dt / (decay / 4096) for decay in decays)
            return nir.CubaLIF(
                tau_syn=np.full(size, syn),
                tau_mem=np.full(size, mem),
                r=np.full(size, mem / dt),
                v_leak=np.zeros(size),
                v_threshold=np.full(size, threshold),
                w_in=np.full(size, syn / dt),
                v_reset=np.zeros(size),
            )

        def graph() -> Any:
            made = nir.NIRGraph(
                {0: nir.Linear(weights[0]), 1: node(8), 2: nir.Linear(weights[1]), 3: node(3)},
                [(0, 1), (1, 2), (2, 3)],
            )
            for old, new in [("input_0", "input"), ("output_3", "output")]:
                made.nodes[new] = made.nodes.pop(old)
            made.edges[3:] = [(b"input", 0), (3, b"output")]
            return made

        return layers, graph

    yield written(
        "lava-dl",
        LAVA,
        "cuba",
        make,
        convention(
            ">",
            "zero",
            "i = (1 - iDecay / 4096) i + x; v = (1 - vDecay / 4096) v + i, in integers of 1 / "
            "4096, decayed values cut towards zero",
        ),
        dt,
        odd=["names of nodes are numbers", "only for two dense layers"],
        lost=["the rounding of decayed values"],
    )


def refused() -> Iterator[tuple[str, Callable[[], Any]]]:
    """Nothing that can be known without running it."""
    yield from ()
