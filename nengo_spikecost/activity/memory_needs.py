"""The memory that simulators take, told from a network before they build it.

Each is a sum over the network: so many bytes a weight (Nengo's in float64, what the simulator
makes of it, and what building holds meanwhile), so many a neuron, and for every sample side by side
so many a value that a Connection or a neuron has at each step. The numbers are fits to how the
memory of a process grew, one process each, for networks of 10 thousand to 2 million neurons and 0.2
to 36 million weights, rounded up: no less is taken than said by a factor of 4, and no more by one
of 1.3 (a process that has freed memory before takes less of the system).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import nengo
import numpy as np
from nengo.transforms import NoTransform
from nengo.utils.builder import default_n_eval_points

from ..graph.connection_chain import is_decoded
from ..memory import Need

#: What building takes however small the network is: compiled code, buffers, threads.
_LEAST = 50 * 10**6


def nengo_dl_need(network: nengo.Network) -> Need:
    """For NengoDL: weights of float32 and of Nengo's build, arrays of TensorFlow for each step."""
    return _need(network, per_weight=20, per_neuron=200, per_value=40)


def compiled_need(network: nengo.Network) -> Need:
    """For compiled code: weights, laid out once more for events; one flat memory a sample.

    That has a float32 for each state of neurons and filters: 3 to 10 bytes a value as measured.
    """
    return _need(network, per_weight=30, per_neuron=160, per_value=10)


def nengo_need(network: nengo.Network) -> Need:
    """For Nengo's reference simulator: float64 throughout, one sample."""
    return _need(network, per_weight=24, per_neuron=260, per_value=40)


@dataclass(frozen=True)
class NetworkSizes:
    """What a network has, as far as memory goes by it.

    Attributes
    ----------
    n_neurons, n_weights : int
    n_values : int
        Outputs of Connections and neurons, at each step of each sample.
    solving : int
        Bytes that solving for decoders takes meanwhile.
    """

    n_neurons: int
    n_weights: int
    n_values: int
    solving: int


def network_sizes(network: nengo.Network) -> NetworkSizes:
    """What a network has, told from its objects before anything is built."""
    n_neurons = sum(ensemble.n_neurons for ensemble in network.all_ensembles)
    n_weights, n_values, solving = 0, n_neurons, 0
    for conn in network.all_connections:
        n_weights += _stored(conn.transform)
        n_values += conn.size_out
        if is_decoded(conn):
            n_weights += conn.pre_obj.n_neurons * conn.size_mid
            # rates at all evaluation points, and copies of them to solve for decoders
            solving = max(solving, 5 * 8 * conn.pre_obj.n_neurons * _n_points(conn))
    return NetworkSizes(n_neurons, n_weights, n_values, solving)


def _need(network: nengo.Network, per_weight: int, per_neuron: int, per_value: int) -> Need:
    sizes = network_sizes(network)
    fixed = _LEAST + per_weight * sizes.n_weights + per_neuron * sizes.n_neurons + sizes.solving
    return Need(fixed, per_value * sizes.n_values)


def _stored(transform: Any) -> int:
    """Weights of a transform as Nengo keeps it."""
    if isinstance(transform, NoTransform):
        return 0
    for shape in ("kernel_shape", "init_shape"):
        if hasattr(transform, shape):
            return math.prod(getattr(transform, shape))
    init = getattr(transform, "init", None)
    # of a sparse matrix the entries, each with its place
    entries: Any = getattr(init, "data", init)
    return 3 * int(np.size(entries))


def _n_points(conn: nengo.Connection) -> int:
    """Evaluation points that decoders are solved at."""
    for points in (conn.eval_points, conn.pre_obj.eval_points):
        if isinstance(points, np.ndarray):
            return len(points)
    ensemble = conn.pre_obj
    if ensemble.n_eval_points is not None:
        return int(ensemble.n_eval_points)
    return int(default_n_eval_points(ensemble.n_neurons, ensemble.dimensions))
