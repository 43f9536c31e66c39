"""`break_even`: a spiking network against the same network without spikes."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .energy import devices as device_table
from .energy.balance import LayerBalance, Sides
from .energy.bit_matching import Bits, BitWidths, matched_models
from .energy.break_even import compare_sides
from .energy.cost_models import CostModel
from .energy.device import Device
from .energy.estimate import EnergyEstimate
from .energy.literature import PUBLISHED, Threshold, yan_compute
from .errors import EnergyError, MissingActivityError
from .workload.record import Workload

if TYPE_CHECKING:
    import pandas
    from matplotlib.axes import Axes

    from .activity.record import Activity

DEFAULT_OPPONENT = "digital"


@dataclass(frozen=True)
class BreakEven:
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

        Raises
        ------
        EnergyError
            If there is none of that name.
        """
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise EnergyError(
            f"There is no layer {name!r}; the layers are {', '.join(x.name for x in self.layers)}."
        )

    @property
    def verdict(self) -> str:
        """Who spends less, and from where on, in words."""
        from .report.break_even import verdict

        return verdict(self.network, *self.names)

    def layer_verdict(self, name: str) -> str:
        """The same of one layer."""
        from .report.break_even import verdict

        return verdict(self.layer(name), *self.names)

    def summary_string(self, line_length: int = 98, print_warnings: bool = True) -> str:
        """A table of all layers, and below it the verdict, assumptions, and the literature.

        Parameters
        ----------
        line_length : int
            No line is longer.
        print_warnings : bool
            Whether to say more than the verdict below the table.
        """
        from .report.break_even import break_even_table
        from .report.table import to_text

        return to_text(break_even_table(self, print_warnings), line_length)

    def summary(self, line_length: int = 98, print_warnings: bool = True) -> None:
        """Print `summary_string`."""
        print(self.summary_string(line_length, print_warnings))

    def _repr_html_(self) -> str:
        from .report.break_even import break_even_table
        from .report.html import to_html

        devices = self.sides.device, self.sides.opponent
        estimates = {d.name: EnergyEstimate(d, self.cost_model, ()) for d in devices}
        return to_html(break_even_table(self), estimates)

    def to_frame(self) -> pandas.DataFrame:
        """A row for every layer, and the last, ``"Total"``, for the network."""
        import pandas

        from .report.break_even import records

        return pandas.DataFrame.from_records(records(self), index="layer")

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain dicts, lists, strings and numbers."""
        from .report.break_even import notes, records

        *layers, network = records(self)
        spikes = self.network.spikes_per_synapse
        measured = None if spikes is None else float(np.mean(spikes))
        return {
            "format": "nengo-spikecost/break-even/1",
            "cost_model": self.cost_model,
            "presentation": {
                "n_steps": self.n_steps,
                "dt_s": self.dt,
                "n_samples": self.n_samples,
            },
            "bits": asdict(self.widths),
            "device": asdict(self.sides.device),
            "opponent": asdict(self.sides.opponent),
            "mac_over_acc": self.sides.mac_over_acc,
            "layers": layers,
            "network": network,
            "host": asdict(self.sides.host) if self.sides.host else None,
            "range": list(self.range) if self.range else None,
            "literature": [
                {
                    **asdict(threshold),
                    "measured": None if measured is None else threshold.of(measured, self.n_steps),
                    "verdict": None
                    if measured is None
                    else threshold.verdict(measured, self.n_steps),
                }
                for threshold in self.thresholds
            ],
            "notes": notes(self),
        }

    def to_json(self, path: str | os.PathLike[str] | None = None) -> str:
        """`to_dict` as JSON text, and written to ``path`` (whole or not at all) if given."""
        from .files import write_text

        text = json.dumps(self.to_dict(), indent=2, allow_nan=False) + "\n"
        if path is not None:
            write_text(path, text)
        return text

    def plot(self, layer: str | None = None, axes: Axes | None = None) -> Axes:
        """Energy against firing rate: both sides, where they meet, and where it was measured.

        Parameters
        ----------
        layer : str, optional
            Default: the network.
        axes : matplotlib.axes.Axes, optional
            Where to draw. Default: a new figure.
        """
        from .report.plots import plot_break_even

        return plot_break_even(self, layer, axes)


def break_even(
    network: Any,
    activity: Activity,
    *,
    cost_model: str | CostModel = "per_operation",
    device: str | Device = "digital_snn",
    opponent: str | Device | None = None,
    bits: Bits = None,
) -> BreakEven:
    """Hold a spiking network against the same network without spikes.

    Parameters
    ----------
    network : nengo.Network, Conversion or NetworkGraph
        The spiking network.
    activity : Activity
        Spikes measured on it.
    cost_model : str or CostModel
        What prices both sides: ``"per_operation"`` (arithmetic), ``"lemaire"`` (memory too), or
        one of your own.
    device : str or Device
        The spiking device.
    opponent : str or Device, optional
        The device without spikes. Default: ``"digital"``.
    bits : int or mapping, optional
        Width of the opponent's activations; or of ``"activations"``, ``"weights"`` (8) and
        ``"accumulators"`` (32), the last two of both sides. Default: as many bits as count to the
        number of steps, ``ceil(log2(n_steps + 1))``.

    Returns
    -------
    BreakEven

    Raises
    ------
    EnergyError
        If the device does not spike, the opponent does, the cost model cannot price one of them,
        or widths are not whole numbers.
    MeasurementError
        If the activity was not measured on this network.

    Examples
    --------
    ::

        result = nengo_spikecost.break_even(conversion, activity, cost_model="lemaire")
        result.summary()
        result.plot()
    """
    from .network_energy import NetworkEnergy

    if activity is None:
        raise MissingActivityError(
            "break_even needs the spikes of the network: pass activity=measure(network, data, "
            "n_steps)."
        )
    model, _ = matched_models(cost_model, BitWidths.of(bits, activity.protocol.n_steps))
    workload = NetworkEnergy(network, activity, cost_model=model).workload()
    return break_even_of(
        workload,
        cost_model=cost_model,
        device=device,
        opponent=opponent,
        bits=bits,
        zero_share=zero_share(activity),
    )


def break_even_of(
    workload: Workload,
    *,
    cost_model: str | CostModel = "per_operation",
    device: str | Device = "digital_snn",
    opponent: str | Device | None = None,
    bits: Bits = None,
    zero_share: float = 0.0,
) -> BreakEven:
    """`break_even` of what has been counted already.

    Parameters
    ----------
    workload : Workload
        With measured spikes.
    cost_model, device, opponent, bits
        See `break_even`.
    zero_share : float
        Share of neurons that do not spike in an inference; for the condition of Yan et al.
    """
    widths = BitWidths.of(bits, workload.n_steps)
    model, _ = matched_models(cost_model, widths)
    given = device_table.get(device, model.name)
    other = device_table.get(DEFAULT_OPPONENT if opponent is None else opponent, model.name)
    sides = compare_sides(workload, given, other, cost_model, widths)
    ratio = sides.mac_over_acc
    thresholds = PUBLISHED if ratio is None else (yan_compute(ratio, zero_share), *PUBLISHED)
    return BreakEven(
        sides=sides,
        cost_model=model.name,
        widths=widths,
        given_device=given,
        memory=sides.network.arithmetic is not None,
        prices_widths=hasattr(model.price, "widths"),
        n_steps=workload.n_steps,
        n_samples=workload.n_samples,
        dt=workload.dt,
        thresholds=thresholds,
        range=_range(workload, sides, cost_model, widths),
    )


def zero_share(activity: Activity) -> float:
    """Share of spiking neurons that do not spike in an inference, mean over samples."""
    spiking = [record for record in activity.populations.values() if record.spiking]
    neurons = sum(record.counts.size for record in spiking)
    silent = sum(int(np.count_nonzero(record.counts == 0)) for record in spiking)
    return silent / neurons if neurons else 0.0


def _range(
    workload: Workload, sides: Sides, cost_model: str | CostModel, widths: BitWidths
) -> tuple[float | None, float | None] | None:
    """Break-even with each side's constants at the end that favours it, the opponent first."""
    if not (sides.device.has_range or sides.opponent.has_range):
        return None

    def factor(device_level: str, opponent_level: str) -> float | None:
        ends = sides.device.at(device_level), sides.opponent.at(opponent_level)
        return compare_sides(workload, *ends, cost_model, widths).network.total.factor

    return factor("high", "low"), factor("low", "high")
