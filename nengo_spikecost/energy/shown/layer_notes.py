"""What must be said under a table, so that no number is read for more than it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ...layout import si
from ...workload.workload_record import UncountedWork, Workload
from ..estimate import EnergyEstimate

MAX_NAMES = 4


def caption(workload: Workload) -> str:
    """How the counts were made: ``"Per inference of 30 steps of 1 ms, mean of 10 samples"``."""
    if not workload.measured:
        return "Per inference; static counts, no spikes measured"
    steps = f"{workload.n_steps} step{'s' * (workload.n_steps != 1)} of {workload.dt * 1e3:g} ms"
    if not any(p.spiking for p in workload.populations):
        return "Per inference; static counts, nothing in the network spikes"
    if any(p.spikes is not None for p in workload.populations):
        samples = f"mean of {workload.n_samples} sample{'s' * (workload.n_samples != 1)}"
    else:
        samples = "mean activation times connections"
    return f"Per inference of {steps}, {samples}"


def table_notes(
    workload: Workload,
    estimates: Mapping[str, EnergyEstimate],
    print_warnings: bool = True,
) -> list[str]:
    """The notes under a table, most important first.

    Parameters
    ----------
    workload : Workload
        What is shown.
    estimates : mapping from str to EnergyEstimate
        By device.
    print_warnings : bool
        Whether to say that these are estimates and what they assume. What is missing from a
        total is always said.
    """
    notes = _missing(workload, estimates) + _host(estimates) + _chips(estimates)
    if not (print_warnings and estimates):
        return notes
    notes += _ranges(estimates) + _spreads(estimates)
    notes += dict.fromkeys(remark for e in estimates.values() for remark in e.remarks)
    if all(e.remarks for e in estimates.values()):
        return notes
    missing = "Routing of spikes, and input and output are not included."
    if any(e.static is None for e in estimates.values()):
        missing = f"Static power is included where there is a row for it. {missing}"
        if not any(e.static for e in estimates.values()):
            missing = "Static power, routing of spikes, and input and output are not included."
    notes.append(
        f"These are estimates only: operations counted, times energies from publications. {missing}"
    )
    spiking = [name for name, e in estimates.items() if e.device.spiking]
    assumed = [p.layer for p in workload.populations if p.assumed_spiking]
    if spiking and assumed:
        notes.append(
            f"This model contains non-spiking activations ({_names(assumed)}). For "
            f"{_names(spiking)} they are taken for spiking neurons that fire at the rate of "
            "their activation, one Hz for 1.0; convert the model and measure it for its real "
            "spikes."
        )
    return notes


def _missing(workload: Workload, estimates: Mapping[str, EnergyEstimate]) -> list[str]:
    notes = []
    everywhere = {(u.name, u.reason) for u in workload.uncounted}
    if workload.uncounted:
        notes.append(f"Not counted: {_reasons(workload.uncounted)}. Totals are lower bounds.")
    missing: dict[str, list[str]] = {}
    for name, estimate in estimates.items():
        extra = [u for u in estimate.uncounted if (u.name, u.reason) not in everywhere]
        if extra:
            missing.setdefault(_reasons(extra), []).append(name)
    for reasons, devices in missing.items():
        notes.append(f"Not priced on {', '.join(devices)}: {reasons}. Totals are lower bounds.")
    return notes


def _host(estimates: Mapping[str, EnergyEstimate]) -> list[str]:
    with_host = {name: e for name, e in estimates.items() if e.host}
    if not with_host:
        return []
    host = next(iter(with_host.values())).host_device
    notes = [
        f"Rows marked (host): work beside {_names(list(with_host))}, priced on "
        f"{host.name if host else 'the host'} and not in the first total."
    ]
    idle = [name for name, e in with_host.items() if e.all_on_host]
    if idle:
        notes.insert(0, f"Nothing of this network runs on {_names(idle)}: all is its host's.")
    return notes


def _chips(estimates: Mapping[str, EnergyEstimate]) -> list[str]:
    """Whose static power is that of several chips."""
    several = {n: e.static.n_chips for n, e in estimates.items() if e.static}
    found = [f"{n_chips:,} of {name}" for name, n_chips in several.items() if n_chips > 1]
    if not found:
        return []
    return [f"Static power is that of the chips that the neurons fill: {', '.join(found)}."]


def _ranges(estimates: Mapping[str, EnergyEstimate]) -> list[str]:
    """Totals with all constants low and with all high."""
    found = []
    for name, estimate in estimates.items():
        low, high = (si.si(end, "J") for end in estimate.range_J)
        if low != high:  # some constants with a range may not be in this total
            found.append(f"{name} {low} to {high}")
    if not found:
        return []
    return [f"Totals over the range of the constants that sources give: {', '.join(found)}."]


def _spreads(estimates: Mapping[str, EnergyEstimate]) -> list[str]:
    """How far samples differ."""
    found = []
    for name, estimate in estimates.items():
        spread = estimate.spread()
        if spread.low_J == spread.high_J:
            continue
        low, high, worst, mean_low, mean_high = (
            si.si(value, "J")
            for value in (
                spread.low_J,
                spread.high_J,
                spread.worst_J,
                spread.mean_low_J,
                spread.mean_high_J,
            )
        )
        found.append(
            f"{name} {low} to {high}, at most {worst} (sample {spread.worst_sample}), mean within "
            f"{mean_low} to {mean_high}"
        )
    if not found:
        return []
    return [
        "Totals over samples, 5th to 95th percentile, and 95 % bootstrap interval of the mean: "
        f"{'; '.join(found)}."
    ]


def _reasons(uncounted: Iterable[UncountedWork]) -> str:
    """Names by the reason they share: ``"pool, pool_1 (why)"``."""
    by_reason: dict[str, list[str]] = {}
    for work in uncounted:
        by_reason.setdefault(work.reason, []).append(work.name)
    return "; ".join(f"{_names(names)} ({reason})" for reason, names in by_reason.items())


def _names(names: list[str]) -> str:
    if len(names) <= MAX_NAMES:
        return ", ".join(names)
    return f"{', '.join(names[: MAX_NAMES - 1])} and {len(names) - MAX_NAMES + 1} more"
