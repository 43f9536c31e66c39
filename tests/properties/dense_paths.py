"""Who reaches whom in a network, by dense matrices of its Connections found by probing.

The oracle of the random Keras models. Nothing here uses the code under test, but what it
is to be held against: each Connection is simulated by Nengo with one basis vector a step,
and the matrices are multiplied along every way from neurons or Nodes to neurons or Nodes.
"""

from __future__ import annotations

from typing import Any

import nengo
import numpy as np
from nengo.ensemble import Neurons
from nengo.transforms import NoTransform
from scipy import sparse

from nengo_spikecost.graph import NetworkGraph

from ..graph.nengo_oracle import route_map

#: A sum of products of weights this much smaller than the sum of their absolute values may
#: as well be zero: float64 keeps 16 digits, and a path has few factors.
CANCELS = 1e-12

CONVOLUTIONS = (nengo.Convolution, nengo.ConvolutionTranspose)


def matrices(network: nengo.Network) -> dict[nengo.Connection, np.ndarray]:
    """The matrix of every Connection, of shape (post_obj.size_in, pre_obj.size_out)."""
    known: dict[Any, np.ndarray] = {}
    found = {}
    for conn in network.all_connections:
        kind = conn.transform if type(conn.transform) is not NoTransform else "none"
        slices = (str(conn.pre_slice), str(conn.post_slice))
        key = (kind, conn.pre_obj.size_out, conn.post_obj.size_in, *slices)
        if key not in known:
            known[key] = connection_matrix(conn)
        found[conn] = known[key]
    return found


def connection_matrix(conn: nengo.Connection) -> np.ndarray:
    """What a Connection makes of each basis vector, simulated by Nengo.

    Parameters
    ----------
    conn : nengo.Connection
        From Neurons or a Node to Neurons or a Node; without a function.

    Returns
    -------
    ndarray of shape (post_obj.size_in, pre_obj.size_out)
    """
    assert isinstance(conn.pre_obj, (Neurons, nengo.Node)) and conn.function is None
    basis = np.eye(conn.pre_obj.size_out)
    with nengo.Network(seed=0, add_to_container=False) as net:
        source = nengo.Node(lambda t: basis[round(t / 0.001) - 1], size_out=len(basis))
        target = nengo.Node(size_in=conn.post_obj.size_in)
        nengo.Connection(
            source[conn.pre_slice],
            target[conn.post_slice],
            transform=conn.transform,
            synapse=None,
        )
        probe = nengo.Probe(target)
    with nengo.Simulator(net, progress_bar=False, optimize=False) as sim:
        sim.run_steps(len(basis), progress_bar=False)
        return np.array(sim.data[probe]).T


def owner(obj: Any) -> Any:
    """The Ensemble that neurons are of; else the object."""
    return obj.ensemble if isinstance(obj, Neurons) else obj


def is_relay(obj: Any) -> bool:
    """Whether an object only adds up what it is given."""
    return type(obj) is nengo.Node and obj.output is None


def reached_from(origin: Any, found: dict[Any, np.ndarray]) -> dict[Any, np.ndarray]:
    """Everything that an object reaches through relays, each a matrix of bool.

    No routes are followed: what is reached is extended by every Connection until it stays
    as it is.
    """
    patterns = {conn: sparse.csr_matrix(matrix != 0) for conn, matrix in found.items()}
    reached: dict[Any, np.ndarray] = {}
    changed = True
    while changed:
        changed = False
        for conn, pattern in patterns.items():
            pre, post = owner(conn.pre_obj), owner(conn.post_obj)
            if pre is origin:
                new = pattern.toarray()
            elif is_relay(pre) and pre in reached:
                new = pattern @ reached[pre]
            else:
                continue
            before = reached.get(post, np.zeros_like(new))
            if post not in reached or np.any(new & ~before):
                reached[post] = new | before
                changed = True
    return reached


def met_beyond(conn: Any, brought: np.ndarray, found: dict[Any, np.ndarray]) -> list[Any]:
    """All objects that any of what a Connection brings gets to: a slice may take nothing of it."""
    pre = owner(conn.pre_obj)
    onwards = {
        other: matrix for other, matrix in found.items()
        if is_relay(owner(other.pre_obj)) and owner(other.pre_obj) is not pre
    }  # fmt: skip
    beyond = reached_from(pre, {conn: brought, **onwards})
    return [end for end, pattern in beyond.items() if pattern.any()]


def ends(pathway: Any) -> tuple[Any, Any]:
    """The Nengo objects at both ends of a pathway."""
    return tuple(getattr(end, "ensemble", None) or end.obj for end in (pathway.pre, pathway.post))


def assert_counts_are_brute_force(graph: NetworkGraph, found: dict[Any, np.ndarray]) -> None:
    """Hold all pathways of a graph against the matrices of its Connections.

    Every pathway has the fan-out of the product of its matrices; and together the pathways
    reach all that is reached from anything that is no relay. Nothing has no count, but what
    no signal can pass.
    """
    maps = {conn: matrix != 0 for conn, matrix in found.items()}
    joined: dict[Any, np.ndarray] = {}
    for pathway in graph.pathways:
        expected = route_map(pathway.connections, maps)
        np.testing.assert_array_equal(pathway.fan_out, expected.sum(axis=0), pathway.name)
        key = ends(pathway)
        joined[key] = joined.get(key, False) | expected

    network = graph.network
    used = {conn for pathway in graph.pathways for conn in pathway.connections}
    for origin in (*network.all_ensembles, *network.all_nodes):
        if is_relay(origin):
            continue
        leads_on = {owner(conn.pre_obj) for conn in network.all_connections}
        reached = reached_from(origin, found)
        for conn in set(network.all_connections) - used:
            pre = owner(conn.pre_obj)
            if pre is origin:
                brought = found[conn]
            elif is_relay(pre) and pre in reached:
                brought = maps[conn] @ reached[pre]
            else:
                continue
            met = met_beyond(conn, brought, found)
            assert all(is_relay(end) and end in leads_on for end in met), f"{conn} is in no pathway"
        for target, pattern in reached.items():
            if is_relay(target) and target in leads_on:
                continue
            counted = joined.get((origin, target), np.zeros_like(pattern))
            np.testing.assert_array_equal(counted, pattern, f"{origin} -> {target}")

    weighed = {weights.obj for weights in graph.weights}
    for pathway in graph.pathways:
        assert pathway.kind == "bias" or set(pathway.connections) <= weighed, pathway.name


def assert_lowered_counts(
    conversion: Any, found: dict[Any, np.ndarray], found_before: dict[Any, np.ndarray]
) -> int:
    """Hold the synapses of a lowered conversion against those before it was lowered.

    Before, a pair of neurons joined by two routes has two synapses; lowered, it has one for
    each filter, whose weight is the sum over the routes. Where that is zero, there may be
    none. So a pair is joined if the sum is not zero, and not joined if no route joins it;
    in between (the terms of the sum cancel) both are right.

    Returns
    -------
    int
        Number of pairs in between.
    """
    before, after = NetworkGraph(conversion.unlowered), NetworkGraph(conversion)
    objects = conversion.lowering.objects
    summed = _summed(before, found_before)
    lowered = {key: size != 0 for key, (_, size) in _summed(after, found).items()}
    n_cancelled = 0
    expected_keys = set()
    for (pre, post, filters), (total, size) in summed.items():
        certain, possible = np.abs(total) > CANCELS * size, size > 0
        key = (objects[pre], objects[post], filters)
        expected_keys.add(key)
        counted = lowered.get(key, np.zeros_like(possible))
        assert np.all(counted[certain]), f"{pre} -> {post}: synapses are missing"
        assert not np.any(counted[~possible]), f"{pre} -> {post}: synapses too many"
        n_cancelled += int(np.sum(possible & ~certain))
    originals = {new: old for old, new in objects.items()}
    for pre, post, filters in lowered.keys() - expected_keys:
        # an output within the network, from which neurons are reached past the Node now:
        # only since it leads nowhere else is it an end
        old = originals[post]
        assert is_relay(old) and any(conn.pre_obj is old for conn in found_before)
        expected = reached_from(originals[pre], found_before)[old]
        np.testing.assert_array_equal(lowered[pre, post, filters], expected)
    merged: dict[Any, list[Any]] = {}
    for p in after.pathways:
        if p.kind == "neural":
            merged.setdefault((*ends(p), _filters(p)), []).append(p.connections[-1].transform)
    for ways in merged.values():
        # the sum of a convolution and of what is none has no kernel: they stay two
        said = "neurons are joined by more than one Connection"
        assert len(ways) == 1 or any(isinstance(way, CONVOLUTIONS) for way in ways), said
    return n_cancelled


def _filters(pathway: Any) -> tuple[Any, ...]:
    return tuple(conn.synapse for conn in pathway.connections if conn.synapse is not None)


def _summed(graph: NetworkGraph, found: dict[Any, np.ndarray]) -> dict[Any, Any]:
    """By origin, target and filters: the sum of the routes, and that of absolute values.

    Without constants, which become biases.
    """
    sums: dict[Any, Any] = {}
    maps = {conn: sparse.csr_matrix(matrix) for conn, matrix in found.items()}
    for pathway in graph.pathways:
        if pathway.kind == "bias":
            continue
        product = size = sparse.identity(pathway.pre.size, format="csr")
        for conn in pathway.connections:
            product, size = maps[conn] @ product, abs(maps[conn]) @ size
        key = (*ends(pathway), _filters(pathway))
        before = sums.get(key, (0.0, 0.0))
        sums[key] = (before[0] + product.toarray(), before[1] + size.toarray())
    return sums
