"""Networks in NumPy, for tools that are not run: what they would do by their own equations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import nir
import numpy as np
from nir_recording_file import Recording, Simulate, search

Step = Callable[[Any], Any]
#: node, maker of a step for a dtype, whether its output is kept
Layer = tuple[str, Callable[[Any], Step], bool]


def sliding_windows(x: Any, size: Any) -> Any:
    """(batch, channels, rows, columns, *size) of all places of a window."""
    rows = np.lib.stride_tricks.sliding_window_view(x, size[0], axis=2)
    return np.lib.stride_tricks.sliding_window_view(rows, size[1], axis=3)


def linear(weight: np.ndarray, bias: Any = 0.0) -> Callable[[Any], Step]:
    return lambda kind: lambda x: x @ weight.T.astype(kind) + np.asarray(bias, dtype=kind)


def conv(weight: np.ndarray, stride: int, padding: int) -> Callable[[Any], Step]:
    def step(x: np.ndarray) -> np.ndarray:
        x = np.pad(x, [(0, 0), (0, 0), (padding,) * 2, (padding,) * 2])
        windows = sliding_windows(x, weight.shape[2:])
        return np.einsum(
            "bchwij,ocij->bohw", windows[:, :, ::stride, ::stride], weight.astype(x.dtype)
        )

    return lambda kind: step


def sum_pool(size: int) -> Callable[[Any], Step]:
    def step(x: np.ndarray) -> np.ndarray:
        windows = sliding_windows(x, (size, size))
        return windows[:, :, ::size, ::size].sum(axis=(4, 5))

    return lambda kind: step


def flatten(kind: Any) -> Step:
    return lambda x: x.reshape(len(x), -1)


def stepper(layers: list[Layer]) -> Simulate:
    def simulate(inputs: np.ndarray, double: bool) -> dict[str, np.ndarray]:
        kind: Any = np.float64 if double else np.float32
        steps = [(node, make(kind), kept) for node, make, kept in layers]
        seen: dict[str, list[np.ndarray]] = {node: [] for node, _, kept in layers if kept}
        seen["output"] = []
        for step in range(inputs.shape[1]):
            x = inputs[:, step].astype(kind)
            for node, advance, kept in steps:
                x = advance(x)
                if kept:
                    seen[node].append(x)
            seen["output"].append(x)
        return {node: np.stack(values, axis=1) for node, values in seen.items()}

    return simulate


def matrix(rng: np.random.Generator, *shape: int, gain: float = 1.0) -> np.ndarray:
    fan = float(np.prod(shape[1:]))
    return rng.normal(1.2 * gain / fan, 1.2 * gain / fan**0.5, shape).astype(np.float32)


def chain(nodes: dict[str, Any]) -> Any:
    """One node after the other, not checked, as nirtorch's extract_nir_graph gives it."""
    names = list(nodes)
    return nir.NIRGraph(nodes, list(zip(names[:-1], names[1:])), type_check=False)


def written(
    tool: str,
    version: str,
    name: str,
    make: Callable[[np.random.Generator], tuple[list[Layer], Callable[[], Any]]],
    how: dict[str, str],
    dt: float,
    shape: tuple[int, ...] = (6,),
    steps: int = 40,
    **about: Any,
) -> Recording:
    def build(seed: int) -> tuple[Simulate, Any]:
        layers, graph = make(np.random.default_rng(seed))
        return stepper(layers), graph

    graph, inputs, spikes = search(build, shape, steps, only_spikes=tool == "lava-dl")
    return Recording(
        tool, name, graph(), inputs, spikes, dt, how, ran=False, version=f"as {version}", **about
    )


def convention(compare: str, reset: str, equations: str, per_step: str = "one") -> dict[str, str]:
    return {
        "compare": compare,
        "spikes_per_step": per_step,
        "reset": reset,
        "reset_when": "same step",
        "equations": equations,
        "start": "all zero",
    }
