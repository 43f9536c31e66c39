"""Models made with Keras 3, made anew with the Keras 2 that NengoDL works with.

Today's ``pip install tensorflow`` gives Keras 3, whose files Keras 2 can't read. A model's
configuration and weights say all that inference needs, so it is rebuilt layer by layer and
then held against the original on a random input.
"""

from __future__ import annotations

import importlib
import inspect
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from .. import stack
from ..errors import ConversionError
from ..layers.layer_subclasses import replaced_of_layer
from ..refusals import joined
from .keras3_calls import Calls, Tensors, calls_of_layer, calls_of_operation, make_calls
from .keras3_equality import check_equal, check_later
from .keras3_layer import Keras3Layer
from .keras3_operation import activation_in_keras_2, is_operation
from .keras3_qkeras import (
    is_of_qkeras,
    kind_in_keras_2,
    pooling_in_keras_2,
    quantized_weights,
)
from .keras3_weights import inference_weights, policy_of_copy
from .legendre import in_keras_2, is_legendre
from .lookup import walk_layers
from .reasons import FALLBACK, refused

#: Arguments that only training uses; weights are copied, so initialisers are not needed.
_FOR_TRAINING = ("_initializer", "_regularizer", "_constraint")
_LAYER_ARGUMENTS = {"name", "trainable", "dtype"}
#: (layer type, name in Keras 3): name in Keras 2.
_RENAMED = {("LeakyReLU", "negative_slope"): "alpha"}


def is_keras_3(model: Any) -> bool:
    """Whether ``model`` was made with Keras 3 (whose modules are called ``keras``)."""
    return any(
        cls.__module__.startswith("keras.") and cls.__name__ == "Model"
        for cls in type(model).__mro__
    ) and not isinstance(model, tf.keras.Model)


def load_keras_3(
    path: str | os.PathLike[str], custom_objects: Mapping[str, Any] | None = None,
    safe_mode: bool = True,
) -> Any:  # fmt: skip
    """A Keras 3 model from its file, rebuilt with Keras 2; `convert` checks that both are equal.

    Parameters
    ----------
    path : path
        Its ending says to Keras what kind of file it is: ``.keras`` or ``.h5``.
    custom_objects : dict, optional
        Classes and functions by name.
    safe_mode : bool
        Whether Keras may run Python functions from the file.

    Raises
    ------
    ConversionError
        See `rebuild`; and what Keras raises if it can't read the file.
    """
    models = importlib.import_module("keras").models
    model = models.load_model(
        os.fspath(path), custom_objects=custom_objects, compile=False, safe_mode=safe_mode
    )
    copy = made_anew(model)
    check_later(model, copy)
    return copy


def rebuild(model: Any) -> tf.keras.Model:
    """The same model in Keras 2, all of whose layers are layers of Keras 2.

    Parameters
    ----------
    model : keras.Model
        A Functional or Sequential model of Keras 3.

    Raises
    ------
    ConversionError
        If layers have no counterpart in Keras 2, all of them, or the rebuilt model computes
        something else.
    """
    copy = made_anew(model)
    lacking = [layer for _, layer in walk_layers(copy) if isinstance(layer, Keras3Layer)]
    if lacking:
        raise joined([refused(layer, layer.reason) for layer in lacking])
    check_equal(model, copy)
    return copy


def made_anew(model: Any) -> tf.keras.Model:
    """The same model in Keras 2, without having run it (`check_equal`).

    Layers that have no counterpart in Keras 2 are a `Keras3Layer`.

    Raises
    ------
    ConversionError
        If the model does not show its layers.
    """
    config = _config_of(model)
    if "layers" not in config:
        raise ConversionError(
            f"Model {model.name!r} ({type(model).__name__}) is a subclassed model; "
            "only Functional and Sequential models show their layers to a converter."
        )
    if not model.built:
        raise ConversionError(
            f"Sequential model {model.name!r} has no known input shape: begin it with an "
            "Input layer, or build it."
        )
    stack.allow_all_layer_names(tf.keras.layers.Layer)
    copy = _model(model, config)
    keys = {
        "inputs": _keys(config.get("input_layers"), copy.input_names),
        "outputs": _keys(config.get("output_layers"), copy.output_names),
    }
    object.__setattr__(copy, "_keras_3_keys", keys)  # Keras would track it as part of the model
    return copy


def _config_of(model: Any) -> Mapping[str, Any]:
    """The configuration of a model with its layers, if it shows them.

    A subclass of a Functional model, such as the backbones of keras-hub, has its own settings there
    in place of its layers, and layers all the same.
    """
    config = model.get_config()
    if isinstance(config, Mapping) and "layers" in config:
        return config
    ends = [getattr(model, f"_{end}_struct", None) for end in ("inputs", "outputs")]
    if None in ends or type(model).call is not getattr(_functional(model), "call", None):
        return {}
    return dict(importlib.import_module("keras").Model(*ends, name=model.name).get_config())


def _functional(model: Any) -> Any:
    """The class of Functional models among the bases of a model's class; else ``object``."""
    bases = type(model).__mro__
    return next((cls for cls in bases if cls.__name__ == "Functional"), object)


def keys_of(model: Any, ends: str) -> dict[str, str]:
    """Of a model made anew, the keys of its dict of ``"inputs"`` or ``"outputs"``, by layer."""
    return dict(getattr(model, "_keras_3_keys", {}).get(ends, {}))


def _keys(ends: Any, names: Sequence[str]) -> dict[str, str]:
    """The name of an end for each key of a dict of ends that holds it, alone or in a dict."""
    found: dict[str, str] = {}
    order = iter(names)

    def look(value: Any, key: str | None) -> None:
        if isinstance(value, Mapping):
            for inner in sorted(value):
                look(value[inner], inner)
        elif isinstance(value, (list, tuple)) and len(value) == 3 and isinstance(value[0], str):
            name = next(order)
            if key is not None:
                found.setdefault(key, name)
        else:
            for part in value or ():
                look(part, None)

    look(ends, None)
    return found


def _model(model: Any, config: Mapping[str, Any]) -> tf.keras.Model:
    functional = "output_layers" in config
    tensors: Tensors = {}
    layers: dict[str, Any] = {}
    calls: list[Calls] = []
    last = None
    for entry in config["layers"]:
        # a subclassed model's own configuration need not have its name
        name = entry["config"].get("name") or entry["name"]
        if entry["class_name"] == "InputLayer":
            shape = entry["config"].get("batch_shape") or entry["config"]["batch_input_shape"]
            last = tensors[name, 0, 0] = tf.keras.Input(
                batch_shape=tuple(shape), name=name, dtype=entry["config"].get("dtype")
            )
            continue
        if is_operation(entry):
            calls.append(calls_of_operation(name, entry))
            continue
        layers[name] = layer = _layer_or_stand_in(entry, model.get_layer(name))
        if functional:
            calls.append(calls_of_layer(name, layer, entry))
        else:
            last = layer(last)
    if functional:
        make_calls(model.name, calls, tensors)
        # of Functional models Keras counts calls from 1 where it names ends, from 0 elsewhere
        models = {name for name in layers if _is_functional(model.get_layer(name))}
        shown = {(n, i + (n in models), j): tensor for (n, i, j), tensor in tensors.items()}
        ends = [_flat_ends(config[key], shown) for key in ("input_layers", "output_layers")]
        copy = tf.keras.Model(*ends, name=model.name)
    else:
        copy = tf.keras.Model(next(iter(tensors.values())), last, name=model.name)
    for name, layer in layers.items():
        # a model's layers have their weights already; what stands for a layer has none
        if not isinstance(layer, (tf.keras.Model, Keras3Layer)):
            layer.set_weights(_weights(model.get_layer(name), layer))
    return copy


class _NotInKeras2(Exception):
    """Why Keras 2 has no such layer, and what to do: a clause."""


def _layer_or_stand_in(entry: Mapping[str, Any], original: Any) -> Any:
    try:
        return _layer(entry, original)
    except _NotInKeras2 as error:
        node = next(iter(entry.get("inbound_nodes", ())), None)
        return Keras3Layer(original, str(error), node, name=original.name)


def _layer(entry: Mapping[str, Any], original: Any) -> Any:
    kind, config = entry["class_name"], entry["config"]
    if hasattr(original, "layers"):
        config = _config_of(original)
    if "layers" in config:
        return _model(original, config)
    if kind == "TimeDistributed":
        if getattr(original.layer, "quantization_mode", None) is not None:
            raise _NotInKeras2(
                "it holds a quantized layer, which Keras itself computes without its scales, so "
                "that its predictions are wrong: use the layer without TimeDistributed, as Dense "
                "works on the last axis anyway, or quantize the model without it "
                "(quantize(..., filters=...))"
            )
        inner = _layer(config["layer"], original.layer)
        return tf.keras.layers.TimeDistributed(inner, name=config["name"])
    if is_legendre(original):
        return in_keras_2(original, config["name"], _layer, _weights)
    if kind == "Lambda":
        raise _NotInKeras2(
            "what it computes is unknown; use layers or operators of Keras for it, or " + FALLBACK
        )
    known = (cls for cls in type(original).__mro__ if cls.__module__.startswith("keras."))
    library: Any = next(known)
    if is_of_qkeras(original):
        try:
            kind, changes = kind_in_keras_2(original)
        except ValueError as error:
            raise _NotInKeras2(f"{error}, or {FALLBACK}") from error
        config = {**library.get_config(original), **changes}
    elif library is not type(original) and library.__name__ != "Layer":
        replaced = replaced_of_layer(type(original), library)
        if replaced:
            raise _NotInKeras2(
                f"it is a {library.__name__} with {' and '.join(replaced)} of its own, which may "
                "compute anything: Keras 2, which converts, can't know it; make the model with "
                "tf.keras after 'import nengo_spikecost', and register a converter for the layer, "
                f"or {FALLBACK}"
            )
        kind, config = library.__name__, library.get_config(original)
    layer_class = getattr(tf.keras.layers, kind, None)
    if layer_class is None or (library.__name__ == "Layer" and not is_of_qkeras(original)):
        raise _NotInKeras2(
            "it has no counterpart in Keras 2, which converts; put layers of Keras in its place, "
            f"or {FALLBACK}"
        )
    accepted = set(inspect.signature(layer_class.__init__).parameters) | _LAYER_ARGUMENTS
    arguments = {}
    for key, value in config.items():
        key = _RENAMED.get((kind, key), key)
        if key in accepted and not key.endswith(_FOR_TRAINING):
            if key == "dtype":
                value = policy_of_copy(original.dtype_policy.name)
            elif key.endswith("activation") and value is not None:
                value = activation_in_keras_2(value)
            arguments[key] = value
    try:
        layer = layer_class.from_config(arguments)
    except Exception as error:
        reason = str(error).strip().splitlines()[0].rstrip(".")
        raise _NotInKeras2(
            f"it can't be made in Keras 2, which converts: {reason}; put other layers of Keras in "
            f"its place, or {FALLBACK}"
        ) from error
    if is_of_qkeras(original) and "AveragePooling" in kind:
        return pooling_in_keras_2(original, layer)
    return layer


def _is_functional(layer: Any) -> bool:
    return any(cls.__name__ == "Functional" for cls in type(layer).__mro__)


def _flat_ends(ends: Any, tensors: Mapping[Any, Any]) -> Any:
    """The tensors of a model's ends: one as it is, several, in dicts and lists too, as a list.

    The order is that of ``model.inputs`` and ``model.outputs``: dicts by their keys, sorted.
    """
    if isinstance(ends, (list, tuple)) and len(ends) == 3 and isinstance(ends[0], str):
        return tensors[tuple(ends)]
    flat: list[Any] = []

    def look(value: Any) -> None:
        if isinstance(value, Mapping):
            for key in sorted(value):
                look(value[key])
        elif isinstance(value, (list, tuple)) and len(value) == 3 and isinstance(value[0], str):
            flat.append(tensors[tuple(value)])
        else:
            for part in value:
                look(part)

    look(ends)
    return flat


def _weights(original: Any, layer: Any) -> list[np.ndarray]:
    """A layer's weights, in the order and number that Keras 2 has them in."""
    if is_of_qkeras(original):
        return quantized_weights(original)
    values = inference_weights(original)
    if getattr(original, "renorm", False) and len(values) > len(layer.weights):
        # the statistics that only training with renorm uses come last
        values = values[: len(layer.weights)]
    return values
