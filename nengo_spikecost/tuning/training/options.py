"""What `fine_tune` is given, checked where it is given."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping
from typing import Any

from ...conversion.lookup import walk_layers
from ...conversion.scales import resolve_scales
from ...errors import TuningError
from ...whole import is_whole

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


def resolved_scales(scales: Any, user_model: Any, model: Any) -> dict[str, float]:
    """Scale by layer name, whichever model the layers are named by."""
    names = {
        id(layer): name for a_model in (user_model, model) for name, layer in walk_layers(a_model)
    }
    return resolve_scales(scales, names)


def _is_number(value: Any) -> bool:
    return (
        isinstance(value, numbers.Real)
        and not isinstance(value, bool)
        and math.isfinite(float(value))
    )
