"""Layers on Speck's cores against sinabs' own mapping, recorded by tools/speck_recordings.py."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import nengo
import numpy as np
import pytest

import nengo_spikecost as nsc
from nengo_spikecost import chips, stack
from nengo_spikecost.chips import layer_maps as of_layers
from nengo_spikecost.chips.layer_maps import layer_maps, without_core
from nengo_spikecost.chips.network_parts import NetworkParts

RECORDED = json.loads((Path(__file__).parent / "recordings" / "speck_cores.json").read_text())
CASES = {case["name"]: case for case in RECORDED["cases"]}
NEURONS = nengo.SpikingRectifiedLinear()


def images(case, synapse=None, padding="valid"):
    """A case's chain of convolutions as a network."""
    channels, *space = case["input"]
    shape = nengo.transforms.ChannelShape((*space, channels))
    with nengo.Network(seed=0) as net:
        net.config[nengo.Connection].synapse = synapse
        before = nengo.Node(np.zeros(shape.size), label="pixels")
        for number, own in enumerate(case["layers"]):
            side, step = own["kernel"], own["stride"]
            conv = nengo.Convolution(
                own["filters"], shape, strides=(step, step), kernel_size=(side, side),
                padding=padding, init=np.ones((side, side, shape.n_channels, own["filters"])),
            )  # fmt: skip
            shape = conv.output_shape
            size = shape.size
            ens = nengo.Ensemble(
                size, 1, neuron_type=NEURONS, label=f"layer{number}", gain=np.ones(size),
                bias=np.full(size, float(own["bias"])),
            )  # fmt: skip
            nengo.Connection(before, ens.neurons, transform=conv)
            before = ens.neurons
        nengo.Probe(before)
    return net


def test_cores_are_those_of_sinabs():
    (limit,) = [x for x in chips.get("speck2f").limits if x.quantity == "layers_without_core"]
    assert [list(core) for core in limit.cores] == RECORDED["about"]["cores"]


@pytest.mark.parametrize("name", CASES)
def test_memory_and_mapping_are_those_of_sinabs(name):
    case = CASES[name]
    maps = layer_maps(NetworkParts.of(images(case)))
    words = [[own.kernel_words, own.neuron_words, own.bias_words] for own in maps]
    assert words == [own["words"] for own in case["layers"]]
    assert (not without_core(maps, RECORDED["about"]["cores"])) == case["mapped"]


@pytest.mark.parametrize("name", list(CASES)[:12])
def test_as_many_layers_as_possible_have_a_core(name):
    """By trying all ways, of a few cores."""
    maps = layer_maps(NetworkParts.of(images(CASES[name])))[:4]
    cores = RECORDED["about"]["cores"][2:7]

    def fits(own, core):
        return all(
            need <= has
            for need, has in zip((own.kernel_words, own.neuron_words, own.bias_words), core)
        )

    best = max(
        (
            sum(fits(own, core) for own, core in zip(maps, order))
            for order in itertools.permutations(cores, len(maps))
        ),
        default=0,
    )
    assert len(maps) - len(without_core(maps, cores)) == best


def test_a_network_that_fits_and_the_ways_in_which_others_do_not():
    case = {"input": [1, 28, 28], "layers": [
        {"filters": 8, "kernel": 3, "stride": 2, "bias": 0},
        {"filters": 16, "kernel": 3, "stride": 2, "bias": 0},
    ]}  # fmt: skip
    assert chips.fit("speck2f", images(case)).fits
    filtered = chips.fit("speck2f", images(case, synapse=0.005))
    assert [c.limit.quantity for c in filtered.misfits] == ["synaptic_filters"]
    wide = {"input": [1, 128, 128], "layers": [{**case["layers"][0], "stride": 3}]}
    assert {c.limit.quantity for c in chips.fit("speck2f", images(wide)).misfits} == {"strides"}
    wider = {"input": [1, 160, 160], "layers": [{**case["layers"][0], "filters": 64}]}
    assert {c.limit.quantity for c in chips.fit("speck2f", images(wider)).misfits} == {
        "side_in", "side_out", "layers_without_core",
    }  # fmt: skip


def test_pooling_in_front_stays_apart_and_has_windows_that_the_chip_has():
    rng = np.random.RandomState(0)

    def pooled(window):
        with nengo.Network(seed=0) as net:
            net.config[nengo.Connection].synapse = None
            a = nengo.Ensemble(12 * 12 * 2, 1, neuron_type=NEURONS, label="a")
            pool = nengo.Convolution(
                2, (12, 12, 2), strides=(window, window), kernel_size=(window, window),
                init=np.full((window, window, 2, 2), 1.0) * np.eye(2),
            )  # fmt: skip
            between = nengo.Node(size_in=pool.output_shape.size, label="pool")
            conv = nengo.Convolution(4, pool.output_shape, init=rng.rand(3, 3, 2, 4))
            b = nengo.Ensemble(conv.output_shape.size, 1, neuron_type=NEURONS, label="b")
            nengo.Connection(a.neurons, between, transform=pool)
            nengo.Connection(between, b.neurons, transform=conv)
            nengo.Probe(b.neurons)
        return net

    (own,) = layer_maps(NetworkParts.of(pooled(2)))
    assert (own.kernel, own.channels_in, own.space, own.pools) == ((3, 3), 2, (4, 4), ((2, 2),))
    assert chips.fit("speck2f", pooled(2)).fits
    assert {c.limit.quantity for c in chips.fit("speck2f", pooled(3)).misfits} == {"pools"}


def image_classifier(kind):
    """A Keras model of two convolutions with poolings, as `fit --chip` converts it."""
    layers, rng = stack.keras().layers, np.random.RandomState(0)
    norm = [layers.BatchNormalization()] if kind == "normalized" else []
    chain = [layers.Conv2D(8, 3, input_shape=(16, 16, 1)), layers.ReLU(), layers.AveragePooling2D()]
    chain += [
        layers.Conv2D(8, 3),
        *norm,
        layers.ReLU(),
        layers.AveragePooling2D(),
        layers.Flatten(),
    ]
    chain += [layers.Dense(16), layers.ReLU(), layers.Dense(10)]
    model = stack.keras().Sequential(chain)
    model.set_weights([rng.uniform(0.1, 1, w.shape) for w in model.get_weights()])
    return nsc.convert(model, lower=False, synapse=None)


@pytest.mark.parametrize("kind", ["plain", "normalized"])
def test_an_ordinary_network_of_convolutions_and_poolings_fits(kind):
    """A pooling in front of a dense layer is a pooling, and a normalization part of its layer."""
    network = image_classifier(kind)
    fit = chips.fit("speck2f", network)
    assert fit.fits, fit.summary_string()
    conv, dense, readout = layer_maps(NetworkParts.of(network))
    assert (conv.kernel, conv.channels, conv.space, conv.pools) == ((3, 3), 8, (5, 5), ((2, 2),))
    assert (dense.kernel, dense.channels_in, dense.channels) == ((2, 2), 8, 16)
    assert dense.pools == ((2, 2),) and not dense.convolves and readout.pools == ()


def test_numbers_that_are_no_channels_own_are_another_layer():
    """A scale of every place of an image is none that the weights of a convolution take in."""
    case = {"input": [2, 8, 8], "layers": [{"filters": 4, "kernel": 3, "stride": 1, "bias": 0}]}
    for values, kind in (
        (np.tile([1.0, 2.0, 3.0, 4.0], 36), "convolution"),
        (np.arange(1.0, 145.0), "convolution then dense"),
        (2.5, "convolution"),
    ):
        net = images(case)
        with net:
            (first,) = net.all_ensembles
            conv = nengo.Convolution(
                4, (6, 6, 4), kernel_size=(1, 1), init=np.arange(16.0).reshape(1, 1, 4, 4)
            )
            between = nengo.Node(size_in=conv.output_shape.size)
            post = nengo.Ensemble(144, 1, neuron_type=NEURONS, label="post")
            nengo.Connection(first.neurons, between, transform=conv)
            nengo.Connection(between, post.neurons, transform=values)
            nengo.Probe(post.neurons)
        (check,) = [
            c for c in chips.fit("speck2f", net).checks if c.limit.quantity == "layer_kinds"
        ]
        assert set(check.need.value) == {"convolution", kind}


def test_a_dense_layer_behind_an_image_has_the_image_as_its_kernel():
    case = {"input": [1, 12, 12], "layers": [{"filters": 4, "kernel": 3, "stride": 2, "bias": 0}]}
    net = images(case)
    with net:
        out = nengo.Node(size_in=10, label="out")
        nengo.Connection(net.all_ensembles[-1].neurons, out, transform=np.ones((10, 4 * 25)))
        nengo.Probe(out)
    dense = layer_maps(NetworkParts.of(net))[-1]
    assert (dense.kernel, dense.channels_in, dense.channels) == ((5, 5), 4, 10)
    assert dense.kernel_words == 4 * 2**5 * 2**4 and dense.neuron_words == 10


def test_layers_are_read_once_for_all_limits(monkeypatch):
    read = []
    own = of_layers._map
    monkeypatch.setattr(of_layers, "_map", lambda *args: read.append(args[0]) or own(*args))
    case = next(case for case in CASES.values() if len(case["layers"]) > 1)
    chips.fit("speck2f", images(case))
    assert len(read) == len(set(read)) > 1
