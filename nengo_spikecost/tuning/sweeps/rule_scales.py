"""Scales that the search starts from."""

from __future__ import annotations

import numpy as np

from ..rates import tune_firing_rates
from ..rescaling import RescalableNetwork

TUNED_HZ = (150.0, 100.0)
"""Targets of the tuned scales. Lower ones need more steps than most presentations have."""

_SIMULATIONS = 8


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
        found[f"tuned to {target:g} Hz"] = {name: tuning.scales[name] for name in network.layers}
    return found
