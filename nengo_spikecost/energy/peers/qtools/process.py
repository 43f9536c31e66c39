"""Energies of operations and memories, as polynomials of the number of bits.

The process ``"horowitz"`` is the fit of QKeras (``config_public``) to the 45 nm table of
Horowitz (ISSCC 2014); ``"initial"`` has the values that QKeras starts with and uses where a
process name is not known to it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ....errors import EnergyError
from ...device import Constant
from .multipliers import Operator
from .quantizers import Quantizer, fixed, floating

SRAM_WORD_BITS = 64
"""Bits that one access to an SRAM reads or writes."""

SRAM_SIZES: Mapping[str, int] = {"sram_8KiB": 16, "sram_32KiB": 18, "sram_1MiB": 23}
"""The memories whose energy is known, and the logarithms (base 2) of their sizes in bits."""


@dataclass(frozen=True)
class Process:
    """Energies of operations in picojoules, as polynomials, highest power first.

    Attributes
    ----------
    name : str
        Name of the process.
    fixed_add, fixed_mul : tuple of float
        Addition and multiplication, of the number of bits.
    float_add, float_mul : mapping from int to float
        Those of floating point, by the number of bits.
    sram : tuple of float
        Access to an SRAM, of the logarithm (base 2) of its size in bits.
    sram_scale : float
        What ``sram`` is to be multiplied with for the energy of one access of 64 bits: 64,
        if it is the energy of a bit.
    smallest_sram_bits : int
        Size of the smallest memory that the polynomial was fitted to.
    dram : tuple of float
        Access to DRAM, of the number of bits.
    default : Quantizer
        Format of what has none.
    """

    name: str
    fixed_add: tuple[float, ...]
    fixed_mul: tuple[float, ...]
    float_add: Mapping[int, float]
    float_mul: Mapping[int, float]
    sram: tuple[float, ...]
    sram_scale: float
    smallest_sram_bits: int
    dram: tuple[float, ...]
    default: Quantizer

    def operation_pJ(self, operator: Operator) -> float:
        """Energy of one operation of a circuit."""
        fit, table = self.fixed_add, self.float_add
        if operator.circuit == "mul":
            fit, table = self.fixed_mul, self.float_mul
        output = operator.output
        one = table[output.bits] if output.is_float else _value(fit, operator.gate_bits)
        return operator.gate_factor * one

    def addition_pJ(self, output: Quantizer) -> float:
        """Energy of one addition with a result of that format."""
        return self.operation_pJ(Operator("add", 1, output.bits, output))

    def sram_pJ(self, bits: float, size_bits: float) -> float:
        """Energy of moving so many bits to or from an SRAM of a size."""
        if bits == 0:
            return 0.0
        per_access = _value(self.sram, math.log2(size_bits)) * self.sram_scale
        return math.ceil(bits / SRAM_WORD_BITS) * per_access

    def dram_pJ(self, bits: float) -> float:
        """Energy of moving so many bits to or from DRAM."""
        return _value(self.dram, bits)

    def of_device(self, operations: Mapping[str, Constant]) -> Process:
        """The process with polynomials through the points that a device has.

        Parameters
        ----------
        operations : mapping from str to Constant
            `Device.operations`: ``int32_add``, ``int8_mul``, ``int32_mul``, ``fp16_add`` and
            others of floating point, ``sram_8KiB``, ``sram_32KiB``, ``sram_1MiB`` and ``dram``,
            the last four of 64 bits. What is missing stays as it is.
        """
        pJ = {name: constant.value * 1e12 for name, constant in operations.items()}
        changes: dict[str, Any] = {
            "float_add": {b: pJ.get(f"fp{b}_add", e) for b, e in self.float_add.items()},
            "float_mul": {b: pJ.get(f"fp{b}_mul", e) for b, e in self.float_mul.items()},
        }
        if "int32_add" in pJ:
            changes["fixed_add"] = _through({32: pJ["int32_add"]})
        if {"int8_mul", "int32_mul"} <= pJ.keys():
            changes["fixed_mul"] = _through({8: pJ["int8_mul"], 32: pJ["int32_mul"]})
        if pJ.keys() >= SRAM_SIZES.keys():
            changes["sram"] = _through({x: pJ[name] for name, x in SRAM_SIZES.items()})
            changes["sram_scale"] = 1.0
        if "dram" in pJ:
            changes["dram"] = _through({SRAM_WORD_BITS: pJ["dram"]})
        return replace(self, **changes)


def _through(points: Mapping[float, float]) -> tuple[float, ...]:
    """The polynomial through 0 and some points, highest power first."""
    powers = range(len(points), 0, -1)
    matrix = [[x**power for power in powers] for x in points]
    solved = np.linalg.solve(np.array(matrix, dtype=float), list(points.values()))
    return (*(float(coefficient) for coefficient in solved), 0.0)


def _value(coefficients: tuple[float, ...], x: float) -> float:
    total = 0.0
    for coefficient in coefficients:
        total = total * x + coefficient
    return max(total, 0.0)


_ARITHMETIC = {
    "fixed_add": (0.003125, 0.0),
    "fixed_mul": (0.002994791667, 0.001041666667, 0.0),
    "float_add": {16: 0.4, 32: 0.9},
    "float_mul": {16: 1.1, 32: 3.7},
    "dram": (20.3125, 0.0),
}

PROCESSES: Mapping[str, Process] = {
    "horowitz": Process(
        name="horowitz",
        sram=(9.02427321e-04, -2.68847858e-02, 2.08900804e-01, 0.0),
        # 0.15625, 0.3125 and 1.5625 at 8 KiB, 32 KiB and 1 MiB: 10, 20 and 100 pJ by 64 bits
        sram_scale=64.0,
        smallest_sram_bits=2**16,
        default=fixed(8),
        **_ARITHMETIC,  # type: ignore[arg-type]
    ),
    "initial": Process(
        name="initial",
        # 2.9, 4.0 and 7.7 at those sizes: neither unit gives what Horowitz has
        sram=(0.02455, -0.2656, 0.8661),
        sram_scale=1.0,
        smallest_sram_bits=2**16,
        default=floating(32),
        **_ARITHMETIC,  # type: ignore[arg-type]
    ),
}
"""The processes by name."""


def get_process(process: str | Process) -> Process:
    """The process of that name; a process is returned as it is.

    Raises
    ------
    EnergyError
        If there is none. QKeras takes any name, and prices with its initial values.
    """
    if isinstance(process, Process):
        return process
    if not isinstance(process, str) or process not in PROCESSES:
        known = ", ".join(PROCESSES)
        raise EnergyError(f"process must be one of {known} or a Process, not {process!r}.")
    return PROCESSES[process]
