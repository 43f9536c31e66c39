"""`fine_tune`: a trained Keras model, trained on as the spiking network it becomes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from ...conversion import Conversion, convert
from ...conversion.checks import check_model
from ...conversion.copying import known_objects
from ...conversion.keras3 import is_keras_3, rebuild
from ...conversion.lookup import walk_layers
from ...conversion.neurons import NeuronTypeLike
from ...errors import TuningError
from ...files import check_writable
from ...graph import NetworkGraph
from .data import training_data
from .fine_tuning import FineTuning
from .penalties import Penalties, SynopPenalty, make_penalties
from .tasks import Task
from .trainee import Trainee
from .training_options import check_options, keyed_by_name, resolved_scales
from .training_run import Run, make_optimizer
from .weights import WeightMap, training_copy


def fine_tune(
    model: tf.keras.Model,
    x: Any,
    y: Any,
    *,
    n_steps: int,
    forward: str = "spikes",
    neuron_type: NeuronTypeLike = "SpikingRectifiedLinear",
    scale_firing_rates: Any = 1,
    synapse: Any = None,
    synop_weight: float = 0.0,
    synop_target: Any = None,
    rates_hz: Any = None,
    regularizers: Mapping[Any, Any] | None = None,
    loss: Any = None,
    readout: str = "last",
    epochs: int = 1,
    batch_size: int = 100,
    learning_rate: Any = 1e-3,
    validation: Any = 0.05,
    dt: float = 0.001,
    seed: int = 0,
    checkpoint: Any = None,
    progress: bool = True,
    **options: Any,
) -> FineTuning:
    """Train a Keras model as the spiking network it becomes, so that it makes fewer synops.

    The model is converted, trained in NengoDL with the losses asked for, and its trained
    weights are put into a new Keras model. The one given stays as it is.

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
    n_steps : int
        Steps of one presentation: what synops are counted over, and with
        ``forward="spikes"``, what is simulated.
    forward : {"spikes", "rates"}
        What neurons do in training. ``"spikes"``: they spike, and gradients are those of
        their rate curve (`spiking_aware_training`); ``n_steps`` steps are simulated.
        ``"rates"``: their rate curve, in one step, without synapses: some 50 times faster,
        and blind to what spikes are late for.
    neuron_type, scale_firing_rates, synapse
        As of `nengo_spikecost.convert`.
    synop_weight : float
        What all synops of the model as it is given cost, in units of the loss; half as many
        cost half of it.
    synop_target : float or (float, float), optional
        Synops a sample, at most or from a minimum to a maximum, that cost nothing.
    rates_hz : float or dict, optional
        Only with ``forward="rates"``: the rate in Hz that each layer is going to be scaled
        to, for all or by layer: that of the neuron that fires a spike, on average over all
        spikes, ``sum(r ** 2) / sum(r)``. Synops are those at these rates, so that training
        makes activity sparse, not small; and the scales that give them are handed back.
        Without it, rates are those of ``scale_firing_rates``.
    regularizers : dict, optional
        By layer or layer name: one or more regularizers of its firing rates, in Hz, each
        neuron's averaged over the presentation; see `nengo_spikecost.tuning.Percentile` and
        its like.
    loss : str or callable or dict, optional
        A Keras loss for the outputs, all or by name. Default: cross-entropy.
    readout : {"last", "mean"}
        Whether the output of the last step or that averaged over all steps is scored.
    epochs : int
        Times that the samples are gone through.
    batch_size : int
        Samples in a batch. What is left of an epoch, less than a batch, waits for the next.
    learning_rate : float or tf.keras.optimizers.Optimizer
        A number is where Adam begins; it falls to a tenth along a cosine.
    validation : float or (x, y)
        Samples that are held out to choose the best epoch with: a share of ``x``, drawn at
        random, or others. 0: the samples trained with, up to 1,000 of them.
    dt : float
        Length of a step in s.
    seed : int
        Of the network, and of the order of samples.
    checkpoint : str or path, optional
        File (.npz) written after every epoch. If it is there, training goes on from it.
    progress : bool
        Show a progress bar with the time left.
    **options
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
    check_options(
        forward=forward,
        n_steps=n_steps,
        synop_weight=synop_weight,
        rates_hz=rates_hz,
        epochs=epochs,
        batch_size=batch_size,
        dt=dt,
        options=options,
    )
    if checkpoint is not None:
        check_writable(checkpoint)
    given = rebuild(model) if is_keras_3(model) else model
    check_model(given)
    spikes = forward == "spikes"
    copy = training_copy(given)
    options = {"neuron_type": neuron_type, "seed": seed, **options}

    def converted(a_model: Any, scales: Any, filtered: Any) -> Conversion:
        return convert(
            a_model,
            inference_only=False,
            lower=False,
            scale_firing_rates=scales,
            synapse=filtered,
            **options,
        )

    rates_hz = keyed_by_name(rates_hz, model, given)
    regularizers = keyed_by_name(regularizers or {}, model, given)
    weights = WeightMap(copy, lambda numbered: converted(numbered, 1, None))
    scales: Any = scale_firing_rates
    if isinstance(scales, Mapping):
        scales = resolved_scales(scales, model, given)
    conversion = converted(copy, scales, synapse if spikes else None)
    data = training_data(conversion, x, y, validation, batch_size, n_steps, seed)
    steps = n_steps if spikes or conversion.temporal else 1
    penalties = make_penalties(
        NetworkGraph(conversion),
        n_steps=n_steps,
        dt=dt,
        regularizers=regularizers,
        rates_hz=rates_hz,
        layers=conversion.layers,
        count_synops=bool(synop_weight) or synop_target is not None,
    )
    sizes = {name: probe.size_in for name, probe in conversion.outputs.items()}
    n_batches = data.n // batch_size
    trainee = Trainee(
        conversion,
        weights,
        Task(given, loss, readout, data.labels, sizes),
        penalties,
        SynopPenalty.of(synop_weight, synop_target),
        n_steps=steps,
        spikes=spikes,
        batch_size=batch_size,
        dt=dt,
        optimizer=make_optimizer(learning_rate, epochs * n_batches),
        seed=seed,
    )
    try:
        settings = {
            "settings": [n_steps, forward, epochs, batch_size, readout, dt, seed],
            "penalties": [synop_weight, synop_target, rates_hz, regularizers],
            "options": [scales, synapse, options, loss, learning_rate],
        }
        run = Run(trainee, data, epochs, seed, checkpoint, settings)
        stopped = run.train(progress)
    finally:
        trainee.close()
    result = FineTuning(
        model=_with_weights(given, copy, run.best_weights),
        scale_firing_rates=_scales(conversion, penalties, run.moments),
        history=tuple(run.history),
        best_epoch=run.best_epoch,
        n_steps=n_steps,
        forward=forward,
        frozen=weights.frozen,
        stopped=stopped,
    )
    if run.failed:
        raise TuningError(f"{stopped}. Use a smaller learning_rate.", result)
    return result


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
