"""The work and energy of each layer as one flat row: what every report shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...layers.layer_info import LayerInfo
from ...workload.workload_record import Workload
from ..estimate import EnergyEstimate, HostEnergy


@dataclass(frozen=True)
class LayerRow:
    """One layer, or the total of all, per inference and averaged over samples.

    Attributes
    ----------
    name, kind, output_shape : str
        What the layer is.
    params : int, optional
        Number of parameters.
    connections : int, optional
        Synapses of all kinds but biases.
    macs : int, optional
        Multiply-accumulates of one dense pass; in a row of the host, multiply-accumulates and
        other operations per inference. Where layers without neurons (pooling, say)
        lie on the way, spiking synapses are their product and this is their sum.
    neurons, updates : int, optional
        Neurons, and neuron updates per inference.
    rate_hz : float, optional
        Mean firing rate of the layer's spiking neurons; with KerasSpiking's counting, mean
        activation at the layer's input.
    spikes, synops, average_synops, factored : float, optional
        Per inference; None where nothing spikes or nothing was measured. ``factored`` are the
        operations of a device that keeps weights in factors.
    weight_updates : int, optional
        Weights changed by learning rules per inference.
    energy_J, synop_energy_J, neuron_energy_J : dict from device name to float
        Joules per inference.
    lower_bound : bool
        Whether something in the row could not be counted.
    uncounted_on : tuple of str
        Devices on which something in the row has no price.
    where : {"", "host", "static", "uncounted"}
        ``"host"``: all of the row's work is done beside a spiking device. ``"static"``: what
        devices draw without any work. ``"uncounted"``: the row stands for what could not be
        counted.
    spikes_per_synapse : float, optional
        Synops over the synapses that they are made at.
    break_even : mapping from device name to float or str
        Spikes per synapse at which the network without spikes takes as much, or why there are
        none (``"never"``).
    """

    name: str
    kind: str
    output_shape: str
    params: int | None
    connections: int | None
    macs: int | None
    neurons: int | None
    updates: int | None
    rate_hz: float | None
    spikes: float | None
    synops: float | None
    average_synops: float | None
    factored: float | None
    weight_updates: int | None
    energy_J: dict[str, float]
    synop_energy_J: dict[str, float]
    neuron_energy_J: dict[str, float]
    lower_bound: bool = False
    uncounted_on: tuple[str, ...] = ()
    where: str = ""
    spikes_per_synapse: float | None = None
    break_even: Mapping[str, float | str | None] = field(default_factory=dict)

    @property
    def average_over_exact(self) -> float | None:
        """What mean rate times synapses says of the same spikes, over the exact count."""
        if not self.synops or self.average_synops is None:
            return None
        return self.average_synops / self.synops


def layer_rows(workload: Workload, estimates: Mapping[str, EnergyEstimate]) -> list[LayerRow]:
    """One row a layer, in the order of the network."""
    return [_row(workload, estimates, [info]) for info in workload.layers]


def host_rows(estimates: Mapping[str, EnergyEstimate]) -> list[LayerRow]:
    """One row for each layer and role of the work beside spiking devices."""
    first: dict[tuple[str, str], HostEnergy] = {}
    energy: dict[tuple[str, str], dict[str, float]] = {}
    for device, estimate in estimates.items():
        for work in estimate.host:
            key = (work.layer, work.role)
            first.setdefault(key, work)
            energy.setdefault(key, {})[device] = work.energy_J
    return [
        _bare_row(
            f"{work.layer} {work.role}",
            "host",
            macs=work.macs + work.operations or None,
            updates=work.updates or None,
            energy_J=energy[key],
            where="host",
        )
        for key, work in first.items()
    ]


def static_rows(estimates: Mapping[str, EnergyEstimate]) -> list[LayerRow]:
    """One row for what devices draw without any work, if that is known of any of them."""
    drawn = {name: e.static_J for name, e in estimates.items() if e.static is not None}
    if not drawn:
        return []
    return [_bare_row("static power", "device", energy_J=drawn, where="static")]


def uncounted_rows(workload: Workload, estimates: Mapping[str, EnergyEstimate]) -> list[LayerRow]:
    """One row for each part that could not be counted, on any of the devices."""
    devices: dict[str, list[str]] = {part.name: [] for part in workload.uncounted}
    for device, estimate in estimates.items():
        for name in dict.fromkeys(part.name for part in estimate.uncounted):
            devices.setdefault(name, []).append(device)
    return [
        _bare_row(name, "uncounted", lower_bound=True, uncounted_on=tuple(found), where="uncounted")
        for name, found in devices.items()
    ]


def total_row(workload: Workload, estimates: Mapping[str, EnergyEstimate]) -> LayerRow:
    """The whole network as one row."""
    return _row(workload, estimates, list(workload.layers), name="Total")


def total_with_host_row(
    workload: Workload, estimates: Mapping[str, EnergyEstimate]
) -> LayerRow | None:
    """The energy of spiking devices and of their host; None where nothing is on a host."""
    with_host = {name: e for name, e in estimates.items() if e.host}
    if not with_host:
        return None
    energy = {name: e.mean_J + e.host_J for name, e in with_host.items()}
    return _bare_row(
        "Total with host",
        "",
        energy_J=energy,
        lower_bound=bool(workload.uncounted),
        uncounted_on=tuple(name for name, e in with_host.items() if e.lower_bound),
    )


def _bare_row(name: str, kind: str, **values: Any) -> LayerRow:
    """A row of which only the values given are known."""
    nothing: dict[str, Any] = dict.fromkeys(
        (
            "params", "connections", "macs", "neurons", "updates", "rate_hz", "spikes", "synops",
            "average_synops", "factored", "weight_updates",
        )
    )  # fmt: skip
    energies: dict[str, Any] = {"energy_J": {}, "synop_energy_J": {}, "neuron_energy_J": {}}
    return LayerRow(name=name, kind=kind, output_shape="", **{**nothing, **energies, **values})


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
        if name is not None:
            energy["all"][device] += estimate.static_J
        for part in ("synop", "neuron"):
            energy[part][device] = sum(
                float(np.mean(layer.parts_J[part])) for layer in layers if part in layer.parts_J
            )
    synops = _mean_sum(p.synops for p in pathways)
    synapses = sum(p.n_synapses for p in pathways if p.synops is not None)
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
        synops=synops,
        average_synops=_mean_sum(p.average_synops for p in pathways),
        factored=_mean_sum(f.operations for f in workload.factored if f.layer in names),
        weight_updates=sum(r.updates for r in workload.learning if r.layer in names),
        energy_J=energy["all"],
        synop_energy_J=energy["synop"],
        neuron_energy_J=energy["neuron"],
        lower_bound=any(u.layer in names for u in workload.uncounted),
        uncounted_on=tuple(
            device
            for device, estimate in estimates.items()
            if any(name is not None or u.layer in names for u in estimate.uncounted)
        ),
        where="host" if name is None and _only_on_host(workload, infos[0].name) else "",
        spikes_per_synapse=synops / synapses if synops is not None and synapses else None,
    )


def _only_on_host(workload: Workload, layer: str) -> bool:
    """Whether a layer's work on a spiking device is its host's alone."""
    if not any(work.layer == layer for work in workload.host):
        return False
    neurons = [p.on_chip for p in workload.populations if p.layer == layer]
    synapses = [p.on_chip for p in workload.pathways if p.layer == layer]
    return not any(neurons + synapses)


def _mean_sum(counts: Iterable[np.ndarray | None]) -> float | None:
    """Mean over samples of a sum of counts; None if there is none to add."""
    present = [c for c in counts if c is not None]
    return float(np.mean(np.sum(present, axis=0))) if present else None
