"""Biases of a converted network at any firing-rate scale, rounded as `convert` rounds them."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import nengo
import numpy as np

from ...conversion import Conversion, convert

#: A scale that no float32 is equal to: float32 and float64 round products with it otherwise.
_TRIAL = 0.77310519


class CannotRescale(Exception):  # caught by RescalableNetwork, which rebuilds instead
    """Says why a network has to be rebuilt for other scales."""


@dataclass(frozen=True)
class ScaledBias:
    """The biases of one population.

    Attributes
    ----------
    own : ndarray of shape (n_neurons,), float32 or float64
        Of the layer, at scale 1. The type is that in which `convert` multiplies.
    constant : ndarray of shape (n_neurons,), float64
        Added by lowering, at scale 1.
    """

    own: np.ndarray
    constant: np.ndarray

    def at(self, scale: float) -> np.ndarray:
        """The biases at a scale, shape (n_neurons,), float64."""
        # float32 times a Python float is float32, with any NumPy
        own = (self.own if scale == 1 else self.own * float(scale)).astype(np.float64)
        return own + scale * self.constant

    @property
    def is_zero(self) -> bool:
        """Whether there are no biases at any scale."""
        return not (self.own.any() or self.constant.any())


def scaled_biases(conversion: Conversion) -> dict[nengo.Ensemble, ScaledBias]:
    """The biases of every Ensemble of a conversion whose scales are 1.

    Some layers hold their biases in float32, some in float64, and a scale is multiplied in
    the one or the other. A second conversion tells which.

    Raises
    ------
    CannotRescale
        If biases do not follow from those at scale 1.
    """
    unlowered = conversion.unlowered or conversion
    objects: Mapping[Any, Any] = conversion.lowering.objects if conversion.lowering else {}
    ensembles = unlowered.net.all_ensembles
    at_one = [per_neuron(e.bias, e) for e in ensembles]
    trial = at_one
    if any(values.any() for values in at_one):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # said already when the conversion was made
            options = {**conversion.options, "lower": False}
            other = convert(scale_firing_rates=_TRIAL, **options).net.all_ensembles
        if len(other) != len(ensembles):
            raise CannotRescale("a second conversion has other populations")
        trial = [per_neuron(e.bias, e) for e in other]
    biases = {}
    for ensemble, own, scaled in zip(ensembles, at_one, trial):
        lowered = objects.get(ensemble, ensemble)
        constant = per_neuron(lowered.bias, lowered) - own
        biases[lowered] = ScaledBias(_typed(own, scaled, unlowered.layer_names[ensemble]), constant)
    return biases


def per_neuron(values: Any, ensemble: nengo.Ensemble) -> np.ndarray:
    """Gains or biases of an Ensemble that `convert` has made, shape (n_neurons,), float64."""
    values = getattr(values, "options", values)
    return np.broadcast_to(np.ravel(np.asarray(values, np.float64)), ensemble.n_neurons)


def _typed(own: np.ndarray, scaled: np.ndarray, layer: str) -> np.ndarray:
    """Biases in the type in which they were scaled."""
    if not own.any() or np.array_equal(scaled, own):  # neurons without an amplitude
        return own
    for dtype in ("float32", "float64"):
        typed: np.ndarray = own.astype(dtype)
        if np.array_equal(typed, own) and np.array_equal((typed * _TRIAL).astype(float), scaled):
            return typed
    raise CannotRescale(f"the biases of layer {layer!r} do not follow from those at scale 1")
