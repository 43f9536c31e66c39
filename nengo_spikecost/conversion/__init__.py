"""Conversion: from a Keras model to a Nengo network."""

from .converter import LayerChoice
from .host_node import HostFunction, HostNode
from .keras import Conversion, convert
from .layers import LayerConverter, register_layer_converter
from .lookup import LayerLookup
from .neurons import NEURON_TYPES, resolve_neuron_type

__all__ = [
    "NEURON_TYPES",
    "Conversion",
    "HostFunction",
    "HostNode",
    "LayerChoice",
    "LayerConverter",
    "LayerLookup",
    "convert",
    "register_layer_converter",
    "resolve_neuron_type",
]
