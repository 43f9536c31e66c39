"""What Nengo itself says of who reaches whom: the oracle of the graph tests.

Nothing here uses the code under test. The map of a Connection is found by simulating it:
one basis vector a step through Nengo's own operators. Weights are made positive first, so
that an output is zero only if no weight leads to it.
"""

from __future__ import annotations

import nengo
import numpy as np
from nengo.dists import Distribution
from nengo.ensemble import Neurons
from nengo.transforms import Convolution, ConvolutionTranspose, Dense, NoTransform, Sparse


def positive(transform):
    """The same transform, with the absolute values of its weights."""
    if isinstance(transform, NoTransform):
        return transform
    if isinstance(transform, Dense):
        return Dense(transform.shape, init=_absolute(transform.init))
    if isinstance(transform, Sparse):
        if hasattr(transform.init, "indices") and not hasattr(transform.init, "tocsr"):
            data = _absolute(transform.init.data)
            return Sparse(transform.shape, indices=transform.init.indices, init=data)
        return Sparse(transform.shape, init=abs(transform.init))
    names = ("n_filters", "input_shape", "kernel_size", "strides", "padding", "channels_last")
    shapes = {name: getattr(transform, name) for name in names}
    shapes["init"] = _absolute(transform.init)
    if isinstance(transform, ConvolutionTranspose):
        return ConvolutionTranspose(output_shape=transform.output_shape, **shapes)
    return Convolution(groups=transform.groups, **shapes)


def _absolute(weights):
    if isinstance(weights, Distribution):
        # Any weight that will be drawn counts; one that cannot be zero stands for it.
        return nengo.dists.Uniform(0.5, 1.5)
    return np.abs(np.asarray(weights, dtype=float))


def simulated_map(size_in, size_out, pre_slice, transform, post_slice):
    """Which inputs reach which outputs of a Connection between two Nodes.

    Returns
    -------
    ndarray of bool, shape (size_out, size_in)
    """
    basis = np.eye(size_in)
    with nengo.Network(seed=0) as net:
        source = nengo.Node(lambda t: basis[round(t / 0.001) - 1], size_out=size_in)
        target = nengo.Node(size_in=size_out)
        nengo.Connection(
            source[pre_slice], target[post_slice], transform=positive(transform), synapse=None
        )
        probe = nengo.Probe(target)
    with nengo.Simulator(net, progress_bar=False, optimize=False) as sim:
        sim.run_steps(size_in, progress_bar=False)
    return sim.data[probe].T != 0


def transform_map(transform):
    """`simulated_map` of a transform alone."""
    everything = slice(None)
    return simulated_map(transform.size_in, transform.size_out, everything, transform, everything)


def connection_map(conn):
    """`simulated_map` of a Connection from Neurons or a Node to Neurons or a Node."""
    assert isinstance(conn.pre_obj, (Neurons, nengo.Node))
    return simulated_map(
        conn.pre_obj.size_out,
        conn.post_obj.size_in,
        conn.pre_slice,
        conn.transform,
        conn.post_slice,
    )


def route_map(connections, maps=None):
    """Boolean product of the maps along a route, shape (n_targets, n_sources)."""
    maps = {} if maps is None else maps
    result = None
    for conn in connections:
        if conn not in maps:
            maps[conn] = connection_map(conn)
        # sums of ones below 2**24 are exact in float32, which is multiplied fast
        step = maps[conn].astype(np.float32)
        result = step if result is None else (step @ result > 0).astype(np.float32)
    return result > 0
