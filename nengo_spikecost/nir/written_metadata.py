"""What `to_nir` says of a graph beside its nodes, and what `from_nir` takes from it.

NIR has no field for the length of a step. It is in the graph's metadata, under the keys
``convention`` (who was to read it), ``dt`` (in the unit of its time constants) and ``step_s``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from .graph_tree import word


@dataclass(frozen=True)
class WrittenSteps:
    """The steps that a graph was written for.

    Attributes
    ----------
    convention : str
        Name of the reader that it was written for.
    dt : float
        Length of a step in the unit of the graph's time constants.
    step_s : float
        Length of a step in s.
    """

    convention: str
    dt: float
    step_s: float

    @property
    def as_metadata(self) -> dict[str, Any]:
        """As it stands in a graph."""
        return asdict(self)


def written_steps(metadata: Mapping[str, Any]) -> WrittenSteps | None:
    """The steps that `to_nir` wrote into a graph; None if it did not write the graph."""
    if not {"convention", "dt", "step_s"} <= set(metadata):
        return None
    try:
        dt, step_s = float(metadata["dt"]), float(metadata["step_s"])
    except (TypeError, ValueError):
        return None
    if not all(np.isfinite(value) and value > 0 for value in (dt, step_s)):
        return None
    return WrittenSteps(str(word(metadata["convention"])), dt, step_s)
