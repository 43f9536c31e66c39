"""Lower bounds on messages, hops and the time of a step, and how far a placement is from them.

A placement is found by rules of thumb and by searching, so how good it is can only be told by what
no placement is better than. Every bound here is proven; what is varied differs:

**Messages**, over all ways to deal the neurons of each layer out to as many cores as it has now. A
spike that reaches ``d`` of the ``N`` neurons of a layer by one Connection makes a message for every
core that holds one of these. With ``n`` cores of the layer, none of them empty, of at most ``C``
neurons each, these are at least ::

    max(1, ceil(d / C), n - (N - d))

cores: at least one; ``d`` neurons need ``ceil(d / C)``; and a core that is not reached holds some
of the ``N - d`` others, so that at most so many are not. ``C`` is at most 1,024, and at most as
many neurons as the synapse memory of a core has room for: a weight that is not shared takes 8 bits
wherever its neuron is, so that ``k`` neurons take at least what the ``k`` with fewest weights do.
Weights that a population of axons shares may be stored once for all, and count nothing.

**Chip to chip** and **hops**, over all ways to put the blocks as they are on the same cores.
Messages between two blocks are then given, and who is where is a quadratic assignment
(`assignment_bounds`). For messages between chips, any two chips are at a distance of 1. Where there
are few ways, as of eight blocks, all are tried: the bound is then exact.

**A step**, over the same as messages. The slowest core of a layer takes at least as long as the
layer's cores do on average, since work is only dealt out: every neuron is updated at every step,
fires, and makes its synops, wherever it is. Each half of a core is bounded so, and a core takes at
least as long as either:

* A neuron is on one core. So a core has at least ``ceil(N / n)`` of them, which take at least as
  long as that many of the quickest; and the slowest neuron takes its own time.
* Messages that leave and arrive are at least those of the first bound.

The tiles in use, which wait for each other, are at least as many as the cores need. The time is
that of all steps together, as if each core had the same to do in all of them; of steps that differ,
each takes as long as its own slowest core, which is longer in the mean.

Where there are as few ways to deal neurons out, all are tried (`every_deal`), and the bounds on
messages and a step are exact, too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from ...chip.mesh import HopCosts
from ...energy.loihi_chip import Profile, shipped_chip
from .assignment_bounds import Problem, all_are_tried, lower_bound
from .every_deal import Deal, EveryDeal
from .unavoidable_work import Placed, UnavoidableWork

ANY_BLOCKS = "any blocks on as many cores a layer"
THESE_BLOCKS = "these blocks on the same cores"


@dataclass(frozen=True)
class Bound:
    """What no placement is better than.

    Attributes
    ----------
    quantity : {"messages", "chip to chip", "hops", "step"}
    found, least : float
        Of this placement, and of any: messages and hops of an inference; of a step, s.
    over : str
        What any is: `ANY_BLOCKS` or `THESE_BLOCKS`.
    exact : bool
        Whether one of them is known to reach the bound, since all were tried.
    deal : mapping from str to tuple of tuples of int
        Of other blocks that reach an exact bound: the neurons on each core, of each layer that
        can be dealt out in several ways.
    """

    quantity: str
    found: float
    least: float
    over: str
    exact: bool = False
    deal: Deal = field(default_factory=dict, repr=False)

    @property
    def gap(self) -> float:
        """Share of what was found that a better placement might save at most; if exact, saves."""
        return 1 - self.least / self.found if self.found else 0.0

    @property
    def is_optimal(self) -> bool:
        """Whether the bound is reached; False says only that it is not known."""
        return self.found <= self.least * (1 + 1e-9)


def placement_bounds(mapping: Placed, profile: Profile | None = None) -> tuple[Bound, ...]:
    """Lower bounds of a placement, of messages, chip to chip, hops and a step.

    Parameters
    ----------
    mapping : Mapping
    profile : Profile, optional
        Whose times a step is bounded with. Default: ``"silicon"``.

    Returns
    -------
    tuple of Bound
        Without a step if it is not known how many steps the spikes were counted over.
    """
    traffic, per = mapping.traffic, mapping.per_inference
    work = UnavoidableWork(mapping)
    deals = EveryDeal(work)
    least, exact, deal = deals.messages()
    found = per(int(traffic.messages.sum()))
    bounds = [Bound("messages", found, per(least), ANY_BLOCKS, exact, deal)]
    if mapping.n_chips > 1:
        bounds.append(
            _of_these_blocks(mapping, "chip to chip", mapping.chip_to_chip, _chips(mapping))
        )
    bounds.append(_of_these_blocks(mapping, "hops", mapping.hops.total, _tiles(mapping)))
    if traffic.n_steps is not None:
        profile = shipped_chip().profiles["silicon"] if profile is None else profile
        slowest_s, deal = deals.slowest_s(profile)
        times = work.step_s(profile, slowest_s)
        bounds.append(Bound("step", *times, ANY_BLOCKS, slowest_s is not None, deal))
    return tuple(bounds)


def _chips(mapping: Placed) -> Problem:
    """Blocks to be put on chips, where every message to another chip counts 1."""
    chips = np.bincount(mapping.positions // mapping.mesh.n_cores)
    return _problem(mapping, 1.0 - np.eye(len(chips)), chips)


def _tiles(mapping: Placed) -> Problem:
    """Blocks to be put on tiles, where every hop counts 1."""
    n_tiles = mapping.mesh.n_tiles * mapping.n_chips
    seats = np.bincount(mapping.mesh.tile_of(mapping.positions), minlength=n_tiles)
    return _problem(mapping, HopCosts().of_tiles(mapping.mesh, n_tiles), seats)


def _problem(mapping: Placed, distance: np.ndarray, capacity: np.ndarray) -> Problem:
    """The messages between blocks, to be put into places that hold so many of them."""
    flow = mapping.between_cores.astype(np.float64)
    np.fill_diagonal(flow, 0)
    return Problem(flow + flow.T, distance, capacity, np.zeros(len(capacity), dtype=np.int64))


def _of_these_blocks(mapping: Placed, quantity: str, found: int, problem: Problem) -> Bound:
    # what is whole is at least the next whole number, but for rounding
    least = math.ceil(lower_bound(problem) * (1 - 1e-9))
    per, exact = mapping.per_inference, all_are_tried(problem)
    return Bound(quantity, per(found), per(least), THESE_BLOCKS, exact)
