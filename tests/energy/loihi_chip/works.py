"""Random `ChipWork`s, and one whose numbers fit on a page."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from nengo_spikecost.activity import ChipActivity, StepCounts
from nengo_spikecost.activity.activity_record import Activity, Protocol
from nengo_spikecost.chip.chip_work import ChipWork
from nengo_spikecost.workload.measured_chip import chip_work

FORMATS = ("dense", "sparse", "conv")

# Derandomised, so that a failure is a failure for everyone.
property_test = settings(max_examples=50, derandomize=True)


def random_chip(seed: int, n_samples: int, n_steps: int, n_cores: int, steps: bool) -> ChipActivity:
    """Counts that go together, drawn step by step."""
    rng = np.random.RandomState(seed)
    shape = n_samples, n_steps, n_cores
    compartments = rng.randint(1, 200, n_cores)
    # each compartment of each step: fires, has input
    spikes = rng.binomial(compartments, rng.rand() * 0.5, shape)
    with_input = rng.binomial(compartments, rng.rand(), shape)
    biased = rng.binomial(compartments, rng.rand() * 0.3)
    least = np.maximum(np.maximum(spikes, with_input), biased)
    active = least + rng.binomial(compartments - least, rng.rand())
    sent = spikes * rng.randint(0, 4, n_cores)
    synops = {key: rng.randint(0, 5000, shape) * (rng.rand(n_cores) < 0.6) for key in FORMATS}
    between = np.zeros((n_cores + 1, n_cores), dtype=np.int64)
    for core, total in enumerate(sent.sum(axis=(0, 1))):
        between[core] = rng.multinomial(total, np.full(n_cores, 1 / n_cores))
    between[-1] = rng.randint(0, 100, n_cores)
    host = rng.randint(0, 50, shape[:2])
    events = rng.randint(0, 300, shape)
    by_step = {
        "synops": synops, "axon_events": events, "messages_out": sent, "spikes": spikes,
        "with_input": with_input, "active": active, "host_to_chip": host,
    }  # fmt: skip
    return ChipActivity(
        cores=tuple(f"block{i}" for i in range(n_cores)),
        layers=tuple(f"layer{i * 3 // max(n_cores, 3)}" for i in range(n_cores)),
        inputs=("host",),
        compartments=compartments,
        biased=biased,
        spikes=spikes.sum(axis=1),
        with_input=with_input.sum(axis=1),
        active=active.sum(axis=1),
        synops={key: count.sum(axis=1) for key, count in synops.items()},
        axon_events=events.sum(axis=1),
        messages_out=sent.sum(axis=1),
        messages_between=between,
        host_to_chip=host.sum(axis=1),
        chip_to_host=rng.randint(0, 9, n_samples),
        by_step=StepCounts(**by_step) if steps else None,
    )


def activity_of(chip: ChipActivity, n_steps: int) -> Activity:
    """An activity with nothing but its chip."""
    protocol = Protocol("loihi", "fresh", n_steps, 0.001, 4, 0)
    return Activity(protocol, {}, {}, chip=chip)


@st.composite
def works(draw: Any, steps: Any = None) -> ChipWork:
    """Measured works of 1 to 9 cores."""
    n_steps = draw(st.integers(1, 6))
    by_step = draw(st.booleans()) if steps is None else steps
    chip = random_chip(
        draw(st.integers(0, 10_000)),
        draw(st.integers(1, 4)),
        n_steps,
        draw(st.integers(1, 9)),
        by_step,
    )
    return chip_work(activity_of(chip, n_steps))


def without_steps(work: ChipWork) -> ChipWork:
    """The same counts, without which step they were in."""
    return replace(work, by_step=None)
