"""Number formats of tensors: how their elements are stored.

A `Quantizer` says how many bits an element has and which kind of number it is: that decides
what a multiplication with it is made of (`multipliers`). The kinds are those of QKeras.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ....check import is_number
from ....errors import EnergyError
from ....words import counted

#: Kinds of numbers: fixed point; powers of two; -1, 0, 1; -1, 1; 0, 1; floating point.
QUANTIZER_KINDS = ("fixed", "po2", "ternary", "binary", "bit", "float")


@dataclass(frozen=True)
class Quantizer:
    """The format of one tensor's elements.

    Make them with `fixed`, `relu`, `po2`, `ternary`, `binary` and `floating`, or read them
    with `quantizer`.

    Parameters
    ----------
    kind : str
        One of `QUANTIZER_KINDS`.
    bits : int
        Bits of one element.
    int_bits : int
        Bits before the binary point (-1: it floats).
    signed : bool
        Whether there are negative values.
    max_value : float, optional
        Largest power of two that is used. None: what the bits allow.
    n_values : int, optional
        How many different powers of two the trained weights have, if that is known: a
        shifter needs no more positions.

    Raises
    ------
    EnergyError
        If an argument has no meaning.
    """

    kind: str
    bits: int
    int_bits: int = 0
    signed: bool = True
    max_value: float | None = None
    n_values: int | None = None

    def __post_init__(self) -> None:
        if self.kind not in QUANTIZER_KINDS:
            kinds = ", ".join(QUANTIZER_KINDS)
            raise EnergyError(f"The kind of a quantizer is one of {kinds}, not {self.kind!r}.")
        if not _is_whole(self.bits) or self.bits < 1:
            raise EnergyError(f"bits must be a whole number of at least 1, not {self.bits!r}.")
        if not _is_whole(self.int_bits):
            raise EnergyError(f"int_bits must be a whole number, not {self.int_bits!r}.")
        if self.kind == "float" and self.bits not in (16, 32):
            raise EnergyError(f"Floating point has 16 or 32 bits, not {self.bits}.")
        for name, kind in (("bits", int), ("int_bits", int), ("signed", bool)):
            object.__setattr__(self, name, kind(getattr(self, name)))

    @property
    def is_float(self) -> bool:
        """Whether the point floats."""
        return self.kind == "float"

    @property
    def exponents(self) -> tuple[int, int]:
        """Of powers of two: how far they shift to the right, and to the left.

        One bit of the exponent is its sign, and one bit of the element that of the value.
        """
        bits = self.bits - 1 if self.signed else self.bits
        right, left = int(2.0 ** (bits - 1)), int(2.0 ** (bits - 1) - 1)
        if self.max_value is not None:
            left = min(left, math.ceil(math.log2(self.max_value))) if self.max_value > 0 else 0
        return right, max(0, left)

    def as_fixed(self) -> Quantizer:
        """Powers of two as the fixed-point numbers that hold all of them; others unchanged."""
        if self.kind != "po2":
            return self
        right, left = self.exponents
        return Quantizer("fixed", int(self.signed) + right + left, left, self.signed)

    def __str__(self) -> str:
        sign = "" if self.signed else "unsigned "
        return f"{sign}{self.kind} of {counted(self.bits, 'bit')}"


def _is_whole(value: Any) -> bool:
    return is_number(value) and float(value).is_integer()


def fixed(bits: int = 8, int_bits: int = 0, signed: bool = True) -> Quantizer:
    """Fixed point, as ``quantized_bits`` of QKeras."""
    return Quantizer("fixed", bits, int_bits, signed)


def relu(bits: int = 8, int_bits: int = 0, signed: bool = False) -> Quantizer:
    """Fixed point without negative values, as ``quantized_relu`` of QKeras.

    One bit before the point and none after it is 0 or 1: no multiplier is needed.
    """
    kind = "bit" if bits == 1 and int_bits == 1 else "fixed"
    return Quantizer(kind, bits, int_bits, signed)


def po2(
    bits: int = 8, max_value: float | None = None, signed: bool = True,
    n_values: int | None = None,
) -> Quantizer:  # fmt: skip
    """Powers of two, as ``quantized_po2`` and (``signed=False``) ``quantized_relu_po2``."""
    return Quantizer("po2", bits, bits, signed, max_value or None, n_values)


def ternary() -> Quantizer:
    """-1, 0 and 1."""
    return Quantizer("ternary", 2, 2)


def binary(use_01: bool = False) -> Quantizer:
    """-1 and 1; with ``use_01`` 0 and 1."""
    return Quantizer("bit" if use_01 else "binary", 1, 1, signed=not use_01)


def floating(bits: int = 32) -> Quantizer:
    """Floating point of 16 or 32 bits."""
    return Quantizer("float", bits, -1)


#: The formats that QKeras knows by a short name.
NAMED_FORMATS: Mapping[str, Quantizer] = {
    "int8": fixed(8, 0), "int16": fixed(16, 7), "int32": fixed(32, 10), "fp16": floating(16),
    "fp32": floating(32),
}  # fmt: skip


def with_values(quantizer: Quantizer, n_values: int | None) -> Quantizer:
    """The format of weights with so many different powers of two."""
    return replace(quantizer, n_values=n_values) if quantizer.kind == "po2" else quantizer
