"""How long a sample is shown: a number of steps of a given length."""

from __future__ import annotations

import numbers
from dataclasses import dataclass
from typing import Any

from ..errors import EnergyError
from ..words import counted


@dataclass(frozen=True)
class Presentation:
    """Steps per inference and the length of a step.

    Attributes
    ----------
    n_steps : int
        Time steps per inference.
    dt : float
        Length of a step in seconds.
    """

    n_steps: int
    dt: float

    def __str__(self) -> str:
        return f"{counted(self.n_steps, 'step')} of {self.dt * 1e3:g} ms"


def checked_presentation(
    n_steps: Any | None, dt: Any | None, default: Presentation
) -> Presentation:
    """The presentation asked for, with ``default`` for arguments that are None.

    Raises
    ------
    EnergyError
        If the number of steps is not a positive integer, or ``dt`` not a positive number.
    """
    n_steps = default.n_steps if n_steps is None else n_steps
    dt = default.dt if dt is None else dt
    whole = isinstance(n_steps, numbers.Real) and float(n_steps).is_integer()
    if not whole or n_steps < 1:
        raise EnergyError(
            f"timesteps_per_inference must be a whole number of at least 1, not {n_steps!r}."
        )
    if not isinstance(dt, numbers.Real) or not 0 < float(dt) < float("inf"):
        raise EnergyError(f"dt must be a positive number of seconds, not {dt!r}.")
    return Presentation(int(n_steps), float(dt))
