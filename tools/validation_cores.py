"""How far off the cores' energy is by profile ``silicon``, and where it should be on another board.

Every network whose core dynamic energy is known, or is most of what is, tells a ratio: measured
over predicted. The logarithms are taken for normal, and the range is a prediction interval for one
more network, as that of steps is: it should hold `COVERAGE` of them, which was stated before. Each
network is predicted with the range of the others; the package's constants have that of all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache

import validation_quartz as quartz
from scipy import stats
from validation_blouw import slope
from validation_data import Prediction, measurements
from validation_hosts import COVERAGE, interval, sequential_mnist
from validation_others import frady, others

from nengo_spikecost.energy.loihi_chip import Range

PROFILE = "silicon"


@cache
def ratios() -> dict[str, float]:
    """Measured over predicted, by the key of the measurement."""
    known = [*frady(), *sequential_mnist(), *others()]
    found = {
        p.key: measurements()[p.key].value / p.value.nominal
        for p in known
        if p.constants == PROFILE
        and p.key in ("knn_dynamic", "smnist_core_dynamic", "pilotnet_lif")
    }
    found["scaling_slope"] = measurements()["scaling_slope"].value / slope(PROFILE).nominal
    # one network in five runs: what NxSDK leaves for the cores
    runs = [
        quartz.measured_cores_J(n) / quartz.cost(n).energy_J("core dynamic").nominal
        for n in quartz.STEPS
    ]
    found["quartz"] = float(stats.gmean(runs))
    return found


@cache
def range_without(key: str | None) -> Range:
    """Factors of the predicted energy by all networks but one; None: by all."""
    return interval([[ratio] for name, ratio in ratios().items() if name != key])


def ranged(predictions: Iterable[Prediction]) -> Iterator[Prediction]:
    """Predictions whose cores are all that there is, with the range that other networks tell."""
    for p in predictions:
        if p.constants == PROFILE and p.key in ratios():
            low, _, high = range_without(p.key)
            nominal = p.value.nominal
            yield replace(p, value=Range(low * nominal, nominal, high * nominal))
        else:
            yield p


def table() -> str:
    """Ratios, and whether the range of the others holds each."""
    words = {"quartz": "Quartz, MNIST on 11 cores, five runs"}
    lines = ["| Network | Measured / predicted | By the others | Inside |", "|---|--:|--:|---|"]
    held = 0
    for key, ratio in ratios().items():
        low, _, high = range_without(key)
        inside = low <= ratio <= high
        held += inside
        name = words[key] if key in words else measurements()[key].what
        lines.append(
            f"| {name} | {ratio:.2f} | {low:.2f} to {high:.2f} | {'yes' if inside else 'no'} |"
        )
    low, middle, high = range_without(None)
    lines += [
        "",
        f"Stated: {COVERAGE:.0%}. Found: {held} of {len(ratios())}. All together: {low:.2f} to "
        f"{high:.2f}, in the middle {middle:.2f}.",
        "",
    ]
    return "\n".join(lines)
