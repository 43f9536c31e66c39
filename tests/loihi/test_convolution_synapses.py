"""P9: convolutions on NengoLoihi's emulator, against Nengo and against no groups."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nengo_spikecost import stack

from .networks import Layers, dense_kernel, emulate, emulator_counts, matrix_of_nengo, nengo_counts

loihi = stack.nengo_loihi()

KERNEL_3X3 = 1.0 + np.arange(9.0).reshape(3, 3, 1, 1)


@st.composite
def grouped(draw):
    """A grouped convolution of random shape, with different weights everywhere."""
    groups = draw(st.integers(2, 4))
    channels = groups * draw(st.integers(1, 3))
    filters = groups * draw(st.integers(1, 3))
    size = (draw(st.integers(3, 7)), draw(st.integers(3, 7)))
    channels_last = draw(st.booleans())
    shape = (*size, channels) if channels_last else (channels, *size)
    kwargs = {
        "kernel_size": (draw(st.integers(1, 3)), draw(st.integers(1, 3))),
        "strides": (draw(st.integers(1, 3)), draw(st.integers(1, 3))),
        "padding": draw(st.sampled_from(["same", "valid"])),
        "channels_last": channels_last,
        "groups": groups,
    }
    kernel_shape = nengo.Convolution(filters, shape, **kwargs).kernel_shape
    kernel = 1.0 + np.arange(np.prod(kernel_shape)).reshape(kernel_shape)
    return nengo.Convolution(filters, shape, init=kernel, **kwargs)


@st.composite
def transposed(draw):
    """A transposed convolution of random shape, its output as small as possible or larger."""
    channels, filters = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    size = (draw(st.integers(1, 5)), draw(st.integers(1, 5)))
    strides = (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    channels_last = draw(st.booleans())

    def image(space, depth):
        return (*space, depth) if channels_last else (depth, *space)

    kwargs = {
        "kernel_size": (draw(st.integers(1, 4)), draw(st.integers(1, 4))),
        "strides": strides,
        "padding": draw(st.sampled_from(["same", "valid"])),
        "channels_last": channels_last,
    }
    smallest = nengo.ConvolutionTranspose(filters, image(size, channels), **kwargs)
    space = [
        n + draw(st.integers(0, stride - 1))
        for n, stride in zip(smallest.output_shape.spatial_shape, strides)
    ]
    kernel = 1.0 + np.arange(np.prod(smallest.kernel_shape)).reshape(smallest.kernel_shape)
    return nengo.ConvolutionTranspose(
        filters,
        image(size, channels),
        output_shape=image(space, filters),
        init=kernel,
        **kwargs,
    )


def matrix_of_synapse(transform, weights, indices, axon_to_weight_map, offsets):
    """The same matrix, read from the weights and indices that NengoLoihi is given."""
    shape = transform.input_shape
    pixels = loihi.conv.pixel_idxs(shape)
    channels = loihi.conv.channel_idxs(shape)
    matrix = np.zeros((transform.size_out, transform.size_in))
    for neuron, (pixel, channel) in enumerate(zip(pixels, channels)):
        if offsets[pixel] >= 0:
            number = axon_to_weight_map[pixel]
            targets = offsets[pixel] + indices[number][channel]
            assert len(set(targets)) == len(targets)
            matrix[targets, neuron] = weights[number][channel]
    return matrix


@settings(max_examples=100)
@given(grouped())
def test_weights_and_indices_are_the_convolution(transform):
    parts = loihi.conv.conv2d_loihi_weights(transform)
    weights, indices, _, offsets = parts
    np.testing.assert_array_equal(matrix_of_synapse(transform, *parts), matrix_of_nengo(transform))
    assert offsets.min() >= -1 and offsets.max() < 256  # what the chip's axons can hold
    assert all(w.shape == i.shape for w, i in zip(weights, indices))
    # no weight of 0 takes memory, and no set of weights is there twice
    assert all((w != 0).all() for w in weights)
    assert len({(w.tobytes(), i.tobytes()) for w, i in zip(weights, indices)}) == len(weights)


@settings(max_examples=150)
@given(transposed())
def test_transposed_weights_and_indices_are_the_convolution(transform):
    parts = loihi.conv.conv2d_loihi_weights(transform)
    np.testing.assert_array_equal(matrix_of_synapse(transform, *parts), matrix_of_nengo(transform))
    assert parts[3].min() >= -1 and parts[3].max() < 256


def test_nengo_loihi_misplaces_a_transposed_convolution_as_keras_has_it():
    """What P9 is for: ``Conv2DTranspose(1, 3, strides=2, padding="same")`` on 3x3."""
    transform = nengo.ConvolutionTranspose(
        1, (3, 3, 1), output_shape=(6, 6, 1), strides=(2, 2), padding="same", init=KERNEL_3X3
    )
    expected = matrix_of_nengo(transform)
    theirs = loihi.conv.conv2d_loihi_weights.__wrapped__(transform)
    assert not np.array_equal(matrix_of_synapse(transform, *theirs), expected)
    ours = loihi.conv.conv2d_loihi_weights(transform)
    np.testing.assert_array_equal(matrix_of_synapse(transform, *ours), expected)


def test_offsets_beyond_the_axons_go_into_the_indices():
    kernel = np.ones((1, 1, 1, 12))
    transform = nengo.Convolution(12, (6, 6, 12), kernel_size=(1, 1), init=kernel, groups=12)
    parts = loihi.conv.conv2d_loihi_weights(transform)
    assert transform.size_out > 256 and len(parts[0]) == 2
    np.testing.assert_array_equal(matrix_of_synapse(transform, *parts), matrix_of_nengo(transform))


def test_ungrouped_is_left_to_nengo_loihi():
    transform = Layers(1).convolution(4, (5, 5, 2), strides=(2, 1), padding="same")
    patched = loihi.conv.conv2d_loihi_weights
    for ours, theirs in zip(patched(transform), patched.__wrapped__(transform)):
        assert len(ours) == len(theirs)
        assert all(np.array_equal(a, b) for a, b in zip(ours, theirs))


# ---------------------------------------------------------------- on the emulator


def network(transform, second=None, block_shapes=()):
    """Encoder, the convolution, and perhaps another one on the chip."""
    layers = Layers(transform.size_in, seed=1)
    pre = layers.encoder
    for number, each in enumerate(t for t in (transform, second) if t is not None):
        post = layers.population(each.size_out, f"conv{number}")
        layers.connect(pre, post, each)
        layers.probe(post)
        if number < len(block_shapes):
            shape = loihi.BlockShape(block_shapes[number], each)
            layers.net.config[post].block_shape = shape
        pre = post
    return layers


def counts(transform, *args, target="sim"):
    layers = network(transform, *args)
    sim = emulate(layers.net, target=target)
    return emulator_counts(sim, layers.probes), sim


CASES = [
    {"groups": 4},
    {"groups": 2, "strides": (2, 1), "padding": "same"},
    {
        "groups": 2,
        "kernel_size": (2, 3),
        "strides": (1, 3),
        "padding": "same",
        "channels_last": False,
    },
    {"groups": 4, "kernel_size": (1, 1), "channels_last": False},
]


@pytest.mark.parametrize("kwargs", CASES)
def test_emulator_gives_the_spikes_of_the_convolution_without_groups(kwargs):
    shape = (5, 6, 4) if kwargs.get("channels_last", True) else (4, 5, 6)
    layers = Layers(1)
    transform = layers.convolution(8, shape, **kwargs)
    # A second one, so that a population on the chip drives a grouped convolution too
    second = layers.convolution(
        4,
        transform.output_shape,
        kernel_size=(2, 2),
        groups=2,
        channels_last=transform.channels_last,
    )
    found, sim = counts(transform, second)
    expected, plain = counts(dense_kernel(transform), dense_kernel(second))
    for label, spikes in expected.items():
        assert spikes.sum() > 20, label
        np.testing.assert_array_equal(found[label], spikes)
    sizes = [synapse.size() for block in sim.model.blocks for synapse in block.synapses]
    dense = [synapse.size() for block in plain.model.blocks for synapse in block.synapses]
    assert sizes == [dense[0] // transform.groups, dense[1] // 2]


@pytest.mark.parametrize(
    "kwargs, block_shape",
    [
        ({"groups": 4}, (2, 2, 8)),  # over space: all atoms reach each part
        ({"groups": 4}, (5, 6, 2)),  # over channels: one group a part
        ({"groups": 2}, (2, 3, 3)),  # parts that two groups reach unequally
        ({"groups": 2, "padding": "same", "strides": (2, 2), "channels_last": False}, (3, 2, 2)),
        ({"groups": 4, "channels_last": False}, (5, 3, 1)),
    ],
)
def test_blocks_can_be_split(kwargs, block_shape):
    shape = (5, 6, 4) if kwargs.get("channels_last", True) else (4, 5, 6)
    layers = Layers(1)
    transform = layers.convolution(8, shape, **kwargs)
    second = layers.convolution(
        4,
        transform.output_shape,
        kernel_size=(2, 2),
        groups=4,
        channels_last=transform.channels_last,
    )
    shapes = (block_shape, second.output_shape.shape)
    found, sim = counts(transform, second, shapes)
    assert len(sim.model.blocks) > 2
    # the weights of a block are rounded by its largest, so the split network is compared
    # with the split one that has no groups
    expected, _ = counts(dense_kernel(transform), dense_kernel(second), shapes)
    for label, spikes in expected.items():
        assert spikes.sum() > 20, label
        np.testing.assert_array_equal(found[label], spikes)


def test_parts_receive_only_the_spikes_that_reach_them():
    transform = Layers(1).convolution(4, (4, 4, 4), groups=4)
    _, sim = counts(transform, None, ((4, 4, 1),))
    assert len(sim.model.blocks) == 4
    for block in sim.model.blocks:
        (synapse,) = block.synapses
        assert {w.shape[0] for w in synapse.weights} == {1}
    (spikes,) = sim.model.inputs
    for channel, axon in enumerate(spikes.axons):
        reached = np.flatnonzero(axon.compartment_map >= 0) % 4
        assert set(reached) == {channel}


def test_unrounded_emulator_agrees_with_nengo_however_blocks_are_split():
    layers = Layers(1)
    transform = layers.convolution(6, (5, 5, 4), groups=2, padding="same")
    for shape in ((5, 5, 6), (2, 3, 4)):
        net = network(transform, None, (shape,))
        found = emulator_counts(emulate(net.net, target="simreal"), net.probes)
        expected = nengo_counts(net.net, net.probes)
        assert expected["conv0"].sum() > 100
        # the emulator computes in float32: a neuron may reach its threshold a step later
        assert np.abs(found["conv0"] - expected["conv0"]).max() <= 1
