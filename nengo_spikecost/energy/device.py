"""A device as constants: what each kind of operation costs, and how that is known.

Estimates are made with the constants as they are, and again with all of them at either end of
their ranges: see `Device.at`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Callable

from .. import check
from ..errors import EnergyError

EVIDENCE = (
    "measured", "fitted", "operating point", "simulated", "survey", "quoted", "preset", "user",
)  # fmt: skip
"""How a constant is known; ``devices.toml`` explains the words."""

LEVELS = ("low", "nominal", "high")
"""The values of a constant that an estimate can be made with; see `Device.at`."""

UNITS = ("J", "W", "s", "share")
"""Units of constants: of energies, powers and times."""


@dataclass(frozen=True)
class Constant:
    """One number of a device, and where it comes from.

    Parameters
    ----------
    value : float
        Energy of one operation in Joules, unless ``unit`` says otherwise.
    low, high : float, optional
        Range that primary sources give.
    source : str
        Publication and table.
    year : int, optional
        Year of the source.
    evidence : str
        One of `EVIDENCE`.
    unit : {"J", "W", "s", "share"}
        Unit of the value and its range; a share is between 0 and 1.
    note : str
        What the value and the ends of its range are, where the source leaves a choice.

    Raises
    ------
    EnergyError
        If a number is negative or not finite, the range does not hold the value, the evidence
        or the unit is an unknown word, or the source or the note is no text.
    """

    value: float
    low: float | None = None
    high: float | None = None
    source: str = ""
    year: int | None = None
    evidence: str = "user"
    unit: str = "J"
    note: str = ""

    def __post_init__(self) -> None:
        check.choice("unit", self.unit, UNITS, EnergyError)
        for end in ("value", "low", "high"):
            value = getattr(self, end)
            if value is None and end != "value":
                continue
            if not check.is_number(value) or value < 0:
                raise EnergyError(
                    f"A constant is a finite number of {self.unit} of at least 0; {end} is "
                    f"{value!r}."
                )
            if self.unit == "share" and value > 1:
                raise EnergyError(f"A share is at most 1; {end} is {value!r}.")
            object.__setattr__(self, end, float(value))
        if self.year is not None:
            check.whole("year", self.year, EnergyError)
        for word in ("source", "note"):
            if not isinstance(getattr(self, word), str):
                raise EnergyError(f"{word} must be a text, not {getattr(self, word)!r}.")
        if not self.lowest <= self.value <= self.highest:
            raise EnergyError(
                f"The range {self.lowest:g} to {self.highest:g} {self.unit} does not hold "
                f"{self.value:g} {self.unit}."
            )
        check.choice("evidence", self.evidence, EVIDENCE, EnergyError)

    @property
    def lowest(self) -> float:
        """Lower end of the range; the value, if there is none."""
        return self.value if self.low is None else self.low

    @property
    def highest(self) -> float:
        """Upper end of the range; the value, if there is none."""
        return self.value if self.high is None else self.high

    def at(self, level: str) -> Constant:
        """The constant with one end of its range as its value, and no range any more.

        Parameters
        ----------
        level : {"low", "nominal", "high"}
            Which end; ``"nominal"``: the value itself.
        """
        value = {"low": self.lowest, "nominal": self.value, "high": self.highest}[level]
        return replace(self, value=value, low=None, high=None)

    def times(self, factor: float) -> Constant:
        """The constant and its range, so many times as large.

        Parameters
        ----------
        factor : float
            At least 0.
        """
        low, high = (None if end is None else end * factor for end in (self.low, self.high))
        return replace(self, value=self.value * factor, low=low, high=high)


WEIGHT_FORMS = ("full", "factored")
"""How devices keep weights; see `Device.weights`."""


@dataclass(frozen=True)
class Device:
    """A device that networks can be priced on.

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
    energy_per_spike : Constant, optional
        Energy of a spike that leaves its neuron, besides its synops.
    static_power : Constant, optional
        Power in W that is drawn whether there are spikes or not; of a device without spikes, in a
        call besides its arithmetic.
    step_time : Constant, optional
        Seconds that the device takes for a step of the network; without spikes, for a call, which
        is one pass of a network that is small, besides what its layers take. Default: as long as
        the step stands for; the device runs in real time.
    layer_time : Constant, optional
        Seconds that a device without spikes takes for each layer of a call, however small: what it
        takes to launch it. `static_power` is drawn for that time, too.
    operations : mapping from str to Constant
        Energies of arithmetic and of memory accesses by name (``"int8_add"``), for cost models
        that price these.
    neurons_per_chip : int, optional
        Neurons that one chip holds: of a network with more, several chips draw static power.
    by_default : bool
        Whether the device is among those that are priced when none is asked for.
    one_sample : str
        Name of the device to take for one sample at a time, where the constants are of large
        batches.

    Raises
    ------
    EnergyError
        If a value is not what it should be; the message names the device and the argument.
    """

    name: str
    spiking: bool
    energy_per_synop: Constant
    energy_per_neuron: Constant
    description: str = ""
    process: str = ""
    note: str = ""
    weights: str = "full"
    energy_per_spike: Constant | None = None
    static_power: Constant | None = None
    step_time: Constant | None = None
    layer_time: Constant | None = None
    operations: Mapping[str, Constant] = field(default_factory=dict)
    neurons_per_chip: int | None = None
    by_default: bool = True
    one_sample: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip():
            raise EnergyError(f"A device needs a name, not {self.name!r}.")
        object.__setattr__(self, "name", self.name.strip())
        where = f"Device {self.name!r}"
        for key in ("spiking", "by_default"):
            flag = getattr(self, key)
            if not isinstance(flag, bool):
                raise EnergyError(f"{where}: {key} must be True or False, not {flag!r}.")
        if self.neurons_per_chip is not None:
            name = f"{where}: neurons_per_chip"
            n_neurons = check.whole(name, self.neurons_per_chip, EnergyError, 1)
            object.__setattr__(self, "neurons_per_chip", n_neurons)
        if not isinstance(self.one_sample, str):
            raise EnergyError(
                f"{where}: one_sample must be the name of a device, not {self.one_sample!r}."
            )
        check.choice(f"{where}: weights", self.weights, WEIGHT_FORMS, EnergyError)
        if not isinstance(self.operations, Mapping):
            raise EnergyError(
                f"{where}: operations must be a mapping from names to Constants, not "
                f"{self.operations!r}."
            )
        for key in self.operations:
            if not isinstance(key, str) or key in CONSTANTS:
                raise EnergyError(f"{where}: no operation can be named {key!r}.")
        for key, constant in self.constants().items():
            unit = CONSTANTS.get(key, "J")
            if not isinstance(constant, Constant) or constant.unit != unit:
                raise EnergyError(f"{where}: {key} must be a Constant in {unit}, not {constant!r}.")
        if self.static_power is not None and not self.spiking and self.step_time is None:
            raise EnergyError(
                f"{where}: static_power of a device without spikes needs step_time, the time of a "
                "call."
            )
        if self.layer_time is not None and (self.spiking or self.static_power is None):
            raise EnergyError(
                f"{where}: layer_time is of a device without spikes that has static_power, which "
                "is drawn while its layers are launched."
            )

    @property
    def energy_per_synop_J(self) -> float:
        """Energy of one synaptic operation in Joules."""
        return self.energy_per_synop.value

    @property
    def energy_per_neuron_J(self) -> float:
        """Energy of one neuron update in Joules."""
        return self.energy_per_neuron.value

    def constants(self) -> dict[str, Constant]:
        """All constants that the device has, by name; operations by theirs."""
        own = {key: getattr(self, key) for key in CONSTANTS}
        return {**{k: v for k, v in own.items() if v is not None}, **self.operations}

    @property
    def has_range(self) -> bool:
        """Whether any constant has a range, so that estimates have one."""
        return any(c.lowest < c.highest for c in self.constants().values())

    def at(self, level: str) -> Device:
        """The device with all constants at the low or the high end of their ranges.

        Parameters
        ----------
        level : {"low", "nominal", "high"}
            The end of all ranges that is taken, or the constants as they are.
        """
        check.choice("level", level, LEVELS, EnergyError)
        return self._with_each(lambda constant: constant.at(level))

    def at_voltage(self, volts: float, measured_at: float) -> Device:
        """The device at another supply voltage: energies and powers go with its square.

        That is what charging a capacitance takes. Leakage falls faster with the voltage, so that
        static power below `measured_at` may be less, and above it more. Times stay.

        Parameters
        ----------
        volts : float
        measured_at : float
            Voltage that the constants are of; their notes say it where it is known.

        Raises
        ------
        EnergyError
            If a voltage is not positive.
        """
        names = (("volts", volts), ("measured_at", measured_at))
        to, of = (check.positive(name, value, EnergyError) for name, value in names)
        factor = (to / of) ** 2
        return self._with_each(lambda own: own if own.unit == "s" else own.times(factor))

    def _with_each(self, made: Callable[[Constant], Constant]) -> Device:
        """The device with something made of each of its constants."""
        moved: dict[str, Any] = {key: made(constant) for key, constant in self.constants().items()}
        own = {key: moved.pop(key) for key in CONSTANTS if key in moved}
        return replace(self, operations=moved, **own)


CONSTANTS: Mapping[str, str] = {
    "energy_per_synop": "J", "energy_per_neuron": "J", "energy_per_spike": "J",
    "static_power": "W", "step_time": "s", "layer_time": "s",
}  # fmt: skip
"""The constants of a `Device` and their units; its operations are energies."""


def device_key(name: Any) -> str:
    """A device name as it is looked up: case and surrounding blanks do not matter."""
    return str(name).strip().lower()
