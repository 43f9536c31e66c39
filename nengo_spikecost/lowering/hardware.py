"""Connections that NengoLoihi refuses, but takes in another form that computes the same."""

from __future__ import annotations

import nengo
import numpy as np
from nengo.ensemble import Neurons
from nengo.transforms import Convolution, ConvolutionTranspose, Dense, NoTransform

from .composition_plan import is_neural


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
