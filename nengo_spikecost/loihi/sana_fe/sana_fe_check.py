"""`sana_fe_check`: our price of a recorded run beside SANA-FE's, and why they differ."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from ...chip.chip_activity import StepCounts
from ...energy.loihi_chip import ChipCost, Profile, price_chip
from ...energy.loihi_chip.events import active_updates
from ...workload.measured_chip import chip_work
from ..mapping.mapping import Mapping
from ..mapping.place import place
from .recording import Recording
from .replay import SanaFeRun, replay
from .sana_fe_export import SanaFeNetwork, to_sana_fe
from .second_opinion import PARTS, Cause, SanaFeCheck


def sana_fe_check(
    recording: Recording,
    mapping: Mapping | None = None,
    *,
    profile: str | Profile = "silicon",
    timing: str = "detailed",
    architecture: str | os.PathLike[str] | None = None,
) -> SanaFeCheck:
    """Price a recorded run with this package and with SANA-FE.

    Parameters
    ----------
    recording : Recording
        As `record_spikes` returns it.
    mapping : Mapping, optional
        Default: as `place` puts the same blocks.
    profile : str or Profile
        Ours.
    timing : {"simple", "detailed", "cycle"}
        SANA-FE's model of time.
    architecture : str or path, optional
        A description of Loihi for SANA-FE. Default: the one that comes with it.

    Raises
    ------
    LoihiError
        As `to_sana_fe` does.

    Examples
    --------
    >>> recording = loihi.record_spikes(network, images[:1], n_steps=30)  # doctest: +SKIP
    >>> print(loihi.sana_fe_check(recording))  # doctest: +SKIP
    """
    if mapping is None:
        mapping = place(recording.network, model=recording.built.model)
    exported = to_sana_fe(mapping, recording, architecture=architecture)
    run = replay(exported, timing)
    activity: Any = recording  # it has .chip and .protocol, which is all that is asked for
    cost = price_chip(chip_work(activity, mapping), profile, host_io="none")
    parts = cost.parts_J
    ours = {name: sum(parts[p].nominal for p in own if p in parts) for name, own in PARTS.items()}
    theirs = {
        "neurons": float(run.soma_J.sum()),
        "synapses": float(run.synapse_J.sum()),
        "messages": float(run.network_J.sum()),
    }
    causes = tuple(
        cause
        for causes_of in (_neuron_causes, _synapse_causes, _message_causes)
        for cause in causes_of(recording, exported, run, cost)
    )
    return SanaFeCheck(cost, run, exported, ours, theirs, causes)


#: Ours is NengoLoihi's order: a spike is delivered one step after it was fired.
FIRST = "spikes fired before the first step are delivered in it"
LAST = "spikes of the last step are delivered"


def _neuron_causes(
    recording: Recording, exported: SanaFeNetwork, run: SanaFeRun, cost: ChipCost
) -> tuple[Cause, ...]:
    active = float(np.sum(active_updates(cost.work)))
    more = int(run.updated.sum()) - active
    events = {
        "neuron_access": float(recording.chip.updates(recording.n_steps).sum()),
        "neuron_update": active,
        "spike_out": float(recording.chip.spikes.sum()),
    }
    reason = "compartments with a bias, and those with input or a spike, each counted once"
    return (
        Cause("neurons", reason, more * exported.constants.energy["neuron_update"]),
        *_constants("neurons", cost, exported, events),
    )


def _synapse_causes(
    recording: Recording, exported: SanaFeNetwork, run: SanaFeRun, cost: ChipCost
) -> tuple[Cause, ...]:
    energy = exported.constants.energy
    before_J = sum(
        energy[name] * counts[0, 0].sum() for name, counts in _steps(recording).synops.items()
    )
    events = {name: float(counts.sum()) for name, counts in recording.chip.synops.items()}
    return (
        Cause("synapses", FIRST, -float(before_J)),
        Cause("synapses", LAST, float(run.synapse_J[-1])),
        *_constants("synapses", cost, exported, events),
    )


def _message_causes(
    recording: Recording, exported: SanaFeNetwork, run: SanaFeRun, cost: ChipCost
) -> tuple[Cause, ...]:
    energy = exported.constants.energy
    sent = run.messages - run.host_messages
    ours = _steps(recording).messages_out[0].sum(axis=1)
    fewer = int(sent[:-1].sum()) - int(ours[1:].sum())
    return (
        Cause("messages", FIRST, -float(ours[0] * energy["message_out"])),
        Cause("messages", LAST, float((run.network_J - run.host_network_J)[-1])),
        Cause("messages", "messages of the host", float(run.host_network_J.sum())),
        Cause(
            "messages",
            "one message a core, where Loihi sends one a set of synapses",
            fewer * energy["message_out"],
        ),
        Cause(
            "messages",
            "hops of other messages, or other constants of hops",
            _hops_J(exported, run, cost),
        ),
        *_constants("messages", cost, exported, {"message_out": float(ours.sum())}),
    )


def _steps(recording: Recording) -> StepCounts:
    steps = recording.chip.by_step
    assert steps is not None  # record_spikes counts by step
    return steps


def _our_constant(profile: Profile, name: str) -> float:
    """Our energy of an event, by the name that SANA-FE has for it."""

    def energy_J(event: str) -> float:
        return profile.energy_J(event, "nominal")

    if name == "neuron_access":
        return energy_J("idle_update")
    if name == "neuron_update":
        return energy_J("active_update") - energy_J("idle_update")
    if name == "spike_out":
        return energy_J("spike")
    if name == "message_out":
        return energy_J("message") + energy_J("within_tile")
    return energy_J(f"synop_{name}")


def _constants(
    part: str, cost: ChipCost, exported: SanaFeNetwork, events: dict[str, float]
) -> tuple[Cause, ...]:
    """The difference that other constants than ours make for the same events."""
    more = sum(
        count * (exported.constants.energy[name] - _our_constant(cost.profile, name))
        for name, count in events.items()
    )
    return (Cause(part, "other constants", more),) if abs(more) > 1e-18 else ()


def _hops_J(exported: SanaFeNetwork, run: SanaFeRun, cost: ChipCost) -> float:
    """Hops of the chip's messages in SANA-FE, by its energies, less ours by ours."""
    energy = exported.constants.energy
    sent = (run.messages - run.host_messages)[:-1].sum()
    theirs = float((run.network_J - run.host_network_J)[:-1].sum()) - sent * energy["message_out"]
    return theirs - cost.parts_J["hop"].nominal
