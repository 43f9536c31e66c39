"""Activations as neurons, as sums of ReLU populations, or as a function on the host."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Callable

import nengo
import nengo_dl
import numpy as np
import tensorflow as tf

from ..host_node import HostFunction, Softmax


@dataclass(frozen=True)
class Term:
    """``weight * relu(slope * x + shift)``: one population of ReLU neurons.

    Attributes
    ----------
    name : str
        Which population of the layer it is.
    weight : float or ndarray
        An array is broadcast to the shape of one sample.
    slope, shift : float
    """

    name: str
    weight: Any = 1.0
    slope: float = 1.0
    shift: float = 0.0


@dataclass(frozen=True)
class PiecewiseLinear:
    """A continuous curve of straight pieces, as a sum of ReLUs.

    Attributes
    ----------
    terms : tuple of Term
    """

    terms: tuple[Term, ...]


@dataclass(frozen=True)
class HostCurve:
    """An activation that is computed on the host.

    Attributes
    ----------
    choice : str
        Its name among the choices of a conversion.
    make : callable
        From the shape of one sample to a `HostFunction`.
    """

    choice: str
    make: Callable[[tuple[int, ...]], HostFunction]


#: Stands for an activation whose curve no neuron type has.
CURVELESS = object()


def rectified(
    negative_slope: Any = 0.0, max_value: float | None = None
) -> PiecewiseLinear | nengo.neurons.NeuronType:
    """A ReLU that may leak below zero and saturate above.

    Parameters
    ----------
    negative_slope : float or ndarray
        An array is broadcast to the shape of one sample.
    max_value : float, optional
        At least 0.
    """
    terms = [Term("positive")]
    if max_value is not None:
        terms.append(Term("excess", weight=-1.0, shift=-float(max_value)))
    if np.any(np.asarray(negative_slope) != 0):
        terms.append(Term("negative", weight=-np.asarray(negative_slope), slope=-1.0))
    return nengo.RectifiedLinear() if len(terms) == 1 else PiecewiseLinear(tuple(terms))


#: 0 below -2.5, 1 above 2.5, a straight line between
HARD_SIGMOID = PiecewiseLinear((Term("rising", 1.0, 0.2, 0.5), Term("excess", -1.0, 0.2, -0.5)))


def softmax(axes: tuple[int, ...] = (-1,)) -> HostCurve:
    """Softmax over some axes of one sample."""
    return HostCurve("softmax on the host", lambda shape: Softmax(shape, axes))


def _keras_functions() -> dict[Any, Any]:
    """Forms of the functions of TensorFlow and Keras that nengo_dl does not know.

    Not every version has all of the names.
    """
    known = tf.keras.activations
    curves = {
        "relu6": rectified(max_value=6.0),
        "leaky_relu": rectified(negative_slope=0.2),
        "softmax": softmax(),
    }
    functions = {getattr(tf.nn, name): curve for name, curve in curves.items()}
    curves["hard_sigmoid"] = HARD_SIGMOID
    for name, curve in curves.items():
        if hasattr(known, name):
            functions[getattr(known, name)] = curve
    return functions


_FUNCTIONS = _keras_functions()


def form_of(activation: Any, swaps: Mapping[Any, Any], known: Mapping[Any, Any]) -> Any:
    """The form of an activation.

    Parameters
    ----------
    activation
        As `LayerConverter.add_stage` takes it.
    swaps : mapping
        The user's replacements of activations and neuron types.
    known : mapping
        nengo_dl's neuron types by function.

    Returns
    -------
    None, nengo.neurons.NeuronType, PiecewiseLinear, HostCurve or CURVELESS
        None is linear.
    """
    if isinstance(activation, tf.keras.layers.Layer):
        activation = _layer_curve(activation)
    if not isinstance(activation, (PiecewiseLinear, HostCurve)):
        activation = swaps.get(activation, activation)
    if isinstance(activation, PiecewiseLinear):
        return _as_leaky_neurons(activation, swaps) or activation
    if isinstance(activation, HostCurve) or activation is CURVELESS:
        return activation
    if activation in known:
        activation = known[activation]
    elif activation in _FUNCTIONS:
        return form_of(_FUNCTIONS[activation], swaps, known)
    if activation is None:
        return None
    if isinstance(activation, nengo.neurons.NeuronType):
        return swaps.get(activation, activation)
    return CURVELESS


def _layer_curve(layer: Any) -> Any:
    """The curve of a layer that is an activation; it may stand in for a function."""
    layers = tf.keras.layers
    if isinstance(layer, layers.Activation):
        return layer.activation
    if isinstance(layer, layers.LeakyReLU):
        return rectified(float(layer.alpha))
    if isinstance(layer, layers.ReLU) and not float(layer.threshold):
        max_value = None if layer.max_value is None else float(layer.max_value)
        return rectified(float(layer.negative_slope), max_value)
    if isinstance(layer, layers.PReLU) and layer.built:
        return rectified(layer.alpha.numpy())
    return CURVELESS


def _as_leaky_neurons(curve: PiecewiseLinear, swaps: Mapping[Any, Any]) -> Any:
    """One population of leaky neurons, if the user's neuron type is leaky."""
    if [term.name for term in curve.terms] != ["positive", "negative"]:
        return None
    weight = np.asarray(curve.terms[1].weight)
    if weight.ndim:
        return None
    leaky = nengo_dl.LeakyReLU(negative_slope=-float(weight))
    if leaky in swaps:
        return swaps[leaky]
    chosen = swaps.get(nengo.RectifiedLinear())
    if not isinstance(chosen, (nengo_dl.LeakyReLU, nengo_dl.SpikingLeakyReLU)):
        return None
    chosen = copy.copy(chosen)
    chosen.negative_slope = -float(weight)
    return chosen
