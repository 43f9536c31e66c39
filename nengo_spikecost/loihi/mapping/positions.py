"""Better positions on the mesh for blocks that talk to each other."""

from __future__ import annotations

import numpy as np

from ...chip.mesh import HopCosts, Mesh
from .assignment import Solution, solve
from .assignment_bounds import Problem


def search_positions(
    mesh: Mesh, positions: np.ndarray, messages: np.ndarray, seats: np.ndarray, costs: HopCosts, *,
    between_chips: bool, seed: int, max_moves: int, time_limit_s: float,
) -> tuple[Solution, np.ndarray]:  # fmt: skip
    """Positions at which messages make cheaper hops; never dearer than now.

    The search is over tiles: cores of a tile are at no distance from each other.

    Parameters
    ----------
    mesh : Mesh
    positions : ndarray of int64, shape (n_blocks,)
        Where the blocks are now.
    messages : ndarray of int64, shape (n_blocks, n_blocks)
        From row to column.
    seats : ndarray of int64
        Positions that blocks may be at, those of now among them.
    costs : HopCosts
    between_chips : bool
        Whether blocks may change their chip.
    seed, max_moves, time_limit_s
        As `nengo_spikecost.loihi.mapping.assignment.solve` takes them.

    Returns
    -------
    Solution, and the positions, ndarray of int64, shape (n_blocks,)
    """
    n_tiles = mesh.n_tiles * (int(seats.max()) // mesh.n_cores + 1)
    flow = messages.astype(np.float64)
    np.fill_diagonal(flow, 0)
    chip = np.arange(n_tiles) // mesh.n_tiles
    problem = Problem(
        flow=flow + flow.T,
        distance=costs.of_tiles(mesh, n_tiles),
        capacity=np.bincount(mesh.tile_of(seats), minlength=n_tiles),
        region=np.zeros_like(chip) if between_chips else chip,
    )
    start = mesh.tile_of(positions)
    solution = solve(problem, start, seed=seed, max_moves=max_moves, time_limit_s=time_limit_s)
    return solution, _seated(mesh, positions, solution.places, seats)


def _seated(mesh: Mesh, before: np.ndarray, tiles: np.ndarray, seats: np.ndarray) -> np.ndarray:
    """A position for every block: as before where it stays in its tile, else the first free."""
    stays = mesh.tile_of(before) == tiles
    taken = set(before[stays].tolist())
    free: dict[int, list[int]] = {}
    for seat in np.sort(seats)[::-1].tolist():
        if seat not in taken:
            free.setdefault(seat // mesh.cores_per_tile, []).append(seat)
    positions = before.copy()
    for block in np.flatnonzero(~stays):
        positions[block] = free[int(tiles[block])].pop()
    return positions
