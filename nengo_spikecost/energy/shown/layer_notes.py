"""The notes under a table, so that no number is taken for more than it is."""

from __future__ import annotations

from collections.abc import Mapping

from ... import check
from ...errors import EnergyError
from ...layout import si
from ...words import counted
from ...workload.row_counts import firing_notes, names_in_note, uncounted_note
from ...workload.workload_record import Workload
from ..estimate import EnergyEstimate


def table_notes(
    workload: Workload, estimates: Mapping[str, EnergyEstimate], print_warnings: bool = True,
) -> list[str]:  # fmt: skip
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
    chips = [name for name, e in estimates.items() if e.device.spiking]
    notes = firing_notes(workload, chips) + _missing(workload, estimates)
    notes += _host(estimates) + _chips(estimates)
    if not (check.flag("print_warnings", print_warnings, EnergyError) and estimates):
        return notes
    notes += _totals(estimates)
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
            f"This model contains non-spiking activations ({names_in_note(assumed)}). For "
            f"{names_in_note(spiking)} they are taken for spiking neurons that fire at the rate of "
            "their activation, one Hz for 1.0; convert the model and measure it for its real "
            "spikes."
        )
    return notes


def estimate_notes(estimate: EnergyEstimate) -> list[str]:
    """The notes under the table of one estimate, most important first."""
    alone = {estimate.device.name: estimate}
    return [
        *uncounted_note(estimate.uncounted), *_host(alone), *_chips(alone), *_totals(alone),
        *estimate.remarks,
    ]  # fmt: skip


def _missing(workload: Workload, estimates: Mapping[str, EnergyEstimate]) -> list[str]:
    everywhere = {(u.name, u.reason) for u in workload.uncounted}
    devices: dict[str, list[str]] = {}
    for name, estimate in estimates.items():
        extra = [u for u in estimate.uncounted if (u.name, u.reason) not in everywhere]
        for note in uncounted_note(extra, "Not priced on {}"):
            devices.setdefault(note, []).append(name)
    return [
        *uncounted_note(workload.uncounted),
        *(note.replace("{}", ", ".join(names), 1) for note, names in devices.items()),
    ]


def _host(estimates: Mapping[str, EnergyEstimate]) -> list[str]:
    with_host = {name: e for name, e in estimates.items() if e.host}
    if not with_host:
        return []
    host = next(iter(with_host.values())).host_device
    alone = ", its arithmetic alone without its calls," if host and host.static_power else ""
    notes = [
        f"On the host: work beside {names_in_note(list(with_host))}, priced on "
        f"{host.name if host else 'the host'}{alone} and not in the first total."
    ]
    idle = [name for name, e in with_host.items() if e.all_on_host]
    if idle:
        words = f"Nothing of this network runs on {names_in_note(idle)}: all is its host's."
        notes.insert(0, words)
    return notes


def _chips(estimates: Mapping[str, EnergyEstimate]) -> list[str]:
    """Whose static power is that of several chips."""
    several = {n: e.static.n_chips for n, e in estimates.items() if e.static}
    chips = ", ".join(f"{n_chips:,} of {name}" for name, n_chips in several.items() if n_chips > 1)
    return [f"Static power is that of the chips that the neurons fill: {chips}."] if chips else []


def _totals(estimates: Mapping[str, EnergyEstimate]) -> list[str]:
    """What totals are of, and how well they are known."""
    return [
        *_calls(estimates), *_too_slow(estimates), *_one_sample(estimates), *_ranges(estimates),
        *_spreads(estimates),
    ]  # fmt: skip


def _calls(estimates: Mapping[str, EnergyEstimate]) -> list[str]:
    """What static power of a processor is drawn for: calls, and the layers that they launch."""
    calls = []
    for name, estimate in estimates.items():
        device, static = estimate.device, estimate.static
        if device.spiking or device.step_time is None or static is None:
            continue
        words = f"{si.si(device.step_time.value, 's')} a call"
        if device.layer_time is None:
            words += ", whatever its layers"
        else:
            each = si.si(device.layer_time.value, "s")
            least = "at least " if estimate.lower_bound else ""
            n_layers = counted(static.n_layers, "layer")
            words += f" and {each} for {'each of ' * (static.n_layers != 1)}{least}{n_layers}"
        calls.append(f"{name} {words}")
    return [f"Static power is drawn for the time of a call: {'; '.join(calls)}."] if calls else []


def _too_slow(estimates: Mapping[str, EnergyEstimate]) -> list[str]:
    """Devices that can't keep up with a network that runs on."""
    slow = [
        f"{name} takes {estimate.static.seconds / estimate.ran_s:.3g} s"
        for name, estimate in estimates.items()
        if estimate.static and estimate.ran_s and estimate.static.seconds > estimate.ran_s
    ]
    if not slow:
        return []
    return [
        f"For a second of this network {', '.join(slow)}: powers there are Joules for a second of "
        "the network, and no device draws them."
    ]


def _one_sample(estimates: Mapping[str, EnergyEstimate]) -> list[str]:
    """Whose constants are of large batches, and what to take for one sample at a time."""
    batched = {
        name: e.device.one_sample
        for name, e in estimates.items()
        if e.device.one_sample and e.device.one_sample not in estimates
    }
    if not batched:
        return []
    verb = "has" if len(batched) == 1 else "have"
    return [
        f"{' and '.join(batched)}: arithmetic alone, as in large batches. Of a small network, one "
        "sample at a time, a call takes more than that: "
        f"{' and '.join(batched.values())} {verb} it."
    ]


def _ranges(estimates: Mapping[str, EnergyEstimate]) -> list[str]:
    """Totals with all constants low and with all high."""
    ranges = []
    for name, estimate in estimates.items():
        low, high = map(estimate.per.energy, estimate.range_J)
        if low != high:  # some constants with a range may not be in this total
            ranges.append(f"{name} {low} to {high}")
    words = "Totals over the range of the constants that sources give"
    return [f"{words}: {', '.join(ranges)}."] if ranges else []


def _spreads(estimates: Mapping[str, EnergyEstimate]) -> list[str]:
    """How far samples differ."""
    spreads = []
    for name, estimate in estimates.items():
        s = estimate.spread()
        if s.low_J == s.high_J:
            continue
        ends = (s.low_J, s.high_J, s.worst_J, s.mean_low_J, s.mean_high_J)
        low, high, worst, mean_low, mean_high = map(estimate.per.energy, ends)
        spreads.append(
            f"{name} {low} to {high}, at most {worst} (sample {s.worst_sample}), mean within "
            f"{mean_low} to {mean_high}"
        )
    words = "Totals over samples, 5th to 95th percentile, and 95% bootstrap interval of the mean"
    return [f"{words}: {'; '.join(spreads)}."] if spreads else []
