"""The part of docs/validation.md that SANA-FE has to be installed for."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from functools import cache

from validation_networks import scaling

from nengo_spikecost import convert
from nengo_spikecost.demo import DEMO_SETTINGS, demo_data, demo_model
from nengo_spikecost.layout.si import si
from nengo_spikecost.loihi import fit_blocks, record_spikes, sana_fe_check
from nengo_spikecost.loihi.sana_fe import SanaFeCheck, replay

#: Inferences are long; SANA-FE takes as long for every step.
N_STEPS = 40


@cache
def _demo() -> SanaFeCheck:
    """The tutorial's network, one digit."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        conversion = convert(
            demo_model(),
            neuron_type="LoihiSpikingRectifiedLinear",
            scale_firing_rates=DEMO_SETTINGS.scale_firing_rates,
            synapse=DEMO_SETTINGS.synapse,
        )
        image = demo_data().x_test[:1].reshape(1, -1)
        return sana_fe_check(record_spikes(fit_blocks(conversion), image, N_STEPS))


def _checks() -> Iterator[tuple[str, SanaFeCheck]]:
    yield "The digits network, one image", _demo()
    emulated = scaling(1)
    check = sana_fe_check(emulated.recording, emulated.mapping)
    yield "The scaling network of Blouw et al., one copy", check


def _times(check: SanaFeCheck) -> str:
    """Where times differ: the barrier, and the model of time."""
    exported = check.exported
    ours, theirs = (
        exported.constants.sync_s(tiles) for tiles in (exported.n_block_tiles, exported.n_tiles)
    )
    simple = float(replay(exported, "simple").step_s.mean())
    return (
        f"A step takes {si(check.step_ours_s, 's')} by ours, {si(simple, 's')} by SANA-FE's simple "
        f"times and {si(check.step_theirs_s, 's')} by its detailed ones; of that the barrier is "
        f"{si(ours, 's')} by ours and {si(theirs, 's')} by SANA-FE (tiles that only the host's "
        f"neurons are on: {exported.n_tiles - exported.n_block_tiles})."
    )


def comparison() -> str:
    """Both prices of both networks, part by part."""
    lines = []
    for title, check in _checks():
        cores = check.cost.work.n_cores
        lines += [f"{title}: {cores} cores, {check.exported.synapses:,} synapses.", ""]
        lines += ["```text", str(check), "```", "", _times(check), ""]
    return "\n".join(lines)
