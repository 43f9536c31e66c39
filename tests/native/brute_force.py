"""Synapses and synops of a network, from the matrices of a built ``nengo.Simulator``.

Independent of the code under test: every Connection becomes a matrix of real numbers, from
what Nengo has built, and the absolute values of the matrices along a route are multiplied. So an
entry is zero only if no synapse leads there: nothing cancels.
"""

from __future__ import annotations

import nengo
import numpy as np
from nengo.connection import LearningRule
from nengo.ensemble import Neurons


def passthrough(obj):
    return isinstance(obj, nengo.Node) and obj.output is None and obj.size_in > 0


def owner(obj):
    return obj.ensemble if isinstance(obj, Neurons) else obj


def has_neurons(obj):
    return isinstance(obj, nengo.Ensemble) and not isinstance(obj.neuron_type, nengo.Direct)


def selection(key, size):
    return np.eye(size)[key].reshape(-1, size)


def connection_matrix(conn, sim):
    """Weights from the neurons or elements of the source to those of the target."""
    pre, post = conn.pre_obj, conn.post_obj
    built = sim.data[conn].weights
    if has_neurons(pre):
        matrix = built
        if isinstance(post, nengo.Ensemble) and has_neurons(post) and conn.solver.weights:
            return matrix  # from all neurons to all neurons
    else:
        matrix = selection(conn.pre_slice, pre.size_out)
        if isinstance(conn.transform, (nengo.Convolution, nengo.ConvolutionTranspose)):
            matrix = convolution_matrix(conn) @ matrix
        elif built is not None:
            dense = built.toarray() if hasattr(built, "toarray") else np.asarray(built)
            matrix = dense @ matrix if dense.ndim == 2 else dense.reshape(-1, 1) * matrix
    if isinstance(post, LearningRule):
        return matrix
    matrix = selection(conn.post_slice, post.size_in).T @ matrix
    if isinstance(post, Neurons):
        return sim.data[post.ensemble].gain[:, None] * matrix
    return np.abs(sim.data[post].scaled_encoders) @ np.abs(matrix) if has_neurons(post) else matrix


def convolution_matrix(conn):
    """By simulating it: one input a step."""
    size = conn.transform.size_in
    with nengo.Network(seed=0) as net:
        source = nengo.Node(lambda t: np.eye(size)[round(t / 0.001) - 1], size_out=size)
        target = nengo.Node(size_in=conn.transform.size_out)
        nengo.Connection(source, target, transform=conn.transform, synapse=None)
        probe = nengo.Probe(target)
    with nengo.Simulator(net, progress_bar=False) as sim:
        sim.run_steps(size, progress_bar=False)
    return sim.data[probe].T


def routes(network):
    """All chains of Connections from neurons, through passthrough Nodes, to what is none."""
    leaving = {}
    for conn in network.all_connections:
        leaving.setdefault(owner(conn.pre_obj), []).append(conn)
    for ens in network.all_ensembles:
        if has_neurons(ens):
            waiting = [(conn,) for conn in leaving.get(ens, [])]
            while waiting:
                route = waiting.pop()
                target = owner(route[-1].post_obj)
                if passthrough(target) and target in leaving:
                    waiting += [(*route, conn) for conn in leaving[target]]
                else:
                    yield route


def synapse_counts(network, sim):
    """By route: number of targets of each source neuron, for routes that lead anywhere."""
    matrices = {}
    counts = {}
    for route in routes(network):
        product = None
        for conn in route:
            if conn not in matrices:
                matrices[conn] = np.abs(connection_matrix(conn, sim))
            product = matrices[conn] if product is None else matrices[conn] @ product
        counts[route] = np.count_nonzero(product, axis=0)
    return {route: count for route, count in counts.items() if count.any()}


def simulate(network, n_steps, dt=0.001):
    """A Simulator that has run, and the spikes of every Ensemble, (n_steps, n_neurons)."""
    with nengo.Network(seed=0) as outer:
        nengo.Network.add(network)
        probes = {e: nengo.Probe(e.neurons) for e in network.all_ensembles if has_neurons(e)}
    # unoptimized: the optimizer fails on slices backwards (findings/nengo_optimizer_reversed.sh)
    with nengo.Simulator(outer, seed=0, dt=dt, progress_bar=False, optimize=False) as sim:
        sim.run_steps(n_steps, progress_bar=False)
    spikes = {}
    for ens, probe in probes.items():
        size = abs(getattr(ens.neuron_type, "amplitude", 1.0)) / dt
        spikes[ens] = np.rint(np.abs(sim.data[probe]) / size).astype(int)
    return sim, spikes
