"""Neurons whose outputs are smaller, so that a factor on their input is divided out again."""

from __future__ import annotations

import copy
from typing import Any


def with_amplitude_divided(neuron_type: Any, scale: float) -> Any:
    """The neuron type with outputs ``scale`` times smaller."""
    scaled = copy.copy(neuron_type)
    # Nengo's parameters are read-only once they are set
    type(scaled).amplitude.data[scaled] = neuron_type.amplitude / scale
    return scaled
