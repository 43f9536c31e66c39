"""Conversion: from a Keras model to a Nengo network."""

from .keras import Conversion, convert
from .lookup import LayerLookup
from .neurons import NEURON_TYPES, resolve_neuron_type

__all__ = ["Conversion", "LayerLookup", "NEURON_TYPES", "convert", "resolve_neuron_type"]
