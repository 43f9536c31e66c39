"""`EnergyEstimate`: the energy of a network on one device, layer by layer."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from .. import check
from ..errors import EnergyError
from ..layout import Result
from ..layout.per import Per
from ..workload.work_entries import UncountedWork
from .device import Device
from .spread import Spread, spread_of


@dataclass(frozen=True)
class LayerEnergy:
    """Energy of one layer, by what it is spent on.

    Attributes
    ----------
    name : str
        Layer name.
    parts_J : mapping from str to ndarray of shape (n_samples,)
        Energy per inference of each sample in Joules, by part: ``"synop"`` and
        ``"neuron"`` for per-operation pricing; other cost models have others. One entry, if
        it is the same for all samples.
    """

    name: str
    parts_J: Mapping[str, np.ndarray]

    @property
    def total_J(self) -> np.ndarray:
        """Energy of all parts, shape (n_samples,)."""
        return _sum(self.parts_J.values())

    def mean_J(self, part: str | None = None) -> float:
        """Mean over samples of one part, 0 if the layer does not have it, or of all of them.

        Parameters
        ----------
        part : str, optional
            One of the keys of ``parts_J``. Default: all together.

        Returns
        -------
        float
            In J per inference.
        """
        energy_J = self.total_J if part is None else self.parts_J.get(part, np.zeros(1))
        return float(np.mean(energy_J))


@dataclass(frozen=True)
class StaticEnergy:
    """Energy that a device draws for the time of an inference, spikes or not.

    Attributes
    ----------
    power_W : float
        Static power of a chip.
    seconds : float
        Time of one inference on the device.
    n_chips : int
        Chips that the network's neurons need at least.
    at_least : bool
        Whether the time is not predicted, and this the shortest that it may be.
    n_layers : int
        Layers of a pass whose launch is in the time; 0 where the device tells no time for them.
    """

    power_W: float
    seconds: float
    n_chips: int = 1
    at_least: bool = False
    n_layers: int = 0

    @property
    def energy_J(self) -> float:
        """Energy per inference, of all chips."""
        return self.power_W * self.seconds * self.n_chips


@dataclass(frozen=True)
class HostEnergy:
    """Work that a spiking device leaves to the processor beside it, per inference.

    Attributes
    ----------
    layer : str
        Layer the work belongs to.
    role : str
        One of `nengo_spikecost.graph.HOST_ROLES`.
    macs, updates, operations : float
        Multiply-accumulates, neuron updates and other operations, mean of the samples.
    energy_J : float
        Energy on the host in Joules.
    """

    layer: str
    role: str
    macs: float
    updates: float
    operations: float
    energy_J: float


@dataclass(frozen=True)
class EnergyEstimate(Result):
    """Energy per inference of one network on one device.

    Attributes
    ----------
    device : Device
        The device, with its constants and their sources.
    cost_model : str
        Name of the cost model.
    layers : tuple of LayerEnergy
        In the order of the network. Every array has the same number of samples, or one
        entry if it does not depend on the sample.
    static : StaticEnergy, optional
        What the device draws all the time, if that is known of it.
    low, high : EnergyEstimate, optional
        The same work with all constants at the ends of their ranges. None: none has one.
    host : tuple of HostEnergy
        Work done beside the device, and not in its energy: see `host_J`.
    host_device : Device, optional
        The processor that does it.
    uncounted : tuple of UncountedWork
        Parts that could not be priced: with any of them totals are lower bounds.
    remarks : tuple of str
        What its energy holds and leaves out, in sentences. None: what the others leave out.
    ran_s : float, optional
        Simulated time that energies are of, for a network that runs on: see `power_W`. None: they
        are of an inference.
    """

    device: Device
    cost_model: str
    layers: tuple[LayerEnergy, ...]
    static: StaticEnergy | None = None
    low: EnergyEstimate | None = None
    high: EnergyEstimate | None = None
    host: tuple[HostEnergy, ...] = ()
    host_device: Device | None = None
    uncounted: tuple[UncountedWork, ...] = ()
    remarks: tuple[str, ...] = ()
    ran_s: float | None = None

    def layer(self, name: str) -> LayerEnergy:
        """The layer of that name.

        Parameters
        ----------
        name : str
            Name of one of ``layers``.

        Raises
        ------
        EnergyError
            If there is none.
        """
        layer: LayerEnergy = check.record("layer", name, self.layers, EnergyError)
        return layer

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of the parts that the energy of layers is divided into."""
        return tuple(dict.fromkeys(part for layer in self.layers for part in layer.parts_J))

    @property
    def static_J(self) -> float:
        """Energy per inference that is drawn without any work."""
        return 0.0 if self.static is None else self.static.energy_J

    @property
    def total_J(self) -> np.ndarray:
        """Energy of all layers, and what is drawn without them, shape (n_samples,)."""
        return _sum(layer.total_J for layer in self.layers) + self.static_J

    @property
    def mean_J(self) -> float:
        """Mean energy per inference over samples."""
        return float(np.mean(self.total_J))

    @property
    def per(self) -> Per:
        """What energies are shown per."""
        return Per(self.ran_s)

    @property
    def power_W(self) -> float | None:
        """Mean power of a network that runs on; None for one that has inferences."""
        return None if self.ran_s is None else self.mean_J / self.ran_s

    @property
    def range_J(self) -> tuple[float, float]:
        """``mean_J`` with all constants low, and with all of them high."""
        low, high = self.low or self, self.high or self
        return low.mean_J, high.mean_J

    def spread(self, confidence: float = 0.95, seed: int = 0) -> Spread:
        """How energy per inference differs between samples.

        Parameters
        ----------
        confidence : float
            Of the interval for the mean, between 0 and 1.
        seed : int
            Of the bootstrap that finds it.
        """
        return spread_of(self.total_J, confidence, seed)

    def only(self, parts: Collection[str]) -> EnergyEstimate:
        """The estimate of some parts of the layers alone, without static power.

        Parameters
        ----------
        parts : collection of str
            Keys of `LayerEnergy.parts_J`; those that a layer does not have are left out.

        Raises
        ------
        EnergyError
            If they are no texts.
        """
        words = "keys of LayerEnergy.parts_J"
        parts = check.several("parts", parts, EnergyError, words)
        for part in parts:
            check.kind("parts", part, str, EnergyError, words)
        nothing = np.zeros_like(self.total_J)
        layers = []
        for layer in self.layers:
            kept = {part: layer.parts_J[part] for part in layer.parts_J if part in parts}
            layers.append(LayerEnergy(layer.name, kept or {"none": nothing}))
        low, high = (end.only(parts) if end else None for end in (self.low, self.high))
        return replace(self, layers=tuple(layers), static=None, low=low, high=high)

    def times(self, factor: float) -> EnergyEstimate:
        """The estimate of so many passes: the energy of all layers, not what is static.

        Parameters
        ----------
        factor : float
            Passes; a share of one, too.

        Raises
        ------
        EnergyError
            If ``factor`` is no finite number of at least 0.
        """
        factor = check.positive("factor", factor, EnergyError, zero=True)
        layers = tuple(
            LayerEnergy(layer.name, {part: x * factor for part, x in layer.parts_J.items()})
            for layer in self.layers
        )
        low, high = (end.times(factor) if end else None for end in (self.low, self.high))
        return replace(self, layers=layers, low=low, high=high)

    @property
    def host_J(self) -> float:
        """Energy per inference of the work beside the device."""
        return sum(work.energy_J for work in self.host)

    @property
    def all_on_host(self) -> bool:
        """Whether there is work, but none for the device: its total says nothing then."""
        nothing = not any(np.any(layer.total_J) for layer in self.layers)
        return bool(self.host) and not self.lower_bound and nothing

    @property
    def time_at_least(self) -> bool:
        """Whether it takes longer than is known, so that what is drawn for the time is more."""
        return self.static is not None and self.static.at_least

    @property
    def lower_bound(self) -> bool:
        """Whether parts are missing, so that the total is an "at least"."""
        return bool(self.uncounted)


def _sum(energies_J: Iterable[np.ndarray]) -> np.ndarray:
    """Sample by sample, where some may be the same for all samples; shape (n_samples,) or (1,)."""
    return sum(energies_J, np.zeros(1))
