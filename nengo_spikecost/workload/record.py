"""What a network did, counted per inference: the record that cost models price.

A `Workload` is pure counting. It knows no Joule and no device; it is made by one of the
counters beside this file (`exact`, `average`) and priced by the cost models in
``nengo_spikecost.energy``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Tuple

import numpy as np


@dataclass(frozen=True)
class PopulationWork:
    """The neurons of one population and what they did.

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
        Neuron updates per inference: ``n_neurons * n_steps``.
    spikes : ndarray of shape (n_samples,), optional
        Spikes emitted per inference, one entry a sample. None: not measured, or graded.
    """

    name: str
    layer: str
    n_neurons: int
    neuron_type: str
    spiking: bool
    updates: int
    spikes: Optional[np.ndarray] = None


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
        no spikes, or they were not measured.
    average_synops : ndarray of shape (n_samples,), optional
        What mean rate times number of synapses would have said of the same spikes.
    """

    name: str
    layer: str
    kind: str
    n_synapses: int
    synops: Optional[np.ndarray] = None
    average_synops: Optional[np.ndarray] = None


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


@dataclass(frozen=True)
class LayerInfo:
    """What is said of a layer besides its work.

    Attributes
    ----------
    name : str
        Layer name.
    kind : str
        Type of the layer as people know it: ``"Conv2D"``, ``"Ensemble"``.
    output_shape : str
        Shape as printed.
    n_params : int
        Number of parameters (weights and biases).
    """

    name: str
    kind: str
    output_shape: str
    n_params: int


@dataclass(frozen=True)
class Workload:
    """Everything counted for one network under one protocol, per inference.

    Attributes
    ----------
    layers : tuple of LayerInfo
        The rows, in the order of the network.
    populations, pathways, uncounted : tuples
        The work, each entry naming the layer it belongs to.
    n_steps : int
        Simulation steps per inference (1 when nothing was measured).
    dt : float
        Length of a step in seconds.
    n_samples : int
        Number of inferences measured (0: static counts only).
    """

    layers: Tuple[LayerInfo, ...]
    populations: Tuple[PopulationWork, ...]
    pathways: Tuple[PathwayWork, ...]
    uncounted: Tuple[UncountedWork, ...]
    n_steps: int
    dt: float
    n_samples: int
