"""Keras models without some of a layer's units or channels, and without the weights that read them.

`pruned` makes a model that is smaller, not one with zeros in it: layers behind the pruned one
lose the weights of what is gone. What a channel mask passes on its way is walked layer by layer:

    layer                       what it does with the channels that are left
    --------------------------  ---------------------------------------------------------
    the pruned one              loses columns of its kernel, and biases
    Activation, pooling, ...    keeps them as they are
    BatchNormalization          loses what it knows of the others
    DepthwiseConv2D             loses their kernels, and passes its own channels on
    Flatten                     repeats them for every position
    Dense, Conv                 loses rows of its kernel; nothing is missing behind it
    any other                   is refused by name: what it would compute is not known
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from .. import check, stack
from ..errors import ConversionError
from ..options import named_arguments

#: Layers that treat every channel alike, by the names of their classes.
PASSING = (
    "Activation", "ReLU", "LeakyReLU", "Dropout", "SpatialDropout1D", "SpatialDropout2D",
    "MaxPooling1D", "MaxPooling2D", "AveragePooling1D", "AveragePooling2D", "ZeroPadding1D",
    "ZeroPadding2D", "Cropping1D", "Cropping2D", "UpSampling1D", "UpSampling2D",
    "GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalMaxPooling1D",
    "GlobalMaxPooling2D", "GaussianNoise", "ActivityRegularization",
)  # fmt: skip

#: Layers that can be pruned, with the key of their size in their configuration.
SIZES = {"Dense": "units", "Conv1D": "filters", "Conv2D": "filters"}


def weights_layer(model: Any, name: str) -> Any | None:
    """The layer whose units are the neurons of a layer: itself, or the one before its activations.

    Between the two may be what keeps channels as they are, such as BatchNormalization. None if it
    is none that can be pruned.
    """
    names = {layer.name: layer for layer in model.layers}
    layer = names.get(name)
    while layer is not None and type(layer).__name__ in (*PASSING, "BatchNormalization"):
        before = _sources(layer)
        layer = before[0] if len(before) == 1 and len(_readers(model, before[0])) == 1 else None
    known = layer is not None and type(layer).__name__ in SIZES
    return layer if known and getattr(layer, "groups", 1) == 1 else None


@named_arguments
def prune(model: Any, units: Mapping[str, Iterable[int]]) -> Any:
    """A model without some units or channels of its layers, smaller than the one that was given.

    Parameters
    ----------
    model : tf.keras.Model
        Of Keras 2 or Keras 3. It is not changed.
    units : mapping from str to iterable of int
        By the name of a Dense, Conv1D or Conv2D layer, or of the activations behind one: the
        numbers of the units or channels that are taken out, counted from 0.

    Returns
    -------
    tf.keras.Model
        Of Keras 2, with the same names of layers, and the weights that are left.

    Raises
    ------
    ConversionError
        If there is no such layer or unit, or a layer that reads it could not do without.

    Examples
    --------
    >>> smaller = nsc.prune(model, {"conv0": [3, 17], "dense0": range(100)})  # doctest: +SKIP
    """
    check.kind("units", units, Mapping, ConversionError, "a mapping from layers to units")
    smaller = in_keras_2(model)
    for name, gone in units.items():
        target = weights_layer(smaller, name)
        if target is None:
            raise ConversionError(
                f"{name} has no units that could be pruned: name a Dense or Conv layer without "
                f"groups; the layers are {', '.join(layer.name for layer in smaller.layers)}."
            )
        words = "a list of unit numbers"
        numbers = check.several(f"units[{name!r}]", gone, ConversionError, words)
        smaller = pruned(smaller, target.name, ~_among(name, numbers, size_of(target)))
    return smaller


def in_keras_2(model: Any) -> Any:
    """The model, made anew if it is of Keras 3.

    Raises
    ------
    ConversionError
        If it is no model whose layers can be read.
    """
    from ..conversion.checks import check_model
    from ..conversion.keras3 import is_keras_3, made_anew

    model = made_anew(model) if is_keras_3(model) else model
    check_model(model)
    return model


def _among(layer: str, numbers: list[Any], size: int) -> np.ndarray:
    """Which units are named, of so many: bool, shape (size,)."""
    for number in numbers:
        if not check.is_whole(number) or not 0 <= number < size:
            raise ConversionError(
                f"{layer} has the units 0 to {size - 1}; there is no unit {check.shown(number)}."
            )
    named = np.isin(np.arange(size), numbers)
    if named.all():
        raise ConversionError(f"These are all {size} units of {layer}: leave it one at least.")
    return named


def pruned(model: Any, name: str, keep: np.ndarray) -> Any:
    """A model without some units of a layer.

    Parameters
    ----------
    model : tf.keras.Model
        Of Keras 2. It is not changed.
    name : str
        Of a Dense, Conv1D or Conv2D layer.
    keep : ndarray of bool, shape (n_units,)
        The units or channels that stay.

    Raises
    ------
    ConversionError
        If the layer can't be pruned, or one that reads it could not do without the channels.
    """
    keep = np.asarray(keep, dtype=bool)
    target = _target(model, name)
    size = size_of(target)
    if keep.shape != (size,) or not keep.any():
        raise ConversionError(
            f"keep must have one entry for each of the {size} units of {name}, some of them True; "
            f"it has shape {keep.shape} and {int(keep.sum())} True."
        )
    masks = _masks(model, target, keep)

    def clone(layer: Any) -> Any:
        config = layer.get_config()
        if layer is target:
            config[SIZES[type(layer).__name__]] = int(keep.sum())
        return type(layer).from_config(config)

    keras = stack.keras()
    smaller = keras.models.clone_model(model, clone_function=clone)
    for old, new in zip(_with_weights(model), _with_weights(smaller)):
        new.set_weights(_cut(old, masks.get(old.name), target, keep))
    return smaller


def narrowed(model: Any, name: str) -> list[str]:
    """Layers that lose channels with those of a layer, as a depthwise convolution does.

    Raises
    ------
    ConversionError
        As `pruned` does, whichever units are taken out.
    """
    target = _target(model, name)
    masks = _masks(model, target, np.ones(size_of(target), dtype=bool))
    layers = {layer.name: layer for layer in model.layers}
    return [own for own in masks if type(layers[own]).__name__ not in SIZES]


def size_of(layer: Any) -> int:
    """Units or channels of a layer that can be pruned."""
    return int(getattr(layer, SIZES[type(layer).__name__]))


def _target(model: Any, name: str) -> Any:
    """The layer of that name, which has units to prune."""
    target = weights_layer(model, name)
    if target is None or target.name != name:
        raise ConversionError(
            f"{name} has no units that could be pruned: name a Dense or Conv layer without groups."
        )
    if getattr(target, "data_format", "channels_last") != "channels_last":
        raise ConversionError(
            f"{name} has its channels first; only models with channels last can be pruned."
        )
    return target


def _with_weights(model: Any) -> list[Any]:
    return [layer for layer in model.layers if layer.weights]


def _sources(layer: Any) -> list[Any]:
    """Layers that a layer reads."""
    inputs = layer.input if isinstance(layer.input, (list, tuple)) else [layer.input]
    return [tensor._keras_history.layer for tensor in inputs]


def _readers(model: Any, layer: Any) -> list[Any]:
    """Layers that read a layer."""
    inner = [other for other in model.layers if type(other).__name__ != "InputLayer"]
    return [other for other in inner if any(own is layer for own in _sources(other))]


def _masks(model: Any, target: Any, keep: np.ndarray) -> dict[str, np.ndarray]:
    """Of every layer that lacks some of its inputs: which of its last axis are left."""
    masks: dict[str, np.ndarray] = {}
    outputs = {id(tensor) for tensor in model.outputs}
    waiting = [(target, keep)]
    while waiting:
        layer, mask = waiting.pop()
        if id(layer.output) in outputs:
            raise ConversionError(
                f"{target.name} can't be pruned: its channels are an output of the model."
            )
        for reader in _readers(model, layer):
            passed = _passed_on(reader, layer, mask, target)
            masks[reader.name] = mask
            if passed is not None:
                waiting.append((reader, passed))
    return masks


def _passed_on(reader: Any, layer: Any, mask: np.ndarray, target: Any) -> np.ndarray | None:
    """The channels that are left behind a layer; None: none is missing there."""
    kind = type(reader).__name__
    plain = getattr(reader, "data_format", "channels_last") == "channels_last"
    grouped = getattr(reader, "groups", 1) != 1
    if len(_sources(reader)) == 1 and plain and len(reader._inbound_nodes) == 1:
        if kind in SIZES and not grouped:
            return None
        if kind in PASSING:
            return mask
        if kind == "BatchNormalization" and list(np.atleast_1d(reader.axis)) == [
            len(layer.output.shape) - 1
        ]:
            return mask
        if kind == "DepthwiseConv2D":
            return np.repeat(mask, reader.depth_multiplier)
        if kind == "Flatten":
            positions = int(np.prod(layer.output.shape[1:-1]))
            return np.tile(mask, positions)
    raise ConversionError(
        f"{target.name} can't be pruned: {reader.name}, which reads it, is of type {kind}"
        f"{' with groups' if grouped else ''}, and would compute something else."
    )


def _cut(layer: Any, mask: np.ndarray | None, target: Any, keep: np.ndarray) -> list[np.ndarray]:
    """The weights of a layer that are left."""
    weights = [np.asarray(values) for values in layer.get_weights()]
    kind = type(layer).__name__
    if mask is not None:
        if kind == "BatchNormalization":
            return [values[mask] for values in weights]
        if kind == "DepthwiseConv2D":
            kernel, *biases = weights
            wide = np.repeat(mask, layer.depth_multiplier)
            return [kernel[..., mask, :], *(values[wide] for values in biases)]
        weights[0] = weights[0][..., mask, :]
    if layer is target:
        weights = [values[..., keep] for values in weights]
    return weights
