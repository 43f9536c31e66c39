"""The part of docs/validation.md that SANA-FE has to be installed for."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from functools import cache

from validation_networks import scaling

from nengo_spikecost import convert
from nengo_spikecost.demo import DEMO_SETTINGS, demo_data, demo_model
from nengo_spikecost.loihi import fit_blocks, record_spikes, sana_fe_check
from nengo_spikecost.loihi.sana_fe import SanaFeCheck

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


def comparison() -> str:
    """Both prices of both networks, part by part."""
    lines = []
    for title, check in _checks():
        cores = check.cost.work.n_cores
        lines += [f"{title}: {cores} cores, {check.exported.synapses:,} synapses.", ""]
        lines += ["```text", str(check), "```", ""]
    return "\n".join(lines)
