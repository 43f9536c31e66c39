"""Mean absolute activations at the inputs of a Keras model's layers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ....errors import DataError

BATCH_SIZE = 32


def mean_abs_inputs(model: Any, inputs: Sequence[Sequence[Any]], data: Any) -> np.ndarray:
    """Mean absolute value of groups of a model's tensors over example data.

    Batches are summed as they come, so that memory holds the activations of one batch
    whatever the number of examples.

    Parameters
    ----------
    model : tf.keras.Model
        The model, left as it is.
    inputs : sequence of sequences of tensors
        For every group, its tensors. The mean is over all elements of all of them.
    data : array, list or dict of arrays, tf.data.Dataset, keras Sequence or generator
        Example inputs, as ``model.predict`` takes them.

    Returns
    -------
    ndarray of float64, shape (len(inputs),)

    Raises
    ------
    DataError
        If the data are empty, have the wrong shape, or give activations that are not finite.
    """
    import tensorflow as tf

    tensors: dict[int, Any] = {id(t): t for group in inputs for t in group}
    probe = tf.keras.Model(model.inputs, list(tensors.values()))
    sums = np.zeros(len(tensors))
    sizes = np.zeros(len(tensors), dtype=np.int64)
    for batch in _batches(data):
        try:
            outputs = probe.predict_on_batch(batch)
        except (ValueError, tf.errors.OpError) as error:
            raise DataError(
                f"example_data do not fit the model, whose inputs have shapes "
                f"{[tuple(t.shape) for t in model.inputs]}: {_last_line(error)}"
            ) from error
        outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
        for i, output in enumerate(outputs):
            sums[i] += np.abs(output).sum(dtype=np.float64)
            sizes[i] += output.size
    if not sizes.all():
        raise DataError("example_data hold no samples.")
    if not np.isfinite(sums).all():
        raise DataError("example_data give activations that are not finite (NaN or infinite).")
    place = {key: i for i, key in enumerate(tensors)}
    groups = [[place[id(t)] for t in group] for group in inputs]
    return np.array([sums[members].sum() / sizes[members].sum() for members in groups])


def _batches(data: Any) -> Iterator[Any]:
    """Batches of inputs, from whatever ``model.predict`` takes."""
    if isinstance(data, dict):
        yield from (dict(zip(data, batch)) for batch in _slices(list(data.values())))
    elif isinstance(data, (list, tuple)) and data and hasattr(data[0], "shape"):
        yield from _slices(data)
    elif hasattr(data, "shape") or isinstance(data, (list, tuple)):
        yield from (batch for [batch] in _slices([data]))
    elif hasattr(data, "__getitem__") and hasattr(data, "__len__"):
        # A keras Sequence's iterator is endless in some versions: index it.
        yield from (_inputs_of(data[i]) for i in range(len(data)))
    elif hasattr(data, "__iter__"):
        yield from (_inputs_of(batch) for batch in data)
    else:
        raise DataError(
            f"example_data must be arrays or an iterable of batches, not {type(data).__name__}."
        )


def _last_line(error: Exception) -> str:
    """The message of Keras, which comes after its own traceback."""
    return str(error).strip().split("\n")[-1].strip()


def _inputs_of(batch: Any) -> Any:
    """The inputs of a batch that may come with labels: ``(x, y)`` or ``(x, y, weights)``."""
    return batch[0] if isinstance(batch, tuple) else batch


def _slices(values: Sequence[Any]) -> Iterator[list[np.ndarray]]:
    """Batches of arrays that have one number of samples."""
    arrays = [np.asarray(value) for value in values]
    lengths = {len(a) if a.ndim else 0 for a in arrays}
    if len(lengths) != 1:
        raise DataError(f"example_data have different numbers of samples: {sorted(lengths)}.")
    for start in range(0, lengths.pop(), BATCH_SIZE):
        yield [a[start : start + BATCH_SIZE] for a in arrays]
