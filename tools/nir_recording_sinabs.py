"""Graphs as Sinabs writes them, written here by hand; it is never run.

Each formula is in our words, with the file that it was read from. What the tool would do with an
input is computed in NumPy from its documented equations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import nir
import numpy as np
from nir_recording_file import Recording
from nir_recording_numpy import (
    Layer,
    Step,
    chain,
    conv,
    convention,
    flatten,
    linear,
    matrix,
    sum_pool,
    written,
)

#: where it was read
SINABS = "3.1.3 and 12 commits (904eb89), sinabs/nir.py, sinabs/layers"

SINABS_STEP = (
    "v = exp(-1 / tau) v + x; {}; trunc(v / threshold) spikes in a step, each subtracts one"
)
SINABS_LOST = [
    "spike_fn (MultiSpike: several spikes in one step)",
    "reset_fn (MembraneSubtract), though v_reset = 0 is written",
    "min_v_mem",
    "norm_input and tau_syn of a LIF",
]


def sinabs_neuron(
    alpha: Any, threshold: Any, norm_input: bool = False, lowest: float | None = None
) -> Callable[[Any], Step]:
    """v = alpha v + x, as many spikes as thresholds fit into v, each subtracts one."""

    def make(kind: Any) -> Step:
        state = {"v": np.zeros((), kind)}
        decay, level = np.asarray(alpha, dtype=kind), np.asarray(threshold, dtype=kind)

        def step(x: np.ndarray) -> np.ndarray:
            v = decay * state["v"] + ((1 - decay) * x if norm_input else x)
            spikes = (v > 0) * np.trunc(v / level)
            v = v - spikes * level
            state["v"] = v if lowest is None else np.maximum(v, np.asarray(lowest, dtype=kind))
            return spikes.astype(kind)

        return step

    return make


def recordings() -> Iterator[Recording]:
    """tau is in steps: exp(-1 / tau) is the decay of one; r = 1, v_leak = 0, bias 0 if none."""

    def cnn(rng: np.random.Generator) -> tuple[list[Layer], Callable[[], Any]]:
        first, second = matrix(rng, 4, 2, 3, 3, gain=1.4), matrix(rng, 3, 4, 2, 2, gain=0.7)
        last = matrix(rng, 5, 12, gain=0.8)
        iaf = sinabs_neuron(1.0, 1.0, lowest=-1.0)
        layers: list[Layer] = [
            ("0", conv(first, 2, 1), False),
            ("1", iaf, True),
            ("2", conv(second, 1, 1), False),
            ("3", iaf, True),
            ("4", sum_pool(2), False),
            ("5", flatten, False),
            ("6", linear(last), False),
            ("7", iaf, True),
        ]

        def graph() -> Any:
            def spiking(*shape: int) -> Any:
                return nir.IF(r=np.ones(shape, np.float32), v_threshold=np.ones(shape, np.float32))

            def conv2d(weight: np.ndarray, stride: int, padding: int) -> Any:
                return nir.Conv2d(
                    None,
                    weight,
                    (stride,) * 2,
                    (padding,) * 2,
                    (1, 1),
                    1,
                    np.zeros(len(weight), np.float32),
                )

            made = chain(
                {
                    "input": nir.Input(np.array([2, 7, 7])),
                    "0": conv2d(first, 2, 1),
                    "1": spiking(4, 4, 4),
                    "2": conv2d(second, 1, 1),
                    "3": spiking(3, 5, 5),
                    "4": nir.SumPool2d((2, 2), (2, 2), (0, 0)),
                    "5": nir.Flatten(None, 0, -1),
                    "6": nir.Affine(last, np.zeros(5, np.float32)),
                    "7": spiking(5),
                    "output": nir.Output(np.array([5])),
                }
            )
            made.infer_types()  # as the script of the paper's N-MNIST network does
            return made

        return layers, graph

    lowest = "v >= min_v_mem = -1"
    yield written(
        "sinabs",
        SINABS,
        "iaf_conv",
        cnn,
        convention(
            ">=", "subtract", SINABS_STEP.format(lowest).replace("exp(-1 / tau) v", "v"), "many"
        ),
        1.0,
        (2, 7, 7),
        24,
        lost=SINABS_LOST[:3],
        odd=["one step is a unit of time: r = 1 and no dt"],
    )

    def lif(norm_input: bool) -> Any:
        def make(rng: np.random.Generator) -> tuple[list[Layer], Callable[[], Any]]:
            tau = [np.full(10, 8.0, np.float32), np.full(4, 5.0, np.float32)]
            gain = 4.0 if norm_input else 1.0
            first, second = matrix(rng, 10, 6, gain=gain), matrix(rng, 4, 10, gain=gain)
            cells = [sinabs_neuron(np.exp(-1 / value), 1.0, norm_input) for value in tau]
            layers: list[Layer] = [
                ("0", linear(first), False),
                ("1", cells[0], True),
                ("2", linear(second), False),
                ("3", cells[1], True),
            ]

            def node(value: np.ndarray) -> Any:
                return nir.LIF(
                    tau=value,
                    r=np.ones_like(value),
                    v_leak=np.zeros_like(value),
                    v_threshold=np.ones_like(value),
                )

            def graph() -> Any:
                return chain(
                    {
                        "input": nir.Input(np.array([6])),
                        "0": nir.Affine(first, np.zeros(10, np.float32)),
                        "1": node(tau[0]),
                        "2": nir.Affine(second, np.zeros(4, np.float32)),
                        "3": node(tau[1]),
                        "output": nir.Output(np.array([4])),
                    }
                )

            return layers, graph

        return make

    for norm_input, name in [(True, "lif"), (False, "lif_norm_input_false")]:
        text = SINABS_STEP.format("x times (1 - exp(-1 / tau)) as norm_input=True")
        plain = SINABS_STEP.format("norm_input=False")
        yield written(
            "sinabs",
            SINABS,
            name,
            lif(norm_input),
            convention(">=", "subtract", text if norm_input else plain, "many"),
            1.0,
            lost=SINABS_LOST,
            odd=["tau is in steps; r = 1 in both cases of norm_input"],
        )


def refused() -> Iterator[tuple[str, Callable[[], Any]]]:
    """What these tools hand to nir, and nir or its writer refuses."""
    number = np.float32(1.0)

    def scalar() -> Any:
        values = {name: np.array(1.0, np.float32) for name in ("tau", "r", "v_leak", "v_threshold")}
        return chain(
            {
                "input": nir.Input(np.array([3])),
                "0": nir.LIF(**values),
                "output": nir.Output(np.array([3])),
            }
        )

    yield "LIF(tau_mem=10.0), whose parameters are numbers", scalar
    yield (
        "LIF(tau_mem of 3 values), whose threshold is a number",
        lambda: nir.LIF(
            tau=np.ones(3), r=np.ones(3), v_leak=np.zeros(3), v_threshold=np.asarray(number)
        ),
    )
    yield (
        "a convolution, without a call of infer_types()",
        lambda: chain(
            {
                "input": nir.Input(np.array([1, 4, 4])),
                "0": nir.Conv2d(None, np.ones((1, 1, 2, 2)), 1, 0, 1, 1, np.zeros(1)),
                "output": nir.Output(np.array([1, 3, 3])),
            }
        ),
    )
