"""A subclass that changes nothing is its base; one that replaces something is said to be other."""

from __future__ import annotations

import contextlib

import nengo
import nengo_loihi
import numpy as np
import pytest
import tensorflow as tf
from nengo.builder import Builder
from nengo.builder.connection import build_connection
from nengo.builder.ensemble import build_ensemble

import nengo_spikecost as nsc
from nengo_spikecost.errors import ConversionError, MeasurementError
from nengo_spikecost.graph import NetworkGraph
from nengo_spikecost.inheritance import overridden
from nengo_spikecost.loihi import check_support, mark_off_chip
from nengo_spikecost.lowering import lower
from nengo_spikecost.workload.exact import count

from .native.brute_force import synapse_counts

L = tf.keras.layers


class Mixin:
    """Operators on Nodes, as nengo_spa's connectors have them."""

    def __add__(self, other):
        raise NotImplementedError


class Relay(Mixin, nengo.Node):
    def __init__(self, size, name):
        super().__init__(size_in=size, label=name)


class Counting(nengo.Node):
    """Has no output function of Nengo's, but computes."""


@Builder.register(Counting)
def build_counting(model, node):
    signal = nengo.builder.Signal(np.zeros(node.size_in))
    model.sig[node]["in"] = model.sig[node]["out"] = signal
    model.add_op(nengo.builder.operator.Reset(signal))
    model.params[node] = None


def relayed(make):
    """Two populations through a chain of relays; dense weights that are never 0."""
    rng = np.random.RandomState(0)
    with nengo.Network(seed=0) as net:
        a, b = nengo.Ensemble(30, 3, label="a"), nengo.Ensemble(20, 2, label="b")
        one, two = make(3, "one"), make(2, "two")
        nengo.Connection(a, one)
        nengo.Connection(one, two, transform=rng.uniform(0.5, 1, (2, 3)))
        nengo.Connection(two, b)
        nengo.Connection(a.neurons, two, transform=rng.uniform(0.5, 1, (2, 30)))
        nengo.Probe(b)
    return net


def synops(net, steps=60):
    activity = nsc.measure(net, None, steps, simulator="nengo", progress=False)
    work = count(NetworkGraph(net), activity)
    return work, activity


@pytest.mark.parametrize("make", [Relay, lambda n, name: nengo.Node(size_in=n, label=name)])
def test_a_relay_of_another_class_is_seen_through(make):
    net = relayed(make)
    work, activity = synops(net)
    assert not work.uncounted
    # what Nengo has built: decoders, transforms and encoders, multiplied out
    with nengo.Simulator(net, progress_bar=False, optimize=False) as simulator:
        expected = synapse_counts(net, simulator)
    spikes = activity.populations["a"].counts[0].astype(int)
    total = sum(int(spikes @ targets) for targets in expected.values())
    assert total > 0 and sum(int(p.synops[0]) for p in work.pathways) == total
    assert not [part for part in NetworkGraph(net).host if part.macs]


def test_relays_of_another_class_are_merged_by_nengo_loihi_as_nodes_are():
    counts = []
    for make in (Relay, lambda n, name: nengo.Node(size_in=n, label=name)):
        net = relayed(make)
        with nengo_loihi.Simulator(net, progress_bar=False) as simulator:
            assert not simulator.model.host.params and not simulator.model.host_pre.params
            counts.append(sorted(block.n_neurons for block in simulator.model.blocks))
    assert counts[0] == counts[1]


def test_nengo_spa_is_counted():
    spa = pytest.importorskip("nengo_spa", reason="nengo_spa is no dependency of this package")
    with spa.Network(seed=0) as net:
        net.config[nengo.Ensemble].neuron_type = nengo.LIF()
        one, two, three = (spa.State(16, label=name) for name in ("one", "two", "three"))
        one * two >> three
    work, activity = synops(net, 30)
    assert not work.uncounted
    with nengo.Simulator(net, progress_bar=False, optimize=False) as simulator:
        expected = synapse_counts(net, simulator)
    counts = {
        p.ensemble: activity.populations[p.name].counts[0] for p in NetworkGraph(net).populations
    }
    total = 0
    for route, targets in expected.items():
        if isinstance(route[-1].post_obj, nengo.Node):
            continue  # an output that nothing reads
        pre = getattr(route[0].pre_obj, "ensemble", route[0].pre_obj)
        total += int(counts[pre].astype(int) @ targets)
    assert sum(int(p.synops[0]) for p in work.pathways if p.on_chip) == total > 0


def test_a_node_that_is_built_in_a_way_of_its_own_computes():
    net = relayed(lambda n, name: Counting(size_in=n, label=name))
    graph = NetworkGraph(net)
    assert {u.name for u in graph.uncounted} == {"one", "two"}
    assert not any(p.on_chip for p in graph.pathways)
    problems = [p for p in check_support(net) if p.name in ("one", "two")]
    assert len(problems) == 2 and all("way of its own" in p.reason for p in problems)


class Dendrites(nengo.Ensemble):
    """Built in a way of its own, as the Ensembles of nengo_bio."""


class Synapses(nengo.Connection):
    """Built in a way of its own, as the parts of nengo_bio's Connections."""


@Builder.register(Dendrites)
def build_dendrites(model, ensemble):
    build_ensemble(model, ensemble)


@Builder.register(Synapses)
def build_synapses(model, conn):
    build_connection(model, conn)


def test_ensembles_and_connections_that_are_built_in_a_way_of_their_own():
    """Their spikes are counted, and what cannot be known of their weights is said, not guessed."""
    with nengo.Network(seed=0) as net:
        a, c = (nengo.Ensemble(10, 1, label=label) for label in "ac")
        b = Dendrites(12, 1, label="b")
        nengo.Connection(a, b)
        nengo.Connection(b, c)
        Synapses(a, c)
    graph = NetworkGraph(net)
    assert [(u.name, u.reason.split(", which")[0]) for u in graph.uncounted] == [
        ("a -> b", "leads through the encoders of a Dendrites"), ("a -> c", "is a Synapses"),
    ]  # fmt: skip
    # decoders are solved for by the plain Connection: every neuron has some
    assert graph.pathway("b -> c").fan_out.tolist() == [10] * 12
    problems = {p.name: p for p in check_support(net) if "way of its own" in p.reason}
    assert set(problems) == {"b", "a -> c"} and not any(p.refused for p in problems.values())
    mark_off_chip(net, net.all_ensembles)
    assert not [p for p in check_support(net) if "way of its own" in p.reason]


def test_constants_of_another_class_are_folded_as_nodes_are():
    class Bias(nengo.Node):
        pass

    biases = []
    for kind in (Bias, nengo.Node):
        with nengo.Network(seed=0) as net:
            constant, a = kind(np.array([0.5, 1.0])), nengo.Ensemble(2, 1, label="a")
            a.gain, a.bias = nengo.dists.Choice([1]), nengo.dists.Choice([0.25])
            nengo.Connection(constant, a.neurons, synapse=None)
        biases.append(np.array(lower(net).network.all_ensembles[0].bias))
    np.testing.assert_array_equal(biases[0], biases[1])
    np.testing.assert_array_equal(biases[0], [0.75, 1.25])


# ---------------------------------------------------------------- neuron types


class MyLIF(nengo.LIF):
    """By another name, with another default and a method of its own."""

    tau_rc = nengo.params.NumberParam("tau_rc", default=0.03, low=0, low_open=True, readonly=True)

    def __init__(self, **kwargs):
        super().__init__(**kwargs)

    def explain(self):
        return "leaky"


class Silent(nengo.LIF):
    def step(self, dt, J, output, voltage, refractory_time):
        output[...] = 0


class SilentStill(Silent):
    pass


def driven(neuron_type):
    with nengo.Network(seed=0) as net:
        a = nengo.Ensemble(
            6, 1, neuron_type=neuron_type, gain=np.ones(6), bias=np.linspace(1.5, 6, 6), label="a"
        )
        nengo.Probe(a.neurons)
    return net


def test_a_neuron_type_that_changes_nothing_runs_as_its_base_on_the_chip():
    zero = {"initial_state": {"voltage": nengo.dists.Choice([0])}}
    # what the chip does otherwise for a LIF, it does for this one: nothing else is said of it
    own = [p.reason.replace("MyLIF", "LIF") for p in check_support(driven(MyLIF(**zero)))]
    base = nengo.LIF(tau_rc=MyLIF().tau_rc, **zero)
    assert own == [p.reason for p in check_support(driven(base))]
    counts = [
        nsc.measure(driven(kind), None, 80, simulator="loihi").populations["a"].counts
        for kind in (MyLIF(**zero), nengo.LIF(tau_rc=MyLIF().tau_rc, **zero))
    ]
    np.testing.assert_array_equal(*counts)
    net = driven(MyLIF(**zero))
    with nengo_loihi.Simulator(net, progress_bar=False) as simulator:
        simulator.run_steps(80)
        spikes = simulator.data[net.all_probes[0]]
    np.testing.assert_array_equal(counts[0][0], np.rint(spikes.sum(axis=0) * 0.001))


@pytest.mark.parametrize("kind", [Silent, SilentStill])
def test_a_neuron_type_with_another_step_is_not_its_base(kind):
    words = f"has {kind.__name__} neurons, which NengoLoihi runs as LIF"
    assert words in {p.reason for p in check_support(driven(kind()))}
    # NengoLoihi does: its neurons fire, and Nengo's never do
    net = driven(kind())
    with nengo_loihi.Simulator(net, progress_bar=False) as simulator:
        simulator.run_steps(80)
        assert simulator.data[net.all_probes[0]].any()
    for simulator in ("nengo", "nengo_dl"):
        activity = nsc.measure(driven(kind()), None, 80, simulator=simulator, progress=False)
        assert not activity.populations["a"].counts.any()


# ---------------------------------------------------------------- transforms, rules, filters


class Kernel(nengo.Convolution):
    def __init__(self, n_filters):
        super().__init__(n_filters, (4, 4, 1))


class Other(nengo.Convolution):
    def sample(self, rng=np.random):
        return np.zeros_like(super().sample(rng))


def convolved(transform):
    with nengo.Network(seed=0) as net:
        a, b = nengo.Ensemble(16, 1, label="a"), nengo.Ensemble(8, 1, label="b")
        nengo.Connection(a.neurons, b.neurons, transform=transform)
    return net


def test_transforms():
    same, plain = (convolved(t) for t in (Kernel(2), nengo.Convolution(2, (4, 4, 1))))
    fan_outs = [NetworkGraph(net).pathway("a -> b").fan_out for net in (same, plain)]
    np.testing.assert_array_equal(*fan_outs)
    graph = NetworkGraph(convolved(Other(2, (4, 4, 1))))
    assert not graph.pathways
    (missing,) = graph.uncounted
    assert "transform of type Other" in missing.reason


class SlowPES(nengo.PES):
    def __init__(self):
        super().__init__(1e-5)


class Hebb(nengo.PES):
    """Built in a way of its own."""


@Builder.register(Hebb)
def build_hebb(model, rule_type, rule):
    raise NotImplementedError


def test_learning_rules():
    def learned(rule):
        with nengo.Network() as net:
            a, out = nengo.Ensemble(10, 1, label="a"), nengo.Node(size_in=1, label="out")
            nengo.Connection(a, out, learning_rule_type=rule)
        return NetworkGraph(net)

    slow, plain = learned(SlowPES()).learning, learned(nengo.PES()).learning
    assert [(r.n_weights, r.macs) for r in slow] == [(r.n_weights, r.macs) for r in plain]
    assert slow[0].rule == "SlowPES"
    other = learned(Hebb())
    assert not other.learning
    assert "changes weights in a way that is not known" in other.uncounted[0].reason


class Milliseconds(nengo.Lowpass):
    def __init__(self, tau_ms):
        super().__init__(tau_ms / 1000)


class Negated(nengo.Lowpass):
    """Filters, and turns the sign round."""

    def make_step(self, *args, **kwargs):
        step = super().make_step(*args, **kwargs)
        return lambda t, signal: -step(t, signal)


def filtered(synapse):
    with nengo.Network(seed=0) as net:
        kwargs = {"gain": np.ones(4), "bias": np.full(4, 1.2)}
        neurons = nengo_loihi.neurons.LoihiSpikingRectifiedLinear()
        a = nengo.Ensemble(4, 1, neuron_type=neurons, label="a", **{**kwargs, "bias": [90.0] * 4})
        b = nengo.Ensemble(4, 1, neuron_type=neurons, label="b", **{**kwargs, "bias": [0.0] * 4})
        nengo.Connection(a.neurons, b.neurons, transform=np.eye(4), synapse=synapse)
        nengo.Probe(b.neurons)
    return net


def test_filters():
    assert not check_support(filtered(Milliseconds(5)))
    spikes = {}
    for synapse in (Milliseconds(5), nengo.Lowpass(0.005), Negated(0.005)):
        activity = nsc.measure(filtered(synapse), None, 300, simulator="nengo", progress=False)
        spikes[type(synapse)] = activity.populations["b"].counts
    np.testing.assert_array_equal(spikes[Milliseconds], spikes[nengo.Lowpass])
    assert spikes[nengo.Lowpass].any() and not spikes[Negated].any()
    # neither NengoLoihi nor NengoDL calls the class' own make_step
    (problem,) = check_support(filtered(Negated(0.005)))
    assert "runs as a Lowpass, without the make_step of its class" in problem.reason
    same = nsc.measure(filtered(Milliseconds(5)), None, 300, simulator="nengo_dl", progress=False)
    assert same.populations["b"].counts.any()
    with pytest.raises(MeasurementError, match=r"make_step NengoDL does not call.*'nengo'"):
        nsc.measure(filtered(Negated(0.005)), None, 300, simulator="nengo_dl", progress=False)


# ---------------------------------------------------------------- Keras layers


class Ten(L.Dense):
    """Only its arguments are other ones: it can't be made from its own configuration."""

    def __init__(self, **kwargs):
        super().__init__(10, activation="relu", **kwargs)


class Noted(L.Conv2D):
    def __init__(self, *args, note="", **kwargs):
        super().__init__(*args, **kwargs)
        self.note = note

    def get_config(self):
        return {**super().get_config(), "note": self.note}


class Doubled(L.Dense):
    def call(self, inputs):
        return 2 * super().call(inputs)


def model_of(*layers, shape=(5, 5, 1)):
    x = inputs = tf.keras.Input(shape)
    for layer in layers:
        x = layer(x)
    return tf.keras.Model(inputs, x)


def test_keras_layers_that_change_nothing_are_converted_as_their_bases():
    tf.keras.utils.set_random_seed(0)
    model = model_of(Noted(3, 3, activation="relu", note="first"), L.Flatten(), Ten(), L.Dense(2))
    images = np.random.RandomState(0).uniform(0, 1, (3, 5, 5, 1)).astype("f4")
    conversion = nsc.convert(model, neuron_type="RectifiedLinear")
    activity = nsc.measure(conversion, images, 5, simulator="nengo_dl", progress=False)
    (output,) = activity.outputs.values()
    np.testing.assert_allclose(output.last, model.predict_on_batch(images), atol=1e-5)


def test_keras_layers_that_compute_something_else_are_refused_by_name():
    model = model_of(L.Flatten(), Doubled(4, name="twice"))
    with pytest.raises(ConversionError, match=r"\(Doubled\).*a Dense with call of its own"):
        nsc.convert(model)
    conversion = nsc.convert(model, allow_fallback=True)
    assert any("twice" in u.name for u in NetworkGraph(conversion).uncounted)


def test_a_subclass_is_counted_by_its_bases_formula_unless_it_computes_something_else():
    energy = {}
    for kind in (L.Dense, Ten, Doubled):
        units = () if kind is Ten else (10,)
        model = model_of(L.Flatten(), kind(*units, name="dense"))
        with (
            pytest.warns(nsc.errors.UncountedWarning)
            if kind is Doubled
            else contextlib.nullcontext()
        ):
            work = nsc.NetworkEnergy(model, cost_model="kerasspiking").workload()
        energy[kind] = sum(d.macs for d in work.dense), len(work.uncounted)
    assert energy[Ten] == energy[L.Dense]
    assert energy[Doubled][1] == 1


def test_what_is_replaced():
    class Base:
        size = 3

        def step(self): ...

    class Same(Base):
        size = 3
        other = 5

        def __init__(self, x): ...

    class Wider(Same):
        size = 4

    class Mixed(Mixin, Wider):
        def step(self): ...

    assert overridden(Base, Base) == overridden(Same, Base) == ()
    assert overridden(Wider, Base) == ("size",)
    assert overridden(Mixed, Base) == ("size", "step")
    assert overridden(Mixed, Base, {"size"}) == ("step",)


def test_layers_of_keras_3():
    keras = pytest.importorskip("keras")
    if not keras.__version__.startswith("3"):
        pytest.skip("Keras 2 is tested above")

    class Five(keras.layers.Dense):
        def __init__(self, **kwargs):
            super().__init__(5, activation="relu", **kwargs)

    class Wild(keras.layers.Dense):
        def call(self, inputs):
            return super().call(inputs) + 1

    images = np.random.RandomState(0).uniform(0, 1, (3, 6)).astype("f4")
    x = keras.Input((6,))
    model = keras.Model(x, keras.layers.Dense(2)(Five(name="five")(x)))
    conversion = nsc.convert(model, neuron_type="RectifiedLinear")
    activity = nsc.measure(conversion, images, 5, simulator="nengo_dl", progress=False)
    (output,) = activity.outputs.values()
    np.testing.assert_allclose(output.last, model.predict_on_batch(images), atol=1e-5)
    model = keras.Model(x, Wild(3, name="wild")(x))
    with pytest.raises(ConversionError, match=r"'wild' \(Wild\).*is a Dense with call of its own"):
        nsc.convert(model)
