"""The time that `fit_blocks` takes: its limit, Ctrl-C, and what it returns then."""

from __future__ import annotations

import time

import nengo
import numpy as np
import pytest

from nengo_spikecost import convert, stack
from nengo_spikecost.chip import limits
from nengo_spikecost.demo import demo_model
from nengo_spikecost.errors import LoihiError, SpikeCostWarning
from nengo_spikecost.loihi import deploy, fit_blocks, read_layers
from nengo_spikecost.loihi.blocks import block_search
from nengo_spikecost.loihi.blocks.tile_choices import TileChoices, balanced_tiles

from .block_networks import RandomNetwork
from .networks import Layers
from .test_block_search import small_network

#: What the limit may be missed by, in s.
OVER = 2.0


def depthwise_network(size, channels, multiplier=1, kernel=3, stride=1):
    """A population, and one behind a depthwise convolution of it."""
    layers = Layers(size * size * channels)
    transform = nengo.Convolution(
        channels * multiplier, (size, size, channels), kernel_size=(kernel, kernel),
        strides=(stride, stride), padding="same", groups=channels,
        init=layers.rng.normal(size=(kernel, kernel, 1, channels * multiplier)).astype("f4"),
    )  # fmt: skip
    first = layers.population(layers.encoder.n_neurons, "first")
    layers.connect(layers.encoder, first, layers.weights(first.n_neurons, first.n_neurons))
    post = layers.population(transform.size_out, "depthwise")
    layers.connect(first, post, transform)
    return layers.net


@pytest.mark.parametrize(("multiplier", "kernel", "stride"), [(1, 3, 1), (2, 3, 2), (1, 2, 1)])
def test_messages_of_groups_pair_by_pair(multiplier, kernel, stride):
    # a spike is a message to every block with a neuron that it reaches: every pair is looked at
    size, channels = 5, 4
    read = read_layers(depthwise_network(size, channels, multiplier, kernel, stride))
    (axons,) = read.layers[0].outputs
    layer = read.layers[1]
    rows, columns, filters = layer.shape
    out = -(-size // stride)
    pad = max((out - 1) * stride + kernel - size, 0) // 2
    rates = np.random.RandomState(0).uniform(size=size * size * channels)
    choices = TileChoices(
        layer, balanced_tiles(layer.shape), [axons], {axons.ensemble: rates}, (16, 32)
    )
    got = choices.messages(False)
    assert len(got) > 20
    for k in range(len(choices)):
        tiling = choices.tiling(k)
        tile_of = tiling.tile_of.reshape(layer.shape)
        total = 0.0
        for i, j, c in np.ndindex(size, size, channels):
            reached = set()
            for y, x, f in np.ndindex(rows, columns, filters):
                inside = 0 <= i + pad - y * stride < kernel and 0 <= j + pad - x * stride < kernel
                if inside and f // multiplier == c:
                    reached.add(int(tile_of[y, x, f]))
            # NengoLoihi keeps all axons of a block that is whole, whether they lead anywhere
            total += rates[np.ravel_multi_index((i, j, c), (size, size, channels))] * (
                1 if tiling.n_tiles == 1 else len(reached)
            )
        assert got[k] == pytest.approx(total), tiling


def test_a_depthwise_layer_is_searched_in_time():
    # 23.8 s at a limit of 1 s once; 56 * 56 * 96 neurons fill 294 cores of 1,024, twice
    keras = stack.keras()
    inputs = keras.Input((56, 56, 48))
    x = keras.layers.Conv2D(48, 3, padding="same", activation="relu")(inputs)
    x = keras.layers.Conv2D(96, 1, activation="relu")(x)
    x = keras.layers.DepthwiseConv2D(3, padding="same", activation="relu")(x)
    conversion = convert(keras.Model(inputs, x), neuron_type="LoihiSpikingRectifiedLinear")
    started = time.process_time()
    fit = fit_blocks(conversion, time_limit=1)
    assert time.process_time() - started < 1 + OVER
    assert fit.use.fits and fit.n_cores == fit.lower_bound == 2 * 294


@pytest.mark.parametrize("seed", range(2000, 2012))
def test_without_time_shapes_still_fit_and_are_built_so(seed):
    fit = fit_blocks(RandomNetwork(seed).net, time_limit=1e-9)
    assert fit.ended == "time" and fit.use.fits and fit.lower_bound <= fit.n_cores
    assert fit.verify()


@pytest.mark.parametrize("objective", ["cores", "latency", "traffic"])
@pytest.mark.parametrize("kind", ["chain", "past", "recurrent"])
def test_without_time_by_every_objective(kind, objective):
    fit = fit_blocks(small_network(1, kind), objective, time_limit=1e-9)
    assert fit.use.fits and fit.verify()
    assert len(fit.pareto()) >= 1


def test_the_end_is_said(monkeypatch):
    conversion = convert(demo_model(), neuron_type="LoihiSpikingRectifiedLinear")
    assert fit_blocks(conversion).ended == "complete"
    short = fit_blocks(conversion, time_limit=1e-9)
    # 7,812 neurons, and 100 rows that two cores' memories hold: 11 cores (test_block_search)
    assert short.to_dict()["ended"] == "time" and short.n_cores >= 11
    assert short.is_optimal or "more time" in short.summary_string()


def test_ctrl_c_keeps_what_was_found(monkeypatch):
    conversion = convert(demo_model(), neuron_type="LoihiSpikingRectifiedLinear")

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(block_search, "solve_lazily", interrupted)
    with pytest.warns(SpikeCostWarning, match="interrupted: these are the best so far"):
        fit = fit_blocks(conversion)
    assert fit.ended == "interrupt" and fit.use.fits and fit.verify()
    # who ends a deployment does not want it to run
    images = np.zeros((1, 28, 28, 1), "f4")
    with pytest.warns(SpikeCostWarning), pytest.raises(KeyboardInterrupt):
        deploy(conversion, images, n_steps=2, progress=False)
    # before anything was found there is nothing to keep
    monkeypatch.setattr(block_search, "first_fit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fit_blocks(conversion)


@pytest.mark.parametrize("wrong", [0, -1, float("nan"), "10", None, True])
def test_limits_that_are_none(wrong):
    with pytest.raises(LoihiError, match="time_limit must be a positive finite number"):
        fit_blocks(small_network(0, "chain"), time_limit=wrong)


@pytest.mark.slow
def test_mobilenet_in_time():
    # 470 s at a limit of 10 s once
    applications = stack.keras().applications
    model = applications.MobileNetV2((224, 224, 3), weights=None)
    conversion = convert(model, neuron_type="LoihiSpikingRectifiedLinear")
    # reading its layers takes 4 s of a processor, and the first shapes that fit take 4 s
    for network, limit in ((conversion, 10), (read_layers(conversion), 3)):
        started = time.process_time()
        fit = fit_blocks(network, time_limit=limit)
        assert time.process_time() - started < limit + OVER
        assert fit.use.fits
        neurons = sum(layer.use.tiling.n_neurons for layer in fit.layers)
        assert -(-neurons // limits.MAX_COMPARTMENTS) <= fit.lower_bound <= fit.n_cores


def test_reading_ends_in_time(monkeypatch):
    """Also where the network alone takes longer than there is time: an error, and nothing left."""
    layers = Layers(10)
    ends = [layers.encoder]
    for number in range(60):
        ends.append(layers.population(10, f"layer{number}"))
        layers.connect(ends[-2], ends[-1], layers.weights(10, 10))
    builder = stack.nengo_loihi().builder.Builder
    build = builder.build.__func__

    def slow(cls, model, obj, *args, **kwargs):
        time.sleep(0.05)
        return build(cls, model, obj, *args, **kwargs)

    with monkeypatch.context() as patched:
        patched.setattr(builder, "build", classmethod(slow))
        began = time.monotonic()
        with pytest.raises(LoihiError, match=r"could not be read in 0\.1 s.*time_limit="):
            fit_blocks(layers.net, time_limit=0.1, progress=False)
        assert time.monotonic() - began < 0.1 + OVER
    # neither a clock nor anything of the builder's stays
    assert fit_blocks(layers.net, time_limit=10, progress=False).n_cores > 0
