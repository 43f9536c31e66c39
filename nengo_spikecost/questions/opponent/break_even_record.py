"""`BreakEven`: who spends less, with spikes or without, layer by layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ... import check
from ...energy.device import Device
from ...errors import EnergyError
from ...layout import Result
from ...layout.per import Per
from .balance import LayerBalance, Sides
from .bit_matching import BitWidths
from .literature import Threshold
from .verdicts import verdict


@dataclass(frozen=True)
class BreakEven(Result):
    """A spiking network against the same network without spikes, layer by layer.

    Attributes
    ----------
    sides : Sides
        Both sides in numbers: ``.layers`` and ``.network``, each with energies of every sample,
        rates, spikes per synapse, and the break-even in all three.
    cost_model : str
        What priced both.
    widths : BitWidths
        Bits that the opponent computes with.
    given_device : Device
        The spiking device before its width was matched.
    memory : bool
        Whether the cost model prices memory, so that there is a break-even without it too.
    prices_widths : bool
        Whether the cost model has widths itself.
    n_steps, n_samples : int
    dt : float
        The presentation that was measured.
    thresholds : tuple of Threshold
        What publications say, to be held beside it.
    range : tuple of (float or None), optional
        The network's break-even as multiples of the measured spikes, with the constants of both
        devices at the ends of their ranges: the least and the most favourable to spikes. None
        for an end: never. None: no constant has a range.
    runs_on : bool
        Whether the network has no inferences: the opponent runs at every step.
    """

    sides: Sides
    cost_model: str
    widths: BitWidths
    given_device: Device
    memory: bool
    prices_widths: bool
    n_steps: int
    n_samples: int
    dt: float
    thresholds: tuple[Threshold, ...]
    range: tuple[float | None, float | None] | None = None
    runs_on: bool = False

    @property
    def per(self) -> Per:
        """What figures are shown per."""
        return Per(self.n_steps * self.dt if self.runs_on else None)

    @property
    def names(self) -> tuple[str, str]:
        """Names of the spiking device and of the opponent."""
        return self.sides.device.name, self.sides.opponent.name

    @property
    def network(self) -> LayerBalance:
        """Both sides of the whole network."""
        return self.sides.network

    @property
    def layers(self) -> tuple[LayerBalance, ...]:
        """Both sides of every layer, in the order of the network."""
        return self.sides.layers

    def layer(self, name: str) -> LayerBalance:
        """Both sides of a layer.

        Parameters
        ----------
        name : str
            Name of one of ``layers``.

        Raises
        ------
        EnergyError
            If there is none of that name.
        """
        layer: LayerBalance = check.record("layer", name, self.layers, EnergyError)
        return layer

    @property
    def verdict(self) -> str:
        """Who spends less, and from where on, in words."""
        return verdict(self.network, *self.names, self.per)

    def layer_verdict(self, name: str) -> str:
        """Who spends less on one layer, and from where on, in words.

        Parameters
        ----------
        name : str
            Name of one of ``layers``.

        Raises
        ------
        EnergyError
            If there is none of that name.
        """
        return verdict(self.layer(name), *self.names, self.per)

    def summary_string(self, line_length: int = 80, print_warnings: bool = True) -> str:
        """A table of all layers, and below it the verdict, assumptions, and the literature.

        Parameters
        ----------
        line_length : int
            No line is longer.
        print_warnings : bool
            Whether to say more than the verdict below the table.
        """
        return self._text(line_length, print_warnings=print_warnings)

    def plot(  # type: ignore[override]
        self, layer: str | None = None, axes: Any = None
    ) -> Any:
        """Energy against firing rate: both sides, where they meet, and where it was measured.

        Parameters
        ----------
        layer : str, optional
            Default: the network.
        axes : matplotlib.axes.Axes, optional
            Where to draw. Default: a new figure.
        """
        return self._draw(axes, layer=layer)
