"""Where the cores of a chip are, and the hops that their messages make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np

from ..errors import EnergyError
from .chip_activity import ChipActivity
from .limits import MAX_CORES_PER_CHIP
from .mesh import CORES_PER_TILE, Mesh

IN_ORDER = "cores in their order on the fewest chips"
BY_HAND = "as few chips and tiles as the cores need"


@dataclass(frozen=True)
class CoreHops:
    """Hops of the messages that each core sends.

    Attributes
    ----------
    chips : ndarray of int64, shape (n_cores,)
        Chip of each core.
    n_chips, n_tiles : int
        Chips in use; tiles in use of the chip that has most.
    east_west, north_south, crossings : ndarray of shape (n_samples, n_cores), or None
        Hops of a core's messages, and those of them from chip to chip. Over all samples they
        are exact; of a single sample they are its share of the messages. None: not known.
    longest : (int, int)
        East-west and north-south hops of the longest way of any message.
    placement : str
        How positions are known.
    """

    chips: np.ndarray = field(repr=False)
    n_chips: int
    n_tiles: int
    east_west: np.ndarray | None = field(repr=False)
    north_south: np.ndarray | None = field(repr=False)
    crossings: np.ndarray | None = field(repr=False)
    longest: tuple[int, int]
    placement: str

    def scaled(self, factor: float | np.ndarray) -> CoreHops:
        """The same hops for ``factor`` times the messages: of all cores, or of each its own."""
        if self.east_west is None:
            return self
        ways = ("east_west", "north_south", "crossings")
        return replace(self, **{way: getattr(self, way) * factor for way in ways})


class PlacedCores(Protocol):
    """Cores with positions, such as a `nengo_spikecost.loihi.Mapping`."""

    @property
    def allocator(self) -> str:
        """How the positions were chosen, in a word."""

    @property
    def mesh(self) -> Mesh:
        """The network of the cores."""

    @property
    def built(self) -> Any:
        """The network that NengoLoihi built: ``built.blocks``, in the order of the cores."""

    @property
    def blocks(self) -> Sequence[Any]:
        """The block on each core; its ``name`` is that of the core."""

    @property
    def positions(self) -> np.ndarray:
        """Position of each core, int64, shape (n_cores,), as `Mesh` numbers them."""


def hops_by_hand(
    hops: tuple[Any, Any] | None, shape: tuple[int, ...], n_chips: int | None, n_tiles: int | None
) -> CoreHops:
    """Hops from their totals, in equal parts for all cores; positions are not known."""
    n_cores = shape[1]
    fewest = -(-n_cores // MAX_CORES_PER_CHIP)
    n_chips = fewest if n_chips is None else n_chips
    if n_chips < fewest:
        raise EnergyError(f"{n_cores} cores need {fewest} chips, not {n_chips}.")
    fullest = -(-n_cores // n_chips)
    east_west = north_south = crossings = None
    if hops is not None:
        parts = [np.zeros(shape) + np.asarray(part, float)[..., None] / n_cores for part in hops]
        if len(parts) != 2 or not all(np.all(np.isfinite(p) & (p >= 0)) for p in parts):
            raise EnergyError(f"hops are (east-west, north-south), each 0 or more, not {hops!r}.")
        east_west, north_south = parts
        crossings = np.zeros(shape)
    chips = np.arange(n_cores) // fullest
    n_tiles = -(-fullest // CORES_PER_TILE) if n_tiles is None else n_tiles
    ways = east_west, north_south, crossings
    return CoreHops(chips, n_chips, n_tiles, *ways, longest=(0, 0), placement=BY_HAND)


def hops_of(chip: ChipActivity, mapping: PlacedCores | None) -> CoreHops:
    """Hops of the messages that were measured between cores.

    Raises
    ------
    EnergyError
        If the mapping is not of these cores.
    """
    n_cores = len(chip.cores)
    if mapping is None:
        positions = np.arange(n_cores)
        mesh = Mesh().for_chips(-(-n_cores // MAX_CORES_PER_CHIP))
        placement = IN_ORDER
    else:
        names = tuple(block.name for block in mapping.blocks)
        if names != tuple(chip.cores):
            raise EnergyError(
                f"mapping is of {len(names)} cores ({_first(names)}), and the activity of "
                f"{n_cores} ({_first(chip.cores)}): they are of different networks or block "
                "shapes. Measure and place() the same one."
            )
        positions, mesh, placement = mapping.positions, mapping.mesh, mapping.allocator
    messages = np.asarray(chip.messages_between)[:n_cores]
    ways = mesh.hops(positions[:, None], positions[None, :])
    sent = np.asarray(chip.messages_out)
    share = sent / np.maximum(sent.sum(axis=0), 1)
    used = messages > 0
    chips = positions // mesh.n_cores
    tiles = np.unique(mesh.tile_of(positions))
    per_chip = np.unique(tiles // mesh.n_tiles, return_counts=True)[1]
    longest = _longest(ways[0], ways[1], used)
    east_west, north_south, crossings = (share * (messages * way).sum(axis=1) for way in ways)
    n_tiles = int(per_chip.max(initial=1))
    hops = east_west, north_south, crossings
    return CoreHops(chips, len(np.unique(chips)), n_tiles, *hops, longest, placement)


def _longest(east_west: np.ndarray, north_south: np.ndarray, used: np.ndarray) -> tuple[int, int]:
    """Hops of the longest way that a message took."""
    if not used.any():
        return 0, 0
    number = int(np.where(used, east_west + north_south, -1).argmax())
    return int(east_west.flat[number]), int(north_south.flat[number])


def _first(names: Any) -> str:
    return ", ".join(list(names)[:3]) + (", ..." if len(names) > 3 else "")
