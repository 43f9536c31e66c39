"""Samples to train with, and some that are held out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...activity.samples import InputSpec, SampleStream
from ...conversion import Conversion
from ...errors import TuningError
from ..fine_tune_options import FineTuneOptions
from .tasks import labels_by_output


@dataclass(frozen=True)
class Data:
    """Samples to train with, and those held out.

    Attributes
    ----------
    inputs, held_inputs : dict from str to ndarray of shape (n, 1 or n_steps, size)
        By input name; float32.
    labels, held_labels : dict from str to ndarray
        By output name.
    """

    inputs: dict[str, np.ndarray]
    labels: dict[str, np.ndarray]
    held_inputs: dict[str, np.ndarray]
    held_labels: dict[str, np.ndarray]

    @property
    def n(self) -> int:
        """Samples to train with."""
        return len(next(iter(self.inputs.values())))

    @property
    def n_held(self) -> int:
        """Samples held out."""
        return len(next(iter(self.held_inputs.values())))


def training_data(conversion: Conversion, x: Any, y: Any, options: FineTuneOptions) -> Data:
    """Samples and labels as arrays, some of them held out in whole batches.

    Raises
    ------
    DataError
        If they do not fit the network.
    TuningError
        If there are too few for a batch, or ``validation`` is neither a share nor samples.
    """
    validation, batch, n_steps = options.validation, options.batch_size, options.n_steps
    inputs, labels = _arrays(conversion, x, y, n_steps)
    n = len(next(iter(inputs.values())))
    if isinstance(validation, (tuple, list)):
        if len(validation) != 2:
            raise TuningError(f"validation must be (x, y) or a share, not {len(validation)} parts.")
        held_inputs, held_labels = _arrays(conversion, validation[0], validation[1], n_steps)
    else:
        if not isinstance(validation, (int, float)) or not 0 <= validation < 1:
            raise TuningError(
                f"validation must be (x, y) or a share from 0 to 1, not {validation!r}."
            )
        share = float(validation)
        order = np.random.default_rng(options.seed).permutation(n)
        # whole batches, and at least one
        n_held = max(math.ceil(share * n / batch), 1) * batch
        held = np.sort(order[:n_held] if share else order[: min(n_held, 1000)])
        held_inputs = {k: v[held] for k, v in inputs.items()}
        held_labels = {k: v[held] for k, v in labels.items()}
        if share:
            kept = np.sort(order[n_held:])
            inputs = {k: v[kept] for k, v in inputs.items()}
            labels = {k: v[kept] for k, v in labels.items()}
    data = Data(inputs, labels, held_inputs, held_labels)
    if data.n < batch or data.n_held < batch:
        raise TuningError(
            f"{data.n} samples to train with and {data.n_held} held out are too few for "
            f"batch_size={batch}: give more samples, or a smaller batch_size."
        )
    return data


def _arrays(conversion: Conversion, x: Any, y: Any, n_steps: int) -> Any:
    specs = [InputSpec(name, node, node.size_out) for name, node in conversion.inputs.items()]
    by_id = {id(node): name for name, node in conversion.inputs.items()}

    def resolve(key: Any) -> str:
        name = by_id.get(id(key), getattr(key, "name", key))
        if name not in conversion.inputs:
            raise KeyError(f"there is no input {name!r}; there are {', '.join(conversion.inputs)}.")
        return str(name)

    stream = SampleStream(x, specs, resolve, n_steps)
    if stream.n_samples is None:
        raise TuningError("x must be an array or a dict of arrays: it is gone through many times.")
    (batch,) = stream.batches(stream.n_samples)
    return batch.inputs, labels_by_output(y, tuple(conversion.outputs), stream.n_samples)
