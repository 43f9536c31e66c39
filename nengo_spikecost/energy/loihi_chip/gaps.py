"""Parts that a chip's cost leaves out, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...chip.chip_work import SYNAPSE_FORMATS, ChipWork
from .chip_profile import Profile
from .events import core_events

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
