"""The memory that simulators take, told from a network before they build it.

Each is a sum over the network: so many bytes a weight (Nengo's in float64, what the simulator
makes of it, and what building holds meanwhile), so many a neuron, and for every sample side by side
so many a value that a Connection or a neuron has at each step. The numbers are fits to how the
memory of a process grew, one process each, for networks of 10 thousand to 2 million neurons and 0.2
to 36 million weights, rounded up: about 1.5 times what is taken, and 50 MB however small a network
is (a process that has freed memory before takes less of the system).
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
from ..graph.nengo_types import is_whole
from ..memory import Need
from .processors import usable_processors

#: What building takes however small the network is: compiled code, buffers, threads.
_LEAST = 50 * 10**6

#: Bytes of a value in a memory of compiled code; of one that is filtered, or gathered from
#: somewhere and put elsewhere; and of an entry of a sparse matrix that is made.
_MEMORY_OF_VALUE, _PLACED, _ENTRY = 4, 16, 40
#: Bytes that a step takes of each neuron of each sample that Python runs.
_BY_PYTHON = 20


def nengo_dl_need(network: nengo.Network) -> Need:
    """For NengoDL: weights of float32 and of Nengo's build, arrays of TensorFlow for each step."""
    return _need(network, per_weight=20, per_neuron=120, per_value=12)


def compiled_need(network: nengo.Network) -> Need:
    """For compiled code: weights, laid out once more for events; flat memories of float32.

    A memory has all states and values of a sample. Threads have one each, which samples share one
    after another; each sample has its counts. Where Python runs some of the neurons, step by step,
    each sample has a memory, and these neurons arrays of NumPy's.

    Nengo keeps an array of float64 each of gains, biases, encoders and the like, whether all are
    equal or not: 60 bytes a neuron, 16 to 32 for each dimension, 8 for each state after the first.
    Compiled code has 40 more.
    A convolution that has no kernel of its own in compiled code is written out as a sparse matrix,
    which takes more than all neurons where a layer is depthwise.
    """
    from .compiled.neuron_numbers import kernel_of

    sizes = network_sizes(network)
    base = _need(network, per_weight=26, per_neuron=100, per_value=0)
    states = sum(e.n_neurons * len(e.neuron_type.state) for e in network.all_ensembles)
    memory = _MEMORY_OF_VALUE * (sizes.n_values + sizes.n_neurons + states)
    shared = base.fixed_bytes + 8 * (states - sizes.n_neurons)
    for ensemble in network.all_ensembles:  # encoders, as given and with gains, and points
        shared += 32 * ensemble.n_neurons * ensemble.dimensions
    for conn in network.all_connections:
        shared += _PLACED * conn.size_out if conn.synapse is not None else 0
        shared += _PLACED * conn.size_mid if _is_gathered(conn) else 0
        shared += _ENTRY * _written_out(conn.transform)
    by_python = sum(
        ensemble.n_neurons
        for ensemble in network.all_ensembles
        if kernel_of(ensemble.neuron_type) is None
    )
    ends = [node.size_out for node in network.all_nodes if not node.size_in]
    ends += [probe.size_in for probe in network.all_probes]
    per_sample = 10 * sizes.n_neurons + 12 * sum(ends)
    if by_python:
        return Need(shared, per_sample + memory + _BY_PYTHON * by_python)
    return Need(shared + (1 + usable_processors()) * memory, per_sample)


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
        Outputs of Connections and neurons, at each step of each sample; those of Connections with a
        filter thrice, for its state.
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
        n_values += conn.size_out * (1 if conn.synapse is None else 3)
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


def _is_gathered(conn: nengo.Connection) -> bool:
    """Whether a Connection takes or reaches parts of what it connects."""
    return not (is_whole(conn.pre_slice) and is_whole(conn.post_slice))


def _written_out(transform: Any) -> int:
    """Entries of the sparse matrix that compiled code makes of a convolution without a kernel."""
    from .compiled.sparse_convolution import has_kernel

    is_one = isinstance(transform, nengo.Convolution)
    if not (is_one or isinstance(transform, nengo.ConvolutionTranspose)) or has_kernel(transform):
        return 0
    # a target has a weight of each place of the kernel and channel of its group; in a transposed
    # one a source
    shape = transform.output_shape if is_one else transform.input_shape
    n_weights = math.prod(transform.kernel_shape) // (
        transform.n_filters if is_one else transform.input_shape.n_channels
    )
    return int(shape.size * n_weights)


def _n_points(conn: nengo.Connection) -> int:
    """Evaluation points that decoders are solved at."""
    for points in (conn.eval_points, conn.pre_obj.eval_points):
        if isinstance(points, np.ndarray):
            return len(points)
    ensemble = conn.pre_obj
    if ensemble.n_eval_points is not None:
        return int(ensemble.n_eval_points)
    return int(default_n_eval_points(ensemble.n_neurons, ensemble.dimensions))
