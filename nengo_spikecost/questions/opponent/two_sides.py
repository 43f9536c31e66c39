"""A spiking network against the same network without spikes: who spends less, and from where on.

In a given number of steps the energy of a spiking network grows in proportion to its spikes::

    E(f) = E_fixed + f (E - E_fixed)

with ``f`` times the spikes that were measured, and ``E_fixed`` what it takes if it is silent:
neuron updates, static power. Where that meets the energy of the opponent, which does not depend
on spikes, is the break-even. Both ends are priced by the cost model (`Workload.with_spikes`), so
whatever it counts is in them.

Both sides have the same boundary. A cost model that prices what is on a chip, and leaves first
and last layers to the host, prices the opponent without these; their energy is told
separately (`HostSides`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...energy.cost_models import CostModel
from ...energy.device import Device
from ...energy.estimate import EnergyEstimate
from ...energy.host_pricing import price_host
from ...energy.pricing import with_static
from ...errors import EnergyError
from ...layers.layer_info import LayerInfo
from ...workload.work_entries import PathwayWork
from ...workload.workload_record import Workload
from .balance import ROUNDING, Balance, HostSides, LayerBalance, Sides
from .bit_matching import BitWidths, mac_over_acc, matched_device, matched_models


def compare_sides(
    workload: Workload, device: Device, opponent: Device, cost_model: str | CostModel,
    widths: BitWidths,
) -> Sides:  # fmt: skip
    """Price a workload with spikes, silent, and as the network without spikes.

    Parameters
    ----------
    workload : Workload
        What was measured.
    device, opponent : Device
        A spiking device, and one that works without spikes.
    cost_model : str or CostModel
        What prices both; see `nengo_spikecost.questions.opponent.bit_matching.matched_models`.
    widths : BitWidths
        Widths of both.

    Raises
    ------
    EnergyError
        If the devices are not of these kinds, or the cost model cannot price one of them.
    MissingActivityError
        If no spikes were measured.
    """
    models = model, ann_model = matched_models(cost_model, widths)
    _check(device, opponent, model)
    device, opponent = matched_device(device, widths), matched_device(opponent, widths)
    snn = _price(workload, device, model)
    silent = _price(workload.with_spikes(0.0), device, model)
    left_to_host = leaves_host(workload, snn, device, model)
    ann = _price(only_on_chip(workload) if left_to_host else workload, opponent, ann_model)
    priced = _Priced(snn, silent, ann, left_to_host)
    return Sides(
        layers=tuple(_layer(workload, info, priced, model) for info in workload.layers),
        network=_network(workload, priced, model),
        device=device,
        opponent=opponent,
        mac_over_acc=mac_over_acc(models, device, opponent),
        static_J=snn.static_J,
        host=_host_sides(workload, priced, ann_model) if left_to_host else None,
    )


def only_on_chip(workload: Workload) -> Workload:
    """A workload without the work of the host."""
    return replace(
        workload,
        populations=tuple(p for p in workload.populations if p.on_chip),
        pathways=tuple(p for p in workload.pathways if p.on_chip or p.kind == "bias"),
        dense=tuple(d for d in workload.dense if d.on_chip),
        host=(),
    )


def leaves_host(
    workload: Workload, estimate: EnergyEstimate, device: Device, model: CostModel
) -> bool:
    """Whether a cost model has left the host's work out of an estimate, as its price shows."""
    if model.whole_network or not workload.host:
        return False
    chip = only_on_chip(workload)
    if not chip.spiking:
        return not np.any(estimate.total_J - estimate.static_J)
    alone = _price(chip, device, model)
    return bool(np.allclose(alone.total_J, estimate.total_J, rtol=ROUNDING, atol=0))


def _check(device: Device, opponent: Device, model: CostModel) -> None:
    if not device.spiking:
        raise EnergyError(
            f"{device.name} works without spikes: break-even is asked of a spiking device, such "
            "as digital_snn or loihi."
        )
    if opponent.spiking:
        raise EnergyError(
            f"{opponent.name} is a spiking device: the opponent runs the network without spikes, "
            "as digital does."
        )
    for side in (device, opponent):
        if not model.can_price(side):
            raise EnergyError(f"Cost model {model.name!r} cannot price {side.name!r}.")


def _price(workload: Workload, device: Device, model: CostModel) -> EnergyEstimate:
    return with_static(workload, device, model)


@dataclass(frozen=True)
class _Priced:
    """The three estimates, and their energies side by side."""

    snn: EnergyEstimate
    silent: EnergyEstimate
    ann: EnergyEstimate
    left_to_host: bool

    @property
    def all(self) -> tuple[EnergyEstimate, EnergyEstimate, EnergyEstimate]:
        return self.snn, self.silent, self.ann

    def bare(self, model: CostModel) -> _Priced | None:
        """The estimates without memory and static power; None if the model has no memory."""
        if not model.memory_parts:
            return None
        snn, silent, ann = (
            side.only({part for layer in side.layers for part in layer.parts_J}
                      - set(model.memory_parts))
            for side in self.all
        )  # fmt: skip
        return _Priced(snn, silent, ann, self.left_to_host)

    def balance(self, layer: str | None = None) -> Balance:
        """Both sides of a layer, or of the network."""
        snn, silent, ann = (
            (side if layer is None else side.layer(layer)).total_J for side in self.all
        )
        return Balance(snn, silent, float(np.mean(ann)))

    def uncounted(self, layer: str | None = None) -> tuple[str, ...]:
        """Clauses on parts that are missing from either side."""
        clauses = (
            f"{work.name} ({work.reason})"
            for side in (self.snn, self.ann)
            for work in side.uncounted
            if layer in (None, work.layer)
        )
        return tuple(dict.fromkeys(clauses))


def _place(workload: Workload, name: str, priced: _Priced) -> str:
    """The ``where`` of a layer."""
    on_chip = any(p.layer == name and p.on_chip for p in workload.populations)
    on_chip |= any(p.layer == name for p in _arriving(workload, priced.left_to_host))
    if on_chip or np.any(priced.snn.layer(name).total_J):
        return ""
    if np.any(priced.ann.layer(name).total_J):
        return "composed"
    on_host = priced.left_to_host and any(work.layer == name for work in workload.host)
    return "host" if on_host else "nothing"


def _layer(workload: Workload, info: LayerInfo, priced: _Priced, model: CostModel) -> LayerBalance:
    arriving = _arriving(workload, priced.left_to_host, info.name)
    rate_hz = _sending_rate(workload, arriving, priced.left_to_host)
    sides = _sides(workload, arriving, priced, model, info.name)
    return LayerBalance(
        name=info.name, kind=info.kind, where=_place(workload, info.name, priced),
        rate_hz=rate_hz, **sides,
    )  # fmt: skip


def _network(workload: Workload, priced: _Priced, model: CostModel) -> LayerBalance:
    firing = [p for p in workload.populations if p.spikes is not None]
    spikes, neurons = _sum(p.spikes for p in firing), sum(p.n_neurons for p in firing)
    rate_hz = None
    if spikes is not None and neurons:
        rate_hz = spikes / (neurons * workload.n_steps * workload.dt)
    where = "" if np.any(priced.snn.total_J) or np.any(priced.ann.total_J) else "host"
    sides = _sides(workload, _arriving(workload, priced.left_to_host), priced, model)
    return LayerBalance(name="Total", kind="", where=where, rate_hz=rate_hz, **sides)


def _sides(
    workload: Workload, arriving: list[PathwayWork], priced: _Priced, model: CostModel,
    layer: str | None = None,
) -> dict[str, Any]:  # fmt: skip
    """The fields of `LayerBalance` that a layer has as the network has them."""
    bare = priced.bare(model)
    return {
        "n_synapses": sum(p.n_synapses for p in arriving),
        "synops": _sum(_spikes_at(p, priced.left_to_host) for p in arriving),
        "n_steps": workload.n_steps,
        "total": priced.balance(layer),
        "arithmetic": bare.balance(layer) if bare else None,
        "uncounted": priced.uncounted(layer),
    }


def _host_sides(workload: Workload, priced: _Priced, model: CostModel) -> HostSides:
    opponent = priced.ann.device
    everything, on_chip = (
        float(np.mean(ann.total_J)) - ann.static_J
        for ann in (_price(workload, opponent, model), priced.ann)
    )
    return HostSides(
        layers=tuple(dict.fromkeys(work.layer for work in workload.host)),
        snn_J=sum(work.energy_J for work in price_host(workload, opponent)),
        ann_J=everything - on_chip,
    )


def _arriving(
    workload: Workload, left_to_host: bool, layer: str | None = None
) -> list[PathwayWork]:
    """The pathways that spikes arrive by, at synapses that are compared."""
    return [
        p
        for p in workload.pathways
        if layer in (None, p.layer) and p.kind != "bias" and _spikes_at(p, left_to_host) is not None
    ]


def _spikes_at(pathway: PathwayWork, left_to_host: bool) -> np.ndarray | None:
    """Spikes times the targets that they reach; None where there are none to be compared."""
    if left_to_host:
        return pathway.synops if pathway.on_chip else None
    return pathway.synops if pathway.events is None else pathway.events


def _sending_rate(
    workload: Workload, arriving: list[PathwayWork], left_to_host: bool
) -> np.ndarray | None:
    """Mean rate in Hz of the neurons that send the spikes; of their synapses, if all is known."""
    seconds = workload.n_steps * workload.dt
    neurons = sum(p.n_sources for p in arriving)
    spikes = [p.source_spikes for p in arriving if p.source_spikes is not None]
    if neurons and len(spikes) == len(arriving):
        return np.sum(spikes, axis=0) / (neurons * seconds)
    synapses = sum(p.n_synapses for p in arriving)
    arrived = _sum(_spikes_at(p, left_to_host) for p in arriving)
    return None if arrived is None or not synapses else arrived / (synapses * seconds)


def _sum(counts: Iterable[np.ndarray | None]) -> np.ndarray | None:
    present = [count for count in counts if count is not None]
    return np.sum(present, axis=0) if present else None
