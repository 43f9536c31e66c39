"""A measurement that goes on where an earlier one stopped."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ..checkpoints import Checkpoint
from ..errors import DataError, MeasurementError
from ..graph import SpikeSource
from ..version import __version__
from .backend import Backend, Setup, draws_as_it_runs
from .network_digests import batch_digest, network_digest
from .samples import Batch
from .simulator_spec import SimulatorSpec, simulators


def check_fresh(presentation: str) -> None:
    """Refuse samples that workers can't share, because each begins where the last one ended.

    Raises
    ------
    MeasurementError
    """
    if presentation == "continuous":
        raise MeasurementError(
            "client: presentation='continuous' can't be shared among workers, because state runs "
            "on from sample to sample. Take presentation='fresh', or leave client out."
        )


def check_resumable(
    simulator: SimulatorSpec, presentation: str, populations: Iterable[SpikeSource],
    argument: str = "checkpoint",
) -> None:  # fmt: skip
    """Refuse a measurement that would come out otherwise if it was taken up, or shared.

    ``argument`` is what asks for it: ``"checkpoint"``, or ``"client"``, whose workers do not hand
    states to each other.

    Raises
    ------
    MeasurementError
        If state that the simulator can't give runs on from sample to sample, or random numbers.
    """
    if argument == "client":
        check_fresh(presentation)
    if presentation == "continuous":
        if not simulator.resumable:
            able = simulators.those(lambda spec: spec.resumable)
            raise MeasurementError(
                f"checkpoint: {simulator.name} can't take up a continuous presentation, because it "
                f"does not give its state. Leave checkpoint out, use presentation='fresh', or "
                f"simulator={' or '.join(map(repr, able))}."
            )
        return
    drawing = [p.name for p in populations if draws_as_it_runs(p)]
    if drawing and not simulator.starts_anew:
        raise MeasurementError(
            f"{argument}: neurons of {', '.join(drawing)} draw random numbers as they run, which "
            f"go on from sample to sample in {simulator.name} and can't be "
            f"{'shared' if argument == 'client' else 'taken up'}. Leave {argument} out."
        )


class Resumption:
    """The checkpoint of one measurement.

    Parameters
    ----------
    folder : str or path
    setup : Setup
    simulator : str

    Raises
    ------
    DataError
        If the folder holds a measurement with other arguments.
    """

    def __init__(self, folder: str | os.PathLike[str], setup: Setup, simulator: str):
        self._continuous = setup.continuous
        self._checkpoint = Checkpoint(folder, _arguments(setup, simulator))
        self._n_done = self._checkpoint.n_done()

    def results(self, number: int, batch: Batch) -> dict[str, np.ndarray] | None:
        """The results of a batch, if they were kept.

        Raises
        ------
        DataError
            If they are of other samples.
        """
        if number >= self._n_done:
            return None
        return self.checked(number, batch_digest(batch))

    @property
    def n_done(self) -> int:
        """How many batches were kept."""
        return self._n_done

    def checked(self, number: int, digest: str) -> dict[str, np.ndarray]:
        """The results of a batch that was kept, if they are of samples with this digest.

        Raises
        ------
        DataError
            If they are of other samples.
        """
        kept = self._checkpoint.batch(number)
        if str(kept["data"]) != digest:
            raise DataError(
                f"checkpoint {self._checkpoint.path} holds a run on other data: batch {number} "
                "was of other samples or labels. Give the same data again, or another folder."
            )
        return kept

    def restore(self, backend: Backend, number: int) -> None:
        """Bring a simulation to where it was before a batch.

        Raises
        ------
        MeasurementError
            If the back end has no methods for it, or can't do it for this network.
        """
        if not self._continuous:
            return
        if backend.not_resumable:
            raise MeasurementError(
                f"checkpoint: {backend.not_resumable}. Leave checkpoint out, or use "
                "presentation='fresh'."
            )
        own = type(backend)
        if own.state is Backend.state or own.restore is Backend.restore:
            raise MeasurementError(
                f"checkpoint: a simulator with resumable=True needs the methods state and restore, "
                f"and its back end {own.__name__} has not both."
            )
        if number:
            backend.restore(self._checkpoint.state(number))

    def keep(
        self, number: int, batch: Batch, results: Mapping[str, np.ndarray], backend: Backend | None
    ) -> None:
        """Write the results of a batch, and the state after it."""
        state = backend.state() if self._continuous and backend is not None else None
        self.add(number, batch_digest(batch), results, state)

    def add(
        self, number: int, digest: str, results: Mapping[str, np.ndarray], state: Any = None
    ) -> None:
        """Write the results of a batch of samples with this digest."""
        self._checkpoint.add(number, {**results, "data": np.array(digest)}, state)


def _arguments(setup: Setup, simulator: str) -> dict[str, Any]:
    """All that the results depend on except the data."""
    shapes = getattr(setup.fit, "shapes", None)
    ensembles, blocks = setup.network.all_ensembles, None
    if shapes is not None:
        blocks = ", ".join(f"{ensembles.index(e)}: {s.shape}" for e, s in shapes.items())
    return {
        "version": __version__, "simulator": simulator, "network": network_digest(setup.network),
        "inputs": ", ".join(spec.name for spec in setup.inputs),
        "outputs": ", ".join(setup.outputs), "n_steps": setup.n_steps, "dt": setup.dt,
        "batch_size": setup.batch_size, "seed": setup.seed, "presentation": setup.presentation,
        **{name: repr(value) for name, value in sorted(setup.options.items())},
        "block_shapes": blocks,
    }  # fmt: skip
