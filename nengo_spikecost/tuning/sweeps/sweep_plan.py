"""`Plan`: the network, the data and the options of one sweep.

Its samples, labels and models are checked here. For a study, all of it is written down as digests
and words, for a study goes on with the same only.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, is_dataclass
from typing import Any

import numpy as np

from ...activity.given_arrays import in_steps, one_array, real_array
from ...activity.labels import Labels, only_labels, read_labels
from ...checkpoints import differences
from ...conversion import Conversion, convert
from ...conversion.output_heads import head_of
from ...conversion.plain_names import predict
from ...deadlines import in_time, in_time_here
from ...digests import array_digest
from ...errors import DataError, TuningError
from ...words import counted
from ..rescaling import RescalableNetwork
from ..sweep_options import SweepOptions


def _of_arrays(*arrays: Any) -> str:
    """A hash of arrays: their types, shapes and values."""
    return array_digest(np.asarray(array) for array in arrays)[:16]


def _of_text(value: Any) -> str:
    """A hash of the ``repr`` of an object: of a device, all its constants."""
    return hashlib.sha256(repr(value).encode()).hexdigest()[:8]


def _of_model(model: Any) -> str:
    """A hash of a Keras model: its layers and weights."""
    layers = json.dumps(model.get_config(), default=str, sort_keys=True)
    digest = hashlib.sha256(layers.encode())
    digest.update(_of_arrays(*model.get_weights()).encode())
    return digest.hexdigest()[:16]


def check_same(path: str | None, made_with: Mapping[str, str], now: Mapping[str, str]) -> None:
    """Refuse a study that was made with something else.

    Parameters
    ----------
    path : str, optional
        The study.
    made_with, now : mapping from str to str
        Arguments in words, or hashes of them, by name.

    Raises
    ------
    TuningError
        If arguments differ; it names them.
    """
    words = differences(made_with, now, ("model", "x", "y"), absent="not given", written=str)
    if words:
        raise TuningError(
            f"The study {path} was made with {'; '.join(words)}. Give the same arguments to go on "
            "with it, or another file."
        )


_SEARCHED = {"scale_firing_rates": "start_from, global_scales", "synapse": "synapses"}
"""Arguments of `convert` that are searched, and what a sweep takes instead."""


def checked_convert_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options of `convert`, without those that are searched."""
    for name, instead in _SEARCHED.items():
        if name in options:
            raise TuningError(f"{name} is searched by a sweep: it takes {instead} instead.")
    return dict(options)


def images_and_labels(
    model: Any, x: Any, y: Any, task: str | None = None
) -> tuple[np.ndarray, Labels]:
    """Samples as an array, and labels: classes, or targets of a regression.

    Raises
    ------
    DataError
        If they do not belong together, or the model has not one input and one output.
    """
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise DataError(
            f"A sweep needs a model with one input and one output, whose values are held against "
            f"the labels; this one has {len(model.inputs)} and {len(model.outputs)}."
        )
    x = real_array(x, "x")
    if x.ndim < 2 or not len(x):
        raise DataError(f"x must be an array of samples (n, ...), not one of shape {x.shape}.")
    output = model.outputs[0]
    y = one_array(only_labels(y), "Labels")
    if y.ndim == 0 or len(y) != len(x):
        raise DataError(f"The data have {counted(len(x), 'sample')} and labels of shape {y.shape}.")
    shape = tuple(output.shape)[1:]
    if None in shape:
        raise DataError(
            f"The model's output has shape {tuple(output.shape)}; a sweep needs one class, or one "
            "set of targets, a sample."
        )
    labels = read_labels(y, math.prod(shape), head_of(output), task, shape)
    if labels.kind == "regression" and not labels.variance:
        raise DataError("The targets in y are the same for all samples: there is nothing to tune.")
    return x, labels


def check_reference(reference: Any, x: np.ndarray, y: Any, task: str | None) -> None:
    """Refuse a reference that is no Keras model for the same samples."""
    if reference is None:
        return
    if not all(hasattr(reference, name) for name in ("inputs", "outputs", "predict")):
        raise TuningError(f"reference must be a Keras model, not {reference!r}.")
    images_and_labels(reference, x, y, task)


def keras_outcomes(model: Any, x: np.ndarray, labels: Labels) -> np.ndarray:
    """How good the Keras model's output is for each sample; shape (n,): see `Labels.outcomes`."""
    shape = tuple(model.inputs[0].shape)[1:]
    if None in shape or x.size != math.prod((len(x), *shape)):
        raise DataError(
            f"x has shape {x.shape}, and the model takes {model.inputs[0].shape}: a sweep needs "
            "samples that the Keras model itself classifies."
        )
    in_steps(x, "x", math.prod(shape), shape, None)
    outputs = np.asarray(in_time(lambda: predict(model, x.reshape(len(x), *shape))))
    if not np.isfinite(outputs).all():
        raise DataError("The Keras model gives values that are no finite numbers.")
    return labels.outcomes(outputs.reshape(len(x), -1))


_SIMULATED_FIRST = 100


@dataclass(frozen=True)
class Plan:
    """The network, the data and the options of one sweep.

    Attributes
    ----------
    model : tf.keras.Model
        The network that is tuned.
    x : ndarray of shape (n_images, ...)
        Images to tune on.
    labels : Labels
        Their classes or targets.
    options : SweepOptions
        How to search.
    conversion : mapping
        Arguments of `convert`, but for the neurons, the scales, the synapse and the seed.
    """

    model: Any
    x: np.ndarray
    labels: Labels
    options: SweepOptions
    conversion: Mapping[str, Any]

    @property
    def first_images(self) -> int:
        """Images after which a setting is given up first."""
        return self.options.first_images or max(_SIMULATED_FIRST, len(self.x) // 5)

    @property
    def simulation(self) -> dict[str, Any]:
        """Arguments of `measure`, but for the simulator and the presentation."""
        options = self.options
        return {
            "batch_size": options.batch_size, "dt": options.dt, "seed": options.seed,
            "memory": options.memory,
        }  # fmt: skip

    def ordered(self) -> tuple[np.ndarray, Labels]:
        """Images and labels in the order they are seen."""
        # data are often sorted by class: the first images should be like all
        order = np.random.default_rng(self.options.seed).permutation(len(self.x))
        return self.x[order], self.labels.rows(order)

    def fingerprint(self) -> dict[str, str]:
        """All that the results depend on, in words or as digests, by name."""
        reference, price = self.options.reference, self.options.cost_model.price
        another = None if reference is None else f"another model ({_of_model(reference)})"
        return {
            **self.options.fingerprint(), "model": _of_model(self.model),
            "x": _of_arrays(self.x), "y": _of_arrays(self.labels.values),
            "reference": another or "the model", "first_images": str(self.first_images),
            "constants of the device": _of_text(self.options.device),
            # studies from before there was a choice are of classes
            **({} if self.labels.kind == "classes" else {"labels": self.labels.words}),
            # the name of a cost model need not have all its options
            **({"options of the cost model": _of_text(price)} if is_dataclass(price) else {}),
            **{name: str(value) for name, value in self.conversion.items()},
        }  # fmt: skip

    def network(self, synapse: float | None, simulator: str = "nengo_dl") -> RescalableNetwork:
        """The network with that synapse, for any scales, in NengoDL or compiled."""
        return RescalableNetwork(
            self.model, simulator=simulator, neuron_type=self.options.neuron_type, synapse=synapse,
            network_seed=self.options.seed, **self.simulation, **self.conversion,
        )  # fmt: skip

    def converted(self, scales: Any, synapse: float | None) -> Conversion:
        """A network of its own with these scales and that synapse."""
        made: Conversion = in_time_here(
            lambda: convert(
                self.model, neuron_type=self.options.neuron_type, scale_firing_rates=scales,
                synapse=synapse, seed=self.options.seed, **self.conversion,
            )
        )  # fmt: skip
        return made

    def reference_outcomes(self, x: np.ndarray, labels: Labels) -> np.ndarray:
        """How good the model that losses are against is for each image."""
        reference = self.options.reference
        return keras_outcomes(self.model if reference is None else reference, x, labels)
