"""What training prices spikes with: the constants of a device."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from ...energy import devices
from ...errors import TuningError
from ...graph import Population
from ...workload.neuron_costs import updates_on_chip


class EnergyPrices(NamedTuple):
    """Energies in J on one device.

    Attributes
    ----------
    synop_J, spike_J : float
        Of a synop, and of a spike besides its synops.
    updates_J : float
        Of all neuron updates in one presentation, which spikes do not change.
    """

    synop_J: float
    spike_J: float
    updates_J: float


def energy_prices(
    device: Any, populations: Iterable[Population], n_steps: int, *, asked: bool
) -> EnergyPrices | None:
    """The prices of a device, or None where it has none for spikes and none were asked for.

    Parameters
    ----------
    device : str or Device
    populations : iterable of Population
        Those on the chip are updated at every step.
    n_steps : int
    asked : bool
        Whether the energy is to be trained for.

    Raises
    ------
    UnknownDeviceError
        If there is no such device.
    TuningError
        If energy was asked for, and the device does not price synops.
    """
    priced = devices.get(device)
    if not priced.spiking or priced.weights != "full":
        if not asked:
            return None
        what = "keeps weights as factors" if priced.spiking else "works without spikes"
        raise TuningError(
            f"energy_weight needs a device that prices synops; {priced.name} {what}. Take another "
            "device, such as loihi, or synop_weight."
        )
    updates = n_steps * updates_on_chip(populations)
    spike = priced.energy_per_spike
    return EnergyPrices(
        priced.energy_per_synop_J, 0.0 if spike is None else spike.value,
        updates * priced.energy_per_neuron_J,
    )  # fmt: skip
