"""Forms that chips take: constants as biases, and Connections that NengoLoihi does not refuse.

Both compute the same as the form that the network has.
"""

from __future__ import annotations

from typing import Any

import nengo
import numpy as np
from nengo.dists import Choice
from nengo.ensemble import Neurons
from nengo.transforms import Convolution, ConvolutionTranspose, Dense, NoTransform

from ..graph.routes import is_neural


def needs_rewriting(conn: nengo.Connection) -> bool:
    """Whether NengoLoihi would refuse a Connection that it could take in another form."""
    if not (isinstance(conn.pre_obj, Neurons) and isinstance(conn.post_obj, Neurons)):
        return False
    convolutions = (Convolution, ConvolutionTranspose)
    if isinstance(conn.transform, convolutions) and conn.transform.dimensions == 1:
        return True
    return not np.array_equal(
        np.arange(conn.post_obj.size_in)[conn.post_slice], np.arange(conn.post_obj.size_in)
    )


def needs_relay(conn: nengo.Connection) -> bool:
    """Whether NengoLoihi would refuse a Connection that leads out of neurons."""
    if not isinstance(conn.pre_obj, Neurons) or is_neural(conn.post_obj):
        return False
    if conn.learning_rule_type is not None or conn.function is not None:
        return False
    transform = conn.transform
    dense = isinstance(transform, Dense) and transform.init_shape == transform.shape
    return not (dense or isinstance(transform, NoTransform))


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
