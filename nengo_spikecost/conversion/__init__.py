"""Conversion: from a Keras model to a Nengo network."""

from .keras import Conversion, convert
from .lookup import LayerLookup
from .neurons import NEURON_TYPES, resolve_neuron_type

__all__ = ["NEURON_TYPES", "Conversion", "LayerLookup", "convert", "resolve_neuron_type"]
