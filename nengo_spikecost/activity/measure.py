"""`measure`: real spikes, counted while a simulator runs."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from .. import check
from ..errors import MeasurementError, SpikeCostError
from ..graph import NetworkGraph
from ..options import takes_options
from ..progress import progress_bar
from ..warned import each_once
from .activity_record import Activity, OutputActivity
from .backend import Backend, Setup
from .faster_way import FasterWay
from .measure_options import PRESENTATIONS, MeasureOptions
from .recorder import Recorder
from .resumption import Resumption, check_resumable
from .samples import Batch, Frames, SampleStream, SelfDriven
from .subject import is_nothing, subject

#: A batch is chosen so that about this many neurons are simulated at once: enough to keep
#: two cores busy, few enough that the state of the simulation fits in some hundred MB.
_NEURONS_AT_ONCE = 6_000_000
_MAX_BATCH = 100

_CANT = "can't run this network"


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
    inputs, stream = given.stream(data, n_steps)
    populations = NetworkGraph(given.named).spike_sources
    assert options.presentation is not None
    batch_size = options.batch_size
    if batch_size is None:
        n_neurons = given.network.n_neurons
        batch_size = default_batch_size(n_neurons, options.presentation, stream.n_samples)
        if not options.spec.minibatch or is_nothing(data):
            batch_size = 1
    if options.checkpoint is not None:
        check_resumable(options.spec, options.presentation, populations)
    setup = Setup(
        given.network, inputs, populations, given.outputs, 0, given.step(options.dt), batch_size,
        options.seed, options.presentation, options.special(), given.fit,
        given.named,
    )  # fmt: skip
    with each_once():
        activity = _Run(options, setup, stream).measured()
    return replace(activity, outputs=_with_heads(activity.outputs, given.named))


def _with_heads(outputs: Mapping[str, OutputActivity], named: Any) -> dict[str, OutputActivity]:
    """Outputs with what a Conversion says of them, by which labels are read."""
    heads, shapes = getattr(named, "heads", {}), getattr(named, "output_shapes", {})
    return {
        name: replace(record, head=heads.get(name), shape=shapes.get(name))
        for name, record in outputs.items()
    }


class _Run:
    """One measurement: batch after batch through a simulator."""

    def __init__(self, options: MeasureOptions, setup: Setup, stream: SampleStream | SelfDriven):
        self.options, self.simulator = options, options.spec
        self.setup, self.stream = setup, stream
        self._resumption: Resumption | None = None
        self._backend: Backend | None = None
        self._recorder: Recorder | None = None
        self._faster = FasterWay(options.spec.name, stream.n_samples)

    def measured(self) -> Activity:
        """All batches."""
        try:
            with progress_bar(
                "Simulating", self.stream.n_samples, self.options.progress
            ) as advance:
                for batch in self.stream.batches(self.setup.batch_size):
                    self._take(batch)
                    advance(len(batch))
        except Exception as error:
            if self._recorder is not None:
                self._recorder.keep_after(error)
            raise
        finally:
            if self._backend is not None:
                self._backend.close()
        assert self._recorder is not None  # a stream without samples has raised DataError
        return self._recorder.activity()

    def _take(self, batch: Batch) -> None:
        if self._recorder is None:
            # the first batch may have said how many steps a sample has
            self.setup = replace(self.setup, n_steps=int(self.stream.n_steps or 0))
            if self.options.checkpoint is not None:
                folder = self.options.checkpoint
                self._resumption = Resumption(folder, self.setup, self.simulator.name)
            self._recorder = Recorder(self.setup, self.simulator.name)
        number = self._recorder.n_batches
        kept = None if self._resumption is None else self._resumption.results(number, batch)
        if kept is not None:
            self._recorder.add_again(kept)
            return
        with simulator_errors(self.simulator.name):
            if self._backend is None:
                self._backend = self.simulator(self.setup)
                if not isinstance(self._backend, Backend):
                    made, self._backend = type(self._backend).__name__, None
                    raise MeasurementError(
                        f"Simulator {self.simulator.name!r} made a {made}, not a Backend."
                    )
                if self._resumption is not None:
                    self._resumption.restore(self._backend, number)
            one_by_one = not self.simulator.minibatch or self._backend.any_size
            full = batch if one_by_one else batch.padded(self.setup.batch_size)
        with simulator_errors(
            self.simulator.name, "failed" if number else "can't run this network"
        ):
            begun = time.perf_counter()
            counts = self._backend.run(full.inputs)
            seconds = time.perf_counter() - begun
        frames = Frames.of(batch, self.setup.n_steps)
        self._recorder.add(counts, len(batch), batch.targets, frames)
        self._faster.after(seconds, len(batch), self._recorder)
        if self._resumption is not None:
            self._resumption.keep(number, batch, self._recorder.last_batch(), self._backend)


@contextlib.contextmanager
def simulator_errors(simulator: str, words: str = _CANT) -> Iterator[None]:
    """Turn what a simulator raises into an error of ours; TensorFlow's go on for pages."""
    try:
        yield
    except SpikeCostError:
        raise
    except Exception as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        reason = lines[-1] if lines else type(error).__name__
        raise MeasurementError(f"Simulator {simulator} {words}: {reason}") from error


def default_batch_size(n_neurons: int, presentation: str, n_samples: int | None = None) -> int:
    """Samples to simulate side by side by default, no more than there are.

    Raises
    ------
    MeasurementError
        If an argument is not what it should be.
    """
    check.whole("n_neurons", n_neurons, MeasurementError, 0)
    check.choice("presentation", presentation, PRESENTATIONS, MeasurementError)
    if n_samples is not None:
        check.whole("n_samples", n_samples, MeasurementError, 0)
    if presentation == "continuous":
        return 1
    return max(1, min(_MAX_BATCH, _NEURONS_AT_ONCE // max(1, n_neurons), n_samples or _MAX_BATCH))
