"""Samples cut into shards of whole batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .shards import Shard

#: Shards for each thread of a cluster, so that fast workers do more of them than slow ones.
_PER_THREAD = 8

#: Batches in a shard at most: a worker that is lost takes no more than these with it.
_MOST = 10


def sample_shards(
    n_samples: int, batch_size: int, n_threads: int, shard_size: int | None = None,
    first: int = 0, data: Callable[[int, int], Any] | None = None, what: Any = None,
) -> list[Shard]:  # fmt: skip
    """Shards of whole batches, so that a batch has the samples that it has in one process.

    Parameters
    ----------
    n_samples, batch_size : int
    n_threads : int
        Of the cluster.
    shard_size : int, optional
        Samples of a shard, rounded up to whole batches. Default: some shards for every thread.
    first : int
        Sample to begin with, a multiple of ``batch_size``.
    data : callable, optional
        Gives samples ``start`` to ``stop`` that are sent with a shard. None: workers read them.
    what : object
        What is done with each. Default: ``(start, stop)``.

    Returns
    -------
    list of Shard
    """
    n_batches = -(-(n_samples - first) // batch_size)
    if shard_size is None:
        batches = max(1, min(_MOST, n_batches // (_PER_THREAD * max(1, n_threads))))
    else:
        batches = -(-shard_size // batch_size)
    shards = []
    for start in range(first, n_samples, batches * batch_size):
        stop = min(start + batches * batch_size, n_samples)
        words = f"sample {start}" if stop == start + 1 else f"samples {start} to {stop - 1}"
        # the values of now, not those of the last round
        cut = None if data is None else (lambda a=start, b=stop: data(a, b))
        part = (start, stop) if data is None else None
        shards.append(Shard(what or (start, stop), words, stop - start, cut, part))
    return shards
