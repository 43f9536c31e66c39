"""Energies of the two sides of `break_even`, and where they meet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...energy.device import Device

CROSSINGS = ("crosses", "never", "flat", "nothing")
"""See `Balance.crossing`."""

PLACES = ("", "host", "composed", "nothing")
"""See `LayerBalance.where`."""

ROUNDING = 1e-12
"""Relative differences below this are taken for rounding."""


@dataclass(frozen=True)
class Balance:
    """Energy per inference on both sides.

    Attributes
    ----------
    snn_J, fixed_J : ndarray of shape (n_samples,)
        Of the spiking network, and of the same if no neuron spiked.
    ann_J : float
        Of the opponent.
    """

    snn_J: np.ndarray
    fixed_J: np.ndarray
    ann_J: float

    @property
    def mean_J(self) -> float:
        """Mean of ``snn_J`` over samples."""
        return float(np.mean(self.snn_J))

    @property
    def mean_fixed_J(self) -> float:
        """Mean of ``fixed_J`` over samples."""
        return float(np.mean(self.fixed_J))

    @property
    def ratio(self) -> float | None:
        """Energy with spikes over energy without; None if the opponent does nothing."""
        return self.mean_J / self.ann_J if self.ann_J > 0 else None

    @property
    def crossing(self) -> str:
        """How the two sides meet as spikes become more or fewer.

        ``"crosses"``: at `factor`. ``"never"``: without any spike it takes more than the opponent,
        or the opponent takes nothing.
        ``"flat"``: it takes less, and spikes cost nothing, or there were none to be priced.
        ``"nothing"``: neither side does anything.
        """
        if self.mean_J == 0 and self.ann_J == 0:
            return "nothing"
        if self.ann_J == 0 or self.mean_fixed_J > self.ann_J * (1 + ROUNDING):
            return "never"
        if self.mean_J - self.mean_fixed_J <= ROUNDING * self.mean_J:
            return "flat"
        return "crosses"

    @property
    def factor(self) -> float | None:
        """So many times the measured spikes make both sides equal; None if nothing does."""
        if self.crossing != "crosses":
            return None
        left_J = max(0.0, self.ann_J - self.mean_fixed_J)
        return left_J / (self.mean_J - self.mean_fixed_J)

    def at(self, factor: float) -> float:
        """Mean energy of the spiking network with so many times the measured spikes.

        Parameters
        ----------
        factor : float
            0: without any spike.

        Returns
        -------
        float
            In J per inference.
        """
        return self.mean_fixed_J + factor * (self.mean_J - self.mean_fixed_J)


@dataclass(frozen=True)
class LayerBalance:
    """One layer, or the network, on both sides.

    Attributes
    ----------
    name, kind : str
        What the layer is.
    where : str
        ``"host"``: its work is beside the chip on both sides, and in no total. ``"composed"``: its
        weights are part of other layers' synapses, so that only the opponent spends energy here.
        ``"nothing"``: it does nothing that costs energy. Else empty.
    n_synapses : int
        Synapses that spikes arrive at.
    synops : ndarray of shape (n_samples,), optional
        Spikes that arrive there, per inference. None: none can.
    rate_hz : ndarray of shape (n_samples,), optional
        Mean firing rate of the neurons that send them; of the network, of all its neurons.
    n_steps : int
        Steps per inference.
    total : Balance
        All that the cost model prices.
    arithmetic : Balance, optional
        The same without memory and static power. None: the cost model has no memory.
    uncounted : tuple of str
        What is missing from either side, each as a clause with its reason.
    """

    name: str
    kind: str
    where: str
    n_synapses: int
    synops: np.ndarray | None
    rate_hz: np.ndarray | None
    n_steps: int
    total: Balance
    arithmetic: Balance | None = None
    uncounted: tuple[str, ...] = ()

    @property
    def spikes_per_synapse(self) -> np.ndarray | None:
        """Spikes that pass a synapse per inference, mean over synapses, shape (n_samples,)."""
        if self.synops is None or not self.n_synapses:
            return None
        return self.synops / self.n_synapses

    @property
    def spikes_per_step(self) -> np.ndarray | None:
        """Spikes that pass a synapse per step, mean over synapses, shape (n_samples,)."""
        spikes = self.spikes_per_synapse
        return None if spikes is None else spikes / self.n_steps

    @property
    def break_even_rate_hz(self) -> float | None:
        """Firing rate at which both sides take the same energy."""
        return _times(self.total.factor, self.rate_hz)

    @property
    def break_even_spikes_per_synapse(self) -> float | None:
        """Spikes per synapse and inference at which both sides take the same energy."""
        return _times(self.total.factor, self.spikes_per_synapse)

    @property
    def samples_won(self) -> float:
        """Share of the samples for which spikes take less."""
        return float(np.mean(self.total.snn_J < self.total.ann_J))


@dataclass(frozen=True)
class HostSides:
    """Work that both sides leave to the host, and its energy on the opponent.

    Its static power, that of calls and of layers that these launch, is in neither.

    Attributes
    ----------
    layers : tuple of str
        Layers that are in no total, or not wholly.
    snn_J, ann_J : float
        The host's work for the spiking network, some of it at every step, and for the opponent,
        all of it once.
    """

    layers: tuple[str, ...]
    snn_J: float
    ann_J: float


@dataclass(frozen=True)
class Sides:
    """A network on a spiking device and on the opponent.

    Attributes
    ----------
    layers : tuple of LayerBalance
    network : LayerBalance
        All layers that are not the host's, with static power.
    device, opponent : Device
        As they were priced: with the energies of matched widths.
    mac_over_acc : float, optional
        Energy of the opponent's multiply-accumulate over that of a synaptic operation.
    static_J : float
        Static energy of the spiking device, part of the network's.
    host : HostSides, optional
        What is left to the host. None: nothing.
    """

    layers: tuple[LayerBalance, ...]
    network: LayerBalance
    device: Device
    opponent: Device
    mac_over_acc: float | None
    static_J: float
    host: HostSides | None


def _times(factor: float | None, measured: np.ndarray | None) -> float | None:
    if factor is None or measured is None:
        return None
    return factor * float(np.mean(measured))
