"""Scales that the search starts from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...activity import measure
from ...conversion import convert
from ...errors import TuningError
from ...graph import NetworkGraph
from ..firing_rates import tune_firing_rates
from ..rescaling import RescalableNetwork
from .space import RULE_HZ

TUNED_HZ = (150.0, 100.0)
"""Targets of the tuned scales. Lower ones need more steps than most presentations have."""

_SIMULATIONS = 8


def rule_scales(
    model: Any, x: np.ndarray, layers: Sequence[str], options: Mapping[str, Any]
) -> dict[str, float]:
    """Scales by layer for a mean rate of active neurons of 200 Hz, by the tutorial's rule.

    Rates are taken to be scale times activation, as they are for ReLUs that are not limited and
    in steady state. The tutorial averages two images, this one all given.

    Parameters
    ----------
    model : tf.keras.Model
        The model.
    x : ndarray of shape (n, ...)
        Images.
    layers : sequence of str
        The layers wanted.
    options : mapping
        Of `convert`, other than neuron type, scales and synapse.

    Raises
    ------
    TuningError
        If a layer's neurons are all silent on these images.
    """
    network = convert(model, neuron_type="RectifiedLinear", synapse=None, **options)
    # without a filter every layer has its value in the first step, whatever lies before it
    activity = measure(network, x, 1, progress=False)
    active: dict[str, list[np.ndarray]] = {}
    for population in NetworkGraph(network).populations:
        values = activity.populations[population.name].counts / activity.protocol.dt
        active.setdefault(population.layer, []).append(values[values > 0])
    scales = {}
    for layer in layers:
        values = np.concatenate(active.get(layer, [np.zeros(0)]))
        if not values.size:
            raise TuningError(
                f"No neuron of layer {layer!r} is active on the first {len(x)} images, so there "
                "is no rate to tune: check the images' range of values."
            )
        scales[layer] = RULE_HZ / float(values.mean())
    return scales


def tuned_scales(
    network: RescalableNetwork, x: np.ndarray, n_steps: int
) -> dict[str, dict[str, float]]:
    """Scales with which the spikes counted are at a target in every layer, in words by target.

    Parameters
    ----------
    network : RescalableNetwork
        With the neurons asked for.
    x : ndarray of shape (n, ...)
        Images.
    n_steps : int
        Steps that rates are counted over.
    """
    found = {}
    for target in TUNED_HZ:
        tuning = tune_firing_rates(
            network, x, target=target, n_steps=n_steps, max_simulations=_SIMULATIONS,
            progress=False,
        )  # fmt: skip
        by_layer = tuning.scale_firing_rates.items()
        scales = {getattr(layer, "name", layer): float(scale) for layer, scale in by_layer}
        found[f"tuned to {target:g} Hz"] = {name: scales[name] for name in network.layers}
    return found
