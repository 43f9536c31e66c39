"""`fine_tune_seeds`: the same training with several seeds, one after another or on a cluster."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ... import check
from ...errors import TuningError
from ...progress import progress_bar
from ...scale_out import Built, Shard, Work, checked_client, in_order
from .fine_tune import fine_tune
from .fine_tuning import FineTuning

#: Stands for the seed in the name of a checkpoint.
SEED = "{seed}"


def fine_tune_seeds(
    model: Any, x: Any, y: Any, seeds: Iterable[int], *, client: Any = None,
    progress: bool = True, **options: Any,
) -> tuple[FineTuning, ...]:  # fmt: skip
    """Train a Keras model with several seeds: how much of a result is chance.

    Parameters
    ----------
    model, x, y
        As of `fine_tune`.
    seeds : iterable of int
        Of the network, and of the order of samples.
    client : distributed.Client, optional
        Of a Dask cluster, whose workers train side by side (docs/scale_out.md). Results are
        those of one process. Default: one seed after another, here.
    progress : bool
        Show a progress bar over the seeds, with the time left.
    **options
        Further arguments of `fine_tune`. With ``checkpoint``, the name of the file has
        ``{seed}`` in it.

    Returns
    -------
    tuple of FineTuning
        One a seed, in their order.

    Raises
    ------
    TuningError
        If an argument is wrong, or a training fails.
    ScaleOutError
        If the workers of ``client`` have other versions, or can't do the work.
    """
    given = check.several("seeds", seeds, TuningError, "whole numbers")
    numbers = [check.seed("seeds", seed, TuningError) for seed in given]
    if not numbers or len(set(numbers)) < len(numbers):
        raise TuningError(f"seeds must be one or more different numbers, not {numbers!r}.")
    if "seed" in options:
        raise TuningError("fine_tune_seeds takes seeds, not seed.")
    checkpoint = options.get("checkpoint")
    if checkpoint is not None and SEED not in os.fspath(checkpoint):
        raise TuningError(
            f"checkpoint must have {SEED} in its name, for each training has a file of its own; "
            f"{os.fspath(checkpoint)!r} has not."
        )
    work = _SeedWork(model, x, y, options)
    if client is not None:
        shards = [Shard(seed, f"seed {seed}") for seed in numbers]
        return tuple(in_order(checked_client(client), work, shards, "Training", progress))
    results = []
    with progress_bar("Training", len(numbers), progress) as advance:
        for seed in numbers:
            results.append(work.trained(seed))
            advance(1)
    return tuple(results)


class _SeedWork(Work, Built):
    """A model, its data and options, of which every worker has a copy."""

    def __init__(self, model: Any, x: Any, y: Any, options: Mapping[str, Any]):
        self._model, self._x, self._y, self._options = model, x, y, dict(options)

    def build(self, n_threads: int) -> Built:
        return self

    def run(self, what: Any, data: Any, go_on: Callable[[], None]) -> FineTuning:
        return self.trained(what)

    def trained(self, seed: int) -> FineTuning:
        options = dict(self._options)
        if options.get("checkpoint") is not None:
            path = os.fspath(options["checkpoint"])
            options["checkpoint"] = path.replace(SEED, str(seed))
        return fine_tune(self._model, self._x, self._y, seed=seed, progress=False, **options)
