"""Settings of a sweep converted and measured afresh, on images that it did not see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ...activity import Activity, measure
from ...errors import TuningError
from .accuracy_statistics import mcnemar, paired_difference, wilson
from .chip_blocks import found_blocks
from .front import cheapest_within
from .sweep_arguments import check_counted, images_and_labels
from .sweep_pricing import PricedGraph
from .trials import Point

if TYPE_CHECKING:
    import pandas

    from .sweep_result import Sweep


@dataclass(frozen=True)
class ConfirmedPoint:
    """One setting, as the sweep saw it and on other images.

    Attributes
    ----------
    point : Point
        As the sweep saw it.
    n_steps : int
        Steps for which each image was presented.
    accuracy, interval : float, tuple of float
        On these images.
    loss, loss_interval : float, tuple of float
        Against the sweep's reference on the same images.
    p_value : float
        Of an exact McNemar test against the reference.
    energy_J, synops : float
        Mean per inference; NaN where they were not counted.
    activity : Activity
        All that was measured.
    """

    point: Point
    n_steps: int
    accuracy: float
    interval: tuple[float, float]
    loss: float
    loss_interval: tuple[float, float]
    p_value: float
    energy_J: float
    synops: float
    activity: Activity = field(repr=False)


@dataclass(frozen=True)
class Confirmation:
    """Settings of a sweep on images that it did not see.

    Attributes
    ----------
    rows : tuple of ConfirmedPoint
        One a setting.
    simulator : str
        What simulated it.
    n_images : int
        How many images.
    keras_accuracy : float
        Of the reference on them: the Keras model, or what the sweep was given instead.
    keras_interval : tuple of float
        Wilson's interval for it.
    device : str
        What energy is of.
    """

    rows: tuple[ConfirmedPoint, ...]
    simulator: str
    n_images: int
    keras_accuracy: float
    keras_interval: tuple[float, float]
    device: str

    def __repr__(self) -> str:
        return (
            f"<Confirmation of {len(self.rows)} settings on {self.n_images} images, "
            f"{self.simulator}; summary() prints it>"
        )

    def best(self, max_accuracy_loss: float = 0.005, *, sure: bool = False) -> ConfirmedPoint:
        """The setting with the least energy that is accurate enough on these images.

        `Sweep.best` judges by the images that the search looked at, and so takes a setting that
        was lucky there. Confirm those that come into question, `Sweep.front` for example, and
        take the best of them by this.

        Parameters
        ----------
        max_accuracy_loss : float
            Share of these images, against the sweep's reference on them.
        sure : bool
            Take the upper end of the interval for the loss, not its estimate.

        Raises
        ------
        TuningError
            If there is none; it names the setting that comes closest.
        """
        advice = "Allow a larger loss, or confirm settings that take more energy."
        return cheapest_within(self.rows, max_accuracy_loss, sure, "confirmed setting", advice)

    def summary_string(self, line_length: int = 98) -> str:
        """Both accuracies of each setting, with their intervals."""
        from .shown.sweep_table import confirmation_summary

        return confirmation_summary(self, line_length)

    def summary(self, line_length: int = 98) -> None:
        """Print `summary_string`."""
        print(self.summary_string(line_length))

    def to_dict(self) -> dict[str, Any]:
        """Everything but the activities as plain dicts, lists and numbers."""
        from .shown.sweep_table import confirmation_dict

        return confirmation_dict(self)

    def to_frame(self) -> pandas.DataFrame:
        """A row a setting."""
        import pandas

        return pandas.DataFrame.from_records(self.to_dict()["rows"])


def confirm(
    sweep: Sweep, x: Any, y: Any, points: Sequence[Point], *, simulator: str | None,
    presentation: str | None, more_steps: int, progress: bool,
) -> Confirmation:  # fmt: skip
    """Measure settings afresh; see `Sweep.confirm`."""
    plan = sweep.plan
    if plan is None:
        raise TuningError(
            "A sweep loaded from a file has no model to confirm settings with: call sweep() with "
            "the same arguments and study=, which simulates nothing again."
        )
    simulator = sweep.simulator if simulator is None else simulator
    check_counted(plan.pricing.cost_model, simulator)
    if presentation is None and simulator == sweep.simulator:
        presentation = "fresh"
    # without block shapes an emulator has a core for each layer, however large: no such chip is
    on_chip, blocks = simulator in ("loihi", "nengo_loihi"), sweep.blocks
    x, labels = images_and_labels(plan.model, x, y)
    keras = plan.reference_outcomes(x, labels)
    rows = []
    for point in points:
        network = plan.converted(point.scale_firing_rates, point.synapse)
        if on_chip and blocks is None:
            blocks = found_blocks(network, sweep.dt)
        n_steps = point.n_steps + more_steps
        activity = measure(
            blocks.on(network) if on_chip and blocks is not None else network, x, n_steps,
            simulator=simulator, presentation=presentation, seed=plan.seed, progress=progress,
            **plan.simulation,
        )  # fmt: skip
        (reading,) = plan.pricing.readings({n_steps: activity}, PricedGraph(network), labels)
        right = reading.correct
        rows.append(
            ConfirmedPoint(
                point=point,
                n_steps=n_steps,
                accuracy=reading.accuracy,
                interval=wilson(int(right.sum()), len(x), sweep.confidence),
                loss=float(keras.mean() - right.mean()),
                loss_interval=paired_difference(keras, right, sweep.confidence),
                p_value=mcnemar(keras, right),
                energy_J=reading.mean_J,
                synops=reading.synops,
                activity=activity,
            )
        )
    return Confirmation(
        rows=tuple(rows),
        simulator=simulator,
        n_images=len(x),
        keras_accuracy=float(keras.mean()),
        keras_interval=wilson(int(keras.sum()), len(x), sweep.confidence),
        device=sweep.device,
    )
