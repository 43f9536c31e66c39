"""Spikes of the host that a chip does not get: it takes one of a neuron in a step.

NengoLoihi sends which neurons have an output, and not how large it is. A neuron that fires three
times in a step has an output three times as large, and the chip gets one spike.

Reference: nengo-loihi 1.1.0, simulator.py, ``StepRunner._host2chip``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...errors import EmulationWarning
from ...warned import warn


def spike_heights(model: Any) -> dict[Any, float]:
    """The output of a neuron that fires once, by the Node that sends it; rates have none (inf)."""
    heights = {}
    for node, receiver in model.host2chip_senders.items():
        kind = getattr(receiver, "neuron_type", None)  # None: NengoLoihi's own, of amplitude 1
        spiking = kind is None or kind.spiking
        amplitude = getattr(kind, "amplitude", 1.0) if spiking else np.inf
        heights[node] = float(amplitude) / model.dt
    return heights


#: Outputs above this many heights of a spike are several spikes.
MORE_THAN_ONE = 1.5


def n_unsent(values: np.ndarray, height: float) -> np.ndarray:
    """Spikes that are not sent, int64, of outputs in one step, shape (..., n_neurons) -> (...)."""
    if values.max(initial=0) <= MORE_THAN_ONE * height:
        return np.zeros(values.shape[:-1], dtype=np.int64)
    fired = np.rint(np.maximum(values, 0) / height).astype(np.int64)
    return np.asarray(np.maximum(fired - 1, 0).sum(axis=-1))


def warn_of_unsent(names: Sequence[str], n_lost: Sequence[int], n_sent: int) -> None:
    """Warn of spikes on the host that the chip does not get, which NengoLoihi does not say.

    Parameters
    ----------
    names : sequence of str
        Of the chip's inputs.
    n_lost : sequence of int
        Spikes that were not sent, by input.
    n_sent : int
        Those that were, of all inputs.
    """
    losing = [name for name, lost in zip(names, n_lost) if lost]
    if losing:
        warn(
            f"{sum(n_lost):,} spikes that {', '.join(losing)} fired on the host did not reach "
            f"the chip ({n_sent:,} did): it takes one spike of a neuron in a step. Numbers that "
            "NengoLoihi encodes in spikes are cut off beyond -1 and 1 (times the radius of the "
            "Ensemble that gets them). Lower what the host's neurons are given, or their gains.",
            EmulationWarning,
        )
