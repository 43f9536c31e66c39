"""Energy of an addition and of a multiplication of any width, from a table of a few.

The table is Horowitz's for a 45 nm process: integers of 8 and of 32 bits. What other widths
cost is an assumption, the ``operation_type``:

``None``
    The table's value where it has the width, that of 32 bits where it has not: Qualia's way.
``"ICONIP"``
    That of 32 bits, whatever the width.
``"saturation"``
    That of the next larger width of the table.
``"linear"``
    The line through the values of 8 and of 32 bits. Of multiplications it reaches 0 between 6
    and 7 bits; it is refused below.
``"quadratic"``
    The parabola through 0 at 0 bits and these two values. Of additions it turns and falls
    beyond 76 bits; it is refused where it does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Optional, Union

from ....errors import EnergyError
from ...device import Device

OPERATION_TYPES = (None, "ICONIP", "saturation", "linear", "quadratic")
"""Rules for the energies of widths that the table lacks."""

OperationType = Union[None, str, Mapping[str, Optional[str]]]
"""One of `OPERATION_TYPES`, or one each for ``"add"`` and ``"mul"``."""


@dataclass(frozen=True)
class OperationTable:
    """Energies in Joules that everything else is derived from.

    The defaults are Horowitz's (ISSCC 2014, 45 nm, 0.9 V). The energies of memories are of
    reading 64 bits.

    Attributes
    ----------
    int8_add, int32_add, int8_mul, int32_mul : float
        Energy of one operation on integers.
    sram_8KiB, sram_32KiB, sram_1MiB : float
        Energy of one access to a memory of that size.
    """

    int8_add: float = 0.03e-12
    int32_add: float = 0.1e-12
    int8_mul: float = 0.2e-12
    int32_mul: float = 3.1e-12
    sram_8KiB: float = 10e-12
    sram_32KiB: float = 20e-12
    sram_1MiB: float = 100e-12


TABLE_NAMES = tuple(field.name for field in fields(OperationTable))
"""Names of the constants that a device needs in its ``operations``."""


def has_operation_table(device: Device) -> bool:
    """Whether a device has all constants of an `OperationTable`."""
    return all(name in device.operations for name in TABLE_NAMES)


def operation_table(device: Device) -> OperationTable:
    """The energies of operations and memories that a device has.

    Raises
    ------
    EnergyError
        If the device lacks constants; the message names them.
    """
    missing = [name for name in TABLE_NAMES if name not in device.operations]
    if missing:
        raise EnergyError(
            f"cost_model='lemaire' prices single operations and memory accesses; device "
            f"{device.name!r} has no {', '.join(missing)} among its operations. Use the devices "
            "'digital' (without spikes) and 'digital_snn', or add the operations to yours."
        )
    return OperationTable(**{name: device.operations[name].value for name in TABLE_NAMES})


def checked_operation_type(operation_type: Any) -> tuple[str | None, str | None]:
    """The rules for additions and for multiplications.

    Raises
    ------
    EnergyError
        If one is unknown.
    """
    if isinstance(operation_type, Mapping):
        unknown = [key for key in operation_type if key not in ("add", "mul")]
        if unknown:
            raise EnergyError(f"operation_type has the keys 'add' and 'mul', not {unknown[0]!r}.")
        types = operation_type.get("add"), operation_type.get("mul")
    else:
        types = operation_type, operation_type
    for kind in types:
        if not (kind is None or isinstance(kind, str)) or kind not in OPERATION_TYPES:
            names = ", ".join(repr(name) for name in OPERATION_TYPES)
            raise EnergyError(f"operation_type must be one of {names}, not {kind!r}.")
    return types


@dataclass(frozen=True)
class Arithmetic:
    """Energies of operations of any width.

    Parameters
    ----------
    table : OperationTable
    add_type, mul_type : str, optional
        Two of `OPERATION_TYPES`.
    """

    table: OperationTable = OperationTable()
    add_type: str | None = None
    mul_type: str | None = None

    def add_J(self, bits: float) -> float:
        """Energy of an addition of ``bits`` bits."""
        return _energy_J(bits, self.table.int8_add, self.table.int32_add, self.add_type)

    def mul_J(self, bits: float) -> float:
        """Energy of a multiplication of ``bits`` by ``bits`` bits.

        One of ``a`` by ``b`` bits is as one of their geometric mean, which has as many partial
        products; it need not be whole.
        """
        return _energy_J(bits, self.table.int8_mul, self.table.int32_mul, self.mul_type)


def _energy_J(bits: float, at_8: float, at_32: float, operation_type: str | None) -> float:
    if operation_type is None:
        return at_8 if bits == 8 else at_32
    if operation_type == "ICONIP":
        return at_32
    if operation_type == "saturation":
        if bits > 32:
            raise EnergyError(
                f"operation_type='saturation' knows energies of up to 32 bits, not of {bits:g}: "
                "use 'linear' or 'quadratic'."
            )
        return at_8 if bits <= 8 else at_32
    if operation_type == "linear":
        energy_J = at_8 + (at_32 - at_8) / (32 - 8) * (bits - 8)
        if energy_J <= 0:
            raise EnergyError(
                f"operation_type='linear' falls below 0 at {bits:g} bits: use 'quadratic'."
            )
        return energy_J
    # a x^2 + b x through (8, at_8) and (32, at_32)
    a = (at_32 - 4 * at_8) / (32 * 32 - 4 * 8 * 8)
    b = (at_8 - 64 * a) / 8
    if b + 2 * a * bits < 0:
        raise EnergyError(
            f"operation_type='quadratic' falls with the width at {bits:g} bits: use 'linear'."
        )
    return a * bits * bits + b * bits
