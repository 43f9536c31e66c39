"""The work and energy of each layer as one flat row: what every table of energies shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ...layout.per import Per
from ...workload.row_counts import HOST, LayerCounts, layer_counts, total_counts
from ...workload.workload_record import Workload
from ..estimate import EnergyEstimate, HostEnergy

Energies = Mapping[str, float]


@dataclass(frozen=True)
class LayerRow(LayerCounts):
    """The counts of one layer, or of the network, and its energy.

    Attributes
    ----------
    energy_J, synop_energy_J, neuron_energy_J : mapping from device name to float
        Joules per inference.
    uncounted_on : tuple of str
        Devices on which something in the row has no price.
    of_layer : str
        In a row of the host: the layer that it works for.
    break_even : mapping from device name to float or str
        Spikes per synapse at which the network without spikes takes as much, or why there are
        none (``"never"``).
    """

    energy_J: Energies = field(default_factory=dict)
    synop_energy_J: Energies = field(default_factory=dict)
    neuron_energy_J: Energies = field(default_factory=dict)
    uncounted_on: tuple[str, ...] = ()
    of_layer: str = ""
    break_even: Mapping[str, float | str | None] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The name, with the type in brackets; the host is in the heading above its rows."""
        return self.name if self.kind == HOST else super().title

    def over(self, per: Per) -> LayerRow:
        """The row as it is shown; energies of a network that runs on as power."""
        shown = super().over(per)
        assert isinstance(shown, LayerRow)
        names = (*self.energies(), "break_even")
        maps: dict[str, Any] = {
            name: {
                device: value if value is None or isinstance(value, str) else per.of(value)
                for device, value in getattr(self, name).items()
            }
            for name in names
        }
        return replace(shown, **maps)

    def energies(self) -> dict[str, Energies]:
        """Energies by device, with the keys of data frames and JSON."""
        names = ("synop_energy_J", "neuron_energy_J", "energy_J")
        return {name: getattr(self, name) for name in names}

    def record(self) -> dict[str, Any]:
        """The counts as a flat dict, and the devices that have no price for all of them."""
        return {**super().record(), "uncounted_on": list(self.uncounted_on)}


Estimates = Mapping[str, EnergyEstimate]


def layer_rows(workload: Workload, estimates: Estimates, grouped: bool = False) -> list[LayerRow]:
    """One row a layer, in the order of the network; or one for each subnetwork."""
    return [_row(counts, estimates) for counts in layer_counts(workload, grouped)]


def total_row(workload: Workload, estimates: Estimates) -> LayerRow:
    """The whole network as one row."""
    return _row(total_counts(workload), estimates, total=True)


def other_rows(workload: Workload, estimates: Estimates) -> list[LayerRow]:
    """Rows below the layers: static power, the host's work, and what could not be counted."""
    return [
        *_static_rows(estimates), *_host_rows(estimates), *_uncounted_rows(workload, estimates),
    ]  # fmt: skip


def _host_rows(estimates: Estimates) -> list[LayerRow]:
    """One row for each layer and role of the work beside spiking devices."""
    first: dict[tuple[str, str], HostEnergy] = {}
    energy: dict[tuple[str, str], dict[str, float]] = {}
    for device, estimate in estimates.items():
        for work in estimate.host:
            key = (work.layer, work.role)
            first.setdefault(key, work)
            energy.setdefault(key, {})[device] = work.energy_J
    return [
        LayerRow(
            f"{work.layer} {work.role}", HOST, of_layer=work.layer,
            macs=work.macs + work.operations or None,
            updates=work.updates or None, energy_J=energy[key], where="host",
        )
        for key, work in first.items()
    ]  # fmt: skip


def _static_rows(estimates: Estimates) -> list[LayerRow]:
    """One row for what devices draw without any work, if that is known of any of them."""
    drawn = {name: e.static for name, e in estimates.items() if e.static is not None}
    if not drawn:
        return []
    return [
        LayerRow(
            "static power", "device", where="static",
            energy_J={name: static.energy_J for name, static in drawn.items()},
            uncounted_on=tuple(name for name, static in drawn.items() if static.at_least),
        )
    ]  # fmt: skip


def _uncounted_rows(workload: Workload, estimates: Estimates) -> list[LayerRow]:
    """One row for each part that could not be counted, on any of the devices."""
    devices: dict[str, list[str]] = {part.name: [] for part in workload.uncounted}
    for device, estimate in estimates.items():
        for name in dict.fromkeys(part.name for part in estimate.uncounted):
            devices.setdefault(name, []).append(device)
    more: dict[str, Any] = {"lower_bound": True, "where": "uncounted"}
    return [
        LayerRow(name, "uncounted", uncounted_on=tuple(missing), **more)
        for name, missing in devices.items()
    ]


def total_with_host_row(workload: Workload, estimates: Estimates) -> LayerRow | None:
    """The energy of spiking devices and of their host; None where nothing is on a host."""
    with_host = {name: e for name, e in estimates.items() if e.host}
    if not with_host:
        return None
    return LayerRow(
        "Total with host",
        energy_J={name: e.mean_J + e.host_J for name, e in with_host.items()},
        lower_bound=bool(workload.uncounted),
        uncounted_on=tuple(name for name, e in with_host.items() if e.lower_bound),
    )


def _row(counts: LayerCounts, estimates: Estimates, total: bool = False) -> LayerRow:
    """Counts with the energy of their layer, or of all layers."""
    energy_J: dict[str | None, dict[str, float]] = {"synop": {}, "neuron": {}, None: {}}
    names = counts.members or (counts.name,)
    uncounted_on = []
    for device, estimate in estimates.items():
        layers = [layer for layer in estimate.layers if total or layer.name in names]
        for part, energies in energy_J.items():
            having = [layer for layer in layers if part is None or part in layer.parts_J]
            energies[device] = sum(layer.mean_J(part) for layer in having)
        if total:
            energy_J[None][device] += estimate.static_J
        if any(total or u.layer in names for u in estimate.uncounted):
            uncounted_on.append(device)
    on_chip = any(estimate.device.spiking for estimate in estimates.values())
    shown = {**vars(counts), "beyond_step": counts.beyond_step and on_chip}
    return LayerRow(
        **shown, energy_J=energy_J[None], synop_energy_J=energy_J["synop"],
        neuron_energy_J=energy_J["neuron"], uncounted_on=tuple(uncounted_on),
    )  # fmt: skip
