"""`Deployment`: a network that ran on the chip, with its spikes, outputs and block shapes."""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from ..activity.labels import Labels
from ..activity.scores import Score, score
from ..energy.loihi_chip import ChipCost
from ..errors import DataError
from ..graph import NetworkGraph
from ..layout import Result
from ..layout.result import presenter_of
from ..layout.verdict import points
from ..trying.attempts import Attempts
from ..trying.steps import all_attempts
from .chip_cost import chip_cost
from .cores.network_use import NetworkUse
from .deploy_options import DeployOptions
from .mapping.mapping import Mapping
from .mapping.place import place
from .support.first_steps import FirstSteps, first_steps


@dataclass(frozen=True)
class Deployment(Result):
    """A network that ran on the chip, with its spikes, outputs and block shapes.

    Attributes
    ----------
    network : nengo.Network or Conversion
        The network that ran: for a Keras model, the Conversion that it became.
    fit : BlockFit, GivenShapes or None
        Block shapes that were searched or given; None: those of the network's config.
    use : NetworkUse
        What each block uses of its core.
    activity : Activity
        Spikes, outputs, and from the emulator what each core did.
    options : DeployOptions
        How it was converted, presented and read.
    labels : ndarray, optional
    keras : mapping from str to ndarray
        Outputs of the Keras model for the same samples, if it was asked for a score.
    files : tuple of (str, str)
        Names of model and data in the commands that the verdict suggests.
    typed : str
        The command that gives this deployment, which the verdict changes for its suggestions.
    pricing : mapping from str to object
        Options of `cost`: constants, board and host that its verdict and charts are of.
    bench : Bench, optional
        To try other settings on; None: there are no labels, or none are to be tried.
    """

    network: Any
    fit: Any = field(repr=False)
    use: NetworkUse = field(repr=False)
    activity: Any = field(repr=False)
    options: DeployOptions
    labels: np.ndarray | None = field(default=None, repr=False)
    keras: MappingOf[str, np.ndarray] = field(default_factory=dict, repr=False)
    files: tuple[str, str] = field(default=("MODEL", "DATA"), repr=False)
    typed: str = field(default="", repr=False)
    pricing: MappingOf[str, Any] = field(default_factory=dict, repr=False)
    bench: Any = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """Of the model, or the label of the network."""
        model = getattr(self.network, "model", None)
        name = getattr(model, "name", None) or getattr(self.network, "label", None)
        return name or "Network"

    @property
    def target(self) -> str:
        """The simulator or chip that ran it: one of `TARGETS`."""
        return self.options.target

    @property
    def output(self) -> str | None:
        """Output that predictions are read from; None: the only one."""
        return self.options.output

    @property
    def readout(self) -> str:
        """When predictions are read: at the ``"last"`` step, or their ``"mean"`` over steps."""
        return self.options.readout

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of the blocks of each layer on the chip, by its name."""
        return {layer.name: layer.tiling.tile for layer in self.use.layers}

    @property
    def n_cores(self) -> int:
        """Cores in use."""
        return self.use.n_cores

    @cached_property
    def first_steps(self) -> FirstSteps:
        """The first step in which a spike of the input can reach each layer, and each output."""
        return first_steps(self.network)

    @property
    def read_as(self) -> Labels | None:
        """What the labels were read as; None without any.

        Raises
        ------
        DataError, MeasurementError
            If those that came with the samples are no labels of a single output.
        """
        if self.labels is None and self.activity.targets is None:
            return None
        return self.activity.labels(self.labels, self.output, self.options.task)

    @property
    def predictions(self) -> np.ndarray:
        """The class of each sample, int64, (n_samples,); of multi-label, 0 or 1 of each value.

        Raises
        ------
        DataError
            If the outputs are values, not classes.
        """
        record = self.activity.read_from(self.output, self.readout)
        try:
            labels = self.read_as
        except DataError:  # of a stream, and none of this output: `score` says so
            labels = None
        if self.options.task == "regression" or (labels and labels.task == "regression"):
            raise DataError(
                f"Output {record.name!r} gives values, not classes: read "
                f".activity.outputs[{record.name!r}].{self.readout}."
            )
        if labels is None:
            return self.activity.predictions(self.output, self.readout)
        return labels.predictions(getattr(record, self.readout))

    @property
    def score(self) -> Score | None:
        """Accuracy, or RMSE and correlation; None without labels."""
        labels = self.read_as
        if labels is None:
            return None
        record = self.activity.read_from(self.output, self.readout)
        at = "last step" if self.readout == "last" else "mean over steps"
        keras = self.keras.get(record.name)
        return score(f"spiking, {at}", labels, getattr(record, self.readout), keras)

    @property
    def keras_score(self) -> Score | None:
        """The same of the Keras model; None without labels or a model that could be run."""
        labels = self.read_as
        if labels is None:
            return None
        record = self.activity.read_from(self.output)
        if record.name not in self.keras:
            return None
        return score("keras", labels, self.keras[record.name])

    @property
    def accuracy(self) -> float | None:
        """Share of samples classified correctly; None without labels, and for regressions."""
        own = self.score
        return None if own is None else own.accuracy

    def accuracy_by_step(self, readout: str | None = None) -> np.ndarray:
        """The accuracy of reading after each step, shape (n_steps,): deploy with ``by_step=True``.

        The first entries are of before a spike of the input can have reached the output: see
        `first_steps`.

        Parameters
        ----------
        readout : {"last", "mean"}, optional
            Default: that of the deployment.

        Raises
        ------
        MeasurementError, DataError
            As `Activity.accuracy_by_step`.
        """
        return self.activity.accuracy_by_step(self.labels, self.output, readout or self.readout)

    @property
    def points_lost(self) -> float | None:
        """Points of accuracy against the Keras model; None where either is not known."""
        own = self.score
        keras = None if own is None else self.keras_score
        if own is None or keras is None or own.accuracy is None or keras.accuracy is None:
            return None
        return points(keras.accuracy, own.accuracy)

    @cached_property
    def attempts(self) -> tuple[Attempts, ...]:
        """Other settings, tried now on the same samples: see `DeployOptions.try_out`."""
        lost = None if self.bench is None else self.points_lost
        return () if lost is None else all_attempts(self.bench, lost)

    @property
    def dead_layers(self) -> tuple[str, ...]:
        """Layers of which no neuron spiked for any sample; see `spiking_layers`."""
        alive = self._alive()
        return tuple(layer for layer, spiked in alive.items() if not spiked)

    @property
    def spiking_layers(self) -> tuple[str, ...]:
        """Layers with neurons that spike."""
        return tuple(self._alive())

    def _alive(self) -> dict[str, bool]:
        """Whether any neuron of each layer spiked. A part of one may never: relu6's upper bend."""
        alive: dict[str, bool] = {}
        for population in NetworkGraph(self.network).populations:
            record = self.activity.populations[population.name]
            if record.spiking and record.counts.size:
                spiked = bool(record.counts.any())
                alive[population.layer] = alive.get(population.layer, False) or spiked
        return alive

    def mapping(self, **options: Any) -> Mapping:
        """The blocks on cores and chips, with the messages measured; see `place`."""
        options.setdefault("dt", self.activity.protocol.dt)
        return place(self.network, fit=self.fit, activity=self.activity, **options)

    def cost(self, profile: Any = None, **options: Any) -> ChipCost:
        """Energy and latency of an inference; see `chip_cost`.

        Options that are not given are those of `pricing`, or else the defaults.

        Parameters
        ----------
        profile : str or Profile, optional
            Energies and times of the chip. Default: ``"silicon"``.
        **options
            The others of `chip_cost`.

        Raises
        ------
        MissingActivityError
            Unless the emulator ran it: NengoLoihi and boards do not count what each core did.
        """
        given = {} if profile is None else {"profile": profile}
        usual = {"profile": "silicon", **self.pricing}
        return chip_cost(self.activity, **{**usual, **given, **options})

    def layers(self) -> list[dict[str, Any]]:
        """One row for each population on the chip or its host: means of a sample.

        Keys: ``layer``, ``place``, ``neurons``, ``cores``, ``block_shape``, ``spikes``,
        ``rate_hz``, ``first_step`` (see `first_steps`), and where cores were counted
        ``synops`` and ``messages`` (that arrived).
        """
        return list(presenter_of(self).records(self))
