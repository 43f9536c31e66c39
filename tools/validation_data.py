"""Measurements of boards, and predictions held against them, for ``validation_page.py``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from nengo_spikecost.energy.device_files import read_toml
from nengo_spikecost.energy.loihi_chip import Range

DATA = Path(__file__).with_name("board_measurements.toml")

BOUNDARIES = (
    "core dynamic", "total dynamic", "used cores", "chip", "board", "whole device", "above idle",
    "call", "step",
)  # fmt: skip
PROCESSORS = ("whole device", "above idle", "call")
"""Boundaries of processors without spikes."""

EVIDENCE = ("read", "computed", "quoted", "second-hand")
UNITS = ("J", "W", "s")

#: An error of the nominal prediction up to which it is called good. SANA-FE's authors claim
#: 11.7 % of energy and 24.3 % of latency for the constants of profile ``silicon``.
GOOD = 0.25

#: A range whose high end is more than so many times its low end says little: it is called wide.
WIDE = 3.0

#: What the data of a row were used for.
HELD_OUT = {
    "yes": "no constant was made of this measurement",
    "same board": "a constant was measured on this board, in other runs",
    "no": "a constant was made of this measurement",
}


@dataclass(frozen=True)
class Measurement:
    """A published number: what, in which unit, within which boundary, and how it is known."""

    key: str
    what: str
    source: str
    value: float
    low: float | None
    high: float | None
    unit: str
    boundary: str
    evidence: str


@dataclass(frozen=True)
class LeftOut:
    """A published number that nothing is held against, and why."""

    what: str
    source: str
    reason: str


@dataclass(frozen=True)
class Prediction:
    """What is predicted for a measurement.

    Attributes
    ----------
    key : str
        Of the measurement.
    constants : str
        Whose constants: a profile, a board, a way in and out, or a device.
    value : Range
    basis : str
        What is predicted from what; what is assumed.
    held_out : str
        One of `HELD_OUT`.
    ends : bool
        Whether the ends of the range, too, were made without this measurement.
    assumes : str
        What had to be assumed that decides the prediction, if anything: "" or, for
        example, "rates".
    """

    key: str
    constants: str
    value: Range
    basis: str
    held_out: str = "yes"
    ends: bool = True
    assumes: str = ""

    @property
    def is_narrow(self) -> bool:
        """Whether the high end is at most `WIDE` times the low one."""
        return self.value.high <= WIDE * self.value.low

    def error(self, measured: float) -> float:
        """Of the nominal value, as a share of what was measured."""
        return self.value.nominal / measured - 1

    def verdict(self, measured: float, low: float | None = None, high: float | None = None) -> str:
        """``"good"``, ``"in range"``, ``"in a wide range"``, ``"bad"`` or ``"not predicted"``.

        The package says what is not predicted, whatever was measured: `Range.predicted`. A range
        does not save a prediction if its end is the measurement itself. ``low`` and ``high`` are
        how well the measurement is known, if that is told.
        """
        if not self.value.predicted:
            return "not predicted"
        if abs(self.error(measured)) <= GOOD:
            return "good"
        least, most = (measured if end is None else end for end in (low, high))
        if not self.ends or self.value.high < least or most < self.value.low:
            return "bad"
        return "in range" if self.is_narrow else "in a wide range"


@cache
def _content() -> Mapping[str, Any]:
    return read_toml(DATA)


@cache
def measurements() -> Mapping[str, Measurement]:
    """All measurements by key.

    Raises
    ------
    ValueError
        If an entry lacks something, or has a word that is not known.
    """
    content = _content()
    return {
        key: _measurement(key, dict(entry), content["sources"])
        for key, entry in content["measurements"].items()
    }


def _measurement(key: str, entry: dict[str, Any], sources: Mapping[str, Any]) -> Measurement:
    units = [unit for unit in UNITS if unit in entry]
    if len(units) != 1:
        raise ValueError(f"{key}: one of {', '.join(UNITS)} is expected, not {units}.")
    unit = units[0]
    found = Measurement(
        key=key,
        what=entry.pop("what"),
        source=entry.pop("source"),
        value=entry.pop(unit),
        low=entry.pop(f"low_{unit}", None),
        high=entry.pop(f"high_{unit}", None),
        unit=unit,
        boundary=entry.pop("boundary"),
        evidence=entry.pop("evidence"),
    )
    if entry:
        raise ValueError(f"{key}: unknown {', '.join(entry)}.")
    if found.source not in sources:
        raise ValueError(f"{key}: there is no source {found.source!r}.")
    if found.boundary not in BOUNDARIES or found.evidence not in EVIDENCE:
        raise ValueError(f"{key}: unknown boundary {found.boundary!r} or evidence.")
    return found


def sources() -> Mapping[str, str]:
    """Text of every source by its name."""
    return {name: entry["text"] for name, entry in _content()["sources"].items()}


@dataclass(frozen=True)
class HostTime:
    """A measured time of a step that a host has to do with.

    Attributes
    ----------
    measurement : str
        Its key.
    network, software : str
        What ran, and by whose code its steps were managed.
    chips : int
    cores : int or None
    spikes_in, values_out : float or None
        Spikes that the host sends in a step, and values that it reads, where they are known.
    by : str
        Who manages steps: ``"host"``, a processor beside the board, or ``"x86"``, programs on
        the chip's own.
    """

    measurement: str
    network: str
    software: str
    chips: int
    by: str
    cores: int | None = None
    spikes_in: float | None = None
    values_out: float | None = None


def host_times() -> list[HostTime]:
    """All published pairs of a step's time and what a host does in it."""
    return [HostTime(**entry) for entry in _content()["host_times"]]


@dataclass(frozen=True)
class NotCounted:
    """Predictions that do not count where their measurement is predicted in another way, too.

    Attributes
    ----------
    constants : list of str
        Whose constants they have: `Prediction.constants`.
    reason : str
        What the package takes instead.
    managed_by : str, optional
        Only of steps that this one manages: `HostTime.by`.
    """

    constants: list[str]
    reason: str
    managed_by: str = ""

    def holds(self, prediction: Prediction) -> bool:
        """Whether the prediction is one of these; what was measured does not matter."""
        managers = {pair.measurement: pair.by for pair in host_times()}
        by = managers.get(prediction.key)
        return prediction.constants in self.constants and self.managed_by in ("", by)


def not_counted() -> list[NotCounted]:
    """Which of several predictions of a measurement do not count."""
    return [NotCounted(**entry) for entry in _content()["not_counted"]]


def counted_once(predictions: Iterable[Prediction]) -> list[Prediction]:
    """Of each measurement the one prediction that counts.

    Those of `not_counted` are left out where there is another. Of what remains, constants of
    another board count rather than those of the same one, and these rather than one made of the
    measurement.

    Raises
    ------
    ValueError
        If there is still more than one.
    """
    by_key: dict[str, list[Prediction]] = {}
    for prediction in predictions:
        by_key.setdefault(prediction.key, []).append(prediction)
    counted = []
    for key, own in by_key.items():
        left = [p for p in own if not any(rule.holds(p) for rule in not_counted())] or own
        first = min(left, key=lambda p: list(HELD_OUT).index(p.held_out))
        same = [p for p in left if p.held_out == first.held_out]
        if len(same) > 1:
            raise ValueError(f"{key} is predicted by {', '.join(p.constants for p in same)}.")
        counted.append(first)
    return counted


@dataclass(frozen=True)
class Why:
    """Why measurements are not met, or not predicted.

    Attributes
    ----------
    rows : list of str
        Their keys.
    reason : str
    """

    rows: list[str]
    reason: str


def whys() -> list[Why]:
    """Causes of all that is neither good nor in range."""
    return [Why(**entry) for entry in _content()["why"]]


def whys_wide() -> list[Why]:
    """Causes of wide ranges of all that is good or in range."""
    return [Why(**entry) for entry in _content()["why_wide"]]


def left_out() -> list[LeftOut]:
    """Measurements without a prediction."""
    return [LeftOut(**entry) for entry in _content()["left_out"]]
