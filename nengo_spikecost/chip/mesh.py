"""Where cores are on the chips' mesh, and how many hops messages make between them.

Davies et al. (Loihi, IEEE Micro 38(1), 2018) describe a mesh of 128 cores that goes on into
the four neighbouring chips, and price hops between tiles; how many cores a tile has and how
tiles are arranged they do not say. 8 by 4 tiles of 4 cores, numbered down the columns, is
the assumption of SANA-FE (SLAM-Lab/SANA-FE, ``arch/loihi.yaml``), so hop counts here agree
with it. Messages go along the row and then along the column; every shortest way has as many hops
of each kind.

Positions are logical: NengoLoihi numbers the cores of a chip, and NxSDK decides which
physical core a number means.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from .. import check
from ..check import is_whole
from ..errors import LoihiError

#: Tiles of a chip from west to east and from north to south, as SANA-FE assumes.
MESH_WIDTH, MESH_HEIGHT = 8, 4

#: Cores that share a router, as SANA-FE assumes.
CORES_PER_TILE = 4


@dataclass(frozen=True)
class Mesh:
    """An arrangement of tiles on a chip, and of chips on a board.

    Positions count the cores of the board: chip after chip, tile after tile down the
    columns of a chip, core after core of a tile.

    Attributes
    ----------
    width, height : int
        Tiles of a chip from west to east, and from north to south.
    cores_per_tile : int
    chips_per_row : int or None
        Chips side by side; None: as near to a square as the number of chips allows.
    """

    width: int = MESH_WIDTH
    height: int = MESH_HEIGHT
    cores_per_tile: int = CORES_PER_TILE
    chips_per_row: int | None = None

    def __post_init__(self) -> None:
        for name in ("width", "height", "cores_per_tile", "chips_per_row"):
            value = getattr(self, name)
            if not is_whole(value, 1) and (value is not None or name != "chips_per_row"):
                raise LoihiError(f"Mesh: {name} has to be a whole number from 1, not {value!r}.")

    @property
    def n_tiles(self) -> int:
        """Tiles of a chip."""
        return self.width * self.height

    @property
    def n_cores(self) -> int:
        """Cores of a chip."""
        return self.n_tiles * self.cores_per_tile

    def for_chips(self, n_chips: int) -> Mesh:
        """The mesh of a board of ``n_chips`` chips; near a square if ``chips_per_row`` is None."""
        if self.chips_per_row is not None:
            return self
        return replace(self, chips_per_row=math.ceil(math.sqrt(n_chips)))

    def tile_of(self, positions: np.ndarray) -> np.ndarray:
        """Number of the tile on the board, chip after chip, of each position."""
        return np.asarray(positions) // self.cores_per_tile

    def coordinates(self, tiles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Column and row of tiles on the mesh that runs through all chips, from north-west."""
        chip, tile = np.divmod(np.asarray(tiles), self.n_tiles)
        row, column = np.divmod(chip, self.chips_per_row or 1)
        return column * self.width + tile // self.height, row * self.height + tile % self.height

    def hops(self, start: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, ...]:
        """Hops of a message along each axis, and how many borders of chips it crosses.

        Parameters
        ----------
        start, end : ndarray of int
            Positions of cores; they are broadcast.

        Returns
        -------
        tuple of three ndarray
            East-west, north-south, crossings. Crossings are hops, too: from the last tile
            of a chip to the first of the next. Between cores of a tile all are 0.
        """
        return self.tile_hops(self.tile_of(start), self.tile_of(end))

    def tile_hops(self, start: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, ...]:
        """The same as `hops` for numbers of tiles."""
        (x0, y0), (x1, y1) = self.coordinates(start), self.coordinates(end)
        crossings = abs(x0 // self.width - x1 // self.width)
        crossings = crossings + abs(y0 // self.height - y1 // self.height)
        return abs(x0 - x1), abs(y0 - y1), crossings


@dataclass(frozen=True)
class HopCosts:
    """Costs of a message's hops, in any unit: energy, time, or 1.

    Attributes
    ----------
    east_west, north_south : float
    chip_crossing : float
        On top of the hop, where it leads into the next chip.
    """

    east_west: float = 1.0
    north_south: float = 1.0
    chip_crossing: float = 0.0

    def __post_init__(self) -> None:
        for name in ("east_west", "north_south", "chip_crossing"):
            value = getattr(self, name)
            if not check.is_number(value) or value < 0:
                raise LoihiError(f"HopCosts: {name} can't be {value!r}: it has to be 0 or more.")

    def of_tiles(self, mesh: Mesh, n_tiles: int) -> np.ndarray:
        """Cost of one message between any two tiles, float64, shape (n_tiles, n_tiles)."""
        tiles = np.arange(n_tiles)
        east_west, north_south, crossings = mesh.tile_hops(tiles[:, None], tiles)
        along = self.east_west * east_west + self.north_south * north_south
        return np.asarray(along + self.chip_crossing * crossings, dtype=np.float64)


@dataclass(frozen=True)
class Hops:
    """Hops of all messages between cores, over all samples.

    Attributes
    ----------
    east_west, north_south : int
        Each message times the columns, and times the rows, between its tiles.
    chip_crossings : int
        Of these hops, those from one chip to the next.
    messages : int
        Messages between cores and within one.
    within_tile : int
        Of these, messages that make no hop.
    """

    east_west: int
    north_south: int
    chip_crossings: int
    messages: int
    within_tile: int

    @property
    def total(self) -> int:
        """All hops."""
        return self.east_west + self.north_south

    @property
    def per_message(self) -> float:
        """Mean hops of a message; 0 if there is none."""
        return self.total / self.messages if self.messages else 0.0


def count_hops(
    mesh: Mesh, positions: np.ndarray, sender: np.ndarray, receiver: np.ndarray,
    messages: np.ndarray,
) -> Hops:  # fmt: skip
    """Hops of messages between blocks at these positions.

    Parameters
    ----------
    mesh : Mesh
    positions : ndarray of int, shape (n_blocks,)
    sender, receiver : ndarray of int, shape (n_routes,)
        Numbers of blocks.
    messages : ndarray of int64, shape (n_routes,)
    """
    ways = mesh.hops(positions[sender], positions[receiver])
    local = (ways[0] == 0) & (ways[1] == 0)
    east_west, north_south, crossings = (int((messages * way).sum()) for way in ways)
    n_messages, n_local = int(messages.sum()), int(messages[local].sum())
    return Hops(east_west, north_south, crossings, n_messages, n_local)
