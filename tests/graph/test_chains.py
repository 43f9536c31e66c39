"""Unions along chains, against boolean matrix products."""

from __future__ import annotations

import numpy as np
import pytest
from nengo.transforms import Convolution, Dense

from nengo_spikecost.graph import (
    AllToAll,
    Identity,
    Kronecker,
    Placement,
    Selection,
    SparsePattern,
    chain_fan_out,
    chains,
    connectivity,
)


def union(chain):
    """Boolean product of a chain, shape (n_targets, n_sources)."""
    result = np.eye(chain[0].size_in, dtype=np.int64)
    for pattern in chain:
        result = (pattern.to_sparse().toarray().astype(np.int64) @ result > 0).astype(np.int64)
    return result


def path_sum(chain):
    paths = np.ones(chain[-1].size_out)
    for pattern in reversed(chain):
        paths = pattern.adjoint(paths)
    return paths


def pool(shape, size, stride):
    kernel = np.zeros((size, size, shape[-1], shape[-1])) + np.eye(shape[-1])
    return connectivity(Convolution(shape[-1], shape, (size, size), (stride, stride), init=kernel))


def conv(shape, filters, density=1.0, seed=0, size=(3, 3), **kwargs):
    rng = np.random.RandomState(seed)
    kernel = rng.uniform(0.5, 1, size=(*size, shape[-1], filters))
    kernel *= rng.rand(*kernel.shape) < density
    return connectivity(Convolution(filters, shape, size, init=kernel, **kwargs))


def upsample(shape, factor):
    rows, columns, channels = shape
    elements = np.arange(rows * columns * channels).reshape(shape)
    return Selection(elements.repeat(factor, 0).repeat(factor, 1).ravel(), elements.size)


def zero_pad(shape, width):
    rows, columns, channels = shape
    padded = np.arange((rows + 2 * width) * (columns + 2 * width) * channels)
    inner = padded.reshape(rows + 2 * width, columns + 2 * width, channels)
    return Placement(inner[width:-width, width:-width].ravel(), padded.size)


def on_channels(shape, first, of):
    """One branch of a concatenation: its channels among those of all."""
    everything = np.arange(shape[0] * shape[1] * of).reshape(*shape[:2], of)
    return Placement(everything[..., first : first + shape[2]].ravel(), everything.size)


@pytest.mark.parametrize("density", [1.0, 0.6], ids=["full", "pruned"])
def test_overlapping_pool_before_a_convolution(density):
    chain = [pool((10, 10, 2), 3, 2), conv((4, 4, 2), 3, density)]
    fan_out = chain_fan_out(chain)
    np.testing.assert_array_equal(fan_out, union(chain).sum(axis=0))
    assert path_sum(chain).sum() > 1.3 * fan_out.sum()


@pytest.mark.parametrize("density", [1.0, 0.6], ids=["full", "pruned"])
def test_upsampling_before_a_convolution(density):
    chain = [upsample((4, 4, 2), 2), conv((8, 8, 2), 3, density)]
    fan_out = chain_fan_out(chain)
    np.testing.assert_array_equal(fan_out, union(chain).sum(axis=0))
    assert path_sum(chain).sum() > 1.5 * fan_out.sum()


def test_upsampling_of_part_of_an_image():
    # Every second element of a larger population, rows and columns repeated.
    inner = Selection(2 * np.arange(32) + 1, 70)
    chain = [inner, upsample((4, 4, 2), 2), conv((8, 8, 2), 3), pool((6, 6, 3), 2, 1)]
    assert [type(p) for p in chains.simplify(chain)] == [Selection, Kronecker]
    np.testing.assert_array_equal(chain_fan_out(chain), union(chain).sum(axis=0))


@pytest.mark.parametrize(
    "chain",
    [
        [pool((8, 8, 2), 3, 1), zero_pad((6, 6, 2), 1), conv((8, 8, 2), 3)],
        [pool((8, 8, 2), 3, 1), on_channels((6, 6, 2), 1, 4), conv((6, 6, 4), 3)],
        [pool((8, 8, 2), 3, 1), on_channels((6, 6, 2), 1, 4), conv((6, 6, 4), 3, 0.5)],
        [pool((8, 8, 2), 3, 1), zero_pad((4, 4, 2), 1).T, conv((4, 4, 2), 3)],
        [pool((8, 8, 1), 3, 1), Placement(np.arange(36)[::-1], 36), conv((6, 6, 1), 3)],
        [pool((8, 8, 1), 3, 1), Placement(np.arange(36) // 2, 36), conv((6, 6, 1), 3)],
        [pool((8, 8, 1), 3, 1), Placement(np.r_[:5, 6:37], 37), conv((37, 1, 1), 2, size=(3, 1))],
        [conv((8, 8, 2), 3, 0.5), pool((6, 6, 3), 2, 2), conv((3, 3, 3), 4, 0.5, seed=1)],
        [conv((6, 6, 1), 2), connectivity(Dense((5, 32), init=np.eye(5, 32) + np.eye(5, 32, 9)))],
        [Selection([2, 0, 0, 1], 4), Placement([1, 1, 0, 3], 5), AllToAll(5, 3)],
        [Placement([0, 2, 2], 4), AllToAll(4, 6), Selection([1, 1, 5], 6)],
        [AllToAll(3, 4), Selection([1, 1, 2], 4), Placement([4, 4, 0], 6)],
        [SparsePattern(np.zeros((3, 4))), AllToAll(3, 2)],
        [AllToAll(4, 3), SparsePattern(np.zeros((2, 3)))],
        [Identity(3), Identity(3)],
    ],
    ids=[
        "pad",
        "branch",
        "pruned branch",
        "crop",
        "reversed",
        "added up",
        "with a gap",
        "pruned",
        "dense",
        "some to all",
        "through all",
        "all to some",
        "none",
        "to none",
        "one",
    ],
)
def test_chains(chain):
    fan_out = chain_fan_out(chain)
    assert fan_out.dtype == np.int64
    np.testing.assert_array_equal(fan_out, union(chain).sum(axis=0))


def test_reshaping_between_convolutions():
    chain = [conv((6, 8, 1), 2), conv((6, 4, 2), 2)]
    assert len(chains.simplify(chain)) == 2, "the first makes a (4, 6, 2) image"
    np.testing.assert_array_equal(chain_fan_out(chain), union(chain).sum(axis=0))


def test_uniform_chains_are_never_multiplied_out(monkeypatch):
    def fail(*args):
        raise AssertionError("multiplied out")

    monkeypatch.setattr(chains, "_union_sums", fail)
    image = (64, 64, 32)
    chain = [upsample((32, 32, 32), 2), conv(image, 32, padding="same"), pool(image, 3, 2)]
    fan_out = chain_fan_out([*chain, AllToAll(chain[-1].size_out, 10)])
    assert np.all(fan_out == 10)
    assert chain_fan_out(chain).shape == (32 * 32 * 32,)
    branch = on_channels((31, 31, 32), 8, 96)
    chain_fan_out([*chain, branch, conv((31, 31, 96), 8)])
    chain_fan_out([pool(image, 3, 1), zero_pad((60, 60, 32), 1).T, conv((60, 60, 32), 8)])


@pytest.mark.parametrize("paths_at_once", [1, 7, 100])
def test_pieces_of_any_size_give_the_same_union(monkeypatch, paths_at_once):
    chain = [pool((8, 8, 2), 3, 1), conv((6, 6, 2), 3, 0.5)]
    monkeypatch.setattr(chains, "PATHS_AT_ONCE", paths_at_once)
    np.testing.assert_array_equal(chain_fan_out(chain), union(chain).sum(axis=0))
