"""Which converter makes Nengo objects of which Keras layer."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from typing import Any, Callable, TypeVar

import nengo_dl

from ...errors import ConversionError, OverwriteWarning

ConverterClass = TypeVar("ConverterClass", bound=type)

_OURS = __name__.partition(".")[0] + "."
_NENGO_DL = nengo_dl.converter.__name__

_registered: dict[Any, type] = {}


def register_layer_converter(*layer_types: type) -> Callable[[ConverterClass], ConverterClass]:
    """Decorator that registers a converter class for one or more types of Keras layers.

    `convert` uses it for layers of exactly these types: a subclass may compute something
    else, and is registered by itself.

    Parameters
    ----------
    *layer_types : type
        Subclasses of ``tf.keras.layers.Layer``.

    Returns
    -------
    decorator
        Takes a subclass of `LayerConverter`, or of ``nengo_dl.converter.LayerConverter``,
        and returns it.

    Raises
    ------
    ConversionError
        If it is given something else.

    Warns
    -----
    OverwriteWarning
        If a type had a converter that is now replaced. NengoDL's own registry is left as
        it is: a ``nengo_dl.Converter`` works as it always did.

    Examples
    --------
    >>> import nengo_spikecost, nengo
    >>> import tensorflow as tf
    >>> from nengo_spikecost.conversion import LayerConverter, register_layer_converter
    >>> class Halve(tf.keras.layers.Layer):
    ...     def call(self, x):
    ...         return x / 2
    >>> @register_layer_converter(Halve)
    ... class ConvertHalve(LayerConverter):
    ...     def convert(self, node_id):
    ...         output = self.add_relay(node_id)
    ...         self.add_connection(node_id, output, transform=0.5)
    ...         return output
    """

    def decorator(converter_class: ConverterClass) -> ConverterClass:
        if not (
            isinstance(converter_class, type)
            and issubclass(converter_class, nengo_dl.converter.LayerConverter)
        ):
            raise ConversionError(
                "register_layer_converter decorates a subclass of LayerConverter, "
                f"not {converter_class!r}."
            )
        for layer_type in layer_types:
            if layer_type in converters and not converter_class.__module__.startswith(_OURS):
                warnings.warn(
                    f"{layer_type.__name__} already has a layer converter. Overwriting.",
                    OverwriteWarning,
                    stacklevel=2,
                )
            _registered[layer_type] = converter_class
        return converter_class

    return decorator


class _Converters(Mapping):
    """What `convert` looks converters up in, by the exact type of a layer.

    What was registered here comes first; but a converter that a user has registered with
    NengoDL, in place of NengoDL's own, comes before one of ours.
    """

    def __getitem__(self, layer_type: Any) -> type:
        theirs = nengo_dl.Converter.converters
        found = _registered.get(layer_type)
        if found is None:
            return theirs[layer_type]
        if found.__module__.startswith(_OURS) and layer_type in theirs:
            other = theirs[layer_type]
            return found if other.__module__ == _NENGO_DL else other
        return found

    def __iter__(self) -> Iterator[Any]:
        return iter({**nengo_dl.Converter.converters, **_registered})

    def __len__(self) -> int:
        return len({**nengo_dl.Converter.converters, **_registered})


#: From the type of a layer to its converter; ``None`` stands for NengoDL's fallback.
converters = _Converters()
