"""`FineTuning`: a model fine-tuned for spikes, and how each epoch of it went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...layout import Result


@dataclass(frozen=True)
class EpochRecord:
    """Scores of one epoch, as the network is simulated in training.

    Attributes
    ----------
    epoch : int
        From 1; 0 is before training.
    loss, accuracy : float
        Of the task, on the samples held out; without samples held out, those of training.
        ``accuracy`` is NaN, if outputs tell no classes.
    synops : float
        Per sample. With ``rates_hz``, as they would be at these rates.
    objective : float
        What is minimised: the loss and all penalties.
    train_loss, train_accuracy, train_synops : float
        On the samples trained with, averaged over the epoch while weights changed.
    seconds : float
        Wall time of the epoch.
    spikes : float, optional
        Of a neuron, in a sample, on average. Known with ``forward="steps"`` and with
        ``energy_weight``; else None, as is ``energy_J``.
    energy_J : float, optional
        Of a sample, all neuron updates included, on the device of training.
    """

    epoch: int
    loss: float
    accuracy: float
    synops: float
    objective: float
    train_loss: float = float("nan")
    train_accuracy: float = float("nan")
    train_synops: float = float("nan")
    seconds: float = 0.0
    spikes: float | None = None
    energy_J: float | None = None


@dataclass(frozen=True)
class FineTuning(Result):
    """A model fine-tuned for spikes.

    Attributes
    ----------
    model : tf.keras.Model
        A new model with the weights of the best epoch; the one given is as it was.
    scale_firing_rates : dict from str to float
        Firing-rate scales to convert it with: those trained with, or, with ``rates_hz``,
        those that give each layer its rate.
    history : tuple of EpochRecord
        One an epoch, the first before training.
    best_epoch : int
        The epoch with the smallest objective.
    n_steps : int
        Steps of the presentation trained for.
    forward : {"spikes", "rates", "steps"}
        What neurons did in training.
    layer_delay : int
        Steps that a spike took to the next layer in training with ``forward="steps"``.
    frozen : tuple of str
        Weights that were not trained.
    stopped : str, optional
        Why training ended before its last epoch.
    files : tuple of (str, str)
        Names of the trained model and of test data in the commands that the verdict suggests.
    flags : str
        Of these commands: neurons, filter, readout and dt that it was trained with, where they are
        not the default's.
    """

    model: Any = field(repr=False)
    scale_firing_rates: Mapping[str, float]
    history: tuple[EpochRecord, ...]
    best_epoch: int
    n_steps: int
    forward: str
    layer_delay: int = 0
    frozen: tuple[str, ...] = ()
    stopped: str | None = None
    files: tuple[str, str] = field(default=("TRAINED_MODEL", "TEST_DATA"), repr=False)
    flags: str = field(default="", repr=False)

    @property
    def best(self) -> EpochRecord:
        """The epoch that the model is of."""
        return next(r for r in self.history if r.epoch == self.best_epoch)
