"""`fit_blocks`: its arguments checked and the network read, before `BlockSearch` searches."""

from __future__ import annotations

import time
from collections.abc import Sequence
from math import ceil
from typing import Any

from ... import check
from ...chip.limits import MAX_CORES_PER_CHIP
from ...deadlines import Clock, OutOfTime
from ...errors import LoihiError
from ...options import named_arguments
from ...progress import progress_bar
from ..cores.core_layers import Layers, spikes_per_step
from ..cores.layer_reading import read_layers
from .block_fit import BlockFit
from .block_search import GRACE, MORE_TIME, BlockSearch
from .channel_order import in_channel_order
from .fit_memory import check_memory
from .search_costs import OBJECTIVES


@named_arguments
def fit_blocks(
    network: Any, objective: str = "cores", *, pop_types: Sequence[int] | None = (16, 32),
    channel_order: str | None = None, spikes: Any = None, max_cores: int | None = None,
    max_cores_per_chip: int = MAX_CORES_PER_CHIP, time_limit: float = 10.0,
    dt: float | None = None, memory: int | float | str | None = None, progress: bool = True,
) -> BlockFit:  # fmt: skip
    """Find block shapes with which a network fits on Loihi, and the best of them.

    Chains of layers are solved exactly; other networks well, with a bound that no solution
    is below. Both mean tilings of the layers' own shapes (rows, columns, channels, in the
    order of their neurons).

    Parameters
    ----------
    network : nengo.Network, Conversion, Layers, or any object with a Network as ``.net``
        It is not changed; `BlockFit.apply` does that.
    objective : {"cores", "latency", "traffic"}
        Fewest cores, and of these fewest messages; the busiest core least busy, within
        `max_cores`; or fewest messages. The last two look at balanced tilings only.
    pop_types : sequence of 16 and 32, or None
        Axon types that convolutions may get. 16 is taken where it is allowed: it halves the
        slots of output axons. None: as the network has them.
    channel_order : {"last", "first"}, optional
        Fit the network as if all images had their channels there, to see whether that would
        be worth it. A fit in an order that the network does not have can't be applied.
        Default: its own.
    spikes : Activity or mapping, optional
        An Activity that was measured, or spikes per step by Ensemble or its name; without it
        every neuron is taken to fire at 100 Hz.
    max_cores : int, optional
        For "latency" and "traffic". Default: all cores of as many chips as are needed.
    max_cores_per_chip : int
        Cores of a chip that may be used.
    time_limit : float
        Seconds from the call after which the best solution so far is returned (at the least one
        in which every layer fits). Reading the network counts; it may take a second more. The best
        so far is also returned, with a warning, if the
        search is interrupted (Ctrl-C).
    dt : float, optional
        Time step in s. Default: that of the network's neurons, or 1 ms.
    memory : int, float or str, optional
        Memory that reading and searching may take, in bytes or as ``"4 GB"``; a network that takes
        more is refused before. Default: what is free.
    progress : bool
        Show a progress bar with the most time left, if standard error is a terminal, or in a
        notebook.

    Raises
    ------
    LoihiError
        If a layer fits at no shape; its ``problems`` are of type `Misfit`. If there is not enough
        memory, NengoLoihi can't build the network, or reading it takes longer than `time_limit`. If
        `objective`, `pop_types` or `channel_order` is not one of those above.
    """
    check.choice("objective", objective, OBJECTIVES, LoihiError)
    if pop_types is not None:
        words = "a list of 16, of 32 or of both, or None"
        pop_types = check.several("pop_types", pop_types, LoihiError, words)
        if not pop_types or not all(check.is_whole(n) and n in (16, 32) for n in pop_types):
            raise LoihiError(f"pop_types must be {words}, not {check.shown(pop_types)}.")
    check.positive("time_limit", time_limit, LoihiError)
    check.whole("max_cores_per_chip", max_cores_per_chip, LoihiError, 1)
    if max_cores is not None:
        check.whole("max_cores", max_cores, LoihiError, 1)
    shown = check.flag("progress", progress, LoihiError)
    check_memory(network, memory)
    clock, started = Clock(time_limit), time.monotonic()
    with progress_bar("Fitting blocks, seconds", ceil(time_limit), shown) as advance:
        clock.move_by_seconds(advance, ceil(time_limit))
        layers = network if isinstance(network, Layers) else _read_in_time(network, dt, time_limit)
        if not layers.layers:
            raise LoihiError("There is no Ensemble on the chip, and so nothing to fit.")
        rates = spikes_per_step(layers, spikes)
        reordered = False
        if channel_order is not None:
            layers, reordered = in_channel_order(layers, channel_order)
        types = None if pop_types is None else tuple(pop_types)
        search = BlockSearch(
            layers, rates, types, clock, started, time_limit, max_cores_per_chip, max_cores,
            reordered,
        )  # fmt: skip
        return search.fit(objective)


def _read_in_time(network: Any, dt: float | None, seconds: float) -> Layers:
    try:
        with Clock(seconds + GRACE).governs():
            return read_layers(network, dt)
    except OutOfTime:
        raise LoihiError(
            f"The network could not be read in {seconds:g} s, before any search. {MORE_TIME}."
        ) from None
