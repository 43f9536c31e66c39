"""Keras models of every kind that NengoLoihi refuses unlowered, on its emulator."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from nengo.ensemble import Neurons

import nengo_spikecost as nsc
from nengo_spikecost import stack
from nengo_spikecost.loihi import check_support, mark_off_chip, on_chip
from nengo_spikecost.lowering import lower

from .networks import STEPS, emulate

keras = stack.keras()
nengo_dl = stack.nengo_dl()
loihi = stack.nengo_loihi()
layers = keras.layers

SCALE = 200  # firing rate of a ReLU of 1, in Hz
ARCHITECTURES = {}


def architecture(build):
    """Register a function from the first layer's output to the last layer's."""
    ARCHITECTURES[build.__name__] = build
    return build


def conv(x, filters=3, size=3, **kwargs):
    return layers.Conv2D(filters, size, activation="relu", **kwargs)(x)


def head(x):
    x = layers.Flatten()(x)
    x = layers.Dense(6, activation="relu")(x)
    return layers.Dense(3)(x)


@architecture
def conv_valid_strided(x):
    return head(conv(x, strides=2, use_bias=False))


@architecture
def conv_same(x):
    return head(conv(x, padding="same", use_bias=False))


@architecture
def conv_with_bias(x):
    return head(conv(conv(x), strides=2))


@architecture
def dense(x):
    return head(layers.Dense(8, activation="relu")(layers.Flatten()(x)))


@architecture
def average_pool(x):
    return head(conv(layers.AveragePooling2D(2)(conv(x, padding="same"))))


@architecture
def overlapping_average_pool(x):
    return head(conv(layers.AveragePooling2D(3, strides=1, padding="valid")(x)))


@architecture
def average_pool_same(x):
    return head(conv(layers.AveragePooling2D(2, padding="same")(conv(x, size=2)), size=2))


@architecture
def max_pool_as_average(x):
    return head(conv(layers.MaxPooling2D(2)(conv(x, padding="same"))))


@architecture
def global_average_pool(x):
    x = layers.GlobalAveragePooling2D()(conv(x, filters=5))
    return layers.Dense(3)(layers.Dense(6, activation="relu")(x))


@architecture
def batch_norm_before_conv(x):
    return head(conv(layers.BatchNormalization()(conv(x))))


@architecture
def batch_norm_after_conv(x):
    x = layers.Conv2D(3, 3, use_bias=False)(x)
    return head(layers.ReLU()(layers.BatchNormalization()(x)))


@architecture
def linear_conv_before_conv(x):
    return head(conv(layers.Conv2D(4, 3)(x), size=2))


@architecture
def add_before_dense(x):
    a, b = conv(x, padding="same"), conv(x, padding="same")
    return head(layers.Add()([a, b]))


@architecture
def add_before_conv(x):
    a, b = conv(x, padding="same"), conv(x, padding="same")
    return head(conv(layers.Add()([a, b])))


@architecture
def concatenate_before_conv(x):
    a, b = conv(x, padding="same"), conv(x, filters=2, padding="same")
    return head(conv(layers.Concatenate()([a, b])))


@architecture
def residual_with_linear_conv(x):
    y = conv(x, filters=2, padding="same")
    y = layers.Conv2D(2, 3, padding="same")(y)
    return head(conv(layers.ReLU()(layers.Add()([x, y]))))


@architecture
def residual_with_projection(x):
    y = layers.BatchNormalization()(layers.Conv2D(3, 3, strides=2, padding="same")(conv(x)))
    shortcut = layers.Conv2D(3, 1, strides=2, padding="same")(conv(x))
    return head(layers.ReLU()(layers.Add()([shortcut, y])))


@architecture
def upsampling(x):
    return head(conv(layers.UpSampling2D(2)(conv(x, strides=2))))


@architecture
def zero_padding(x):
    return head(conv(layers.ZeroPadding2D(((1, 2), (0, 1)))(conv(x)), strides=2))


@architecture
def cropping(x):
    return head(conv(layers.Cropping2D(((1, 0), (1, 1)))(conv(x, size=2))))


@architecture
def grouped_conv(x):
    return head(conv(conv(x, filters=4, groups=2), filters=4, groups=4, size=2))


@architecture
def depthwise_conv(x):
    x = layers.DepthwiseConv2D(3, depth_multiplier=2, activation="relu")(x)
    return head(conv(x, size=1))


@architecture
def inverted_residual(x):
    """The block that MobileNetV2 is made of."""
    y = layers.BatchNormalization()(layers.Conv2D(4, 1, use_bias=False)(x))
    y = layers.ReLU()(y)
    y = layers.DepthwiseConv2D(3, padding="same", use_bias=False)(y)
    y = layers.ReLU()(layers.BatchNormalization()(y))
    y = layers.BatchNormalization()(layers.Conv2D(2, 1, use_bias=False)(y))
    return head(conv(layers.Add()([x, y])))


@architecture
def separable_conv(x):
    return head(layers.SeparableConv2D(3, 3, activation="relu")(conv(x)))


@architecture
def transposed_conv(x):
    x = layers.Conv2DTranspose(2, 3, strides=2, padding="same", activation="relu")(conv(x))
    return head(x)


@architecture
def dilated_conv(x):
    return head(conv(x, dilation_rate=2))


@architecture
def conv_1d(x):
    x = layers.Reshape((9, 8))(x)
    x = layers.Conv1D(4, 3, activation="relu")(x)
    x = layers.AveragePooling1D(2)(x)
    return head(layers.Conv1D(3, 2, strides=2, activation="relu")(x))


@architecture
def channels_first_order(x):
    return head(conv(layers.Permute((2, 1, 3))(conv(x))))


@architecture
def linear_conv_and_batch_norm_after_the_first_layer(x):
    x = layers.BatchNormalization()(layers.Conv2D(3, 3)(x))
    return head(conv(x))


@architecture
def several_outputs(x):
    y = conv(x)
    return [head(y), layers.Dense(2)(layers.GlobalAveragePooling2D()(y))]


def make_model(build, seed=0):
    """A first layer that is fed pixels, then `build`; all weights random, layers active."""
    image = keras.Input((6, 6, 1), name="image")
    first = layers.Conv2D(2, 1, activation="relu", use_bias=False, name="first")(image)
    model = keras.Model(image, build(first))
    rng = np.random.RandomState(seed)
    for layer in model.layers:
        # means and variances of BatchNormalization have to be positive, and so do products
        # of several layers without bounds on their growth
        weights = [
            rng.uniform(-0.3, 1.0, w.shape) * 3 / max(1, np.prod(w.shape[:-1]))
            if w.ndim > 1
            else rng.uniform(0.02, 0.2, w.shape)
            for w in layer.get_weights()
        ]
        if isinstance(layer, layers.BatchNormalization):
            weights = [rng.uniform(0.5, 1.5, w.shape) for w in layer.get_weights()]
        layer.set_weights([w.astype("f4") for w in weights])
    return model


def fed_numbers(net):
    """The populations that some Node feeds."""
    return {
        conn.post_obj.ensemble
        for conn in net.all_connections
        if isinstance(conn.pre_obj, nengo.Node) and isinstance(conn.post_obj, Neurons)
    }


def lowered(build, max_pooling="average"):
    """The lowered network on Loihi neurons, its first layer off chip, its input an image."""
    conversion = nsc.convert(
        make_model(build),
        neuron_type="LoihiSpikingRectifiedLinear",
        scale_firing_rates=SCALE,
        synapse=0.005,
        max_pooling=max_pooling,
    )
    assert check_support(conversion) == ()
    # Once more: nothing is left to lower, and the copy may be changed
    lowering = lower(conversion.net, keep=conversion.input_nodes)
    net = lowering.network
    (node,) = conversion.input_nodes
    image = np.random.RandomState(1).uniform(0.2, 1, node.size_out)
    lowering.objects[node].output = nengo.processes.PresentInput(image[None], STEPS * 0.001)
    mark_off_chip(net, fed_numbers(net))
    with net:
        probes = {str(ens): nengo.Probe(ens.neurons, synapse=None) for ens in net.all_ensembles}
    return net, probes


def counts_in_nengo_dl(net, probes):
    """Spikes of each neuron in NengoDL, by the name of the Probe."""
    with net:
        nengo_dl.configure_settings(planner=nengo_dl.graph_optimizer.noop_planner)
    with nengo_dl.Simulator(net, progress_bar=False) as sim:
        sim.run_steps(STEPS, progress_bar=False)
        data = {name: sim.data[probe].reshape(STEPS, -1) for name, probe in probes.items()}
    return {name: np.round(spikes * 0.001 * SCALE).sum(axis=0) for name, spikes in data.items()}


def counts_in_emulator(net, probes):
    """The same, in NengoLoihi's emulator."""
    sim = emulate(net)
    return {n: np.round(sim.data[p] * 0.001 * SCALE).sum(axis=0) for n, p in probes.items()}


@pytest.mark.parametrize("build", ARCHITECTURES.values(), ids=list(ARCHITECTURES))
def test_lowered_network_runs_on_the_emulator_as_in_nengo_dl(build):
    net, probes = lowered(build)
    assert check_support(net) == ()
    # All but the first layer runs on the chip
    assert sum(on_chip(net)[e] for e in net.all_ensembles) == len(net.all_ensembles) - 1
    expected, found = counts_in_nengo_dl(net, probes), counts_in_emulator(net, probes)
    for name, counts in expected.items():
        assert counts.sum() > 0, name
        # Weights and biases are rounded to 8 and 13 bits of the largest in a population, so a
        # neuron may reach its threshold a step earlier or later, and the ones it feeds so too
        assert np.abs(found[name] - counts).max() <= 2, name
        assert abs(found[name].sum() - counts.sum()) <= 2 + 0.05 * counts.sum(), name


@pytest.mark.filterwarnings("ignore:These layers are computed exactly, on the host")
def test_exact_max_pooling_runs_on_the_host_between_two_layers_on_the_chip():
    def build(x):
        return head(conv(layers.MaxPooling2D(2)(conv(conv(x, padding="same"), padding="same"))))

    net, probes = lowered(build, max_pooling="exact")
    assert check_support(net) == ()
    places = on_chip(net)
    # the layer behind it is fed numbers, and turns them into spikes on the host
    assert [places[e] for e in net.all_ensembles] == [False, True, True, False, True]
    expected, found = counts_in_nengo_dl(net, probes), counts_in_emulator(net, probes)
    for number, (name, counts) in enumerate(expected.items()):
        assert counts.sum() > 0, name
        # what comes from the chip to the host, and back, is a step late each time
        late = 0 if number < 3 else 0.25
        assert abs(found[name].sum() - counts.sum()) <= 2 + (0.05 + late) * counts.sum(), name


@pytest.mark.parametrize("build", [average_pool, add_before_conv, conv_1d, upsampling])
def test_unlowered_network_is_refused_as_predicted(build):
    conversion = nsc.convert(
        make_model(build),
        neuron_type="LoihiSpikingRectifiedLinear",
        max_pooling="average",
    )
    conversion = getattr(conversion, "unlowered", None) or conversion
    mark_off_chip(conversion.net, [conversion.layers["first"].ensemble])
    problems = check_support(conversion)
    assert any(problem.refused for problem in problems)
    with pytest.raises((NotImplementedError, AssertionError, nengo.exceptions.NengoException)):
        emulate(conversion.net, steps=1)
