"""`place`: blocks on cores and chips as NengoLoihi puts them, and their messages counted."""

from __future__ import annotations

from typing import Any

from ... import check
from ...chip.limits import MAX_CORES_PER_CHIP
from ...chip.mesh import Mesh
from ...errors import LoihiError
from ...options import named_arguments
from ...words import counted
from ..cores.built import built_network
from .allocation import allocate, chips_needed
from .mapping import Mapping
from .traffic import count_messages, spikes_of


@named_arguments
def place(
    network: Any, *, allocator: str = "greedy", n_chips: int | None = None,
    cores_per_chip: int = MAX_CORES_PER_CHIP, activity: Any = None, model: Any = None,
    fit: Any = None, mesh: Mesh | None = None, dt: float | None = None,
) -> Mapping:  # fmt: skip
    """Put a network's blocks on cores and chips as NengoLoihi does, without a board.

    Parameters
    ----------
    network : nengo.Network, Conversion, or any object with one of these as ``.network``
        It is not changed.
    allocator : {"greedy", "round_robin", "greedy_interchip"}
        NengoLoihi's allocator: fill a chip before the next, deal blocks out to all chips,
        or fill chips with blocks that talk to each other.
    n_chips : int, optional
        Default: the fewest that hold all blocks.
    cores_per_chip : int
        Cores to use of each chip.
    activity : Activity or mapping, optional
        Spikes that were measured, as `nengo_spikecost.measure` returns them; or a mapping from
        Ensemble, or from Connection for NengoLoihi's decoding neurons, to the spikes of each
        neuron, int, shape (n_neurons,). Without it messages are as if every neuron fired once.
    model : nengo_loihi.Simulator or nengo_loihi.builder.Model, optional
        Built of this network already; else it is built, which may take minutes.
    fit : BlockFit, optional
        Block shapes to build with, in place of those in the network's config.
    mesh : Mesh, optional
        Tiles of a chip, and how chips lie side by side. Default: those of Loihi.
    dt : float, optional
        Time step in s, if the network has to be built. Default: that of its neurons, or 1 ms.

    Raises
    ------
    LoihiError
        If NengoLoihi can't build the network; for too few chips, an unknown allocator, or
        the activity of another network.
    """
    check.whole("cores_per_chip", cores_per_chip, LoihiError, 1, MAX_CORES_PER_CHIP)
    words = "a Mesh, as nengo_spikecost.loihi.Mesh makes it"
    mesh = Mesh() if mesh is None else check.kind("mesh", mesh, Mesh, LoihiError, words)
    if cores_per_chip > mesh.n_cores:
        raise LoihiError(
            f"cores_per_chip is {cores_per_chip}, and the mesh has "
            f"{counted(mesh.n_cores, 'core')} a chip; pass a larger Mesh or fewer cores."
        )
    built = built_network(network, model, fit, dt)
    chips = chips_needed(len(built.blocks), n_chips, cores_per_chip)
    spikes = spikes_of(built, activity)
    chip, core = allocate(built, allocator, chips, cores_per_chip, spikes)
    mesh = mesh.for_chips(int(chip.max()) + 1)
    traffic = count_messages(built, spikes)
    start = Mapping((), allocator, cores_per_chip, mesh, traffic, (), built, spikes)
    return start.moved(chip, chip * mesh.n_cores + core)
