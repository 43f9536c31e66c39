"""``cost_model="loihi_chip"``: the chip's cost as an estimate beside those of other models."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...errors import EnergyError, MissingActivityError
from ...layers.layer_info import LayerInfo
from ...options import takes_options
from ...workload.measured_chip import chip_work
from ...workload.work_entries import UncountedWork
from ...workload.workload_record import Workload
from ..cost_models import CostModel, Counter, name_with
from ..device import Device, device_key
from ..estimate import EnergyEstimate, LayerEnergy, StaticEnergy
from ..per_operation import exact_counter
from .chip_options import ChipOptions
from .cost import ChipCost
from .events import PART_GROUPS
from .price import ChipPrice
from .price_chip import price_chip
from .unknown_time import unknown_time

PROFILES = {"loihi": "davies2018", "loihi_silicon": "silicon"}
"""The profile that prices each device of the table."""

COLUMNS = ("name", "output_shape", "neurons", "rate", "spikes", "synops", "energy loihi_silicon")


@dataclass(frozen=True)
class ChipCounter:
    """A network whose chip was measured, ready to be counted for any presentation."""

    counter: Counter
    activity: Any
    mapping: Any = None

    def workload(self, n_steps: int | None = None, dt: float | None = None) -> Workload:
        """The work per inference, with that of the chip's cores."""
        measured = self.counter.workload()
        chip = chip_work(self.activity, self.mapping)
        new = [name for name in chip.layer_names if name not in measured.layer_names]
        more = tuple(LayerInfo(name, "Cores", "-") for name in new)
        workload = self.counter.workload(n_steps, dt)
        chip = chip.for_presentation(workload.n_steps, workload.dt)
        return replace(workload, layers=(*workload.layers, *more), chip=chip)

    def layer_name(self, layer: Any) -> str:
        """The row of a layer."""
        return self.counter.layer_name(layer)


@dataclass(frozen=True)
class ChipCounters:
    """Makes a `ChipCounter` of a network and its activity."""

    counter: Any
    mapping: Any = None

    def __call__(self, network: Any, activity: Any, example_data: Any) -> ChipCounter:
        """Prepare to count a network and its activity, as `NetworkEnergy` takes them.

        Raises
        ------
        MissingActivityError
            If the activity has no counts of cores.
        """
        if activity is None:
            raise MissingActivityError(
                "cost_model='loihi_chip' prices what each core of a chip did: pass "
                "activity=measure(network, data, n_steps, simulator='loihi')."
            )
        chip_work(activity, self.mapping)  # its errors now, not when a device is priced
        return ChipCounter(self.counter(network, activity, example_data), activity, self.mapping)


@dataclass(frozen=True)
class ChipPricer:
    """Prices a workload's chip with given options; see `loihi_chip`."""

    name: str
    options: ChipOptions

    def cost(self, workload: Workload, device: Device) -> ChipCost:
        """Energy and latency of the chip.

        Raises
        ------
        EnergyError
            If the workload was not counted for this cost model, or the device is none of Loihi's.
        """
        if workload.chip is None:
            raise EnergyError(
                "cost_model='loihi_chip' prices what each core of a chip did, and this workload "
                "does not say: count it with NetworkEnergy(..., cost_model='loihi_chip')."
            )
        if not is_loihi(device):
            raise EnergyError(
                f"cost_model='loihi_chip' has no constants for {device.name}; it prices "
                f"{', '.join(PROFILES)}."
            )
        options = self.options
        if options.profile is None:
            options = replace(options, profile=PROFILES[device_key(device.name)])
        return price_chip(workload.chip, options=options)

    def __call__(self, workload: Workload, device: Device) -> EnergyEstimate:
        """Price a workload on a device: within the boundary ``"chip"``."""
        cost = self.cost(workload, device)
        low, nominal, high = (
            self._estimate(workload, device, cost, price)
            for price in (cost.low, cost.nominal, cost.high)
        )
        uncounted: tuple[UncountedWork, ...] = ()
        if cost.is_at_least("chip"):
            uncounted = (UncountedWork(HOSTS_TIME, "", f"it is not known ({cost.host_io.name})"),)
            assert nominal.static is not None
            nominal = replace(nominal, static=replace(nominal.static, at_least=True))
        elif not cost.energy_J("chip").predicted:
            # what is drawn at least; the rest hangs on a time that is not known
            uncounted = (UncountedWork(DRAWN, "", unknown_time(cost.step_s, cost.host_io)),)
            assert low.static is not None
            nominal = replace(nominal, static=replace(low.static, at_least=True))
        return replace(nominal, low=low, high=high, remarks=(_remark(cost),), uncounted=uncounted)

    def _estimate(
        self, workload: Workload, device: Device, cost: ChipCost, price: ChipPrice
    ) -> EnergyEstimate:
        work, layers = cost.work, np.array(cost.work.layers)
        rows = []
        for name in workload.layer_names:
            parts_J = {part: np.zeros(work.n_samples) for part in PART_GROUPS}
            for part, keys in PART_GROUPS.items():
                for key in (key for key in keys if key in price.cores_J):
                    parts_J[part] += price.cores_J[key][:, layers == name].sum(axis=1)
            rows.append(LayerEnergy(name, parts_J))
        seconds = float(price.time.latency_s.mean())
        drawn = float(price.energy_J("chip").mean() - price.energy_J("core dynamic").mean())
        power = drawn / seconds / work.n_chips if seconds else 0.0
        static = StaticEnergy(power, seconds, work.n_chips)
        return EnergyEstimate(device, self.name, tuple(rows), static)


HOSTS_TIME = "the host's time besides its spikes"
"""What makes a step longer than is counted, where a host does more than send its spikes."""

DRAWN = "static power and x86"
"""What is drawn for the time of an inference, where that is not predicted."""


def is_loihi(device: Device) -> bool:
    """Whether there is a profile for a device."""
    return device_key(device.name) in PROFILES


def _remark(cost: ChipCost) -> str:
    missing = f" Not priced: {'; '.join(cost.not_priced)}." if cost.not_priced else ""
    return (
        f"{cost.profile.name}: what the cores did (chip counts), and {DRAWN} of "
        f"{cost.board.name} for {'at least ' * cost.host_does_more}{cost.latency_s.text('s')} an "
        "inference, in and out by "
        f"{cost.host_io.name}.{missing}"
    )


@takes_options(ChipOptions)
def loihi_chip(
    *, mapping: Any = None, name: str | None = None, options: ChipOptions, **unknown: Any
) -> CostModel:
    """The cost model with options of your own.

    Parameters
    ----------
    {options}
    mapping : nengo_spikecost.loihi.Mapping, optional
        Where cores are.
    name : str, optional
        Name of the cost model. Default: ``"loihi_chip"`` and the options that are given.

    Returns
    -------
    CostModel
        For `NetworkEnergy` and `compare`. Parts of a layer's energy are ``"synop"``,
        ``"neuron"`` and ``"message"``; static power and x86 are in ``estimate.static``.

    Raises
    ------
    EnergyError
        If there is no such option, or one is not what it should be.
    """
    if unknown:
        profile, *others = options.values()
        raise EnergyError(
            f"loihi_chip has no option {next(iter(unknown))!r}; it takes {profile}, mapping, "
            f"{', '.join(others)}."
        )
    words = (f"{k}={v!r}" for k, v in options.given().items() if isinstance(v, (str, float)))
    full = name_with("loihi_chip", words) if name is None else name
    return CostModel(
        name=full, counter=ChipCounters(exact_counter, mapping), price=ChipPricer(full, options),
        columns=COLUMNS, measured_columns=COLUMNS, can_price=is_loihi, has_ranges=True,
        needs_chip=True,
    )  # fmt: skip
