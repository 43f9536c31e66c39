"""The entries of a `Workload`: the work of a population, a pathway, a Connection or a function."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class PopulationWork:
    """The neurons of one population, with their spikes and updates.

    Attributes
    ----------
    name : str
        Name of the population (unique within the network).
    layer : str
        Name of the layer whose row the population's work is shown in.
    n_neurons : int
        Number of neurons.
    neuron_type : str
        Name of the neuron model, e.g. ``"SpikingRectifiedLinear"``.
    spiking : bool
        Whether the neurons emit spikes (False: graded outputs).
    updates : int
        Neuron updates per inference: neurons times steps, times the updates of one of these
        neurons (see `neuron_cost_rules`).
    spikes : ndarray of shape (n_samples,), optional
        Spikes emitted per inference, one entry a sample. None: not measured, or graded.
    on_chip : bool
        Whether a spiking device runs the neurons, and not the host beside it.
    assumed_spiking : bool
        The neurons of the model given are graded, but were counted as if they spiked, as
        `average` does with a Keras model that has not been converted.
    has_bias : bool
        Whether anything constant is added to the neurons' input.
    leaky : bool
        Whether the neurons' state decays, so that an update multiplies.
    most_spikes : float, optional
        The most spikes that any of its neurons emitted for any sample.
    n_silent : int, optional
        Neurons that spiked for none of the samples.
    """

    name: str
    layer: str
    n_neurons: int
    neuron_type: str
    spiking: bool
    updates: int
    spikes: np.ndarray | None = None
    on_chip: bool = True
    assumed_spiking: bool = False
    has_bias: bool = True
    leaky: bool = False
    most_spikes: float | None = None
    n_silent: int | None = None


@dataclass(frozen=True)
class PathwayWork:
    """The synapses of one pathway and how often they were used.

    Attributes
    ----------
    name : str
        ``"pre -> post"``, unique within the network.
    layer : str
        Name of the layer whose row the pathway's work is shown in.
    kind : str
        One of `nengo_spikecost.graph.PATHWAY_KINDS`: only ``"neural"`` and ``"readout"``
        pathways carry spikes.
    n_synapses : int
        Number of (source neuron, target) pairs joined by a nonzero weight, borders
        exact. The multiply-accumulates of one pass of the non-spiking network.
    synops : ndarray of shape (n_samples,), optional
        Synaptic operations per inference, one entry a sample. None: the pathway carries
        no spikes, or they were not measured, or it is not on the chip: there its weights
        are multiplied by the host (`HostWork`).
    average_synops : ndarray of shape (n_samples,), optional
        Mean rate times number of synapses, for the same spikes.
    on_chip : bool
        Whether the synapses are on a spiking device, should the network run on one.
    n_sources, n_targets : int
        Elements at either end.
    n_weights : int
        Different weights stored: of a convolution, its kernel's.
    source_spikes : ndarray of shape (n_samples,), optional
        Spikes per inference of the population that it comes from. None: not measured, or
        its values are graded.
    events : ndarray of shape (n_samples,), optional
        Each of these spikes times the targets it reaches, wherever the synapses are; where
        they are on the chip, the same as ``synops``.
    passes : float
        How often graded values are sent per inference: inputs once for each frame of a sample
        (mean of the samples), others at every step.
    pre, post : str
        Names of its two ends.
    """

    name: str
    layer: str
    kind: str
    n_synapses: int
    synops: np.ndarray | None = None
    average_synops: np.ndarray | None = None
    on_chip: bool = True
    n_sources: int = 0
    n_targets: int = 0
    n_weights: int = 0
    source_spikes: np.ndarray | None = None
    events: np.ndarray | None = None
    passes: float = 1
    pre: str = ""
    post: str = ""

    @property
    def shared(self) -> bool:
        """Whether synapses share their weights, as those of a convolution do."""
        return 0 < self.n_weights < self.n_synapses


@dataclass(frozen=True)
class DenseWork:
    """The weights of one Connection, as a machine without spikes applies them.

    Attributes
    ----------
    name, layer : str
        The Connection, and the layer whose row its work is shown in.
    macs : int
        Multiply-accumulates of one pass.
    on_chip : bool
        Whether the synapses of a spiking device have these weights, alone or multiplied with
        others. Those of inputs and readouts are its host's.
    n_sources : int
        Values that are multiplied.
    n_targets : int
        Sums that are kept for other weights to read, or given; 0 where neurons take them.
    n_weights : int
        Different weights stored: of a convolution, its kernel's.
    """

    name: str
    layer: str
    macs: int
    on_chip: bool = True
    n_sources: int = 0
    n_targets: int = 0
    n_weights: int = 0

    @property
    def shared(self) -> bool:
        """Whether a weight is used more than once, as those of a convolution are."""
        return 0 < self.n_weights < self.macs


@dataclass(frozen=True)
class FactoredWork:
    """The weights of one Connection or Ensemble on a device that keeps them factored.

    Attributes
    ----------
    name, layer : str
        The weights, and the layer they belong to.
    operations : ndarray of shape (n_samples,)
        Synaptic operations of spikes, and multiply-accumulates of all steps, per inference.
    fixed : int
        Those of them that are made without any spike.
    """

    name: str
    layer: str
    operations: np.ndarray
    fixed: int = 0


@dataclass(frozen=True)
class LearningWork:
    """The weights that one learning rule changes.

    Attributes
    ----------
    name, layer : str
        The rule and its Connection, and the layer the learned weights belong to.
    updates : int
        Weights changed per inference, each as often as it is.
    macs : int
        Multiply-accumulates that it takes to change them, per inference.
    """

    name: str
    layer: str
    updates: int
    macs: int


@dataclass(frozen=True)
class HostWork:
    """Work beside a spiking device, on the processor that feeds and reads it.

    Attributes
    ----------
    name, layer : str
        The Connection, population or Node, and the layer that it belongs to.
    role : {"input", "neurons", "readout", "function"}
        Kind of work there; see `nengo_spikecost.graph.HOST_ROLES`.
    macs, updates, operations : int
        Multiply-accumulates, neuron updates and other operations of one pass.
    passes : float
        Passes per inference: of inputs one a frame of a sample (mean of the samples), else one a
        step.
    """

    name: str
    layer: str
    role: str
    macs: int
    updates: int
    operations: int
    passes: float


@dataclass(frozen=True)
class UncountedWork:
    """A part of the network that could not be counted, and why.

    Attributes
    ----------
    name, layer : str
        The object, and the layer whose row it belongs to.
    reason : str
        Why it was not counted, as a clause that follows the name.
    """

    name: str
    layer: str
    reason: str
