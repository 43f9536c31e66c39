"""Memory by budget: amounts read and said, and what a machine has to give.

All that takes much memory says beforehand how much (`Need`), asks this module for its budget
(`budget_bytes`) and does with less what can be done with less: fewer samples at a time, another
algorithm. What can't be done within the budget is refused (`Need.check`) before anything slow.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any

from . import check
from .words import counted

#: The part of the memory that is free which is taken, unless the caller says otherwise. Predictions
#: are within a factor of 1.5 or so, and others want some as well.
DEFAULT_SHARE = 0.7

_UNITS = {"": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12,
          "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}  # fmt: skip
_BY_LOWER = {unit.lower(): size for unit, size in _UNITS.items()}
_AMOUNT = re.compile(r"\s*(\d+\.?\d*|\.\d+)\s*([a-z]*)\s*", re.IGNORECASE)
_EXPECTED = 'a number of bytes above 0, or a text such as "4 GB" or "500 MiB"'


def memory_bytes(value: Any, error: type[Exception]) -> int | None:
    """An amount of memory in bytes; None stays None.

    Parameters
    ----------
    value : int, float or str, optional
        Bytes; or a number with its unit.
    error : type of Exception
        Raised if it is no such amount.
    """
    if value is None:
        return None
    number: Any = value
    if isinstance(value, str):
        found = _AMOUNT.fullmatch(value)
        size = _BY_LOWER.get(found[2].lower()) if found else None
        number = float(found[1]) * size if found and size else None
    if not check.is_number(number) or number < 1:
        raise error(f"memory must be {_EXPECTED}, not {check.shown(value)}.")
    return int(number)


def budget_bytes(memory: int | None) -> int:
    """What may be taken in bytes: what was asked for, or `DEFAULT_SHARE` of what is free."""
    return int(DEFAULT_SHARE * free_bytes()) if memory is None else memory


def free_bytes() -> int:
    """Memory in bytes that this machine, or the container that this process is in, has left."""
    free = [_free_on_machine(), _free_in_container()]
    return max(0, min(amount for amount in free if amount is not None))


def _free_on_machine() -> int:
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            for line in lines:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    # not Linux: all there is, as what is free is not told by any one name
    names = getattr(os, "sysconf_names", {})
    if "SC_PHYS_PAGES" in names:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return 2**33  # 8 GiB, where nobody says


def _free_in_container(folder: str = "/sys/fs/cgroup") -> int | None:
    """What a control group has left; None if there is none, or it has no limit."""
    try:
        with open(f"{folder}/memory.max", encoding="ascii") as file:
            most = file.read().strip()
        with open(f"{folder}/memory.current", encoding="ascii") as file:
            taken = file.read().strip()
    except OSError:
        return None
    return None if most == "max" else int(most) - int(taken)


def amount(n_bytes: float) -> str:
    """An amount of memory in words: ``3.2 GB``."""
    for unit in ("TB", "GB", "MB", "kB"):
        if n_bytes >= 0.9995 * _UNITS[unit]:
            return f"{n_bytes / _UNITS[unit]:.3g} {unit}"
    return counted(round(n_bytes), "byte")


@dataclass(frozen=True)
class Need:
    """The memory that something takes.

    Attributes
    ----------
    fixed_bytes : int
        Whatever the number of samples side by side.
    bytes_per_sample : int
        More for each sample that is processed at the same time.
    """

    fixed_bytes: int
    bytes_per_sample: int = 0

    def total(self, n_samples: int = 0) -> int:
        """Bytes for some samples side by side."""
        return self.fixed_bytes + n_samples * self.bytes_per_sample

    def most_samples(self, budget: int) -> int:
        """How many samples side by side a budget in bytes has room for; 0 if for none."""
        left = budget - self.fixed_bytes
        return max(0, left // max(1, self.bytes_per_sample))

    def check(
        self, what: str, memory: int | None, error: type[Exception], n_samples: int = 1,
        remedy: str = "",
    ) -> None:  # fmt: skip
        """Refuse what does not fit.

        Parameters
        ----------
        what : str
            What takes the memory, the subject of a sentence.
        memory : int, optional
            What may be taken; default: all that is free.
        error : type of Exception
        n_samples : int
            The fewest samples side by side.
        remedy : str
            What to do, a clause.
        """
        most = free_bytes() if memory is None else memory
        if self.total(n_samples) <= most:
            return
        words = "are free" if memory is None else "memory= allows"
        raise error(
            f"{what} takes about {amount(self.total(n_samples))} of memory, more than the "
            f"{amount(most)} that {words}" + (f": {remedy}." if remedy else ".")
        )
