"""Circuits of a multiplication, a division or an addition, by the formats of the operands.

A product of two fixed-point numbers needs a multiplier. Where one of them is a power of two
it is a shift; where one is -1, 0 or 1 a choice (``mux``), where one is 0 or 1 a gate
(``and``), where both are signs a gate (``xor``), where both are powers of two an addition.
The *gate factor* is what the circuit costs relative to an adder (or multiplier) of
*gate bits* bits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Callable

from .quantizers import Quantizer, binary, floating, ternary

#: Relative to an adder of as many bits.
BINARY_MUX = XOR = 0.3
TERNARY_MUX = 0.6
AND = 0.1
SHIFT_POSITION = 0.3
COMPARISON = 0.2


@dataclass(frozen=True)
class Operator:
    """A circuit with two operands.

    Attributes
    ----------
    circuit : str
        ``"mul"``, ``"shifter"``, ``"mux"``, ``"xor"``, ``"and"`` or ``"add"``.
    gate_factor, gate_bits : float
        How many circuits of the polynomial's, and of how many bits.
    output : Quantizer
        Format of the result.
    """

    circuit: str
    gate_factor: float
    gate_bits: float
    output: Quantizer


def multiplier(weight: Quantizer, value: Quantizer) -> Operator:
    """The circuit that multiplies a weight and a value."""
    return _MULTIPLIERS[_circuit_of(weight, value)](weight, value)


def _circuit_of(weight: Quantizer, value: Quantizer) -> str:
    kinds = {weight.kind, value.kind}
    if "float" in kinds:
        return "float"
    if "bit" in kinds:
        return "and"
    if kinds == {"binary"}:
        return "xor"
    if kinds & {"binary", "ternary"}:
        return "mux"
    if kinds == {"po2"}:
        return "add"
    return "shifter" if "po2" in kinds else "mul"


def _fixed_product(weight: Quantizer, value: Quantizer) -> Operator:
    bits, int_bits = weight.bits + value.bits, weight.int_bits + value.int_bits
    output = Quantizer("fixed", bits, int_bits, weight.signed or value.signed)
    return Operator("mul", 1, math.sqrt(weight.bits * value.bits), output)


def _float_product(weight: Quantizer, value: Quantizer) -> Operator:
    bits = max(operand.bits for operand in (weight, value) if operand.is_float)
    return Operator("mul", 1, bits, floating(bits))


def _shift(weight: Quantizer, value: Quantizer) -> Operator:
    power, number = (weight, value) if weight.kind == "po2" else (value, weight)
    return shifter(number, power, *power.exponents)


def shifter(number: Quantizer, power: Quantizer, right: int, left: int) -> Operator:
    """A fixed-point number shifted by a power of two.

    Parameters
    ----------
    number, power : Quantizer
    right, left : int
        How far it is shifted at most.
    """
    bits = number.bits + left + right + (not number.signed and power.signed)
    output = Quantizer("fixed", bits, number.int_bits + left, number.signed or power.signed)
    if power.n_values:
        return Operator("shifter", power.n_values * SHIFT_POSITION, number.bits, output)
    side = math.sqrt(2**power.bits * number.bits)
    return Operator("shifter", 1, side * math.log10(side), output)


def _po2_product(weight: Quantizer, value: Quantizer) -> Operator:
    limit = None
    if weight.max_value is not None and value.max_value is not None:
        limit = weight.max_value * value.max_value
    bits, int_bits = max(weight.bits, value.bits) + 1, max(weight.int_bits, value.int_bits) + 1
    output = Quantizer("po2", bits, int_bits, weight.signed or value.signed, limit)
    return Operator("add", 1, bits, output)


def _choice(weight: Quantizer, value: Quantizer) -> Operator:
    signs = ("binary", "ternary")
    chooser, number = (weight, value) if weight.kind in signs else (value, weight)
    factor = BINARY_MUX if chooser.kind == "binary" else TERNARY_MUX
    if number.kind in signs:
        return Operator("mux", factor, number.bits, replace(ternary(), bits=number.bits))
    bits = number.bits + (not number.signed)
    int_bits = bits if number.kind == "po2" else number.int_bits
    output = replace(number, bits=bits, int_bits=int_bits, signed=True, n_values=None)
    return Operator("mux", factor, number.bits, output)


def _gate(weight: Quantizer, value: Quantizer) -> Operator:
    other = value if weight.kind == "bit" else weight
    if other.kind in ("binary", "ternary"):
        output = ternary()
    else:
        bits = max(weight.bits, value.bits)
        signed = weight.signed or value.signed
        output = replace(other, bits=bits, signed=signed, n_values=None)
    return Operator("and", AND, output.bits, output)


_MULTIPLIERS: dict[str, Callable[[Quantizer, Quantizer], Operator]] = {
    "float": _float_product,
    "and": _gate,
    "xor": lambda weight, value: Operator("xor", XOR, 1, binary()),
    "mux": _choice,
    "add": _po2_product,
    "shifter": _shift,
    "mul": _fixed_product,
}


def divider(numerator: Quantizer, denominator: Quantizer) -> Operator:
    """The circuit that divides: by powers of two a shift, else as much as a multiplication."""
    if denominator.kind != "po2" or numerator.is_float:
        floats = [q.bits for q in (numerator, denominator) if q.is_float]
        bits = max(floats) if denominator.is_float or numerator.is_float else 32
        return Operator("mul", 1, bits, floating(bits))
    right, left = denominator.exponents
    if numerator.kind == "po2":
        bits = max(numerator.bits, denominator.bits) + 1
        limit = None
        if numerator.max_value is not None and denominator.max_value:
            limit = numerator.max_value / denominator.max_value
        int_bits = max(numerator.int_bits, denominator.int_bits) + 1
        return Operator("add", 1, bits, Quantizer("po2", bits, int_bits, True, limit))
    # dividing swaps the directions
    return shifter(numerator, denominator, left, right)


def adder(first: Quantizer, second: Quantizer) -> Quantizer:
    """Format of a sum."""
    return widest((first, second), extra=1)


def widest(formats: tuple[Quantizer, ...], extra: int = 0) -> Quantizer:
    """Format that holds values of all these formats, with ``extra`` bits more."""
    if any(q.is_float for q in formats):
        return floating(max(q.bits for q in formats if q.is_float))
    as_fixed = [q.as_fixed() for q in formats]
    bits, int_bits = max(q.bits for q in as_fixed), max(q.int_bits for q in as_fixed)
    return Quantizer("fixed", bits + extra, int_bits + extra, any(q.signed for q in formats))


def accumulator(product: Quantizer, n_terms: int) -> Quantizer:
    """Format that holds a sum of so many products without overflow."""
    if product.is_float:
        return floating(product.bits)
    product = product.as_fixed()
    extra = math.ceil(math.log2(n_terms)) if n_terms > 1 else 0
    return Quantizer("fixed", product.bits + extra, product.int_bits + extra, product.signed)
