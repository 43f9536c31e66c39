"""Spikes of neurons that run on the host, counted in every lane."""

from __future__ import annotations

from typing import Any

import nengo
import numpy as np

from .host_simulation import HostPart


def counts_in(part: HostPart, ensemble: nengo.Ensemble) -> bool:
    """Whether neurons of an Ensemble run in this part of the host."""
    if ensemble not in part.model.params or ensemble.neurons not in part.model.sig:
        return False
    signal = part.model.sig[ensemble.neurons].get("out")
    return signal is not None and signal.shape == (ensemble.n_neurons,)


class HostCounter:
    """Counts the spikes of one Ensemble, as `PopulationActivity` has them.

    Parameters
    ----------
    part : HostPart
        That runs them.
    ensemble : nengo.Ensemble

    Attributes
    ----------
    counts : ndarray of shape (lanes, n_neurons)
        Since `begin`: spikes, int64, or of graded neurons the sum over steps of
        ``abs(output) * dt / amplitude``, float64.
    """

    def __init__(self, part: HostPart, ensemble: nengo.Ensemble):
        from . import kernels

        kind: Any = ensemble.neuron_type
        self.part, self.ensemble = part, ensemble
        self._signal = part.model.sig[ensemble.neurons]["out"]
        self._height = part.model.dt / float(getattr(kind, "amplitude", 1.0))
        self._spiking = bool(getattr(kind, "spiking", False))
        self._add = kernels.add_spikes if self._spiking else kernels.add_graded
        dtype = np.int64 if self._spiking else np.float64
        self.counts = np.zeros((part.batch_size, ensemble.n_neurons), dtype=dtype)

    def begin(self) -> None:
        """Start to count anew."""
        self.counts[...] = 0

    def add(self) -> None:
        """Count the step that was just simulated."""
        values = self.part.array(self._signal)
        if not self.part.is_batched(self._signal):
            values = np.broadcast_to(values, self.counts.shape)
        self._add(np.ascontiguousarray(values), self._height, self.counts)
