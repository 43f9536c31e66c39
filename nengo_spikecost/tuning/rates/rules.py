"""The rules of NengoDL's and NengoLoihi's tutorials, to compare with."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import TuningError
from ..rescaling import RescalableNetwork
from .curve import relu_activations


def global_scale(model: Any, scale: float = 100.0, **options: Any) -> dict[str, float]:
    """One scale for all layers: the tutorial's first rule.

    Parameters
    ----------
    model : tf.keras.Model or Conversion or RescalableNetwork
    scale : float
    **options
        Of `convert`, for a Keras model.

    Returns
    -------
    dict from str to float
        By layer.
    """
    return dict.fromkeys(_network(model, options).layers, float(scale))


def activation_rule(model: Any, x: Any, target: float = 200.0, **options: Any) -> dict[str, float]:
    """The target divided by the mean of the ReLU outputs that are not zero.

    The tutorial's second rule, for which it takes two samples and 200 Hz. Nothing spikes: the
    rates come out different as far as neurons are not proportional.

    Parameters
    ----------
    model : tf.keras.Model or Conversion or RescalableNetwork
    x : array or dict
        Samples.
    target : float
        In Hz.
    **options
        Of `convert`, for a Keras model.

    Returns
    -------
    dict from str to float
        By layer.

    Raises
    ------
    TuningError
        If all ReLU outputs of a layer are zero.
    """
    network = _network(model, options)
    activations = relu_activations(network.conversion, x, 1)
    scales = {}
    for layer in network.layers:
        outputs = np.concatenate([activations[p.name] for p in network.populations[layer]], axis=1)
        # one mean a sample, and the mean of these, as the tutorial has it
        means = [float(row[row > 0].mean()) for row in outputs if (row > 0).any()]
        if not means:
            raise TuningError(
                f"No neuron of layer {layer!r} is active on these samples, so there is no rate to "
                "tune: check the range of their values."
            )
        scales[layer] = target / float(np.mean(means))
    return scales


def _network(model: Any, options: dict[str, Any]) -> RescalableNetwork:
    return model if isinstance(model, RescalableNetwork) else RescalableNetwork(model, **options)
