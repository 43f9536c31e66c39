"""`measure`: real spikes, counted while a simulator runs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from ..deadlines import check_time
from ..graph import NetworkGraph
from ..options import takes_options
from ..progress import progress_bar
from ..scale_out import is_read_by_workers
from ..warned import each_once
from .activity_record import Activity, OutputActivity
from .backend import Backend, Setup
from .batch_runs import built_backend, run_batch, simulator_errors
from .faster_way import FasterWay
from .kept_steps import check_batches_fit, check_outputs_fit
from .measure_options import MeasureOptions
from .measure_shards import SharedSamples
from .recorder import Recorder
from .resumption import Resumption, check_resumable
from .samples import Batch, InputSpec, SampleStream, SelfDriven
from .side_by_side import default_batch_size, side_by_side
from .subject import Subject, is_nothing, subject


@takes_options(MeasureOptions)
def measure(
    network: Any, data: Any, n_steps: int | None = None, *, options: MeasureOptions
) -> Activity:
    """Simulate a network on data and count every spike.

    Spikes are added up while the simulation runs, so memory grows neither with the number of
    steps nor, except for the counts themselves, with the number of samples.

    Parameters
    ----------
    network : Conversion, nengo.Network or BlockFit
        The network to simulate; it is not changed. The outputs read are those of the Keras model,
        or the Probes in the network. Simulators of Loihi build it with the block shapes of a
        BlockFit, which others have no use for.
    data : array or dict or iterable
        Samples: an array, tensor or frame ``(n, ...)`` for a network with one input; a dict of
        these by input name, Node, Keras layer or tensor; either of these in a tuple with labels,
        ``(x, y)``; or an iterable (generator, ``tf.data.Dataset``, Keras ``Sequence``) of
        batches ``x`` or ``(x, y)``. A sample is presented unchanged for ``n_steps`` steps,
        or has steps as its first axis. Its other axes are those of the model's input, in order,
        or flat; axes of length 1 do not matter. None for a network without inputs from
        outside: it runs as it is, as one sample.
    n_steps : int, optional
        Steps per sample. May be left out if samples have a time axis.
    {options}

    Returns
    -------
    Activity

    Raises
    ------
    DataError
        If the data do not fit the network or hold NaN.
    LoihiError
        If NengoLoihi can't build the network, or the emulator can't run it exactly.
    MeasurementError
        If an argument is wrong or the simulation fails. If it fails after some batches, the
        error's ``activity`` attribute holds the activity until then.
    """
    given = subject(network)
    populations = NetworkGraph(given.named).spike_sources
    assert options.presentation is not None
    for asks in ("checkpoint", "client"):
        if getattr(options, asks) is not None:
            check_resumable(options.spec, options.presentation, populations, asks)
    inputs, samples = _samples(given, data, n_steps, options.client)
    batch_size = _batch_size(options, given.network, samples.n_samples, is_nothing(data))
    setup = Setup(
        given.network, inputs, populations, given.outputs, 0, given.step(options.dt), batch_size,
        options.seed, options.presentation, options.special(), given.fit,
        given.named,
    )  # fmt: skip
    with each_once():
        run = _Run(options, setup)
        if isinstance(samples, SharedSamples):
            activity = run.shared(samples)
        else:
            activity = run.measured(samples)
    return replace(activity, outputs=_with_heads(activity.outputs, given.named))


def _samples(
    given: Subject, data: Any, n_steps: int | None, client: Any
) -> tuple[list[InputSpec], SampleStream | SelfDriven | SharedSamples]:
    """The Nodes that are fed, and the samples that this process or workers present."""
    if client is not None and is_read_by_workers(data):
        inputs, make = given.reader(data, n_steps)
        return inputs, SharedSamples.to_read(client, data, make)
    inputs, stream = given.stream(data, n_steps)
    if client is None or isinstance(stream, SelfDriven):
        return inputs, stream
    return inputs, SharedSamples.of_stream(data, stream)


def _batch_size(options: MeasureOptions, network: Any, n_samples: int | None, alone: bool) -> int:
    """Samples side by side: see `side_by_side`."""
    need, memory = options.spec.need(network), options.memory_bytes
    if options.client is not None and memory is None:
        need = None  # what is free here says nothing of its workers
    assert options.presentation is not None
    usual = default_batch_size(network.n_neurons, options.presentation, n_samples)
    if not options.spec.minibatch or alone:
        usual = 1
    # a checkpoint goes on with as many as before, whatever is free by then
    as_before = options.checkpoint is not None
    return side_by_side(need, options.batch_size, usual, memory, as_before=as_before)


def _with_heads(outputs: Mapping[str, OutputActivity], named: Any) -> dict[str, OutputActivity]:
    """Outputs with what a Conversion says of them, by which labels are read."""
    heads, shapes = getattr(named, "heads", {}), getattr(named, "output_shapes", {})
    return {
        name: replace(record, head=heads.get(name), shape=shapes.get(name))
        for name, record in outputs.items()
    }


class _Run:
    """One measurement: batch after batch through a simulator."""

    def __init__(self, options: MeasureOptions, setup: Setup):
        self.options, self.simulator, self.setup = options, options.spec, setup
        self._resumption: Resumption | None = None
        self._backend: Backend | None = None
        self._recorder: Recorder | None = None

    def measured(self, stream: SampleStream | SelfDriven) -> Activity:
        """All batches."""
        faster = FasterWay(self.simulator.name, stream.n_samples)
        bar = progress_bar("Simulating", stream.n_samples, self.options.progress)
        with self._kept_after_errors(), bar as advance:
            for batch in stream.batches(self.setup.batch_size):
                check_time()
                if self._recorder is None:
                    # the first batch may have said how many steps a sample has
                    self._begin(int(stream.n_steps or 0), stream.n_samples)
                self._take(batch, faster)
                if self.setup.by_step and self._recorder and self._recorder.n_batches == 1:
                    arrays, memory = self._recorder.last_batch(), self.options.memory_bytes
                    check_batches_fit(self.setup, arrays, len(batch), stream.n_samples, memory)
                advance(len(batch))
        assert self._recorder is not None  # a stream without samples has raised DataError
        return self._recorder.activity()

    def shared(self, samples: SharedSamples) -> Activity:
        """All batches, run by the workers of a cluster."""
        self._begin(samples.n_steps, samples.n_samples)
        recorder, resumption = self._recorder, self._resumption
        assert recorder is not None
        n_done = 0 if resumption is None else resumption.n_done
        with self._kept_after_errors():
            batches = samples.batches(self.options, self.setup, n_done)
            with contextlib.closing(batches):
                for number, (digest, results) in enumerate(batches):
                    if resumption is not None and number < n_done:
                        results = resumption.checked(number, digest)
                    elif resumption is not None:
                        resumption.add(number, digest, results)
                    recorder.add_again(results)
        return recorder.activity()

    @contextlib.contextmanager
    def _kept_after_errors(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            if self._recorder is not None:
                self._recorder.keep_after(error)
            raise
        finally:
            if self._backend is not None:
                self._backend.close()

    def _begin(self, n_steps: int, n_samples: int | None) -> None:
        self.setup = replace(self.setup, n_steps=n_steps)
        check_outputs_fit(self.setup, n_samples, self.options.memory_bytes)
        if self.options.checkpoint is not None:
            folder = self.options.checkpoint
            self._resumption = Resumption(folder, self.setup, self.simulator.name)
        self._recorder = Recorder(self.setup, self.simulator.name)

    def _take(self, batch: Batch, faster: FasterWay) -> None:
        assert self._recorder is not None
        number = self._recorder.n_batches
        kept = None if self._resumption is None else self._resumption.results(number, batch)
        if kept is not None:
            self._recorder.add_again(kept)
            return
        if self._backend is None:
            self._backend = built_backend(self.simulator, self.setup)
            if self._resumption is not None:
                with simulator_errors(self.simulator.name):
                    self._resumption.restore(self._backend, number)
        seconds = run_batch(self._backend, self.simulator, self._recorder, batch, not number)
        faster.after(seconds, len(batch), self._recorder)
        if self._resumption is not None:
            self._resumption.keep(number, batch, self._recorder.last_batch(), self._backend)
