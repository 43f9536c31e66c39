"""Predicted blocks against those that NengoLoihi builds, every one of them."""

from __future__ import annotations

import nengo
import numpy as np
import pytest

from nengo_spikecost import stack
from nengo_spikecost.errors import LoihiError
from nengo_spikecost.loihi import core_use

from .block_networks import RandomNetwork, built_uses, predicted_uses
from .networks import Layers

N_QUICK = 48
N_SLOW = 480


def check(seed):
    random = RandomNetwork(seed)
    predicted = predicted_uses(core_use(random.net))
    assert predicted == built_uses(random.net), (seed, random.kinds)


@pytest.mark.parametrize("seeds", np.array_split(np.arange(N_QUICK), 8))
def test_every_block_of_random_networks_is_as_built(seeds):
    for seed in seeds:
        check(int(seed))


@pytest.mark.slow
@pytest.mark.parametrize("seeds", np.array_split(np.arange(N_QUICK, N_QUICK + N_SLOW), 40))
def test_every_block_of_many_random_networks_is_as_built(seeds):
    for seed in seeds:
        check(int(seed))


def test_random_networks_are_of_all_sorts():
    kinds = {kind for seed in range(N_QUICK) for kind in RandomNetwork(seed).kinds}
    assert kinds == {
        "convolution",
        "grouped",
        "transposed",
        "two inputs",
        "dense",
        "sparse",
        "sliced",
        "relay",
        "decoded",
        "learning",
    }


def image_network(channels_last=True):
    layers = Layers(10 * 10 * 2)
    shape = (10, 10, 2) if channels_last else (2, 10, 10)
    transform = layers.convolution(8, shape, channels_last=channels_last)
    first = layers.population(transform.size_out, "first")
    layers.connect(layers.encoder, first, transform)
    second = layers.population(20, "second")
    layers.connect(first, second, layers.weights(20, first.n_neurons))
    return layers, first, second


@pytest.mark.parametrize("channels_last", [True, False])
def test_shapes_that_are_asked_for(channels_last):
    layers, first, second = image_network(channels_last)
    tile = (4, 5, 3) if channels_last else (3, 4, 5)
    full = (8, 8, 8)
    predicted = core_use(layers.net, {first: tile, second: (7,)})
    BlockShape = stack.nengo_loihi().BlockShape
    layers.net.config[first].block_shape = BlockShape(tile, full)
    layers.net.config[second].block_shape = BlockShape((7,), (20,))
    assert predicted_uses(predicted) == built_uses(layers.net)
    assert predicted_uses(core_use(layers.net)) == predicted_uses(predicted)
    given = {first: layers.net.config[first].block_shape}
    assert core_use(layers.net, given).n_cores == predicted.n_cores == 2 * 2 * 3 + 3
    assert predicted["first"] is predicted[first]
    assert predicted[first].blocks[0].compartments == 60


def test_the_network_stays_as_it_was():
    with nengo.Network(seed=0) as net:
        a = nengo.Ensemble(20, 1, label="a")
        with nengo.Network():
            b = nengo.Ensemble(20, 1, label="b")
        nengo.Connection(a, b)
    core_use(net)
    for network in (net, *net.all_networks):
        assert "block_shape" not in network.config[nengo.Ensemble]._extra_params
    assert not hasattr(net.config[a], "on_chip")


def test_what_is_wrong_with_a_shape_is_said():
    layers, first, second = image_network()
    with pytest.raises(LoihiError, match="first has 512 neurons"):
        core_use(layers.net, {first: stack.nengo_loihi().BlockShape((5,), (9,))})
    with pytest.raises(LoihiError, match="no Ensemble on the chip"):
        core_use(layers.net, {layers.encoder: (5,)})
    with pytest.raises(LoihiError, match="second: A block of shape"):
        core_use(layers.net, {second: (0,)})


def test_what_nengo_loihi_cannot_build_is_said():
    layers = Layers(12)
    post = layers.population(12, "post")
    with layers.net:
        nengo.Connection(layers.encoder.neurons, post.neurons[:12], transform=np.eye(12))
    with pytest.raises(LoihiError, match="part of a population"):
        core_use(layers.net)


def test_it_prints():
    layers, _, _ = image_network()
    assert "first: 1 x (512,), 512 of 1,024 compartments" in str(core_use(layers.net))
