"""`measure`: real spikes, counted while a simulator runs."""

from __future__ import annotations

import contextlib
import functools
import numbers
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..check import is_whole
from ..errors import MeasurementError, SpikeCostError
from ..graph import NetworkGraph
from ..progress import progress_bar
from .activity_record import Activity
from .backend import Backend, Setup
from .recorder import Recorder
from .resumption import Resumption, check_resumable
from .samples import Batch, SampleStream, SelfDriven
from .simulator_spec import SimulatorSpec, simulators
from .subject import is_nothing, subject

PRESENTATIONS = ("fresh", "continuous")

#: A batch is chosen so that about this many neurons are simulated at once: enough to keep
#: two cores busy, few enough that the state of the simulation fits in some hundred MB.
_NEURONS_AT_ONCE = 6_000_000
_MAX_BATCH = 100


def measure(
    network: Any,
    data: Any,
    n_steps: int | None = None,
    *,
    simulator: str = "nengo_dl",
    presentation: str | None = None,
    batch_size: int | None = None,
    dt: float = 0.001,
    seed: int = 0,
    progress: bool = True,
    target: str | None = None,
    hardware_options: Mapping[str, Any] | None = None,
    by_step: bool = False,
    checkpoint: str | os.PathLike[str] | None = None,
) -> Activity:
    """Simulate a network on data and count every spike.

    Spikes are added up while the simulation runs, so memory depends neither on the number
    of steps nor, but for the counts themselves, on the number of samples.

    Parameters
    ----------
    network : Conversion, nengo.Network or BlockFit
        What to simulate; it is not changed. The outputs read are those of the Keras model,
        or the Probes in the network. Simulators of Loihi build it with the block shapes of a
        BlockFit, which others have no use for.
    data : array or dict or iterable
        Samples: an array ``(n, ...)`` for a network with one input; a dict of such arrays
        by input name, Node, Keras layer or tensor; either of these in a tuple with labels,
        ``(x, y)``; or an iterable (generator, ``tf.data.Dataset``, Keras ``Sequence``) of
        batches ``x`` or ``(x, y)``. A sample is presented unchanged for ``n_steps`` steps,
        or has steps as its first axis. None for a network that is fed nothing: it runs as
        it is, as one sample.
    n_steps : int, optional
        Steps per sample. May be left out if samples have a time axis.
    simulator : str
        A key of `BACKENDS`:

        * ``"nengo_dl"``; ``"nengo_dl_probes"`` is the same simulator through its public
          interface only, slower, with equal results but for noise that processes draw.
        * ``"nengo"``: Nengo's reference simulator, which runs everything that Nengo can
          express, one sample after another; others with its interface come from
          `register_simulator`.
        * ``"loihi"``: the batched emulation of Loihi (`nengo_spikecost.loihi.Emulator`),
          which counts what each core does, too (`Activity.chip`).
        * ``"nengo_loihi"``: NengoLoihi's own simulator, one sample after another: its
          emulator or a board. Spikes are those of ``"loihi"``.
    presentation : {"fresh", "continuous"}, optional
        Start every sample from the initial state, or let state run on from one sample to
        the next. Default: continuous for ``"loihi"`` and ``"nengo_loihi"``, because a board
        runs on, and would have to be set up anew to start from rest; fresh for the others,
        where every sample is a computation of its own.
    batch_size : int, optional
        Samples side by side. Default: 1 if continuous or if the simulator has no batches,
        or else as many as make a few million neurons, at most 100, and no more than there
        are. In a continuous presentation the samples are dealt out to ``batch_size`` lanes
        that run side by side: as many boards, each of which starts with a sample.
    dt : float
        Length of a step in s.
    seed : int
        Seed of the run, and of the build if the network has no seed of its own. Two
        measurements with equal arguments are equal bit for bit.
    progress : bool
        Show a progress bar with the time left, if standard error is a terminal.
    target : {"sim", "loihi"}, optional
        For ``"nengo_loihi"``: its emulator, the default, or a board, which needs NxSDK.
    hardware_options : mapping, optional
        For ``"nengo_loihi"`` on a board: see ``nengo_loihi.hardware.HardwareInterface``.
        Default: as many chips as the blocks need, at least 2.
    by_step : bool
        For ``"loihi"``: count each core step by step, too (`ChipActivity.by_step`). Memory
        then grows with samples and steps.
    checkpoint : str or path, optional
        A folder that keeps the results of every batch. A later call with equal arguments, on
        equal data, goes on where this one stopped, and returns at once what is complete. It
        refuses other arguments by name. A continuous presentation can be taken up on
        ``"loihi"``; where neurons draw random numbers as they run, a fresh one on
        ``"loihi"`` and ``"nengo_loihi"`` only. States are pickled: keep such folders where
        only you write.

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
        If an argument is wrong or the simulation fails. When it fails after some batches
        the error's ``activity`` attribute holds what was measured until then.
    """
    what = subject(network)
    spec = simulators.get(simulator)
    if presentation is None:
        presentation = "continuous" if spec.continuous else "fresh"
    _check_choice("presentation", presentation, PRESENTATIONS)
    check_numbers(dt, seed, batch_size)
    options = _options(spec, target, hardware_options, by_step)
    inputs, stream = what.stream(data, n_steps)
    if batch_size is None:
        batch_size = default_batch_size(what.network.n_neurons, presentation, stream.n_samples)
        if not spec.minibatch or is_nothing(data):
            batch_size = 1
    populations = NetworkGraph(what.named).populations

    def setup() -> Setup:
        """Once the first batch is there, which may say how many steps a sample has."""
        return Setup(
            what.network, inputs, populations, what.outputs, int(stream.n_steps or 0),
            float(dt), int(batch_size), int(seed), presentation, options, what.fit,
        )  # fmt: skip

    if checkpoint is not None:
        check_resumable(spec, presentation, populations)
    run = _Run(spec, setup, stream, int(batch_size), checkpoint)
    return run.measured(progress)


class _Run:
    """One measurement: batch after batch through a simulator."""

    def __init__(
        self, simulator: SimulatorSpec, setup: Any, stream: SampleStream | SelfDriven,
        batch_size: int, checkpoint: Any,
    ):  # fmt: skip
        self.simulator, self.stream, self.batch_size = simulator, stream, batch_size
        self._make_setup, self._folder = setup, checkpoint
        self._resumption: Resumption | None = None
        self._setup: Setup | None = None
        self._backend: Backend | None = None
        self._recorder: Recorder | None = None

    def measured(self, progress: bool) -> Activity:
        """All batches."""
        try:
            with progress_bar("Simulating", self.stream.n_samples, progress) as advance:
                for batch in self.stream.batches(self.batch_size):
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
        if self._setup is None or self._recorder is None:
            self._setup = self._make_setup()
            if self._folder is not None:
                name = self.simulator.name
                self._resumption = Resumption(self._folder, self._setup, name)
            self._recorder = Recorder(self._setup, self.simulator.name)
        number = self._recorder.n_batches
        kept = None if self._resumption is None else self._resumption.results(number, batch)
        if kept is not None:
            self._recorder.add_again(kept)
            return
        with simulator_errors(self.simulator.name):
            if self._backend is None:
                self._backend = self.simulator(self._setup)
                if self._resumption is not None:
                    self._resumption.restore(self._backend, number)
            one_by_one = not self.simulator.minibatch or self._backend.any_size
            full = batch if one_by_one else batch.padded(self.batch_size)
            counts = self._backend.run(full.inputs)
        constant = all(x.shape[1] == 1 for x in batch.inputs.values())
        self._recorder.add(counts, len(batch), batch.targets, constant)
        if self._resumption is not None:
            self._resumption.keep(number, batch, self._recorder.last_batch(), self._backend)


@contextlib.contextmanager
def simulator_errors(simulator: str) -> Iterator[None]:
    """What a simulator raises, as our own error; TensorFlow's go on for pages."""
    try:
        yield
    except SpikeCostError:
        raise
    except Exception as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        reason = lines[-1] if lines else type(error).__name__
        raise MeasurementError(f"Simulator {simulator} can't run this network: {reason}") from error


def default_batch_size(n_neurons: int, presentation: str, n_samples: int | None = None) -> int:
    """How many samples to simulate side by side, unless the caller says; no more than there are."""
    if presentation == "continuous":
        return 1
    return max(1, min(_MAX_BATCH, _NEURONS_AT_ONCE // max(1, n_neurons), n_samples or _MAX_BATCH))


def _options(simulator: SimulatorSpec, target: Any, hardware: Any, by_step: Any) -> dict[str, Any]:
    """What only some simulators take, if it was given; refused of the others."""
    given = {"target": target, "hardware_options": hardware, "by_step": by_step or None}
    options = {name: value for name, value in given.items() if value is not None}
    for name in options:
        if name not in simulator.options:
            takers = simulators.those(functools.partial(_takes, name))
            raise MeasurementError(
                f"{name} is for simulator {' or '.join(map(repr, takers))}; {simulator.name!r} has "
                "no such option."
            )
    return options


def _takes(option: str, simulator: SimulatorSpec) -> bool:
    return option in simulator.options


def check_numbers(dt: Any, seed: Any, batch_size: Any) -> None:
    """Raise `MeasurementError` unless these are numbers that `measure` takes."""
    if not isinstance(dt, numbers.Real) or not 0 < float(dt) < float("inf"):
        raise MeasurementError(f"dt must be a positive time in s, not {dt!r}.")
    if not is_whole(seed, 0, 2**32 - 1):
        raise MeasurementError(f"seed must be a whole number from 0 to 2**32 - 1, not {seed!r}.")
    if batch_size is not None and not is_whole(batch_size, 1):
        raise MeasurementError(f"batch_size must be a positive whole number, not {batch_size!r}.")


def _check_choice(argument: str, value: Any, choices: Iterable[str]) -> None:
    if value not in tuple(choices):
        raise MeasurementError(f"{argument} must be one of {', '.join(choices)}, not {value!r}.")
