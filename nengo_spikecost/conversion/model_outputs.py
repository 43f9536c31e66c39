"""The outputs of the Keras model itself, for the samples that its spiking network was shown."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from ..activity.samples import with_labels
from ..activity.subject import subject
from ..errors import DataError
from .plain_names import predict


def model_outputs(named: Any, data: Any) -> dict[str, np.ndarray]:
    """Outputs of the Keras model, each (n_samples, size), by name.

    Empty where there are none to compare with: for networks that no model was converted to, for
    samples that come once only or change from step to step, and for models in time.

    Parameters
    ----------
    named : Conversion or nengo.Network
    data : array or dict or iterable
        As `nengo_spikecost.measure` takes them.
    """
    model, x = getattr(named, "model", None), with_labels(data)[0]
    if model is None or named.temporal:
        return {}
    try:
        _, stream = subject(named).stream(x, 1)
    except DataError:  # they have steps: `measure`, which checks data, has taken them
        return {}
    if stream.n_samples is None:
        return {}
    (batch,) = stream.batches(stream.n_samples)
    fed = [
        values.reshape(len(values), *named.input_shapes[name])
        for name, values in batch.inputs.items()
    ]
    outputs = predict(model, fed[0] if len(fed) == 1 else fed)
    several = tf.nest.flatten(outputs)  # a list, or a dict of a model with named outputs
    return {
        name: np.asarray(values).reshape(len(values), -1)
        for name, values in zip(named.outputs, several)
    }
