"""Random transforms and random networks, against Nengo's own simulation of them."""

from __future__ import annotations

import nengo
import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nengo.transforms import Convolution, ConvolutionTranspose, Dense, NoTransform, Sparse
from scipy import sparse

from nengo_spikecost.graph import NetworkGraph, chain_fan_out, connectivity

from ..graph.nengo_oracle import connection_map, route_map, transform_map

# Derandomised, so that a failure is a failure for everyone.
EXAMPLES = settings(
    max_examples=120,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
FEWER_EXAMPLES = settings(EXAMPLES, max_examples=60)


def weights(rng, shape, density):
    """Random weights of both signs, some of them exactly zero."""
    values = rng.uniform(0.5, 1.5, size=shape) * rng.choice([-1, 1], size=shape)
    return np.where(rng.uniform(size=shape) < density, values, 0.0)


@st.composite
def rngs(draw):
    return np.random.RandomState(draw(st.integers(0, 2**16)))


@st.composite
def kernels(draw, shape):
    """A kernel: all nonzero, pruned, the same channels at every offset, or to be drawn."""
    rng, kind = draw(rngs()), draw(st.sampled_from(["full", "pruned", "separable", "drawn"]))
    if kind == "drawn":
        return nengo.dists.Uniform(-1, 1)
    if kind == "separable":
        return np.ones(shape) * (rng.uniform(size=shape[-2:]) < 0.6)
    return weights(rng, shape, 1.0 if kind == "full" else 0.6)


@st.composite
def convolutions(draw, space=None, channels=None, last=None):
    """A `Convolution` of one or two dimensions, of a given image or any small one."""
    space = space or draw(st.lists(st.integers(1, 6), min_size=1, max_size=2))
    channels = channels or draw(st.integers(1, 4))
    channels_last = draw(st.booleans()) if last is None else last
    groups = draw(st.sampled_from([g for g in (1, 2, 3, 4) if channels % g == 0]))
    n_filters = groups * draw(st.integers(1, 2))
    padding = draw(st.sampled_from(["same", "valid"]))
    longest = [4 if padding == "same" else min(4, size) for size in space]
    kernel_size = [draw(st.integers(1, size)) for size in longest]
    return Convolution(
        n_filters,
        (*space, channels) if channels_last else (channels, *space),
        kernel_size=kernel_size,
        strides=[draw(st.integers(1, 3)) for _ in space],
        padding=padding,
        channels_last=channels_last,
        groups=groups,
        init=draw(kernels((*kernel_size, channels // groups, n_filters))),
    )


@st.composite
def transposed_convolutions(draw):
    """A `ConvolutionTranspose` with any of the output shapes that Nengo allows."""
    conv = draw(convolutions().filter(lambda conv: conv.groups == 1))
    shape = (*conv.kernel_size, conv.n_filters, conv.input_shape.n_channels)
    return ConvolutionTranspose(
        conv.input_shape.n_channels,
        conv.output_shape.shape,
        output_shape=conv.input_shape.shape,
        kernel_size=conv.kernel_size,
        strides=conv.strides,
        padding=conv.padding,
        channels_last=conv.channels_last,
        init=draw(kernels(shape)),
    )


@st.composite
def matrices(draw, size_in=None):
    """A `Dense`, `Sparse` or `NoTransform`."""
    rng, density = draw(rngs()), draw(st.sampled_from([0.0, 0.5, 1.0]))
    n_in = size_in or draw(st.integers(1, 8))
    n_out = draw(st.integers(1, 8))
    kind = draw(st.sampled_from(["none", "scalar", "diagonal", "dense", "drawn", "sparse", "csr"]))
    if kind == "none":
        return NoTransform(n_in)
    if kind in ("scalar", "diagonal"):
        return Dense((n_in, n_in), init=weights(rng, () if kind == "scalar" else n_in, density))
    if kind == "drawn":
        return Dense((n_out, n_in), init=nengo.dists.Uniform(-1, 1))
    values = weights(rng, (n_out, n_in), density)
    if kind == "dense":
        return Dense((n_out, n_in), init=values)
    if kind == "csr":
        return Sparse((n_out, n_in), init=sparse.coo_matrix(values))
    indices = np.argwhere(rng.uniform(size=(n_out, n_in)) < 0.7)
    if len(indices) == 0:
        return NoTransform(n_in)
    data = weights(rng, len(indices), density) if density else nengo.dists.Uniform(-1, 1)
    return Sparse((n_out, n_in), indices=indices, init=data)


transforms = st.one_of(convolutions(), transposed_convolutions(), matrices())


@EXAMPLES
@given(transforms)
def test_every_transform_reaches_what_nengo_says_it_reaches(transform):
    pattern = connectivity(transform)
    expected = transform_map(transform)
    np.testing.assert_array_equal(pattern.to_sparse().toarray(), expected)
    np.testing.assert_array_equal(pattern.T.to_sparse().toarray(), expected.T)
    np.testing.assert_array_equal(pattern.out_degree, expected.sum(axis=0))
    np.testing.assert_array_equal(pattern.in_degree, expected.sum(axis=1))
    assert pattern.n_synapses == expected.sum()
    u, v = np.arange(1.0, pattern.size_in + 1), np.arange(1.0, pattern.size_out + 1)
    np.testing.assert_array_equal(pattern.forward(u), expected @ u)
    np.testing.assert_array_equal(pattern.adjoint(v), v @ expected)
    np.testing.assert_array_equal(pattern.T.forward(v), v @ expected)


@EXAMPLES
@given(transforms)
def test_counting_zeros_only_adds_synapses(transform):
    counted = connectivity(transform, count_zeros=True).to_sparse().toarray()
    assert np.all(connectivity(transform).to_sparse().toarray() <= counted)


@st.composite
def image_chains(draw):
    """Convolutions one after the other, each on the image that the last one made."""
    first = draw(convolutions())
    chain = [first]
    for _ in range(draw(st.integers(1, 2))):
        shape = chain[-1].output_shape
        chain.append(
            draw(convolutions(list(shape.spatial_shape), shape.n_channels, first.channels_last))
        )
    if draw(st.booleans()):
        chain.append(draw(matrices(chain[-1].size_out)))
    return chain


@EXAMPLES
@given(image_chains())
def test_chains_of_convolutions_count_each_target_once(chain):
    expected = np.eye(chain[0].size_in, dtype=np.int64)
    for transform in chain:
        expected = (transform_map(transform).astype(np.int64) @ expected > 0).astype(np.int64)
    fan_out = chain_fan_out([connectivity(transform) for transform in chain])
    np.testing.assert_array_equal(fan_out, expected.sum(axis=0))


def slices(draw, size):
    """A slice of an object: everything, a range (maybe backwards), or indices."""
    kind = draw(st.sampled_from(["all", "reversed", "strided", "indices"]))
    if kind == "all":
        return slice(None)
    if kind == "reversed":
        return slice(None, None, -1)
    if kind == "strided":
        return slice(draw(st.integers(0, size - 1)), None, draw(st.integers(1, 3)))
    return draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=12))


def connect(draw, pre, make_post):
    """Connect an object's slice by a random transform to a slice of a new object."""
    pre_slice = slices(draw, pre.size_out)
    n_selected = np.arange(pre.size_out)[pre_slice].size
    factors = [n for n in (1, 2, 3, 4) if n_selected % n == 0]
    channels = draw(st.sampled_from(factors))
    conv = convolutions([n_selected // channels], channels)
    transform = draw(st.one_of(matrices(n_selected), conv))
    repeated = len(np.unique(np.arange(pre.size_out)[pre_slice])) < n_selected
    if repeated and isinstance(transform, Dense) and len(transform.init_shape) == 2:
        transform = NoTransform(n_selected)  # Nengo takes no such matrix there
    size = transform.size_out
    where = np.random.RandomState(draw(st.integers(0, 99))).permutation(size + 2)[:size]
    post = make_post(size + 2)
    nengo.Connection(pre[pre_slice], post[where.tolist()], transform=transform, synapse=None)
    return post


@st.composite
def networks(draw):
    """Neurons, passthrough Nodes that branch and join again, and neurons or outputs."""
    with nengo.Network(seed=0) as net:
        start = nengo.Ensemble(draw(st.integers(1, 12)), 1, label="start")
        objects = [start.neurons]
        for _ in range(draw(st.integers(1, 4))):
            pre = draw(st.sampled_from(objects))
            objects.append(connect(draw, pre, lambda size: nengo.Node(size_in=size)))
        joined = nengo.Node(size_in=8, label="joined")
        for obj in draw(st.lists(st.sampled_from(objects), min_size=1, max_size=3)):
            wanted = np.arange(8) % obj.size_out
            nengo.Connection(obj[wanted.tolist()], joined, synapse=None)
        connect(draw, joined, lambda size: nengo.Ensemble(size, 1, label="end").neurons)
    return net


@FEWER_EXAMPLES
@given(networks())
def test_every_pathway_of_a_network_reaches_what_nengo_says(net):
    graph = NetworkGraph(net)
    maps = {conn: connection_map(conn) for conn in net.all_connections}
    assert graph.uncounted == ()
    for pathway in graph.pathways:
        expected = route_map(pathway.connections, maps).sum(axis=0)
        np.testing.assert_array_equal(pathway.fan_out, expected)
    found = {pathway.connections for pathway in graph.pathways}
    everything = set(routes(net.ensembles[0].neurons, net, ()))
    assert found <= everything
    # Routes that are left out carry nothing.
    assert all(not route_map(route, maps).any() for route in everything - found)


def routes(obj, net, before):
    """Every chain of Connections from an object to neurons, or to a Node without any more."""
    onwards = [conn for conn in net.all_connections if conn.pre_obj == obj]
    if before and (not onwards or not isinstance(obj, nengo.Node)):
        yield before
        return
    for conn in onwards:
        yield from routes(conn.post_obj, net, (*before, conn))


@FEWER_EXAMPLES
@given(st.data())
def test_decoded_connections_have_the_nonzeros_of_their_full_weights(data):
    rng = data.draw(rngs())
    n_pre, n_post = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 6))
    d_pre, d_mid, d_post = (data.draw(st.integers(1, 3)) for _ in range(3))
    decoders = np.abs(weights(rng, (n_pre, d_pre), 0.6))
    transform = np.abs(weights(rng, (d_mid, d_pre), 0.6))
    encoders = np.abs(weights(rng, (n_post, d_post), 0.6))
    # Nengo needs an encoder to point somewhere.
    encoders[np.arange(n_post), rng.randint(d_post, size=n_post)] = 1
    where = np.arange(d_mid) % d_post
    with nengo.Network() as net:
        a = nengo.Ensemble(n_pre, d_pre)
        b = nengo.Ensemble(n_post, d_post, encoders=encoders)
        relay = nengo.Node(size_in=d_mid)
        solver = nengo.solvers.NoSolver(decoders)
        nengo.Connection(a, relay, transform=transform, solver=solver)
        nengo.Connection(relay, b[where.tolist()])
    placement = np.zeros((d_post, d_mid))
    placement[where, np.arange(d_mid)] = 1
    full = encoders @ placement @ transform @ decoders.T
    fan_out = NetworkGraph(net).pathways[0].fan_out
    # All weights are positive or zero, so that no sum cancels to zero.
    np.testing.assert_array_equal(fan_out, (full > 0).sum(axis=0))
