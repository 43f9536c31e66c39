"""Arguments and inputs of the emulator: refused by name if they are wrong, or made batches."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import nengo
import numpy as np

from ... import check
from ...activity.given_arrays import in_steps, real_array
from ...activity.subject import taken_as
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
    inputs: Any, n_steps: int, network: nengo.Network, input_nodes: Any = None,
    shapes: Mapping[nengo.Node, tuple[int, ...]] | None = None,
) -> dict[nengo.Node, np.ndarray]:  # fmt: skip
    """Values by Node, each ``(n_samples, 1 or n_steps, size)``.

    Parameters
    ----------
    inputs : mapping from nengo.Node to ndarray, or ndarray, optional
        As `Emulator.run` takes them.
    n_steps : int
    network : nengo.Network
    input_nodes : sequence of nengo.Node, optional
        Nodes that an array can be for. Default: all with an output of their own.
    shapes : mapping from nengo.Node to tuple of int, optional
        Axes of their values, where the network does not say them.

    Raises
    ------
    DataError
        If they are not of the right shape, or not finite numbers.
    """
    arrays = {}
    for node, values in by_node(inputs, network, input_nodes).items():
        name = f"values given for {node}"
        array = real_array(values, name).astype(nengo.rc.float_dtype, copy=False)
        if not np.isfinite(array).all():
            raise DataError(f"{node} is given NaN or infinite values.")
        if not array.ndim or not len(array):
            raise DataError(f"{name} have shape {array.shape}: expected at least one sample.")
        # flat values have no axes that could be in another order
        shape = None if array.ndim < 3 else (shapes or {}).get(node) or taken_as(network, node)
        arrays[node] = in_steps(array, name, node.size_out, shape, n_steps)
    if len({len(array) for array in arrays.values()}) > 1:
        raise DataError("All inputs need as many samples.")
    return arrays


def by_node(inputs: Any, network: nengo.Network, input_nodes: Any = None) -> dict[nengo.Node, Any]:
    """What is given for each Node, as `given_inputs` takes it.

    Raises
    ------
    DataError
        If it is for something else, or for a Node that can't be told.
    """
    if inputs is None:
        return {}
    if not isinstance(inputs, Mapping):
        inputs = {_only_input(network, input_nodes): inputs}
    for node in inputs:
        if not isinstance(node, nengo.Node):
            raise DataError(f"inputs has {node!r}, which is not a Node of the network.")
    return dict(inputs)


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
