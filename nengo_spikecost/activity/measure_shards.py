"""A measurement whose samples are shared by the workers of a cluster.

A worker does with a batch what `measure` does in one process, and hands back what a checkpoint
would hold of it: counts, outputs and frames as arrays, and a digest of the samples.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import DataError
from ..scale_out import (
    Built,
    SampleReader,
    Shard,
    Work,
    check_readable,
    in_order,
    n_threads_of,
    sample_shards,
)
from .backend import Backend, Setup
from .batch_runs import built_backend, run_batch
from .measure_options import MeasureOptions
from .network_digests import batch_digest
from .node_functions import samples_apart
from .processors import at_most
from .recorder import Recorder
from .samples import Batch, SampleStream, in_batches
from .simulator_spec import SimulatorSpec

MakeStream = Callable[[Any], SampleStream]
"""From data as they are read to samples."""

#: Digest of the samples of a batch, and its results.
Results = tuple[str, dict[str, np.ndarray]]


@dataclass(frozen=True)
class SharedSamples:
    """The samples of a measurement, as workers get them.

    Attributes
    ----------
    n_samples, n_steps : int
        How many there are, and of how many steps.
    sent : SampleStream, optional
        Those that are sent.
    data : object
        What workers read, if they are not.
    stream : callable, optional
        From what is read to samples.
    """

    n_samples: int
    n_steps: int
    sent: SampleStream | None = None
    data: Any = None
    stream: MakeStream | None = None

    @classmethod
    def of_stream(cls, data: Any, stream: SampleStream) -> SharedSamples:
        """Samples that are there.

        Raises
        ------
        DataError
            If they come one after another, from one place.
        """
        if not stream.is_whole:
            raise DataError(
                f"client: data is a {type(data).__name__}, which only this process can go "
                "through. Give arrays, paths of .npy files or zarr arrays, or a function that "
                "returns the data, which every worker calls."
            )
        return cls(int(stream.n_samples or 0), int(stream.n_steps or 0), stream)

    @classmethod
    def to_read(cls, client: Any, data: Any, stream: MakeStream) -> SharedSamples:
        """Samples that workers read; one of them says how many there are."""
        check_readable(data)
        shard = Shard(None, "the number of samples")
        ((n_samples, n_steps),) = in_order(client, _Look(data, stream), [shard], "Reading", False)
        return cls(n_samples, n_steps, None, data, stream)

    def batches(
        self, options: MeasureOptions, setup: Setup, n_done: int
    ) -> Generator[Results, None, None]:
        """Digest and results of each batch, in order; of those that are done, digests alone."""
        n = setup.batch_size
        first = min(n_done * n, self.n_samples)
        threads, client, progress = n_threads_of(options.client), options.client, options.progress
        work, reads = MeasureWork(options.spec, setup, self.stream), self.data
        if self.sent is not None:
            for batch in in_batches(self.sent.part(0, first), n):
                yield batch_digest(batch), {}
        else:
            looks = sample_shards(first, n, threads, options.shard_size)
            looks = [replace(shard, what="digests") for shard in looks]
            yield from _each(client, work, looks, "Reading", progress, reads)
        part = None if self.sent is None else self.sent.part
        shards = sample_shards(self.n_samples, n, threads, options.shard_size, first, part)
        yield from _each(client, work, shards, "Simulating", progress, reads)


def _each(
    client: Any, work: Work, shards: list[Shard], words: str, progress: bool, reads: Any
) -> Generator[Results, None, None]:
    for results in in_order(client, work, shards, words, progress, reads) if shards else ():
        yield from results


class _Look(Work, Built):
    """Says how many samples workers read, and of how many steps."""

    def __init__(self, data: Any, stream: MakeStream):
        self._data, self._stream = data, stream

    def build(self, n_threads: int) -> Built:
        return self

    def run(self, what: Any, data: Any, go_on: Callable[[], None]) -> tuple[int, int]:
        reader = SampleReader(self._data)
        n_samples = reader.n_samples()
        stream = self._stream(reader.read(0, 1))
        return n_samples, int(stream.n_steps or 0)


class MeasureWork(Work):
    """A simulation that every worker builds.

    Parameters
    ----------
    simulator : SimulatorSpec
    setup : Setup
    stream : callable, optional
        From what workers read to samples; None if samples are sent to them.
    """

    def __init__(self, simulator: SimulatorSpec, setup: Setup, stream: MakeStream | None):
        self.simulator, self.setup, self.stream = simulator, setup, stream

    def build(self, n_threads: int) -> Built:
        return _BuiltMeasure(self, n_threads)


class _BuiltMeasure(Built):
    """The back end, built for the first shard that needs it."""

    def __init__(self, work: MeasureWork, n_threads: int):
        self._work, self._n_threads = work, n_threads
        self._recorder = Recorder(work.setup, work.simulator.name)
        self._backend: Backend | None = None

    def run(self, what: Any, data: Any, go_on: Callable[[], None]) -> list[Results]:
        """What each batch of samples gave; their digests alone if ``what`` says so."""
        batch_size, look = self._work.setup.batch_size, what == "digests"
        if self._work.stream is not None:
            batches = self._work.stream(data).batches(batch_size)
        else:
            batches = in_batches(data, batch_size)
        results = []
        with at_most(self._n_threads), samples_apart():
            for batch in batches:
                results.append((batch_digest(batch), {} if look else self._run(batch)))
                go_on()
        return results

    def _run(self, batch: Batch) -> dict[str, np.ndarray]:
        first = self._backend is None
        if self._backend is None:
            self._backend = built_backend(self._work.simulator, self._work.setup)
        run_batch(self._backend, self._work.simulator, self._recorder, batch, first)
        return self._recorder.hand_over()

    def close(self) -> None:
        if self._backend is not None:
            self._backend.close()
        self._backend = None
