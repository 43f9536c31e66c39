"""Bounds on messages and the step that are reached: which layers are dealt out in all ways."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from nengo_spikecost import stack
from nengo_spikecost.chip import limits
from nengo_spikecost.loihi import place
from nengo_spikecost.loihi.mapping import every_deal
from nengo_spikecost.loihi.mapping.bounds import placement_bounds
from nengo_spikecost.loihi.mapping.every_deal import all_deals, n_deals

from .networks import Layers
from .placements import decoded


def parts_of(deal):
    return frozenset(frozenset(np.flatnonzero(deal == core).tolist()) for core in set(deal))


@pytest.mark.parametrize("n_neurons, n_cores, most", [
    (1, 1, 1), (4, 2, 4), (5, 3, 2), (6, 2, 3), (6, 3, 6), (7, 6, 7), (6, 6, 1), (6, 2, 2),
])  # fmt: skip
def test_each_way_once(n_neurons, n_cores, most):
    """Against all numberings of cores, of which those that differ by names alone are one."""
    expected = {
        parts_of(np.array(deal))
        for deal in itertools.product(range(n_cores), repeat=n_neurons)
        if len(set(deal)) == n_cores and np.bincount(deal).max() <= most
    }
    found = [parts_of(row) for row in all_deals(n_neurons, n_cores, most)]
    assert set(found) == expected and len(found) == len(expected)
    assert n_deals(n_neurons, n_cores, most) == len(expected)


def dense(n_inputs=5, n_neurons=6, size=3):
    loihi = stack.nengo_loihi()
    layers = Layers(n_inputs)
    post = layers.population(n_neurons, "post")
    layers.connect(layers.encoder, post, layers.weights(n_inputs, n_neurons).T)
    layers.net.config[post].block_shape = loihi.BlockShape((size,), (n_neurons,))
    return layers


def single_pixels(block):
    """A convolution of single pixels: 2 x 2 of them, with two channels each."""
    loihi = stack.nengo_loihi()
    layers = Layers(4)
    post = layers.population(8, "post")
    pixels = layers.convolution(2, (2, 2, 1), kernel_size=(1, 1))
    layers.net.config[layers.connect(layers.encoder, post, pixels)].pop_type = 32
    layers.net.config[post].block_shape = loihi.BlockShape(block, (2, 2, 2))
    return layers


def test_what_can_be_saved_is_named():
    """Each pixel to one core, and not to both: half of the messages."""
    spikes = {"encoder": np.array([5, 6, 7, 8]), "post": np.arange(8)}
    mapping = place(single_pixels((2, 2, 1)).net, activity=spikes)
    messages = mapping.bounds[0]
    assert (messages.found, messages.least, messages.exact) == (2 * 26, 26, True)
    assert messages.gap == 0.5
    (cores,) = messages.deal.values()
    # both channels of a pixel are neighbours
    for core in cores:
        assert {k // 2 for k in core} == {k // 2 for k in core if k ^ 1 in core}
    assert sorted(itertools.chain(*cores)) == list(range(8))
    assert "here 52 (50% to save)" in " ".join(str(mapping).split())
    by_rows = place(single_pixels((1, 2, 2)).net, activity=spikes).bounds[0]
    assert by_rows.found == messages.least and by_rows.is_optimal


def test_a_layer_with_too_many_deals_is_left_to_the_bound(monkeypatch):
    spikes = {"encoder": np.array([5, 6, 7, 8]), "post": np.arange(8)}
    mapping = place(single_pixels((2, 2, 1)).net, activity=spikes)
    monkeypatch.setattr(every_deal, "MAX_ARRANGEMENTS", n_deals(8, 2, 8) - 1)
    messages = placement_bounds(mapping)[0]
    assert not messages.exact and messages.least <= 26 and messages.deal == {}


@pytest.mark.parametrize("name, less", [
    ("MAX_SYNAPSE_BITS", 500), ("MAX_INPUT_AXONS", 9), ("MAX_COMPARTMENTS", 3),
])  # fmt: skip
def test_only_deals_that_every_core_has_room_for(monkeypatch, name, less):
    """A core that can't hold the whole layer may not hold a deal: it is not said to be had."""
    layers = dense()
    activity = {"encoder": np.full(5, 2), "post": np.zeros(6, int)}
    mapping = place(layers.net, activity=activity)
    bits = sum(s.bits() for part in mapping.built.blocks for s in part.obj.synapses)
    assert placement_bounds(mapping)[0].exact and bits > 500
    monkeypatch.setattr(limits, name, less)
    # of so few compartments all that are tried fit
    assert placement_bounds(mapping)[0].exact == (name == "MAX_COMPARTMENTS")


def test_senders_need_axons_for_all_cores(monkeypatch):
    loihi = stack.nengo_loihi()
    layers = dense()
    after = layers.population(4, "after")
    post = next(e for e in layers.net.all_ensembles if e.label == "post")
    layers.connect(post, after, layers.weights(6, 4).T)
    layers.net.config[after].block_shape = loihi.BlockShape((2,), (4,))
    activity = {"encoder": np.full(5, 2), "post": np.ones(6, int), "after": np.zeros(4, int)}
    mapping = place(layers.net, activity=activity)
    assert placement_bounds(mapping)[0].exact
    monkeypatch.setattr(limits, "MAX_OUTPUT_AXONS", 2 * 6 - 1)
    assert not placement_bounds(mapping)[0].exact


def test_connections_that_cannot_be_told_apart(monkeypatch):
    """If NengoLoihi numbered axons otherwise, nothing would be said to be exact."""
    mapping = place(dense().net, activity={"encoder": np.full(5, 2), "post": np.zeros(6, int)})
    assert mapping.bounds[0].exact
    mapping.built.inputs[0].obj.axons[-1].label = "neuron_weights[0]"
    assert not placement_bounds(mapping)[0].exact


def test_spikes_that_are_not_known():
    """Messages are then at least those that are counted, and so is what can be saved."""
    net = decoded()
    spikes = {e: np.ones(e.n_neurons, dtype=int) for e in net.all_ensembles}
    mapping = place(net, activity=spikes)
    assert mapping.traffic.unknown and not mapping.bounds[0].exact


def test_one_core_a_layer_has_one_deal():
    """Large layers, too: there is nothing to choose."""
    layers = Layers(40)
    one, two = layers.population(300, "one"), layers.population(20, "two")
    layers.connect(layers.encoder, one, layers.weights(40, 300).T)
    layers.connect(one, two, layers.weights(300, 20).T)
    spikes = {"encoder": np.full(40, 3), "one": np.arange(300), "two": np.zeros(20, int)}
    mapping = place(layers.net, activity=spikes)
    mapping = replace(mapping, traffic=replace(mapping.traffic, n_steps=10))
    messages, hops, step = placement_bounds(mapping)
    assert (messages.exact, hops.exact, step.exact) == (True,) * 3
    assert messages.is_optimal and step.is_optimal
