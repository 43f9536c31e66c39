"""`Losses`: what a chip cut off, or did not get from its host, said once for several runs."""

from __future__ import annotations

import numpy as np

from ...errors import EmulationWarning
from ...warned import warn
from .emulation_records import OVERFLOWS, EmulatedRun
from .unsent import warn_of_unsent


class Losses:
    """Numbers that were too large for the chip, and spikes of the host that it did not get.

    Batches of one measurement are runs of their own, and a warning of each would say a part of it.
    """

    def __init__(self) -> None:
        self._blocks: list[dict[str, None]] = [{} for _ in OVERFLOWS]
        self._n_lost: dict[str, int] = {}
        self._n_sent = 0

    def add(self, run: EmulatedRun) -> None:
        """Add those of a run."""
        where = np.asarray(run.overflows.any(axis=0))
        for k, blocks in enumerate(self._blocks):
            blocks.update(dict.fromkeys(np.array(run.block_names)[where[:, k]].tolist()))
        for name, lost in zip(run.input_names, run.unsent.sum(axis=0).tolist()):
            self._n_lost[name] = self._n_lost.get(name, 0) + lost
        self._n_sent += int(run.host_to_chip().sum())

    def warn(self) -> None:
        """Say what there was, which NengoLoihi's emulator says at every step or not at all."""
        said = [f"{name} of {', '.join(own)}" for name, own in zip(OVERFLOWS, self._blocks) if own]
        if said:
            warn(
                "Numbers were too large for the chip, and were cut as it cuts them, in "
                f"{'; '.join(said)}: too many spikes arrive at once. See EmulatedRun.overflows.",
                EmulationWarning,
            )
        warn_of_unsent(list(self._n_lost), list(self._n_lost.values()), self._n_sent)
