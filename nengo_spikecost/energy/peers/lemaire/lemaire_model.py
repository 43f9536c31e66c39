"""The cost model and its options."""

from __future__ import annotations

import numbers
from dataclasses import dataclass
from typing import Any

from ....check import is_whole
from ....errors import EnergyError
from ....workload.workload_record import Workload
from ...cost_models import CostModel
from ...device import Device
from ...estimate import EnergyEstimate
from ...per_operation import exact_counter
from .dense_pass import spend_dense
from .ledger import Ledger
from .memory_traffic import RamModel, checked_ram, ram_model
from .modules import qualia_rows, spend_as_qualia
from .operations import (
    Arithmetic,
    OperationTable,
    OperationType,
    checked_operation_type,
    has_operation_table,
    operation_table,
)
from .prices import MEMORY_PARTS, Prices, Widths
from .qualia import Row, total_row
from .spiking import check_spikes, spend_spiking

COLUMNS = ("name", "output_shape", "params", "connections", "neurons", "energy digital")
MEASURED_COLUMNS = (
    "name",
    "output_shape",
    "neurons",
    "rate",
    "spikes",
    "energy digital",
    "energy digital_snn",
)
_DEFAULT_FIFO = 1000


@dataclass(frozen=True)
class LemairePrice:
    """The pricing of a workload with given options; see `lemaire`.

    Attributes
    ----------
    widths : Widths
    operation_types : tuple of (str or None)
        Of additions and of multiplications.
    ram : str or callable
    fifo_size : int
    compat : str or None
    input_density : float
    name : str
        Name of the cost model.
    """

    widths: Widths
    operation_types: tuple[str | None, str | None]
    ram: RamModel
    fifo_size: int
    compat: str | None
    input_density: float
    name: str

    def prices(self, device: Device) -> Prices:
        """Energies of single operations on a device.

        Raises
        ------
        EnergyError
            If the device lacks constants.
        """
        table = operation_table(device)
        arithmetic = Arithmetic(table, *self.operation_types)
        return Prices(arithmetic, ram_model(self.ram, table), self.widths, self.fifo_size)

    def qualia_table(self, workload: Workload, device: Device) -> tuple[Row, ...]:
        """The table that the Qualia plugin prints: with spike rates, and a row of totals.

        Raises
        ------
        EnergyError, MissingActivityError
            As when a workload is priced.
        """
        if device.spiking:
            check_spikes(workload, device)
        prices = self.prices(device)
        modules, rows = qualia_rows(workload, prices, device.spiking, self.input_density)
        return (*rows, total_row(modules, rows))

    def __call__(self, workload: Workload, device: Device) -> EnergyEstimate:
        """Price a workload on a device.

        Raises
        ------
        MissingActivityError
            If the device is spiking and no spikes were measured.
        EnergyError
            If the device lacks constants, nothing spikes on a spiking device, or
            ``compat="qualia"`` is given a network without layers.
        """
        prices = self.prices(device)
        if device.spiking:
            check_spikes(workload, device)
        ledger = Ledger(workload, workload.n_samples if device.spiking else 1)
        if self.compat == "qualia":
            spend_as_qualia(workload, prices, ledger, device.spiking, self.input_density)
        elif device.spiking:
            spend_spiking(workload, prices, ledger)
        else:
            spend_dense(workload, prices, ledger)
        return ledger.estimate(device, self.name)


def lemaire(
    bits: Any = 32,
    *,
    operation_type: OperationType = "saturation",
    ram: RamModel = None,
    fifo_size: int = _DEFAULT_FIFO,
    compat: str | None = None,
    input_density: float = 1.0,
    name: str | None = None,
) -> CostModel:
    """The cost model of Lemaire et al. with options of your own.

    Parameters
    ----------
    bits : int, mapping or Widths
        Width of everything; or of ``"weights"``, ``"potentials"``, ``"biases"``,
        ``"activations"`` and ``"addresses"``, where those left out are as wide as the weights.
        With ``compat="qualia"`` one number.
    operation_type : str or None, or mapping of them
        How additions and multiplications scale with their width: ``"saturation"``, ``"ICONIP"``,
        ``"linear"``, ``"quadratic"`` or None; or one each for ``"add"`` and ``"mul"``. See
        `nengo_spikecost.energy.peers.lemaire.operations`.
    ram : {"interpolated", "old", "new"} or callable, optional
        Energy of a memory access; see `.memory_traffic`. Default:
        ``"interpolated"``, and ``"old"`` with ``compat="qualia"``. A callable is called
        ``ram(n_words, bits)`` and returns Joules.
    fifo_size : int
        Events that fit into the queue between two layers.
    compat : {None, "qualia"}
        ``"qualia"`` makes the estimate of the Qualia SNN plugin from the shapes of a Keras
        model's layers and the spikes that were measured.
    input_density : float
        With ``compat="qualia"``: share of the network's graded inputs that are not zero, which
        the tool reads off the data.
    name : str, optional
        Name of the cost model. Default: ``"lemaire"`` and the options that are not the defaults.

    Returns
    -------
    CostModel
        For `NetworkEnergy`, or to be registered. Parts of a layer's energy are ``"potentials"``,
        ``"weights"``, ``"biases"``, ``"io"`` (memory), ``"operations"`` and ``"addressing"``.

    Raises
    ------
    EnergyError
        If an option is not what it should be; the message names it.

    Examples
    --------
    >>> from nengo_spikecost.energy.peers.lemaire import lemaire
    >>> lemaire(8, ram="new").name
    "lemaire(bits=8, ram='new')"
    """
    options = {
        "bits": (bits, 32),
        "operation_type": (operation_type, "saturation"),
        "ram": (ram, None),
        "fifo_size": (fifo_size, _DEFAULT_FIFO),
        "compat": (compat, None),
        "input_density": (input_density, 1.0),
    }
    changed = [f"{key}={value!r}" for key, (value, usual) in options.items() if value != usual]
    if compat not in (None, "qualia"):
        raise EnergyError(f"compat must be None or 'qualia', not {compat!r}.")
    widths = Widths.of(bits)
    if compat and len(set(vars(widths).values())) > 1:
        raise EnergyError("compat='qualia' knows one width for everything: bits must be a number.")
    if ram is None:
        ram = "old" if compat == "qualia" else "interpolated"
    checked_ram(ram)
    price = LemairePrice(
        widths=widths,
        operation_types=checked_operation_type(operation_type),
        ram=ram,
        fifo_size=_checked_fifo_size(fifo_size),
        compat=compat,
        input_density=_checked_density(input_density),
        name=name or "lemaire" + (f"({', '.join(changed)})" if changed else ""),
    )
    _check_widths(price)
    return CostModel(
        name=price.name,
        counter=exact_counter,
        price=price,
        columns=COLUMNS,
        measured_columns=MEASURED_COLUMNS,
        can_price=has_operation_table,
        memory_parts=MEMORY_PARTS,
        whole_network=True,
    )


def _check_widths(price: LemairePrice) -> None:
    """Raise the error of a width that has no price now, and not when a network is priced."""
    widths, arithmetic = price.widths, Arithmetic(OperationTable(), *price.operation_types)
    for bits in (widths.potentials, widths.addresses):
        arithmetic.add_J(bits)
    for product in (widths.product, widths.addresses):
        arithmetic.mul_J(product)


def _checked_fifo_size(value: Any) -> int:
    if not is_whole(value, 1):
        raise EnergyError(f"fifo_size must be a whole number of at least 1, not {value!r}.")
    return int(value)


def _checked_density(value: Any) -> float:
    number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not number or not 0 <= value <= 1:
        raise EnergyError(f"input_density must be between 0 and 1, not {value!r}.")
    return float(value)
