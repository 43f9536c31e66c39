"""Constants that reach neurons, added to their biases."""

from __future__ import annotations

from typing import Any

import nengo
import numpy as np
from nengo.dists import Choice


def folded_bias(ensemble: nengo.Ensemble, constant: np.ndarray) -> np.ndarray | None:
    """The biases with which neurons need no constant input.

    Parameters
    ----------
    ensemble : nengo.Ensemble
    constant : ndarray of shape (n_neurons,)
        Their constant input, before their gain.

    Returns
    -------
    ndarray of shape (n_neurons,), or None
        None if gain or bias is not known before the network is built.
    """
    gain = _values(ensemble.gain, ensemble.n_neurons)
    bias = _values(ensemble.bias, ensemble.n_neurons)
    if gain is None or bias is None:
        return None
    return bias + gain * constant


def _values(param: Any, n_neurons: int) -> np.ndarray | None:
    if isinstance(param, Choice) and len(param.options) == 1:
        return np.broadcast_to(np.ravel(param.options[0]), n_neurons)
    if isinstance(param, np.ndarray):
        return np.broadcast_to(param, n_neurons)
    return None
