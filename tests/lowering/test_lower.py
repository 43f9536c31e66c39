"""Hand-made networks, lowered: what is composed, what is left alone, and what is kept."""

from __future__ import annotations

import nengo
import nengo_dl
import nengo_loihi
import numpy as np
import pytest
from nengo.ensemble import Neurons

from nengo_spikecost.errors import NetworkGraphError
from nengo_spikecost.lowering import Matrix, composition, emission, lower, transform_readers

from .comparison import assert_same_rates, assert_unchanged, snapshot


def population(n_neurons, label, bias=1.0, **kwargs):
    options = {
        "neuron_type": nengo.RectifiedLinear(),
        "gain": nengo.dists.Choice([2.0]),
        "bias": nengo.dists.Choice([bias]),
        **kwargs,
    }
    return nengo.Ensemble(n_neurons, 1, label=label, **options)


def passthrough(size, label=None):
    return nengo.Node(size_in=size, label=label)


def kinds(lowering):
    return [change.kind for change in lowering.changes]


def run(network, probes, steps=60):
    with nengo.Simulator(network, progress_bar=False, optimize=False) as sim:
        sim.run_steps(steps, progress_bar=False)
    return [np.array(sim.data[probe]) for probe in probes]


def assert_same_run(network, lowering, steps=60):
    """Everything probed comes out the same to rounding, spikes and decoders included."""
    probes = network.all_probes
    assert probes
    before = run(network, probes, steps)
    after = run(lowering.network, [lowering.objects[p] for p in probes], steps)
    for a, b in zip(before, after):
        assert np.abs(a).max() > 0
        np.testing.assert_allclose(b, a, rtol=1e-7, atol=1e-9 * np.abs(a).max())


def test_only_networks():
    with pytest.raises(NetworkGraphError, match="not str"):
        lower("net")


def test_constants_become_biases():
    with nengo.Network(seed=0) as net:
        a, b = population(4, "a"), population(3, "b", bias=0.5)
        relay = passthrough(3)
        nengo.Connection(nengo.Node([2.0]), relay[1], synapse=None, transform=3)
        nengo.Connection(nengo.Node([0.25]), b.neurons[:2], synapse=None, transform=[[1], [2]])
        nengo.Connection(a.neurons, relay, transform=np.eye(3, 4))
        nengo.Connection(relay, b.neurons, synapse=None, transform=2)
    lowering = lower(net)
    assert lowering.network.all_nodes == []
    # bias + gain * constant
    np.testing.assert_allclose(lowering.objects[b].bias, [0.5 + 0.5, 0.5 + 25, 0.5])
    assert sorted(kinds(lowering)) == ["bias", "composed"]
    assert_same_rates(net, lowering)


def test_kept_constants_are_no_biases():
    with nengo.Network() as net:
        b = population(3, "b")
        fed = nengo.Node([1.0, 2.0, 3.0], label="fed")
        relay = passthrough(3)
        nengo.Connection(fed, relay, synapse=None)
        nengo.Connection(relay, b.neurons, synapse=None)
    lowering = lower(net, keep=[fed])
    assert lowering.objects[fed].output.tolist() == [1, 2, 3]
    assert kinds(lowering) == ["composed"]
    assert_same_rates(net, lowering, [fed])


def test_filtered_constants_are_no_biases():
    with nengo.Network() as net:
        b = population(3, "b")
        relay = passthrough(3, "relay")
        nengo.Connection(nengo.Node([1.0], label="direct"), b.neurons, transform=[[1]] * 3)
        nengo.Connection(nengo.Node([1.0], label="far"), relay, transform=[[1]] * 3, synapse=None)
        nengo.Connection(relay, b.neurons, synapse=0.01)
    lowering = lower(net)
    assert "a filter makes it a transient" in str(lowering)
    assert isinstance(lowering.objects[b].bias, nengo.dists.Choice)
    assert_same_rates(net, lowering)


def test_biases_that_are_not_known_yet_are_not_changed():
    with nengo.Network(seed=1) as net:
        a = population(3, "a")
        b = nengo.Ensemble(3, 1, label="b")
        relay = passthrough(3)
        nengo.Connection(nengo.Node([0.1, 0.2, 0.3]), relay, synapse=None)
        nengo.Connection(a.neurons, relay)
        nengo.Connection(relay, b.neurons, synapse=None)
    lowering = lower(net)
    assert "not known before it is built" in str(lowering)
    assert_same_rates(net, lowering)


def test_two_filters_stay_two():
    with nengo.Network() as net:
        a, b, c = (population(3, name) for name in "abc")
        relay = passthrough(3, "relay")
        nengo.Connection(a.neurons, relay, synapse=0.01)
        nengo.Connection(relay, b.neurons, synapse=0.02)
        nengo.Connection(relay, c.neurons, synapse=None)
    lowering = lower(net)
    assert kinds(lowering) == ["left"]
    assert str(lowering.changes[0]) == (
        "left       relay stands between two filters, which one Connection can't have"
    )
    assert_same_rates(net, lowering)


def test_loops_stay():
    with nengo.Network() as net:
        a, b = population(3, "a"), population(3, "b")
        one, two, alone, free = (passthrough(3, name) for name in ("1", "2", "3", "4"))
        nengo.Connection(a.neurons, one)
        nengo.Connection(one, two, synapse=None)
        nengo.Connection(two, one, synapse=0.01, transform=0.5)
        nengo.Connection(two, alone, synapse=None)
        nengo.Connection(alone, alone, synapse=0.01, transform=0.5)
        nengo.Connection(alone, free, synapse=None)
        nengo.Connection(free, b.neurons, synapse=None)
    lowering = lower(net)
    assert set(lowering.network.all_nodes) == {lowering.objects[n] for n in (one, two, alone)}
    assert sum("is part of a loop" in change.reason for change in lowering.changes) == 3
    assert_same_rates(net, lowering)


def test_recurrence_through_a_relay():
    with nengo.Network() as net:
        a = population(3, "a")
        relay = passthrough(3)
        nengo.Connection(a.neurons, relay, synapse=0.01, transform=-0.1)
        nengo.Connection(relay, a.neurons, synapse=None)
    lowering = lower(net)
    assert kinds(lowering) == ["composed"]
    assert_same_rates(net, lowering)


def test_routes_from_one_origin_are_one_connection():
    kernel = np.random.RandomState(0).uniform(-1, 1, (3, 3, 2, 2))
    with nengo.Network() as net:
        a, b = population(50, "a"), population(50, "b", bias=100)
        relays = [passthrough(50) for _ in range(3)]
        conv = nengo.Convolution(2, (5, 5, 2), padding="same", init=kernel)
        for relay, transform in zip(relays, (conv, None, 2)):
            nengo.Connection(a.neurons, relay, transform=transform)
            nengo.Connection(relay, b.neurons, synapse=None)
    lowering = lower(net)
    (conn,) = lowering.network.all_connections
    np.testing.assert_allclose(
        conn.transform.init, kernel + np.pad(3 * np.eye(2)[None, None], [(1, 1)] * 2 + [(0, 0)] * 2)
    )
    assert_same_rates(net, lowering)


def test_probed_and_kept_nodes_stay_for_the_host_alone():
    with nengo.Network() as net:
        a, b = population(16, "a"), population(4, "b")
        probed, kept = passthrough(4, "probed"), passthrough(4, "kept")
        conv = nengo.Convolution(1, (4, 4, 1), init=np.ones((3, 3, 1, 1)))
        nengo.Connection(a.neurons, probed, transform=conv)
        nengo.Connection(probed, kept, synapse=None)
        nengo.Connection(kept, b.neurons, synapse=None)
        nengo.Probe(probed)
    lowering = lower(net, keep=[kept])
    with pytest.raises(NetworkGraphError, match="keep must be Nodes of the network, not 'kept'"):
        lower(net, keep=["kept"])
    new = lowering.objects
    # Out of neurons NengoLoihi takes dense transforms only: a relay comes before the other.
    (relay,) = (n for n in lowering.network.all_nodes if n.label == "a.output")
    found = {(c.pre_obj, c.post_obj) for c in lowering.network.all_connections}
    assert found == {
        (new[a.neurons], relay),
        (relay, new[probed]),
        (new[probed], new[kept]),
        (new[a.neurons], new[b.neurons]),
    }
    assert sorted(kinds(lowering)) == ["composed", "relay"]
    assert_same_run(net, lowering)


def test_functions_and_their_inputs_stay():
    with nengo.Network() as net:
        a, b = population(4, "a"), population(2, "b")
        relay, after = passthrough(4, "relay"), passthrough(2, "after")
        square = nengo.Node(lambda t, x: x**2, size_in=2, size_out=2)
        nengo.Connection(a.neurons, relay)
        nengo.Connection(relay[:2], square, synapse=None)
        nengo.Connection(square, after, synapse=None)
        nengo.Connection(after, b.neurons, synapse=None, transform=0.1)
        nengo.Connection(square, after, function=lambda x: x + 1, synapse=None)
    lowering = lower(net)
    assert {n.label for n in lowering.network.all_nodes} == {None, "relay", "after"}
    assert "after gets an input that stays as it is: it applies a function" in str(lowering)
    assert_same_rates(net, lowering)


@pytest.mark.parametrize("seed", [None, 7])
def test_decoders_come_out_the_same(seed):
    with nengo.Network(seed=5) as net:
        wave = nengo.Node(lambda t: [np.sin(20 * t), np.cos(20 * t)])
        with nengo.Network(seed=seed, label="inner"):
            relay = passthrough(2, "relay")
            array = nengo.networks.EnsembleArray(30, 2)
            nengo.Connection(relay, array.input, synapse=None)
        nengo.Connection(wave, relay, synapse=None)
        product = nengo.networks.Product(40, 1)
        nengo.Connection(array.output[0], product.input_a)
        nengo.Connection(array.output[1], product.input_b)
        nengo.Probe(product.output, synapse=0.01)
        nengo.Probe(array.ensembles[0].neurons)
    lowering = lower(net)
    assert_same_run(net, lowering, 100)
    assert any("it is decoded from" in change.reason for change in lowering.changes)
    labels = {n.label for n in lowering.network.all_nodes}
    assert "relay" not in labels and "input" not in labels


def test_learning_stays():
    with nengo.Network(seed=5) as net:
        stimulus = nengo.Node(lambda t: np.sin(30 * t))
        pre, post = nengo.Ensemble(30, 1), nengo.Ensemble(30, 1)
        error = passthrough(1, "error")
        nengo.Connection(stimulus, pre)
        learning = nengo.Connection(
            pre, post, function=lambda x: 0, learning_rule_type=nengo.PES(1e-3)
        )
        nengo.Connection(post, error)
        nengo.Connection(stimulus, error, transform=-1)
        nengo.Connection(error, learning.learning_rule)
        nengo.Probe(post, synapse=0.02)
        nengo.Probe(learning, "weights")
        nengo.Probe(error)
    lowering = lower(net)
    assert_same_run(net, lowering, 200)
    rule = lowering.objects[learning].learning_rule
    assert any(c.post_obj == rule for c in lowering.network.all_connections)


def test_spikes_come_out_the_same():
    with nengo.Network(seed=3) as net:
        drive = nengo.Node(np.full(16, 50.0))
        a = population(16, "a", neuron_type=nengo.SpikingRectifiedLinear())
        b = population(4, "b", neuron_type=nengo.PoissonSpiking(nengo.RectifiedLinear()))
        relay = passthrough(4)
        conv = nengo.Convolution(1, (4, 4, 1), init=np.ones((3, 3, 1, 1)))
        nengo.Connection(drive, a.neurons, synapse=None)
        nengo.Connection(a.neurons, relay, transform=conv)
        nengo.Connection(relay, b.neurons, synapse=None, transform=0.01)
        nengo.Probe(a.neurons)
        nengo.Probe(b.neurons)
        nengo.Probe(b.neurons[1:3], "input")
    for keep in ([], [drive]):
        assert_same_run(net, lower(net, keep=keep), 100)


def test_weights_to_be_drawn_stay():
    with nengo.Network(seed=3) as net:
        a, b = population(4, "a"), population(4, "b", bias=50)
        relay = passthrough(4, "relay")
        drawn = nengo.Dense((4, 4), init=nengo.dists.Uniform(-1, 1))
        nengo.Connection(a.neurons, relay, transform=drawn)
        nengo.Connection(relay, b.neurons, synapse=None)
    lowering = lower(net)
    assert "drawn at random" in str(lowering)
    assert_same_rates(net, lowering)


def test_what_would_be_too_large_stays(monkeypatch):
    rng = np.random.RandomState(0)
    with nengo.Network() as net:
        a, b, c = population(40, "a"), population(40, "b", bias=50), population(3, "c")
        narrow, wide = passthrough(2, "narrow"), passthrough(40, "wide")
        nengo.Connection(a.neurons, narrow, transform=rng.uniform(-1, 1, (2, 40)))
        nengo.Connection(narrow, wide, transform=rng.uniform(-1, 1, (40, 2)), synapse=None)
        nengo.Connection(wide, b.neurons, synapse=None)
        nengo.Connection(narrow, c.neurons[:2], synapse=None)
    monkeypatch.setattr(composition, "MAX_WEIGHTS", 500)
    monkeypatch.setattr(emission, "MAX_WEIGHTS", 500)
    lowering = lower(net)
    assert "narrow stays: composed it would have 1,600 weights" in str(lowering)
    assert_same_rates(net, lowering)


def test_chains_from_the_host_stay_where_they_are_cheaper():
    rng = np.random.RandomState(0)
    with nengo.Network() as net:
        fed = nengo.Node(np.zeros(40))
        b, c = population(40, "b", bias=50), population(40, "c")
        narrow = passthrough(2, "narrow")
        scaled = passthrough(40, "scaled")
        nengo.Connection(fed, narrow, transform=rng.uniform(-1, 1, (2, 40)), synapse=None)
        nengo.Connection(nengo.Node([1.0, 2.0]), narrow, synapse=None)
        nengo.Connection(narrow, b.neurons, transform=rng.uniform(-1, 1, (40, 2)), synapse=None)
        nengo.Connection(fed, scaled, transform=rng.uniform(0, 1, 40), synapse=None)
        nengo.Connection(scaled, c.neurons, transform=2, synapse=None)
    lowering = lower(net, keep=[fed])
    assert [n.label for n in lowering.network.all_nodes if n.size_in] == ["narrow"]
    assert sorted(kinds(lowering)) == ["composed", "left"]
    assert "narrow stays before b: from Nodes alone" in str(lowering)
    assert_same_rates(net, lowering, [fed])


def test_one_dimension_becomes_two():
    kernel = np.random.RandomState(0).uniform(-1, 1, (3, 2, 4))
    with nengo.Network() as net:
        a, b, c = population(16, "a"), population(32, "b", bias=50), population(40, "c")
        conv = nengo.Convolution(4, (8, 2), (3,), (1,), "same", init=kernel)
        nengo.Connection(a.neurons, b.neurons, transform=conv)
        nengo.Connection(b.neurons, c.neurons[8:])
    lowering = lower(net)
    assert kinds(lowering) == ["rewritten", "rewritten"]
    conv, moved = lowering.network.all_connections
    assert conv.transform.kernel_size == (1, 3) and conv.transform.padding == "same"
    assert isinstance(moved.transform, nengo.Sparse) and moved.post is moved.post_obj
    assert_same_rates(net, lowering)


def test_one_transposed_dimension_becomes_two():
    kernel = np.random.RandomState(0).uniform(-1, 1, (3, 2, 4))
    with nengo.Network() as net:
        a, b = population(16, "a"), population(68, "b", bias=50)
        conv = nengo.ConvolutionTranspose(4, (8, 2), kernel_size=(3,), strides=(2,), init=kernel)
        nengo.Connection(a.neurons, b.neurons, transform=conv)
    lowering = lower(net)
    assert kinds(lowering) == ["rewritten"]
    (conn,) = lowering.network.all_connections
    assert isinstance(conn.transform, nengo.ConvolutionTranspose)
    assert conn.transform.kernel_size == (1, 3) and conn.transform.strides == (1, 2)
    assert_same_rates(net, lowering)


def test_shapes_tell_what_convolutions_do_not():
    """An upsampled dense layer, before a convolution that reads it as something else."""
    rows, columns = np.repeat(np.arange(3), 2), np.repeat(np.arange(3), 2)
    indices = np.arange(18).reshape(3, 3, 2)[rows][:, columns].ravel()
    with nengo.Network() as net:
        a, b = population(18, "a"), population(72, "b")
        relay, up = passthrough(18, "relay"), passthrough(72, "up")
        nengo.Connection(a.neurons, relay, transform=2)
        nengo.Connection(relay[indices], up, synapse=None)
        nengo.Connection(
            up,
            b.neurons,
            synapse=None,
            transform=nengo.Convolution(
                2, (6, 6, 2), (3, 3), padding="same", init=np.ones((3, 3, 2, 2))
            ),
        )
    for shapes in (None, {relay: (3, 3, 2)}, {a: (3, 3, 2)}):
        lowering = lower(net, shapes=shapes)
        (conn,) = lowering.network.all_connections
        assert conn.transform.kernel_size == (4, 4)
        assert isinstance(conn.transform, nengo.transforms.ConvolutionTranspose)
    assert_same_rates(net, lowering)


def test_settings_go_along():
    with nengo.Network(seed=2, label="top") as net:
        nengo_dl.configure_settings(trainable=False, keep_history=False, inference_only=True)
        nengo_loihi.add_params(net)
        a, b = population(16, "a"), population(4, "b")
        relay = passthrough(4)
        conv = nengo.Convolution(1, (4, 4, 1), init=np.ones((3, 3, 1, 1)))
        first = nengo.Connection(a.neurons, relay, transform=conv)
        second = nengo.Connection(relay, b.neurons, synapse=None)
        probe = nengo.Probe(b.neurons, label="out", sample_every=0.002)
        net.config[a].on_chip = False
        net.config[b].block_shape = nengo_loihi.BlockShape((1, 2, 1), (2, 2, 1))
        net.config[first].pop_type = 16
        net.config[first].trainable = True
        net.config[second].trainable = True
        net.config[probe].keep_history = True
        net.config[nengo.Ensemble].radius = 3.0
    before = snapshot(net)
    lowering = lower(net)
    assert_unchanged(net, before)
    new, config = lowering.objects, lowering.network.config
    (conn,) = lowering.network.all_connections
    assert lowering.composed_of[conn] == (first, second)
    assert lowering.network.seed == 2 and lowering.network.label == "top"
    assert config[nengo.Network].inference_only is True
    assert config[new[a]].on_chip is False and config[new[b]].on_chip is None
    assert config[new[b]].block_shape is net.config[b].block_shape
    assert config[conn].pop_type == 16 and config[conn].trainable is True
    assert config[new[b]].trainable is False
    assert config[new[probe]].keep_history is True
    assert config[nengo.Probe].keep_history is False
    assert config[nengo.Ensemble].radius == 3.0
    assert (new[probe].label, new[probe].sample_every) == ("out", 0.002)
    assert net.config[nengo.Ensemble].radius == 3.0
    config[nengo.Ensemble].radius = 4.0
    assert net.config[nengo.Ensemble].radius == 3.0


def test_random_numbers_of_the_user_are_not_used():
    with nengo.Network() as net:
        a, b = population(3, "a"), population(3, "b")
        nengo.Connection(a.neurons, b.neurons)
    before = np.random.get_state()[2]  # noqa: NPY002
    lower(net)
    assert np.random.get_state()[2] == before  # noqa: NPY002


def test_nothing_is_shared():
    with nengo.Network() as net:
        a, b = population(3, "a"), population(3, "b")
        nengo.Connection(a.neurons, b.neurons)
        nengo.Probe(b.neurons)
    lowering = lower(net)
    assert kinds(lowering) == []
    assert str(lowering) == "Lowering: nothing changed"
    assert not set(net.all_objects) & set(lowering.network.all_objects)
    for conn in lowering.network.all_connections:
        assert isinstance(conn.pre_obj, Neurons)
        assert conn.pre_obj.ensemble in lowering.network.all_ensembles


def test_in_a_context():
    """Called within a Network, as the rest of Nengo is, lowering adds nothing to it."""
    with nengo.Network() as net:
        a, b = population(3, "a"), population(3, "b")
        relay = passthrough(3)
        nengo.Connection(nengo.Node([1.0, 2, 3]), relay)
        nengo.Connection(a.neurons, relay)
        nengo.Connection(relay, b.neurons, synapse=None)
    with nengo.Network() as outer:
        lower(net)
    assert not outer.all_objects


def test_tensor_nodes():
    with nengo.Network() as net:
        a, b = population(3, "a"), population(3, "b")
        twice = nengo_dl.TensorNode(lambda t, x: 2 * x, shape_in=(3,), shape_out=(3,))
        before, after = passthrough(3), passthrough(3)
        nengo.Connection(a.neurons, before)
        nengo.Connection(before, twice, synapse=None)
        nengo.Connection(twice, after, synapse=None)
        nengo.Connection(after, b.neurons, synapse=None)
        probe = nengo.Probe(b.neurons)
    lowering = lower(net)
    assert isinstance(lowering.objects[twice], nengo_dl.TensorNode)
    with nengo_dl.Simulator(net, progress_bar=False) as sim:
        sim.run_steps(20)
        expected = sim.data[probe]
    with nengo_dl.Simulator(lowering.network, progress_bar=False) as sim:
        sim.run_steps(20)
        np.testing.assert_allclose(sim.data[lowering.objects[probe]], expected, rtol=1e-6)


def test_a_transform_of_the_users_own_is_read_by_a_rule(monkeypatch):
    class Neighbours(nengo.transforms.Transform):
        size_in = size_out = 5

        def sample(self, rng=np.random):
            return np.eye(5) + np.eye(5, k=-1)

    with nengo.Network(seed=0) as net:
        a, b = (nengo.Ensemble(5, 1, label=name) for name in "ab")
        relay = nengo.Node(size_in=5, label="relay")
        nengo.Connection(a.neurons, relay, transform=Neighbours())
        nengo.Connection(relay, b.neurons, transform=2, synapse=None)
    assert "of type Neighbours, which is not known" in str(lower(net))
    monkeypatch.setattr(transform_readers, "_rules", dict(transform_readers._rules))
    transform_readers.register(Neighbours)(lambda transform: Matrix(transform.sample()))
    lowering = lower(net)
    (change,) = lowering.changes
    assert change.kind == "composed"
    (conn,) = lowering.network.all_connections
    matrix = conn.transform.sample()
    np.testing.assert_array_equal(
        getattr(matrix, "toarray", lambda: matrix)(), 2 * Neighbours().sample()
    )
