"""Conversion: from a Keras model to a Nengo network."""

from ..spiking.neuron_names import NEURON_TYPES, resolve_neuron_type
from . import shown as _shown  # noqa: F401  (registers presenters)
from .conversion_record import Conversion
from .convert import convert
from .converter import LayerChoice
from .host_node import HostFunction, HostNode
from .layers import LayerConverter, register_layer_converter
from .lookup import LayerLookup

__all__ = [
    "NEURON_TYPES", "Conversion", "HostFunction", "HostNode", "LayerChoice", "LayerConverter",
    "LayerLookup", "convert", "register_layer_converter", "resolve_neuron_type",
]  # fmt: skip
