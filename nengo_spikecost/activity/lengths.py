"""Several presentation times read from one simulation of the longest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from ..deadlines import check_time
from ..progress import progress_bar
from .activity_record import Activity
from .backend import BatchCounts, Setup
from .batch_runs import simulator_errors
from .recorder import Recorder
from .samples import Frames


class ReadsLengths(Protocol):
    """A backend that can stop on its way, be read, and go on."""

    setup: Setup
    any_size: bool

    def run_lengths(
        self, inputs: Mapping[str, np.ndarray], lengths: Sequence[int]
    ) -> dict[int, BatchCounts]:
        """Present one batch for the longest time, and read it at every length."""


def measured_at(
    backend: ReadsLengths, stream: Any, lengths: Sequence[int], simulator: str,
    progress: bool = False,
) -> dict[int, Activity]:  # fmt: skip
    """The activity at each length, as `measure` gives it, from one simulation.

    Parameters
    ----------
    backend : ReadsLengths
        Built already; all of its setup is used except ``n_steps``.
    stream : SampleStream
        The samples.
    lengths : sequence of int
        Steps, ascending.
    simulator : str
        Name of the backend.
    progress : bool
        Show a progress bar with the time left, if standard error is a terminal, or in a notebook.

    Raises
    ------
    MeasurementError
        If the simulation fails. If it fails after some batches, the error's ``activity`` attribute
        holds the activity at the longest length until then.
    """
    setup = backend.setup
    recorders = {n: Recorder(replace(setup, n_steps=n), simulator) for n in lengths}
    try:
        with progress_bar("Simulating", stream.n_samples, progress) as advance:
            for batch in stream.batches(setup.batch_size):
                check_time()
                full = batch if backend.any_size else batch.padded(setup.batch_size)
                with simulator_errors(simulator):
                    counts = backend.run_lengths(full.inputs, lengths)
                for n, recorder in recorders.items():
                    recorder.add(counts[n], len(batch), batch.targets, Frames.of(batch, n))
                advance(len(batch))
    except Exception as error:
        recorders[lengths[-1]].keep_after(error)
        raise
    return {n: recorder.activity() for n, recorder in recorders.items()}
