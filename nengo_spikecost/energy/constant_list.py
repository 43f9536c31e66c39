"""Constants as a list: values, ranges, how each is known, and the sources by number."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .. import check
from ..errors import EnergyError
from ..layout import si
from ..layout.presenter import Details
from ..layout.text import SHORTEST_LINE
from .device import Constant


@dataclass(frozen=True)
class Block:
    """Constants that belong together: those of a device, or of the events of a chip.

    Attributes
    ----------
    title : str
        Heading.
    about : str
        Said behind it: product, process, what a device works on.
    constants : mapping from str to Constant
        By the names that are shown.
    note : str
        What to know before trusting the numbers.
    """

    title: str
    about: str
    constants: Mapping[str, Constant]
    note: str = ""


@dataclass(frozen=True)
class ColumnWidths:
    """Characters of the columns whose texts differ most in length."""

    name: int = 18
    range: int = 17
    evidence: int = 15


def amount(constant: Constant) -> str:
    """The value: ``"23.6 pJ"``."""
    return _text(constant.value, constant.unit)


def range_words(constant: Constant) -> str:
    """The range: ``"23.6 to 35.5 pJ"``; nothing where there is none."""
    if constant.lowest == constant.highest:
        return ""
    low, high = (_text(end, constant.unit) for end in (constant.lowest, constant.highest))
    if constant.unit == "share":
        return f"{low} to {high}"
    number, unit = low.split(" ")
    same_unit = unit == high.split(" ")[1] or not constant.lowest
    return f"{number if same_unit else low} to {high}"


def numbered_sources(blocks: Iterable[Block]) -> dict[str, str]:
    """The sources of all constants, each once, and its number in brackets: ``"[1]"``."""
    texts = (c.source for block in blocks for c in block.constants.values())
    known = dict.fromkeys(text for text in texts if text)
    return {text: f"[{i}]" for i, text in enumerate(known, start=1)}


def constants_text(
    blocks: Iterable[Block], line_length: int, widths: ColumnWidths = ColumnWidths()
) -> str:
    """A line for each constant, with a note below it where it has one, and the sources last.

    Parameters
    ----------
    blocks : iterable of Block
    line_length : int
        Headings, notes and sources are wrapped to it; constants take about 75.
    widths : ColumnWidths

    Raises
    ------
    EnergyError
        If ``line_length`` is no whole number, or too small for a line to be read.
    """
    check.whole("line_length", line_length, EnergyError, SHORTEST_LINE)
    blocks = list(blocks)
    numbers = numbered_sources(blocks)
    parts = []
    for block in blocks:
        lines = _wrapped(f"{block.title}: {block.about}".rstrip(": "), line_length)
        for name, constant in block.constants.items():
            lines += _constant_lines(name, constant, numbers, line_length, widths)
        parts.append([*lines, *_wrapped(block.note, line_length, " " * 2, " " * 2)])
    sources = (_wrapped(f"{number} {text}", line_length) for text, number in numbers.items())
    parts.append(["Sources", *(line for lines in sources for line in lines)])
    return "\n\n".join("\n".join(lines) for lines in parts)


def constants_details(blocks: Iterable[Block]) -> Details:
    """Constants and sources for HTML: an item for each block, and one for each source."""
    blocks = list(blocks)
    numbers = numbered_sources(blocks)
    items = []
    for block in blocks:
        about = f" ({block.about})" if block.about else ""
        words = "; ".join(_constant_words(k, c, numbers) for k, c in block.constants.items())
        items.append(f"{block.title}{about}: {words}. {block.note}".rstrip())
    items += [f"{number} {source}" for source, number in numbers.items()]
    return Details("Energy per operation and where it comes from", tuple(items))


def _constant_words(name: str, constant: Constant, numbers: Mapping[str, str]) -> str:
    ends = range_words(constant)
    words = f"{name} {amount(constant)}{f' ({ends})' if ends else ''}"
    words += f", {constant.evidence} {numbers.get(constant.source, '')}".rstrip()
    return f"{words}: {constant.note}" if constant.note else words


def _constant_lines(
    name: str, constant: Constant, numbers: Mapping[str, str], line_length: int,
    widths: ColumnWidths,
) -> list[str]:  # fmt: skip
    cells = (
        f"  {name:<{widths.name}}",
        f"{amount(constant):>7}",
        f"{range_words(constant):>{widths.range}}",
        f"{constant.evidence:<{widths.evidence}}",
        f"{'' if constant.year is None else constant.year:<4}",
        numbers.get(constant.source, ""),
    )
    indent = " " * (widths.name + 4)
    return ["  ".join(cells).rstrip(), *_wrapped(constant.note, line_length, indent, indent)]


def _wrapped(text: str, line_length: int, first: str = "", other: str = " " * 4) -> list[str]:
    return textwrap.wrap(
        text, line_length, initial_indent=first, subsequent_indent=other, break_on_hyphens=False
    )


def _text(value: float, unit: str) -> str:
    """A number and its unit; a share is a plain number."""
    return f"{value:.3g}" if unit == "share" else si.si(value, unit)
