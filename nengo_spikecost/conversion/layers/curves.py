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

from ..host_node import HostFunction
from ..layer_functions import Sigmoid, Softmax, Tanh
from .activation_keys import activation_keys, is_of_keras_3
from .swaps import Swaps


@dataclass(frozen=True)
class Term:
    """``weight * relu(slope * x + shift)``: one population of ReLU neurons.

    Attributes
    ----------
    name : str
        Which population of the layer it is.
    weight, shift : float or ndarray
        An array is broadcast to the shape of one sample.
    slope : float
    """

    name: str
    weight: Any = 1.0
    slope: float = 1.0
    shift: Any = 0.0


@dataclass(frozen=True)
class PiecewiseLinear:
    """A continuous curve of straight pieces, as a sum of ReLUs.

    Attributes
    ----------
    terms : tuple of Term
    name : str
        What ``swap_activations`` may call it; empty: it has no name.
    offset : float
        Is added to the sum.
    """

    terms: tuple[Term, ...]
    name: str = ""
    offset: float = 0.0


@dataclass(frozen=True)
class HostCurve:
    """An activation that is computed on the host.

    Attributes
    ----------
    choice : str
        Its name among the choices of a conversion.
    make : callable
        From the shape of one sample to a `HostFunction`.
    name : str
        What ``swap_activations`` may call it.
    """

    choice: str
    make: Callable[[tuple[int, ...]], HostFunction]
    name: str = ""


#: Stands for an activation whose curve no neuron type has.
CURVELESS = object()


def rectified(
    negative_slope: Any = 0.0, max_value: float | None = None, name: str = ""
) -> PiecewiseLinear | nengo.neurons.NeuronType:
    """A ReLU that may leak below zero and saturate above.

    Parameters
    ----------
    negative_slope : float or ndarray
        An array is broadcast to the shape of one sample.
    max_value : float, optional
        At least 0.
    name : str
        What ``swap_activations`` may call it.
    """
    terms = [Term("positive")]
    if max_value is not None:
        terms.append(Term("excess", weight=-1.0, shift=-float(max_value)))
    if np.any(np.asarray(negative_slope) != 0):
        terms.append(Term("negative", weight=-np.asarray(negative_slope), slope=-1.0))
    return nengo.RectifiedLinear() if len(terms) == 1 else PiecewiseLinear(tuple(terms), name)


def clipped(low: float, high: float, name: str = "", slope: float = 1.0) -> PiecewiseLinear:
    """A straight line with a least and a largest value: ``clip(slope * x, low, high)``."""
    rising, excess = Term("rising", 1.0, slope, -low), Term("excess", -1.0, slope, -high)
    return PiecewiseLinear((rising, excess), name, offset=low)


def soft_shrink(threshold: float = 0.5) -> PiecewiseLinear:
    """Zero within a threshold of zero, and from there a straight line on either side."""
    above, below = Term("above", shift=-threshold), Term("below", -1.0, -1.0, -threshold)
    return PiecewiseLinear((above, below), "soft_shrink")


#: 0 below -2.5, 1 above 2.5, a straight line between: as Keras 2 has it
HARD_SIGMOID = PiecewiseLinear(
    (Term("rising", 1.0, 0.2, 0.5), Term("excess", -1.0, 0.2, -0.5)), "hard_sigmoid"
)

#: 0 below -3, 1 above 3, a straight line between: as Keras 3, JAX and PyTorch have it
HARD_SIGMOID_3 = PiecewiseLinear(
    (Term("rising", 1.0, 1 / 6, 0.5), Term("excess", -1.0, 1 / 6, -0.5)), "hard_sigmoid"
)

ABSOLUTE = PiecewiseLinear((Term("positive"), Term("negative", slope=-1.0)), "abs")


def softmax(axes: tuple[int, ...] = (-1,)) -> HostCurve:
    """Softmax over some axes of one sample."""
    return HostCurve("softmax on the host", lambda shape: Softmax(shape, axes), "softmax")


#: Functions that the host computes where they are the model's output, as softmax is.
HEADS = {
    "sigmoid": HostCurve("sigmoid on the host", Sigmoid, "sigmoid"),
    "tanh": HostCurve("tanh on the host", Tanh, "tanh"),
}

#: Forms of the functions that NengoDL does not know, by their names.
_BY_NAME: dict[Any, Any] = {
    "absolute": ABSOLUTE,
    "abs": ABSOLUTE,
    "hard_tanh": clipped(-1.0, 1.0, "hard_tanh"),
    "leaky_relu": rectified(0.2, name="leaky_relu"),
    "relu6": rectified(max_value=6.0, name="relu6"),
    "soft_shrink": soft_shrink(),
    "softmax": softmax(),
    "sparse_sigmoid": PiecewiseLinear(
        (Term("rising", 1.0, 0.5, 0.5), Term("excess", -1.0, 0.5, -0.5)), "sparse_sigmoid"
    ),
}


def form_of(activation: Any, swaps: Swaps, known: Mapping[Any, Any]) -> Any:
    """The form of an activation.

    Parameters
    ----------
    activation
        As `LayerConverter.add_stage` takes it.
    swaps : Swaps
        The user's replacements of activations and neuron types.
    known : mapping
        nengo_dl's neuron types by function.

    Returns
    -------
    None, nengo.neurons.NeuronType, PiecewiseLinear, HostCurve or CURVELESS
        None is linear.
    """
    chosen = swaps.replaced(activation)
    if isinstance(chosen, nengo.neurons.NeuronType) and chosen is not activation:
        return swaps.chain(chosen)  # the user's own word: not the neurons of every ReLU
    form = _form(chosen, known)
    if isinstance(form, PiecewiseLinear):
        return _as_leaky_neurons(form, swaps) or form
    if isinstance(form, nengo.neurons.NeuronType):
        return swaps.get(form, form)
    return form


def _form(activation: Any, known: Mapping[Any, Any]) -> Any:
    """The form of an activation that is not swapped."""
    if isinstance(activation, tf.keras.layers.Layer):
        activation = layer_curve(activation)
    if activation is None or activation is CURVELESS:
        return activation
    if isinstance(activation, (PiecewiseLinear, HostCurve, nengo.neurons.NeuronType)):
        return activation
    name, *_ = activation_keys(activation)
    if name == "hard_sigmoid":
        return HARD_SIGMOID_3 if is_of_keras_3(activation) else HARD_SIGMOID
    for function, neurons in known.items():
        if activation_keys(function)[0] == name:
            return neurons
    return _BY_NAME.get(name, CURVELESS)


def layer_curve(layer: Any) -> Any:
    """The curve of a layer that is an activation; it may stand in for a function."""
    layers = tf.keras.layers
    if isinstance(layer, layers.Activation):
        return layer.activation
    if isinstance(layer, layers.LeakyReLU):
        return rectified(float(layer.alpha), name="leaky_relu")
    if isinstance(layer, layers.ReLU) and not float(layer.threshold):
        max_value = None if layer.max_value is None else float(layer.max_value)
        return rectified(float(layer.negative_slope), max_value, _relu_name(layer))
    if isinstance(layer, layers.PReLU) and layer.built:
        return rectified(layer.alpha.numpy(), name="prelu")
    return CURVELESS


def _relu_name(layer: Any) -> str:
    """What a ReLU layer may be called in ``swap_activations``."""
    (name, *_) = activation_keys(layer)
    return name if isinstance(name, str) else ""


def _as_leaky_neurons(curve: PiecewiseLinear, swaps: Swaps) -> Any:
    """One population of leaky neurons, if the user's neuron type is leaky."""
    if [term.name for term in curve.terms] != ["positive", "negative"] or curve is ABSOLUTE:
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
