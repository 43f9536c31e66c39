"""Whole models of the kinds that people download, at full size, through `profile`.

Weights are random. Batch normalization gets the statistics of random images, so that the
values in every layer are of the size they have in a trained model, and every layer fires.
Times and memory are printed (``pytest -s``), not asserted: benchmarks/ measures these.
"""

from __future__ import annotations

import resource
import time
import warnings
from typing import Any

import nengo_dl
import numpy as np
import pytest
import tensorflow as tf

import nengo_spikecost as nsc
from nengo_spikecost.conversion.lookup import walk_layers
from nengo_spikecost.errors import ConversionWarning

keras = tf.keras
layers = tf.keras.layers

#: Relative to the largest output. Keras in float32 is itself up to 3e-5 off the same model in
#: float64 (MobileNetV2 with these weights): fifty layers, normalized each, pass on how each
#: rounds. The network rounds at other places.
TOLERANCE = 2e-4

N_STEPS = 3


def with_statistics(model: Any) -> Any:
    """Give a model random weights, and batch normalization the statistics of some images."""
    rng = np.random.RandomState(0)
    for weight in model.weights:
        shape = tuple(weight.shape)
        if len(shape) > 1:
            fan_in = np.prod(shape[:-1])
            if "depthwise" in weight.name:
                fan_in = np.prod(shape[:2])
            values = rng.normal(0, np.sqrt(2 / fan_in), shape)
        elif "gamma" in weight.name:
            values = rng.uniform(0.5, 1.5, shape)
        elif "beta" in weight.name or "bias" in weight.name:
            values = rng.uniform(-0.2, 0.5, shape)
        else:
            continue
        weight.assign(values.astype("f4"))
    normalizations = [x for x in _all_layers(model) if isinstance(x, layers.BatchNormalization)]
    assert normalizations
    momenta = [layer.momentum for layer in normalizations]
    for layer in normalizations:
        layer.momentum = 0.0
    model(images(model, 8), training=True)
    for layer, momentum in zip(normalizations, momenta):
        layer.momentum = momentum
    _moderate_classes(model)
    return model


def _moderate_classes(model: Any) -> None:
    """Scale the last layer's weights: a softmax that is 0 or 1 would hide all errors."""
    last = model.layers[-1]
    kernel, bias = last.get_weights()
    before = keras.Model(model.inputs, last.input).predict_on_batch(images(model, 2))
    last.set_weights([kernel * 2 / np.std(before @ kernel), bias])


def _all_layers(model: Any) -> list[Any]:
    found = []
    for layer in model.layers:
        found += _all_layers(layer) if isinstance(layer, keras.Model) else [layer]
    return found


def images(model: Any, n: int) -> np.ndarray:
    """Random images of the right shape."""
    shape = model.input_shape[1:]
    return np.random.RandomState(1).uniform(0, 1, (n, *shape)).astype("f4")


# -- the models ---------------------------------------------------------------------------


def mobile_net(size: int, alpha: float) -> Any:
    """MobileNetV2 as Keras offers it, without its pretrained weights."""
    return keras.applications.MobileNetV2((size, size, 3), alpha=alpha, weights=None)


def fine_tuned_mobile_net(size: int, alpha: float) -> Any:
    """MobileNetV2 nested in a model with a head of its own, as for transfer learning."""
    base = keras.applications.MobileNetV2(
        (size, size, 3), alpha=alpha, weights=None, include_top=False
    )
    inp = x = keras.Input((size, size, 3), name="image")
    x = base(layers.Rescaling(2.0, -1.0, name="rescaling")(x))
    x = layers.Dropout(0.2)(layers.GlobalAveragePooling2D()(x))
    x = layers.Dense(64, activation="relu", name="hidden")(x)
    return keras.Model(inp, layers.Dense(10, activation="softmax", name="classes")(x))


def separable_net(size: int, widths: tuple[int, ...] = (256, 512, 728)) -> Any:
    """The small Xception of the Keras examples: separable, normalized, pooled, residual."""
    inp = keras.Input((size, size, 3), name="image")
    x = layers.Rescaling(2.0, -1.0)(inp)
    x = layers.Conv2D(128, 3, strides=2, padding="same")(x)
    x = previous = layers.Activation("relu")(layers.BatchNormalization()(x))
    for width in widths:
        for _ in range(2):
            x = layers.Activation("relu")(x)
            x = layers.SeparableConv2D(width, 3, padding="same")(x)
            x = layers.BatchNormalization()(x)
        x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
        projected = layers.Conv2D(width, 1, strides=2, padding="same")(previous)
        x = previous = layers.add([x, projected])
    x = layers.SeparableConv2D(1024, 3, padding="same")(x)
    x = layers.Activation("relu")(layers.BatchNormalization()(x))
    x = layers.Dropout(0.5)(layers.GlobalAveragePooling2D()(x))
    return keras.Model(inp, layers.Dense(10, activation="softmax")(x))


def cifar_net(widths: tuple[int, ...] = (64, 128, 256)) -> Any:
    """Two convolutions, normalized, and a maximum, three times over; for 32x32 images."""
    model = keras.Sequential([keras.Input((32, 32, 3), name="image")])
    for width in widths:
        for _ in range(2):
            model.add(layers.Conv2D(width, 3, padding="same", activation="relu"))
            model.add(layers.BatchNormalization())
        model.add(layers.MaxPooling2D(2))
        model.add(layers.Dropout(0.3))
    model.add(layers.Flatten())
    model.add(layers.Dense(512, activation="relu"))
    model.add(layers.BatchNormalization())
    model.add(layers.Dense(10, activation="softmax"))
    return model


# -- what is checked ----------------------------------------------------------------------


def check_rates(model: Any) -> None:
    """Rate neurons, lowered and not, compute what Keras computes."""
    x = images(model, 1)
    expected = model.predict_on_batch(x).ravel()
    assert np.ptp(np.log(expected)) > 1 and expected.max() < 0.99
    for lower in (False, True):
        conversion = nsc.convert(model, neuron_type="RectifiedLinear", lower=lower)
        (probe,) = conversion.outputs.values()
        with nengo_dl.Simulator(conversion.net, progress_bar=False, seed=0) as sim:
            data = {conversion.input_nodes[0]: x.reshape(1, 1, -1)}
            found = sim.predict(data, verbose=0)[probe].ravel()
        error = np.abs(found - expected).max() / np.abs(expected).max()
        print(f"lower={lower}: {error:.1e} off")
        assert error < TOLERANCE


def check_profile(model: Any, **options: Any) -> Any:
    """All layers have a row, all neurons fire, all their synapses are counted and used."""
    start = time.perf_counter()
    # without a filter, spikes reach the last layer in the first step
    result = nsc.profile(
        model,
        images(model, 2),
        n_steps=N_STEPS,
        scale_firing_rates=1000,
        synapse=None,
        batch_size=1,
        progress=False,
        **options,
    )
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\n{model.name}: profiled in {seconds:.0f} s, peak {peak:,.0f} MB so far")

    graph = nsc.NetworkGraph(result.network)
    work = result.energy.workload()
    assert work.uncounted == () and graph.uncounted == ()
    # what a ReLU6 cuts off is a population of its own: values that large may not occur
    spikes = {p.name: np.min(p.spikes) for p in work.populations}
    silent = [name for name, n in spikes.items() if not n and not name.endswith(".excess")]
    assert not silent
    synops = {p.name: p.synops for p in work.pathways}
    for pathway in graph.pathways:
        if pathway.kind == "neural" and spikes[pathway.pre.name]:
            # on the host it is weighed, not counted as synops
            assert synops[pathway.name] is None or np.min(synops[pathway.name]) > 0, pathway.name
            assert (synops[pathway.name] is None) == (not pathway.post.on_chip), pathway.name
    rows = set(result.to_frame().index)
    assert {layer.name for layer in work.layers} <= rows
    assert {name for name, _ in walk_layers(model)} <= rows
    assert result.energy.total_energy("loihi") > 0
    return result


@pytest.fixture
def warned_of_host_layers():
    """Max pooling inside the network runs on the host, and `convert` says so."""
    with pytest.warns(ConversionWarning, match="computed exactly, on the host"):
        yield


@pytest.mark.slow
def test_small_mobile_net():
    check_profile(with_statistics(mobile_net(32, 0.35)))


def test_cifar_net(warned_of_host_layers):
    model = with_statistics(cifar_net((16, 32, 64)))
    check_profile(model)
    check_rates(model)


@pytest.mark.slow
def test_mobile_net():
    model = with_statistics(mobile_net(96, 1.0))
    check_profile(model)
    check_rates(model)


@pytest.mark.slow
def test_fine_tuned_mobile_net():
    model = with_statistics(fine_tuned_mobile_net(96, 0.5))
    result = check_profile(model)
    names = {layer.name for layer in result.energy.workload().layers}
    assert {"mobilenetv2_0.50_96/block_16_project", "hidden"} <= names
    check_rates(model)


@pytest.mark.slow
def test_separable_net(warned_of_host_layers):
    model = with_statistics(separable_net(96))
    check_profile(model)
    check_rates(model)


@pytest.mark.slow
@pytest.mark.parametrize("max_pooling", ["exact", "average"])
def test_full_cifar_net(max_pooling):
    model = with_statistics(cifar_net())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConversionWarning)
        check_profile(model, max_pooling=max_pooling)
        if max_pooling == "exact":
            check_rates(model)
