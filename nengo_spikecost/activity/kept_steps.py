"""Room for what ``by_step=True`` keeps: outputs at every step, and counts of every core and step.

It grows with samples and steps, unlike all else that `measure` keeps. So it is asked for twice:
outputs before anything is built, and all of it when the first batch shows what a sample takes.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..errors import MeasurementError
from ..memory import Need
from ..words import counted
from .backend import Setup

#: All batches are there twice while they are put together.
_TIMES = 2

_REMEDY = "leave by_step out, present fewer samples at a time, or give more memory (memory=)"


def check_outputs_fit(setup: Setup, n_samples: int | None, memory: int | None) -> None:
    """Refuse outputs at every step that have no room; ``n_samples`` may not be known.

    Raises
    ------
    MeasurementError
    """
    values = sum(int(setup.outputs[name].size_in) for name in setup.kept_by_step)
    _check(setup, _TIMES * 4 * values * setup.n_steps, n_samples, memory)


def check_batches_fit(
    setup: Setup, first: Mapping[str, np.ndarray], n: int, n_samples: int | None,
    memory: int | None,
) -> None:  # fmt: skip
    """Refuse as many more batches as there are samples, by the arrays of the first ``n``.

    Raises
    ------
    MeasurementError
    """
    per_sample = sum(array.nbytes for array in first.values()) // max(1, n)
    _check(setup, _TIMES * per_sample, n_samples, memory)


def _check(setup: Setup, per_sample: int, n_samples: int | None, memory: int | None) -> None:
    if n_samples:
        size = f"{counted(n_samples, 'sample')} of {counted(setup.n_steps, 'step')}"
        what = f"Keeping {size} (by_step=True)"
        Need(0, per_sample).check(what, memory, MeasurementError, n_samples, _REMEDY)
