"""A back end built, and a batch run through it: in this process, or on a worker of a cluster."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from ..errors import MeasurementError, SpikeCostError, last_line
from .backend import Backend, Setup
from .recorder import Recorder
from .samples import Batch, Frames
from .simulator_spec import SimulatorSpec

_CANT = "can't run this network"


def built_backend(simulator: SimulatorSpec, setup: Setup) -> Backend:
    """The back end of a simulator.

    Raises
    ------
    MeasurementError
        If it can't be built, or is none.
    """
    with simulator_errors(simulator.name):
        backend = simulator(setup)
        if not isinstance(backend, Backend):
            raise MeasurementError(
                f"Simulator {simulator.name!r} made a {type(backend).__name__}, not a Backend."
            )
    return backend


def run_batch(
    backend: Backend, simulator: SimulatorSpec, recorder: Recorder, batch: Batch, first: bool
) -> float:
    """Run a batch and add its counts; gives the seconds that it took.

    Parameters
    ----------
    backend : Backend
    simulator : SimulatorSpec
    recorder : Recorder
        Added to.
    batch : Batch
    first : bool
        Whether it is the first that the back end runs.
    """
    setup = recorder.setup
    full = batch
    if simulator.minibatch and not backend.any_size:
        full = batch.padded(setup.batch_size)
    with simulator_errors(simulator.name, _CANT if first else "failed"):
        begun = time.perf_counter()
        counts = backend.run(full.inputs)
        seconds = time.perf_counter() - begun
    recorder.add(counts, len(batch), batch.targets, Frames.of(batch, setup.n_steps))
    return seconds


@contextlib.contextmanager
def simulator_errors(simulator: str, words: str = _CANT) -> Iterator[None]:
    """Turn what a simulator raises into an error of ours; TensorFlow's go on for pages."""
    try:
        yield
    except SpikeCostError:
        raise
    except Exception as error:
        reason = last_line(error) or type(error).__name__
        raise MeasurementError(f"Simulator {simulator} {words}: {reason}") from error
