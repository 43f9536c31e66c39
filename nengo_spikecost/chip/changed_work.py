"""The work of a chip with fewer steps, or layers that do less: counts made of counts.

Nothing is run again. `first_steps` is exact, where samples start afresh; `thinned` is what is known
before a network is changed: every count of a layer by a factor.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any

import numpy as np

from ..errors import EnergyError
from .chip_activity import StepCounts
from .chip_work import ChipWork


def first_steps(work: ChipWork, n_steps: int) -> ChipWork:
    """The work of the first so many steps of every sample.

    Exact where samples start afresh, for all that was counted step by step; the rest (spikes that
    the host reads, hops) is taken to be as many times fewer as the spikes and messages.

    Raises
    ------
    EnergyError
        If the work was not counted step by step, or for fewer steps.
    """
    steps = work.by_step
    if steps is None or not 1 <= n_steps <= work.n_steps:
        had = "no counts by step" if steps is None else f"{work.n_steps} steps"
        raise EnergyError(
            f"n_steps must be from 1 to those that were counted; this work has {had}."
        )
    names = [f.name for f in fields(StepCounts)]
    kept = StepCounts(
        **{n: _mapped(getattr(steps, n), lambda counts: counts[:, :n_steps]) for n in names}
    )
    sums = {n: _mapped(getattr(kept, n), lambda counts: counts.sum(axis=1)) for n in names}
    own = {f.name for f in fields(ChipWork)}
    changes: dict[str, Any] = {name: counts for name, counts in sums.items() if name in own}
    share = _ratio(sums["spikes"].sum(axis=1), work.spikes.sum(axis=1))
    changes["chip_to_host"] = work.chip_to_host * share
    changes["hops"] = work.hops.scaled(_ratio(sums["messages_out"], work.messages_out))
    return replace(work, n_steps=n_steps, by_step=kept, **changes)


@dataclass(frozen=True)
class Share:
    """How much of a layer's counts is left.

    Attributes
    ----------
    neurons : float
        Of its compartments, and of their updates.
    spikes : float
        Of its spikes and the messages that it sends.
    synops : float
        Of the weights that arriving spikes meet in it.
    axons : float
        Of the messages that arrive.
    """

    neurons: float = 1.0
    spikes: float = 1.0
    synops: float = 1.0
    axons: float = 1.0


def thinned(work: ChipWork, shares: Mapping[str, Share], host_spikes: float = 1.0) -> ChipWork:
    """The work of layers that have fewer neurons, spikes or synops.

    Parameters
    ----------
    work : ChipWork
    shares : mapping from str to Share
        By layer; others stay as they are.
    host_spikes : float
        Share of the spikes that the host sends.
    """
    of_core = [shares.get(layer, Share()) for layer in work.layers]
    neurons, spikes, synops, axons = (
        np.array([getattr(share, name) for share in of_core])
        for name in ("neurons", "spikes", "synops", "axons")
    )
    factors = {
        "spikes": spikes, "messages_out": spikes, "synops": synops, "axon_events": axons,
        "active": neurons, "active_ends": neurons, "with_input": neurons, "compartments": neurons,
        "biased": neurons,
        "host_to_chip": host_spikes,
    }  # fmt: skip
    changes = _times(work, factors)
    if work.by_step is not None:
        changes["by_step"] = replace(work.by_step, **_times(work.by_step, factors))
    return replace(work, **changes, hops=work.hops.scaled(spikes))


def _times(counts: Any, factors: Mapping[str, Any]) -> dict[str, Any]:
    """The counts that there is a factor for, times it; cores are their last axis."""
    names = [f.name for f in fields(counts) if f.name in factors]
    return {
        name: _mapped(getattr(counts, name), partial(np.multiply, factors[name])) for name in names
    }


def _mapped(value: Any, change: Callable[[np.ndarray], np.ndarray]) -> Any:
    """A function of counts: of an array, of those in a mapping or a tuple; None stays."""
    if value is None:
        return None
    if isinstance(value, Mapping):
        return {key: _mapped(counts, change) for key, counts in value.items()}
    if isinstance(value, tuple):
        return tuple(_mapped(counts, change) for counts in value)
    return change(value)


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.asarray(part / np.maximum(whole, 1))
