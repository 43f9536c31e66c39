"""Cores as tiles: which layer each holds, and how full it is."""

from __future__ import annotations

from ...chip.limits import MAX_CORES_PER_CHIP
from ...layout.charts import Tile, Tiles
from ...layout.si import counted
from ..cores.network_use import NetworkUse

#: Tiles in a row: 128 cores are 16 x 8.
COLUMNS = 16

#: Chips that are drawn; of more, the note says how many.
MOST_CHIPS = 32


def core_map(use: NetworkUse) -> Tiles:
    """The cores of as many chips as the blocks need, in NengoLoihi's order.

    A tile is as full as the resource that the core has least left of.
    """
    cores = []
    for group, layer in enumerate(use.layers):
        for number, block in enumerate(layer.blocks):
            name, used, limit = max(block.limits, key=lambda r: r[1] / r[2])
            share = used / limit
            words = "; ".join(f"{n} {u:,} of {m:,}" for n, u, m in block.limits)
            label = f"{layer.name}[{number}]: {share:.0%} full ({name}). {words}"
            cores.append(Tile(label, min(1.0, share), group))
    n_chips = -(-len(cores) // MAX_CORES_PER_CHIP)
    chips = {}
    for chip in range(min(n_chips, MOST_CHIPS)):
        own = cores[chip * MAX_CORES_PER_CHIP : (chip + 1) * MAX_CORES_PER_CHIP]
        free = [Tile("not in use", 0.0, -1)] * (MAX_CORES_PER_CHIP - len(own))
        chips[f"chip {chip}"] = (*own, *free)
    note = "Filled as far as what the core has least left of; the mouse shows the numbers."
    if n_chips > MOST_CHIPS:
        note = f"The first {MOST_CHIPS} of {counted(n_chips, 'chip')}. {note}"
    heading = f"{counted(len(cores), 'core')} on {counted(n_chips, 'chip')}"
    return Tiles(heading, chips, COLUMNS, tuple(layer.name for layer in use.layers), note)
