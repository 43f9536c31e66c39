"""`Confirmation`: settings of a sweep, measured on images that it did not see."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...activity import Activity
from ...layout import Result
from ...words import counted
from .front import cheapest_within
from .trials import Point


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
        Counts and outputs of the measurement.
    rmse, correlation : float, optional
        Of a regression, against the targets; its ``accuracy`` is R².
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
    rmse: float | None = None
    correlation: float | None = None


@dataclass(frozen=True)
class Confirmation(Result):
    """Settings of a sweep on images that it did not see.

    Attributes
    ----------
    rows : tuple of ConfirmedPoint
        One a setting.
    simulator : str
        Simulated it.
    n_images : int
        How many images.
    keras_accuracy : float
        Of the reference on them: the Keras model, or the one that the sweep was given.
    keras_interval : tuple of float
        Wilson's interval for it.
    device : str
        The device that settings were priced on.
    keras_rmse : float, optional
        Of a regression.
    at_least : bool
        Whether energies may be more: see `Sweep`.
    """

    rows: tuple[ConfirmedPoint, ...]
    simulator: str
    n_images: int
    keras_accuracy: float
    keras_interval: tuple[float, float]
    device: str
    keras_rmse: float | None = None
    at_least: bool = False

    def __repr__(self) -> str:
        return (
            f"<Confirmation of {counted(len(self.rows), 'setting')} on "
            f"{counted(self.n_images, 'image')}, {self.simulator}; summary() prints it>"
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
