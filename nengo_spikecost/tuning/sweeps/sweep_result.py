"""`Sweep`: accuracy, energy and latency of all settings that were tried."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ...activity import measure, simulators
from ...activity.intervals import interval_of, mcnemar, paired_difference
from ...activity.labels import Labels
from ...activity.scores import score
from ...errors import TuningError
from ...layout import Result
from ...warned import each_once
from ...words import counted
from ..sweep_options import JUDGES, SEARCHES, check_counted
from .chip_blocks import ChipBlocks, found_blocks
from .confirmation import Confirmation, ConfirmedPoint
from .front import cheapest_within, pareto, significant
from .search import to_study
from .study import Study
from .sweep_engine import priced_graph, priced_readings
from .sweep_plan import Plan, images_and_labels
from .trials import ROUNDING, Point, Reading, Searched, Space, Trial

if TYPE_CHECKING:
    import optuna


@dataclass(frozen=True)
class Sweep(Result):
    """Accuracy, energy and latency of all settings that were tried.

    Attributes
    ----------
    trials : tuple of Trial
        All, with those that were stopped early and those that failed.
    space : Space
        The settings that could be tried.
    reference : ndarray, shape (n_images,)
        Outcomes of the Keras model, or of the reference that the sweep was given
        (`Labels.outcomes`).
    device, cost_model, neuron_type : str
        The device that settings were priced on, the cost model, and the neurons.
    dt : float
        Length of a step in s.
    confidence : float
        Of all intervals.
    simulator : str
        Was asked to simulate the settings.
    searched_in : str
        Did so: NengoDL in place of compiled code, where that alone can run the network.
    searched_because : str
        Why, in that case.
    judged : mapping from (trial, n_steps) to Reading
        What NengoDL said of settings that compiled code found; points have these figures.
    blocks : ChipBlocks, optional
        On a chip: the block shapes that all settings were run with.
    study : str, optional
        The file that holds it all.
    plan : Plan, optional
        Model, data and options; a sweep loaded from a file has none.
    kind : str
        Of its labels, see `Labels`. Of a regression, every accuracy is R², the share of the
        variance of the targets that is explained, and losses are losses of it.
    variance : float
        Of the targets of a regression.
    files : tuple of (str, str)
        Names of model and data in the commands that the verdict suggests.
    typed : str
        The command that made it, if one did.
    n_spare : int, optional
        Samples of these data that were not searched on, if that is known.
    updates_per_step : int, optional
        Neuron updates of a step on the device; not known in studies of before it was kept.
    readout : {"last", "mean"}
        What outputs were read.
    at_least : bool
        Whether energies may be more, as a chip's host does more in a step than is counted
        (`nengo_spikecost.energy.loihi_chip.HostIO`), so that settings are ranked by what is
        counted. Not known, and False, in studies of before it was kept.
    """

    trials: tuple[Trial, ...]
    space: Space
    reference: np.ndarray = field(repr=False)
    device: str
    cost_model: str
    neuron_type: str
    dt: float
    confidence: float = 0.95
    simulator: str = JUDGES
    blocks: ChipBlocks | None = field(default=None, repr=False)
    study: str | None = None
    plan: Plan | None = field(default=None, repr=False)
    kind: str = "classes"
    variance: float = 0.0
    searched_in: str = JUDGES
    searched_because: str = ""
    judged: Mapping[tuple[int, int], Reading] = field(default_factory=dict, repr=False)
    files: tuple[str, str] = field(default=("MODEL", "DATA"), repr=False)
    typed: str = field(default="", repr=False)
    n_spare: int | None = field(default=None, repr=False)
    updates_per_step: int | None = None
    readout: str = "last"
    at_least: bool = False

    def __repr__(self) -> str:
        return (
            f"<Sweep: {counted(len(self.trials), 'trial')} on {counted(self.n_images, 'image')}, "
            f"{len(self.front())} points on the front; summary() prints it>"
        )

    @property
    def n_images(self) -> int:
        """Images that accuracy and energy are of."""
        return len(self.reference)

    @property
    def keras_accuracy(self) -> float:
        """Accuracy of the reference on these images."""
        return float(self.reference.mean())

    @property
    def regression(self) -> bool:
        """Whether the labels are targets."""
        return self.kind == "regression"

    @property
    def keras_rmse(self) -> float | None:
        """Of a regression, that of the reference on these images."""
        return self.rmse_of(self.keras_accuracy)

    def rmse_of(self, accuracy: float) -> float | None:
        """Of a regression, the RMSE of so large an R² on these images."""
        return math.sqrt(max(0.0, 1 - accuracy) * self.variance) if self.regression else None

    @cached_property
    def points(self) -> tuple[Point, ...]:
        """Every setting that was seen with all images, at every presentation time."""
        complete = [trial for trial in self.trials if trial.complete]
        return tuple(self._point(trial, r) for trial in complete for r in trial.readings)

    @property
    def stopped(self) -> tuple[Trial, ...]:
        """Trials that were given up."""
        return tuple(trial for trial in self.trials if trial.state == "stopped")

    @property
    def failed(self) -> tuple[Trial, ...]:
        """Trials that ended with an error, which is their ``reason``."""
        return tuple(trial for trial in self.trials if trial.state == "failed")

    def front(
        self, max_accuracy_loss: float | None = None, confidence: float | None = None
    ) -> tuple[Point, ...]:
        """The points that none is better than in accuracy, energy and latency together.

        Parameters
        ----------
        max_accuracy_loss : float, optional
            Leave out points that lose more against the Keras model. Default: the largest loss
            that the sweep looked for.
        confidence : float, optional
            Keep only points whose accuracy is higher by more than chance than that of those
            that are cheaper and no slower (`significant`). Default: all.

        Returns
        -------
        tuple of Point
            From the least energy upwards.
        """
        limit = self.space.worst_loss if max_accuracy_loss is None else max_accuracy_loss
        front = pareto([p for p in self.points if p.loss <= limit + ROUNDING])
        return tuple(front if confidence is None else significant(front, confidence))

    def baseline(self) -> tuple[Point, ...]:
        """The points with one scale for all layers, from the least energy upwards."""
        return tuple(sorted((p for p in self.points if p.baseline), key=lambda p: p.energy_J))

    def best(
        self, max_accuracy_loss: float = 0.005, *, max_latency_s: float | None = None,
        sure: bool = False, baseline: bool = False,
    ) -> Point:  # fmt: skip
        """The point with the least energy whose accuracy is close enough to the Keras model's.

        Parameters
        ----------
        max_accuracy_loss : float
            Share of images, against the Keras model on the same images.
        max_latency_s : float, optional
            Longest presentation time.
        sure : bool
            Take the upper end of the interval for the loss, not its estimate. Among many
            settings the one that seems best was also lucky: this allows for it.
        baseline : bool
            Among global scales only.

        Raises
        ------
        TuningError
            If there is none; it names the point that comes closest.
        """
        points = [p for p in self.points if p.baseline] if baseline else list(self.points)
        if max_latency_s is not None:
            points = [p for p in points if p.latency_s <= max_latency_s * (1 + 1e-9)]
        if not points:
            raise TuningError(
                "No setting was seen with all images at such a presentation time: the sweep read "
                f"{', '.join(str(n) for n in self.space.n_steps)} steps of {1e3 * self.dt:g} ms."
            )
        advice = (
            "Go on with more trials or more images, allow a larger loss, or read longer "
            "presentation times (n_steps)."
        )
        return cheapest_within(points, max_accuracy_loss, sure, "setting", advice)

    def to_optuna(self, **create: Any) -> optuna.study.Study:
        """All readings as a study of Optuna, for its plots and its dashboard.

        Parameters
        ----------
        **create
            For ``optuna.create_study``, such as ``storage="sqlite:///optuna.db"``.
        """
        return to_study(self.space, self.trials, self.keras_accuracy, **create)

    @each_once()
    def confirm(
        self, x: Any, y: Any, settings: Point | Sequence[Point] | None = None, *,
        simulator: str | None = None, presentation: str | None = None, more_steps: int = 0,
        client: Any = None, progress: bool = True,
    ) -> Confirmation:  # fmt: skip
        """Convert and measure settings afresh, on other images or another simulator.

        Parameters
        ----------
        x, y : array
            Images and labels, best those that the sweep did not see.
        settings : Point or sequence of Point, optional
            Default: `best`.
        simulator : str, optional
            As `measure` takes it; ``"loihi"`` for NengoLoihi's chip, which is built with the
            block shapes of the sweep, or those that `nengo_spikecost.loihi.fit_blocks` finds.
            Default: that of the sweep, and NengoDL where compiled code searched.
        presentation : {"fresh", "continuous"}, optional
            See `measure`. Default: fresh, as in the sweep; on another simulator than the
            sweep's its own default, which is continuous for ``"loihi"``, as a board runs.
        more_steps : int
            Steps to present an image for beyond those of the setting. On a chip a spike takes a
            step from each layer to the next, and one or two from and to the host, so that the
            output comes later by about the number of layers than in NengoDL.
        client : distributed.Client, optional
            Of a Dask cluster, whose workers share the images (docs/scale_out.md): fresh ones only.
            The counts are those of one process.
        progress : bool
            Show progress bars, if standard error is a terminal, or in a notebook.

        Returns
        -------
        Confirmation

        Raises
        ------
        TuningError
            If the sweep was loaded from a file, and so has no model: call `sweep` with the same
            arguments and that file. If its cost model prices what each core of a chip did, and
            the simulator does not say. If there are no settings.
        """
        chosen = [self.best()] if settings is None else settings
        points = [chosen] if isinstance(chosen, Point) else list(chosen)
        if not points:
            raise TuningError(
                "There are no settings to confirm: give those of front(), or a best()."
            )
        plan = self.plan
        if plan is None:
            raise TuningError(
                "A sweep loaded from a file has no model to confirm settings with: call sweep() "
                "with the same arguments and study=, which simulates nothing again."
            )
        own = JUDGES if self.simulator == SEARCHES else self.simulator
        simulator = own if simulator is None else simulator
        spec = simulators.get(simulator, TuningError)
        check_counted(plan.options.cost_model, simulator)
        if presentation is None and simulator in (own, self.simulator):
            presentation = "fresh"
        # without block shapes an emulator has a core for each layer, however large, as no chip has
        blocks = self.blocks if spec.takes_block_shapes else None
        x, labels = images_and_labels(plan.model, x, y, plan.options.task)
        keras = plan.reference_outcomes(x, labels)
        rows = []
        for point in points:
            network = plan.converted(point.scale_firing_rates, point.synapse)
            if spec.takes_block_shapes and blocks is None:
                blocks = found_blocks(network, self.dt)
            n_steps = point.n_steps + more_steps
            activity = measure(
                network if blocks is None else blocks.on(network), x, n_steps, simulator=simulator,
                presentation=presentation, client=client, progress=progress, **plan.simulation,
            )  # fmt: skip
            graph, counted = priced_graph(network), {n_steps: activity}
            (reading,) = priced_readings(plan.options, counted, graph, labels)
            right = reading.correct
            values = getattr(activity.read_from(readout=plan.options.readout), plan.options.readout)
            scored = score("", labels, values)
            row = ConfirmedPoint(
                point=point, n_steps=n_steps, accuracy=reading.accuracy,
                interval=interval_of(right, self.confidence),
                loss=float(keras.mean() - right.mean()),
                loss_interval=paired_difference(keras, right, self.confidence),
                p_value=mcnemar(keras, right), energy_J=reading.mean_J, synops=reading.synops,
                activity=activity, rmse=scored.rmse, correlation=scored.correlation,
            )  # fmt: skip
            rows.append(row)
        return Confirmation(
            rows=tuple(rows), simulator=simulator, n_images=len(x), device=self.device,
            keras_accuracy=float(keras.mean()),
            keras_interval=interval_of(keras, self.confidence),
            keras_rmse=_rmse(keras, labels) if self.regression else None,
            at_least=self.at_least,
        )  # fmt: skip

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Sweep:
        """The sweep in a study file, finished or not.

        Raises
        ------
        TuningError
            If there is no such file, or it is none.
        """
        with Study(path, readonly=True) as study:
            if "space" not in study.facts():
                raise TuningError(
                    f"{os.fspath(path)} holds no trials: its sweep ended before the first."
                )
            return cls.of_study(study)

    @classmethod
    def of_study(cls, study: Study, plan: Plan | None = None) -> Sweep:
        """All that an open study holds, with the plan, which a file can't hold."""
        with study.reading():
            facts, arrays = study.facts(), study.arrays()
            trials, judged = tuple(study.trials()), study.judged()
        return cls(
            trials=trials, space=Space.of_dict(facts["space"]),
            reference=arrays["reference"], **facts["about"],
            blocks=ChipBlocks.of_dict(facts["blocks"]) if "blocks" in facts else None,
            study=study.path, plan=plan, **facts.get("labels", {}), judged=judged,
            searched_in=facts.get("searched_in", facts["about"].get("simulator", JUDGES)),
            searched_because=facts.get("searched_because", ""),
            updates_per_step=facts.get("updates_per_step"),
            readout=facts.get("made_with", {}).get("readout", "last"),
            at_least=facts.get("at_least", False),
        )  # fmt: skip

    def updates(self, n_steps: int) -> int | None:
        """Neuron updates of an inference of so many steps; None: not known."""
        return None if self.updates_per_step is None else n_steps * self.updates_per_step

    def _point(self, trial: Trial, reading: Reading) -> Point:
        judged, searched = self.judged.get((trial.number, reading.n_steps)), None
        if judged is not None:
            searched = Searched(reading.accuracy, reading.mean_J, reading.synops)
            reading = judged
        share = reading.accuracy
        loss = self.keras_accuracy - share
        if reading.correct.dtype == bool and self.reference.dtype == bool:
            # of whole numbers, so that equal losses are equal
            right = int(reading.correct.sum())
            loss = (int(self.reference.sum()) - right) / self.n_images
        low, high = paired_difference(self.reference, reading.correct, self.confidence)
        return Point(
            trial=trial.number, origin=trial.proposal.origin, baseline=trial.proposal.baseline,
            scale_firing_rates=dict(trial.scales), synapse=trial.proposal.setting.synapse,
            n_steps=reading.n_steps, latency_s=reading.n_steps * self.dt,
            energy_J=reading.mean_J, synops=reading.synops, accuracy=share,
            interval=interval_of(reading.correct, self.confidence), loss=loss,
            loss_interval=(low, high), correct=reading.correct, rmse=self.rmse_of(share),
            correlation=reading.correlation, updates=self.updates(reading.n_steps),
            simulator=self.searched_in if judged is None else JUDGES, searched=searched,
        )  # fmt: skip


def _rmse(outcomes: np.ndarray, labels: Labels) -> float:
    return math.sqrt(max(0.0, 1 - float(outcomes.mean())) * labels.variance)
