"""What docs/layers.md says of a layer, measured: rates, spikes, the emulator, the counts."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import nengo
import numpy as np
from layer_rows import Row

import nengo_spikecost as nsc
from nengo_spikecost import stack
from nengo_spikecost.errors import ConversionError
from nengo_spikecost.loihi import check_support

STEPS = 40
SPIKING = "LoihiSpikingRectifiedLinear"
SCALE = 200  # firing rate of a ReLU of 1, in Hz


@dataclass(frozen=True)
class Result:
    """What was found for one row.

    Attributes
    ----------
    row : Row
    refusal : str
        Why the layer is not converted; empty if it is.
    rate_error : float
        Largest difference to Keras, relative to the largest output.
    spikes : int
        Spikes, on NengoDL, of the layer behind.
    emulator : str
        ``"yes"``, or what `check_support` says.
    miscounted : str
        What is counted wrongly or not at all; empty if nothing is.
    on_host : bool
        Whether something of the layer is computed on the host.
    inexact : bool
        Whether the layer became something else, because ``convert`` was told so.
    graded : str
        Type of the neurons that do not spike; empty if all do.
    """

    row: Row
    refusal: str = ""
    rate_error: float = math.nan
    spikes: int = 0
    emulator: str = ""
    miscounted: str = ""
    on_host: bool = False
    inexact: bool = False
    graded: str = ""


def measured(row: Row) -> Result:
    """Build the row's model, and find out everything about it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = model_of(row)
        try:
            conversion = _spiking(model, row)
        except ConversionError as error:
            return Result(row, refusal=str(error).split("can't be converted: ")[-1])
        return Result(
            row,
            rate_error=max(_rate_error(model, row, lower) for lower in (False, True)),
            spikes=_spikes_on_nengo_dl(conversion, row),
            emulator=_on_the_emulator(_spiking(model, row), row),
            miscounted=miscounted(conversion.unlowered) or miscounted(conversion),
            on_host=any(choice.on_host for choice in conversion.choices),
            inexact=not all(choice.exact for choice in conversion.choices),
            graded=_graded(conversion),
        )


# -- the model ----------------------------------------------------------------------------


def model_of(row: Row) -> Any:
    """Two layers with neurons, what the row is about, one more, and an output."""
    keras = stack.keras()
    layers = keras.layers
    keras.utils.set_random_seed(0)

    def dense(units: int, name: str, **arguments: Any) -> Any:
        layer = layers.Dense(units, name=None if row.temporal else name, **arguments)
        return layers.TimeDistributed(layer, name=name) if row.temporal else layer

    inp = keras.Input((None, *row.shape) if row.temporal else row.shape, name="image")
    # the first is fed numbers, and so is off the chip; the second is on it
    x = dense(row.shape[-1], "first", activation="relu", use_bias=False)(inp)
    # the chip has no convolutions of three axes, as a Dense layer of a volume would be
    is_volume = len(row.shape) == 4
    if is_volume:
        x = layers.ReLU(name="before")(x)
    else:
        x = dense(row.shape[-1], "before", activation="relu")(x)
    built = row.build(x)
    outputs = []
    for number, x in enumerate(built if isinstance(built, list) else [built]):
        name = "after" if not number else f"after{number}"
        if not row.whole:
            space = [] if row.temporal else list(x.shape[1:-1])
            if space and not is_volume:
                kind = getattr(layers, f"Conv{len(space)}D")
                x = kind(3, [min(2, n) for n in space], activation="relu", name=name)(x)
                x = layers.Flatten()(x)
            else:
                x = x if row.temporal else layers.Flatten()(x)
                x = dense(4, name, activation="relu")(x)
            x = dense(3, f"out{number}")(x)
        outputs.append(x)
    model = keras.Model(keras.utils.get_source_inputs(outputs[0]), outputs)
    _randomise(model)
    return model


def _randomise(model: Any) -> None:
    rng = np.random.RandomState(0)
    for weight in model.weights:
        shape = tuple(weight.shape)
        if any(name in weight.name for name in ("initial_level", "smoothing", "tau")):
            continue  # of the filters of keras_spiking
        if "variance" in weight.name or "gamma" in weight.name:
            values = rng.uniform(0.5, 1.5, shape)
        elif len(shape) > 1 and "alpha" not in weight.name:
            values = rng.uniform(-0.3, 1, shape) * 4 / max(1, math.prod(shape[:-1]))
        else:
            values = rng.uniform(0.02, 0.2, shape)
        weight.assign(values.astype("f4"))


def _inputs(model: Any, row: Row, n_samples: int, n_steps: int, low: float) -> list[np.ndarray]:
    rng = np.random.RandomState(1)
    steps = (n_steps,) if row.temporal else ()
    shapes = [x.shape[2:] if row.temporal else x.shape[1:] for x in model.inputs]
    return [rng.uniform(low, 1, (n_samples, *steps, *shape)).astype("f4") for shape in shapes]


def _spiking(model: Any, row: Row) -> Any:
    return nsc.convert(
        model, neuron_type=SPIKING, scale_firing_rates=SCALE, synapse=0.005, **row.convert
    )


# -- the columns --------------------------------------------------------------------------


def _rate_error(model: Any, row: Row, lower: bool) -> float:
    """Largest difference to ``model.predict``, over the largest output."""
    n_steps = 20 if row.temporal else 1
    samples = 1 if row.temporal else 4
    # up to 8, both signs: every piece of every activation is met
    inputs = [8 * x for x in _inputs(model, row, samples, n_steps, low=-1)]
    conversion = nsc.convert(model, neuron_type="RectifiedLinear", lower=lower, **row.convert)
    expected = model.predict(inputs, verbose=0)
    expected = expected if isinstance(expected, list) else [expected]
    data = dict(zip(conversion.input_nodes, [x.reshape(samples, n_steps, -1) for x in inputs]))
    simulator = stack.nengo_dl().Simulator
    with simulator(conversion.net, minibatch_size=samples, progress_bar=False, seed=0) as sim:
        found = sim.predict(data, verbose=0)
    errors = []
    for probe, wanted in zip(conversion.outputs.values(), expected):
        wanted = wanted.reshape(samples, n_steps, -1)[:, : n_steps - row.lag]
        errors.append(np.abs(found[probe][:, row.lag :] - wanted).max() / np.abs(wanted).max())
    return float(max(errors))


def _spikes_on_nengo_dl(conversion: Any, row: Row) -> int:
    samples = _inputs(conversion.model, row, 1, STEPS, low=0.2)
    nodes = conversion.inputs.keys()
    activity = nsc.measure(
        conversion,
        dict(zip(nodes, samples)) if len(samples) > 1 else samples[0],
        None if row.temporal else STEPS,
        progress=False,
    )
    (behind,) = (p.name for p in nsc.NetworkGraph(conversion).populations if p.layer == "after")
    return int(activity.populations[behind].per_neuron().sum())


def _on_the_emulator(conversion: Any, row: Row) -> str:
    problems = check_support(conversion)
    if problems:
        return f"{problems[0].name} {problems[0].reason}"
    net = conversion.net
    for node, values in zip(conversion.input_nodes, _inputs(conversion.model, row, 1, 1, low=0.2)):
        node.output = values.ravel()
    with net:
        probe = nengo.Probe(conversion.layers["after"], synapse=None)
    with stack.nengo_loihi().Simulator(net, target="sim", progress_bar=False) as sim:
        sim.run_steps(STEPS)
        return "yes" if np.any(sim.data[probe]) else "no spikes"


def _graded(conversion: Any) -> str:
    """Type of the first neurons that send values instead of spikes."""
    types = (ensemble.neuron_type for ensemble in conversion.net.all_ensembles)
    return next((type(t).__name__ for t in types if not t.spiking), "")


# -- brute force --------------------------------------------------------------------------


def miscounted(conversion: Any) -> str:
    """What the graph counts otherwise than by sending one element a time along each route."""
    graph = nsc.NetworkGraph(conversion)
    if graph.uncounted:
        return f"{graph.uncounted[0].name} {graph.uncounted[0].reason}"
    if not all(population.spiking for population in graph.populations):
        return "rates on the chip are `uncounted`"
    counted = {p.connections: p for p in graph.pathways if p.kind == "neural"}
    expected = set(neural_routes(conversion.net))
    if counted.keys() != expected:
        return "routes differ"
    maps = {conn: probed_matrix(conn) for route in expected for conn in route}
    for route, pathway in counted.items():
        matrix = maps[route[0]]
        for conn in route[1:]:
            matrix = maps[conn] @ matrix
        if not np.array_equal(np.count_nonzero(matrix, axis=0), pathway.fan_out):
            return f"{pathway.name} has another fan-out"
    return ""


def neural_routes(net: nengo.Network) -> Iterator[tuple[nengo.Connection, ...]]:
    """Every way from neurons through passthrough Nodes to neurons."""
    leaving: dict[Any, list[Any]] = {}
    for conn in net.all_connections:
        leaving.setdefault(conn.pre_obj, []).append(conn)
    ways: list[tuple[nengo.Connection, ...]] = [
        (c,) for ens in net.all_ensembles for c in leaving.get(ens.neurons, [])
    ]
    while ways:
        way = ways.pop()
        target = way[-1].post_obj
        if isinstance(target, nengo.ensemble.Neurons):
            yield way
        elif target.output is None:
            ways += [(*way, conn) for conn in leaving.get(target, [])]


def probed_matrix(conn: nengo.Connection) -> np.ndarray:
    """Weights of a Connection, shape (post.size_in, pre.size_out): what one-hot inputs become."""
    size = conn.pre_obj.size_out
    basis = np.eye(size)
    # Nengo has no convolutions of three axes: NengoDL, with a sample for every element
    in_nengo = getattr(conn.transform, "dimensions", 1) <= 2
    steps = nengo.processes.PresentInput(basis, presentation_time=0.001)
    with nengo.Network(seed=0, add_to_container=False) as net:
        source = nengo.Node(steps if in_nengo else basis[0])
        target = nengo.Node(size_in=conn.post_obj.size_in)
        nengo.Connection(
            source[conn.pre_slice],
            target[conn.post_slice],
            transform=conn.transform,
            synapse=None,
        )
        probe = nengo.Probe(target)
    if in_nengo:
        with nengo.Simulator(net, progress_bar=False, optimize=False) as sim:
            sim.run_steps(size)
            return sim.data[probe].T
    simulator = stack.nengo_dl().Simulator
    with simulator(net, minibatch_size=size, progress_bar=False) as sim:
        return sim.predict({source: basis[:, None]}, verbose=0)[probe][:, 0].T
