"""Spikes times what each of them makes, in memory that does not grow with the number of samples."""

from __future__ import annotations

import numpy as np

CHUNK_ELEMENTS = 1 << 21
"""Counts widened to int64 at a time: 16 MiB, whatever the number of samples."""


def spike_synops(counts: np.ndarray, fan_out: np.ndarray) -> np.ndarray:
    """Synaptic operations of each sample, exact.

    Parameters
    ----------
    counts : ndarray of integers, shape (n_samples, n_neurons)
        Spikes. Small unsigned types are widened chunk by chunk, so that nothing wraps
        round and memory does not grow with the number of samples.
    fan_out : ndarray of integers, shape (n_neurons,)
        Targets of each neuron.

    Returns
    -------
    ndarray of int64, shape (n_samples,)
    """
    n_samples, n_neurons = counts.shape
    weights = np.asarray(fan_out, dtype=np.int64)
    synops = np.zeros(n_samples, dtype=np.int64)
    rows = max(1, CHUNK_ELEMENTS // max(1, n_neurons))
    for start in range(0, n_samples, rows):
        chunk = counts[start : start + rows].astype(np.int64)
        synops[start : start + rows] = chunk @ weights
    return synops
