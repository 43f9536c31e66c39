"""`PlacedBlock`: a block on its core."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...chip.limits import CoreUse
from ..cores.built import Part


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
    use : CoreUse
        The resources that it uses of the core.
    """

    name: str
    layer: str
    kind: str
    chip: int
    core: int
    position: int
    use: CoreUse = field(repr=False)


def placed_blocks(
    parts: Sequence[Part], chip: np.ndarray, positions: np.ndarray
) -> tuple[PlacedBlock, ...]:
    """Blocks on these chips and positions; cores of a chip are numbered in their order."""
    core = np.zeros(len(positions), dtype=np.int64)
    for number in np.unique(chip):
        here = np.flatnonzero(chip == number)
        core[here[np.argsort(positions[here])]] = np.arange(len(here))
    return tuple(
        PlacedBlock(part.name, part.source.layer, part.source.kind, c, k, p, _use_of(part.obj))
        for part, c, k, p in zip(parts, chip.tolist(), core.tolist(), positions.tolist())
    )


def _use_of(block: Any) -> CoreUse:
    """The use of a LoihiBlock by NengoLoihi's own count, which `core_use` predicts."""
    use = {name: int(used) for name, (used, _) in block.utilization().items()}
    return CoreUse(use["compartments"], use["in-axons"], use["out-axons"], use["synapses"])
