"""Arguments and inputs of the emulator: refused by name if they are wrong, or made batches."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import nengo
import numpy as np

from ... import check
from ...errors import DataError, MeasurementError


def positive(value: Any, name: str) -> int:
    """A whole number of at least 1, which may be a float such as 5.0."""
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        value = int(value)
    return check.whole(name, value, MeasurementError, 1)


def check_run(dt: Any, seed: Any, shared: Collection[Any]) -> None:
    """Refuse a wrong time step, a wrong seed, and ``shared`` that are no Nodes."""
    check.time("dt", dt, MeasurementError)
    if seed is not None:
        check.seed("seed", seed, MeasurementError)
    if not all(isinstance(node, nengo.Node) for node in shared):
        raise MeasurementError(f"shared must be Nodes of the network, not {list(shared)!r}.")


def given_inputs(
    inputs: Any, n_steps: int, network: nengo.Network, input_nodes: Any = None
) -> dict[nengo.Node, np.ndarray]:
    """Values by Node, each ``(n_samples, 1 or n_steps, size)``.

    Parameters
    ----------
    inputs : mapping from nengo.Node to ndarray, or ndarray, optional
        As `Emulator.run` takes them.
    n_steps : int
    network : nengo.Network
    input_nodes : sequence of nengo.Node, optional
        Nodes that an array can be for. Default: all with an output of their own.

    Raises
    ------
    DataError
        If they are not of the right shape, or not finite numbers.
    """
    if inputs is None:
        return {}
    if not isinstance(inputs, Mapping):
        inputs = {_only_input(network, input_nodes): inputs}
    arrays = {}
    for node, values in inputs.items():
        if not isinstance(node, nengo.Node):
            raise DataError(f"inputs has {node!r}, which is not a Node of the network.")
        array = _numbers(node, values)
        array = array[:, None] if array.ndim == 2 else array
        if array.ndim != 3 or array.shape[1] not in (1, n_steps) or not len(array):
            raise DataError(
                f"{node} is given values of shape {np.shape(values)}; expected (n_samples, "
                f"{node.size_out}) or (n_samples, {n_steps}, {node.size_out})."
            )
        if array.shape[2] != node.size_out:
            raise DataError(f"{node} has {node.size_out} values, not {array.shape[2]}.")
        arrays[node] = array
    if len({len(array) for array in arrays.values()}) > 1:
        raise DataError("All inputs need as many samples.")
    return arrays


def _numbers(node: nengo.Node, values: Any) -> np.ndarray:
    try:
        array = np.asarray(values, dtype=nengo.rc.float_dtype)
    except (TypeError, ValueError):
        raise DataError(
            f"{node} is given {type(values).__name__}, which is no array of numbers."
        ) from None
    if not np.isfinite(array).all():
        raise DataError(f"{node} is given NaN or infinite values.")
    return array


def _only_input(network: nengo.Network, nodes: Any) -> nengo.Node:
    if nodes is None:
        nodes = [n for n in network.all_nodes if n.size_in == 0 and n.size_out > 0]
    if len(nodes) != 1:
        names = ", ".join(str(node) for node in nodes)
        raise DataError(f"The network has {len(nodes)} input Nodes ({names}): give a mapping.")
    return nodes[0]


def filled(values: np.ndarray, lanes: int) -> np.ndarray:
    """Values of a sample in each lane; zeros in lanes without one."""
    idle = lanes - len(values)
    return np.pad(values, ((0, idle), (0, 0), (0, 0))) if idle else values
