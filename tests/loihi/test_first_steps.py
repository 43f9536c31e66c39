"""The first step in which a spike can reach a layer, against the first spikes of the emulator."""

from __future__ import annotations

import nengo
import numpy as np
import pytest

import nengo_spikecost as nsc
from nengo_spikecost import loihi, stack
from nengo_spikecost.errors import EmulationWarning, MeasurementError

ALWAYS = {"gain": nengo.dists.Choice([1]), "bias": nengo.dists.Choice([0])}


def neurons():
    return stack.nengo_loihi().neurons.LoihiSpikingRectifiedLinear()


def chain(n_layers, synapse, probe_synapse=None, skip=False):
    """Layers that fire in every step in which anything arrives, behind one on the host."""
    with nengo.Network(seed=0) as network:
        stack.nengo_loihi().add_params(network)
        given = nengo.Node([0.0], label="given")
        layer = nengo.Ensemble(3, 1, label="host", neuron_type=neurons(), **ALWAYS)
        network.config[layer].on_chip = False
        nengo.Connection(given, layer.neurons, transform=np.full((3, 1), 1500.0), synapse=None)
        layers = [layer]
        for k in range(n_layers):
            layers.append(nengo.Ensemble(3, 1, label=f"e{k}", neuron_type=neurons(), **ALWAYS))
            weights = np.full((3, 3), 1.0 if synapse is None else 9.0)
            ends = layers[-2].neurons, layers[-1].neurons
            nengo.Connection(*ends, transform=weights, synapse=synapse)
        if skip:
            ends = layers[1].neurons, layers[-1].neurons
            nengo.Connection(*ends, transform=weights, synapse=synapse)
        out = nengo.Node(lambda t, x: x, size_in=3, label="out")
        nengo.Connection(layers[-1].neurons, out, synapse=synapse)
        nengo.Probe(out, synapse=probe_synapse)
    return network


def seen(network, x, n_steps=20):
    """The first steps with a spike of each layer, and with an output: as the emulator has them."""
    activity = nsc.measure(
        network, x, n_steps, simulator="loihi", presentation="fresh", by_step=True, progress=False
    )
    chip = activity.chip
    layers = {"host": _first(chip.by_step.host_to_chip[0])}
    for layer in dict.fromkeys(chip.layers):
        own = [k for k, name in enumerate(chip.layers) if name == layer]
        layers[layer] = _first(chip.by_step.spikes[0][:, own].sum(axis=1))
    outputs = {name: _first(np.abs(o.steps[0]).sum(axis=1)) for name, o in activity.outputs.items()}
    return layers, outputs


def _first(values):
    return int(np.argmax(np.asarray(values) > 0)) + 1


@pytest.mark.parametrize("probe_synapse", [None, 0.005])
@pytest.mark.parametrize("synapse", [None, 0.005])
@pytest.mark.parametrize("n_layers, skip", [(1, False), (3, False), (4, True)])
def test_is_the_step_of_the_first_spike(n_layers, skip, synapse, probe_synapse):
    network = chain(n_layers, synapse, probe_synapse, skip)
    found = loihi.first_steps(network)
    layers, outputs = seen(network, np.ones((1, 1)))
    assert dict(found.layers) == layers
    assert dict(found.outputs) == outputs
    assert found.on_chip == set(layers) - {"host"}
    last = max(found.layers.values())
    assert found.usable(10)["host"] == 10 and min(found.usable(10).values()) == 11 - last
    assert found.usable(1)[f"e{n_layers - 1}"] == 0


@pytest.mark.parametrize("synapse, expected", [(None, 2), (0.002, 3)])
def test_of_values_that_are_made_spikes_of(synapse, expected):
    with nengo.Network(seed=0) as network:
        given = nengo.Node([0.0])
        ensemble = nengo.Ensemble(
            20, 1, label="e", neuron_type=neurons(), gain=nengo.dists.Choice([30000]),
            bias=nengo.dists.Choice([0]), encoders=np.ones((20, 1)),
        )  # fmt: skip
        nengo.Connection(given, ensemble, synapse=synapse)
        nengo.Probe(ensemble.neurons)
    found = loihi.first_steps(network)
    assert found.layers["e"] == expected
    layers, outputs = seen(network, np.ones((1, 1)))
    assert layers["e"] == expected
    assert list(found.outputs.values()) == [expected] == list(outputs.values())


def test_what_no_input_reaches_has_none_and_a_loop_ends():
    with nengo.Network(seed=0) as network:
        given = nengo.Node([0.0])
        a = nengo.Ensemble(3, 1, label="a", neuron_type=neurons(), **ALWAYS)
        b = nengo.Ensemble(3, 1, label="b", neuron_type=neurons(), **ALWAYS)
        alone = nengo.Ensemble(3, 1, label="alone", neuron_type=neurons(), **ALWAYS)
        nengo.Connection(given, a.neurons, transform=np.ones((3, 1)), synapse=None)
        nengo.Connection(a.neurons, b.neurons, synapse=None)
        nengo.Connection(b.neurons, a.neurons, synapse=None)
        nengo.Probe(alone.neurons)
    found = loihi.first_steps(network)
    assert found.layers["alone"] is None and list(found.outputs.values()) == [None]
    assert found.layers["b"] == found.layers["a"] + 1
    assert found.usable(5)["alone"] == 5


@pytest.mark.parametrize("seed", range(12))
def test_places_of_all_kinds_that_are_reached_in_the_same_step(seed):
    """Against a search by layers of steps, where many ways lead to Nodes and Ensembles alike."""
    rng = np.random.RandomState(seed)
    with nengo.Network(seed=0) as network:
        given = nengo.Node([0.0], label="given")
        places = [
            nengo.Node(size_in=3, label=f"p{k}")
            if rng.rand() < 0.5
            else nengo.Ensemble(3, 1, label=f"p{k}", neuron_type=neurons(), **ALWAYS)
            for k in range(14)
        ]
        entry = nengo.Ensemble(3, 1, label="entry", neuron_type=neurons(), **ALWAYS)
        nengo.Connection(given, entry.neurons, transform=np.ones((3, 1)), synapse=None)
        places.insert(0, entry)
        out = nengo.Ensemble(3, 1, label="out", neuron_type=neurons(), **ALWAYS)
        edges = [(int(rng.randint(k)), k) for k in range(1, 15)]
        edges += [(int(a), int(b)) for a, b in np.sort(rng.randint(0, 15, (20, 2))) if a < b]
        for a, b in dict.fromkeys(edges):
            ends = (getattr(places[k], "neurons", places[k]) for k in (a, b))
            nengo.Connection(*ends, transform=np.eye(3), synapse=None)
        for place in places:
            nengo.Connection(getattr(place, "neurons", place), out.neurons, synapse=None)
    found = loihi.first_steps(network).layers
    reached = {0: found["entry"]}
    for _ in places:  # each round lets every way grow by one Connection
        for a, b in edges:
            own = int(isinstance(places[b], nengo.Ensemble))
            if a in reached:
                reached[b] = min(reached.get(b, 99), reached[a] + own)
    expected = {p.label: reached[k] for k, p in enumerate(places) if hasattr(p, "neurons")}
    assert {name: found[name] for name in expected} == expected


def keras_model():
    keras = stack.keras()
    model = keras.Sequential(
        [
            keras.layers.Input((4,), name="pixels"),
            keras.layers.Dense(4, activation="relu", name="to-spikes"),
            keras.layers.Dense(4, activation="relu", name="hidden"),
            keras.layers.Dense(3, name="classes"),
        ]
    )
    weights = [np.eye(4), np.zeros(4), 3 * np.eye(4), np.zeros(4), np.eye(4)[:, :3], np.zeros(3)]
    model.set_weights(weights)
    return model


def test_of_a_network_with_its_block_shapes():
    """As `deploy` takes it: the same as of the network, a Conversion or one of Nengo's."""
    converted = nsc.convert(keras_model(), neuron_type=neurons(), synapse=None)
    for network in (converted, chain(3, None)):
        found = loihi.first_steps(network)
        assert loihi.first_steps(loihi.fit_blocks(network, progress=False)) == found
    assert list(found.outputs.values()) == [5] and found.on_chip == {"e0", "e1", "e2"}
    with pytest.raises(MeasurementError, match="network must be a Conversion"):
        loihi.first_steps(keras_model())


def test_deploy_says_it_and_warns_of_samples_that_are_too_short():
    x, y = np.eye(4)[:3], np.arange(3)
    options = {"synapse": None, "scale_firing_rates": 1500, "try_out": False, "progress": False,
               "presentation": "fresh", "by_step": True}  # fmt: skip
    done = loihi.deploy(keras_model(), x, y, n_steps=8, **options)
    assert done.first_steps.layers == {"to-spikes": 1, "hidden": 2}
    assert done.first_steps.outputs == {"classes": 3}
    accuracy = done.accuracy_by_step("mean")
    # before that step the outputs are all alike, and class 0 is taken
    np.testing.assert_allclose(accuracy[:2], 1 / 3)
    np.testing.assert_array_equal(accuracy[2:], 1)
    words = " ".join(done.summary_string().split())
    assert (
        "A spike of the input can reach layer hidden in step 2, and the output in step 3: 6 of 8 "
        "steps are read with it." in words
    )
    assert [row["first_step"] for row in done.layers()] == [1, 2]
    with pytest.warns(EmulationWarning, match="reaches output classes in 2 steps: .* from step 3"):
        short = loihi.deploy(keras_model(), x, y, n_steps=2, **options)
    assert "0 of 2 steps" in " ".join(short.summary_string().split())
