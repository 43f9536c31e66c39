"""The cost model: from a workload to an estimate."""

from __future__ import annotations

from dataclasses import dataclass

from ....options import takes_options
from ....workload.workload_record import Workload
from ...cost_models import CostModel, name_with
from ...device import Device
from ...estimate import EnergyEstimate
from ...per_operation import check_spikes, exact_counter
from .dense_pass import spend_dense
from .ledger import Ledger
from .lemaire_options import LemaireOptions
from .memory_traffic import Ram, ram_model
from .modules import qualia_rows, spend_as_qualia
from .operations import Arithmetic, has_operation_table, operation_table
from .prices import MEMORY_PARTS, Prices, Widths
from .qualia import Row, total_row
from .spiking import spend_spiking

COLUMNS = ("name", "output_shape", "params", "connections", "neurons", "energy digital")
MEASURED_COLUMNS = (
    "name", "output_shape", "neurons", "rate", "spikes", "energy digital", "energy digital_snn",
)  # fmt: skip


@dataclass(frozen=True)
class LemairePrice:
    """The pricing of a workload with given options; see `lemaire`.

    Attributes
    ----------
    options : LemaireOptions
    name : str
        Name of the cost model.
    """

    options: LemaireOptions
    name: str

    @property
    def widths(self) -> Widths:
        """Bits of everything that is kept."""
        return self.options.widths

    @property
    def ram(self) -> str | Ram:
        """Energy of a memory access: the name of a model, or a function."""
        return self.options.memory

    def prices(self, device: Device) -> Prices:
        """Energies of single operations on a device.

        Parameters
        ----------
        device : Device

        Raises
        ------
        EnergyError
            If the device lacks constants.
        """
        table = operation_table(device)
        arithmetic = Arithmetic(table, *self.options.operation_types)
        ram = ram_model(self.ram, table)
        return Prices(arithmetic, ram, self.widths, self.options.fifo_size)

    def synop_J(self, device: Device) -> float:
        """Energy of an addition on a spiking device, else of a multiply-accumulate.

        Parameters
        ----------
        device : Device

        Returns
        -------
        float
            In J.

        Raises
        ------
        EnergyError
            If the device lacks constants.
        """
        prices = self.prices(device)
        return prices.add_J if device.spiking else prices.mul_J + prices.add_J

    def qualia_table(self, workload: Workload, device: Device) -> tuple[Row, ...]:
        """The table that the Qualia plugin prints: with spike rates, and a row of totals.

        Parameters
        ----------
        workload : Workload
            As `NetworkEnergy.workload` returns it.
        device : Device

        Raises
        ------
        EnergyError, MissingActivityError
            As when a workload is priced.
        """
        if device.spiking:
            check_spikes(workload, device)
        prices = self.prices(device)
        modules, rows = qualia_rows(workload, prices, device.spiking, self.options.input_density)
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
        if self.options.compat == "qualia":
            spend_as_qualia(workload, prices, ledger, device.spiking, self.options.input_density)
        elif device.spiking:
            spend_spiking(workload, prices, ledger)
        else:
            spend_dense(workload, prices, ledger)
        return ledger.estimate(device, self.name)


@takes_options(LemaireOptions)
def lemaire(*, name: str | None = None, options: LemaireOptions) -> CostModel:
    """The cost model of Lemaire et al. with options of your own.

    Parameters
    ----------
    {options}
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
    words = (f"{key}={value!r}" for key, value in options.given().items())
    price = LemairePrice(options, name_with("lemaire", words) if name is None else name)

    def with_activations(bits: int) -> CostModel:
        return lemaire(options=options.with_activations(bits), name=price.name)

    return CostModel(
        name=price.name,
        counter=exact_counter,
        price=price,
        columns=COLUMNS,
        measured_columns=MEASURED_COLUMNS,
        can_price=has_operation_table,
        memory_parts=MEMORY_PARTS,
        whole_network=True,
        widths=price.widths.words,
        synop_J=price.synop_J,
        with_activations=with_activations if options.compat is None else None,
    )
