"""`NetworkUse`: the resources that the blocks of a network use of their cores."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...chip.limits import CoreUse
from ...layout import Result
from .tiling import Tiling


@dataclass(frozen=True)
class LayerUse:
    """The blocks of one population.

    Attributes
    ----------
    name : str
        The layer, or the object's name in its network.
    ensemble : nengo.Ensemble or None
        None for neurons that NengoLoihi adds, which decode values.
    tiling : Tiling
        How it is cut.
    compartments, input_axons, output_axons, synapse_bits : ndarray of int64, shape (n_blocks,)
        Of each block, in NengoLoihi's order.
    bases_allowed : bool
        Whether pop16 axons get compartment offsets that they can have.
    """

    name: str
    ensemble: Any = field(repr=False, compare=False)
    tiling: Tiling
    compartments: np.ndarray
    input_axons: np.ndarray
    output_axons: np.ndarray
    synapse_bits: np.ndarray
    bases_allowed: bool = True

    @property
    def n_blocks(self) -> int:
        """Number of blocks: NengoLoihi gives each a core of its own."""
        return len(self.compartments)

    @property
    def _columns(self) -> tuple[np.ndarray, ...]:
        return self.compartments, self.input_axons, self.output_axons, self.synapse_bits

    @property
    def blocks(self) -> tuple[CoreUse, ...]:
        """Use of each block."""
        return tuple(CoreUse(*map(int, row)) for row in zip(*self._columns))

    @property
    def largest(self) -> CoreUse:
        """The most that any block uses of each resource."""
        return CoreUse(*(int(column.max()) for column in self._columns))

    @property
    def fits(self) -> bool:
        """Whether every block is within the limits that NengoLoihi checks when it builds."""
        return self.largest.fits and self.bases_allowed


@dataclass(frozen=True)
class NetworkUse(Result):
    """The blocks of a network.

    Attributes
    ----------
    layers : tuple of LayerUse
        In the order of NengoLoihi's blocks.
    """

    layers: tuple[LayerUse, ...]

    @property
    def n_cores(self) -> int:
        """Cores of all blocks, one each."""
        return sum(layer.n_blocks for layer in self.layers)

    @property
    def fits(self) -> bool:
        """Whether every block is within the limits that NengoLoihi checks when it builds."""
        return all(layer.fits for layer in self.layers)

    def __getitem__(self, key: Any) -> LayerUse:
        """The use of an Ensemble, or of a layer by name."""
        for layer in self.layers:
            if layer.name == key or (layer.ensemble is not None and layer.ensemble is key):
                return layer
        raise KeyError(f"No layer {key!r} on the chip; there are {[x.name for x in self.layers]}.")
