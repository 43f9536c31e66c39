"""A block on its core, and what it uses of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from .built import Part

#: NengoLoihi's names of what a core has, and ours.
RESOURCES = {
    "compartments": "compartments",
    "in-axons": "input_axons",
    "out-axons": "output_axons",
    "synapses": "synapse_bits",
}


@dataclass(frozen=True)
class PlacedBlock:
    """One block on its core.

    Attributes
    ----------
    name : str
        The layer, numbered where it has several blocks.
    layer : str
        Layer of its neurons; of decoding neurons, their Connection.
    kind : {"neurons", "decoding neurons"}
    chip, core : int
        Chip of the board, and core of the chip as NengoLoihi numbers it.
    position : int
        Core of the board's mesh (see `Mesh`), chip after chip.
    use : dict from str to tuple of two int
        How much of each of `RESOURCES` the block uses, and the limit of a core. Output
        axons are in slots, of which a pop32 axon takes two.
    """

    name: str
    layer: str
    kind: str
    chip: int
    core: int
    position: int
    use: dict[str, tuple[int, int]] = field(repr=False)

    @property
    def fullest(self) -> tuple[str, float]:
        """The resource that is used most, and its share."""
        name, (used, limit) = max(self.use.items(), key=lambda item: item[1][0] / item[1][1])
        return name, used / limit


def placed_blocks(
    parts: Sequence[Part], chip: np.ndarray, positions: np.ndarray
) -> tuple[PlacedBlock, ...]:
    """Blocks on these chips and positions; cores of a chip are numbered in their order."""
    core = np.zeros(len(positions), dtype=np.int64)
    for number in np.unique(chip):
        here = np.flatnonzero(chip == number)
        core[here[np.argsort(positions[here])]] = np.arange(len(here))
    return tuple(
        PlacedBlock(
            name=part.name,
            layer=part.source.layer,
            kind=part.source.kind,
            chip=int(chip[number]),
            core=int(core[number]),
            position=int(positions[number]),
            use={
                RESOURCES[name]: (int(used), int(limit))
                for name, (used, limit) in part.obj.utilization().items()
            },
        )
        for number, part in enumerate(parts)
    )
