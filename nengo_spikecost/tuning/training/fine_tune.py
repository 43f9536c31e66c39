"""`fine_tune`: a trained Keras model, trained on as the spiking network it becomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import tensorflow as tf

from ... import check
from ...conversion import Conversion, convert
from ...conversion.checks import check_model
from ...conversion.copying import known_objects
from ...conversion.keras3 import is_keras_3, rebuild
from ...conversion.lookup import walk_layers
from ...conversion.scales import by_layer_name, layer_names
from ...errors import TuningError
from ...graph import NetworkGraph
from ...options import takes_options
from ...trying.retyping import as_typed
from ..fine_tune_options import FineTuneOptions
from .fine_tuning import FineTuning
from .nengo_trainee import NengoTrainee
from .penalties import Penalties, make_penalties
from .tasks import Task, training_data
from .trainee import Trainee
from .training_memory import check_memory
from .training_run import Run, make_optimizer
from .unrolled_trainee import UnrolledTrainee
from .weights import WeightMap, training_copy

#: Options of `convert` that training decides.
_DECIDED = ("inference_only", "lower", "off_chip", "split_shared_weights", "allow_fallback")


@takes_options(FineTuneOptions)
def fine_tune(
    model: tf.keras.Model, x: Any, y: Any, *, options: FineTuneOptions, **convert_options: Any
) -> FineTuning:
    """Train a Keras model as the spiking network it becomes, so that it makes fewer synops.

    The model is converted, trained with the losses asked for (in NengoDL, or with
    ``forward="steps"`` as a Keras model of all steps), and its trained weights are put into a new
    Keras model. The one given stays as it is.

    Parameters
    ----------
    model : tf.keras.Model
        A trained model. Dropout and noise are left out while it is trained here, and batch
        normalization keeps its statistics.
    x : array or dict of arrays
        Samples, as `nengo_spikecost.measure` takes them: constant, or with a time axis.
    y : array or dict of arrays
        Labels, by output if there are several: classes as whole numbers, or what ``loss``
        takes.
    {options}
    **convert_options
        Other options of `convert`: ``swap_activations``, ``max_pooling``, ``temporal``, ...

    Returns
    -------
    FineTuning
        If it is interrupted (Ctrl+C), with what was best until then.

    Raises
    ------
    TuningError
        If an argument is not as described, weights can't be given back, or the loss is no
        number; then with what was best until then in its attribute ``result``.
    ConversionError
        If the model can't be converted for training.
    DataError
        If samples or labels do not fit the model.
    """
    decided = [name for name in _DECIDED if name in convert_options]
    if decided:
        raise TuningError(f"fine_tune decides {decided[0]} itself: leave it out.")
    given = rebuild(model) if is_keras_3(model) else model
    check_model(given)
    copy = training_copy(given)
    options = _by_name(options, layer_names(model, given))
    unrolled = options.forward == "steps"
    convert_options = {
        "neuron_type": options.neuron_type, "seed": options.seed, **convert_options,
    }  # fmt: skip

    def converted(a_model: Any, scales: Any, synapse: Any) -> Conversion:
        form: dict[str, Any] = {} if unrolled else {"inference_only": False, "lower": False}
        return convert(
            a_model, scale_firing_rates=scales, synapse=synapse, **form, **convert_options
        )

    weights = None
    if not unrolled:
        weights = WeightMap(copy, lambda numbered: converted(numbered, 1, None))
    synapse = options.synapse if options.spikes else None
    conversion = converted(copy, options.scale_firing_rates, synapse)
    data = training_data(conversion, x, y, options)
    check_memory(conversion.net, options, conversion.temporal)
    penalties = make_penalties(conversion, options)
    sizes = {name: probe.size_in for name, probe in conversion.outputs.items()}
    task = Task(given, options.loss, options.readout, data.labels, sizes)
    n_batches = options.epochs * (data.n // options.batch_size)
    optimizer = make_optimizer(options.learning_rate, n_batches)
    trainee: Trainee
    if weights is None:
        trainee = UnrolledTrainee(copy, conversion, task, penalties, options, optimizer)
        if options.start_rate is not None:
            trainee.start(data.inputs, options.start_rate)
        frozen = trainee.frozen
    else:
        trainee = NengoTrainee(conversion, weights, task, penalties, options, optimizer)
        frozen = weights.frozen
    try:
        run = Run(trainee, data, options, {**options.deciding(), **convert_options})
        stopped = run.train()
    finally:
        trainee.close()
    result = FineTuning(
        model=_with_weights(given, copy, run.best_weights),
        scale_firing_rates=run.best_scales or _scales(conversion, penalties, run.moments),
        history=tuple(run.history), best_epoch=run.best_epoch, n_steps=options.n_steps,
        forward=options.forward, layer_delay=options.layer_delay, frozen=frozen, stopped=stopped,
        flags=_flags(options),
    )  # fmt: skip
    if run.failed:
        raise TuningError(f"Training ended: {stopped}. Use a smaller learning_rate.", result)
    return result


def _flags(options: FineTuneOptions) -> str:
    """Neurons, filter, readout and dt, as flags of a command; none for the default."""
    default, said = FineTuneOptions(), ""
    if options.synapse is None or options.synapse == 0:
        said += " --synapse 0"
    elif check.is_number(options.synapse) and options.synapse != default.synapse:
        said += f" --synapse {as_typed(options.synapse)}"
    for flag in ("readout", "dt"):
        if getattr(options, flag) != getattr(default, flag):
            said += f" --{flag} {as_typed(getattr(options, flag))}"
    neurons = options.neuron_type
    name = neurons if isinstance(neurons, str) else type(neurons).__name__
    return said if name == default.neuron_type else f"{said} --neuron {name}"


def _by_name(options: FineTuneOptions, names: Mapping[int, str]) -> FineTuneOptions:
    """The options with names of layers where the user gave layers."""
    scales, rates_hz = options.scale_firing_rates, options.rates_hz
    return replace(
        options,
        scale_firing_rates=by_layer_name(scales, names) if isinstance(scales, Mapping) else scales,
        rates_hz=by_layer_name(rates_hz, names) if isinstance(rates_hz, Mapping) else rates_hz,
        regularizers=by_layer_name(options.regularizers or {}, names),
    )


def _scales(
    conversion: Conversion, penalties: Penalties, moments: Mapping[str, Any]
) -> dict[str, float]:
    """Scale of each layer with neurons, changed so that it has the rate wanted."""
    populations = NetworkGraph(conversion).populations
    scales = {p.layer: conversion.scale_firing_rates.get(p.layer, 1.0) for p in populations}
    for population in populations if penalties.rates_hz is not None else ():
        total, squares = moments[population.name]
        if total > 0:
            wanted = (penalties.rates_hz or {})[population.name]
            scales[population.layer] *= float(wanted * total / squares)
    return scales


def _with_weights(model: Any, copy: Any, weights: list[np.ndarray]) -> tf.keras.Model:
    """A new model like the user's, with the copy's trained weights."""
    copy.set_weights(weights)
    with known_objects(model):
        new = tf.keras.models.clone_model(model)
    trained, layers = dict(walk_layers(copy)), dict(walk_layers(new))
    for name, layer in walk_layers(model):
        if not isinstance(layer, tf.keras.Model) and layer.weights:
            source = trained[name] if trained[name].weights else layer
            layers[name].set_weights(source.get_weights())
    return new
