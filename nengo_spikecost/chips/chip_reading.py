"""Chips in TOML files; the head of ``chips.toml`` says how they are written."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .. import check
from ..energy.device_files import check_words, checked_table, given, read_source, read_toml
from ..errors import ChipError, EnergyError
from . import layer_quantities as _layer_quantities  # noqa: F401  (registers quantities)
from .chip_spec import Chip, Limit, Origin, Power, StepModel
from .core_counts import CORE_COUNTS
from .quantities import QUANTITIES
from .step_counts import COUNTS

CHIP_FILE = Path(__file__).with_name("chips.toml")
"""The chips that come with the package."""

_ORIGIN = ("source", "year", "evidence", "note")
_TABLES = ("limits", "step", "powers", "clock", "refused")
_WORDS = ("title", "note", "process")
MISSING = "missing"
"""Value of a term of which nothing is published."""


@functools.cache
def shipped_chips() -> tuple[tuple[Chip, ...], Mapping[str, Mapping[str, Any]]]:
    """The package's own chips, and the sources that their numbers name."""
    return _read(CHIP_FILE, {})


def read_chip_file(path: str | os.PathLike[str]) -> tuple[Chip, ...]:
    """Read a file of chips, in the form of ``chips.toml``.

    Raises
    ------
    ChipError
        If the file can't be read, or a chip in it is not what it should be; the message names
        the file, the chip and the field.
    """
    check.path("path", path, ChipError)
    return _read(path, shipped_chips()[1])[0]


def _read(
    path: str | os.PathLike[str], known: Mapping[str, Mapping[str, Any]]
) -> tuple[tuple[Chip, ...], Mapping[str, Mapping[str, Any]]]:
    name = os.fspath(path)
    try:
        content = read_toml(path, "chips")
        own = checked_table(content.pop("sources", {}), "sources", name)
        sources = {**known, **{key: read_source(key, value, name) for key, value in own.items()}}
        chips = tuple(
            _chip(key, value, f"Chip {key!r} in {name!r}", sources)
            for key, value in content.items()
        )
    except EnergyError as error:  # the readers of TOML are those of devices
        raise ChipError(str(error)) from error
    if not chips:
        raise ChipError(f"There is no chip in {name!r}: each is a table, as [my_chip].")
    return chips, sources


def _chip(key: str, entry: Any, where: str, sources: Mapping[str, Any]) -> Chip:
    check_words(where, entry, (*_WORDS, *_TABLES), ("title", "limits"))
    tables = {t: checked_table(entry.get(t, {}), f"{where}: {t}", where) for t in _TABLES}
    try:
        limits = tuple(_limit(k, v, sources) for k, v in tables["limits"].items())
        powers = tuple(_power(k, v, sources) for k, v in tables["powers"].items())
        step = _step(tables["step"], sources) if tables["step"] else None
        clock, clock_origin = tables["clock"], None
        if clock:
            check_words("clock", clock, ("default_Hz", *_ORIGIN), ("default_Hz", "source"))
            clock_origin = _origin("clock", clock, sources)
        return Chip(
            name=key, limits=limits, step=step, powers=powers, clock_Hz=clock.get("default_Hz"),
            clock_origin=clock_origin, refused=dict(tables["refused"]), **given(entry, _WORDS),
        )  # fmt: skip
    except (ChipError, EnergyError) as error:
        raise ChipError(f"{where}: {error}") from error


def _origin(where: str, entry: Mapping[str, Any], sources: Mapping[str, Any]) -> Origin:
    words = given(entry, _ORIGIN)
    source = words.get("source", "")
    if isinstance(source, str) and source in sources:
        words["source"] = sources[source]["text"]
        words.setdefault("year", sources[source].get("year"))
    words.setdefault("source", "")
    try:
        return Origin(**words)
    except ChipError as error:
        raise ChipError(f"{where}: {error}") from error


def _limit(key: str, entry: Any, sources: Mapping[str, Any]) -> Limit:
    where = f"limits.{key}"
    check.choice("a limit's quantity", key, QUANTITIES, ChipError)
    check_words(where, entry, ("at_most", "only", "cores", *_ORIGIN), ("source",))
    if QUANTITIES[key].of_cores != ("cores" in entry):
        needs = "needs cores" if QUANTITIES[key].of_cores else "takes no cores"
        raise ChipError(f"{where} {needs}: words of weights, neurons and biases of each.")
    cores = check.several(f"{where}.cores", entry.get("cores", []), ChipError, "a list of cores")
    only = check.several(f"{where}.only", entry.get("only", []), ChipError, "a list of words")
    try:
        return Limit(
            key, _origin(where, entry, sources), entry.get("at_most"), tuple(only),
            tuple(tuple(core) if isinstance(core, list) else core for core in cores),
        )  # fmt: skip
    except ChipError as error:
        raise ChipError(f"{where}: {error}") from error


def _power(key: str, entry: Any, sources: Mapping[str, Any]) -> Power:
    where = f"powers.{key}"
    words = ("W", "low_W", "high_W", "clock_Hz")
    check_words(where, entry, (*words, *_ORIGIN), ("W", "source"))
    values = {"low_W": entry["W"], "high_W": entry["W"], **given(entry, words)}
    try:
        return Power(key, origin=_origin(where, entry, sources), **values)
    except (ChipError, TypeError) as error:
        raise ChipError(f"{where}: {error}") from error


def _step(entry: Mapping[str, Any], sources: Mapping[str, Any]) -> StepModel:
    needed = ("terms", "unit", "join", "source")
    check_words("step", entry, (*needed, *_ORIGIN), needed)
    terms: dict[str, float | None] = {}
    for name, value in checked_table(entry["terms"], "step.terms", "step").items():
        check.choice("a term of the step", name, {**COUNTS, **CORE_COUNTS}, ChipError)
        terms[name] = None if value == MISSING else value
    return StepModel(terms, entry["unit"], entry["join"], _origin("step", entry, sources))
