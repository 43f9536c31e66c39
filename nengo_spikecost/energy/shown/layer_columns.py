"""The columns a table can have: where their values come from and how they are written."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Callable

from ... import check
from ...errors import EnergyError
from ...layout import si
from .layer_rows import LayerRow


@dataclass(frozen=True)
class Form:
    """How values are written.

    Attributes
    ----------
    si_units : bool
        SI prefixes and separators, or KerasSpiking's plain numbers.
    short : bool
        Counts shortened to fit.
    unit : {"J", "W"}
        Of energies: of a network that runs on, power.
    """

    si_units: bool = True
    short: bool = False
    unit: str = "J"


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes
    ----------
    key : str
        What the user calls it: ``"synops"``, ``"energy loihi"``.
    header : str
        One line above it, as KerasSpiking writes it.
    short_header : tuple of str
        Lines above it in a table with SI units.
    kind : {"text", "count", "rate", "ratio", "energy"}
        How values are written.
    value : callable
        From a `LayerRow` to the value.
    total : bool
        Whether the column has an entry in the total row.
    device : str, optional
        The device that it prices.
    """

    key: str
    header: str
    short_header: tuple[str, ...]
    kind: str
    value: Callable[[LayerRow], Any]
    total: bool = True
    device: str | None = None

    def text(self, row: LayerRow, form: Form) -> str:
        """The value of a row as shown."""
        value = self.value(row)
        if isinstance(value, str) and self.kind != "text":
            return value  # "never"
        text = write_value(self.kind, value, form.si_units, form.short, form.unit)
        if self.key == "rate" and (row.beyond_step or row.dead):
            return f"{text} !" if row.beyond_step else "dead"
        if row.where == "host" and self.device is not None and value == 0:
            return si.MISSING
        if self.device in row.uncounted_on and self.kind == "energy":
            return f">= {text}" if value else "uncounted"
        return text


def write_value(
    kind: str, value: Any, si_units: bool = True, short: bool = False, unit: str = "J"
) -> str:  # fmt: skip
    """A value as shown: with SI units, or plain as KerasSpiking shows it."""
    if value is None:
        return si.MISSING
    if kind == "text":
        return str(value)
    if not si_units:
        whole = kind == "count" and float(value).is_integer()
        return str(int(value)) if whole else si.plain(value)
    if kind == "count":
        return si.count(value, short)
    if kind == "energy":
        return si.si(value, unit) if value else "0"
    if kind == "rate":
        return f"{value:.1f}" if abs(value) < 1000 else si.count(value, short)
    return f"{value:.2f}"


# name, header, header in two lines, kind, and the attribute of a row
_PLAIN_COLUMNS = (
    ("name", "Layer (type)", "Layer (type)", "text", "title"),
    ("output_shape", "Output shape", "Output\nshape", "text", "output_shape"),
    ("params", "Param #", "Params", "count", "params"),
    ("connections", "Conn #", "Synapses", "count", "connections"),
    ("macs", "MACs", "MACs", "count", "macs"),
    ("neurons", "Neuron #", "Neurons", "count", "neurons"),
    ("rate", "Rate [Hz]", "Rate\nHz", "rate", "rate_hz"),
    ("spikes", "Spikes", "Spikes", "count", "spikes"),
    ("synops", "Synops", "Synops", "count", "synops"),
    ("spikes/synapse", "Spikes/synapse", "Spikes\n/ synapse", "ratio", "spikes_per_synapse"),
    ("updates", "Updates", "Neuron\nupdates", "count", "updates"),
    ("average_synops", "Average synops", "Average\nsynops", "count", "average_synops"),
    ("average/exact", "Average/exact", "Average\n/ exact", "ratio", "average_over_exact"),
    ("factored", "Factored ops", "Factored\nops", "count", "factored"),
    ("weight_updates", "Weight updates", "Weight\nupdates", "count", "weight_updates"),
)
_PLAIN = {
    key: Column(key, header, tuple(short.split("\n")), kind, attrgetter(attribute))
    for key, header, short, kind, attribute in _PLAIN_COLUMNS
}

BREAK_EVEN = "break-even"
"""Spikes per synapse at which the network without spikes costs as much, by device."""

_DEVICE: dict[str, tuple[str, str, Callable[[LayerRow], Mapping[str, Any]]]] = {
    "energy": ("J/inf ({})", "energy", lambda r: r.energy_J),
    "synop_energy": ("Synop J/inf ({})", "synops", lambda r: r.synop_energy_J),
    "neuron_energy": ("Neuron J/inf ({})", "neurons", lambda r: r.neuron_energy_J),
    BREAK_EVEN: ("Break-even ({})", "even at", lambda r: r.break_even),
}


def column_names() -> list[str]:
    """All columns, ``<device>`` standing for the name of one."""
    return [*_PLAIN, *(f"{key} <device>" for key in _DEVICE)]


def device_columns(columns: Sequence[str], kinds: Container[str] = _DEVICE) -> list[str]:
    """The device names that columns (of some kinds) mention, in order and as written."""
    devices = []
    for column in columns:
        kind, _, device = column.partition(" ")
        if kind in kinds and device.strip() and device.strip() not in devices:
            devices.append(device.strip())
    return devices


def parse_columns(columns: Sequence[str]) -> tuple[Column, ...]:
    """The columns of those names.

    Raises
    ------
    EnergyError
        If there is no such column, or an energy column names no device.
    """
    names: list[str] = []
    if isinstance(columns, Iterable) and not isinstance(columns, (str, bytes)):
        names = check.several("columns", columns, EnergyError, "names of columns")
    if not names:
        known = ", ".join(column_names())
        given = check.shown(columns)
        raise EnergyError(f"columns must be a list of names, not {given}; there are {known}.")
    return tuple(_parse(column) for column in names)


def _parse(name: str) -> Column:
    if not isinstance(name, str):
        raise EnergyError(f"A column is the name of one, not {check.shown(name)}.")
    if name in _PLAIN:
        return _PLAIN[name]
    kind, _, device = name.partition(" ")
    device = device.strip()
    if kind not in _DEVICE or not device:
        raise EnergyError(f"There is no column {name!r}; there are {', '.join(column_names())}.")
    header, short, energies = _DEVICE[kind]
    unit = "ratio" if kind == BREAK_EVEN else "energy"

    def value(row: LayerRow) -> Any:
        return energies(row).get(device)

    return Column(name, header.format(device), (device, short), unit, value, device=device)
