"""Models of KerasSpiking, trained with its own means, convert to networks that do the same.

One sample at a time: keras_spiking draws other initial voltages for every batch size.
"""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nengo_spikecost as nsc
from nengo_spikecost import loihi, stack
from nengo_spikecost.conversion.filter_node import FilterNode, alpha_filter, lowpass_filter
from nengo_spikecost.errors import ConversionError, MeasurementError
from tests.models import randomise

tf = stack.tensorflow()
keras = stack.keras()
nengo_dl = stack.nengo_dl()
keras_spiking = stack.keras_spiking()
layers = keras.layers

FILTERS = ["Lowpass", "Alpha"]


def data(n=1, n_steps=25, size=4, seed=0, low=20, high=90):
    return np.random.RandomState(seed).uniform(low, high, (n, n_steps, size)).astype("f4")


def with_nengo_dl(conversion, x):
    dt = conversion.dt or 0.001
    with nengo_dl.Simulator(conversion.net, dt=dt, minibatch_size=1, progress_bar=False) as sim:
        (found,) = sim.predict(x, verbose=0).values()
    return found


def with_nengo(conversion, x):
    node = conversion.input_nodes[0]
    node.output = nengo.processes.PresentInput(x[0], presentation_time=conversion.dt or 0.001)
    with nengo.Simulator(
        conversion.net, dt=conversion.dt or 0.001, progress_bar=False, optimize=False
    ) as sim:
        sim.run_steps(x.shape[1])
        (probe,) = conversion.outputs.values()
        return sim.data[probe][None]


def assert_same_steps(model, x=None, rtol=1e-4, simulators=(with_nengo_dl, with_nengo), **options):
    """Every step of every output, of the network and of the model."""
    x = data() if x is None else x
    expected = model.predict_on_batch(x).reshape(1, x.shape[1], -1)
    # a spike one step early would be off by its whole height; everything else is rounding
    atol = 1e-5 * np.abs(expected).max()
    assert np.abs(expected).max() > 0.01
    for run in simulators:
        conversion = nsc.convert(model, **options)
        np.testing.assert_allclose(run(conversion, x), expected, rtol=rtol, atol=atol)
    return conversion


def trainable_model(filter_type, dt=0.001, tau_constraint=None, **spiking):
    inp = keras.Input((None, 4))
    x = layers.TimeDistributed(layers.Dense(5), name="dense")(inp)
    x = keras_spiking.SpikingActivation("relu", seed=0, dt=dt, name="spikes", **spiking)(x)
    x = getattr(keras_spiking, filter_type)(
        0.01, dt=dt, tau_constraint=tau_constraint, name="filter"
    )(x)
    model = keras.Model(inp, layers.TimeDistributed(layers.Dense(3), name="out")(x))
    model.get_layer("dense").set_weights(
        [np.random.RandomState(1).uniform(0, 0.3, (4, 5)), np.zeros(5)]
    )
    return model


def trained(model, dt=None, epochs=2, callbacks=()):
    model.compile(keras.optimizers.Adam(0.003), "mse")
    x = data(16, 10)
    y = np.random.RandomState(3).uniform(0, 30, (16, 10, 3))
    model.fit(x, y, epochs=epochs, batch_size=4, verbose=0, callbacks=list(callbacks))
    return model


# -- filters --------------------------------------------------------------------------------


@given(st.integers(0, 1000), st.sampled_from(FILTERS), st.sampled_from([0.001, 0.01, 0.5]))
@settings(max_examples=15)
def test_filters_are_those_of_keras_spiking(seed, name, dt):
    rng = np.random.RandomState(seed)
    tau, level = rng.uniform(0.001, 0.05, 6), rng.normal(size=6)
    inp = keras.Input((None, 6))
    layer = getattr(keras_spiking, name)(0.01, dt=dt)
    model = keras.Model(inp, layer(inp))
    cell = layer.layer.cell
    cell.tau.assign(tau.reshape(cell.tau.shape))
    cell.initial_level.assign(level.reshape(cell.initial_level.shape))
    x = rng.normal(size=(1, 20, 6)).astype("f4")
    ours = {"Lowpass": lowpass_filter, "Alpha": alpha_filter}[name](tau, level, dt)
    state = ours.initial.copy()
    found = np.array([ours(state, step) for step in x[0]])
    # float32 there, float64 here
    np.testing.assert_allclose(found, model.predict_on_batch(x)[0], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", FILTERS)
def test_untrained_filters_do_not_lag(name):
    conversion = assert_same_steps(trainable_model(name))
    (choice,) = [c for c in conversion.choices if c.layer == "filter"]
    assert (choice.exact, choice.on_host) == (True, True)
    assert not nsc.NetworkGraph(conversion).uncounted


@pytest.mark.parametrize("name", FILTERS)
def test_trained_time_constants_and_levels(name):
    model = trained(trainable_model(name))
    cell = model.get_layer("filter").layer.cell
    assert np.ptp(cell.tau.numpy()) > 1e-4 and np.ptp(cell.initial_level.numpy()) > 1e-4
    assert_same_steps(model)


@pytest.mark.parametrize("name", FILTERS)
def test_the_mean_constraint(name):
    mean = keras_spiking.constraints.Mean()
    model = trained(trainable_model(name, tau_constraint=mean))
    tau = model.get_layer("filter").layer.cell.tau.numpy()
    assert np.ptp(tau) < 1e-6 < abs(tau.mean() - 0.01)
    assert_same_steps(model)


@pytest.mark.parametrize("name", FILTERS)
def test_filters_of_images(name):
    inp = keras.Input((None, 3, 3, 2))
    x = keras_spiking.SpikingActivation("relu", seed=1)(inp)
    model = keras.Model(inp, getattr(keras_spiking, name)("uniform", name="filter")(x))
    cell = model.get_layer("filter").layer.cell
    cell.tau.assign(np.random.RandomState(0).uniform(0.002, 0.02, cell.tau.shape))
    x = data(size=18).reshape(1, 25, 3, 3, 2)
    expected = model.predict_on_batch(x).reshape(1, 25, 18)
    found = with_nengo_dl(nsc.convert(model), x.reshape(1, 25, 18))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-3)


def stacked(name, tau=0.005):
    """A filter between two spiking layers."""
    inp = x = keras.Input((None, 4))
    for i in range(2):
        x = layers.TimeDistributed(layers.Dense(5, name=f"inner{i}"), name=f"dense{i}")(x)
        x = keras_spiking.SpikingActivation("relu", seed=i, name=f"spikes{i}")(x)
        x = getattr(keras_spiking, name)(tau, name=f"filter{i}")(x)
    model = keras.Model(inp, x)
    for i, layer in enumerate(["dense0", "dense1"]):
        shape = model.get_layer(layer).get_weights()[0].shape
        weights = np.random.RandomState(i).uniform(0, 0.4, shape)
        model.get_layer(layer).set_weights([weights, np.zeros(5)])
    return model


@pytest.mark.parametrize("name", FILTERS)
def test_filters_before_neurons_are_synapses_on_a_chip_and_exact_otherwise(name):
    model = stacked(name)
    assert_same_steps(model, data(n_steps=100), lower=False)
    conversion = nsc.convert(model)
    choices = {c.layer: (c.exact, c.on_host) for c in conversion.choices}
    assert choices == {"filter0": (False, False), "filter1": (True, True)}
    graph = nsc.NetworkGraph(conversion)
    (pathway,) = [p for p in graph.pathways if p.pre.name == "spikes0" and p.on_chip]
    assert pathway.post.name == "spikes1" and pathway.n_synapses == 25
    assert [type(c.synapse).__name__ for c in pathway.connections] == [name]
    # the second layer gets all of the first one step later
    x = data(n_steps=300)
    expected = model.predict_on_batch(x)[0]
    found = with_nengo_dl(conversion, x)[0]
    np.testing.assert_allclose(found[100:].mean(), expected[100:].mean(), rtol=0.1)

    # of filters that are each their own, there is no synapse
    model.get_layer("filter0").layer.cell.tau.assign_add(
        np.linspace(0, 0.01, 5).reshape(model.get_layer("filter0").layer.cell.tau.shape)
    )
    assert_same_steps(model, data(n_steps=100))


def test_filters_are_forgotten_between_samples():
    model = trained(trainable_model("Lowpass"), epochs=1)
    conversion = nsc.convert(model)
    x = data(n_steps=12)
    activity = nsc.measure(conversion, np.concatenate([x, x, x]), batch_size=1)
    (output,) = activity.outputs.values()
    np.testing.assert_array_equal(output.last[0], output.last[2])
    np.testing.assert_allclose(output.last[0], model.predict_on_batch(x)[0, -1], rtol=1e-4)


def test_training_filters_in_nengo_dl_is_refused():
    with pytest.raises(ConversionError, match=r"'filter' .* time constants need inference_only"):
        inp = keras.Input((None, 4))
        model = keras.Model(inp, keras_spiking.Lowpass(0.01, name="filter")(inp))
        nsc.convert(model, inference_only=False)


# -- spiking activations --------------------------------------------------------------------


@pytest.mark.parametrize("aware", [True, False])
@pytest.mark.parametrize("name", FILTERS)
def test_dt_that_was_scheduled(name, aware):
    dt = tf.Variable(1.0)
    model = trainable_model(name, dt=dt, spiking_aware_training=aware)
    schedule = tf.optimizers.schedules.PolynomialDecay(1.0, decay_steps=6, end_learning_rate=0.02)
    trained(model, callbacks=[keras_spiking.callbacks.DtScheduler(dt, schedule)])
    # a Variable is trained too, unless it is told not to be
    assert float(dt.numpy()) == pytest.approx(0.02, rel=0.2)
    # spikes of height 50
    conversion = assert_same_steps(model, x=data(low=2, high=9))
    assert conversion.dt == pytest.approx(float(dt.numpy()), rel=1e-5)


@pytest.mark.parametrize("dt", [0.01, 0.002])
def test_layers_with_a_dt_of_their_own(dt):
    """Spikes are those of KerasSpiking, and a rate is spikes by the time of its steps."""
    inp = x = keras.Input((None, 4))
    for name in ("first", "second"):
        x = keras_spiking.SpikingActivation("relu", dt=dt, seed=len(name), name=name)(x)
    conversion = assert_same_steps(keras.Model(inp, x))
    for options in ({}, {"dt": dt}):
        activity = nsc.measure(conversion, data(), progress=False, **options)
        assert activity.protocol.dt == conversion.dt == dt
        for name in ("first", "second"):
            outputs = keras.Model(inp, conversion.model.get_layer(name).output)
            spikes = np.rint(outputs.predict_on_batch(data()) * dt)
            assert activity.populations[name].counts.sum() == spikes.sum() > 0
            seconds = data().shape[1] * dt
            assert activity.mean_rate_hz(name) == pytest.approx(spikes.sum() / (4 * seconds))
    for run in (
        lambda: nsc.measure(conversion, data(), dt=0.001),
        lambda: nsc.measure(conversion, data(), dt=0.001, simulator="nengo"),
        lambda: nsc.profile(conversion.model, data(), n_steps=None, dt=0.001),
    ):
        with pytest.raises(MeasurementError, match=f"KerasSpiking.*say dt={dt:g}"):
            run()


def test_the_emulated_chip_takes_the_step_of_the_layers():
    """As `measure` does: by default theirs, and another is refused in the same words."""
    inp = x = keras.Input((None, 4))
    for name in ("first", "second"):
        x = keras_spiking.SpikingActivation("relu", dt=0.01, name=name)(x)
    conversion = nsc.convert(keras.Model(inp, x), neuron_type="LoihiSpikingRectifiedLinear")
    with loihi.Emulator(conversion) as emulator:
        assert emulator.dt == 0.01
    with loihi.Emulator(conversion, dt=0.01, model=emulator.model) as again:
        assert again.dt == 0.01
    for function in (
        loihi.Emulator, loihi.place, loihi.core_use, loihi.fit_blocks, loihi.check_fit
    ):  # fmt: skip
        with pytest.raises(MeasurementError, match=r"KerasSpiking.*say dt=0\.01"):
            function(conversion, dt=0.001)
    assert loihi.place(conversion, dt=0.01).n_chips == 1


def test_layers_with_several_dts():
    inp = x = keras.Input((None, 4))
    x = keras_spiking.SpikingActivation("relu", dt=0.01, seed=0, name="slow")(x)
    x = keras_spiking.Lowpass(0.1, dt=0.002, name="fast")(x)
    with pytest.raises(ConversionError, match=r"'slow' dt=0.01, 'fast' dt=0.002.*same dt"):
        nsc.convert(keras.Model(inp, x))


@pytest.mark.parametrize(
    "activation, dt", [("relu", 0.001), ("relu", 0.03), ("sigmoid", 0.03), ("tanh", 0.05)]
)
def test_activations(activation, dt):
    inp = keras.Input((None, 4))
    model = keras.Model(inp, keras_spiking.SpikingActivation(activation, dt=dt, seed=3)(inp))
    low = -2 if activation != "relu" else 20
    assert_same_steps(model, data(n_steps=300, low=low, high=2 if low < 0 else 90))


def test_what_can_not_be_converted_is_named():
    inp = keras.Input((None, 4))
    for options, message in [
        ({"activation": "softplus"}, "no neuron type has the curve of its activation 'softplus'"),
        ({"activation": "relu", "return_sequences": False}, "return_sequences"),
    ]:
        layer = keras_spiking.SpikingActivation(name="spikes", **options)
        with pytest.raises(ConversionError, match=f"'spikes' .*{message}"):
            nsc.convert(keras.Model(inp, layer(inp)))


def test_a_filter_node_in_a_network_of_ones_own():
    element_filter = lowpass_filter(np.array([0.01, 0.02]), np.array([1.0, -1.0]), 0.001)
    with nengo.Network(seed=0) as net:
        source = nengo.Node(lambda t: [np.sin(100 * t), 1])
        node = FilterNode(element_filter)
        nengo.Connection(source, node, synapse=None)
        probe = nengo.Probe(node)
    with nengo.Simulator(net, progress_bar=False, optimize=False) as sim:
        sim.run_steps(30)
        first = sim.data[probe].copy()
        sim.reset()
        sim.run_steps(30)
    np.testing.assert_array_equal(first, sim.data[probe])
    state, expected = element_filter.initial.copy(), []
    for step in range(30):
        expected.append(element_filter(state, np.array([np.sin(0.1 * (step + 1)), 1])))
    np.testing.assert_allclose(first, expected, rtol=1e-12)
    with nengo_dl.Simulator(net, progress_bar=False) as sim:
        sim.run_steps(30)
        np.testing.assert_allclose(sim.data[probe], expected, rtol=1e-4, atol=1e-5)


def test_a_filter_at_the_output_runs_beside_the_chip():
    """On the host of the batched emulation, lane by lane, as on that of NengoLoihi."""
    inp = x = keras.Input((None, 6))
    for size, activation in ((8, "relu"), (5, "relu"), (3, None)):
        x = layers.TimeDistributed(layers.Dense(size, activation=activation))(x)
    model = randomise(keras.Model(inp, keras_spiking.Lowpass(0.02, dt=0.001)(x)))
    conversion = nsc.convert(
        model,
        neuron_type="LoihiSpikingRectifiedLinear",
        scale_firing_rates=200,
        synapse=0.005,
        temporal=True,
    )
    assert any(isinstance(node, FilterNode) for node in conversion.net.all_nodes)
    samples = data(n=3, size=6, low=0.2, high=1)
    many, one = (
        nsc.measure(conversion, samples, simulator=name, presentation="fresh", progress=False)
        for name in ("loihi", "nengo_loihi")
    )
    (found,), (expected,) = many.outputs.values(), one.outputs.values()
    assert np.abs(expected.last).max() > 0.01
    np.testing.assert_array_equal(found.last, expected.last)
