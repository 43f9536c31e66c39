"""`NetworkEnergy`: counts and energy of a network, with ModelEnergy's method names.

A thin front: counting is in ``nengo_spikecost.workload``, pricing in ``nengo_spikecost.energy``.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Callable, Union

from .. import check
from ..activity.activity_record import Activity
from ..energy import devices as device_table
from ..energy.cost_models import CostModel, get_cost_model
from ..energy.device import Constant, Device
from ..energy.estimate import EnergyEstimate
from ..energy.host_pricing import DEFAULT_HOST
from ..energy.peers.kerasspiking.layer_counters import register_layer
from ..energy.pricing import estimate_energy
from ..energy.shown.layer_rows import layer_rows
from ..errors import EnergyError, EstimateWarning, UncountedWarning
from ..layout import Result
from ..options import named_arguments
from ..workload.workload_record import Workload

if TYPE_CHECKING:
    import pandas

DeviceName = Union[str, Device]


class NetworkEnergy(Result):
    """Counts and energy of a network, layer by layer, on any device.

    The methods have the names of KerasSpiking's ``ModelEnergy``.

    Parameters
    ----------
    network : nengo.Network, Conversion or NetworkGraph
        What to price; a Keras model with ``cost_model="kerasspiking"``.
    activity : Activity, optional
        Spikes measured on the network. Without it only non-spiking devices can be priced.
    cost_model : str or CostModel
        ``"per_operation"``: exact synops and neuron updates, each at the device's energy.
        ``"average"``: the same with mean rate times synapses for the synops.
        ``"kerasspiking"``: ModelEnergy's own numbers for a Keras model, that is mean
        activation times connections. A cost model with options of its own is an object.
    example_data : optional
        For ``cost_model="kerasspiking"``: inputs as ``model.predict`` takes them.
    host : str or Device
        The processor that does what a spiking device leaves to its host.

    Attributes
    ----------
    model : CostModel
        What prices the counts.
    cost_model : str
        Its name.

    Raises
    ------
    EnergyError
        If the cost model is not known, or the arguments do not go together.
    MeasurementError
        If the activity was not measured on this network.

    Notes
    -----
    ``timesteps_per_inference`` and ``dt`` default to what was measured; with other values the
    counts are scaled at the same firing rates, and an `EstimateWarning` is given. Non-spiking
    devices run the network once for each frame of a sample, whatever the number of steps. A network
    that runs on (recurrent, learning, or given no samples) they run at every step, and its table is
    per second, energies as power (`Workload.runs_on`).
    """

    @named_arguments
    def __init__(
        self, network: Any, activity: Activity | None = None, *,
        cost_model: str | CostModel = "per_operation", example_data: Any = None,
        host: DeviceName = DEFAULT_HOST,
    ):  # fmt: skip
        self.model = get_cost_model(cost_model)
        self.cost_model = self.model.name
        self._host = device_table.get(host, self.cost_model)
        self._counter = self.model.counter(network, activity, example_data)

    def workload(
        self, timesteps_per_inference: int | None = None, dt: float | None = None
    ) -> Workload:
        """Counts of the work per inference; no energy yet.

        Parameters
        ----------
        timesteps_per_inference : int, optional
            Steps per inference.
        dt : float, optional
            Length of a step in seconds.
        """
        return self._counter.workload(timesteps_per_inference, dt)

    def estimate(
        self, device: DeviceName, timesteps_per_inference: int | None = None,
        dt: float | None = None,
    ) -> EnergyEstimate:  # fmt: skip
        """Energy of every layer and every sample on one device.

        Parameters
        ----------
        device : str or Device
            The device; case does not matter.
        timesteps_per_inference : int, optional
            Steps per inference.
        dt : float, optional
            Length of a step in seconds.

        Raises
        ------
        UnknownDeviceError
            If there is no such device.
        MissingActivityError
            If the device is spiking and no spikes were measured.
        """
        device = device_table.get(device, self.cost_model)
        counted = self.workload()
        if not device.spiking and counted.dense_passes == 1 and not counted.runs_on:
            # Run once, dense: nothing is scaled, so nothing is to be warned of.
            timesteps_per_inference = dt = None
        return self.price(self.workload(timesteps_per_inference, dt), device)

    def layer_energy(
        self, layer: Any, device: DeviceName, timesteps_per_inference: int | None = None,
        dt: float | None = None,
    ) -> tuple[float, float]:  # fmt: skip
        """Energy of one layer per inference, mean over samples.

        Parameters
        ----------
        layer : str, Keras layer or nengo.Ensemble
            The layer.
        device, timesteps_per_inference, dt
            As `estimate` takes them.

        Returns
        -------
        synop_J, neuron_J : float
            Joules for synaptic operations and for neuron updates on the device; what its host
            does for the layer is in ``estimate(device).host``.
        """
        name = self._counter.layer_name(layer)
        parts_J = self.estimate(device, timesteps_per_inference, dt).layer(name).parts_J
        if not parts_J.keys() <= {"synop", "neuron"}:
            raise EnergyError(
                f"Cost model {self.cost_model!r} divides energy into {', '.join(parts_J)}, not "
                "into synops and neurons: see estimate(device).layer(name).parts_J."
            )
        return float(parts_J["synop"].mean()), float(parts_J["neuron"].mean())

    def total_energy(
        self, device: DeviceName, timesteps_per_inference: int | None = None,
        dt: float | None = None,
    ) -> float:  # fmt: skip
        """Energy of the whole network per inference in Joules, mean over samples.

        Of a spiking device without its host, whose energy is ``estimate(device).host_J``.

        Parameters
        ----------
        device, timesteps_per_inference, dt
            As `estimate` takes them.

        Warns
        -----
        UncountedWarning
            If parts could not be counted: the total is then a lower bound.
        EstimateWarning
            If all the work is the host's, so that nothing is left for the device.
        """
        estimate = self.estimate(device, timesteps_per_inference, dt)
        if estimate.all_on_host:
            warnings.warn(
                f"Nothing of this network runs on {estimate.device.name}: all its work is that of "
                "the host, whose energy is estimate(device).host_J.",
                EstimateWarning,
                stacklevel=2,
            )
        if estimate.lower_bound:
            names = ", ".join(u.name for u in estimate.uncounted)
            warnings.warn(
                f"The energy on {estimate.device.name} is a lower bound: {names} could not be "
                "counted; summary() says why.",
                UncountedWarning,
                stacklevel=2,
            )
        return estimate.mean_J

    def summary_string(  # type: ignore[override]  # columns first, as in ModelEnergy
        self,
        columns: Sequence[str] | None = None,
        timesteps_per_inference: int | None = None,
        dt: float | None = None,
        line_length: int = 80,
        print_warnings: bool = True,
        ensembles: bool = False,
    ) -> str:
        """A table of all layers, with totals and notes.

        Parameters
        ----------
        columns : sequence of str, optional
            Any of ``"name"``, ``"output_shape"``, ``"params"``, ``"connections"``,
            ``"macs"`` (of one dense pass), ``"neurons"``, ``"rate"``, ``"spikes"``,
            ``"synops"``, ``"updates"``, ``"average_synops"`` (what mean rate times
            connections says of the same spikes), ``"average/exact"``, ``"factored"``
            (operations where decoders and encoders are not multiplied out),
            ``"weight_updates"`` (by learning rules), ``"spikes/synapse"``, ``"energy D"``,
            ``"synop_energy D"`` and ``"neuron_energy D"`` for any device D, and ``"break-even D"``
            for a spiking device: the spikes per synapse at which the same network without spikes
            takes as much (see `break_even`).
        timesteps_per_inference, dt : optional
            As `estimate` takes them.
        line_length : int
            No line is longer; a table that does not fit goes on below.
        print_warnings : bool
            Whether to say that these are estimates and what they assume.
        ensembles : bool
            A row for every ensemble. Default: one for each EnsembleArray or other subnetwork.
        """
        return self._text(
            line_length, columns=columns, presentation=(timesteps_per_inference, dt),
            print_warnings=print_warnings, ensembles=ensembles,
        )  # fmt: skip

    def to_frame(
        self, devices: Iterable[DeviceName] | None = None,
        timesteps_per_inference: int | None = None, dt: float | None = None,
    ) -> pandas.DataFrame:  # fmt: skip
        """The table as a data frame: a row for every layer, and those below them.

        The column ``"type"`` is ``"host"`` for work beside spiking devices, which is not in their
        total, and ``"uncounted"`` for what could not be counted. ``"where"`` is ``"host"`` for
        layers too whose work is all their host's; ``"uncounted_on"`` names the devices on which
        a row's Joules are not all.

        Parameters
        ----------
        devices : iterable of str, optional
            Default: the usual devices (`Device.by_default`); ``"all"``: every device that has a
            price.
        timesteps_per_inference : int, optional
            Steps per inference.
        dt : float, optional
            Length of a step in seconds.
        """
        return self._frame(devices=devices, presentation=(timesteps_per_inference, dt))

    def to_csv(
        self, path: str | os.PathLike[str] | None = None,
        devices: Iterable[DeviceName] | None = None, timesteps_per_inference: int | None = None,
        dt: float | None = None,
    ) -> str:  # fmt: skip
        """The rows of `to_frame` as CSV text.

        Parameters
        ----------
        path : str or path, optional
            A file to write, too.
        devices, timesteps_per_inference, dt : optional
            As `to_frame` takes them.
        """
        return self._csv(path, devices=devices, presentation=(timesteps_per_inference, dt))

    def to_json(
        self, path: str | os.PathLike[str] | None = None,
        devices: Iterable[DeviceName] | None = None, timesteps_per_inference: int | None = None,
        dt: float | None = None,
    ) -> str:  # fmt: skip
        """Everything as JSON text.

        Parameters
        ----------
        path : str or path, optional
            A file to write, too.
        devices, timesteps_per_inference, dt : optional
            As `to_frame` takes them.
        """
        return self._json(path, devices=devices, presentation=(timesteps_per_inference, dt))

    def estimates(
        self, devices: Iterable[DeviceName] | None = None,
        timesteps_per_inference: int | None = None, dt: float | None = None,
    ) -> dict[str, EnergyEstimate]:  # fmt: skip
        """Estimates by name of the device.

        Parameters
        ----------
        devices, timesteps_per_inference, dt : optional
            As `to_frame` takes them.
        """
        workload = self.workload(timesteps_per_inference, dt)
        chosen = device_table.select(
            devices, spikes=workload.measured and workload.spiking, can_price=self.model.can_price,
            cost_model=self.cost_model,
        )  # fmt: skip
        return {d.name: self.price(workload, d) for d in chosen}

    def to_html(  # type: ignore[override]
        self, path: str | os.PathLike[str] | None = None, command: str = "",
        columns: Sequence[str] | None = None,
    ) -> str:  # fmt: skip
        """A page that can be sent: verdict, charts, tables, sources.

        Parameters
        ----------
        path : str or path, optional
            A file to write, too.
        command : str
            What made the result, to be shown on the page.
        columns : sequence of str, optional
            Columns of its table, as `summary_string` takes them.
        """
        return self._page(path, command, columns=columns)

    def price(self, workload: Workload, device: DeviceName) -> EnergyEstimate:
        """Energy of a workload on one device, with the cost model and the host of this network.

        Parameters
        ----------
        workload : Workload
            As `workload` returns it.
        device : str or Device
            The device; case does not matter.

        Raises
        ------
        UnknownDeviceError
            If there is no such device.
        MissingActivityError
            If the device is spiking and no spikes were measured.
        """
        words = "a Workload, as NetworkEnergy.workload() returns it"
        check.kind("workload", workload, Workload, EnergyError, words)
        found = device_table.get(device, self.cost_model)
        return estimate_energy(workload, found, self.model, self._host)

    def plot(self, device: DeviceName | None = None, axes: Any = None) -> Any:  # type: ignore[override]
        """Energy of every layer on a device, by what it is spent on.

        Parameters
        ----------
        device : str or Device, optional
            Default: the first of the usual devices that spikes, or else the first of all.
        axes : matplotlib.axes.Axes, optional
            Where to draw. Default: a new figure.
        """
        return self._draw(axes, device=device)

    @property
    def layer_stats(self) -> dict[str, dict[str, Any]]:
        """Connections, neurons and whether it spikes, by layer name."""
        workload = self.workload()
        graded = {p.layer for p in workload.populations if p.assumed_spiking or not p.spiking}
        stats = {}
        for row in layer_rows(workload, {}):
            counts = {"connections": row.connections, "neurons": row.neurons}
            stats[row.name] = {**counts, "spiking": row.name not in graded}
        return stats

    @property
    def layer_rates(self) -> dict[str, float | None]:
        """The column ``"rate"`` by layer name, in Hz; None where it is not known."""
        return {row.name: row.rate_hz for row in layer_rows(self.workload(), {})}

    @classmethod
    def register_device(
        cls, device_name: str, energy_per_synop: float | Constant,
        energy_per_neuron: float | Constant, spiking: bool, **details: Any,
    ) -> None:  # fmt: skip
        """Add a device for all networks; see `nengo_spikecost.energy.devices.register_device`.

        Parameters
        ----------
        device_name, energy_per_synop, energy_per_neuron, spiking, **details
            As that function takes them.
        """
        device_table.register_device(
            device_name, energy_per_synop, energy_per_neuron, spiking, **details
        )

    @classmethod
    def register_layer(cls, layer_class: type) -> Callable:
        """Decorator that adds a counter for a Keras layer type to ``cost_model="kerasspiking"``.

        Parameters
        ----------
        layer_class : type
            As `nengo_spikecost.layers.layer_counts.register_layer` takes it.
        """
        return register_layer(layer_class)
