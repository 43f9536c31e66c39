"""`LemaireOptions`: widths, memories and arithmetic of ``cost_model="lemaire"``, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from .... import check
from ....errors import EnergyError
from ....options import Options, option
from .memory_traffic import Ram, RamModel, checked_ram
from .operations import Arithmetic, OperationTable, OperationType, checked_operation_type
from .prices import Widths


@dataclass(frozen=True)
class LemaireOptions(Options):
    """Options of `lemaire`.

    Attributes
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
    """

    bits: int | Mapping[str, int] | Widths = option(32, positional=True)
    operation_type: OperationType = "saturation"
    ram: RamModel = None
    fifo_size: int = 1000
    compat: str | None = None
    input_density: float = 1.0

    def __post_init__(self) -> None:
        if self.compat is not None and not (
            isinstance(self.compat, str) and self.compat == "qualia"
        ):
            raise EnergyError(f"compat must be None or 'qualia', not {self.compat!r}.")
        widths = self.widths
        if self.compat and len(set(vars(widths).values())) > 1:
            raise EnergyError(
                "compat='qualia' knows one width for everything: bits must be a number."
            )
        checked_ram(self.memory)
        check.whole("fifo_size", self.fifo_size, EnergyError, 1)
        check.share("input_density", self.input_density, EnergyError)
        # a width that has no price is refused here, and not when a network is priced
        arithmetic = Arithmetic(OperationTable(), *self.operation_types)
        for bits in (widths.potentials, widths.addresses):
            arithmetic.add_J(bits)
        for product in (widths.product, widths.addresses):
            arithmetic.mul_J(product)

    @property
    def widths(self) -> Widths:
        """Bits of everything that is kept."""
        return Widths.of(self.bits)

    @property
    def operation_types(self) -> tuple[str | None, str | None]:
        """How additions scale with their width, and how multiplications do."""
        return checked_operation_type(self.operation_type)

    @property
    def memory(self) -> str | Ram:
        """The model of memories: the one that is given, or the usual one."""
        if self.ram is not None:
            return self.ram
        return "old" if self.compat == "qualia" else "interpolated"

    def with_activations(self, bits: int) -> LemaireOptions:
        """These options with activations of so many bits.

        Parameters
        ----------
        bits : int
            Other widths stay as they are.
        """
        return replace(self, bits=replace(self.widths, activations=bits))
