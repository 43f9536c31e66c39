"""Whether a Keras 3 model and the one that was made anew of it in Keras 2 compute the same.

Both are run, which takes longer than all that may be refused of a model. So models from files are
checked when they are converted, after everything that can be said without running them.
"""

from __future__ import annotations

import importlib
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import tensorflow as tf

from ..errors import ConversionError
from .keras3_weights import inputs_not_rounded, rounding_of
from .plain_names import plain_names

#: Models as they were in a file, by what was made of them, until they are checked.
_ORIGINALS: WeakKeyDictionary[tf.keras.Model, Any] = WeakKeyDictionary()


def check_later(model: Any, copy: tf.keras.Model) -> None:
    """Have `check_made` hold a model made anew against the original."""
    _ORIGINALS[copy] = model


def check_made(copy: tf.keras.Model) -> None:
    """`check_equal` for a model from a file, once; nothing for others."""
    original = _ORIGINALS.get(copy)
    if original is not None:
        check_equal(original, copy)
        del _ORIGINALS[copy]


def check_equal(model: Any, copy: tf.keras.Model) -> None:
    """Raise `ConversionError` if a model made anew computes something else than the original."""
    rng = np.random.RandomState(0)
    inputs = []
    for tensor in copy.inputs:
        # axes of unknown length get a length that most layers can work with
        shape = [2, *(16 if size is None else int(size) for size in tensor.shape[1:])]
        inputs.append(rng.uniform(0, 1, shape).astype("f4"))
    data = inputs if len(inputs) > 1 else inputs[0]
    with plain_names(copy):
        rebuilt = [y.numpy() for y in tf.nest.flatten(copy(data, training=False))]
    given: Any = data
    if getattr(model, "_inputs_struct", None) is not None:
        pack = importlib.import_module("keras").tree.pack_sequence_as
        given = pack(model._inputs_struct, inputs)
    with plain_names(model), inputs_not_rounded(model):
        # not predict: Keras 3.15.1 keeps what it traced for this length, and a model with
        # TimeDistributed then predicts the wrong number of steps for another one; nor must what
        # it keeps be without the rounding of inputs
        outputs = model(given, training=False)
    to_numpy = importlib.import_module("keras").ops.convert_to_numpy
    expected = [to_numpy(y).astype("f4") for y in tf.nest.flatten(outputs)]
    # the same float32 operations, up to the order of sums, unless the model rounds more
    error = rounding_of(model)
    for x, y in zip(rebuilt, expected):
        atol = max(1e-4, error) * np.abs(y).max()
        if x.shape != y.shape or not np.allclose(x, y, rtol=max(1e-3, error), atol=atol):
            raise ConversionError(
                f"Keras 3 model {model.name!r} computes something else when rebuilt in Keras 2: "
                "one of its layers means something different there. Make the model with "
                "tf.keras after 'import nengo_spikecost' instead."
            )
