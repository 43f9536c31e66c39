"""What a network costs on one device: the record that reports show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..errors import EnergyError
from ..workload.record import UncountedWork
from .device import Device


@dataclass(frozen=True)
class LayerEnergy:
    """Energy of one layer, by what it is spent on.

    Attributes
    ----------
    name : str
        Layer name.
    parts_J : mapping from str to ndarray of shape (n_samples,)
        Energy per inference of each sample in Joules, by part: ``"synop"`` and
        ``"neuron"`` for per-operation pricing; other cost models may have more.
    """

    name: str
    parts_J: Mapping[str, np.ndarray]

    @property
    def synop_J(self) -> np.ndarray:
        """Energy of synaptic operations, shape (n_samples,)."""
        return self.parts_J["synop"]

    @property
    def neuron_J(self) -> np.ndarray:
        """Energy of neuron updates, shape (n_samples,)."""
        return self.parts_J["neuron"]

    @property
    def total_J(self) -> np.ndarray:
        """Energy of all parts, shape (n_samples,)."""
        return np.sum(list(self.parts_J.values()), axis=0)


@dataclass(frozen=True)
class HostEnergy:
    """What a spiking device leaves to the processor beside it, per inference.

    Attributes
    ----------
    layer : str
        Layer the work belongs to.
    role : str
        One of `nengo_spikecost.graph.HOST_ROLES`.
    macs, updates, operations : int
        Multiply-accumulates, neuron updates and other operations.
    energy_J : float
        Energy on the host in Joules.
    """

    layer: str
    role: str
    macs: int
    updates: int
    operations: int
    energy_J: float


@dataclass(frozen=True)
class EnergyEstimate:
    """Energy per inference of one network on one device.

    Attributes
    ----------
    device : Device
        The device, with its constants and their sources.
    cost_model : str
        Name of the cost model.
    layers : tuple of LayerEnergy
        In the order of the network. Every array has the same number of samples, or one
        entry if nothing depends on the sample.
    host : tuple of HostEnergy
        Work done beside the device, and not in its energy: see `host_J`.
    host_device : Device, optional
        The processor that does it.
    uncounted : tuple of UncountedWork
        Parts that could not be priced: with any of them totals are lower bounds.
    """

    device: Device
    cost_model: str
    layers: tuple[LayerEnergy, ...]
    host: tuple[HostEnergy, ...] = ()
    host_device: Device | None = None
    uncounted: tuple[UncountedWork, ...] = ()

    def layer(self, name: str) -> LayerEnergy:
        """The layer of that name."""
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise EnergyError(f"There is no layer {name!r} in the estimate.")

    @property
    def total_J(self) -> np.ndarray:
        """Energy of all layers, shape (n_samples,)."""
        return np.sum([layer.total_J for layer in self.layers], axis=0)

    @property
    def mean_J(self) -> float:
        """Mean energy per inference over samples."""
        return float(np.mean(self.total_J))

    @property
    def host_J(self) -> float:
        """Energy per inference of the work beside the device."""
        return sum(work.energy_J for work in self.host)

    @property
    def lower_bound(self) -> bool:
        """Whether parts are missing, so that the total is an "at least"."""
        return bool(self.uncounted)
