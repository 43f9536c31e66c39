"""The work and energy of each layer as one flat row: what every report shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from ..energy.estimate import EnergyEstimate
from ..workload.record import LayerInfo, Workload


@dataclass(frozen=True)
class LayerRow:
    """One layer, or the total of all, per inference and averaged over samples.

    Attributes
    ----------
    name, kind, output_shape : str
        What the layer is.
    params : int, optional
        Number of parameters.
    connections : int
        Synapses of all kinds but biases.
    macs : int
        Multiply-accumulates of one dense pass. Where layers without neurons (pooling, say)
        lie on the way, spiking synapses are their product and this is their sum.
    neurons, updates : int
        Neurons, and neuron updates per inference.
    rate_hz : float, optional
        Mean firing rate of the layer's spiking neurons; with KerasSpiking's counting, mean
        activation at the layer's input.
    spikes, synops, average_synops : float, optional
        Per inference; None where nothing spikes or nothing was measured.
    energy_J, synop_energy_J, neuron_energy_J : dict from device name to float
        Joules per inference.
    lower_bound : bool
        Whether something in the row could not be counted.
    """

    name: str
    kind: str
    output_shape: str
    params: int | None
    connections: int
    macs: int
    neurons: int
    updates: int
    rate_hz: float | None
    spikes: float | None
    synops: float | None
    average_synops: float | None
    energy_J: dict[str, float]
    synop_energy_J: dict[str, float]
    neuron_energy_J: dict[str, float]
    lower_bound: bool = False

    @property
    def average_over_exact(self) -> float | None:
        """What mean rate times synapses says of the same spikes, over the exact count."""
        if not self.synops or self.average_synops is None:
            return None
        return self.average_synops / self.synops


def layer_rows(workload: Workload, estimates: Mapping[str, EnergyEstimate]) -> list[LayerRow]:
    """One row a layer, in the order of the network."""
    return [_row(workload, estimates, [info]) for info in workload.layers]


def total_row(workload: Workload, estimates: Mapping[str, EnergyEstimate]) -> LayerRow:
    """The whole network as one row."""
    return _row(workload, estimates, list(workload.layers), name="Total")


def _row(
    workload: Workload,
    estimates: Mapping[str, EnergyEstimate],
    infos: list[LayerInfo],
    name: str | None = None,
) -> LayerRow:
    names = {info.name for info in infos}
    populations = [p for p in workload.populations if p.layer in names]
    pathways = [p for p in workload.pathways if p.layer in names and p.kind != "bias"]
    spikes = _mean_sum(p.spikes for p in populations)
    spiking = sum(p.n_neurons for p in populations if p.spikes is not None)
    rate = None
    if name is None:
        rate = infos[0].input_rate_hz
    if spikes is not None and spiking:
        rate = spikes / (spiking * workload.n_steps * workload.dt)
    params = [info.n_params for info in infos if info.n_params is not None]
    energy: dict[str, dict[str, float]] = {"synop": {}, "neuron": {}, "all": {}}
    for device, estimate in estimates.items():
        layers = [layer for layer in estimate.layers if layer.name in names]
        energy["all"][device] = sum(float(layer.total_J.mean()) for layer in layers)
        for part in ("synop", "neuron"):
            energy[part][device] = sum(
                float(np.mean(layer.parts_J[part])) for layer in layers if part in layer.parts_J
            )
    return LayerRow(
        name=name or infos[0].name,
        kind="" if name else infos[0].kind,
        output_shape="" if name else infos[0].output_shape,
        params=sum(params) if params else None,
        connections=sum(p.n_synapses for p in pathways),
        macs=sum(d.macs for d in workload.dense if d.layer in names),
        neurons=sum(p.n_neurons for p in populations),
        updates=sum(p.updates for p in populations),
        rate_hz=rate,
        spikes=spikes,
        synops=_mean_sum(p.synops for p in pathways),
        average_synops=_mean_sum(p.average_synops for p in pathways),
        energy_J=energy["all"],
        synop_energy_J=energy["synop"],
        neuron_energy_J=energy["neuron"],
        lower_bound=any(u.layer in names for u in workload.uncounted),
    )


def _mean_sum(counts: Iterable[np.ndarray | None]) -> float | None:
    """Mean over samples of a sum of counts; None if there is none to add."""
    present = [c for c in counts if c is not None]
    return float(np.mean(np.sum(present, axis=0))) if present else None
