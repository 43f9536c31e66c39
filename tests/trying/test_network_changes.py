"""Changed networks against Nengo's own simulation of the network that was given."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from scipy import sparse

from nengo_spikecost.errors import NetworkGraphError
from nengo_spikecost.graph.chip_split import is_marked
from nengo_spikecost.trying.network_changes import changed_network

KINDS = ("dense", "convolution", "channels first", "sparse", "factor", "diagonal", "recurrent")


def layers_of(kind: str, seed: int = 0):
    """Two populations one behind the other, of rectified linear neurons; the outputs are read."""
    rng = np.random.RandomState(seed)
    last = kind != "channels first"
    image = "conv" in kind or not last
    n = 27 if image else 12
    shape = (3, 3, 3)
    with nengo.Network(seed=seed) as net:
        node = nengo.Node(np.abs(rng.normal(1, 0.5, 16)), label="input")
        start = {"voltage": nengo.dists.Choice([0.2])}  # drawn for so many neurons by default
        relu = nengo.SpikingRectifiedLinear(amplitude=1 / 120, initial_state=start)
        made = {"neuron_type": relu, "gain": np.full(n, 120.0), "bias": rng.uniform(0, 30, n)}
        a = nengo.Ensemble(n, 1, label="a", **made)
        b = nengo.Ensemble(n, 1, label="b", **made)
        if image:
            first = nengo.Convolution(
                3, (4, 4, 1) if last else (1, 4, 4), kernel_size=(2, 2), channels_last=last,
                init=rng.normal(0.3, 0.5, (2, 2, 1, 3)),
            )  # fmt: skip
            second = nengo.Convolution(
                3,
                shape,
                padding="same",
                channels_last=last,
                init=rng.normal(0.1, 0.3, (3, 3, 3, 3)),
            )
        else:
            first = rng.normal(0.2, 0.4, (n, 16))
            second = {
                "sparse": nengo.Sparse((n, n), init=sparse.random(
                    n, n, 0.4, random_state=seed, data_rvs=lambda k: rng.normal(0.3, 0.5, k)
                ).tocsr()),
                "factor": 0.7, "diagonal": rng.uniform(0.2, 1, n),
            }.get(kind, rng.normal(0.1, 0.4, (n, n)))  # fmt: skip
        nengo.Connection(node, a.neurons, transform=first, synapse=None)
        nengo.Connection(a.neurons, b.neurons, transform=second, synapse=0.005)
        if kind == "recurrent":
            weights = rng.normal(-0.05, 0.2, (n, n))
            nengo.Connection(a.neurons, a.neurons, transform=weights, synapse=0.01)
        out = nengo.Node(size_in=4, label="out")
        nengo.Connection(b.neurons, out, transform=rng.normal(0, 1, (4, n)), synapse=0.02)
        nengo.Probe(out)
    return net


def run(net, steps: int = 300):
    """Values of the probe, and spikes of each population."""
    watched = net.copy(add_to_container=False)
    with watched:
        probes = [nengo.Probe(ensemble.neurons) for ensemble in watched.all_ensembles]
    with nengo.Simulator(watched, progress_bar=False, optimize=False) as sim:
        sim.run_steps(steps)
        spikes = [
            sim.data[p].sum(axis=0) * 0.001 / p.target.ensemble.neuron_type.amplitude
            for p in probes
        ]
        return sim.data[watched.all_probes[0]], spikes


def named(net, label):
    return next(e for e in net.all_ensembles if e.label == label)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("layer", ["a", "b"])
def test_a_network_without_neurons_is_the_one_in_which_they_are_silent(kind, layer):
    net = layers_of(kind)
    image = kind in ("convolution", "channels first")
    gone = [1] if image else [0, 3, 4, 11]
    units = np.arange(12)
    if image:
        units = np.tile(np.arange(3), 9) if kind == "convolution" else np.repeat(np.arange(3), 9)
    smaller = changed_network(net, without={layer: gone})
    assert named(smaller, layer).n_neurons == len(units) - np.isin(units, gone).sum()
    silent = net.copy(add_to_container=False)
    ensemble = named(silent, layer)
    ensemble.gain = np.where(np.isin(units, gone), 0.0, ensemble.gain)
    ensemble.bias = np.where(np.isin(units, gone), 0.0, ensemble.bias)
    found, spikes = run(smaller)
    expected, all_spikes = run(silent)
    # sums of another order
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)
    number = ["a", "b"].index(layer)
    np.testing.assert_array_equal(
        spikes[number].round(), all_spikes[number][~np.isin(units, gone)].round()
    )
    assert np.abs(expected).max() > 0.1


@pytest.mark.parametrize("kind", KINDS)
def test_half_the_rate_and_twice_the_output(kind):
    net = layers_of(kind)
    slower = changed_network(net, rates={"a": 0.5})
    # numbers of spikes are whole: compare what is read over a long run
    (found, spikes), (expected, before) = run(slower, 3000), run(net, 3000)
    np.testing.assert_allclose(spikes[0].sum(), before[0].sum() / 2, rtol=0.01)
    mean, own = found[500:].mean(axis=0), expected[500:].mean(axis=0)
    np.testing.assert_allclose(mean, own, atol=0.03 * np.abs(own).max())


def decoded(neurons, **arguments):
    with nengo.Network(seed=3) as net:
        node = nengo.Node([0.5], label="input")
        a = nengo.Ensemble(60, 1, label="a", neuron_type=neurons, **arguments)
        out = nengo.Node(size_in=1)
        nengo.Connection(node, a)
        nengo.Connection(a, out, synapse=0.05)
        nengo.Probe(out)
    return net


@pytest.mark.parametrize("neurons", [nengo.LIF(), nengo.SpikingRectifiedLinear()])
def test_decoders_are_solved_for_lower_rates(neurons):
    net = decoded(neurons)
    slower = changed_network(net, rates={"a": 0.5})
    (found, spikes), (expected, before) = run(slower, 1000), run(net, 1000)
    np.testing.assert_allclose(found[300:].mean(), expected[300:].mean(), atol=0.02)
    # intercepts stay: LIF rates bend elsewhere on their way to half the highest rate
    np.testing.assert_allclose(spikes[0].sum(), before[0].sum() / 2, rtol=0.15)


def test_a_layer_on_the_host_is_marked_in_the_copy_alone():
    net = layers_of("dense")
    other = changed_network(net, off_chip=["b"])
    assert is_marked(other, named(other, "b"), on_chip=False)
    assert not is_marked(other, named(other, "a"), on_chip=False)
    assert not is_marked(net, named(net, "b"), on_chip=False)


def test_the_given_network_stays_as_it_is():
    net = layers_of("dense")
    before = run(net)[0]
    changed_network(net, rates={"a": 0.5}, without={"b": [0]}, off_chip=["b"])
    np.testing.assert_array_equal(run(net)[0], before)
    assert named(net, "b").n_neurons == 12


def learning(net):
    with net:
        conn = nengo.Connection(named(net, "b"), named(net, "a"))
        conn.learning_rule_type = nengo.PES()


def noisy(net):
    named(net, "a").noise = nengo.processes.WhiteNoise()


def probed(net):
    with net:
        nengo.Probe(named(net, "a").neurons)


def drawn(net):
    named(net, "a").gain = nengo.dists.Uniform(1, 2)


def lif(net):
    named(net, "a").neuron_type = nengo.LIF()


def part(net):
    with net:
        nengo.Connection(named(net, "a").neurons[:3], nengo.Node(size_in=3))


def drawn_weights(net):
    next(c for c in net.all_connections).transform = nengo.Dense(
        (12, 16), nengo.dists.Uniform(0, 1)
    )


@pytest.mark.parametrize(
    "change, arguments, words",
    [
        (learning, {"rates": {"a": 0.5}}, "a learns"),
        (learning, {"without": {"a": [1]}}, "a learns"),
        (noisy, {"rates": {"a": 0.5}}, "a has noise"),
        (lif, {"rates": {"a": 0.5}}, "a has LIF neurons, which compute something else"),
        (probed, {"without": {"a": [1]}}, "a is probed"),
        (drawn, {"without": {"a": [1]}}, "a has a gain that is drawn"),
        (part, {"without": {"a": [1]}}, "of a part of it"),
        (drawn_weights, {"without": {"a": [1]}}, "weights that are drawn"),
        (None, {"without": {"a": [12]}}, "the units 0 to 11; there is no unit 12"),
        (None, {"without": {"a": range(12)}}, "without neurons"),
        (None, {"without": {"a": 3}}, "a list of numbers"),
        (None, {"rates": {"c": 0.5}}, "no layer 'c'; there are a, b"),
        (None, {"rates": {"a": 0.0}}, "rates"),
        (None, {"off_chip": ["c"]}, "no layer 'c'"),
    ],
)
def test_what_can_not_be_changed_is_refused_by_name(change, arguments, words):
    net = layers_of("dense")
    if change is not None:
        change(net)
    with pytest.raises(NetworkGraphError, match=words):
        changed_network(net, **arguments)


def test_no_network_is_refused():
    with pytest.raises(NetworkGraphError, match=r"network must be a nengo\.Network"):
        changed_network(object())
