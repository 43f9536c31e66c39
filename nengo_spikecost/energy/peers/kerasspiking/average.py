"""Average counting: mean activation times number of connections, as KerasSpiking does.

This counter takes a Keras model that has not been converted and reproduces the numbers of
KerasSpiking's ``ModelEnergy``, so that its users can compare. Synops per inference are ::

    connections * rate * dt * timesteps_per_inference

where *rate* is the mean absolute activation at the layer's input, summed over the
applications of the layer, and an activation of 1.0 is read as 1 Hz. Neuron updates per
inference are ``neurons * timesteps_per_inference``.

What is known to be wrong with these numbers, and kept for the sake of comparison:

* Mean rate times connections ignores borders and where the spikes are: one spike into a
  3x3 valid convolution on 6x6 makes 4 synops here; the truth is 1 in a corner, 9 in the centre.
* The activations are those of the Keras model: ``scale_firing_rates``, the neuron type and
  the presentation time change the real network's spikes, and cannot be seen here.
* The input layer's synapses are counted as spiking, with pixel values read as Hz.
* A layer used twice multiplies summed connections by summed rates.
* Transposed convolutions are counted with the formula of convolutions.
* A first axis of unknown length is taken for time; one of known length never is.
* Nested models, pooling, normalisation, depthwise, separable and recurrent layers count
  nothing. KerasSpiking warns and shows 0; here they are also listed as uncounted.

What differs from KerasSpiking on purpose:

* Inputs of unequal size (a Concatenate of unequal widths) crash it; here their mean is over
  all elements. For inputs of equal size the two agree.
* Activations are averaged batch by batch in float64 (relative difference about 1e-7).
* ``TimeDistributed`` leaves no trace in the user's model.

`nengo_spikecost.workload.exact` has none of these faults.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ....errors import EnergyError
from ....layers.layer_info import named_layer
from ....workload.presentation import Presentation, checked_presentation
from ....workload.work_entries import DenseWork, PathwayWork, PopulationWork, UncountedWork
from ....workload.workload_record import LayerInfo, Workload
from .layer_counters import LayerCount, LayerUse, count_layer
from .mean_activations import mean_abs_inputs

KERAS_SPIKING_DT = 0.001


@dataclass(frozen=True)
class LayerStatistics:
    """One layer of a Keras model, counted over all its applications in the model.

    Attributes
    ----------
    name, type : str
        Layer name and class name.
    output_shape : str
        As printed, ``"multiple"`` if the applications differ.
    n_params : int
        Number of parameters.
    connections, neurons : int
        Connections, and neuron updates per time step.
    spiking : bool
        Whether the layer could run on spiking hardware as it is.
    rate_hz : float, optional
        Mean absolute activation at the input, summed over applications. None: no data.
    uncounted : str, optional
        Why the layer could not be counted.
    """

    name: str
    type: str
    output_shape: str
    n_params: int
    connections: int
    neurons: int
    spiking: bool
    rate_hz: float | None = None
    uncounted: str | None = None


def layer_statistics(model: Any, example_data: Any = None) -> tuple[LayerStatistics, ...]:
    """Statistics of every layer of a Keras model.

    Parameters
    ----------
    model : tf.keras.Model
        A functional or Sequential model. It is not changed.
    example_data : optional
        Inputs as ``model.predict`` takes them; without them rates are not known.

    Raises
    ------
    EnergyError
        If the model is not a graph of layers, or a layer's size is not known.
    """
    nodes = _nodes_by_layer(model)
    counts: dict[str, list[LayerCount]] = {}
    for layer in model.layers:
        uses = (LayerUse(layer, n.input_shapes, n.output_shapes) for n in nodes[id(layer)])
        counts[layer.name] = [count_layer(layer, use) for use in uses]
    rates = {} if example_data is None else _input_rates(model, nodes, example_data)
    return tuple(_statistics(layer, counts[layer.name], rates) for layer in model.layers)


def workload_of(
    statistics: Iterable[LayerStatistics], n_steps: int = 1, dt: float = KERAS_SPIKING_DT
) -> Workload:
    """The work of a Keras model taken to be converted into spiking neurons.

    Returns
    -------
    Workload
        With one mean sample if rates are known, else with static counts only.
    """
    statistics = tuple(statistics)
    measured = all(s.rate_hz is not None for s in statistics) and bool(statistics)
    pathways: list[PathwayWork] = []
    populations: list[PopulationWork] = []
    for s in statistics:
        if s.connections:
            synops = None
            if s.rate_hz is not None:
                synops = np.array([s.connections * s.rate_hz * dt * n_steps])
            name = f"{s.name} input"
            pathways.append(PathwayWork(name, s.name, "neural", s.connections, synops, synops))
        if s.neurons or not s.spiking:
            neurons = PopulationWork(
                s.name, s.name, s.neurons, s.type, spiking=True, updates=s.neurons * n_steps,
                assumed_spiking=not s.spiking,
            )  # fmt: skip
            populations.append(neurons)
    rows = ((s.name, s.type, s.output_shape, s.n_params, s.rate_hz) for s in statistics)
    reasons = ((s.name, s.name, s.uncounted) for s in statistics if s.uncounted)
    return Workload(
        layers=tuple(LayerInfo(*row) for row in rows),
        populations=tuple(populations),
        pathways=tuple(pathways),
        dense=tuple(DenseWork(s.name, s.name, s.connections) for s in statistics),
        uncounted=tuple(UncountedWork(*reason) for reason in reasons),
        n_steps=n_steps, dt=dt, n_samples=1 if measured else 0,
    )  # fmt: skip


class AverageCounter:
    """Workloads of one Keras model for any number of steps.

    Parameters
    ----------
    model : tf.keras.Model
        What to count.
    example_data : optional
        Inputs for the mean activations, as ``model.predict`` takes them.
    """

    def __init__(self, model: Any, example_data: Any = None):
        self.statistics = layer_statistics(model, example_data)

    def workload(self, n_steps: int | None = None, dt: float | None = None) -> Workload:
        """The work of ``n_steps`` (default 1) steps of ``dt`` (default 1 ms)."""
        wanted = checked_presentation(n_steps, dt, Presentation(1, _default_dt()))
        return workload_of(self.statistics, wanted.n_steps, wanted.dt)

    def layer_name(self, layer: Any) -> str:
        """The row of a layer given by name or as a Keras layer."""
        return named_layer(layer, (s.name for s in self.statistics))


def _default_dt() -> float:
    """KerasSpiking's own default, which its users may have changed."""
    default = getattr(sys.modules.get("keras_spiking"), "default", None)
    return float(getattr(default, "dt", KERAS_SPIKING_DT))


def _nodes_by_layer(model: Any) -> dict[int, list[Any]]:
    """The applications of each layer within the model, by ``id`` of the layer."""
    depths = getattr(model, "_nodes_by_depth", None)
    if not depths:
        raise EnergyError(
            f"Expected a functional or Sequential tf.keras model that has been built, not "
            f"{type(model).__name__}: its layers and their connections cannot be listed."
        )
    nodes: dict[int, list[Any]] = {id(layer): [] for layer in model.layers}
    for group in depths.values():
        for node in group:
            # A Sequential model hides its input layer, whose work is nothing anyway.
            nodes.setdefault(id(node.layer), []).append(node)
    return nodes


def _input_rates(model: Any, nodes: dict[int, list[Any]], data: Any) -> dict[str, float]:
    uses = [(layer.name, node) for layer in model.layers for node in nodes[id(layer)]]
    inputs = [_flat(node.input_tensors) for _, node in uses]
    rates = {layer.name: 0.0 for layer in model.layers}
    for (owner, _), rate in zip(uses, mean_abs_inputs(model, inputs, data)):
        rates[owner] += float(rate)
    return rates


def _flat(tensors: Any) -> list[Any]:
    if isinstance(tensors, dict):
        tensors = list(tensors.values())
    if isinstance(tensors, (list, tuple)):
        return [t for member in tensors for t in _flat(member)]
    return [tensors]


def _statistics(layer: Any, uses: list[LayerCount], rates: dict[str, float]) -> LayerStatistics:
    try:
        shape = layer.output_shape
        shape = shape[0] if isinstance(shape, list) and len(shape) == 1 else shape
    except (AttributeError, RuntimeError):
        # Keras' way of saying that the applications differ in shape.
        shape = "multiple"
    return LayerStatistics(
        name=layer.name,
        type=type(layer).__name__,
        output_shape=str(shape),
        n_params=int(layer.count_params()),
        connections=sum(u.connections for u in uses),
        neurons=sum(u.neurons for u in uses),
        spiking=all(u.spiking for u in uses),
        rate_hz=rates.get(layer.name),
        uncounted=next((u.uncounted for u in uses if u.uncounted), None),
    )
