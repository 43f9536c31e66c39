"""Models made with Keras 3, made anew with the Keras 2 that NengoDL works with.

Today's ``pip install tensorflow`` gives Keras 3, whose files Keras 2 can't read. A model's
configuration and weights say all that inference needs, so it is rebuilt layer by layer and
then held against the original on a random input.
"""

from __future__ import annotations

import importlib
import inspect
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from ..errors import ConversionError

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


def load_keras_3(path: str | os.PathLike[str]) -> Any:
    """A Keras 3 model from its file, rebuilt with Keras 2.

    Raises
    ------
    ConversionError
        If Keras 3 is not installed or can't read the file, or see `rebuild`.
    """
    try:
        models = importlib.import_module("keras").models
        return rebuild(models.load_model(os.fspath(path), compile=False))
    except ConversionError:
        raise
    except Exception as error:
        reason = str(error).strip().split("\n")[0]
        raise ConversionError(f"{os.fspath(path)} can't be read as a Keras model: {reason}") from (
            error
        )


def rebuild(model: Any) -> tf.keras.Model:
    """The same model in Keras 2.

    Parameters
    ----------
    model : keras.Model
        A Functional or Sequential model of Keras 3.

    Raises
    ------
    ConversionError
        If a layer has no counterpart in Keras 2, or the rebuilt model computes something
        else.
    """
    config = model.get_config()
    if not isinstance(config, Mapping) or "layers" not in config:
        raise ConversionError(
            f"Model {model.name!r} ({type(model).__name__}) is a subclassed model; "
            "only Functional and Sequential models show their layers to a converter."
        )
    if not model.built:
        raise ConversionError(
            f"Sequential model {model.name!r} has no known input shape: begin it with an "
            "Input layer, or build it."
        )
    copy = _model(model, config)
    _check_equal(model, copy)
    return copy


def _model(model: Any, config: Mapping[str, Any]) -> tf.keras.Model:
    functional = "output_layers" in config
    tensors: dict[tuple[str, int, int], Any] = {}
    layers: dict[str, Any] = {}
    last = None
    for entry in config["layers"]:
        name = entry["config"]["name"]
        original = model if entry["class_name"] == "InputLayer" else model.get_layer(name)
        if entry["class_name"] == "InputLayer":
            shape = entry["config"]["batch_shape"]
            last = tensors[name, 0, 0] = tf.keras.Input(batch_shape=tuple(shape), name=name)
            continue
        layers[name] = layer = _layer(entry, original)
        if not functional:
            last = layer(last)
        for i, node in enumerate(entry.get("inbound_nodes", []) if functional else []):
            arguments = [_mapped(argument, tensors) for argument in node["args"]]
            outputs = layer(*arguments, **_call_arguments(node["kwargs"], tensors))
            for j, output in enumerate(tf.nest.flatten(outputs)):
                tensors[name, i, j] = output
    if functional:
        ends = [_mapped_ends(config[key], tensors) for key in ("input_layers", "output_layers")]
        copy = tf.keras.Model(*ends, name=model.name)
    else:
        copy = tf.keras.Model(next(iter(tensors.values())), last, name=model.name)
    for name, layer in layers.items():
        layer.set_weights([np.asarray(w) for w in model.get_layer(name).get_weights()])
    return copy


def _layer(entry: Mapping[str, Any], original: Any) -> Any:
    kind, config = entry["class_name"], entry["config"]
    if "layers" in config:
        return _model(original, config)
    if kind == "TimeDistributed":
        inner = _layer(config["layer"], original.layer)
        return tf.keras.layers.TimeDistributed(inner, name=config["name"])
    layer_class = getattr(tf.keras.layers, kind, None)
    if layer_class is None or not str(entry.get("module", "")).startswith("keras"):
        raise ConversionError(
            f"Layer {config['name']!r} ({kind}) of a Keras 3 model has no counterpart in Keras 2.",
            layer=config["name"],
        )
    accepted = set(inspect.signature(layer_class.__init__).parameters) | _LAYER_ARGUMENTS
    arguments = {}
    for key, value in config.items():
        key = _RENAMED.get((kind, key), key)
        if key in accepted and not key.endswith(_FOR_TRAINING):
            arguments[key] = _policy_name(value) if key == "dtype" else value
    try:
        return layer_class.from_config(arguments)
    except Exception as error:
        raise ConversionError(
            f"Layer {config['name']!r} ({kind}) of a Keras 3 model can't be made in Keras 2: "
            f"{error}.",
            layer=config["name"],
        ) from error


def _policy_name(dtype: Any) -> Any:
    return dtype["config"]["name"] if isinstance(dtype, Mapping) else dtype


def _mapped(argument: Any, tensors: Mapping[tuple[str, int, int], Any]) -> Any:
    """A call argument with every reference to a Keras 3 tensor replaced by our tensor."""
    if isinstance(argument, Mapping):
        if argument.get("class_name") == "__keras_tensor__":
            name, node, index = argument["config"]["keras_history"]
            return tensors[name, node, index]
        return {key: _mapped(value, tensors) for key, value in argument.items()}
    if isinstance(argument, (list, tuple)):
        return [_mapped(value, tensors) for value in argument]
    return argument


def _call_arguments(kwargs: Mapping[str, Any], tensors: Mapping[Any, Any]) -> dict[str, Any]:
    # masks are None in models that can be converted, and not every Keras 2 layer takes one
    return {key: _mapped(value, tensors) for key, value in kwargs.items() if value is not None}


def _mapped_ends(ends: Any, tensors: Mapping[Any, Any]) -> Any:
    """One tensor or a list of tensors from ``[name, node, index]`` or a list of these."""
    if ends and isinstance(ends[0], str):
        return tensors[tuple(ends)]
    return [tensors[tuple(end)] for end in ends]


def _check_equal(model: Any, copy: tf.keras.Model) -> None:
    rng = np.random.RandomState(0)
    inputs = []
    for tensor in copy.inputs:
        # axes of unknown length get a length that most layers can work with
        shape = [2, *(16 if size is None else int(size) for size in tensor.shape[1:])]
        inputs.append(rng.uniform(0, 1, shape).astype("f4"))
    data = inputs if len(inputs) > 1 else inputs[0]
    rebuilt = tf.nest.flatten(copy.predict(data, verbose=0))
    expected = [np.asarray(y) for y in tf.nest.flatten(model.predict(data, verbose=0))]
    for x, y in zip(rebuilt, expected):
        # the same float32 operations, up to the order of sums
        if x.shape != y.shape or not np.allclose(x, y, rtol=1e-3, atol=1e-4 * np.abs(y).max()):
            raise ConversionError(
                f"Keras 3 model {model.name!r} computes something else when rebuilt in Keras 2: "
                "one of its layers means something different there. Make the model with "
                "tf.keras after 'import nengo_spikecost' instead."
            )
