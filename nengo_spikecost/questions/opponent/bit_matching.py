"""The opponent of a spiking network: the same network without spikes, at widths that match.

In ``T`` steps a neuron says one of ``T + 1`` numbers of spikes, so its twin without spikes has
activations of ``ceil(log2(T + 1))`` bits (Yan et al., arXiv:2409.08290). Weights, and the
accumulators that they are added up in, are as wide on both sides: that is what two machines
of the same precision have in common. By default they have 8 and 32 bits, as in the machines that
Davidson and Furber compare (Frontiers in Neuroscience 15:651141). A multiplication of ``a`` by
``w`` bits costs as much as one of ``sqrt(a w)`` by ``sqrt(a w)``, as in QKeras: the array of gates
that does it has ``a w`` of them.

Energies of other widths than a device's table has come from its 8 and 32 bits: additions on the
line through them, multiplications on the parabola through them and 0 at 0 bits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Callable, Union

from ... import check
from ...energy import per_operation
from ...energy.cost_models import CostModel, get_cost_model
from ...energy.device import LEVELS, Constant, Device
from ...energy.peers.lemaire import LemairePrice, Widths, lemaire
from ...errors import EnergyError

MAX_BITS = 32
_TABLE = ("int8_add", "int32_add", "int8_mul", "int32_mul")

Bits = Union[None, int, Mapping[str, int]]


@dataclass(frozen=True)
class BitWidths:
    """Widths of the twin without spikes.

    Attributes
    ----------
    activations : int
        Of the values between neurons: what takes the place of spikes.
    weights : int
        Of weights, on both sides.
    accumulators : int
        Of the sums of products and of membrane potentials.
    """

    activations: int
    weights: int = 8
    accumulators: int = 32

    @classmethod
    def of(cls, bits: Bits, n_steps: int, runs_on: bool = False) -> BitWidths:
        """Widths that are given, or for the activations those that match so many steps.

        A network that runs on has no number of steps to count spikes in: its twin has activations
        as wide as its weights.

        Parameters
        ----------
        bits : int or mapping from str to int, optional
            Of activations, or by name of an attribute.
        n_steps : int
            Steps of an inference.
        runs_on : bool
            Whether the network has no inferences.

        Raises
        ------
        EnergyError
            If a width is no whole number from 1 to 32, or a name is unknown.
        """
        # ceil(log2(n_steps + 1)), exactly
        matched = {"activations": cls.weights if runs_on else n_steps.bit_length()}
        if bits is not None:
            matched.update(bits if isinstance(bits, Mapping) else {"activations": bits})
        unknown = [key for key in matched if key not in cls.__dataclass_fields__]
        if unknown:
            known = ", ".join(cls.__dataclass_fields__)
            raise EnergyError(f"bits has unknown {unknown[0]!r}; it takes {known}.")
        for key, value in matched.items():
            check.whole(f"bits: {key}", value, EnergyError, 1, MAX_BITS)
        return cls(**matched)


def has_widths(device: Device) -> bool:
    """Whether a device's operations tell energies at any width."""
    return all(name in device.operations for name in _TABLE)


def matched_device(device: Device, widths: BitWidths) -> Device:
    """A device that computes at given widths, in the place of its own constants.

    Parameters
    ----------
    device : Device
        One with ``"int8_add"``, ``"int32_add"``, ``"int8_mul"`` and ``"int32_mul"`` among its
        operations, and if it is spiking one whose synop is such an addition and nothing else.
        Any other is given back as it is.
    widths : BitWidths

    Returns
    -------
    Device
        Its synop is one multiply-accumulate, or if it is spiking one addition; its neuron update
        is one addition (without spikes, of the bias). Both have ranges if the operations have.
    """
    if not has_widths(device) or (device.spiking and not _only_adds(device)):
        return device
    product = (widths.activations * widths.weights) ** 0.5

    def add_J(table: Callable[[str], float]) -> float:
        return _line(table("int8_add"), table("int32_add"), widths.accumulators)

    def mac_J(table: Callable[[str], float]) -> float:
        return _parabola(table("int8_mul"), table("int32_mul"), product) + add_J(table)

    return replace(
        device,
        energy_per_synop=_derived(device, add_J if device.spiking else mac_J),
        energy_per_neuron=_derived(device, add_J),
    )


def _only_adds(device: Device) -> bool:
    additions = (device.operations[name].value for name in ("int8_add", "int32_add"))
    return device.energy_per_synop_J in additions


def matched_models(cost_model: str | CostModel, widths: BitWidths) -> tuple[CostModel, CostModel]:
    """The cost model of the spiking side, and that of the opponent.

    They differ where the cost model itself knows of widths: in the width of activations.
    ``"lemaire"`` by name has the other widths of `BitWidths`; a cost model made by `lemaire`
    keeps those that it was made with. Any other prices both sides: its widths are in the
    device (`matched_device`).
    """
    if isinstance(cost_model, str) and cost_model == "lemaire":
        wide, narrow = widths.accumulators, widths.weights
        bits = Widths(narrow, potentials=wide, biases=wide, activations=narrow, addresses=32)
        growth = {"add": "linear", "mul": "quadratic"}
        model = lemaire(bits, operation_type=growth, name="lemaire")
    else:
        model = get_cost_model(cost_model)
    if model.with_activations is None:
        return model, model
    return model, model.with_activations(widths.activations)


def mac_over_acc(models: tuple[CostModel, CostModel], device: Device, twin: Device) -> float | None:
    """Energy of the twin's multiply-accumulate over that of a synop; None if not known."""
    synop_J, mac_J = (_synop_J(model) for model in models)
    if synop_J is None or mac_J is None or not synop_J(device):
        return None
    return mac_J(twin) / synop_J(device)


def _synop_J(model: CostModel) -> Callable[[Device], float] | None:
    """Energy of an operation as the model has it, or as the package's price that it is made of."""
    if model.synop_J is None and model.price is per_operation.price:
        return per_operation.PER_OPERATION.synop_J
    if model.synop_J is None and isinstance(model.price, LemairePrice):
        return model.price.synop_J
    return model.synop_J


def _derived(device: Device, energy_J: Callable[[Callable[[str], float]], float]) -> Constant:
    """A constant computed from a device's operations, at each end of their ranges."""
    table = device.operations
    low, value, high = (
        energy_J(lambda name, level=level: table[name].at(level).value)  # type: ignore[misc]
        for level in LEVELS
    )
    # a parabola through two points may fall where one of them rises
    low, high = min(low, value, high), max(low, value, high)
    origin = table["int8_mul"]
    source = f"computed from 8 and 32 bits of: {origin.source}"
    lowest, highest = (low, high) if low < high else (None, None)
    return Constant(value, lowest, highest, source, origin.year, origin.evidence)


def _line(at_8: float, at_32: float, bits: float) -> float:
    return max(0.0, at_8 + (at_32 - at_8) * (bits - 8) / 24)


def _parabola(at_8: float, at_32: float, bits: float) -> float:
    square = (at_32 - 4 * at_8) / 768
    return max(0.0, square * bits**2 + (at_8 / 8 - 8 * square) * bits)
