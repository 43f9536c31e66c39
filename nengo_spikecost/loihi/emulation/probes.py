"""Values of Probes: on the chip, through NengoLoihi's own weights and filters, and on the host.

Reference: nengo-loihi 1.1.0, probe.py, emulator/interface.py (``ProbeState``),
simulator.py (``Simulator._probe``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...errors import LoihiError

QUANTITIES = ("spiked", "current", "voltage")


class ChipReader:
    """Finds each of NengoLoihi's probes in the records of the chip.

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
        """Weighted values of a probe in these steps of a lane, (n_steps, size)."""
        recorded = records[probe.key][lane]
        if probe.key == "spiked":
            recorded = recorded.view(bool)
        return probe.weight_outputs([recorded[:, part] for part in self._columns[probe]])

    def sources(self, probe: Any, recorded: np.ndarray) -> np.ndarray:
        """The compartments that a probe reads, of those ``recorded`` of its quantity."""
        return np.concatenate([recorded[part] for part in self._columns[probe]])
