"""Random workloads, and the arithmetic of their energy in plain Python."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from nengo_spikecost.energy.device import Constant, Device
from nengo_spikecost.workload.work_entries import (
    DenseWork,
    HostWork,
    PathwayWork,
    PopulationWork,
    UncountedWork,
)
from nengo_spikecost.workload.workload_record import LayerInfo, Workload

KINDS = ("neural", "readout", "input", "bias", "host")
ROLES = ("input", "neurons", "readout", "function")


def device(synop: float, neuron: float, spiking: bool) -> Device:
    """A device of round numbers."""
    return Device("test", spiking, Constant(synop), Constant(neuron))


@st.composite
def workloads(draw: Any) -> Workload:
    """Workloads of one to five layers, with at least one spiking population."""
    names = [f"layer{i}" for i in range(draw(st.integers(1, 5)))]
    n_samples, n_steps = draw(st.integers(1, 4)), draw(st.integers(1, 50))
    rng = np.random.RandomState(draw(st.integers(0, 10_000)))
    populations = []
    for i, name in enumerate(names):
        spiking, n = i == 0 or rng.rand() < 0.7, int(rng.randint(1, 1000))
        spikes = rng.randint(0, 5000, n_samples) if spiking else None
        on_chip = i == 0 or rng.rand() < 0.8
        populations.append(
            PopulationWork(name, name, n, "LIF", bool(spiking), n * n_steps, spikes, bool(on_chip))
        )
    pathways = []
    for i in range(draw(st.integers(0, 8))):
        kind = KINDS[rng.randint(len(KINDS))]
        on_chip = kind == "neural" and rng.rand() < 0.8
        carries = on_chip and rng.rand() < 0.8
        synops = rng.randint(0, 10**9, n_samples) if carries else None
        layer = names[rng.randint(len(names))]
        n_synapses = int(rng.randint(1, 10**6))
        pathways.append(PathwayWork(f"p{i}", layer, kind, n_synapses, synops, synops, on_chip))
    dense = [DenseWork(f"w{i}", name, int(rng.randint(0, 10**6))) for i, name in enumerate(names)]
    uncounted = [UncountedWork("u", names[-1], "is opaque")] if rng.rand() < 0.3 else []
    host = []
    for i in range(draw(st.integers(0, 4))):
        counts = (int(n) for n in rng.randint(0, 10**5, 3))
        role = ROLES[rng.randint(len(ROLES))]
        passes = 1 if role == "input" and rng.rand() < 0.5 else n_steps
        host.append(HostWork(f"h{i}", names[rng.randint(len(names))], role, *counts, passes))
    return Workload(
        layers=tuple(LayerInfo(name, "Ensemble", "(1,)") for name in names),
        populations=tuple(populations),
        pathways=tuple(pathways),
        dense=tuple(dense),
        uncounted=tuple(uncounted),
        n_steps=n_steps,
        dt=0.001,
        n_samples=n_samples,
        host=tuple(host),
    )
