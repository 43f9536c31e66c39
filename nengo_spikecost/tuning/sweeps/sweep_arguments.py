"""The arguments of `sweep`, checked and in one form."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ...activity.activity_record import READOUTS, class_labels
from ...check import is_whole
from ...energy import devices as device_table
from ...energy.cost_models import get_cost_model
from ...energy.device import Device
from ...errors import DataError, TuningError

CHIP = "loihi"
SIMULATORS = ("nengo_dl", CHIP)
"""What settings can be simulated by; only a chip's says what each core did."""


def checked_steps(n_steps: Any) -> tuple[int, ...]:
    """Presentation times, ascending."""
    given = list(n_steps) if isinstance(n_steps, Iterable) else [n_steps]
    if not given or not all(is_whole(n, 1) for n in given):
        raise TuningError(
            f"n_steps must be a number of steps, at least 1, or several, not {n_steps!r}."
        )
    return tuple(sorted({int(n) for n in given}))


def checked_synapses(synapses: Any) -> tuple[float | None, ...]:
    """Time constants in s, each once, in the order given."""
    single = synapses is None or isinstance(synapses, numbers.Real)
    given = [synapses] if single else list(synapses)
    if not given:
        raise TuningError("synapses must name at least one time constant in s, or None.")
    found: list[float | None] = []
    for tau in given:
        if tau is None or tau == 0:
            found.append(None)
        elif isinstance(tau, numbers.Real) and 0 < float(tau) < math.inf:
            found.append(float(tau))
        else:
            raise TuningError(
                f"synapses must be time constants of lowpass filters in s, or None, not {tau!r}."
            )
    return tuple(dict.fromkeys(found))


def checked_losses(losses: Any) -> tuple[float, ...]:
    """Losses of accuracy, ascending."""
    given = list(losses) if isinstance(losses, Iterable) else [losses]
    if not given or not all(isinstance(x, numbers.Real) and 0 <= float(x) <= 1 for x in given):
        raise TuningError(
            "accuracy_losses must be shares of images from 0 to 1, such as 0.005 for half a "
            f"point, not {losses!r}."
        )
    return tuple(sorted({float(x) for x in given}))


def checked_simulator(simulator: Any) -> str:
    """What simulates the settings."""
    if simulator not in SIMULATORS:
        raise TuningError(f"simulator must be one of {', '.join(SIMULATORS)}, not {simulator!r}.")
    return str(simulator)


def checked_device(device: Any, cost_model: Any, simulator: str) -> Device:
    """The device, if what the simulator counts can be priced on it under the cost model."""
    model = get_cost_model(cost_model)
    found = device_table.get(device, model.name)
    if model.name == "kerasspiking":
        raise TuningError(
            "cost_model='kerasspiking' prices activations of the Keras model, which do not depend "
            "on firing rates: take one that prices spikes, such as 'per_operation'."
        )
    if not found.spiking or not model.can_price(found):
        raise TuningError(
            f"Device {found.name} does not price spikes under cost model {model.name}, so there "
            "is no energy to lower: take a spiking device, such as 'loihi'."
        )
    check_counted(model, simulator)
    return found


def check_counted(cost_model: Any, simulator: str) -> None:
    """Refuse a cost model that prices what the simulator does not count.

    Raises
    ------
    TuningError
        If it prices a chip, and the simulator is of none, or counts spikes only.
    """
    model = get_cost_model(cost_model)
    if model.needs_chip and simulator != CHIP:
        raise TuningError(
            f"cost_model={model.name!r} prices what each core of a chip did, which "
            f"simulator={simulator!r} does not count: give simulator={CHIP!r}."
        )


def checked_numbers(**given: Any) -> None:
    """Raise `TuningError` unless each is a number in its range."""
    ranges = {
        "n_trials": (1, math.inf, "a whole number of at least 1"),
        "first_images": (1, math.inf, "a whole number of at least 1, or None"),
        "seed": (0, 2**32 - 1, "a whole number from 0 to 2**32 - 1"),
        "explore": (0, 1, "a share from 0 to 1"),
        "confidence": (0.5, 1 - 1e-9, "a share from 0.5 to below 1"),
        "dt": (1e-12, math.inf, "a positive time in s"),
        "timeout": (0, math.inf, "a time in s, or None"),
    }
    for name, value in given.items():
        low, high, words = ranges[name]
        if value is None and "None" in words:
            continue
        kind = numbers.Integral if "whole" in words else numbers.Real
        if (
            not isinstance(value, kind)
            or isinstance(value, bool)
            or not low <= float(value) <= high
        ):
            raise TuningError(f"{name} must be {words}, not {value!r}.")


def checked_readout(readout: str) -> str:
    """The readout."""
    if readout not in READOUTS:
        raise TuningError(f"readout must be one of {', '.join(READOUTS)}, not {readout!r}.")
    return readout


def checked_global_scales(scales: Any) -> tuple[float, ...] | None:
    """Scales of the baseline, ascending; None for the usual ones."""
    if scales is None:
        return None
    given = list(scales) if isinstance(scales, Iterable) else [scales]
    if not given or not all(isinstance(s, numbers.Real) and 0 < float(s) < math.inf for s in given):
        raise TuningError(f"global_scales must be positive numbers, not {scales!r}.")
    return tuple(sorted({float(s) for s in given}))


def checked_convert_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options of `convert`, without those that are searched."""
    searched = {"scale_firing_rates": "start_from, global_scales", "synapse": "synapses"}
    for name, instead in searched.items():
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


def checked_reference(reference: Any, x: np.ndarray, labels: np.ndarray) -> Any:
    """A Keras model that classifies the same samples, or None."""
    if reference is None:
        return None
    if not all(hasattr(reference, name) for name in ("inputs", "outputs", "predict")):
        raise TuningError(f"reference must be a Keras model, not {reference!r}.")
    images_and_labels(reference, x, labels)
    return reference


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


def checked_scales(given: Any, layers: tuple[str, ...], what: str) -> list[dict[str, float]]:
    """Settings of the user's own, with a scale for every layer."""
    found = []
    for scales in given:
        if not isinstance(scales, Mapping) or set(scales) != set(layers):
            raise TuningError(
                f"{what} must be dicts with a scale for each of the layers {', '.join(layers)}, "
                f"not {scales!r}."
            )
        values = {name: scales[name] for name in layers}
        wrong = [
            n for n, s in values.items()
            if not isinstance(s, numbers.Real) or not 0 < float(s) < math.inf
        ]  # fmt: skip
        if wrong:
            raise TuningError(f"{what}: the scale of {wrong[0]} must be a positive number.")
        found.append({name: float(s) for name, s in values.items()})
    return found
