"""The time that there is, and Ctrl-C, end the emulated chip within one sample, and its build."""

from __future__ import annotations

import threading

import nengo
import numpy as np
import pytest

import nengo_spikecost as nsc
from nengo_spikecost.deadlines import Clock
from nengo_spikecost.loihi import Emulator, fit_blocks
from nengo_spikecost.loihi.cores import built

from ..ended_soon import ENDS
from .networks import Layers


def chip_network(n=256, n_layers=3):
    """Layers that fire at every few steps, fed by neurons of the host."""
    layers = Layers(n)
    ends = [layers.encoder]
    for number in range(n_layers):
        ends.append(layers.population(n, f"layer{number}"))
        layers.connect(ends[-2], ends[-1], layers.weights(n, n))
    return layers


def measured(net, n_samples, n_steps):
    source = net.nodes[0]
    x = np.random.RandomState(0).uniform(50, 300, (n_samples, source.size_out))
    return nsc.measure(
        net, {source: x}, n_steps, simulator="loihi", batch_size=n_samples, progress=False
    )


@pytest.mark.parametrize("how", ENDS)
@pytest.mark.parametrize("n_samples", [1, 3])
def test_a_lane_is_ended_within_its_steps(n_samples, how):
    """One sample takes minutes; once it was run to its end."""
    net = chip_network().net
    measured(net, n_samples, 2)  # what is compiled or imported once
    ENDS[how](lambda: measured(net, n_samples, 1_000_000), 3)


@pytest.mark.parametrize("how", ENDS)
def test_an_emulator_that_was_ended_runs_again(how):
    emulator = Emulator(chip_network().net)
    before = emulator.run({}, 50, progress=False)
    ENDS[how](lambda: emulator.run({}, 1_000_000, progress=False), 1)
    again = emulator.run({}, 50, progress=False)
    assert before.spikes.any()
    np.testing.assert_array_equal(before.spikes, again.spikes)
    np.testing.assert_array_equal(before.messages, again.messages)


@pytest.mark.parametrize("how", ENDS)
def test_nengo_loihis_build_is_ended(how, monkeypatch):
    """Blocks of a network that takes it long; what was set for it is taken back."""
    begun = threading.Event()
    build = built._quietly_built

    def noted(*args):
        begun.set()
        return build(*args)

    monkeypatch.setattr(built, "_quietly_built", noted)
    layers = chip_network(100, 300)
    fit = fit_blocks(layers.net, progress=False)
    ENDS[how](lambda: Emulator(fit), 0.3, begun)
    shapes = layers.net.config[nengo.Ensemble]._extra_params["block_shape"].data
    assert not any(ensemble in shapes for ensemble in layers.net.all_ensembles)


def test_a_clock_changes_no_count():
    net = chip_network(60).net
    alone = measured(net, 3, 40)
    with Clock(600).governs():
        asked = measured(net, 3, 40)
    for name, population in alone.populations.items():
        np.testing.assert_array_equal(population.counts, asked.populations[name].counts)
    assert any(population.counts.any() for population in alone.populations.values())
