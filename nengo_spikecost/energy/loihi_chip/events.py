"""The events of a `ChipWork` that a profile prices: how many of each, core by core; and those it
lacks, in words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...chip.chip_work import SYNAPSE_FORMATS, ChipWork
from .chip_profile import Profile

PART_GROUPS = {
    "synop": tuple(f"synop_{key}" for key in SYNAPSE_FORMATS),
    "neuron": ("access", "update", "spike"),
    "message": ("message", "axon_event", "hop"),
}
"""`CORE_PARTS` in three groups, which are the parts of a layer's energy in an `EnergyEstimate`."""

CORE_PARTS = tuple(part for parts in PART_GROUPS.values() for part in parts)
"""Parts of a core's energy: synops by format; every compartment at every step, and the extra
energy of those with input; spikes; messages sent and arrived; and their hops."""

SENDING, RECEIVING = "sending", "receiving"
"""The two halves of a core, which work side by side: compartments, spikes and messages out; and
messages in with their synops."""

Counts = dict[str, Any]


def core_events(work: ChipWork) -> Counts:
    """Events per inference by their name in a profile, each of shape (n_samples, n_cores)."""
    events: Counts = {f"synop_{key}": count for key, count in work.synops.items()}
    active = active_updates(work)
    events.update(
        idle_update=np.maximum(work.updates - active, 0), active_update=active, spike=work.spikes,
        message=work.messages_out, within_tile=work.messages_out, axon_event=work.axon_events,
    )  # fmt: skip
    if work.hops.east_west is not None:
        events.update(hop_east_west=work.hops.east_west, hop_north_south=work.hops.north_south)
    return events


def active_updates(work: ChipWork) -> np.ndarray:
    """Updates of compartments that change, shape (n_samples, n_cores).

    Those with input or a spike; of compartments with a bias, where these are known, all.
    """
    if work.biased is None:
        return work.active
    return np.maximum(work.active, work.biased * work.n_steps)


def step_events(work: ChipWork, samples: slice) -> Counts:
    """Events that take a core's time at each step, each of shape (n_samples, n_steps, n_cores).

    Of counts without steps one "step" holds all of them: the slowest core over a whole
    inference, which is at most as slow as the slowest of every step.
    """
    if work.by_step is None:
        return {
            key: np.asarray(count)[samples, None]
            for key, count in core_events(work).items()
            if not key.startswith("hop")
        }
    steps = work.by_step
    spikes, with_input = steps.spikes[samples], steps.with_input[samples]
    # how many fired without input is known of all steps together: dealt out by spikes
    alone = work.active[samples] - work.with_input[samples]
    share = alone / np.maximum(work.spikes[samples], 1)
    active = np.minimum(with_input + spikes * share[:, None], work.compartments)
    if work.biased is not None:
        active = np.maximum(active, work.biased)
    return {
        **{f"synop_{key}": count[samples] for key, count in steps.synops.items()},
        "idle_update": work.compartments - active,
        "active_update": active,
        "spike": spikes,
        "message": steps.messages_out[samples],
        "axon_event": steps.axon_events[samples],
    }


_WORDS = {
    **{f"synop_{key}": f"synops of {key} format" for key in SYNAPSE_FORMATS},
    "idle_update": "idle updates",
    "active_update": "active updates",
    "spike": "spikes",
    "message": "output axons",
    "axon_event": "input axons",
    "hop_east_west": "hops east-west",
    "hop_north_south": "hops north-south",
}


def gaps(work: ChipWork, profile: Profile) -> tuple[str, ...]:
    """Parts that the energy and the time leave out: clauses of names, the reason in brackets.

    Parameters
    ----------
    work : ChipWork
    profile : Profile
    """
    counted = {key: count for key, count in core_events(work).items() if np.any(count)}
    clauses = []
    missing = {
        kind: _missing(counted, constants)
        for kind, constants in (("energy", profile.energies), ("time", profile.times))
    }
    if missing["energy"] == missing["time"]:
        missing = {"energy and the time": missing["energy"]}
    for kind, names in missing.items():
        if names:
            clauses.append(f"the {kind} of {', '.join(names)} (not in profile {profile.name})")
    if work.hops.east_west is None and np.any(work.messages_out):
        clauses.append("hops (how many there were is not known)")
    return tuple(clauses)


def _missing(counted: Mapping[str, Any], constants: Mapping[str, Any]) -> list[str]:
    return [_WORDS[key] for key in counted if key in _WORDS and key not in constants]
