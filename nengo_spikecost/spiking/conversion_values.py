"""What `convert` takes, checked without TensorFlow: neurons, scales and filter."""

from __future__ import annotations

import numbers
from collections.abc import Mapping
from typing import Any

import nengo

from .. import check
from ..errors import ConversionError, DataError
from .defaults import OTHERS
from .neuron_names import check_neuron_type

MAX_STEPS = 2**31 - 1
"""Most steps of one sample: simulators number them with 32 bits."""


def check_spiking(neuron_type: Any, scale_firing_rates: Any = 1.0, synapse: Any = None) -> None:
    """Raise `ConversionError` for what no model can be converted with."""
    check_neuron_type(neuron_type)
    check_scales(scale_firing_rates)
    check_synapse(synapse)


def steps_of_sample(n_steps: Any) -> int:
    """A number of steps as an int; raises `DataError` unless it is one that can be counted."""
    if not check.is_whole(n_steps, 1, MAX_STEPS):
        raise DataError(
            f"n_steps must be a whole number of at least 1 and at most {MAX_STEPS:,}, "
            f"not {n_steps!r}."
        )
    return int(n_steps)


def check_scales(scales: Any) -> None:
    """Raise `ConversionError` unless each scale is a positive number."""
    if isinstance(scales, Mapping):
        for layer, scale in scales.items():
            of_layer = f" of layer {getattr(layer, 'name', layer)!r}"
            checked_scale(scale, "" if layer == OTHERS else of_layer)
    else:
        checked_scale(scales)


def checked_scale(scale: Any, of_layer: str = "") -> float:
    """A firing-rate scale as a float; raises `ConversionError` unless it is a positive number."""
    if not isinstance(scale, numbers.Real) or not 0 < float(scale) < float("inf"):
        raise ConversionError(
            f"scale_firing_rates{of_layer} must be a positive number, not {scale!r}."
        )
    return float(scale)


def check_synapse(synapse: Any) -> None:
    """Raise `ConversionError` unless this is a synapse, a time constant or None."""
    if synapse is None or isinstance(synapse, nengo.synapses.Synapse):
        return
    if not isinstance(synapse, numbers.Real) or not 0 <= float(synapse) < float("inf"):
        raise ConversionError(
            "synapse must be a time constant in s, a nengo.synapses.Synapse or None, "
            f"not {synapse!r}."
        )
