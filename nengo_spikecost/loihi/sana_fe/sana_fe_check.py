"""`sana_fe_check`: our price of a recorded run beside SANA-FE's, and why they differ."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ... import check
from ...energy.loihi_chip import ChipCost, Profile, price_chip
from ...errors import LoihiError
from ...options import named_arguments
from ...workload.measured_chip import chip_work
from ..mapping import mapping as mappings
from ..mapping.place import place
from .recording import Recording
from .replay import SanaFeRun, replay
from .sana_fe_export import SanaFeNetwork, to_sana_fe
from .second_opinion import PARTS, Cause, SanaFeCheck


@named_arguments
def sana_fe_check(
    recording: Recording, mapping: mappings.Mapping | None = None, *,
    profile: str | Profile = "silicon", timing: str = "detailed",
    architecture: str | os.PathLike[str] | None = None,
) -> SanaFeCheck:  # fmt: skip
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
        As `to_sana_fe` does, and if ``recording`` is something else.

    Examples
    --------
    >>> recording = loihi.record_spikes(network, images[:1], n_steps=30)  # doctest: +SKIP
    >>> print(loihi.sana_fe_check(recording))  # doctest: +SKIP
    """
    if not isinstance(recording, Recording):
        raise LoihiError(
            "recording must be a Recording, as nengo_spikecost.loihi.record_spikes returns it, not "
            f"{check.shown(recording)}. Of a Deployment, which keeps no spikes of single steps: "
            "record_spikes(deployment.fit, x[:1], n_steps)."
        )
    if mapping is None:
        mapping = place(recording.network, model=recording.built.model)
    exported = to_sana_fe(mapping, recording, architecture=architecture)
    run = replay(exported, timing)
    activity: Any = recording  # it has .chip and .protocol, which is all that is asked for
    cost = price_chip(chip_work(activity, mapping), profile, host_io="none")
    parts = cost.parts_J
    ours = {name: sum(parts[p].nominal for p in own if p in parts) for name, own in PARTS.items()}
    theirs = (float(energy.sum()) for energy in (run.soma_J, run.synapse_J, run.network_J))
    causes = tuple(_causes(recording, exported, run, cost))
    return SanaFeCheck(cost, run, exported, ours, dict(zip(PARTS, theirs)), causes)


#: Ours is NengoLoihi's order: a spike is delivered one step after it was fired.
FIRST = "spikes fired before the first step are delivered in it"
LAST = "spikes of the last step are delivered"
#: Where a voltage is 0 and a current is not (after a spike, or at the floor), only ours is updated.
CURRENT = "compartments with a current alone are not updated"


def _causes(
    recording: Recording, exported: SanaFeNetwork, run: SanaFeRun, cost: ChipCost
) -> Iterator[Cause]:
    """Why SANA-FE's energy differs: first the neurons', then the synapses', then the messages'."""
    energy, chip, steps = exported.constants.energy, recording.chip, recording.chip.by_step
    assert steps is not None  # record_spikes counts by step

    active = float(np.sum(cost.work.active))
    yield Cause("neurons", CURRENT, (int(run.updated.sum()) - active) * energy["neuron_update"])
    accesses, spikes = float(chip.updates(recording.n_steps).sum()), float(chip.spikes.sum())
    events = {"neuron_access": accesses, "neuron_update": active, "spike_out": spikes}
    yield from _constants("neurons", cost, energy, events)

    before_J = sum(energy[kind] * counts[0, 0].sum() for kind, counts in steps.synops.items())
    yield Cause("synapses", FIRST, -float(before_J))
    yield Cause("synapses", LAST, float(run.synapse_J[-1]))
    events = {kind: float(counts.sum()) for kind, counts in chip.synops.items()}
    yield from _constants("synapses", cost, energy, events)

    sent, way_J = run.messages - run.host_messages, run.network_J - run.host_network_J
    n_sent, ours = int(sent[:-1].sum()), steps.messages_out[0].sum(axis=1)
    fewer_J = (n_sent - int(ours[1:].sum())) * energy["message_out"]
    # hops of the chip's messages in SANA-FE, by its energies, less ours by ours
    hops_J = float(way_J[:-1].sum()) - n_sent * energy["message_out"]
    hops_J -= cost.parts_J["hop"].nominal
    yield Cause("messages", FIRST, -float(ours[0] * energy["message_out"]))
    yield Cause("messages", LAST, float(way_J[-1]))
    yield Cause("messages", "messages of the host", float(run.host_network_J.sum()))
    reason = "one message a core, where Loihi sends one a set of synapses"
    yield Cause("messages", reason, fewer_J)
    yield Cause("messages", "hops of other messages, or other constants of hops", hops_J)
    yield from _constants("messages", cost, energy, {"message_out": float(ours.sum())})


def _our_constant(profile: Profile, name: str) -> float:
    """Our energy of an event, by the name that SANA-FE has for it."""

    def energy_J(event: str) -> float:
        return profile.energy_J(event, "nominal")

    known = {
        "neuron_access": energy_J("idle_update"), "spike_out": energy_J("spike"),
        "neuron_update": energy_J("active_update") - energy_J("idle_update"),
        "message_out": energy_J("message") + energy_J("within_tile"),
    }  # fmt: skip
    return known[name] if name in known else energy_J(f"synop_{name}")


def _constants(
    part: str, cost: ChipCost, theirs: Mapping[str, float], events: dict[str, float]
) -> Iterator[Cause]:
    """The difference that other constants than ours make for the same events."""
    ours = {name: _our_constant(cost.profile, name) for name in events}
    more = sum(count * (theirs[name] - ours[name]) for name, count in events.items())
    if abs(more) > 1e-18:
        yield Cause(part, "other constants", more)
