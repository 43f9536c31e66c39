"""Populations and pathways of networks, their kinds, names and layers."""

from __future__ import annotations

from types import SimpleNamespace

import nengo
import numpy as np
import pytest

from nengo_spikecost.errors import NetworkGraphError
from nengo_spikecost.graph import PATHWAY_KINDS, NetworkGraph, Population, Sink, Source

from .nengo_oracle import route_map


@pytest.fixture
def net():
    """A network whose Ensembles are ready for neuron to neuron Connections."""
    with nengo.Network(seed=0) as network:
        network.config[nengo.Ensemble].neuron_type = nengo.SpikingRectifiedLinear()
        network.config[nengo.Connection].synapse = None
        yield network


def ensemble(n_neurons, label):
    return nengo.Ensemble(n_neurons, 1, label=label)


def pool(shape, size, stride):
    kernel = np.zeros((size, size, shape[-1], shape[-1])) + np.eye(shape[-1]) / size**2
    return nengo.Convolution(shape[-1], shape, (size, size), (stride, stride), init=kernel)


def check_fan_outs(graph):
    """Every pathway between elements, against the product of Nengo's own maps."""
    for pathway in graph.pathways:
        expected = route_map(pathway.connections).sum(axis=0)
        np.testing.assert_array_equal(pathway.fan_out, expected, err_msg=pathway.name)
        assert pathway.fan_out.dtype == np.int64
        assert pathway.n_synapses == expected.sum()


def kinds(graph):
    assert {p.kind for p in graph.pathways} <= set(PATHWAY_KINDS)
    return {pathway.name: pathway.kind for pathway in graph.pathways}


def test_kinds_of_pathways(net):
    data = nengo.Node(np.ones(4), label="data")
    a, b = ensemble(4, "a"), ensemble(3, "b")
    output = nengo.Node(size_in=2, label="output")
    squared = nengo.Node(lambda t, x: x**2, size_in=3, size_out=3, label="squared")
    nengo.Connection(data, a.neurons)
    nengo.Connection(a.neurons, b.neurons, transform=np.ones((3, 4)))
    nengo.Connection(b.neurons, output, transform=np.ones((2, 3)))
    nengo.Connection(b.neurons, squared)
    nengo.Connection(squared, a.neurons[:3])
    graph = NetworkGraph(net)
    assert kinds(graph) == {
        "data -> a": "input",
        "squared -> a": "host",
        "a -> b": "neural",
        "b -> output": "readout",
        "b -> squared": "readout",
    }
    assert [u.name for u in graph.uncounted] == ["squared"]
    assert "host" in graph.uncounted[0].reason
    assert isinstance(graph.pathway("data -> a").pre, Source)
    assert isinstance(graph.pathway("b -> output").post, Sink)
    assert graph.pathway("a -> b").pre is graph.population("a")
    assert [p.name for p in graph.pathways_from("b")] == ["b -> output", "b -> squared"]
    assert [p.name for p in graph.pathways_to("a")] == ["data -> a", "squared -> a"]
    check_fan_outs(graph)


def test_populations(net):
    a = ensemble(4, "a")
    nengo.Ensemble(5, 1, neuron_type=nengo.RectifiedLinear())
    graph = NetworkGraph(net)
    assert graph.populations == (
        Population("a", "a", a, 4, a.neuron_type, True),
        Population("ensemble", "ensemble", net.ensembles[1], 5, nengo.RectifiedLinear(), False),
    )


def test_a_conversion_says_what_is_fed_with_data_and_names_layers(net):
    image, bias = nengo.Node(np.zeros(16), label="i"), nengo.Node([0.1, 0.2], label="c.bias")
    conv, flat = ensemble(8, "c.0"), nengo.Node(size_in=3, label="d.0")
    relay = nengo.Node(size_in=2, label="c.bias_relay")
    nengo.Connection(image, conv.neurons, transform=nengo.Convolution(2, (4, 4, 1)))
    nengo.Connection(bias, relay)
    nengo.Connection(relay[[0, 1] * 4], conv.neurons)
    nengo.Connection(conv.neurons, flat, transform=nengo.Dense((3, 8), nengo.dists.Uniform(0, 1)))
    conversion = SimpleNamespace(
        net=net,
        layer_names={image: "image", conv.neurons: "conv", flat: "dense"},
        input_nodes=[image],
    )
    graph = NetworkGraph(conversion)
    assert graph.network is net
    assert kinds(graph) == {
        "image -> conv": "input",
        "c.bias -> conv": "bias",
        "conv -> dense": "readout",
    }
    assert [p.layer for p in graph.pathways] == ["conv", "conv", "dense"]
    assert NetworkGraph(net).pathway("c.bias -> c.0").kind == "input"
    check_fan_outs(graph)


def test_synapses_belong_to_the_layer_whose_weights_make_them(net):
    rng = np.random.RandomState(0)
    a, b = ensemble(64 * 4, "a"), ensemble(10, "b")
    pooled, joined = nengo.Node(size_in=4, label="p"), nengo.Node(size_in=2, label="j")
    nengo.Connection(a.neurons, pooled, transform=pool((8, 8, 4), 8, 1))
    nengo.Connection(pooled, joined, transform=rng.rand(2, 4))
    nengo.Connection(joined, b.neurons, transform=np.ones((10, 2)))
    layers = {a: "a", b: "b", pooled: "gap", joined: "linear"}
    graph = NetworkGraph(SimpleNamespace(net=net, layer_names=layers, input_nodes=()))
    # The pool joins the most pairs (256), but nothing was learned there.
    assert [p.layer for p in graph.pathways] == ["linear"]
    np.testing.assert_array_equal(graph.pathways[0].fan_out, 10)


def test_passthrough_that_leads_nowhere_is_an_output_and_probes_change_nothing(net):
    a, out = ensemble(3, "a"), nengo.Node(size_in=3, label="out")
    nengo.Connection(a.neurons, out)
    before = kinds(NetworkGraph(net))
    nengo.Probe(out)
    nengo.Probe(a.neurons)
    assert kinds(NetworkGraph(net)) == before == {"a -> out": "readout"}


def test_upsampling_and_concatenation_through_slices(net):
    rng = np.random.RandomState(1)
    a, b, target = ensemble(8, "a"), ensemble(32, "b"), ensemble(27, "target")
    joined = nengo.Node(size_in=64, label="joined")
    grid = np.arange(64).reshape(4, 4, 4)
    rows = np.arange(8).reshape(2, 2, 2).repeat(2, 0).repeat(2, 1)
    nengo.Connection(a.neurons[rows.ravel()], joined[grid[..., :2].ravel()])
    nengo.Connection(b.neurons[::-1], joined[grid[..., 2:].ravel()])
    kernel = rng.rand(3, 3, 4, 3) * (rng.rand(3, 3, 4, 3) < 0.8)
    conv = nengo.Convolution(3, (4, 4, 4), strides=(1, 1), init=kernel)
    nengo.Connection(joined, target.neurons[:12], transform=conv)
    graph = NetworkGraph(net)
    assert kinds(graph) == {"a -> target": "neural", "b -> target": "neural"}
    check_fan_outs(graph)


def test_overlapping_average_pool_before_a_convolution(net):
    a, b = ensemble(8 * 8 * 2, "a"), ensemble(48, "b")
    pooled = nengo.Node(size_in=6 * 6 * 2, label="pooled")
    nengo.Connection(a.neurons, pooled, transform=pool((8, 8, 2), 3, 1))
    nengo.Connection(pooled, b.neurons, transform=nengo.Convolution(3, (6, 6, 2)))
    check_fan_outs(NetworkGraph(net))


def test_the_two_sides_of_a_diamond_are_two_pathways(net):
    a, b = ensemble(3, "a"), ensemble(3, "b")
    left, right, both = (nengo.Node(size_in=3, label=label) for label in ("left", "right", "both"))
    nengo.Connection(a.neurons, left)
    nengo.Connection(a.neurons, right, transform=np.ones((3, 3)))
    nengo.Connection(left, both)
    nengo.Connection(right, both)
    nengo.Connection(both, b.neurons)
    graph = NetworkGraph(net)
    names = ["a -> b (via left, both)", "a -> b (via right, both)"]
    assert [p.name for p in graph.pathways] == names
    assert [p.n_synapses for p in graph.pathways] == [3, 9]
    check_fan_outs(graph)


def test_parallel_connections_get_numbers(net):
    a, b = ensemble(3, "a"), ensemble(3, "b")
    nengo.Connection(a.neurons, b.neurons)
    nengo.Connection(a.neurons, b.neurons)
    assert [p.name for p in NetworkGraph(net).pathways] == ["a -> b", "a -> b #2"]


def test_recurrence(net):
    a = ensemble(4, "a")
    nengo.Connection(a.neurons, a.neurons, transform=np.ones((4, 4)) - np.eye(4), synapse=0.1)
    graph = NetworkGraph(net)
    assert kinds(graph) == {"a -> a": "neural"}
    np.testing.assert_array_equal(graph.pathways[0].fan_out, 3)


def test_a_loop_of_passthrough_nodes_runs_on_the_host(net):
    a, b = ensemble(2, "a"), ensemble(2, "b")
    first, second = nengo.Node(size_in=2, label="first"), nengo.Node(size_in=2, label="second")
    nengo.Connection(a.neurons, first)
    nengo.Connection(first, second)
    nengo.Connection(second, first, synapse=0.1)
    nengo.Connection(second, second, synapse=0.1)
    nengo.Connection(second, b.neurons)
    graph = NetworkGraph(net)
    # as on NengoLoihi 1.1.0, which merges no group of Nodes with a loop (passthrough.py)
    assert kinds(graph) == {
        "a -> first": "readout",
        "first -> second": "host",
        "second -> first": "host",
        "second -> second": "host",
        "second -> b": "host",
    }
    assert not graph.uncounted and not any(p.on_chip for p in graph.pathways)
    check_fan_outs(graph)


def test_more_routes_than_can_be_followed_are_left_with_a_reason(net):
    a = ensemble(1, "a")
    node = nengo.Node(size_in=1)
    nengo.Connection(a.neurons, node)
    for _ in range(20):  # two Connections each time: 2**20 routes
        previous, node = node, nengo.Node(size_in=1)
        nengo.Connection(previous, node)
        nengo.Connection(previous, node)
    graph = NetworkGraph(net)
    assert "more routes" in graph.uncounted[-1].reason


def test_an_unknown_transform_is_left_with_a_reason(net):
    class Unknown(nengo.transforms.Transform):
        size_in = size_out = 3

    a, b = ensemble(3, "a"), ensemble(3, "b")
    nengo.Connection(a.neurons, b.neurons, transform=Unknown())
    graph = NetworkGraph(net)
    assert graph.pathways == ()
    assert graph.uncounted[0].name == "a -> b"
    assert "type Unknown" in graph.uncounted[0].reason


def test_learning_rules_are_counted_and_reached_by_pathways(net):
    a, b = nengo.Ensemble(10, 1, label="a"), nengo.Ensemble(10, 1, label="b")
    learned = nengo.Connection(a, b, learning_rule_type=nengo.PES())
    nengo.Connection(b, learned.learning_rule)
    graph = NetworkGraph(net)
    assert kinds(graph) == {"a -> b": "neural", "b -> PES of a -> b": "readout"}
    assert [(r.name, r.layer, r.n_weights) for r in graph.learning] == [("PES of a -> b", "b", 10)]
    assert graph.uncounted == ()


def test_weights_that_learn_count_even_at_zero(net):
    a, b = nengo.Ensemble(5, 1, label="a"), nengo.Ensemble(4, 1, label="b")
    for rule in (None, nengo.PES()):
        nengo.Connection(a, b, solver=nengo.solvers.NoSolver(), learning_rule_type=rule)
    assert [p.n_synapses for p in NetworkGraph(net).pathways] == [0, 20]


def test_functions_on_the_host_start_pathways_of_their_own(net):
    data, a, b = nengo.Node(np.ones(3), label="data"), ensemble(3, "a"), ensemble(2, "b")
    nengo.Connection(data, a.neurons)
    nengo.Connection(data, b.neurons, function=lambda x: [x[0] * x[1], x[2]])
    nengo.Connection(data, b.neurons[0], function=np.prod)
    graph = NetworkGraph(net)
    assert kinds(graph) == {
        "data -> a": "input",
        "data.function -> b": "host",
        "data.function #2 -> b": "host",
    }
    assert graph.pathway("data.function -> b").fan_out.tolist() == [1, 1]
    assert graph.pathway("data.function #2 -> b").fan_out.tolist() == [1]
    assert [u.name for u in graph.uncounted] == ["data -> b"]


def test_direct_mode_computes_on_the_host(net):
    a, b = nengo.Ensemble(5, 2, label="a"), nengo.Ensemble(4, 2, label="b")
    direct = nengo.Ensemble(1, 2, label="direct", neuron_type=nengo.Direct())
    nengo.Connection(a, direct)
    nengo.Connection(direct, b, function=np.square)
    nengo.Connection(direct, b)
    graph = NetworkGraph(net)
    assert [p.name for p in graph.populations] == ["a", "b"]
    assert kinds(graph) == {
        "a -> direct": "readout",
        "direct -> b": "host",
        "direct.function -> b": "host",
    }
    assert [p.n_synapses for p in graph.pathways] == [10, 8, 8]
    assert [u.name for u in graph.uncounted] == ["direct", "direct -> b"]


def test_decoded_connections_count_full_weights(net):
    net.config[nengo.Ensemble].intercepts = nengo.dists.Uniform(-1, -0.5)
    a, b = nengo.Ensemble(20, 2, label="a"), nengo.Ensemble(15, 3, label="b")
    relay = nengo.Node(size_in=2, label="relay")
    nengo.Connection(a, relay)
    nengo.Connection(relay, b[:2])
    full = nengo.Connection(
        a, b, transform=np.ones((3, 2)), solver=nengo.solvers.LstsqL2(weights=True)
    )
    graph = NetworkGraph(net)
    assert [p.n_synapses for p in graph.pathways_from("a")] == [300, 300]
    with nengo.Simulator(net, progress_bar=False) as sim:
        weights = sim.data[full].weights
    assert weights.shape == (15, 20)
    np.testing.assert_array_equal(graph.pathways_from("a")[1].fan_out, (weights != 0).sum(axis=0))


def test_given_decoders_and_encoders_count_their_nonzeros(net):
    decoders = np.array([[1.0, 0], [0, 0], [1, 1], [0, 1]])
    encoders = np.array([[1.0, 0], [0, 1], [0, 1]])
    a = nengo.Ensemble(4, 2, label="a")
    b = nengo.Ensemble(3, 2, label="b", encoders=encoders)
    nengo.Connection(a, b, solver=nengo.solvers.NoSolver(decoders))
    graph = NetworkGraph(net)
    weights = encoders @ decoders.T
    np.testing.assert_array_equal(graph.pathways[0].fan_out, (weights != 0).sum(axis=0))
    np.testing.assert_array_equal(NetworkGraph(net, count_zeros=True).pathways[0].fan_out, 3)


def test_solvers_for_all_weights_join_all_neurons(net):
    a, b = nengo.Ensemble(6, 1, label="a"), nengo.Ensemble(5, 1, label="b")
    nengo.Connection(a, b, solver=nengo.solvers.LstsqDrop(weights=True))
    nengo.Connection(a, b, solver=nengo.solvers.NnlsL2(weights=True))
    assert [p.n_synapses for p in NetworkGraph(net).pathways] == [30, 30]


def test_decoded_into_neurons_and_neurons_into_decoded(net):
    a, b = nengo.Ensemble(6, 2, label="a"), nengo.Ensemble(5, 1, label="b")
    nengo.Connection(a[1], b.neurons[:3], transform=np.ones((3, 1)))
    nengo.Connection(b.neurons[::2], a[0], transform=np.ones((1, 3)))
    graph = NetworkGraph(net)
    np.testing.assert_array_equal(graph.pathway("a -> b").fan_out, 3)
    np.testing.assert_array_equal(graph.pathway("b -> a").fan_out, [6, 0, 6, 0, 6])


def test_ensemble_arrays_and_nested_networks(net):
    x = nengo.networks.EnsembleArray(7, 3, label="x")
    with nengo.Network(label="outer"), nengo.Network(label="inner"):
        y = nengo.networks.EnsembleArray(4, 3, label="y")
    nengo.Connection(x.output[::-1], y.input)
    graph = NetworkGraph(net)
    assert [p.name for p in graph.populations] == ["x_0", "x_1", "x_2", "y_0", "y_1", "y_2"]
    neural = [p for p in graph.pathways if p.kind == "neural"]
    assert [p.name for p in neural] == ["x_0 -> y_2", "x_1 -> y_1", "x_2 -> y_0"]
    assert [p.n_synapses for p in neural] == [28, 28, 28]
    assert [s.name for s in graph.sinks] == ["outer.inner.y.output"]


def test_slices_that_nothing_comes_into_lead_nowhere(net):
    a, b, c = ensemble(2, "a"), ensemble(2, "b"), ensemble(4, "c")
    joined, turned = nengo.Node(size_in=4, label="joined"), nengo.Node(size_in=4, label="turned")
    nengo.Connection(a.neurons, joined[[0, 2]])
    nengo.Connection(b.neurons, joined[[1, 3]], transform=[[0, 1], [1, 0]])
    nengo.Connection(joined[::-1], turned)
    nengo.Connection(turned[[1, 3]], c.neurons[:2])
    nengo.Connection(turned[0], c.neurons[3])
    graph = NetworkGraph(net)
    assert kinds(graph) == {"a -> c": "neural", "b -> c": "neural"}
    check_fan_outs(graph)


def test_names_are_unique_and_repeatable():
    def build():
        with nengo.Network() as network:
            for _ in range(3):
                nengo.Ensemble(1, 1, label="same")
            nengo.Ensemble(1, 1, label="same #2")
            nengo.Ensemble(1, 1)
            nengo.Ensemble(1, 1)
            for label in (None, "sub"):
                with nengo.Network(label=label):
                    nengo.Ensemble(1, 1, label="same")
        return [p.name for p in NetworkGraph(network).populations]

    names = build()
    assert len(set(names)) == len(names)
    assert names == build()
    assert names[3] == "same #2"
    assert "sub.same" in names


class TensorNode(nengo.Node):
    """Stands for NengoDL's: a Node without an output function that has a builder of its own."""


@nengo.builder.Builder.register(TensorNode)
def build_tensor_node(model, node):
    raise NotImplementedError


def test_nodes_built_in_a_way_of_their_own_are_not_passed_through(net):
    a, b = ensemble(2, "a"), ensemble(2, "b")
    tensor = TensorNode(size_in=2, label="softmax")
    nengo.Connection(a.neurons, tensor)
    nengo.Connection(tensor, b.neurons)
    graph = NetworkGraph(net)
    assert kinds(graph) == {"softmax -> b": "host", "a -> softmax": "readout"}
    assert [u.name for u in graph.uncounted] == ["softmax"]


def test_the_graph_says_what_it_found(net):
    a, b = ensemble(2, "a"), ensemble(2, "b")
    nengo.Connection(a.neurons, b.neurons, learning_rule_type=nengo.BCM(), transform=np.eye(2))
    graph = NetworkGraph(net)
    assert repr(graph) == "<NetworkGraph: 2 populations, 4 neurons, 1 pathways, 0 uncounted>"
    text = str(graph)
    assert "population  a: 2 SpikingRectifiedLinear" in text
    assert "neural      a -> b [layer b, on the host]" in text  # the target of a learned one
    assert "learning    BCM of a -> b: 4 weights" in text
    assert "fan_out" not in vars(graph.pathways[0]), "fan-outs are computed when asked for"
    assert graph.pathways[0].fan_out is graph.pathways[0].fan_out
    with pytest.raises(ValueError, match="read-only"):
        graph.pathways[0].fan_out[0] = 5


def test_what_is_not_a_network_or_not_in_it_is_refused(net):
    ensemble(2, "a")
    with pytest.raises(
        NetworkGraphError, match=r"takes a nengo\.Network, or a Conversion .* not str"
    ):
        NetworkGraph("network")
    with pytest.raises(NetworkGraphError, match="no population 'b'; the populations are a"):
        NetworkGraph(net).population("b")
    with pytest.raises(NetworkGraphError, match="no pathway 'x'; there are none"):
        NetworkGraph(net).pathway("x")
