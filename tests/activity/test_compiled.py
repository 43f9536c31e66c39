"""``simulator="compiled"`` against Nengo itself, in float64 and in float32.

Every expected number is from ``nengo.Simulator``, one sample after another (``simulator="nengo"``).
"""

from __future__ import annotations

import nengo
import nengo_dl
import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from nengo.builder.transforms import ConvInc

import nengo_spikecost as nsc
from nengo_spikecost.activity import measure
from nengo_spikecost.activity.compiled.instructions import SIZE, Code
from nengo_spikecost.activity.compiled.native_run import Tables
from nengo_spikecost.activity.compiled.products import Products
from nengo_spikecost.activity.compiled.sparse_convolution import sparse_matrix
from nengo_spikecost.errors import MeasurementError

N_STEPS = 40


def plain():
    """Two populations, one decoded function, recurrence, filters of first and second order."""
    with nengo.Network(seed=1) as net:
        given = nengo.Node(np.zeros(2), label="given")
        first = nengo.Ensemble(60, 2)
        second = nengo.Ensemble(50, 1, neuron_type=nengo.AdaptiveLIF())
        nengo.Connection(given, first)
        nengo.Connection(first, second, function=lambda x: x[0] * x[1], synapse=nengo.Alpha(0.01))
        nengo.Connection(second, second, synapse=0.1)
        nengo.Probe(second, synapse=0.02, label="out")
    return net


def learning():
    """A learning rule, whose weights change while it runs."""
    with nengo.Network(seed=2) as net:
        given = nengo.Node(np.zeros(3), label="given")
        first = nengo.Ensemble(40, 3, neuron_type=nengo.SpikingRectifiedLinear())
        output, error = nengo.Node(size_in=1), nengo.Ensemble(30, 1)
        nengo.Connection(given, first[[2, 0, 1]])
        conn = nengo.Connection(
            first, output, transform=np.ones((1, 3)), learning_rule_type=nengo.PES(1e-4)
        )
        nengo.Connection(output, error)
        nengo.Connection(given[0], error, transform=-1)
        nengo.Connection(error, conn.learning_rule)
        nengo.Probe(output, synapse=0.03, label="out")
    return net


def functions():
    """Functions of time and of values, arrays of Ensembles, a product of two."""
    with nengo.Network(seed=3) as net:
        given = nengo.Node(np.zeros(2), label="given")
        wave = nengo.Node(lambda t, x: np.sin(10 * t) * x, size_in=2)
        rising = nengo.Node(lambda t: np.sin(30 * t))
        first = nengo.Ensemble(40, 2, neuron_type=nengo.RegularSpiking(nengo.LIFRate()))
        array = nengo.networks.EnsembleArray(20, 2)
        product = nengo.networks.Product(20, 1)
        nengo.Connection(rising, array.input[0])
        nengo.Connection(given, wave, synapse=None)
        nengo.Connection(wave, first)
        nengo.Connection(first, array.input)
        nengo.Connection(array.output[0], product.input_a)
        nengo.Connection(array.output[1], product.input_b)
        nengo.Probe(product.output, synapse=0.01, label="out")
    return net


def noisy():
    """Neurons and processes that draw random numbers."""
    with nengo.Network(seed=4) as net:
        given = nengo.Node(np.zeros(1), label="given")
        noise = nengo.Node(nengo.processes.WhiteSignal(0.5, 20, seed=3))
        first = nengo.Ensemble(30, 1, neuron_type=nengo.StochasticSpiking(nengo.LIFRate()))
        second = nengo.Ensemble(30, 1, neuron_type=nengo.PoissonSpiking(nengo.RectifiedLinear()))
        nengo.Connection(given, first)
        nengo.Connection(noise, first)
        nengo.Connection(first, second)
        nengo.Probe(second, synapse=0.01, label="out")
    return net


def images():
    """Convolutions with strides and borders, transposed ones, sparse matrices, graded neurons."""
    shape = nengo.transforms.ChannelShape((8, 8, 2))
    kinds = [nengo.LIF(), nengo.RegularSpiking(nengo.RectifiedLinear()), nengo.AdaptiveLIFRate()]
    options = [{}, {"strides": (2, 1), "padding": "same", "kernel_size": (3, 2)}, {"groups": 2}]
    with nengo.Network(seed=5) as net:
        last = nengo.Node(np.zeros(shape.size), label="given")
        for kind, own in zip(kinds, options):
            conv = nengo.Convolution(6, shape, **{"init": nengo.dists.Uniform(-0.2, 0.4), **own})
            shape = conv.output_shape
            ones = np.ones(shape.size)
            layer = nengo.Ensemble(shape.size, 1, neuron_type=kind, gain=ones, bias=ones)
            nengo.Connection(last, layer.neurons, transform=conv, synapse=0.005)
            last = layer.neurons
        up = nengo.ConvolutionTranspose(2, shape, init=nengo.dists.Uniform(-1e-3, 1e-3))
        rates = nengo.Ensemble(
            up.output_shape.size, 1, neuron_type=nengo.Tanh(),
            gain=np.ones(up.output_shape.size), bias=np.zeros(up.output_shape.size),
        )  # fmt: skip
        nengo.Connection(last, rates.neurons, transform=up, synapse=None)
        output = nengo.Node(size_in=5)
        picked = scipy.sparse.random(5, shape.size, 0.3, random_state=1)
        nengo.Connection(last, output, transform=nengo.Sparse(picked.shape, init=picked))
        nengo.Probe(output, label="out")
    return net


NETWORKS = [plain, learning, functions, images]


def given_values(net, n_samples, changing):
    node = next(node for node in net.all_nodes if node.label == "given")
    shape = (n_samples, N_STEPS, node.size_out) if changing else (n_samples, node.size_out)
    return {"given": np.random.RandomState(0).uniform(-1, 1, shape)}


def assert_equal(own, reference, rtol):
    for name, population in reference.populations.items():
        if population.spiking:
            np.testing.assert_array_equal(own.populations[name].counts, population.counts)
        else:
            np.testing.assert_allclose(
                own.populations[name].counts, population.counts, rtol=rtol, atol=rtol
            )
    for name, output in reference.outputs.items():
        np.testing.assert_allclose(own.outputs[name].last, output.last, rtol=rtol, atol=rtol)
        np.testing.assert_allclose(own.outputs[name].mean, output.mean, rtol=rtol, atol=rtol)


@pytest.mark.parametrize("presentation", ["fresh", "continuous"])
@pytest.mark.parametrize("changing", [False, True])
@pytest.mark.parametrize("make", NETWORKS)
def test_the_spikes_of_nengo(make, changing, presentation):
    """Equal in float64; of float32, only rounding separates outputs of these networks."""
    net = make()
    x = given_values(net, 3, changing)
    reference = measure(net, x, N_STEPS, simulator="nengo", presentation=presentation)
    size = 1 if presentation == "continuous" else 2
    for dtype, rtol in (("float64", 1e-6), ("float32", 1e-3)):
        own = measure(
            net, x, N_STEPS, simulator="compiled", presentation=presentation, batch_size=size,
            dtype=dtype,
        )  # fmt: skip
        assert_equal(own, reference, rtol)


def test_the_type_is_that_which_the_network_has_for_nengo_dl():
    """Unless another is given: a network that needs float64 says so once, for both."""
    with nengo.Network() as net:
        node, one, total = nengo.Node([0.0]), nengo.Node([1.0]), nengo.Node(size_in=1)
        nengo.Connection(node, total, transform=1 + 1e-9, synapse=None)
        nengo.Connection(one, total, transform=-1, synapse=None)
        nengo.Probe(total)
    x = np.ones((1, 1))

    def found(**options):
        (output,) = measure(net, {node: x}, 1, simulator="compiled", **options).outputs.values()
        return output.last[0, 0]

    assert found() == 0 and found(dtype="float64") == pytest.approx(1e-9)
    with net:
        nengo_dl.configure_settings(dtype="float64")
    assert found() == pytest.approx(1e-9) and found(dtype="float32") == 0


def test_neurons_that_draw_draw_what_nengo_draws():
    """A sample of a fresh presentation is what a new simulator of Nengo gives."""
    net = noisy()
    x = given_values(net, 3, False)["given"]
    own = measure(net, {"given": x}, N_STEPS, simulator="compiled", batch_size=2, dtype="float64")
    for k in range(3):
        reference = measure(net, {"given": x[k : k + 1]}, N_STEPS, simulator="nengo")
        for name, population in reference.populations.items():
            np.testing.assert_array_equal(own.populations[name].counts[k], population.counts[0])


@pytest.mark.parametrize("make", [*NETWORKS, noisy])
def test_any_batch_any_order_any_number_of_threads(make, monkeypatch):
    """Bit for bit the same."""
    from nengo_spikecost.activity.compiled import compiled_network

    net = make()
    x = given_values(net, 5, False)["given"]
    reference = measure(net, {"given": x}, N_STEPS, simulator="compiled", batch_size=1)
    order = np.array([3, 0, 4, 2, 1])
    for n_threads, batch_size, chosen in ((1, 5, np.arange(5)), (3, 2, order), (2, 4, order)):
        monkeypatch.setattr(compiled_network, "usable_processors", lambda n=n_threads: n)
        own = measure(
            net, {"given": x[chosen]}, N_STEPS, simulator="compiled", batch_size=batch_size
        )
        for name, population in reference.populations.items():
            counts = own.populations[name].counts
            np.testing.assert_array_equal(counts, population.counts[chosen])
        for name, output in reference.outputs.items():
            np.testing.assert_array_equal(own.outputs[name].mean, output.mean[chosen])


def test_neurons_of_all_kinds_that_have_kernels():
    """Every neuron type with a kernel of its own, at several strengths of input."""
    import nengo_dl
    import nengo_loihi

    kinds = [
        nengo.RectifiedLinear(amplitude=0.5), nengo.SpikingRectifiedLinear(amplitude=0.5),
        nengo.LIFRate(amplitude=0.01), nengo.LIF(tau_ref=0.003, min_voltage=-1),
        nengo.AdaptiveLIFRate(tau_n=0.1), nengo.AdaptiveLIF(tau_n=0.05, inc_n=0.02),
        nengo.RegularSpiking(nengo.Sigmoid(tau_ref=0.01)), nengo_dl.LeakyReLU(),
        nengo_dl.SpikingLeakyReLU(), nengo_loihi.neurons.LoihiLIF(),
        nengo_loihi.neurons.LoihiSpikingRectifiedLinear(),
    ]  # fmt: skip
    with nengo.Network(seed=0) as net:
        given = nengo.Node([0.0], label="given")
        for kind in kinds:
            ensemble = nengo.Ensemble(
                20, 1, neuron_type=kind, gain=np.linspace(1, 60, 20),
                bias=np.linspace(-2, 30, 20),
            )  # fmt: skip
            nengo.Connection(given, ensemble.neurons, transform=np.ones((20, 1)))
    x = {"given": np.array([[0.3], [-0.7], [2.0]])}
    reference = measure(net, x, 200, simulator="nengo")
    for dtype in ("float64", "float32"):
        own = measure(net, x, 200, simulator="compiled", dtype=dtype)
        assert_equal(own, reference, 1e-3)


class Halved(nengo.Lowpass):
    """A filter with a step of its own."""

    def make_step(self, shape_in, shape_out, dt, rng, state):
        """Half of what it filters."""
        step = super().make_step(shape_in, shape_out, dt, rng, state)
        return lambda t, x: 0.5 * step(t, x)


FILTERS = [
    nengo.LinearFilter([1, 20.0], [1, 40.0]),  # passes something on at once
    nengo.LinearFilter([0.3, 0.1], [1, -0.7], analog=False),
    nengo.LinearFilter([1.0], [1, 0.5], analog=False),
    nengo.LinearFilter([0.1, 0.2, 0.1, 0.05], [1, -0.5, 0.06, -0.01], analog=False),
    nengo.LinearFilter([0.5], [1]), nengo.Lowpass(0), Halved(0.01),
]  # fmt: skip


@pytest.mark.parametrize("synapse", FILTERS, ids=str)
def test_filters_are_those_of_nengo(synapse):
    """By ``synapse.filt``, which knows no network."""
    with nengo.Network(seed=0) as net:
        given = nengo.Node(np.zeros(3), label="given")
        ensemble = nengo.Ensemble(
            3, 1, neuron_type=nengo.RectifiedLinear(), gain=np.ones(3), bias=np.zeros(3)
        )
        nengo.Connection(given, ensemble.neurons, synapse=synapse)
        nengo.Probe(ensemble.neurons, "input", label="out")
    x = np.random.RandomState(0).uniform(0, 1, (2, 30, 3)).astype("f4")
    own = measure(net, {"given": x}, 30, simulator="compiled", dtype="float64")
    for k in range(2):
        # a Connection's filter is a step behind
        expected = synapse.filt(x[k].astype(float), dt=0.001, y0=0)[:-1]
        np.testing.assert_allclose(own.outputs["out"].last[k], expected[-1], rtol=1e-6)
        np.testing.assert_allclose(own.outputs["out"].mean[k], expected.sum(0) / 30, rtol=1e-6)


@pytest.mark.parametrize("presentation", ["fresh", "continuous"])
@pytest.mark.parametrize("simulator", ["compiled", "nengo_dl"])
def test_a_stream_of_samples_with_and_without_steps(simulator, presentation):
    """They had states of their own in compiled code, and failed in NengoDL."""

    def stream():
        rng = np.random.RandomState(0)
        for shape in ((1, 2), (1, N_STEPS, 2), (1, 2)):
            yield rng.uniform(-1, 1, shape)

    options = {"presentation": presentation, "batch_size": 1}
    expected = measure(plain(), stream(), N_STEPS, simulator="nengo", presentation=presentation)
    if simulator == "nengo_dl" and presentation == "continuous":
        with pytest.raises(MeasurementError, match="give all of them n_steps values"):
            measure(plain(), stream(), N_STEPS, simulator=simulator, **options)
        return
    if simulator == "compiled":
        options["dtype"] = "float64"
    own = measure(plain(), stream(), N_STEPS, simulator=simulator, **options)
    for name, population in expected.populations.items():
        np.testing.assert_array_equal(own.populations[name].counts, population.counts)


def test_what_functions_remember_is_said_and_what_is_no_number_raises():
    """As with the other simulators."""
    kept = [0.0]

    def leaks(t, x):
        kept[0] += float(x[0])
        return kept[0]

    def network(function):
        with nengo.Network(seed=0) as net:
            given = nengo.Node([0.0], label="given")
            node = nengo.Node(function, size_in=1)
            nengo.Connection(given, node, synapse=None)
            nengo.Connection(node, nengo.Ensemble(5, 1))
        return net

    x = {"given": np.full((2, 1), -0.25)}
    with pytest.warns(nsc.errors.MeasurementWarning, match="remember something"):
        measure(network(leaks), x, 5, simulator="compiled")
    assert kept == [0.0]
    for simulator in ("nengo", "compiled"):
        with pytest.raises(MeasurementError, match="invalid value encountered in sqrt"):
            measure(network(lambda t, x: np.sqrt(x)), x, 5, simulator=simulator)


class Doubling(nengo.SpikingRectifiedLinear):
    """A subclass with a step of its own."""

    def step(self, dt, J, output, voltage):
        super().step(dt, 2 * J, output, voltage)


class Renamed(nengo.SpikingRectifiedLinear):
    """A subclass that changes nothing."""


def test_subclasses_of_neuron_types_are_what_they_are():
    def counts(kind, simulator):
        with nengo.Network(seed=0) as net:
            given = nengo.Node([0.0], label="given")
            ensemble = nengo.Ensemble(9, 1, neuron_type=kind)
            nengo.Connection(given, ensemble)
        activity = measure(net, {"given": np.ones((1, 1))}, 50, simulator=simulator)
        return next(iter(activity.populations.values())).counts

    for kind in (Doubling(), Renamed()):
        np.testing.assert_array_equal(counts(kind, "compiled"), counts(kind, "nengo"))


# -- products -----------------------------------------------------------------------------


@st.composite
def convolutions(draw):
    """Kernels, strides, borders, images and how many of their values are not 0."""
    size = st.integers(1, 3)
    rows, columns = draw(st.integers(3, 9)), draw(st.integers(3, 9))
    channels, filters = draw(st.integers(1, 5)), draw(st.sampled_from([1, 3, 4, 17, 33, 70]))
    return {
        "shape": (rows, columns, channels), "n_filters": filters,
        "kernel_size": (draw(size), draw(size)), "strides": (draw(size), draw(size)),
        "padding": draw(st.sampled_from(["same", "valid"])), "share": draw(st.floats(0, 1)),
        "seed": draw(st.integers(0, 2**16)), "dtype": draw(st.sampled_from(["f4", "f8"])),
    }  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(convolutions())
def test_events_and_dense_products_give_the_same_bits(drawn):
    """And what Nengo gives, up to rounding."""
    from nengo_spikecost.activity.compiled.operator_rows import convolution_shape

    rng = np.random.RandomState(drawn["seed"])
    conv = nengo.Convolution(
        drawn["n_filters"], drawn["shape"], kernel_size=drawn["kernel_size"],
        strides=drawn["strides"], padding=drawn["padding"],
    )  # fmt: skip
    dtype = drawn["dtype"]
    kernel = rng.uniform(-1, 1, conv.kernel_shape).astype(dtype)
    product = convolution_shape(conv, kernel)
    x = (rng.uniform(size=conv.input_shape.size) < drawn["share"]) * rng.choice([1, 3, 333.3])
    x = x.astype(dtype)
    values = np.concatenate([product.by_source, product.by_target]).astype(dtype)
    zero = np.zeros(1, dtype=np.int64)
    begin = rng.uniform(-1, 1, conv.output_shape.size).astype(dtype)
    code = np.zeros((1, SIZE), dtype=np.int64)
    code[0, :5] = Code.PRODUCT, x.size, x.size, 0, 0
    results = []
    for most_events in (x.size, 0):
        products = Products(
            np.array([[*product.shape, 0]]), zero, zero + kernel.size, zero, zero.astype("i4"),
            np.zeros((1, 2), dtype=np.int64), zero + most_events, values,
        )  # fmt: skip
        memory = np.concatenate([x, begin])
        events, padded = np.empty(x.size, "i4"), np.empty(product.padded_size + 16, dtype)
        Tables(zero, products, np.zeros(1, dtype)).run(
            code, np.array([[0, 1, 0]]), memory, np.zeros(1), np.zeros((1, 1), dtype), 0, 1, 0,
            events, padded, np.zeros(1, np.int64),
        )  # fmt: skip
        np.testing.assert_array_equal(events[: np.count_nonzero(x)], np.flatnonzero(x))
        results.append(memory[x.size :])
    by_events, dense = results
    np.testing.assert_array_equal(by_events, dense)
    expected = begin.astype(float)
    signals = [nengo.builder.Signal(v) for v in (kernel.astype(float), x.astype(float), expected)]
    op = ConvInc(*signals, conv)
    arrays = {s: np.array(s.initial_value) for s in signals}
    op.make_step(arrays, 0.001, None)()
    np.testing.assert_allclose(
        dense, arrays[signals[2]], rtol=0, atol=1e-3 * np.abs(x).max() + 1e-6
    )


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 2), st.booleans(), st.booleans(), st.sampled_from([1, 2]),
    st.sampled_from(["same", "valid"]), st.integers(0, 2**16),
)  # fmt: skip
def test_convolutions_of_any_kind_as_matrices(dimensions, transposed, last, groups, padding, seed):
    """Against Nengo's operator, on every single source."""
    rng = np.random.RandomState(seed)
    spatial = tuple(rng.randint(3, 5, dimensions))
    shape = (*spatial, 4) if last else (4, *spatial)
    kind = nengo.ConvolutionTranspose if transposed else nengo.Convolution
    options = {} if transposed else {"groups": groups}
    conv = kind(
        6, shape, channels_last=last, padding=padding,
        kernel_size=tuple(rng.randint(1, 4, dimensions)),
        strides=tuple(rng.randint(1, 3, dimensions)), **options,
    )  # fmt: skip
    kernel = rng.uniform(-1, 1, conv.kernel_shape)
    matrix = sparse_matrix(conv, kernel, transposed)
    op_type = {False: ConvInc, True: nengo.builder.transforms.ConvTransposeInc}[transposed]
    signals = [
        nengo.builder.Signal(v)
        for v in (kernel, np.zeros(conv.input_shape.size), np.zeros(conv.output_shape.size))
    ]
    arrays = {s: np.array(s.initial_value) for s in signals}
    step = op_type(*signals, conv).make_step(arrays, 0.001, None)
    for k in range(conv.input_shape.size):
        arrays[signals[1]][:] = np.eye(conv.input_shape.size)[k]
        arrays[signals[2]][:] = 0
        step()
        np.testing.assert_allclose(matrix[:, [k]].toarray()[:, 0], arrays[signals[2]], atol=1e-12)


def test_a_keras_model_in_float32_and_float64():
    """The numbers that the step asks for: totals within 1e-4, 99.9% of single counts equal."""
    from nengo_spikecost.demo import demo_data, demo_model

    conversion = nsc.convert(demo_model(), scale_firing_rates=100, synapse=0.005)
    x = demo_data().x_test[:8]
    reference = measure(conversion, x, 30, simulator="nengo")
    for dtype, share, total in (("float64", 1, 0), ("float32", 0.999, 1e-4)):
        own = measure(conversion, x, 30, simulator="compiled", dtype=dtype)
        for name, population in reference.populations.items():
            counts = own.populations[name].counts
            assert np.mean(counts == population.counts) >= share
            assert abs(int(counts.sum()) - int(population.counts.sum())) <= total * counts.sum()


# -- what is left to others ---------------------------------------------------------------


def test_the_protocol_says_what_python_runs():
    x = {"given": np.zeros((1, 2))}
    activity = measure(functions(), x, 5, simulator="compiled")
    assert activity.protocol.notes == ("run by Python at every step: functions",)
    assert "run by Python at every step: functions" in str(activity)
    assert measure(plain(), x, 5, simulator="compiled").protocol.notes == ()
    rule = measure(learning(), {"given": np.zeros((1, 3))}, 5, simulator="compiled")
    assert rule.protocol.notes == ("run by Python at every step: SimPES",)


def test_what_only_nengo_dl_has_is_run_by_nengo_dl():
    import nengo_dl
    import tensorflow as tf

    with nengo.Network(seed=0) as net:
        given = nengo.Node([0.0, 0.0], label="given")
        twice = nengo_dl.TensorNode(lambda t, x: tf.multiply(x, 2.0), shape_in=(2,), pass_time=True)
        ensemble = nengo.Ensemble(20, 2)
        nengo.Connection(given, twice, synapse=None)
        nengo.Connection(twice, ensemble)
    x = {"given": np.array([[0.4, -0.2]])}
    own = measure(net, x, 30, simulator="compiled")
    assert own.protocol.notes == ("run by NengoDL, the only one that can run a TensorNode",)
    expected = measure(net, x, 30)
    for name, population in expected.populations.items():
        np.testing.assert_array_equal(own.populations[name].counts, population.counts)
    with pytest.raises(MeasurementError, match=r"dtype.*leave dtype out"):
        measure(net, x, 30, simulator="compiled", dtype="float64")


def test_dtype_is_checked_and_only_taken_by_those_that_have_it():
    x = {"given": np.zeros((1, 2))}
    with pytest.raises(MeasurementError, match="dtype must be one of float32, float64"):
        measure(plain(), x, 5, simulator="compiled", dtype="int8")
    with pytest.raises(MeasurementError, match="dtype is for simulator 'compiled'"):
        measure(plain(), x, 5, dtype="float64")


def test_the_network_is_left_as_it_was():
    """Also what is taken from Ensembles while Nengo builds them."""
    net = images()
    before = [(e.eval_points, e.encoders, e.gain, e.seed) for e in net.all_ensembles]
    measure(net, given_values(net, 1, False), 3, simulator="compiled")
    for ensemble, kept in zip(net.all_ensembles, before):
        now = (ensemble.eval_points, ensemble.encoders, ensemble.gain, ensemble.seed)
        assert all(a is b or np.array_equal(a, b) for a, b in zip(now, kept))


def test_long_samples_and_checkpoints(tmp_path):
    """A measurement that ended early goes on, with the same result."""
    net = plain()
    x = given_values(net, 6, False)
    whole = measure(net, x, 20, simulator="compiled", batch_size=2)
    again = measure(net, x, 20, simulator="compiled", batch_size=2, checkpoint=tmp_path / "kept")
    resumed = measure(net, x, 20, simulator="compiled", batch_size=2, checkpoint=tmp_path / "kept")
    for own in (again, resumed):
        for name, population in whole.populations.items():
            np.testing.assert_array_equal(own.populations[name].counts, population.counts)


def layers_of_spiking_relus(n, probed):
    """Two filtered layers of the same size, with biases and gains, and what is read."""
    rng = np.random.RandomState(n)
    with nengo.Network(seed=6) as net:
        last = given = nengo.Node(np.zeros(3), label="given")
        for _ in range(3):
            layer = nengo.Ensemble(
                n, 1, neuron_type=nengo.SpikingRectifiedLinear(amplitude=0.5),
                gain=rng.uniform(50, 100, n), bias=rng.uniform(-20, 60, n),
            )  # fmt: skip
            weights = rng.uniform(-0.5, 1, (n, last.size_out)) / (1 if last is given else n)
            nengo.Connection(last, layer.neurons, transform=weights, synapse=0.005)
            last = layer.neurons
        if probed:
            nengo.Probe(last, "input", label="out")
        else:
            nengo.Probe(last, label="out")
    return net


def test_products_read_who_is_marked_in_the_same_step(monkeypatch):
    """Where the count of a step comes first; what is run once a sample has no count."""
    from nengo_spikecost.activity.compiled import instructions, programs

    ordered, seen = programs.ordered, []

    def noted(items):
        segments = ordered(items)
        seen.append([tuple(row) for segment in segments for row in segment.code])
        return segments

    monkeypatch.setattr(programs, "ordered", noted)
    x = {"given": np.ones((2, 3))}
    measure(layers_of_spiking_relus(37, False), x, N_STEPS, simulator="compiled")
    once, first, other, _ = seen
    assert [row[5] for row in once if row[0] == instructions.PRODUCT] == [0]
    for rows in (first, other):
        codes = [row[0] for row in rows]
        marks = {row[5]: k for k, row in enumerate(rows) if row[0] == instructions.COUNT}
        products = [k for k, code in enumerate(codes) if code == instructions.PRODUCT]
        assert len(products) == 2 and all(marks[rows[k][5] - 1] < k for k in products)


@pytest.mark.parametrize("n", [3, 16, 37, 1100])
@pytest.mark.parametrize("probed", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_layers_at_once_give_the_bits_of_each_instruction(n, probed, dtype, monkeypatch):
    from nengo_spikecost.activity.compiled import layer_marks, ordering

    x = {"given": np.random.RandomState(0).uniform(0, 1, (3, 3))}
    with_layers, marks = ordering.with_layers, []

    def noted(rows, is_read):
        written, own = with_layers(rows, is_read)
        marks.extend(own)
        return written, own

    monkeypatch.setattr(ordering, "with_layers", noted)
    net = layers_of_spiking_relus(n, probed)
    own = measure(net, x, N_STEPS, simulator="compiled", dtype=dtype)
    # Currents are written where a Probe reads them. What comes to the first layer is summed once,
    # not anew at every step; the first step has no filters, and is a program of its own. Fewer
    # than 16 neurons are run one instruction after the other.
    fed, decayed, filtered = (
        [m > layer_marks.QUIET for m in marks if m % layer_marks.QUIET == kind]
        for kind in (layer_marks.FED, layer_marks.DECAYED, layer_marks.FILTERED)
    )
    quiet = [True, True, not probed] if n >= 16 else []
    assert (fed, decayed, filtered) == (quiet, quiet[:1], quiet[1:])
    monkeypatch.setattr(ordering, "with_layers", lambda rows, _: (rows, [0] * len(rows)))
    single = measure(net, x, N_STEPS, simulator="compiled", dtype=dtype)
    for name, population in single.populations.items():
        assert population.counts.sum() > 0
        np.testing.assert_array_equal(own.populations[name].counts, population.counts)
    for value in ("last", "mean"):
        np.testing.assert_array_equal(
            getattr(own.outputs["out"], value), getattr(single.outputs["out"], value)
        )
