"""Energy of one access to a memory, by its size and the width of its words.

Three models, each a callable ``ram(n_words, bits) -> J``:

`LinearRam` (``"old"``)
    The line ``1.09e-5 pJ * n_words * bits + 13.2 pJ``, whatever the width of the access.
`WordRam` (``"new"``)
    10 pJ for a word of 64 bits, shared by as many values as fit into it, whatever the size.
`InterpolatedRam` (``"interpolated"``)
    Straight lines through Horowitz's memories, from nothing at 0 bytes: 10 pJ at 8 KiB,
    20 pJ at 32 KiB, and 100 pJ at 1 MiB and beyond.

Horowitz's energies are of reading 64 bits. SpikingJelly 2.0 takes them for one value of
32 bits; ``InterpolatedRam(word_bits=32)`` does that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Union

import numpy as np

from ....errors import EnergyError
from .operations import OperationTable

Ram = Callable[[int, int], float]
"""``ram(n_words, bits)``: energy in Joules of one access to ``n_words`` words of ``bits`` bits."""

RAM_MODELS = ("old", "new", "interpolated")
"""The models by name."""

RamModel = Union[None, str, Ram]


@dataclass(frozen=True)
class LinearRam:
    """A straight line over the size: the first model of Qualia's plugin.

    Attributes
    ----------
    J_per_bit, floor_J : float
        Slope and intercept.
    """

    J_per_bit: float = 1.09e-5 * 1e-12
    floor_J: float = 13.2e-12

    def __call__(self, n_words: int, bits: int) -> float:
        return self.J_per_bit * n_words * bits + self.floor_J


@dataclass(frozen=True)
class WordRam:
    """A small memory beside the arithmetic: every access is a share of a word's.

    Attributes
    ----------
    word_J : float
        Energy of one word.
    word_bits : int
        Its width. Values that are wider take as many words as they fill.
    """

    word_J: float = 10e-12
    word_bits: int = 64

    def __call__(self, n_words: int, bits: int) -> float:
        if bits > self.word_bits:
            return self.word_J * -(-bits // self.word_bits)
        return self.word_J / (self.word_bits // bits)


@dataclass(frozen=True)
class InterpolatedRam:
    """Straight lines through memories of known size, constant beyond the largest.

    Attributes
    ----------
    sizes_B, energies_J : tuple of float
        The memories, the smallest first.
    word_bits : int
        Width of the access that the energies are of; one of another width costs its share.
    """

    sizes_B: tuple[float, ...] = (0, 8 << 10, 32 << 10, 1 << 20)
    energies_J: tuple[float, ...] = (0.0, 10e-12, 20e-12, 100e-12)
    word_bits: int = 64

    def __call__(self, n_words: int, bits: int) -> float:
        word_J = np.interp(n_words * bits / 8, self.sizes_B, self.energies_J)
        return float(word_J) * bits / self.word_bits


def ram_model(ram: RamModel, table: OperationTable) -> Ram:
    """The model of that name with the constants of a table; a model is returned as it is.

    Raises
    ------
    EnergyError
        If there is none of that name.
    """
    checked_ram(ram)
    if callable(ram):
        return ram
    if ram == "old":
        return LinearRam()
    if ram == "new":
        return WordRam(table.sram_8KiB)
    energies_J = (0.0, table.sram_8KiB, table.sram_32KiB, table.sram_1MiB)
    return InterpolatedRam(energies_J=energies_J)


def checked_ram(ram: Any) -> None:
    """Raise `EnergyError` if ``ram`` is neither a name nor a model."""
    if not callable(ram) and not (isinstance(ram, str) and ram in RAM_MODELS):
        names = ", ".join(repr(name) for name in RAM_MODELS)
        raise EnergyError(
            f"ram must be one of {names}, or a function ram(n_words, bits) -> Joules, not {ram!r}."
        )
