"""The events of a `ChipWork` that a profile prices: how many of each, core by core; and those it
lacks, in words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...chip.chip_work import SYNAPSE_FORMATS, ChipWork
from .chip_profile import Board, Profile

PART_GROUPS = {
    "synop": tuple(f"synop_{key}" for key in SYNAPSE_FORMATS),
    "neuron": ("access", "update", "spike"),
    "message": ("message", "axon_event", "hop"),
}
"""`CORE_PARTS` in three groups, which are the parts of a layer's energy in an `EnergyEstimate`."""

CORE_PARTS = tuple(part for parts in PART_GROUPS.values() for part in parts)
"""Parts of a core's energy: synops by format; every compartment at every step, and the extra
energy of active ones; spikes; messages sent and arrived; and their hops."""

SENDING, RECEIVING = "sending", "receiving"
"""The two halves of a core, which work side by side: compartments, spikes and messages out; and
messages in with their synops."""

Counts = dict[str, Any]


def core_events(work: ChipWork, level: str = "nominal") -> Counts:
    """Events per inference by their name in a profile, each of shape (n_samples, n_cores).

    ``level`` matters where it is not known how many updates are active.
    """
    events: Counts = {f"synop_{key}": count for key, count in work.synops.items()}
    active = work.active_at(level)
    events.update(
        idle_update=np.maximum(work.updates - active, 0), active_update=active, spike=work.spikes,
        message=work.messages_out, within_tile=work.messages_out, axon_event=work.axon_events,
    )  # fmt: skip
    if work.hops.east_west is not None:
        events.update(hop_east_west=work.hops.east_west, hop_north_south=work.hops.north_south)
    return events


def step_events(work: ChipWork, samples: slice, level: str = "nominal") -> Counts:
    """Events that take a core's time at each step, each of shape (n_samples, n_steps, n_cores).

    Of counts without steps one "step" holds all of them: the slowest core over a whole
    inference, which is at most as slow as the slowest of every step.
    """
    if work.by_step is None:
        return {
            key: np.asarray(count)[samples, None]
            for key, count in core_events(work, level).items()
            if not key.startswith("hop")
        }
    steps = work.by_step
    active = steps.active[samples]
    return {
        **{f"synop_{key}": count[samples] for key, count in steps.synops.items()},
        "idle_update": work.compartments - active,
        "active_update": active,
        "spike": steps.spikes[samples],
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


def gaps(work: ChipWork, profile: Profile, board: Board) -> tuple[str, ...]:
    """Parts that the energy and the time leave out: clauses of names, the reason in brackets.

    Parameters
    ----------
    work : ChipWork
    profile : Profile
    board : Board
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
    if "static_core" not in board.powers:
        clauses.append(
            f"the static power of the used cores (on {board.name} not told apart from their chips')"
        )
    return tuple(clauses)


def _missing(counted: Mapping[str, Any], constants: Mapping[str, Any]) -> list[str]:
    return [_WORDS[key] for key in counted if key in _WORDS and key not in constants]
