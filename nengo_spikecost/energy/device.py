"""A device as constants: what each kind of operation costs, and how that is known."""

from __future__ import annotations

import math
import numbers
from dataclasses import dataclass
from typing import Any

from ..errors import EnergyError

EVIDENCE = ("measured", "simulated", "survey", "quoted", "preset", "user")
"""How a constant is known; ``devices.toml`` explains the words."""


@dataclass(frozen=True)
class Constant:
    """One energy, and where it comes from.

    Parameters
    ----------
    J : float
        Energy of one operation in Joules.
    low_J, high_J : float, optional
        Range that primary sources give.
    source : str
        Publication and table.
    year : int, optional
        Year of the source.
    evidence : str
        One of `EVIDENCE`.

    Raises
    ------
    EnergyError
        If an energy is negative or not finite, the range does not hold the value, or the
        evidence is an unknown word.
    """

    J: float
    low_J: float | None = None
    high_J: float | None = None
    source: str = ""
    year: int | None = None
    evidence: str = "user"

    def __post_init__(self) -> None:
        for field in ("J", "low_J", "high_J"):
            value = getattr(self, field)
            if value is None and field != "J":
                continue
            if not _is_energy(value):
                raise EnergyError(
                    f"An energy is a finite number of Joules of at least 0; {field} is {value!r}."
                )
            object.__setattr__(self, field, float(value))
        if self.year is not None and not isinstance(self.year, int):
            raise EnergyError(f"year must be a whole number, not {self.year!r}.")
        low = self.J if self.low_J is None else self.low_J
        high = self.J if self.high_J is None else self.high_J
        if not low <= self.J <= high:
            raise EnergyError(f"The range {low:g} to {high:g} J does not hold {self.J:g} J.")
        if self.evidence not in EVIDENCE:
            raise EnergyError(
                f"evidence must be one of {', '.join(EVIDENCE)}, not {self.evidence!r}."
            )


def _is_energy(value: Any) -> bool:
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    return is_number and math.isfinite(value) and value >= 0


WEIGHT_FORMS = ("full", "factored")
"""How devices keep weights; see `Device.weights`."""


@dataclass(frozen=True)
class Device:
    """What a network can be priced for.

    Parameters
    ----------
    name : str
        Name of the device; case does not matter.
    spiking : bool
        Whether the device works on spikes: synops cost energy only where a spike arrives,
        and neurons are updated every time step. Otherwise every synapse is computed, once.
    energy_per_synop, energy_per_neuron : Constant
        Energy of a synaptic operation and of a neuron update.
    description : str
        Name of the product.
    process : str
        Process node.
    note : str
        What to know before trusting the number.
    weights : {"full", "factored"}
        How a spiking device keeps the weights between two populations: multiplied out, one for
        each pair of neurons; or as decoders, transforms and encoders, applied one after the
        other (see `nengo_spikecost.graph.FactoredForm`).
    """

    name: str
    spiking: bool
    energy_per_synop: Constant
    energy_per_neuron: Constant
    description: str = ""
    process: str = ""
    note: str = ""
    weights: str = "full"

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip():
            raise EnergyError(f"A device needs a name, not {self.name!r}.")
        object.__setattr__(self, "name", self.name.strip())
        if not isinstance(self.spiking, bool):
            raise EnergyError(
                f"Device {self.name!r}: spiking must be True or False, not {self.spiking!r}."
            )

        if self.weights not in WEIGHT_FORMS:
            raise EnergyError(
                f"Device {self.name!r}: weights must be one of {', '.join(WEIGHT_FORMS)}, "
                f"not {self.weights!r}."
            )

    @property
    def energy_per_synop_J(self) -> float:
        """Energy of one synaptic operation in Joules."""
        return self.energy_per_synop.J

    @property
    def energy_per_neuron_J(self) -> float:
        """Energy of one neuron update in Joules."""
        return self.energy_per_neuron.J


def device_key(name: Any) -> str:
    """A device name as it is looked up: case and surrounding blanks do not matter."""
    return str(name).strip().lower()
