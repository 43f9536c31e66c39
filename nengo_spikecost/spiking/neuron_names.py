"""Neuron types by name, from Nengo, NengoDL and NengoLoihi."""

from __future__ import annotations

import importlib
import inspect
from typing import Any, Callable, Union

import nengo

from ..errors import ConversionError


def _made_by(module: str, name: str, *arguments: Any) -> Callable[[], nengo.neurons.NeuronType]:
    return lambda: getattr(importlib.import_module(module), name)(*arguments)


_OF_RATES = (nengo.RectifiedLinear(),)
_NAMES = (
    ("nengo.neurons", "AdaptiveLIF AdaptiveLIFRate LIF LIFRate", ()),
    ("nengo.neurons", "RectifiedLinear SpikingRectifiedLinear", ()),
    ("nengo.neurons", "RegularSpiking PoissonSpiking StochasticSpiking", _OF_RATES),
    ("nengo_dl", "SoftLIFRate LeakyReLU SpikingLeakyReLU", ()),
    ("nengo_loihi.neurons", "LoihiLIF LoihiSpikingRectifiedLinear", ()),
)

#: Functions that make each neuron type known by name, with the default parameters of the
#: package it comes from. ``RegularSpiking``, ``PoissonSpiking`` and ``StochasticSpiking``
#: are made from ReLU rates. Any instance can be used too; this table is for the command line.
NEURON_TYPES: dict[str, Callable[[], nengo.neurons.NeuronType]] = {
    name: _made_by(module, name, *arguments)
    for module, names, arguments in _NAMES
    for name in names.split()
}

NeuronTypeLike = Union[nengo.neurons.NeuronType, type, str]


def resolve_neuron_type(neuron_type: NeuronTypeLike) -> nengo.neurons.NeuronType:
    """The neuron type meant by an instance, a class or a name.

    Parameters
    ----------
    neuron_type : nengo.neurons.NeuronType or type or str
        An instance, a class whose parameters all have defaults, or a key of
        `NEURON_TYPES` (upper and lower case are the same).

    Raises
    ------
    ConversionError
        If it is none of these.
    """
    if isinstance(neuron_type, nengo.neurons.NeuronType):
        return neuron_type
    if inspect.isclass(neuron_type) and issubclass(neuron_type, nengo.neurons.NeuronType):
        try:
            return neuron_type()
        except TypeError as error:
            raise ConversionError(
                f"neuron_type {neuron_type.__name__} needs parameters ({error}): "
                "pass an instance instead of the class."
            ) from error
    check_neuron_type(neuron_type)
    assert isinstance(neuron_type, str)
    by_lower_name = {name.lower(): make for name, make in NEURON_TYPES.items()}
    return by_lower_name[neuron_type.lower()]()


def check_neuron_type(neuron_type: Any) -> None:
    """Raise `ConversionError` for no neuron type and no name of one.

    None is made: those of NengoDL and NengoLoihi take seconds to import.
    """
    if isinstance(neuron_type, str):
        if neuron_type.lower() not in map(str.lower, NEURON_TYPES):
            raise ConversionError(
                f"neuron_type {neuron_type!r} is unknown; use one of {', '.join(NEURON_TYPES)}."
            )
        return
    kind = neuron_type if inspect.isclass(neuron_type) else type(neuron_type)
    if not issubclass(kind, nengo.neurons.NeuronType):
        raise ConversionError(
            "neuron_type must be a Nengo neuron type (instance or class) or the name of one, "
            f"not {type(neuron_type).__name__}."
        )
