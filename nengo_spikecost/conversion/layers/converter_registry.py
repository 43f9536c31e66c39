"""Which converter makes Nengo objects of which Keras layer."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator, Mapping
from typing import Any, Callable, TypeVar

import nengo_dl

from ...errors import ConversionError, OverwriteWarning
from ...layers.layer_application import shape_rules
from ...layers.layer_counts import layer_counters
from ...layers.layer_subclasses import replaced_of_layer

ConverterClass = TypeVar("ConverterClass", bound=type)

_OURS = __name__.partition(".")[0] + "."
_NENGO_DL = nengo_dl.converter.__name__

_registered: dict[Any, type] = {}


def register_layer_converter(*layer_types: type) -> Callable[[ConverterClass], ConverterClass]:
    """Decorator that registers a converter class for one or more types of Keras layers.

    `convert` uses it for layers of these types, and of subclasses that replace nothing of them
    (``call``, ``build``): such a subclass computes something else, and is registered by itself.

    The class may also say what such a layer costs where it is not converted. ``shape``, a static
    method from a `LayerApplication` to a `LayerShape` (see `keras_shapes`), is for cost models
    that are formulas of shapes, such as qtools; ``count``, from a `LayerUse` to a `LayerCount`, is
    for ``cost_model="kerasspiking"``.

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
        If a type had a converter, a shape rule or a counter that is now replaced. NengoDL's own
        registry is left as it is: a ``nengo_dl.Converter`` works as it always did.

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
    ...     @staticmethod
    ...     def shape(use):
    ...         return use.shape("batch normalization", n_weights=1)
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
        for name in ("shape", "count"):
            rule = inspect.getattr_static(converter_class, name, None)
            if rule is not None and not isinstance(rule, staticmethod):
                raise ConversionError(
                    f"{converter_class.__name__}.{name} takes a use of the layer and no self: "
                    "decorate it with @staticmethod."
                )
        for layer_type in layer_types:
            if _is_ours(converter_class):
                # QKeras may be imported late: by then the user may have a converter for it
                _registered.setdefault(layer_type, converter_class)
                continue
            if layer_type in set(converters):
                words = f"{layer_type.__name__} already has a layer converter. Overwriting."
                warnings.warn(words, OverwriteWarning, stacklevel=2)
            _registered[layer_type] = converter_class
            for registry, name in ((shape_rules, "shape"), (layer_counters, "count")):
                rule = getattr(converter_class, name, None)
                if rule is not None:
                    registry.register(layer_type)(rule)
        return converter_class

    return decorator


def register_fallback(converter_class: ConverterClass) -> ConverterClass:
    """Decorator that registers a class for layers that no converter takes."""
    _registered.setdefault(None, converter_class)
    return converter_class


def _is_ours(converter_class: type) -> bool:
    return converter_class.__module__.startswith(_OURS)


#: Stands for no type: None is a key of NengoDL's, that of its fallback.
_UNKNOWN = object


def nearest_known(layer_type: Any) -> tuple[Any, tuple[str, ...]]:
    """The nearest base class with a converter, and what the type replaces of it.

    ``object`` if no base has one.
    """
    for cls in getattr(layer_type, "__mro__", (layer_type,)):
        if cls in _registered or cls in nengo_dl.Converter.converters:
            return cls, () if cls is layer_type else replaced_of_layer(layer_type, cls)
    return _UNKNOWN, ()


class _Converters(Mapping):
    """The converters that `convert` uses, by the type of a layer.

    A subclass of a layer has the converter of its base, unless it replaces something of it.

    Converters that were registered here come first; but one that a user has registered with
    NengoDL, in place of NengoDL's own, comes before one of ours.
    """

    def __getitem__(self, layer_type: Any) -> type:
        known, replaced = nearest_known(layer_type)
        if known is _UNKNOWN or replaced:
            raise KeyError(layer_type)
        return self._of_exactly(known)

    def _of_exactly(self, layer_type: Any) -> type:
        here = _registered.get(layer_type)
        theirs = nengo_dl.Converter.converters.get(layer_type)
        if here is None:
            return nengo_dl.Converter.converters[layer_type]
        if _is_ours(here) and theirs is not None and theirs.__module__ != _NENGO_DL:
            return theirs
        return here

    def __iter__(self) -> Iterator[Any]:
        return iter({**nengo_dl.Converter.converters, **_registered})

    def __len__(self) -> int:
        return len({**nengo_dl.Converter.converters, **_registered})


#: From the type of a layer to its converter; ``None`` stands for NengoDL's fallback.
converters = _Converters()
