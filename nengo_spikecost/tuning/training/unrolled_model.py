"""A Keras model put together anew, of layers that compute all steps at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import nengo
import numpy as np
import tensorflow as tf
from nengo.builder.network import seed_network

from ...conversion import Conversion
from ...conversion.places import AVERAGE
from ...errors import TuningError
from ...graph import NetworkGraph, Population
from ...words import counted
from .chip_layers import OnChip
from .folded_steps import Presentation
from .neuron_steps import Neurons, is_rectified, steps_of
from .unrolled_layers import Folded, Spiking

_layers = tf.keras.layers

#: What max pooling becomes where it is an average.
_AVERAGES: Mapping[type, type] = {
    _layers.MaxPool1D: _layers.AvgPool1D, _layers.MaxPool2D: _layers.AvgPool2D,
    _layers.MaxPool3D: _layers.AvgPool3D, _layers.GlobalMaxPool1D: _layers.GlobalAvgPool1D,
    _layers.GlobalMaxPool2D: _layers.GlobalAvgPool2D,
    _layers.GlobalMaxPool3D: _layers.GlobalAvgPool3D,
}  # fmt: skip

#: Which of the active neurons begins with the rate that is asked for.
START_PERCENTILE = 90

#: Layers that remember something from step to step, or hold another layer that may.
_NOT_FOLDED = (_layers.RNN, _layers.Wrapper)


def unrolled_model(
    model: tf.keras.Model, conversion: Conversion, presentation: Presentation, surrogate: str,
    learns: str | None, quantize: bool = False,
) -> tuple[tf.keras.Model, dict[str, Spiking]]:  # fmt: skip
    """A model that computes all steps of the network that a model becomes.

    Parameters
    ----------
    model : tf.keras.Model
        Its layers are used, and those with neurons lose their activations.
    conversion : Conversion
        Of it, as it is in inference.
    presentation : Presentation
    surrogate : str
    learns : {None, "layer", "channel"}
    quantize : bool
        Whether layers on the chip have its numbers; they are to be placed then.

    Returns
    -------
    model : tf.keras.Model
    spiking : dict from str to Spiking
        The layer of every population, by the population's name.

    Raises
    ------
    TuningError
        If a layer computes something else in the network, or remembers.
    """
    graph = NetworkGraph(conversion)
    _refuse_other_forms(conversion)
    by_layer: dict[str, list[Population]] = {}
    for population in graph.populations:
        by_layer.setdefault(population.layer, []).append(population)
    starts = _starts(conversion.net, presentation.dt)
    spiking: dict[str, Spiking] = {}
    averaged = {choice.layer for choice in conversion.choices if choice.choice == AVERAGE}

    def cloned(prefix: str) -> Any:
        def clone(layer: Any) -> Any:
            name = prefix + layer.name
            if isinstance(layer, tf.keras.Model):
                inner = cloned(f"{name}/")
                return tf.keras.models.clone_model(layer, clone_function=inner)
            if isinstance(layer, _NOT_FOLDED):
                raise TuningError(
                    f"Layer {name!r} ({type(layer).__name__}) can't be trained with "
                    "forward='steps': its steps can't be computed side by side. Use "
                    "forward='spikes'."
                )
            populations = by_layer.get(name, [])
            if not populations:
                return Folded(_average(layer) if name in averaged else layer, presentation)
            _check_neurons(name, layer, populations)
            (own,) = populations
            neurons = Neurons(own.neuron_type, presentation.dt, surrogate, starts[own.ensemble])
            scale = conversion.scale_firing_rates.get(name, 1.0)
            kind = OnChip if quantize and own.on_chip else Spiking
            spiking[own.name] = kind(layer, presentation, neurons, scale, learns)
            targets = [pathway.on_chip for pathway in graph.pathways if pathway.pre is own]
            spiking[own.name].read_by_host = own.on_chip and not any(targets)
            return spiking[own.name]

        return clone

    unrolled = tf.keras.models.clone_model(model, clone_function=cloned(""))
    for population in graph.populations:
        if population.name not in spiking:
            raise TuningError(
                f"The neurons {population.name!r} belong to no layer of the model (spike_input "
                "puts such in front): forward='steps' can't train them. Use forward='spikes'."
            )
    return unrolled, spiking


def _refuse_other_forms(conversion: Conversion) -> None:
    if conversion.temporal:
        raise TuningError(
            f"Model {conversion.model.name!r} has layers of time, whose steps can't be computed "
            "side by side: use forward='spikes'."
        )
    for choice in conversion.choices:
        if not choice.exact and choice.choice != AVERAGE:
            raise TuningError(
                f"Layer {choice.layer!r} ({choice.layer_type}) becomes {choice.choice}, which "
                "forward='steps' can't train: use forward='spikes' or 'rates'."
            )


def _check_neurons(name: str, layer: Any, populations: list[Population]) -> None:
    """Raise an error unless a layer is a linear part followed by one population."""
    has_one = hasattr(layer, "activation") or isinstance(layer, _layers.ReLU)
    if len(populations) > 1 or not has_one:
        raise TuningError(
            f"Layer {name!r} ({type(layer).__name__}) becomes "
            f"{counted(len(populations), 'population')} that forward='steps' can't train: it "
            "trains layers that are applied once and followed by a ReLU. Use forward='spikes' or "
            "'rates'."
        )
    steps_of(populations[0].neuron_type, name)


def _average(layer: Any) -> Any:
    kind: Any = _AVERAGES[type(layer)]
    return kind.from_config(layer.get_config())


def _starts(net: nengo.Network, dt: float) -> dict[nengo.Ensemble, dict[str, np.ndarray]]:
    """The state that each Ensemble's neurons start from, as Nengo's builder draws it."""
    seeds: dict[Any, int] = {}
    seeded: dict[Any, bool] = {}
    seeds[net], seeded[net] = net.seed, True
    seed_network(net, seeds=seeds, seeded=seeded)
    return {
        ensemble: ensemble.neuron_type.make_state(
            ensemble.n_neurons, rng=np.random.RandomState(seeds[ensemble] + 1)
        )
        for ensemble in net.all_ensembles
    }


def start_scales(
    model: tf.keras.Model, spiking: Mapping[str, Spiking], inputs: list[tf.Tensor], rate: float
) -> None:
    """Set scales so that most active neurons begin with at most so many spikes a step.

    Parameters
    ----------
    model : tf.keras.Model
        Of `unrolled_model`.
    spiking : mapping from str to Spiking
        Their scales are changed.
    inputs : list of tf.Tensor
        Of one batch.
    rate : float
        Spikes a step of the 90th percentile of all neurons and samples with some activity.

    Raises
    ------
    TuningError
        If a layer has neurons of another kind, or no neuron of it is active.
    """
    for name, layer in spiking.items():
        if not is_rectified(layer.neurons.type):
            raise TuningError(
                f"Layer {name!r}: start_rate is for neurons whose rate is their current, not for "
                f"{type(layer.neurons.type).__name__}. Give scale_firing_rates."
            )
    presentation = layer.presentation
    presentation.rates = True
    try:
        model(inputs, training=False)
    finally:
        presentation.rates = False
    for name, layer in spiking.items():
        drive = layer.drive.numpy()
        if not (drive > 0).any():
            raise TuningError(
                f"Layer {name!r} has no active neuron on the samples given, so start_rate says "
                "no scale for it. Give scale_firing_rates."
            )
        top = float(np.percentile(drive[drive > 0], START_PERCENTILE))
        layer.scale = rate / (layer.neurons.dt * top)
        layer.drive = None
