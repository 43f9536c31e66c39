"""What `check_support` advises, done: the objection is gone, and NengoLoihi builds the network."""

from __future__ import annotations

import nengo
import numpy as np
import pytest

from nengo_spikecost import convert, measure, stack
from nengo_spikecost.loihi import check_support, mark_off_chip, on_chip
from nengo_spikecost.lowering import composition, emission, lower

from . import test_support as cases
from .networks import Layers, emulate, emulator_counts, nengo_counts

loihi = stack.nengo_loihi()
chip_relu = loihi.neurons.LoihiSpikingRectifiedLinear


def named(net, label):
    return next(e for e in net.all_ensembles if e.label == label)


def unnamed(net):
    return net.all_ensembles[-1]


def last(net):
    return net.all_connections[-1]


def off(*labels):
    """Mark these off chip; with a population beside them that stays on it."""

    def fix(net):
        mark_off_chip(net, [named(net, label) for label in labels])
        if not any(on_chip(net)[ensemble] for ensemble in net.all_ensembles):
            with net:
                one = np.ones(1)
                nengo.Ensemble(1, 1, neuron_type=chip_relu(), gain=one, bias=one, label="other")

    return fix


def setting(find, **values):
    """Set attributes of an object of the network."""

    def fix(net):
        for name, value in values.items():
            setattr(find(net), name, value)

    return fix


def a(net):
    return named(net, "a")


def removed(net):
    net.connections.remove(last(net))


def lowered(net):
    return lower(net).network


def reconnected(**values):
    """The last Connection made anew, with other arguments."""

    def fix(net):
        old = last(net)
        net.connections.remove(old)
        arguments = {"transform": old.transform, "synapse": old.synapse, **values}
        pre, post = (arguments.pop(key, lambda net, x=x: x) for key, x in
                     (("pre", old.pre), ("post", old.post)))  # fmt: skip
        with net:
            nengo.Connection(pre(net), post(net), **arguments)

    return fix


half = np.vstack([np.zeros((4, 4)), np.eye(4)])
relu, lif = setting(a, neuron_type=chip_relu()), setting(unnamed, neuron_type=loihi.LoihiLIF())
kind = setting(a, neuron_type=nengo.RegularSpiking(nengo.RectifiedLinear()))
encoder = setting(lambda net: named(net, "encoder"), neuron_type=chip_relu())
numbers_off = off("a")


def learned(net):
    return next(c for c in net.all_connections if c.learning_rule_type is not None)


def whole_matrix(net):
    (vector,) = [c for c in net.all_connections if np.ndim(getattr(c.transform, "init", 0)) == 1]
    vector.transform = np.eye(8) * 2


def drawn_off_chip(net):
    # Nengo itself can't draw a matrix of Choice([1])
    last(net).transform = nengo.Dense((8, 8), init=nengo.dists.Uniform(0, 1))
    off("b")(net)


def one_lowpass(net):
    last(net).synapse = None
    (alpha,) = [c for c in net.all_connections if isinstance(c.synapse, nengo.Alpha)]
    alpha.synapse = nengo.Lowpass(0.005)


def probed(net):
    with net:
        nengo.Probe(learned(net).post)


def to_a_function(net):
    """The learned Connection leads to a Node with a function."""
    old = learned(net)
    old.post_obj.output = lambda t, x: x


#: Network of test_support, and every way out that is advised.
ADVICE = {
    "sparse_without_entries": [removed],
    "convolution_1d": [lowered],
    "unequal_gains_into_convolution": [setting(a, gain=nengo.dists.Choice([2]))],
    "solved_gains_into_convolution": [
        setting(a, gain=nengo.dists.Choice([2]), bias=nengo.dists.Choice([0])),
    ],
    "part_of_target": [
        reconnected(post=lambda net: a(net).neurons, transform=half),
        lowered,
    ],
    "alpha": [setting(last, synapse=nengo.Lowpass(0.005))],
    "long_synapse": [setting(last, synapse=nengo.Lowpass(8.1))],
    "two_filters": [setting(last, synapse=nengo.Lowpass(0.005))],
    "rates_on_chip": [relu, setting(a, neuron_type=loihi.LoihiLIF()), off("a")],
    "poisson_on_chip": [relu, off("a")],
    "regular_sigmoid_on_chip": [kind],
    "amplitude_of_base_type": [
        setting(a, neuron_type=nengo.RegularSpiking(nengo.RectifiedLinear(), amplitude=2)),
    ],
    "adaptive_on_chip": [setting(a, neuron_type=loihi.LoihiLIF()), off("a")],
    "leaky_on_chip": [relu, off("a")],
    "slow_membrane": [setting(a, neuron_type=loihi.LoihiLIF(tau_rc=2)), off("a")],
    "rates_off_chip": [encoder],
    "negative_spikes_off_chip": [encoder],
    "noise": [setting(a, noise=None), off("a")],
    "gain_without_bias": [setting(a, bias=np.ones(8)), setting(a, gain=None)],
    "impossible_rates": [setting(unnamed, max_rates=nengo.dists.Choice([200]))],
    "zero_encoders": [
        setting(unnamed, encoders=np.ones((8, 1))),
        setting(unnamed, normalize_encoders=False),
    ],
    "nothing_on_the_chip": [lambda net: setattr(net.config[unnamed(net)], "on_chip", None)],
    "marked_in_a_subnetwork": [lambda net: mark_off_chip(net, [unnamed(net)])],
    "weights_beyond_the_threshold": [setting(last, transform=np.eye(8))],
    "gain_beyond_the_threshold": [setting(a, gain=nengo.dists.Choice([1]))],
    "bias_beyond_the_threshold": [setting(a, bias=nengo.dists.Choice([1]))],
    "convolution_to_host": [lowered],
    "sparse_to_off_chip_neurons": [lowered],
    "vector_to_host": [
        lowered,
        whole_matrix,
    ],
    "numbers_to_chip": [numbers_off],
    "convolution_of_numbers": [numbers_off],
    "sparse_of_numbers": [numbers_off],
    "relay_of_convolution": [lowered],
    "relay_of_drawn_weights": [reconnected(transform=np.eye(8)), drawn_off_chip],
    "relay_of_vector": [lowered],
    "relay_behind_off_chip_neurons": [numbers_off],
    "relay_between_two_filters": [setting(last, synapse=None)],
    "relay_between_alpha_filters": [one_lowpass],
    "loop_of_relays": [off("b")],
    "sparse_of_decoded_values": [reconnected(transform=np.eye(1))],
    "one_dimension_of_an_ensemble": [
        reconnected(post=lambda net: named(net, "b"), transform=[[0], [1]]),
    ],
    "convolution_of_decoded_values": [
        reconnected(transform=np.eye(8)),
        reconnected(pre=lambda net: a(net).neurons[:8]),
    ],
    "pes_into_an_ensemble_kept_on_chip": [lambda net: mark_off_chip(net, [named(net, "post")])],
    "pes_on_the_host": [lambda net: setattr(net.config[named(net, "pre")], "on_chip", None)],
    "voja": [off("pre")],
    "pes_on_weights": [setting(learned, solver=nengo.solvers.LstsqL2())],
    "pes_into_a_node_that_leads_nowhere": [
        to_a_function,
        probed,
    ],
    "sampled_probe": [setting(lambda net: net.all_probes[-1], sample_every=None)],
    "probe_of_a_connection": [lambda net: net.probes.pop()],
    "probe_of_input": [setting(lambda net: net.all_probes[-1], attr="decoded_output")],
    "probe_of_encoders": [setting(lambda net: net.all_probes[-1], attr="decoded_output")],
}

#: A TensorNode comes from a conversion, and is converted anew; what learns can't be changed, and
#: is made anew below; convolutions over 3 axes are tried in test_support, and Nengo has none.
ELSEWHERE = {"tensor_node", "pes_from_neurons", "pes_with_alpha", "convolution_3d"}

BUILDS = {p.id: p.values for p in cases.CASES if p.values[1] != "runs"}


def test_all_advice_is_tried():
    assert set(ADVICE) | ELSEWHERE == set(BUILDS)


@pytest.mark.parametrize(
    "case, number", [(case, k) for case, fixes in ADVICE.items() for k in range(len(fixes))]
)
def test_advice_leads_somewhere(case, number):
    build, _outcome, word = BUILDS[case]
    layers = Layers(8, seed=2)
    build(layers)
    before = check_support(layers.net)
    assert word in " ".join(map(str, before))
    net = layers.net
    changed = ADVICE[case][number](net)
    net = changed if isinstance(changed, nengo.Network) else net
    after = check_support(net)
    objections = {problem.reason for problem in before if word in str(problem)}
    assert not objections & {problem.reason for problem in after}, list(map(str, after))
    assert not any(problem.refused for problem in after), list(map(str, after))
    emulate(net, steps=3)


def test_learning_as_it_is_advised():
    """A Lowpass pre_synapse, and a decoded Connection in place of one from neurons."""
    layers = Layers(8, seed=2)
    cases.learning(layers, nengo.PES(pre_synapse=nengo.Lowpass(0.005)))
    assert check_support(layers.net) == ()
    emulate(layers.net, steps=3)


# ---------------------------------------------------------------- lowering


def test_a_matrix_from_chip_to_host_neurons_runs_when_it_is_lowered():
    """Values: Nengo's own simulator, of the network as it was given."""
    layers = Layers(8, seed=2)
    first = cases.chip(layers)
    second = layers.population(8, "b", on_chip=False)
    layers.connect(first, second, cases.sparse(weight=2.0))
    layers.probe(second)
    assert any(problem.refused for problem in check_support(layers.net))
    lowering = lower(layers.net)
    assert check_support(lowering) == ()
    (change,) = [change for change in lowering.changes if change.kind == "relay"]
    assert (change.origin, change.target) == ("a", "b")
    probes = {label: lowering.objects[probe] for label, probe in layers.probes.items()}
    assert_alike(lowering.network, probes, layers)


def test_a_convolution_over_one_axis_draws_the_same_weights_over_two():
    """Values: Nengo's own draw for the Connection as it was given, by its seed."""
    layers = Layers(8, seed=2)
    target = layers.population(8, "b")
    conv = nengo.Convolution(2, (4, 2), kernel_size=(3,), strides=(1,), padding="same")
    layers.connect(layers.encoder, target, conv)
    layers.net.all_connections[-1].seed = 5
    layers.probe(target)
    lowering = lower(layers.net)
    new = lowering.objects[layers.net.all_connections[-1]]
    assert new.transform.dimensions == 2 and new.seed == 5
    rng = np.random.RandomState
    np.testing.assert_array_equal(new.transform.sample(rng(5))[0], conv.sample(rng(5)))
    assert check_support(lowering) == ()
    probes = {label: lowering.objects[probe] for label, probe in layers.probes.items()}
    assert nengo_counts(layers.net, layers.probes)["b"].tolist() == (
        nengo_counts(lowering.network, probes)["b"].tolist()
    )


def test_decoded_values_reach_a_sparse_transform_on_the_host():
    layers = Layers(8, seed=2)
    values = cases.ensemble(layers, "values", n=60, dimensions=4)
    with layers.net:
        nengo.Connection(nengo.Node([0.5, -0.5, 0.2, 0.0]), values)
        out = nengo.Node(lambda t, x: x, size_in=8)
        swap = nengo.Sparse((8, 4), indices=[(7, 0), (0, 1), (3, 2)], init=[1.0, 2.0, 1.0])
        nengo.Connection(values, out, transform=swap, function=np.negative, synapse=0.03)
        read = nengo.Probe(out)
    (problem,) = check_support(layers.net)
    assert problem.refused and "Lower the network first" in problem.remedy
    lowering = lower(layers.net)
    assert check_support(lowering) == ()
    on_chip = emulate(lowering.network, steps=300).data[lowering.objects[read]][200:].mean(axis=0)
    # what was put in, negated; decoding and the chip's rounding are some hundredths off
    np.testing.assert_allclose(on_chip, [1.0, 0, 0, -0.2, 0, 0, 0, -0.5], atol=0.12)


def assert_alike(net, probes, layers):
    chip = emulator_counts(emulate(net), probes)
    for label, counts in nengo_counts(layers.net, layers.probes).items():
        cases.assert_close(chip[label], counts)


def residual(keras):
    inputs = keras.Input((8, 8, 2))
    x = keras.layers.Conv2D(4, 3, activation="relu", name="enc")(inputs)
    a = keras.layers.Conv2D(4, 3, activation="relu", padding="same", name="a")(x)
    pool = keras.layers.MaxPool2D(2, name="pool")(a)
    skip = keras.layers.Conv2D(4, 1, strides=2, name="skip")(a)
    b = keras.layers.Activation("relu", name="b")(keras.layers.Add(name="add")([pool, skip]))
    c = keras.layers.Conv2D(3, 1, activation="relu", name="c")(b)
    return keras.Model(inputs, keras.layers.Dense(3, name="out")(keras.layers.Flatten()(c)))


def test_a_residual_around_exact_pooling_runs_on_the_chip():
    """Its neurons beside the chip are reached by a convolution from the chip."""
    model = residual(stack.keras())
    conversion = convert(
        model,
        max_pooling="exact",
        neuron_type="LoihiSpikingRectifiedLinear",
        scale_firing_rates=200,
    )
    assert check_support(conversion) == ()
    relays = [change for change in conversion.lowering.changes if change.kind == "relay"]
    assert [change.origin.split(".")[0] for change in relays] == ["a"]
    x = np.random.RandomState(0).uniform(size=(2, 8, 8, 2))

    def counts(network, simulator):
        activity = measure(network, x, 60, simulator=simulator, presentation="fresh")
        return {name: one.counts for name, one in activity.populations.items()}

    # the same network as before, in NengoDL, and the same spikes as in NengoLoihi's simulator
    found, expected = counts(conversion, "nengo_dl"), counts(conversion.unlowered, "nengo_dl")
    on_chip, by_nengo_loihi = counts(conversion, "loihi"), counts(conversion, "nengo_loihi")
    for name in found:
        np.testing.assert_allclose(found[name].sum(), expected[name].sum(), rtol=0.02)
        np.testing.assert_array_equal(on_chip[name], by_nengo_loihi[name])
        assert on_chip[name].sum() > 10


def test_a_composition_that_is_too_large_is_said_to_be(monkeypatch):
    for module in (composition, emission):
        monkeypatch.setattr(module, "MAX_WEIGHTS", 500)
    keras = stack.keras()
    layers = keras.layers
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, activation="relu", padding="same", name="enc")(inputs)
    for name in ("one", "two", "three"):
        x = layers.Conv2D(4, 1, activation="relu", name=name)(x)
        if name == "one":
            x = layers.SeparableConv2D(16, 3, activation="relu", padding="same", name="sep")(x)
    model = keras.Model(inputs, layers.Dense(3, name="out")(layers.Flatten()(x)))
    conversion = convert(model, neuron_type="LoihiSpikingRectifiedLinear", scale_firing_rates=200)
    refused = [problem for problem in check_support(conversion) if problem.refused]
    said = " ".join(map(str, refused))
    assert "Lowering does not help, since" in said and "composed it would have" in said
    assert "Lower the network first" not in said
    # what it says instead
    net = conversion.net
    owners = {e: name for e, name in conversion.layer_names.items() if name == "sep"}
    mark_off_chip(net, [obj for obj in owners if isinstance(obj, nengo.Ensemble)])
    again = convert(model, neuron_type="LoihiSpikingRectifiedLinear", scale_firing_rates=200,
                    off_chip=["enc", "sep"])  # fmt: skip
    assert "and lower the network again" in said
    for one in (lower(net, keep=conversion.input_nodes).network, again):
        assert not [problem for problem in check_support(one) if problem.refused]
