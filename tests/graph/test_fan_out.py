"""Fan-out rules against hand counts and against Nengo's own operators."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from nengo.transforms import Convolution, ConvolutionTranspose, Dense, NoTransform, Sparse
from scipy import sparse
from scipy.ndimage import correlate

from nengo_spikecost.errors import NetworkGraphError
from nengo_spikecost.graph import (
    AllToAll,
    Identity,
    Kronecker,
    Selection,
    connectivity,
    fan_out_rules,
)
from nengo_spikecost.graph.convolution import KernelPattern

from .nengo_oracle import transform_map


def matrix(pattern):
    return pattern.to_sparse().toarray()


def test_one_spike_into_a_valid_convolution_reaches_one_target_from_the_corner_nine_inside():
    fan_out = connectivity(Convolution(1, (6, 6, 1))).out_degree.reshape(6, 6)
    assert fan_out[0, 0] == fan_out[0, 5] == fan_out[5, 0] == fan_out[5, 5] == 1
    assert np.all(fan_out[2:4, 2:4] == 9)
    np.testing.assert_array_equal(fan_out, np.outer([1, 2, 3, 3, 2, 1], [1, 2, 3, 3, 2, 1]))


@pytest.mark.parametrize("count_zeros", [False, True])
@pytest.mark.parametrize(
    ("init", "nonzero"),
    [
        (2.5, np.eye(3)),
        (0.0, np.zeros((3, 3))),
        ([1, 0, -2], np.diag([1, 0, 1])),
        ([[0, 1, 0], [0, 0, -1], [2, 0, 0]], [[0, 1, 0], [0, 0, 1], [1, 0, 0]]),
        (nengo.dists.Uniform(-1, 1), np.ones((3, 3))),
    ],
)
def test_dense(init, nonzero, count_zeros):
    transform = Dense((3, 3), init=init)
    expected = np.asarray(nonzero, dtype=bool)
    if count_zeros:
        expected = np.eye(3, dtype=bool) if np.ndim(init) < 2 else np.ones((3, 3), dtype=bool)
        if isinstance(init, nengo.dists.Distribution):
            expected = np.ones((3, 3), dtype=bool)
    np.testing.assert_array_equal(matrix(connectivity(transform, count_zeros)), expected)


def test_dense_without_zeros_is_not_stored():
    assert isinstance(connectivity(Dense((4, 3), init=np.ones((4, 3)))), AllToAll)
    assert isinstance(connectivity(NoTransform(5)), Identity)


def test_sparse_entries_at_one_place_are_one_synapse_and_the_users_matrix_is_left_alone():
    indices, data = [[0, 0], [0, 0], [1, 2], [2, 1]], [1.0, 2.0, 0.0, 3.0]
    for count_zeros, expected in [(False, 2), (True, 3)]:
        transform = Sparse((3, 3), indices=indices, init=data)
        assert connectivity(transform, count_zeros).n_synapses == expected
    cancelling = Sparse((3, 3), indices=indices[:2], init=[1.0, -1.0])
    assert connectivity(cancelling).n_synapses == 0
    drawn = Sparse((3, 3), indices=indices, init=nengo.dists.Uniform(-1, 1))
    assert connectivity(drawn).n_synapses == 3
    given = sparse.csr_matrix(([1.0, 0.0, 2.0], ([0, 1, 2], [0, 1, 2])), shape=(3, 3))
    assert connectivity(Sparse((3, 3), init=given)).n_synapses == 2
    assert connectivity(Sparse((3, 3), init=given), count_zeros=True).n_synapses == 3
    assert given.nnz == 3


@pytest.mark.parametrize("channels_last", [True, False])
@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("strides", [(1, 1), (2, 3)])
@pytest.mark.parametrize("cls", [Convolution, ConvolutionTranspose])
def test_uniform_kernels_are_products_of_axes(cls, strides, padding, channels_last):
    shape = (5, 6, 2) if channels_last else (2, 5, 6)
    transform = cls(
        3, shape, kernel_size=(3, 4), strides=strides, padding=padding, channels_last=channels_last
    )
    pattern = connectivity(transform)
    assert isinstance(pattern, Kronecker)
    np.testing.assert_array_equal(matrix(pattern), transform_map(transform))


def test_average_pooling_as_nengo_dl_writes_it_mixes_no_channels():
    kernel = np.zeros((2, 2, 4, 4)) + np.eye(4) / 4
    pool = Convolution(4, (6, 6, 4), kernel_size=(2, 2), strides=(2, 2), init=kernel)
    assert np.all(connectivity(pool).out_degree == 1)
    assert np.all(connectivity(pool, count_zeros=True).out_degree == 4)


def test_three_dimensional_convolution_against_scipy():
    rng = np.random.RandomState(0)
    kernel = rng.rand(2, 3, 2, 1, 1) * (rng.rand(2, 3, 2, 1, 1) < 0.7)
    pattern = connectivity(Convolution(1, (4, 5, 3, 1), (2, 3, 2), (1, 1, 1), init=kernel))
    image = rng.randint(0, 9, size=(4, 5, 3)).astype(float)
    # Nengo simulates no 3-D convolution; scipy's correlation, cropped to the valid part,
    # is the same sum. Its origin is the centre of the kernel.
    mask = (kernel[..., 0, 0] != 0).astype(float)
    full = correlate(image, mask, mode="constant", origin=(-1, 0, -1))
    np.testing.assert_array_equal(
        pattern.forward(image.ravel()).reshape(3, 3, 2), full[:3, 1:4, :2]
    )


@pytest.mark.parametrize("groups", [2, 4])
def test_pruned_grouped_convolutions(groups):
    rng = np.random.RandomState(groups)
    kernel = rng.rand(3, 2, 4 // groups, 8) * (rng.rand(3, 2, 4 // groups, 8) < 0.5)
    transform = Convolution(8, (4, 5, 4), (3, 2), (2, 1), "same", init=kernel, groups=groups)
    pattern = connectivity(transform)
    assert isinstance(pattern, KernelPattern)
    np.testing.assert_array_equal(matrix(pattern), transform_map(transform))
    np.testing.assert_array_equal(matrix(pattern.T), transform_map(transform).T)
    assert pattern.T.T is pattern


@pytest.mark.parametrize(
    "transform",
    [
        Dense((3, 4), init=[[0, 1, 1, 0], [1, 1, 1, 1], [0, 0, 0, 0]]),
        Convolution(2, (4, 4, 3), strides=(2, 1), padding="same"),
        Convolution(1, (4, 3), (2,), (1,), init=np.array([[[1.0], [0], [1]], [[0], [0], [1]]])),
        ConvolutionTranspose(2, (3, 3, 2), strides=(2, 2)),
    ],
    ids=["dense", "conv", "pruned conv", "transposed"],
)
def test_forward_and_adjoint_are_products_with_the_matrix(transform):
    pattern = connectivity(transform)
    dense = matrix(pattern).astype(float)
    rng = np.random.RandomState(0)
    for shape in [(), (3,)]:
        u = rng.randint(0, 100, size=(pattern.size_in, *shape)).astype(float)
        v = rng.randint(0, 100, size=(pattern.size_out, *shape)).astype(float)
        np.testing.assert_array_equal(pattern.forward(u), dense @ u)
        np.testing.assert_array_equal(pattern.adjoint(v), dense.T @ v)
    assert pattern.out_degree.dtype == pattern.in_degree.dtype == np.int64
    np.testing.assert_array_equal(pattern.out_degree, dense.sum(axis=0))
    np.testing.assert_array_equal(pattern.in_degree, dense.sum(axis=1))
    assert pattern.n_synapses == dense.sum()
    some = np.array([pattern.size_in - 1, 0])
    np.testing.assert_array_equal(pattern.to_sparse(some).toarray(), dense[:, some])


def test_arrays_of_the_wrong_shape_are_refused():
    with pytest.raises(NetworkGraphError, match=r"expects an array of shape \(3,\)"):
        Identity(3).forward(np.ones(4))
    with pytest.raises(NetworkGraphError, match="expects"):
        Identity(3).adjoint(np.ones((3, 2, 1)))


class Reversal(nengo.transforms.Transform):
    """A transform of a user's own."""

    def __init__(self, size):
        super().__init__()
        self.size = size

    size_in = size_out = property(lambda self: self.size)


def test_rules_are_registered_for_types():
    with pytest.raises(TypeError, match="fan-out rule is registered for a type, not for 'Dense'"):
        fan_out_rules.register("Dense")


def test_a_user_registers_a_rule_with_one_function():
    with pytest.raises(NetworkGraphError, match=r"No fan-out rule for .* Reversal"):
        connectivity(Reversal(4))

    try:

        @fan_out_rules.register(Reversal)
        def reversal(transform, count_zeros):
            return Selection(range(transform.size_in)[::-1], transform.size_in)

        np.testing.assert_array_equal(matrix(connectivity(Reversal(4))), np.eye(4)[::-1])
    finally:
        fan_out_rules._rules.pop(Reversal)


def test_a_rule_that_gives_the_wrong_size_is_named():
    try:
        fan_out_rules.register(Reversal)(lambda transform, count_zeros: Identity(2))
        with pytest.raises(NetworkGraphError, match="The fan-out rule for Reversal gave"):
            connectivity(Reversal(4))
    finally:
        fan_out_rules._rules.pop(Reversal)
