"""What an energy or a power of a chip includes: its boundary."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ... import check
from ...errors import EnergyError

BOARD_PARTS = (
    "x86 clock", "x86 code", "static cores", "static chips", "unused cores", "other chips",
)  # fmt: skip
"""Energies drawn for the time of an inference, beside that of the cores."""

BOUNDARIES: Mapping[str, tuple[str, ...]] = {
    "core dynamic": (), "total dynamic": BOARD_PARTS[:2], "used cores": BOARD_PARTS[:3],
    "chip": BOARD_PARTS[:5], "board": BOARD_PARTS,
}  # fmt: skip
"""Parts within each boundary, by its name, besides the cores' energy."""


def checked_boundary(name: Any) -> tuple[str, ...]:
    """Parts within a boundary beside the cores' energy.

    Raises
    ------
    EnergyError
        If there is none of that name.
    """
    return BOUNDARIES[check.choice("boundary", name, BOUNDARIES, EnergyError)]
