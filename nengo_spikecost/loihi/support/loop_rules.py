"""Loops of populations on the chip, where what goes round comes back later than in Nengo.

Nengo hands a spike on in the step in which it is fired, over a Connection without a synapse, and in
the next step over one with a synapse. On the chip every spike arrives in the next step. Along a
chain of layers the difference is a delay of their outputs; in a loop it changes what they do.

Reference: nengo 4.1, builder/processes.py (a synapse's output is updated at the end of a step);
nengo-loihi 1.1.0, emulator/interface.py (``SynapseState.inject_current``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from .links import Link
from .unsupported import Context, Unsupported, owner_of


def loop_problems(links: Iterable[Link], context: Context) -> Iterator[Unsupported]:
    """Links without a synapse between populations on the chip that are part of a loop.

    Parameters
    ----------
    links : iterable of Link
    context : Context
    """
    onwards: dict[Any, list[Any]] = {}
    without: list[tuple[Any, Any, Link]] = []
    for link in links:
        pre, post = owner_of(link.first.pre_obj), owner_of(link.post_obj)
        if not (context.is_on_chip(pre) and context.is_on_chip(post)):
            continue
        onwards.setdefault(pre, []).append(post)
        if link.synapse is None:
            without.append((pre, post, link))
    for pre, post, link in without:
        if pre in _reached(post, onwards):
            yield Unsupported(
                f"{context.name(pre)} -> {context.name(post)}",
                "is part of a loop and has no synapse: in Nengo its spikes arrive in the step in "
                "which they are fired, and on the chip one later, so that what goes round comes "
                "back a step later",
                "Give each Connection of the loop a synapse (nengo.Lowpass(0) waits one step), or "
                "mark its populations off chip (nengo_spikecost.loihi.mark_off_chip)",
                False, link.last,
            )  # fmt: skip


def _reached(start: Any, onwards: dict[Any, list[Any]]) -> set[Any]:
    """All that can be reached from an object, itself included."""
    reached, waiting = {start}, [start]
    while waiting:
        for following in onwards.get(waiting.pop(), ()):
            if following not in reached:
                reached.add(following)
                waiting.append(following)
    return reached
