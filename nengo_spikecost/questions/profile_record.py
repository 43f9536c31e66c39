"""`Profile`: spikes, accuracy and energy of one network on one data set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ..activity.activity_record import Activity
from ..activity.labels import Labels
from ..activity.scores import Score
from ..energy.estimate import EnergyEstimate
from ..layout import Result
from ..layout.verdict import points
from ..trying.attempts import Attempts
from ..trying.steps import all_attempts
from ..words import counted
from .network_energy import NetworkEnergy
from .opponent.all_opponents import SAME_TECHNOLOGY, all_opponents
from .opponent.break_even import break_even, zero_share


@dataclass(frozen=True)
class Profile(Result):
    """Spikes, accuracy and energy of one network on one data set.

    Attributes
    ----------
    network : Conversion or nengo.Network
        What was simulated.
    activity : Activity
        Spikes and outputs, per sample.
    energy : NetworkEnergy
        Counts and Joules of the network.
    devices : tuple of str
        The devices in the table and in files.
    scores : tuple of Score
        Of ``"spiking, last step"``, ``"spiking, mean over steps"`` and, for a Keras model,
        ``"keras"``; with the name of the output in front if there are several. Empty without
        labels.
    labels : dict from str to Labels
        By output: what its labels were read as.
    chip : Deployment, optional
        The same on the emulated chip; None: it was not asked for.
    printed : tuple of str, optional
        Those of the devices in the printed table; None: all. Files and data frames have all.
    files : tuple of (str, str)
        Names of model and data in the commands that the verdict suggests.
    typed : str
        The command that gives this profile, which the verdict changes for its suggestions.
    bench : Bench, optional
        To try other settings on; None: there are no labels, or none are to be tried.
    """

    network: Any
    activity: Activity
    energy: NetworkEnergy
    devices: tuple[str, ...]
    scores: tuple[Score, ...] = ()
    labels: Mapping[str, Labels] = field(default_factory=dict)
    chip: Any = field(default=None, repr=False)
    printed: tuple[str, ...] | None = None
    files: tuple[str, str] = ("MODEL", "DATA")
    typed: str = ""
    bench: Any = field(default=None, repr=False)

    @property
    def accuracy(self) -> dict[str, float]:
        """The share that is right, by the names of `scores`; those of regressions have none."""
        return {s.name: s.accuracy for s in self.scores if s.accuracy is not None}

    def __repr__(self) -> str:
        share = "".join(
            f", {s.name} {s.accuracy:.1%}"
            if s.accuracy is not None
            else f", {s.name} RMSE {s.rmse:.3g}"
            for s in self.scores
        )
        return (
            f"<Profile of {self.network!r}: {counted(self.activity.n_samples, 'sample')} on "
            f"{', '.join(self.devices)}{share}; summary() prints it>"
        )

    def summary_string(
        self, line_length: int = 80, print_warnings: bool = True, ensembles: bool = False
    ) -> str:  # fmt: skip
        """Protocol, accuracy, the table of all layers, and the verdicts of `break_even`.

        Parameters
        ----------
        line_length : int
            No line is longer.
        print_warnings : bool
            Whether to say what the numbers assume.
        ensembles : bool
            A row for every ensemble. Default: one for each EnsembleArray or other subnetwork.
        """
        return self._text(line_length, print_warnings=print_warnings, ensembles=ensembles)

    def break_even(self, device: str = SAME_TECHNOLOGY, **options: Any) -> Any:
        """The network against the same without spikes.

        Parameters
        ----------
        device : str
            The spiking device. Default: one of the same technology as its opponent.
        **options
            The others of `nengo_spikecost.break_even`.
        """
        return break_even(self.network, self.activity, device=device, **options)

    @cached_property
    def estimates(self) -> dict[str, EnergyEstimate]:
        """The estimate on each device of the table, by its name."""
        return self.energy.estimates(self.devices)

    @property
    def in_table(self) -> tuple[str, ...]:
        """The devices of the printed table."""
        return self.devices if self.printed is None else self.printed

    @property
    def points_lost(self) -> float | None:
        """Points of accuracy between the Keras model and the chip, or spikes by the better readout.

        None where there are several outputs, no labels, or no classes.
        """
        by_name = self.accuracy
        keras = by_name.get("keras")
        spiking = [by_name.get("spiking, last step"), by_name.get("spiking, mean over steps")]
        if self.chip is not None and self.chip.score is not None:
            spiking = [self.chip.score.accuracy]
        known = [accuracy for accuracy in spiking if accuracy is not None]
        return points(keras, max(known)) if keras is not None and known else None

    @cached_property
    def attempts(self) -> tuple[Attempts, ...]:
        """Other settings, tried now on the same samples: see `ProfileOptions.try_out`."""
        bench = self.bench if self.chip is None else self.chip.bench
        if bench is None or self.points_lost is None:
            return ()
        if not self.energy.workload().spiking:
            return ()  # scales and steps change nothing of neurons without spikes
        return all_attempts(bench, self.points_lost)

    @cached_property
    def chip_cost(self) -> Any:
        """`ChipCost` of the emulated chip; None if it was not asked for, or did not count."""
        if self.chip is None or self.chip.activity.chip is None:
            return None
        return self.chip.cost()

    @cached_property
    def opponents(self) -> dict[str, Any]:
        """`break_even` on each spiking device, or the error that says why there is none."""
        workload, share = self.energy.workload(), zero_share(self.activity)
        return all_opponents(workload, self.devices, share)
