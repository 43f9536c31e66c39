"""What Probes see: of the chip, through NengoLoihi's own weights and filters, and of the host.

Reference: nengo-loihi 1.1.0, probe.py, emulator/interface.py (``ProbeState``),
simulator.py (``Simulator._probe``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...errors import LoihiError
from .emulation_records import EmulatedOutput

QUANTITIES = ("spiked", "current", "voltage")


class ChipReader:
    """Where in the chip's records each of NengoLoihi's probes stands.

    Parameters
    ----------
    probes : sequence of nengo_loihi.probe.LoihiProbe
        In the order in which they are recorded.
    """

    def __init__(self, probes: Sequence[Any]):
        self._columns: dict[Any, list[slice]] = {}
        used = dict.fromkeys(QUANTITIES, 0)
        for probe in probes:
            if probe.key not in used:
                raise LoihiError(
                    f"A Probe records {probe.key!r}, which the chip does not give; record one "
                    f"of {', '.join(QUANTITIES)}."
                )
            self._columns[probe] = []
            for block, part in zip(probe.target, probe.slice):
                size = np.arange(block.n_neurons)[part].size
                first = used[probe.key]
                used[probe.key] += size
                self._columns[probe].append(slice(first, first + size))

    def values(self, probe: Any, records: dict[str, np.ndarray], lane: int) -> np.ndarray:
        """What a probe gives of these steps of a lane, weighted, (n_steps, size)."""
        recorded = records[probe.key][lane]
        if probe.key == "spiked":
            recorded = recorded.view(bool)
        return probe.weight_outputs([recorded[:, part] for part in self._columns[probe]])

    def sources(self, probe: Any, recorded: np.ndarray) -> np.ndarray:
        """The compartments that it reads, given those that are recorded of its quantity."""
        return np.concatenate([recorded[part] for part in self._columns[probe]])


class Gathered:
    """Last value, mean, and if asked for all values of one Probe, in all lanes.

    Parameters
    ----------
    keep : bool
        Whether to keep all values.
    every : float
        Steps between two values.
    """

    def __init__(self, keep: bool, every: float = 1):
        self.every = every
        self._keep = keep
        self._sum: Any = 0.0
        self._last: np.ndarray | None = None
        self._values: list[np.ndarray] = []
        self._n = 0

    def add(self, values: np.ndarray) -> None:
        """Take in the values of some steps, (lanes, n_steps, size)."""
        values = values.reshape(*values.shape[:2], -1)
        self._sum = self._sum + values.sum(axis=1, dtype=np.float64)
        self._last = values[:, -1].copy()
        self._n += values.shape[1]
        if self._keep:
            self._values.append(values.copy())

    def output(self, n_samples: int) -> EmulatedOutput | None:
        """Of the first lanes; None if nothing was seen."""
        if self._last is None:
            return None
        steps = np.concatenate(self._values, axis=1)[:n_samples] if self._keep else None
        return EmulatedOutput(self._last[:n_samples], self._sum[:n_samples] / self._n, steps)
