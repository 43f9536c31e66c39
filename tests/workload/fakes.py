"""Activities made up of given spikes."""

from __future__ import annotations

from typing import Any

import numpy as np

from nengo_spikecost.activity.activity_record import Activity, PopulationActivity, Protocol
from nengo_spikecost.graph import NetworkGraph


def activity_of(
    graph: NetworkGraph, counts: dict[str, np.ndarray], n_steps: int = 10, dt: float = 0.001
) -> Activity:
    """An activity with the given spikes per population, each of shape (n_samples, n_neurons)."""
    spiking = {p.name: p.spiking for p in graph.populations}
    return Activity(
        protocol=Protocol("made up", "fresh", n_steps, dt, 1, 0),
        populations={n: PopulationActivity(n, spiking[n], c) for n, c in counts.items()},
        outputs={},
    )


def random_activity(
    graph: NetworkGraph, rng: Any, n_samples: int = 3, high: int = 6, dtype: Any = np.uint8
) -> Activity:
    """Random spikes for every spiking population, and a graded sum for the others."""
    counts = {}
    for p in graph.populations:
        drawn = rng.randint(0, high, (n_samples, p.n_neurons))
        counts[p.name] = drawn.astype(dtype) if p.spiking else drawn.astype(np.float64)
    return activity_of(graph, counts)
