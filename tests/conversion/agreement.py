"""Converted networks of rate neurons, held against the Keras model."""

from __future__ import annotations

from typing import Any

import nengo
import nengo_dl
import numpy as np
import tensorflow as tf

import nengo_spikecost as nsc

#: Relative to the largest output: NengoDL and Keras sum float32 in another order, and a scale
#: of the firing rates is divided out again. nengo.Simulator computes in float64 from the same
#: float32 weights.
TOLERANCE = 1e-5


def random_inputs(model: Any, n_samples: int = 3, seed: int = 1) -> list[np.ndarray]:
    """Standard normal numbers for every input of a model."""
    rng = np.random.RandomState(seed)
    return [rng.normal(size=(n_samples, *x.shape[1:])).astype("f4") for x in model.inputs]


def random_weights(model: Any, seed: int = 0) -> Any:
    """Give every weight a value from -0.5 to 0.5; variances and the like, from 0.5 to 1.5."""
    rng = np.random.RandomState(seed)
    for weight in model.weights:
        positive = "variance" in weight.name
        low = 0.5 if positive else -0.5
        weight.assign(rng.uniform(low, low + 1, weight.shape).astype("f4"))
    return model


def predictions(model: Any, inputs: list[np.ndarray]) -> list[np.ndarray]:
    """What Keras computes, one array an output, each of shape (n_samples, size)."""
    # a call is 60 times as fast as `predict`, which traces the model once more
    found = tf.nest.flatten(model(inputs if len(inputs) > 1 else inputs[0], training=False))
    return [np.reshape(x, (len(x), -1)) for x in found]


def with_nengo_dl(conversion: Any, inputs: list[np.ndarray]) -> list[np.ndarray]:
    """One step of NengoDL, the shape as of `predictions`."""
    steps = [x.reshape(len(x), 1, -1) for x in inputs]
    data = dict(zip(conversion.input_nodes, steps))
    with nengo_dl.Simulator(
        conversion.net, minibatch_size=len(steps[0]), progress_bar=False, seed=0
    ) as sim:
        found = sim.predict_on_batch(data)
    return [found[probe][:, -1] for probe in conversion.outputs.values()]


def with_nengo(conversion: Any, inputs: list[np.ndarray]) -> list[np.ndarray]:
    """One step a sample of Nengo's own simulator, the shape as of `predictions`."""
    nodes = conversion.input_nodes
    for node, values in zip(nodes, inputs):
        flat = values.reshape(len(values), -1)
        node.output = nengo.processes.PresentInput(flat, presentation_time=0.001)
    with nengo.Simulator(conversion.net, progress_bar=False, optimize=False) as sim:
        sim.run_steps(len(inputs[0]))
        return [sim.data[probe] for probe in conversion.outputs.values()]


def assert_same(
    model: Any, simulators: str = "both", inputs: Any = None, label: str = "", **options: Any
) -> Any:
    """Convert to rate neurons, and compare what comes out.

    Parameters
    ----------
    model : tf.keras.Model
    simulators : {"both", "nengo_dl", "nengo"}
        Nengo's own has no convolutions of three spatial axes.
    inputs : list of ndarray, optional
    label : str
        Part of the message if it fails.
    **options
        For `convert`.

    Returns
    -------
    Conversion
    """
    inputs = random_inputs(model) if inputs is None else inputs
    options.setdefault("neuron_type", "RectifiedLinear")
    conversion = nsc.convert(model, **options)
    expected = predictions(model, inputs)
    runs = {"nengo_dl": with_nengo_dl, "nengo": with_nengo}
    for name, run in runs.items():
        if simulators not in ("both", name):
            continue
        for found, wanted in zip(run(conversion, inputs), expected):
            scale = max(np.abs(wanted).max(), 1e-3)
            error = np.abs(found - wanted).max() / scale
            assert error < TOLERANCE, f"{name} is {error:.2e} off {label}"
    return conversion


def check_layers(layers: Any, shape: Any, simulators: str = "both", **options: Any) -> Any:
    """Apply layers to one input, and check all there is to check about them.

    What they compute; that every Nengo object belongs to one of them; and that all of it
    is counted, unless it runs on the host.

    Parameters
    ----------
    layers : list of tf.keras.layers.Layer
    shape : tuple of int
        Shape of one sample.
    simulators, **options
        As for `assert_same`.

    Returns
    -------
    Conversion
    """
    inp = tf.keras.Input(shape)
    model = random_weights(tf.keras.Model(inp, [layer(inp) for layer in layers]))
    conversion = assert_same(model, simulators, **options)
    assert_owned_and_counted(conversion)
    for pathway in nsc.NetworkGraph(conversion).pathways:
        assert pathway.n_synapses > 0, pathway.name
    return conversion


def assert_owned_and_counted(conversion: Any) -> None:
    """Every Ensemble and Node has a layer, and nothing but the host is uncounted."""
    net = conversion.net
    assert set(conversion.layer_names) == {*net.all_ensembles, *net.all_nodes}
    names = {info.name for info in conversion.layer_infos}
    # a Sequential model does not list its InputLayer; "x.1" is the second application of "x"
    names |= {name.rsplit(".", 1)[0] for name in conversion.layers} | set(conversion.layers)
    assert set(conversion.layer_names.values()) <= names
    on_host = {choice.layer for choice in conversion.choices if choice.on_host}
    graph = nsc.NetworkGraph(conversion)
    assert {record.layer for record in graph.uncounted} <= on_host, graph.uncounted
