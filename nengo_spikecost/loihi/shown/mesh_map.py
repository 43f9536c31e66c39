"""The cores of a `Mapping` on the mesh of its chips, coloured by layer."""

from __future__ import annotations

from math import ceil, sqrt
from typing import Any

from ...layout.plots import COLOURS
from ..mapping.mapping import Mapping

#: Inches of a tile, and of the legend beside the mesh.
TILE, LEGEND = 0.55, 2.2

#: Hatches that tell layers of one colour apart.
HATCHES = ("", "//", "..", "xx", "--")


def mesh_size(mapping: Mapping) -> tuple[float, float]:
    """Width and height in inches in which every core can be seen."""
    columns, rows = _extent(mapping)
    return LEGEND + max(3.0, TILE * columns), 1.0 + max(2.2, TILE * rows)


def draw_mesh(mapping: Mapping, axes: Any) -> None:
    """Draw every core in use in its place: layers by colour, messages received by its shade.

    Parameters
    ----------
    mapping : Mapping
    axes : matplotlib.axes.Axes
    """
    from matplotlib.patches import Rectangle

    mesh, received = mapping.mesh, mapping.received
    columns, rows = _extent(mapping)
    for column in range(columns):
        for row in range(rows):
            axes.add_patch(Rectangle((column, row), 1, 1, facecolor="#f2f2f2", edgecolor="white"))
    # cores of a tile are drawn as the smallest square grid that holds them
    side = ceil(sqrt(mesh.cores_per_tile))
    tile_columns, tile_rows = mesh.coordinates(mesh.tile_of(mapping.positions))
    in_tile = mapping.positions % mesh.cores_per_tile
    styles = _styles(mapping)
    named: dict[str, Any] = {}
    for number, block in enumerate(mapping.blocks):
        down, right = divmod(int(in_tile[number]), side)
        corner = tile_columns[number] + right / side, tile_rows[number] + down / side
        # a core that hears little is pale, but never so pale that its colour is lost
        alpha = 0.35 + 0.65 * float(received[number]) / max(int(received.max()), 1)
        patch = Rectangle(corner, 1 / side, 1 / side, alpha=alpha, lw=0.5, **styles[block.layer])
        axes.add_patch(patch)
        named.setdefault(block.layer, Rectangle((0, 0), 1, 1, **styles[block.layer]))
    for edge in range(0, columns + 1, mesh.width):
        axes.axvline(edge, color="black", lw=1)
    for edge in range(0, rows + 1, mesh.height):
        axes.axhline(edge, color="black", lw=1)
    axes.set_xlim(0, columns)
    axes.set_ylim(rows, 0)
    axes.set_aspect("equal")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_xlabel("Cores on the tiles of the mesh; darker: more messages arrive")
    axes.legend(
        named.values(), named, fontsize="small", frameon=False, loc="upper left",
        bbox_to_anchor=(1.0, 1.0),
    )  # fmt: skip


def _extent(mapping: Mapping) -> tuple[int, int]:
    """Columns and rows of tiles of all chips."""
    per_row = min(mapping.mesh.chips_per_row or 1, mapping.n_chips)
    return mapping.mesh.width * per_row, mapping.mesh.height * -(-mapping.n_chips // per_row)


def _styles(mapping: Mapping) -> dict[str, dict[str, Any]]:
    """Colour and hatch of each layer: with more layers than colours, hatches tell them apart."""
    return {
        layer: {
            "facecolor": COLOURS[number % len(COLOURS)],
            "hatch": HATCHES[number // len(COLOURS) % len(HATCHES)],
            "edgecolor": "black",
        }
        for number, layer in enumerate(mapping.layers)
    }
