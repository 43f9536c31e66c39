"""Chips that people can buy: whether a network fits, and how long a step takes.

`fit` holds a network against every limit that is published of a chip; `run_time` counts what its
steps take, from exact spikes. Chips are data (``chips.toml``), each number with its source:
`names` lists them, `get` gives one, and `load_chips` adds those of a file.
"""

from . import shown as _shown  # noqa: F401  (registers presenters)
from .chip_fit import ChipFit, LimitCheck, fit
from .chip_list import ChipList, listed
from .chip_spec import Chip, Limit, Origin, Power, StepModel
from .chip_table import get, load_chips, names
from .run_time import run_time, run_time_on_cores, worst_clock_Hz
from .run_time_record import RunTime

__all__ = [
    "Chip", "ChipFit", "ChipList", "Limit", "LimitCheck", "Origin", "Power", "RunTime", "StepModel",
    "fit", "get", "listed", "load_chips", "names", "run_time", "run_time_on_cores",
    "worst_clock_Hz",
]  # fmt: skip
