"""The first step in which a spike of the input can reach each layer, on the chip.

Layers start one after another: every spike arrives in the step after it was fired. So of a
presentation of ``n_steps`` a layer that is first reached in step ``k`` has ``n_steps - k + 1``, and
what is read before the first step of the output has nothing of the sample in it::

    an input                                    step 1
    to neurons on the chip                      + 1 step
    of values, which are made spikes of first   + 1 step, and 1 more with a synapse
    from the chip to the host                   + 1 step, and 1 more with a synapse
    on the host                                 as in Nengo: + 1 step with a synapse, else 0
    a Probe with a synapse                      + 1 step

Neurons can fire in the step in which they are reached. Reference: as way_rules.py, and nengo-loihi
1.1.0, builder/connection.py (``build_host_to_chip``).
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import nengo

from ...activity.subject import subject
from ...graph import NetworkGraph
from .links import Link, find_links
from .placement import on_chip
from .unsupported import Context, network_and_names, owner_of


@dataclass(frozen=True)
class FirstSteps:
    """The first step in which a spike of the input can reach each layer.

    Attributes
    ----------
    layers : mapping from str to int or None
        By population, in the order of the network. None: no way leads there from an input.
    outputs : mapping from str to int or None
        By output that is read.
    on_chip : frozenset of str
        Populations on the chip.
    """

    layers: Mapping[str, int | None]
    outputs: Mapping[str, int | None]
    on_chip: frozenset[str]

    def usable(self, n_steps: int) -> dict[str, int]:
        """Steps of a presentation that each population has, from its first on.

        Of one that no way leads to, all.

        Parameters
        ----------
        n_steps : int
            Steps of the presentation.
        """
        return {
            name: max(0, n_steps - (1 if first is None else first) + 1)
            for name, first in self.layers.items()
        }

    def too_late(self, n_steps: int) -> dict[str, int]:
        """Outputs that nothing of a sample reaches within so many steps, and their first step.

        Parameters
        ----------
        n_steps : int
            Steps of the presentation.
        """
        return {name: first for name, first in self.outputs.items() if first and first > n_steps}


def first_steps(network: Any) -> FirstSteps:
    """The first step in which a spike of the input can reach each layer, on Loihi.

    Nothing is built or run: it is the shortest way from an input, in steps.

    Parameters
    ----------
    network : Conversion, nengo.Network, BlockFit, or any object with a network as ``.net``

    Returns
    -------
    FirstSteps
    """
    given = subject(network)
    net, names = network_and_names(given.named)
    context = Context(net, on_chip(net), names, 0.001)
    links, _ = find_links(context)
    reached = _shortest(links, [*given.inputs.values()], context)
    populations = NetworkGraph(given.named).populations
    return FirstSteps(
        layers={p.name: reached.get(p.ensemble) for p in populations},
        outputs={name: _read(probe, reached) for name, probe in given.outputs.items()},
        on_chip=frozenset(p.name for p in populations if context.is_on_chip(p.ensemble)),
    )


def _shortest(links: list[Link], inputs: list[Any], context: Context) -> dict[Any, int]:
    """The first step of every place that a way leads to; Dijkstra's search, as there are loops."""
    onwards: dict[Any, list[tuple[Any, int]]] = {}
    for link in links:
        ends = owner_of(link.first.pre_obj), owner_of(link.post_obj)
        onwards.setdefault(ends[0], []).append((ends[1], _n_steps(link, *ends, context)))
    reached: dict[Any, int] = {}
    number = itertools.count()  # places can't be compared, should two be reached in the same step
    waiting = [(1, next(number), place) for place in inputs]
    while waiting:
        step, _, place = heapq.heappop(waiting)
        if place in reached:
            continue
        reached[place] = step
        for post, n in onwards.get(place, ()):
            heapq.heappush(waiting, (step + n, next(number), post))
    return reached


def _n_steps(link: Link, pre: Any, post: Any, context: Context) -> int:
    filtered = int(link.synapse is not None)
    if not context.is_on_chip(post):
        return int(context.is_on_chip(pre)) + filtered
    fires = isinstance(link.first.pre_obj, nengo.ensemble.Neurons)
    return 1 if fires or context.is_on_chip(pre) else 1 + filtered


def _read(probe: nengo.Probe, reached: Mapping[Any, int]) -> int | None:
    step = reached.get(owner_of(probe.target))
    return None if step is None else step + int(probe.synapse is not None)
