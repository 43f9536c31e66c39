"""`Activity`: spikes of each neuron and sample, under a stated protocol.

Every simulator (NengoDL, the Nengo reference simulator, the Loihi emulator, a board)
returns the same `Activity`, so that counts mean the same whichever of them simulated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .. import check
from ..chip.chip_activity import ChipActivity
from ..errors import DataError, MeasurementError
from ..layout import Result
from .labels import SIGMOID, Labels, check_length, labels_of, predicted, read_labels

READOUTS = ("last", "mean")


@dataclass(frozen=True)
class Protocol:
    """How the samples were presented.

    Attributes
    ----------
    simulator : str
        ``"nengo_dl"``, ...
    presentation : {"fresh", "continuous"}
        Whether every sample starts from the network's initial state, or each lane of the
        batch runs on from the sample before.
    n_steps : int
        Simulation steps per sample.
    dt : float
        Length of a step in seconds.
    batch_size : int
        Samples simulated side by side. In a continuous presentation sample ``i`` follows
        sample ``i - batch_size`` in lane ``i % batch_size``.
    seed : int
        Seed of everything random in the build and the run.
    constant_inputs : bool
        Whether every sample kept its inputs unchanged for the whole presentation: their
        weighted sums then need to be computed only once. An image that is given at every step is
        as constant as one that is given once.
    frames : float, optional
        Frames of a sample, mean: runs of steps in which no input changes. Every step is one if
        Nodes that are not fed change by themselves. None: not known.
    input_frames : mapping from str to float
        Those of each input that was fed, by name.
    notes : tuple of str
        What the simulator says of how it ran the network.
    runs_on : bool
        Whether there are no inferences: the network is recurrent, learns, or was given no samples.
        A device without spikes then runs it at every step, and energies are per second.
    """

    simulator: str
    presentation: str
    n_steps: int
    dt: float
    batch_size: int
    seed: int
    constant_inputs: bool = False
    frames: float | None = None
    input_frames: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    runs_on: bool = False

    @property
    def presentation_time(self) -> float:
        """Simulated seconds per sample."""
        return self.n_steps * self.dt


@dataclass(frozen=True)
class PopulationActivity:
    """The spikes of one population.

    Attributes
    ----------
    name : str
        Name of the population in the network's `NetworkGraph`.
    spiking : bool
        Whether the neurons spike.
    counts : ndarray of shape (n_samples, n_neurons)
        Spiking: spikes emitted per presentation, exact integers (of the smallest
        unsigned type that holds them); several spikes in one step all count, negative
        spikes count as spikes. Graded: the sum over steps of
        ``abs(output) * dt / amplitude``, float64, that is the expected number of spikes of
        a neuron firing at that rate.
    group : str
        The subnetwork whose populations share a line where they are printed, such as an
        EnsembleArray; empty of one that stands alone.
    """

    name: str
    spiking: bool
    counts: np.ndarray
    group: str = ""

    @property
    def n_neurons(self) -> int:
        """Number of neurons."""
        return self.counts.shape[1]

    def per_sample(self) -> np.ndarray:
        """Total counts of each sample, shape (n_samples,), int64 or float64."""
        return self.counts.sum(axis=1, dtype=np.int64 if self.spiking else np.float64)

    def per_neuron(self) -> np.ndarray:
        """Total counts of each neuron, shape (n_neurons,), int64 or float64."""
        return self.counts.sum(axis=0, dtype=np.int64 if self.spiking else np.float64)


@dataclass(frozen=True)
class OutputActivity:
    """The values of one output of the network.

    Attributes
    ----------
    name : str
        Name of the output.
    last, mean : ndarray of shape (n_samples, size), float32
        The output at the last step, and its mean over the steps of the presentation.
    head : str, optional
        What it goes through last in the Keras model: ``"softmax"``, ``"sigmoid"`` or
        ``"linear"``. None: not known.
    shape : tuple of int, optional
        Axes of its values in the Keras model.
    steps : ndarray of shape (n_samples, n_steps, size), float32, optional
        The output at every step, if it was asked for (``by_step=True``) and its Probe takes every
        step.
    """

    name: str
    last: np.ndarray
    mean: np.ndarray
    head: str | None = None
    shape: tuple[int | None, ...] | None = None
    steps: np.ndarray | None = field(default=None, repr=False)

    def until(self, readout: str = "last") -> np.ndarray:
        """The output as it would be read after each step, shape (n_samples, n_steps, size).

        Parameters
        ----------
        readout : {"last", "mean"}
            Its value at that step, or its mean over the steps up to it: for a class, the same as
            their sum.

        Raises
        ------
        MeasurementError
            If it was not kept at every step, or there is no such readout.
        """
        check.choice("readout", readout, READOUTS, MeasurementError)
        if self.steps is None:
            raise MeasurementError(
                f"Output {self.name!r} was not kept at every step: measure with by_step=True, and "
                "with a Probe without sample_every."
            )
        if readout == "last":
            return self.steps
        summed = np.cumsum(self.steps, axis=1, dtype=np.float64)
        return summed / np.arange(1, 1 + self.steps.shape[1])[:, None]


@dataclass(frozen=True)
class Activity(Result):
    """Spikes and outputs of a network for a set of samples.

    Attributes
    ----------
    protocol : Protocol
        How the samples were presented.
    populations : mapping from str to PopulationActivity
        By population name.
    outputs : mapping from str to OutputActivity
        By output name, in the order of the network.
    targets : ndarray, optional
        Labels that came with the data, one a sample.
    chip : ChipActivity, optional
        The counts of each core, if a chip ran the network or was emulated.
    """

    protocol: Protocol
    populations: Mapping[str, PopulationActivity]
    outputs: Mapping[str, OutputActivity]
    targets: np.ndarray | None = None
    chip: ChipActivity | None = None

    @property
    def n_samples(self) -> int:
        """Number of samples presented."""
        lengths = [len(record.counts) for record in self.populations.values()]
        lengths += [len(record.last) for record in self.outputs.values()]
        return lengths[0] if lengths else 0

    def rates_hz(self, population: str) -> np.ndarray:
        """Mean firing rate of each neuron over all samples, shape (n_neurons,), in Hz."""
        record = self._population(population)
        return record.per_neuron() / (self.n_samples * self.protocol.presentation_time)

    def mean_rate_hz(self, population: str) -> float:
        """Firing rate averaged over neurons, samples and time, in Hz."""
        return float(self.rates_hz(population).mean())

    def predictions(self, output: str | None = None, readout: str = "last") -> np.ndarray:
        """The class with the largest output, int64, shape (n_samples,).

        Of an output with a single value behind a sigmoid: 1 above 0.5, and 0 else.

        Parameters
        ----------
        output : str, optional
            Which output; may be left out if there is only one.
        readout : {"last", "mean"}
            Read the output at the last step, or its mean over the presentation.

        Raises
        ------
        MeasurementError
            If there is no such output.
        DataError
            If the output has a single value, which can't name a class.
        """
        record = self.read_from(output, readout)
        values = getattr(record, readout)
        if values.shape[1] > 1:
            return predicted(values)
        if record.head != SIGMOID:
            raise DataError(
                f"Output {record.name!r} has a single value, not one value for each class: leave "
                f"labels out, and read .outputs[{record.name!r}]."
            )
        return predicted(values, 0.5)

    def accuracy(
        self, y: np.ndarray | None = None, output: str | None = None, readout: str = "last"
    ) -> float:
        """Share of samples whose predicted class is the label.

        Of multi-label, several ones in a row behind a sigmoid, the share of all values.

        Parameters
        ----------
        y : array of shape (n_samples,) or (n_samples, 1) or one-hot, optional
            Labels; default: those that came with the data. 0 and 1 for an output of a single
            value.
        output : str, optional
            Which output; needed if there are several.
        readout : {"last", "mean"}
            Its value at the last step, or its mean over the steps.

        Raises
        ------
        DataError
            If there are no labels, not one for every sample, or they are not the numbers of
            the classes.
        """
        labels = self._classes(y, output)
        record = self.read_from(output, readout)
        return float(labels.outcomes(getattr(record, readout)).mean())

    def accuracy_by_step(
        self, y: np.ndarray | None = None, output: str | None = None, readout: str = "last"
    ) -> np.ndarray:
        """The accuracy of reading after each step, from this one run; shape (n_steps,).

        For fresh samples, entry ``k`` is the accuracy of a run with ``n_steps=k + 1``.

        Parameters
        ----------
        y, output, readout
            Labels, the output and how it is read, as `accuracy` takes them.

        Raises
        ------
        MeasurementError
            If the output was not kept at every step: measure with ``by_step=True``.
        DataError
            As `accuracy`.
        """
        values = self.read_from(output, readout).until(readout)
        labels = self._classes(y, output)
        return np.array([labels.outcomes(at).mean() for at in np.moveaxis(values, 1, 0)])

    def _classes(self, y: np.ndarray | None, output: str | None) -> Labels:
        """Labels of a classification, which there have to be."""
        labels = self.labels(y, output, task="classification")
        if labels is None:
            raise DataError("Accuracy needs labels: pass y.")
        return labels

    def labels(
        self, y: np.ndarray | None = None, output: str | None = None, task: str | None = None
    ) -> Labels | None:
        """Labels of an output, checked; None if there are none.

        Parameters
        ----------
        y : array, optional
            Default: those that came with the data.
        output : str, optional
            May be left out if there is only one.
        task : {"classification", "regression"}, optional
            Default: told from labels and output, see `read_labels`.

        Raises
        ------
        DataError
            If they are not one for every sample, or no labels of this output.
        """
        record = self.read_from(output)
        own = self.targets if y is None else labels_of(y, record.name)
        if own is None:
            return None
        labels = read_labels(own, record.last.shape[1], record.head, task, record.shape)
        check_length(labels, self.n_samples)
        return labels

    def read_from(self, output: str | None = None, readout: str = "last") -> OutputActivity:
        """The output of that name, or the only one.

        Parameters
        ----------
        output : str, optional
            May be left out if there is one only.
        readout : {"last", "mean"}
            What is to be read of it.

        Raises
        ------
        MeasurementError
            If there is no such output, or no such readout.
        """
        check.choice("readout", readout, READOUTS, MeasurementError)
        if output is None:
            if len(self.outputs) != 1:
                raise MeasurementError(
                    f"The network has {len(self.outputs)} outputs ({', '.join(self.outputs)}): "
                    "say which one with output=."
                )
            output = next(iter(self.outputs))
        if not isinstance(output, str) or output not in self.outputs:
            raise MeasurementError(
                f"There is no output {output!r}; the outputs are {', '.join(self.outputs)}."
            )
        return self.outputs[output]

    def _population(self, name: str) -> PopulationActivity:
        if not isinstance(name, str) or name not in self.populations:
            raise MeasurementError(
                f"There is no population {check.shown(name)}; the populations are "
                f"{', '.join(self.populations)}."
            )
        return self.populations[name]


def checked_activity(activity: Any) -> Activity:
    """The spikes of a network.

    Raises
    ------
    MeasurementError
        If it is something else, such as the samples that they are to be measured on.
    """
    words = "an Activity, as nengo_spikecost.measure(network, data, n_steps) returns it"
    found: Activity = check.kind("activity", activity, Activity, MeasurementError, words)
    return found
