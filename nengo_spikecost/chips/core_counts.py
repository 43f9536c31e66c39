"""What the fullest core does in a step, for chips whose cores work side by side.

One function a count, found by its name. Each takes the counts of all cores at every step, as the
emulated Loihi gives them, and gives numbers of shape (n_samples, n_steps).
"""

from __future__ import annotations

from typing import Callable

import numpy as np

from ..chip.chip_activity import ChipActivity, StepCounts

CoreCount = Callable[[ChipActivity, StepCounts], np.ndarray]

CORE_COUNTS: dict[str, CoreCount] = {}
"""All counts of cores by name."""


def core_count(function: CoreCount) -> CoreCount:
    """Decorator that makes a function the count of its name."""
    CORE_COUNTS[function.__name__] = function
    return function


@core_count
def core_updates(chip: ChipActivity, steps: StepCounts) -> np.ndarray:
    """Neurons of the core with the most of them, all updated at every step."""
    return np.full(steps.spikes.shape[:2], chip.compartments.max(initial=0), dtype=np.int64)


@core_count
def core_synops(chip: ChipActivity, steps: StepCounts) -> np.ndarray:
    """Synaptic operations of the core with the most of them."""
    total = np.sum([*steps.synops.values()], axis=0)
    return np.asarray(total.max(axis=-1, initial=0))


@core_count
def core_messages_in(chip: ChipActivity, steps: StepCounts) -> np.ndarray:
    """Messages that arrive at the core with the most of them: reads of its list of synapses."""
    return np.asarray(steps.axon_events.max(axis=-1, initial=0))


@core_count
def core_messages_out(chip: ChipActivity, steps: StepCounts) -> np.ndarray:
    """Messages that leave the core with the most of them."""
    return np.asarray(steps.messages_out.max(axis=-1, initial=0))


@core_count
def barriers(chip: ChipActivity, steps: StepCounts) -> np.ndarray:
    """One a step, until all cores agree."""
    return np.ones(steps.spikes.shape[:2], dtype=np.int64)
