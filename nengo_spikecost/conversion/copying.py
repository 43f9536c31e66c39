"""A copy of a Keras model for nengo_dl, so that the user's stays as it is."""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping
from typing import Any

import tensorflow as tf

from ..errors import ConversionError
from .keras3_weights import policy_of_copy
from .layers.converter_registry import nearest_known
from .lookup import walk_layers


def copy_model(
    model: tf.keras.Model, layers: Mapping[str, Any]
) -> tuple[tf.keras.Model, dict[str, Any]]:
    """A Functional copy with the same weights, and its layers by name.

    nengo_dl calls Sequential and TimeDistributed layers anew while converting, which adds
    nodes to the layers it is given: it gets a copy, so that the user's model stays usable.

    Parameters
    ----------
    model : tf.keras.Model
    layers : mapping from str to tf.keras.layers.Layer
        All of its layers, those of nested models too.
    """
    try:
        with _objects_known_by(layers.values()):
            copy = _clone(model)
        # Layer by layer: one that is used both inside and outside a nested model is one
        # layer of the model, and two of the copy.
        clones = dict(walk_layers(copy))
        for name, layer in layers.items():
            if not isinstance(layer, tf.keras.Model):
                clones[name].set_weights(layer.get_weights())
    except Exception as error:
        raise ConversionError(
            f"Model {model.name!r} can't be copied, as Keras can't make it again from its "
            f"configuration: {' '.join(str(error).split()).rstrip('.')}. Layers of your own need "
            "get_config and from_config."
        ) from error
    return copy, clones


def copy_layer(layer: Any) -> Any:
    """A new layer of the same configuration, without its weights.

    A subclass that is nothing but its base becomes the base: its ``__init__`` may not take what
    a configuration says.
    """
    known, replaced = nearest_known(type(layer))
    made = type(layer) if replaced or known is object else known
    return made.from_config(_in_float32(made.get_config(layer)))


def known_objects(model: tf.keras.Model) -> Any:
    """A scope in which the model's layers can be made from their configurations.

    Constraints, regularizers, initializers and activations that are not Keras's own, such as the
    constraint ``Mean`` of KerasSpiking, are known by the layers that have them.
    """
    return _objects_known_by(layer for _, layer in walk_layers(model))


def _objects_known_by(layers: Iterable[Any]) -> Any:
    known: dict[str, Any] = {}
    for layer in layers:
        while layer is not None:
            kind = type(layer).__name__
            if not hasattr(tf.keras.layers, kind):  # of the user's own, in a wrapper maybe
                known[kind] = type(layer)
            for value in vars(layer).values():
                if isinstance(value, _WITH_CONFIG):
                    known[type(value).__name__] = type(value)
            activation = getattr(layer, "activation", None)
            if isinstance(activation, types.FunctionType) and not _is_kerass(activation):
                known[activation.__name__] = activation
            layer = getattr(layer, "layer", None)  # of a wrapper
    return tf.keras.utils.custom_object_scope(known)


def _is_kerass(function: Any) -> bool:
    """Whether Keras finds an activation by its name itself."""
    return getattr(tf.keras.activations, function.__name__, None) is function


_WITH_CONFIG = (
    tf.keras.constraints.Constraint,
    tf.keras.initializers.Initializer,
    tf.keras.regularizers.Regularizer,
)


def _in_float32(config: Any) -> Any:
    """A configuration whose data types of less than 32 bits are float32, a wrapped layer's too.

    NengoDL computes in float32 all the same, and NumPy can't hand on bfloat16.
    """
    if isinstance(config, Mapping):
        return {
            key: _policy_of_copy(value) if key == "dtype" else _in_float32(value)
            for key, value in config.items()
        }
    if isinstance(config, (list, tuple)):
        values = [_in_float32(value) for value in config]
        return tuple(values) if isinstance(config, tuple) else values
    return config


def _policy_of_copy(dtype: Any) -> Any:
    """The type or policy itself, or float32 for one of few bits."""
    name = dtype.get("config", {}).get("name") if isinstance(dtype, Mapping) else dtype
    return policy_of_copy(name) if isinstance(name, str) and "float" in name else dtype


def _clone(layer: Any) -> Any:
    """A new layer of the same configuration; Sequential models, nested too, as Functional."""
    if not isinstance(layer, tf.keras.Model):
        return copy_layer(layer)
    clone = tf.keras.models.clone_model(layer, clone_function=_clone)
    if isinstance(clone, tf.keras.Sequential):
        clone = tf.keras.Model(clone.inputs, clone.outputs, name=layer.name)
    return clone
