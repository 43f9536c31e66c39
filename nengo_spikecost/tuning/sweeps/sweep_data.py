"""Samples, labels and models that a sweep can be made of, checked."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...activity.activity_record import class_labels
from ...errors import DataError, TuningError

_SEARCHED = {"scale_firing_rates": "start_from, global_scales", "synapse": "synapses"}
"""Arguments of `convert` that are searched, and what a sweep takes instead."""


def checked_convert_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options of `convert`, without those that are searched."""
    for name, instead in _SEARCHED.items():
        if name in options:
            raise TuningError(f"{name} is searched by a sweep: it takes {instead} instead.")
    return dict(options)


def images_and_labels(model: Any, x: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
    """Samples as an array and labels as numbers of classes.

    Raises
    ------
    DataError
        If they do not belong together, or the model is no classifier with one input.
    """
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise DataError(
            f"A sweep needs a model with one input and one output, whose largest value is the "
            f"class; this one has {len(model.inputs)} and {len(model.outputs)}."
        )
    x, y = np.asarray(x), np.asarray(y)
    if x.ndim < 2 or not len(x):
        raise DataError(f"x must be an array of samples (n, ...), not one of shape {x.shape}.")
    if y.ndim == 0 or len(y) != len(x):
        raise DataError(f"There are {len(x)} samples and labels of shape {y.shape}.")
    return x, class_labels(y, int(model.outputs[0].shape[-1]))


def check_reference(reference: Any, x: np.ndarray, labels: np.ndarray) -> None:
    """Refuse a reference that is no Keras model that classifies the same samples."""
    if reference is None:
        return
    if not all(hasattr(reference, name) for name in ("inputs", "outputs", "predict")):
        raise TuningError(f"reference must be a Keras model, not {reference!r}.")
    images_and_labels(reference, x, labels)


def keras_outcomes(model: Any, x: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Whether the Keras model classifies each sample rightly; shape (n,)."""
    shape = (len(x), *model.inputs[0].shape[1:])
    if None in shape or x.size != math.prod(shape):
        raise DataError(
            f"x has shape {x.shape}, and the model takes {model.inputs[0].shape}: a sweep needs "
            "samples that the Keras model itself classifies."
        )
    outputs = np.asarray(model.predict(x.reshape(shape), verbose=0))
    if outputs.ndim != 2:
        raise DataError(
            f"The model's output has shape {outputs.shape}; a sweep needs one class a sample."
        )
    if not np.isfinite(outputs).all():
        raise DataError("The Keras model gives values that are no finite numbers.")
    return outputs.argmax(axis=1) == labels
