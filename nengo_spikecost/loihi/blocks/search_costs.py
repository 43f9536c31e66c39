"""The costs that the searches of `fit_blocks` minimise, and the reason where nothing fits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...chip.limits import MAX_INPUT_AXONS
from ...deadlines import OutOfTime
from ..cores.core_layers import Layer
from ..cores.misfits import DECODING, Misfit, why_never
from .block_fit import BlockFit
from .shape_search import Problem

OBJECTIVES = ("cores", "latency", "traffic")


def never(layer: Layer) -> Misfit:
    """A layer that fits at no block shape."""
    reason = "is too much for any core"
    remedy = "Give it fewer inputs, or fewer channels before it, or two layers of a part each"
    remedy = DECODING if layer.ensemble is None else why_never(layer) or remedy
    used = layer.least_input_axons()
    limit = ("input axons", used, MAX_INPUT_AXONS, reason, remedy)
    return Misfit(layer.name, *limit, obj=layer.ensemble)


def cores(problem: Problem, chosen: Sequence[int]) -> int:
    """Cores of a solution."""
    return int(sum(c.n_blocks[k] for c, k in zip(problem.choices, chosen)))


def core_costs(problem: Problem) -> list[np.ndarray]:
    """Blocks, and less than half a block for all messages."""
    messages = []
    for choices in problem.choices:
        try:
            # messages decide between equal numbers of cores only: the time is for these first
            with problem.clock.part(0.3):
                messages.append(choices.messages(True) + choices.messages(False))
        except OutOfTime:
            messages.append(np.zeros(len(choices)))
    most = sum(float(m.max(initial=0.0)) for m in messages)
    scale = 0.49 / most if most > 0 else 0.0
    return [c.n_blocks + scale * m for c, m in zip(problem.choices, messages)]


def whole(bound: float) -> int:
    """The cores that a bound on `core_costs` stands for."""
    return int(np.floor(bound + 1e-9))


def is_worse(fit: BlockFit, fits: Sequence[BlockFit], number: int) -> bool:
    """Whether another fit is as good in all respects, and better in one or listed earlier."""

    def key(f: BlockFit) -> tuple[float, ...]:
        return (f.n_cores, round(f.busiest_ns, 6), round(f.host_messages + f.chip_messages, 6))

    mine, theirs = key(fit), [key(other) for other in fits]
    as_good = [k for k, other in enumerate(theirs) if all(a <= b for a, b in zip(other, mine))]
    return any(theirs[k] != mine or k < number for k in as_good)
