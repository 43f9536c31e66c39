"""Cores as tiles: which layer each holds, and how full it is."""

from __future__ import annotations

from typing import Any

from ...chip.limits import MAX_CORES_PER_CHIP, CoreUse
from ...layout.charts import COLOURS, Tile, Tiles
from ...words import counted
from ..cores.network_use import NetworkUse

#: Tiles in a row: 128 cores are 16 x 8.
COLUMNS = 16

#: Chips that are drawn; of more, the note says how many.
MOST_CHIPS = 32

#: Layers that a legend names.
MOST_NAMES = 12


def core_map(use: NetworkUse) -> Tiles:
    """The cores of as many chips as the blocks need, in NengoLoihi's order.

    A tile is as full as the resource that the core has least left of.
    """
    cores = [
        core_tile(f"{layer.name}[{number}]", block, group)
        for group, layer in enumerate(use.layers)
        for number, block in enumerate(layer.blocks)
    ]
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


def core_tile(name: str, use: CoreUse, group: int) -> Tile:
    """The tile of a core, as full as the resource that it has least left of."""
    resource, used, limit = max(use.limits, key=lambda r: r[1] / r[2])
    share = used / limit
    words = "; ".join(f"{n} {u:,} of {m:,}" for n, u, m in use.limits)
    return Tile(f"{name}: {share:.0%} full ({resource}). {words}", min(1.0, share), group)


def draw_core_map(axes: Any, use: NetworkUse) -> None:
    """`core_map` on Axes: a frame a core, filled from below as far as it is used.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    use : NetworkUse
    """
    from matplotlib.patches import Rectangle

    tiles, down = core_map(use), 0.0
    named: dict[str, Any] = {}
    for chip, cores in tiles.chips.items():
        rows = -(-len(cores) // tiles.columns)
        for number, tile in enumerate(cores):
            row, column = divmod(number, tiles.columns)
            corner, size = (column + 0.06, down + row + 0.06), 0.88
            axes.add_patch(Rectangle(corner, size, size, facecolor="#eeeeee", edgecolor="none"))
            if tile.group < 0:
                continue
            colour, layer = COLOURS[tile.group % len(COLOURS)], tiles.legend[tile.group]
            axes.add_patch(
                Rectangle(corner, size, size, facecolor="none", edgecolor=colour, lw=0.8)
            )
            filled = corner[0], corner[1] + size * (1 - tile.share)
            patch = Rectangle(
                filled, size, size * tile.share, facecolor=colour, edgecolor="none", label=layer
            )  # fmt: skip
            axes.add_patch(patch)
            named.setdefault(layer, patch)
        axes.text(-0.3, down + rows / 2, chip, ha="right", va="center", fontsize="small")
        down += rows + 0.6
    axes.set(xlim=(0, tiles.columns), ylim=(down - 0.6, 0), xticks=[], yticks=[])
    axes.set_aspect("equal")
    axes.set_frame_on(False)
    axes.set_title(tiles.heading, loc="left", fontsize=10)
    shown = dict(list(named.items())[:MOST_NAMES])
    if len(named) > MOST_NAMES:
        shown[f"and {len(named) - MOST_NAMES:,} more"] = Rectangle((0, 0), 0, 0, alpha=0)
    axes.legend(
        shown.values(), shown, fontsize="small", frameon=False, loc="upper left",
        bbox_to_anchor=(1.0, 1.0),
    )  # fmt: skip
