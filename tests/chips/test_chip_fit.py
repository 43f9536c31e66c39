"""Limits of chips against networks, each quantity against brute force or a number known by hand."""

from __future__ import annotations

import json
import re

import nengo
import nengo_loihi
import numpy as np
import pytest

from nengo_spikecost import chips, errors
from nengo_spikecost.chips.network_parts import NetworkParts
from nengo_spikecost.chips.quantities import QUANTITIES
from nengo_spikecost.nir.discrete_neurons import DiscreteLIF

from .networks import chain


def needs(network):
    parts = NetworkParts.of(network)
    measured = {n: q.measure(parts) for n, q in QUANTITIES.items() if not q.of_cores}
    return {name: need.value for name, need in measured.items()}


def random_chain(seed=0, layers=(7, 5, 6), n_in=4, n_out=3, density=0.6):
    rng = np.random.RandomState(seed)
    n = sum(layers)
    starts = np.cumsum([0, *layers])
    hidden = np.zeros((n, n), dtype=int)
    for k in range(len(layers) - 1):
        rows, columns = slice(starts[k], starts[k + 1]), slice(starts[k + 1], starts[k + 2])
        hidden[rows, columns] = rng.choice([-2, 1, 3], (layers[k], layers[k + 1]))
    hidden[: layers[0], : layers[0]] = 1  # the first layer is recurrent
    hidden *= rng.rand(n, n) < density
    into = np.zeros((n_in, n), dtype=int)
    into[:, : layers[0]] = rng.choice([0, 1, 2], (n_in, layers[0]))
    readout = np.zeros((n, n_out), dtype=int)
    readout[starts[-2] :] = rng.choice([0, 1, -1], (layers[-1], n_out))
    return {"input": into, "hidden": hidden, "readout": readout}, layers


@pytest.mark.parametrize("seed", range(8))
def test_quantities_of_random_networks_are_those_of_their_matrices(seed):
    weights, layers = random_chain(seed)
    into, hidden, readout = (weights[key] != 0 for key in ("input", "hidden", "readout"))
    found = needs(chain(weights, layers))
    expected = {
        "neurons": len(hidden) + readout.shape[1],
        "input_channels": into.any(axis=1).sum(),
        "hidden_neurons": len(hidden),
        "output_neurons": readout.shape[1],
        "fan_out": hidden.sum(axis=1).max(),
        "fan_in": max((into.sum(axis=0) + hidden.sum(axis=0)).max(), readout.sum(axis=0).max()),
        "hidden_synapses": hidden.sum(),
        "hidden_synapses_of_filter": hidden.sum(),
        "synapses": into.sum() + hidden.sum() + readout.sum(),
        "input_targets": into.any(axis=0).sum(),
        "readout_neurons": readout.any(axis=1).sum(),
        "synaptic_filters": 1,
        "delay_steps": 0,
        "weight_bits": 3,
        "resets": ("subtract",),
        "topology": ("recurrent",),
        "layer_kinds": ("dense",),
        "signals": ("spikes",),
        "membranes": ("stays",),
        "layers": 1 + len(layers),
        "layer_targets": 2 if hidden[: layers[0], : layers[0]].any() else 1,
        "layer_sources": 2,
        "kernel_side": 1,
    }
    assert {name: found[name] for name in expected} == expected


class TestOneQuantity:
    def two(self, **connection):
        with nengo.Network(seed=0) as net:
            a, b, c = (
                nengo.Ensemble(3, 1, neuron_type=nengo.SpikingRectifiedLinear(), label=name)
                for name in "abc"
            )
            nengo.Connection(a.neurons, b.neurons, **{"synapse": None, **connection})
            nengo.Connection(b.neurons, c.neurons, synapse=None)
        return net

    @pytest.mark.parametrize(
        ("weights", "bits"),
        [
            ([[0.5, 1.0, -0.25]] * 3, 4),  # steps of 0.25: up to 4, and the sign
            ([[127.0, 1.0, -3.0]] * 3, 8),
            ([[128.0, 1.0, -3.0]] * 3, 9),
            ([[0.1, 0.2, 0.3]] * 3, 3),  # 1, 2 and 3 tenths
            ([[0.0, 0.0, 0.0]] * 3, 1),
            ([[1.0, 2**0.5, np.pi]] * 3, None),
        ],
    )
    def test_bits_of_weights(self, weights, bits):
        assert needs(self.two(transform=np.array(weights)))["weight_bits"] == bits

    def test_weights_that_are_still_to_be_drawn_are_not_known(self):
        drawn = nengo.Dense((3, 3), init=nengo.dists.Uniform(-1, 1))
        assert needs(self.two(transform=drawn))["weight_bits"] is None

    def test_delays_are_counted_in_steps_and_other_filters_are_none(self):
        late = nengo.LinearFilter([0, 0, 0, 1], [1, 0, 0, 0], analog=False)
        assert needs(self.two(synapse=late))["delay_steps"] == 3
        assert needs(self.two(synapse=0.01))["delay_steps"] == 0

    def test_filters_are_told_apart_where_they_meet(self):
        with nengo.Network() as net:
            a, b, c = (nengo.Ensemble(3, 1, label=name) for name in "abc")
            nengo.Connection(a.neurons, c.neurons, synapse=0.01)
            nengo.Connection(b.neurons, c.neurons, synapse=0.02)
        assert needs(net)["synaptic_filters"] == 2

    def test_synapses_are_counted_filter_by_filter(self):
        with nengo.Network() as net:
            a, b, c, d = (nengo.Ensemble(3, 1, label=name) for name in "abcd")
            for pre, post, synapse in ((a, c, 0.01), (b, c, 0.02), (a, b, 0.02), (c, a, 0.03)):
                weights = np.ones((3, 3))
                nengo.Connection(pre.neurons, post.neurons, transform=weights, synapse=synapse)
            nengo.Connection(c.neurons, d.neurons, transform=np.ones((3, 3)))
        found = needs(net)
        # c has two filters, a and b one each: 3 first ones, and a second
        assert (found["hidden_synapses"], found["hidden_synapses_of_filter"]) == (36, 27)

    @pytest.mark.parametrize(
        ("neuron_type", "reset"),
        [
            (nengo.LIF(), ("zero",)),
            (nengo.RegularSpiking(nengo.RectifiedLinear()), ("subtract",)),
            (nengo_loihi.neurons.LoihiSpikingRectifiedLinear(), ("zero",)),
            (nengo.PoissonSpiking(nengo.RectifiedLinear()), None),
        ],
    )
    def test_resets(self, neuron_type, reset):
        with nengo.Network() as net:
            nengo.Ensemble(3, 1, neuron_type=neuron_type, label="a")
        assert needs(net)["resets"] == reset

    @pytest.mark.parametrize(
        ("neuron_type", "signal", "membrane"),
        [
            (nengo.LIF(), "spikes", "decays"),
            (nengo.RectifiedLinear(), "values", None),
            (nengo_loihi.neurons.LoihiLIF(), "spikes", "decays"),
            (nengo_loihi.neurons.LoihiSpikingRectifiedLinear(), "spikes", "stays"),
            (DiscreteLIF(decay=0.5), "spikes", "decays"),
            (DiscreteLIF(decay=1.0), "spikes", "stays"),
        ],
    )
    def test_signals_and_membranes(self, neuron_type, signal, membrane):
        with nengo.Network() as net:
            nengo.Ensemble(3, 1, neuron_type=neuron_type, label="a")
        found = needs(net)
        assert found["signals"] == (signal,)
        assert found["membranes"] == (membrane and (membrane,))

    @pytest.mark.parametrize(
        ("neuron_type", "activation"),
        [
            (nengo.SpikingRectifiedLinear(), "rectified"),
            (nengo.RectifiedLinear(), "rectified"),
            (nengo.PoissonSpiking(nengo.RectifiedLinear()), "rectified"),
            (nengo_loihi.neurons.LoihiSpikingRectifiedLinear(), "rectified"),
            (DiscreteLIF(decay=1.0), "rectified"),
            (nengo.LIF(), "leaky"),
            (nengo.RegularSpiking(nengo.LIFRate()), "leaky"),
            (nengo.Sigmoid(), "sigmoid"),
            (nengo.Tanh(), "tanh"),
            (nengo.Izhikevich(), None),
        ],
    )
    def test_activations(self, neuron_type, activation):
        with nengo.Network() as net:
            nengo.Ensemble(3, 1, neuron_type=neuron_type, label="a")
        assert needs(net)["activations"] == (activation and (activation,))

    def test_a_current_within_the_neuron_is_a_filter(self):
        with nengo.Network() as net:
            a = nengo.Ensemble(3, 1, label="a", neuron_type=DiscreteLIF(0.9))
            b = nengo.Ensemble(3, 1, label="b", neuron_type=DiscreteLIF(0.9, current_decay=0.8))
            nengo.Connection(a.neurons, b.neurons, synapse=None)
        assert needs(net)["synaptic_filters"] == 1

    def test_a_readout_takes_an_output_for_each_value(self):
        with nengo.Network() as net:
            a = nengo.Ensemble(6, 1, neuron_type=nengo.SpikingRectifiedLinear(), label="a")
            out = nengo.Node(size_in=2, label="out")
            nengo.Connection(a.neurons, out, transform=np.ones((2, 6)))
            nengo.Probe(out)
        found = needs(net)
        assert (found["hidden_neurons"], found["output_neurons"]) == (6, 2)

    def test_spikes_that_are_read_one_by_one_are_those_of_outputs(self):
        net = self.two()
        assert needs(net)["output_neurons"] == 3
        with net:
            out = nengo.Node(size_in=3, label="out")
            nengo.Connection(net.all_ensembles[-1].neurons, out)
            nengo.Probe(out)
        found = needs(net)
        assert (found["hidden_neurons"], found["output_neurons"]) == (6, 3)


@pytest.mark.parametrize("name", ["xylo_audio2", "xylo_audio3", "xylo_imu"])
def test_every_limit_is_reached_and_not_exceeded(name):
    """At a limit a network fits, and one more does not."""
    chip = chips.get(name)
    sizes = {limit.quantity: limit.at_most for limit in chip.limits}
    n = min(sizes["input_targets"], sizes["readout_neurons"], sizes["fan_out"])
    n_in, n_out = sizes["input_channels"], sizes["output_neurons"]

    def with_sizes(n_in, n, n_out):
        weights = {
            "input": np.ones((n_in, n)),
            "hidden": np.zeros((n, n)),
            "readout": np.ones((n, n_out)),
        }
        return chips.fit(name, chain(weights, (n,)))

    assert with_sizes(n_in, n, n_out).fits
    exceeded = [
        {check.limit.quantity for check in with_sizes(*args).misfits}
        for args in ((n_in + 1, n, n_out), (n_in, n, n_out + 1))
    ]
    assert exceeded == [{"input_channels"}, {"output_neurons"}]
    if name != "xylo_audio2":
        assert {c.limit.quantity for c in with_sizes(n_in, n + 1, n_out).misfits} == {
            "input_targets", "readout_neurons",
        }  # fmt: skip


def test_the_fit_says_what_is_wrong_with_number_limit_and_source():
    weights, layers = random_chain()
    fit = chips.fit("xylo_audio2", chain(weights, layers, neuron_type=nengo.LIF()))
    assert fit.fits is False
    (only,) = fit.misfits
    assert only.sentence() == (
        "reset of a neuron that fires: the chip takes subtract, the network has zero (layer0)"
    )
    content = json.loads(fit.to_json())
    rows = {row["quantity"]: row for row in content["limits"]}
    assert rows["resets"]["within"] == "no"
    assert all("rockpool" in row["source"] for row in content["limits"])
    text = str(fit)
    assert max(map(len, text.splitlines())) <= 80 and "SpikingRectifiedLinear" in text


def test_what_is_not_known_is_no_yes():
    with nengo.Network() as net:
        kind = nengo.PoissonSpiking(nengo.RectifiedLinear())
        nengo.Ensemble(3, 1, neuron_type=kind, label="a")
    fit = chips.fit("xylo_imu", net)
    assert fit.fits is None and [c.limit.quantity for c in fit.unknown] == ["resets"]


def test_a_chip_is_one_table(tmp_path):
    path = tmp_path / "chips.toml"
    path.write_text(
        '[sources.lab]\ntext = "Our lab"\nyear = 2026\n'
        '[lab_chip]\ntitle = "Chip of our lab"\n'
        'limits.neurons = { at_most = 5, source = "lab" }\n'
        'step = { unit = "s", join = "largest", source = "xylo_cycles", '
        "terms = { hidden_neurons = 1e-6, output_neurons = 3e-6 } }\n"
    )
    assert chips.load_chips(path) == ["lab_chip"]
    chip = chips.get("Lab-Chip")
    assert str(chip.limits[0].origin) == "Our lab (2026)"
    weights, layers = random_chain()
    net = chain(weights, layers)
    assert not chips.fit(chip, net).fits
    found = chips.run_time("lab chip", net, np.zeros((2, 4)), 3)
    np.testing.assert_allclose(found.steps, np.full((2, 3), max(18 * 1e-6, 3 * 3e-6)))
    assert "the longest step takes 18.0 us" in str(found)
    for clock in (found.clock_Hz, found.worst_clock_Hz, lambda: chips.worst_clock_Hz(chip, net)):
        with pytest.raises(errors.ChipError, match="published in s, not in cycles of a clock"):
            clock()
    with pytest.warns(errors.OverwriteWarning, match="lab_chip"):
        chips.load_chips(path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[c]\nlimits = {}\n", "lacks title"),
        ('[c]\ntitle = "C"\nlimits.colour = { at_most = 1, source = "x" }\n', "quantity"),
        ('[c]\ntitle = "C"\nlimits.neurons = { at_most = 1 }\n', "lacks source"),
        ('[c]\ntitle = "C"\nlimits.neurons = { source = "x" }\n', "either at_most"),
        ('[c]\ntitle = "C"\nlimits.neurons = { at_most = 1.5, source = "x" }\n', "whole number"),
        (
            '[c]\ntitle = "C"\nlimits = {}\nstep = { unit = "s", join = "sum", source = "x", '
            "terms = { smells = 1 } }\n",
            "smells",
        ),
        ('[c]\ntitle = "C"\nlimits = {}\npowers.idle = { W = -1, source = "x" }\n', "positive"),
        (
            '[c]\ntitle = "C"\nlimits = {}\nstep = { unit = "s", join = "sum", source = "x", '
            "terms = {} }\n",
            "at least",
        ),
        (
            '[c]\ntitle = "C"\nlimits = {}\nstep = { unit = "s", join = "sum", source = "x", '
            "terms = { hidden_neurons = nan } }\n",
            "finite",
        ),
        ("c = 3\n", "must be a table"),
        ('[c]\ntitle = "C"\nlimits.neurons = 5\n', "must be a table"),
        ('[c]\ntitle = "C"\nlimits.resets = { only = "zero", source = "x" }\n', "list of words"),
        (
            '[c]\ntitle = "C"\nlimits.layers_without_core = { at_most = 0, source = "x" }\n',
            "needs cores",
        ),
        (
            '[c]\ntitle = "C"\nlimits.layers_without_core = { at_most = 0, source = "x", '
            "cores = [[1, 2]] }\n",
            "three numbers",
        ),
        ("", "no chip in"),
        ("not toml", "Cannot read chips"),
    ],
)
def test_files_that_are_wrong_are_refused_in_words(tmp_path, text, words):
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    with pytest.raises(errors.ChipError, match=words):
        chips.load_chips(path)


def test_parts_that_nobody_can_read_are_said_and_no_yes():
    class Own(nengo.Dense):
        def sample(self, rng=np.random):
            return super().sample(rng)

    weights, layers = random_chain()
    net = chain(weights, layers)
    with net:
        own = Own((5, 7), init=np.ones((5, 7)))
        nengo.Connection(net.layers[0].neurons, net.layers[1].neurons, transform=own)
    fit = chips.fit("xylo_audio2", net)
    assert fit.fits is None and len(fit.unread) == 1
    assert "not known: layer0 -> layer1" in str(fit) and "is not in the numbers" in str(fit)


def test_neurons_outside_and_learning_are_said():
    from nengo_spikecost.loihi import mark_off_chip

    weights, layers = random_chain()
    net = chain(weights, layers)
    mark_off_chip(net, [net.layers[0]])
    fit = chips.fit("xylo_audio2", net)
    assert fit.notes == ("Neurons outside the chip, which send it their spikes: layer0 (7).",)
    with nengo.Network() as learns:
        a, b = (nengo.Ensemble(5, 1, label=name) for name in "ab")
        conn = nengo.Connection(a, b, learning_rule_type=nengo.PES())
        nengo.Connection(b, conn.learning_rule)
    assert "Nothing is said of learning" in str(chips.fit("loihi2", learns))


@pytest.mark.parametrize("network", [nengo.Network(), "node", "host"])
def test_a_network_without_neurons_on_the_chip(network):
    from nengo_spikecost.loihi import mark_off_chip

    if isinstance(network, str):
        kind, network = network, nengo.Network()
        with network:
            nengo.Node(np.zeros(2))
            ensembles = [nengo.Ensemble(3, 1, label="a")] if kind == "host" else []
        mark_off_chip(network, ensembles)
    for call in (
        lambda: chips.fit("xylo_imu", network),
        lambda: chips.run_time("xylo_imu", network, None, 3),
        lambda: chips.worst_clock_Hz("xylo_imu", network),
    ):
        with pytest.raises(errors.ChipError, match="no neurons on the chip"):
            call()


@pytest.mark.parametrize("chip", ["abacus", 3, None])
def test_a_chip_that_there_is_not(chip):
    with pytest.raises(errors.ChipError, match="xylo_audio2"):
        chips.fit(chip, nengo.Network())


def test_a_network_that_is_none():
    with pytest.raises(errors.ChipError, match=r"nengo\.Network"):
        chips.fit("xylo_imu", "net")


def test_every_number_of_the_shipped_chips_has_a_source():
    for chip in map(chips.get, chips.names()):
        origins = [limit.origin for limit in chip.limits] + [p.origin for p in chip.powers]
        origins += [] if chip.step is None else [chip.step.origin]
        assert all(len(origin.source) > 20 for origin in origins)
        # of what is undated the commit or the version that was read
        undated = [origin.source for origin in origins if not origin.year]
        assert all(re.search(r"\b([0-9a-f]{7,40}|\d+\.\d+\.\d+)\b", s) for s in undated)
        assert chip.refused.get("energy"), f"{chip.name} does not say that it has no energy"
