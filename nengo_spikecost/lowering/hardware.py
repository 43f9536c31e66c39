"""Forms that chips take: constants as biases, and Connections that NengoLoihi does not refuse.

Both compute the same as the form that the network has.
"""

from __future__ import annotations

from typing import Any

import nengo
import numpy as np
from nengo.connection import LearningRule
from nengo.dists import Choice
from nengo.ensemble import Neurons
from nengo.transforms import ChannelShape, Convolution, ConvolutionTranspose, Dense, NoTransform

from ..graph.chip_split import ChipSplit
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


def over_two_axes(conn: nengo.Connection) -> Any | None:
    """A convolution over one axis as the same one over two, whose weights are drawn alike.

    Returns
    -------
    nengo.transforms.Transform or None
        None if it is no such Connection between neurons.
    """
    old = conn.transform
    ends = isinstance(conn.pre_obj, Neurons) and isinstance(conn.post_obj, Neurons)
    if not (ends and type(old) in (Convolution, ConvolutionTranspose) and old.dimensions == 1):
        return None

    def shape(of: Any) -> ChannelShape:
        last = of.channels_last
        sizes = (1, *of.spatial_shape)
        all_sizes = (*sizes, of.n_channels) if last else (of.n_channels, *sizes)
        return ChannelShape(all_sizes, channels_last=last)

    more = {"groups": old.groups} if getattr(old, "groups", 1) > 1 else {}
    if isinstance(old, ConvolutionTranspose):
        more["output_shape"] = shape(old.output_shape)
    init = old.init[None] if isinstance(old.init, np.ndarray) else old.init
    return type(old)(
        old.n_filters, shape(old.input_shape), kernel_size=(1, *old.kernel_size),
        strides=(1, *old.strides), padding=old.padding, channels_last=old.channels_last,
        init=init, **more,
    )  # fmt: skip


def needs_relay(conn: nengo.Connection, split: ChipSplit) -> bool:
    """Whether NengoLoihi would refuse a Connection that leads out of neurons, to a Node or host.

    Parameters
    ----------
    conn : nengo.Connection
    split : ChipSplit
        Of its network.
    """
    if conn.learning_rule_type is not None:
        return False
    if isinstance(conn.pre_obj, Neurons) and not is_neural(conn.post_obj):
        return conn.function is None and not _is_matrix(conn.transform)
    return leaves_chip(split, conn.pre_obj, conn.post_obj, conn.transform)


def leaves_chip(split: ChipSplit, pre: Any, post: Any, transform: Any) -> bool:
    """Whether a Connection from the chip to the host has a transform that only the host can do.

    NengoLoihi multiplies what leaves the chip by dense matrices only. Spikes are summed by a
    vector, where Nengo means a diagonal matrix; decoded values are not.

    Parameters
    ----------
    split : ChipSplit
    pre, post : nengo object
        Its two ends.
    transform : nengo.transforms.Transform
    """
    if isinstance(post, LearningRule) or not split.on_chip(pre) or split.on_chip(post):
        return False
    if isinstance(pre, nengo.Ensemble):
        return not isinstance(transform, (Dense, NoTransform))
    return isinstance(pre, Neurons) and not (_is_matrix(transform) or _is_scalar(transform))


def _is_matrix(transform: Any) -> bool:
    dense = isinstance(transform, Dense) and transform.init_shape == transform.shape
    return dense or isinstance(transform, NoTransform)


def _is_scalar(transform: Any) -> bool:
    return isinstance(transform, Dense) and transform.init_shape == ()


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
