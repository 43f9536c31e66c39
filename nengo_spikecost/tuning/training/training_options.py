"""What `fine_tune` is given, checked where it is given."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping
from typing import Any

from ...check import is_whole
from ...conversion.scales import layer_names, resolve_scales
from ...errors import TuningError

#: What neurons do in training.
FORWARD = ("spikes", "rates")

#: Options of `convert` that training decides.
_DECIDED = ("inference_only", "lower", "off_chip", "split_shared_weights", "allow_fallback")


def check_options(
    *,
    forward: Any,
    n_steps: Any,
    synop_weight: Any,
    rates_hz: Any,
    epochs: Any,
    batch_size: Any,
    dt: Any,
    options: Mapping[str, Any],
) -> None:
    """Raise `TuningError`, naming the argument, if one is not as `fine_tune` says."""
    if forward not in FORWARD:
        raise TuningError(f"forward must be one of {', '.join(FORWARD)}, not {forward!r}.")
    counts = {"n_steps": n_steps, "epochs": epochs, "batch_size": batch_size}
    for name, value in counts.items():
        if not is_whole(value, 1):
            raise TuningError(f"{name} must be a whole number of at least 1, not {value!r}.")
    if not _is_number(dt) or dt <= 0:
        raise TuningError(f"dt must be a positive number of seconds, not {dt!r}.")
    if not _is_number(synop_weight) or synop_weight < 0:
        raise TuningError(f"synop_weight must be a number of at least 0, not {synop_weight!r}.")
    if rates_hz is not None and forward != "rates":
        raise TuningError(
            "rates_hz needs forward='rates': with spikes, rates are those of scale_firing_rates. "
            "Give a regularizer of rates instead."
        )
    decided = [name for name in _DECIDED if name in options]
    if decided:
        raise TuningError(f"fine_tune decides {decided[0]} itself: leave it out.")


def keyed_by_name(given: Any, user_model: Any, model: Any) -> Any:
    """A dict by layers or their names as one by names; anything else as it is."""
    if not isinstance(given, Mapping):
        return given
    names = layer_names(user_model, model)
    return {names.get(id(k), getattr(k, "name", k)): value for k, value in given.items()}


def resolved_scales(scales: Any, user_model: Any, model: Any) -> dict[str, float]:
    """Scale by layer name, whichever model the layers are named by."""
    return resolve_scales(scales, layer_names(user_model, model))


def _is_number(value: Any) -> bool:
    return (
        isinstance(value, numbers.Real)
        and not isinstance(value, bool)
        and math.isfinite(float(value))
    )
