"""What is missing from a cost, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .events import core_events

if TYPE_CHECKING:
    from ...chip.chip_work import ChipWork
    from .chip_profile import Profile

_WORDS = {
    "synop_dense": "synops of dense format",
    "synop_sparse": "synops of sparse format",
    "synop_conv": "synops of conv format",
    "idle_update": "idle updates",
    "active_update": "active updates",
    "spike": "spikes",
    "message": "output axons",
    "axon_event": "input axons",
    "hop_east_west": "hops east-west",
    "hop_north_south": "hops north-south",
}


def gaps(work: ChipWork, profile: Profile) -> tuple[str, ...]:
    """What the energy and the time leave out, each as a clause: names, and why in brackets.

    Parameters
    ----------
    work : ChipWork
    profile : Profile
    """
    counted = {key: count for key, count in core_events(work).items() if np.any(count)}
    found = []
    missing = {
        kind: _missing(counted, constants)
        for kind, constants in (("energy", profile.energies), ("time", profile.times))
    }
    if missing["energy"] == missing["time"]:
        missing = {"energy and the time": missing["energy"]}
    for kind, names in missing.items():
        if names:
            found.append(f"the {kind} of {', '.join(names)} (not in profile {profile.name})")
    if work.hops.east_west is None and np.any(work.messages_out):
        found.append("hops (how many there were is not known)")
    return tuple(found)


def _missing(counted: Mapping[str, Any], constants: Mapping[str, Any]) -> list[str]:
    return [_WORDS[key] for key in counted if key in _WORDS and key not in constants]
