"""The constants behind a `ChipCost`, each with its range, its evidence and its source."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from ....layout import si
from ...device import Constant
from ...shown.device_list import amount, range_words

if TYPE_CHECKING:
    from .. import ChipCost, Table

_WIDTH = 16


def constants_text(cost: ChipCost, line_length: int = 98) -> str:
    """All constants that a cost was made with, and their sources below."""
    numbers: dict[str, str] = {}
    lines: list[str] = []
    for heading, constants in _groups(cost):
        lines += ["", heading] if lines else [heading]
        for name, constant in constants:
            source = ""
            if constant.source:
                source = numbers.setdefault(constant.source, f"[{len(numbers) + 1}]")
            lines += _lines(name, constant, source, line_length)
    lines += ["", "Sources"]
    for text, number in numbers.items():
        lines += textwrap.wrap(
            f"{number} {text}", line_length, subsequent_indent="    ", break_on_hyphens=False
        )
    return "\n".join(lines)


def _groups(cost: ChipCost) -> Iterator[tuple[str, Iterator[tuple[str, Constant]]]]:
    profile, board, io = cost.profile, cost.board, cost.host_io
    yield f"Energy of an event, profile {profile.name}", _events(profile.energies)
    yield f"Time of an event, profile {profile.name}", _events(profile.times)
    yield "Barrier of the tiles, by tiles in use", _points(profile.sync)
    yield f"Power, board {board.name}", _events(board.powers)
    yield "Barrier of the chips, by chips", _points(board.barrier)
    times = {"step": io.step, "several chips": io.several_chips, "spike": io.spike}
    known = {name: constant for name, constant in times.items() if constant is not None}
    yield f"Time of a step, in and out by {io.name}", _events(known)


def _events(constants: Mapping[str, Constant]) -> Iterator[tuple[str, Constant]]:
    for name, constant in constants.items():
        yield name.replace("_", " "), constant


def _points(table: Table) -> Iterator[tuple[str, Constant]]:
    for place, constant in table.points:
        yield str(place), constant


def _lines(name: str, constant: Constant, source: str, line_length: int) -> list[str]:
    value = amount(constant) if constant.value else f"0 {constant.unit}"
    ends = "" if not constant.highest else range_words(constant)
    if ends and not constant.lowest:
        ends = f"0 to {si.si(constant.highest, constant.unit)}"
    year = "" if constant.year is None else str(constant.year)
    cells = (
        f"  {name:<{_WIDTH}}  {value:>7}  {ends:>19}  {constant.evidence:<9}  {year:<4}  {source}"
    )
    indent = " " * (_WIDTH + 4)
    return [
        cells.rstrip(),
        *textwrap.wrap(
            constant.note, line_length, initial_indent=indent, subsequent_indent=indent,
            break_on_hyphens=False,
        ),
    ]  # fmt: skip
