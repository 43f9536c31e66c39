"""A `ChipCost` as tables: boundaries, time, layers and cores, with notes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from .... import check
from ....chip.chip_hops import IN_ORDER
from ....errors import EnergyError
from ....layout import Table, si
from ....layout.presenter import Part
from ....words import counted
from ...device import LEVELS
from ..core_cost import CoreCost, LayerCost
from ..cost import ChipCost
from ..events import PART_GROUPS
from ..floorline_record import HOST
from ..ranges import Range
from ..step_time import IN_AND_OUT
from .floorline_view import floorline_table

#: In the place of a number that hangs on what is not known.
NOT_PREDICTED = "not predicted"

#: Cores that are shown one by one unless asked for.
MAX_CORES = 32


def all_tables(cost: ChipCost, cores: bool | None) -> Iterable[Part]:
    """Boundaries, time and layers, cores if asked for or few, and notes below the last table."""
    tables = [boundary_table(cost), time_table(cost), limit_table(cost), layer_table(cost)]
    few = cost.work.n_cores <= MAX_CORES
    if few if cores is None else check.flag("cores", cores, EnergyError):
        tables.append(core_table(cost))
    tables[-1] = replace(tables[-1], notes=tuple(notes(cost)))
    for table in tables[:-1]:
        yield table
        yield ""
    yield tables[-1]


def caption(cost: ChipCost) -> str:
    """The chip, the constants and the samples, as the title of the tables."""
    work = cost.work
    samples = f"mean of {counted(work.n_samples, 'sample')}"
    return (
        f"Loihi, {counted(work.n_cores, 'core')} on {counted(work.n_chips, 'chip')}, profile "
        f"{cost.profile.name}, board {cost.board.name}: per inference of "
        f"{counted(work.n_steps, 'step')}, {samples}"
    )


def boundary_table(cost: ChipCost) -> Table:
    """Energy, power and energy-delay product within each boundary."""
    rows = []
    least = ">= " * cost.host_does_more
    for name, energy in cost.boundaries.items():
        power, edp = si.si(cost.power_W(name).nominal, "W"), si.si(cost.edp_Js(name).nominal, "Js")
        shown = f"{'>= ' * cost.is_at_least(name)}{_nominal(energy, 'J')}"
        rows.append((name, shown, _ends(energy, "J"), power, f"{least}{edp}"))
    headers = ("Boundary", "Energy", "Range", "Power", "Energy x delay")
    return _table(headers, rows, title=caption(cost))


def time_table(cost: ChipCost) -> Table:
    """Where the time of a step goes."""
    n_steps, latency = cost.work.n_steps, cost.latency_s.nominal
    rows = [
        (name, si.si(seconds / n_steps, "s"), _share(seconds, latency))
        for name, seconds in cost.time_parts_s.items()
        if seconds
    ]
    longer = cost.latency_is_at_least and cost.step_predicted
    least, most = ">= " * longer, "<= " * longer
    for name, time in (("Step", cost.step_s), ("Inference", cost.latency_s)):
        rows.append((name, f"{least}{_nominal(time, 's')}", _ends(time, "s")))
    rate = cost.inferences_per_s
    rows.append(("Inferences a second", f"{most}{_nominal(rate, '')}", _ends(rate, "")))
    return _table(("Time of a step", "Mean", "Share, range"), rows, n_totals=3)


def limit_table(cost: ChipCost) -> Table:
    """What decides the time of a step; of the cores alone where the host decides most steps."""
    return floorline_table(cost.floorline(host=_host_shown(cost)))


def _host_shown(cost: ChipCost) -> bool:
    """Whether what decides a step is told with the host: not if it decides all, or is not known."""
    return cost.step_predicted and cost.floorline().chip.decider != HOST


def layer_table(cost: ChipCost) -> Table:
    """A row a layer."""
    rows = [(x.name, str(x.n_cores), *_cells(x), f"{x.slowest:.0%}") for x in cost.layers]
    rows.append(("Total", str(cost.work.n_cores), *_cells(cost.total), ""))
    return _table(("Layer", "Cores", *_HEADERS, "Slowest"), rows, n_totals=1)


def core_table(cost: ChipCost) -> Table:
    """A row a core."""
    rows = []
    for core in cost.cores:
        busy = si.si(core.busy_s.nominal / cost.work.n_steps, "s")
        rows.append((core.name, *_cells(core), busy, f"{core.slowest:.0%}"))
    return _table(("Core", *_HEADERS, "Busy a step", "Slowest"), rows)


_HEADERS = ("Neurons", "Spikes", "Synops", "Synop J", "Neuron J", "Message J", "Energy")


def _cells(part: CoreCost | LayerCost) -> tuple[str, ...]:
    energies = part.parts_J
    synops, messages = (
        sum(energies.get(part, 0.0) for part in PART_GROUPS[group])
        for group in ("synop", "message")
    )
    total = part.energy_J.nominal
    shown = synops, max(total - synops - messages, 0.0), messages, total
    counts = part.compartments, part.spikes, part.synops
    return (*(si.count(count) for count in counts), *(si.si(energy, "J") for energy in shown))


def notes(cost: ChipCost) -> list[str]:
    """Sentences below the tables, the most important first."""
    work, io = cost.work, cost.host_io
    sentences = [f"Not priced: {'; '.join(cost.not_priced)}."] if cost.not_priced else []
    if not cost.step_predicted:
        sentences.append(f"Not predicted: {cost.not_predicted_sentence()}.")
    if cost.slowest_is_unknown:
        sentences.append(
            "Latency is at least this: the slowest core of each step is not known, only that of "
            "all steps together."
        )
    low, nominal, high = (work.active_share(level) for level in ("low", "nominal", "high"))
    if low < high:
        ends = f"{100 * low:.2g}% to {100 * high:.3g}%"
        sentences.append(f"Active updates are not known: {100 * nominal:.2g}% ({ends}) of all.")
    sentences.append(_at_the_ends(cost))
    waits = (io.step or io.spike) is not None and cost.time_parts_s[IN_AND_OUT] > 0
    why = ", which sets the time of a step" if waits else ""
    sentences.append(f"In and out of the chip: {io.name} ({io.description}){why}.")
    if cost.setting.assumed and io.spike is not None and not io.at_least:
        sentences[-1] += (
            " That is assumed: where a host beside the board manages every step, its time is not "
            "predicted (host_io='host')."
        )
    sentences += _x86_active(cost)
    if cost.host_does_more:
        sentences.append(
            "So the time, and energies but those of the cores, are at least this; powers, and what "
            "limits a step, are of steps that take no longer. Give the measured time of a step, "
            "host_io=SECONDS (--host-io), or host_io='x86' if programs of the x86 alone send the "
            "spikes."
        )
    if work.hops.placement == IN_ORDER and work.n_cores > 1:
        sentences.append(
            f"Placement: {IN_ORDER}; pass mapping=nengo_spikecost.loihi.place(...) for another."
        )
    sentences.append(
        "core dynamic: events of the cores; total dynamic: and the x86; used cores: and their "
        "static power (NxSDK's total); chip: and that of the chips in use; board: and of its other "
        "chips. Ranges: all constants low, and all high."
    )
    sentences.append(
        "Not modelled: energy of barriers, waits in a crowded mesh, hops of what the host sends, "
        "learning, the host beside the board."
    )
    return sentences


def _x86_active(cost: ChipCost) -> list[str]:
    """For how much of the time the x86 runs code, if it does."""
    setting = cost.setting
    if not (setting.x86_all or setting.host_io.x86) or not cost.board.power_W("x86_code", "high"):
        return []
    low, share, high = (setting.x86_active.at(level).value for level in LEVELS)
    ends = "" if low == high else f" ({low:.0%} to {high:.0%})"
    of = "the time, as given" if setting.x86_all else "the time that input and output take"
    return [f"The x86 runs code for {share:.0%}{ends} of {of}."]


def _at_the_ends(cost: ChipCost) -> str:
    """Whether other constants would have another core limit the step, or by something else."""
    host = _host_shown(cost)
    limits = {level: cost.floorline(host=host, level=level).chip for level in LEVELS}
    who = {level: (limit.core, limit.core_decider) for level, limit in limits.items()}
    others = [
        f"with all constants {level} {core}, by {decider}"
        for level, (core, decider) in who.items()
        if (core, decider) != who["nominal"]
    ]
    core, decider = who["nominal"]
    if not others:
        return f"Slowest core: {core}, by {decider}, with all constants low and high, too."
    return f"Slowest core: {core}, by {decider}; {' and '.join(others)}."


def _table(headers: Sequence[str], rows: Iterable[Sequence[str]], **others: Any) -> Table:
    """A table whose headers have a word a line where lines are short."""
    short = tuple(tuple(header.split(" ")) for header in headers)
    return replace(Table.of(headers, rows, **others), short_headers=short)


def _nominal(value: Range, unit: str) -> str:
    return si.si(value.nominal, unit) if value.predicted else NOT_PREDICTED


def _ends(value: Range, unit: str) -> str:
    low, high = si.si(value.low, unit), si.si(value.high, unit)
    return "" if low == high else f"{low} to {high}"


def _share(part: float, whole: float) -> str:
    return f"{part / whole:.1%}" if whole > 0 else si.MISSING
