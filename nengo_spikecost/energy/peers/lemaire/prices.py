"""The work of a layer as numbers of accesses and operations, and their energies.

All equations of this package only count: they make `Accesses`. The energies are put to them in
one place, `priced`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Union

import numpy as np

from .... import check
from ....errors import EnergyError
from .memory_traffic import Ram
from .operations import Arithmetic

MEMORY_PARTS = ("potentials", "weights", "biases", "io")
"""Parts of a layer's energy that are spent on memory."""

PARTS = (*MEMORY_PARTS, "operations", "addressing")
"""All parts of a layer's energy."""

Count = Union[int, float, np.ndarray]
"""A number, or one for each sample: shape (n_samples,)."""

MAX_BITS = 1024


@dataclass(frozen=True)
class Widths:
    """Bits of everything that is kept.

    Attributes
    ----------
    weights, biases, activations : int
        Of what is multiplied and added; activations are the values between layers of a network
        without spikes, and its data.
    potentials : int
        Of membrane potentials and of the accumulators of sums.
    addresses : int
        Of the addresses of events, in the queue between layers and in the arithmetic.
    """

    weights: int
    potentials: int
    biases: int
    activations: int
    addresses: int

    @property
    def product(self) -> float:
        """Width of a multiplication that costs as much as one of an activation by a weight."""
        return math.sqrt(self.weights * self.activations)

    @property
    def words(self) -> str:
        """Those that differ, in words; one if all are equal."""
        named = {
            "weights": self.weights, "potentials": self.potentials, "activations": self.activations
        }  # fmt: skip
        if len(set(named.values())) == 1:
            return f"{self.weights} bits throughout"
        return ", ".join(f"{name} of {bits} bits" for name, bits in named.items())

    @classmethod
    def of(cls, bits: Any) -> Widths:
        """Widths from one number for all, or from a mapping by name.

        What a mapping leaves out is as wide as its weights.

        Parameters
        ----------
        bits : int or mapping from str to int
            By name of an attribute.

        Raises
        ------
        EnergyError
            If a width is no whole number from 1, or a name is unknown.
        """
        names = [field.name for field in fields(cls)]
        if isinstance(bits, Widths):
            return bits
        if isinstance(bits, Mapping):
            unknown = [key for key in bits if key not in names]
            if unknown or "weights" not in bits:
                fault = f"has unknown {unknown[0]!r}" if unknown else "lacks 'weights'"
                raise EnergyError(f"bits {fault}; it takes {', '.join(names)}.")
            given = {name: bits.get(name, bits["weights"]) for name in names}
            return cls(
                **{
                    name: check.whole(f"bits[{name!r}]", width, EnergyError, 1, MAX_BITS)
                    for name, width in given.items()
                }
            )
        return cls(**dict.fromkeys(names, check.whole("bits", bits, EnergyError, 1, MAX_BITS)))


@dataclass(frozen=True)
class Prices:
    """Energies of single operations and accesses.

    Parameters
    ----------
    arithmetic : Arithmetic
    ram : callable
        Energy in J of an access, from the size of the memory in bits and the width of a word:
        one of `memory_traffic`, or a function of your own.
    widths : Widths
    fifo_size : int
        Words of the queue of events between two layers.
    """

    arithmetic: Arithmetic
    ram: Ram
    widths: Widths
    fifo_size: int

    @property
    def event_J(self) -> float:
        """One event taken from the queue, or put into it."""
        return self.ram(self.fifo_size, self.widths.addresses)

    def activation_J(self, n_words: int) -> float:
        """One graded value read from a memory of so many, or written to it."""
        return self.ram(n_words, self.widths.activations)

    @property
    def add_J(self) -> float:
        """One addition to a potential or an accumulator."""
        return self.arithmetic.add_J(self.widths.potentials)

    @property
    def mul_J(self) -> float:
        """One multiplication of an activation by a weight."""
        return self.arithmetic.mul_J(self.widths.product)

    @property
    def leak_J(self) -> float:
        """One decay of a potential: a multiplication as wide as it is, and an addition."""
        return self.arithmetic.mul_J(self.widths.potentials) + self.add_J

    @property
    def address_add_J(self) -> float:
        """One addition to an address."""
        return self.arithmetic.add_J(self.widths.addresses)

    @property
    def address_mac_J(self) -> float:
        """One multiplication and one addition of addresses."""
        return self.arithmetic.mul_J(self.widths.addresses) + self.address_add_J


@dataclass(frozen=True)
class Accesses:
    """Accesses and operations per inference. All are `Count`; energies are not known here.

    Attributes
    ----------
    events_in, events_out : Count
        Events read from the queue, and written to it.
    inputs, outputs : Count
        Graded values read, and written.
    weights, biases, potentials : Count
        Weights and biases read; potentials read and written.
    macs, multiplications, additions : Count
        Operations on values.
    leaks : Count
        Multiply-accumulates of potentials by themselves, as they decay.
    address_macs, address_additions : Count
        Operations on addresses.
    """

    events_in: Count = 0
    events_out: Count = 0
    inputs: Count = 0
    outputs: Count = 0
    weights: Count = 0
    biases: Count = 0
    potentials: Count = 0
    macs: Count = 0
    multiplications: Count = 0
    additions: Count = 0
    leaks: Count = 0
    address_macs: Count = 0
    address_additions: Count = 0


@dataclass(frozen=True)
class Memories:
    """Words of the memories that are accessed."""

    inputs: int = 0
    outputs: int = 0
    weights: int = 0
    biases: int = 0
    potentials: int = 0


def priced(accesses: Accesses, memories: Memories, prices: Prices) -> dict[str, np.ndarray]:
    """Energy in Joules of each of `PARTS`; of the shape of the counts."""
    widths, ram, n = prices.widths, prices.ram, accesses
    energies = {
        "potentials": n.potentials * ram(memories.potentials, widths.potentials),
        "weights": n.weights * ram(memories.weights, widths.weights),
        "biases": n.biases * ram(memories.biases, widths.biases),
        "io": (n.events_in + n.events_out) * prices.event_J
        + n.inputs * prices.activation_J(memories.inputs)
        + n.outputs * prices.activation_J(memories.outputs),
        "operations": n.macs * (prices.mul_J + prices.add_J)
        + n.leaks * prices.leak_J
        + n.multiplications * prices.mul_J
        + n.additions * prices.add_J,
        "addressing": n.address_macs * prices.address_mac_J
        + n.address_additions * prices.address_add_J,
    }
    return {part: np.asarray(energy, dtype=float) for part, energy in energies.items()}
