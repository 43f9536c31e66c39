"""Spikes times what each of them makes, in memory that does not grow with the number of samples."""

from __future__ import annotations

import numpy as np


def spike_synops(counts: np.ndarray, fan_out: np.ndarray) -> np.ndarray:
    """Synaptic operations of each sample, exact.

    Parameters
    ----------
    counts : ndarray of integers, shape (n_samples, n_neurons)
        Spikes. Small unsigned types are widened as they are summed, so that nothing wraps
        round and memory does not grow with the number of samples.
    fan_out : ndarray of integers, shape (n_neurons,)
        Targets of each neuron.

    Returns
    -------
    ndarray of int64, shape (n_samples,)
    """
    weights = np.asarray(fan_out, dtype=np.int64)
    # einsum widens a few thousand numbers at a time, and uses no threads: those of BLAS, where it
    # has products of such types at all, cost more than they bring for one column
    synops: np.ndarray = np.einsum("ij,j->i", counts, weights, dtype=np.int64, casting="unsafe")
    return synops
