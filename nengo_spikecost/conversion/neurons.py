"""Neuron types by name, from Nengo, NengoDL and NengoLoihi."""

from __future__ import annotations

import inspect
from typing import Callable, Union

import nengo

from ..errors import ConversionError


def _from_nengo(name: str) -> Callable[[], nengo.neurons.NeuronType]:
    return lambda: getattr(nengo.neurons, name)()


def _from_nengo_dl(name: str) -> Callable[[], nengo.neurons.NeuronType]:
    def make() -> nengo.neurons.NeuronType:
        import nengo_dl

        return getattr(nengo_dl, name)()

    return make


def _from_nengo_loihi(name: str) -> Callable[[], nengo.neurons.NeuronType]:
    def make() -> nengo.neurons.NeuronType:
        import nengo_loihi

        return getattr(nengo_loihi.neurons, name)()

    return make


def _spikes_from_relu(name: str) -> Callable[[], nengo.neurons.NeuronType]:
    return lambda: getattr(nengo.neurons, name)(nengo.RectifiedLinear())


#: Functions that make each neuron type known by name, with the default parameters of the
#: package it comes from. ``RegularSpiking``, ``PoissonSpiking`` and ``StochasticSpiking``
#: are made from ReLU rates. Any instance can be used too; this table is for the command line.
NEURON_TYPES: dict[str, Callable[[], nengo.neurons.NeuronType]] = {
    "AdaptiveLIF": _from_nengo("AdaptiveLIF"),
    "AdaptiveLIFRate": _from_nengo("AdaptiveLIFRate"),
    "LIF": _from_nengo("LIF"),
    "LIFRate": _from_nengo("LIFRate"),
    "RectifiedLinear": _from_nengo("RectifiedLinear"),
    "SpikingRectifiedLinear": _from_nengo("SpikingRectifiedLinear"),
    "RegularSpiking": _spikes_from_relu("RegularSpiking"),
    "PoissonSpiking": _spikes_from_relu("PoissonSpiking"),
    "StochasticSpiking": _spikes_from_relu("StochasticSpiking"),
    "SoftLIFRate": _from_nengo_dl("SoftLIFRate"),
    "LeakyReLU": _from_nengo_dl("LeakyReLU"),
    "SpikingLeakyReLU": _from_nengo_dl("SpikingLeakyReLU"),
    "LoihiLIF": _from_nengo_loihi("LoihiLIF"),
    "LoihiSpikingRectifiedLinear": _from_nengo_loihi("LoihiSpikingRectifiedLinear"),
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
    if isinstance(neuron_type, str):
        by_lower_name = {name.lower(): make for name, make in NEURON_TYPES.items()}
        make = by_lower_name.get(neuron_type.lower())
        if make is not None:
            return make()
        raise ConversionError(
            f"neuron_type {neuron_type!r} is unknown; use one of {', '.join(NEURON_TYPES)}."
        )
    raise ConversionError(
        "neuron_type must be a Nengo neuron type (instance or class) or the name of one, "
        f"not {type(neuron_type).__name__}."
    )
