"""`profile`: from a model and data to spikes, synops, Joules and accuracy in one call."""

from __future__ import annotations

import json
import os
import textwrap
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from .activity.record import OutputActivity, class_labels
from .activity.samples import with_labels
from .errors import DataError, EnergyError, EstimateWarning, MeasurementError

#: Columns of a profile's table, before the energy on each device.
COLUMNS = (
    "name",
    "neurons",
    "connections",
    "macs",
    "rate",
    "spikes",
    "synops",
    "average/exact",
    "spikes/synapse",
)

#: The device on which spikes meet the same technology without them.
SAME_TECHNOLOGY = "digital_snn"


@dataclass(frozen=True)
class Profile:
    """What one network did on one data set, and what that costs.

    Attributes
    ----------
    network : Conversion or nengo.Network
        What was simulated.
    activity : Activity
        Spikes and outputs, per sample.
    energy : NetworkEnergy
        Counts and Joules of the network.
    devices : tuple of str
        The devices in the table and in files.
    accuracy : dict from str to float
        ``"spiking, last step"``, ``"spiking, mean over steps"`` and, for a Keras model,
        ``"keras"``: share of samples classified rightly. Empty without labels.
    """

    network: Any
    activity: Any
    energy: Any
    devices: tuple[str, ...]
    accuracy: Mapping[str, float]

    def __repr__(self) -> str:
        share = "".join(f", {name} {value:.1%}" for name, value in self.accuracy.items())
        return (
            f"<Profile of {self.network!r}: {self.activity.n_samples} samples on "
            f"{', '.join(self.devices)}{share}; summary() prints it>"
        )

    def summary_string(self, line_length: int = 98, print_warnings: bool = True) -> str:
        """Protocol, accuracy, the table of all layers, and the verdicts of `break_even`."""
        table = self.energy.summary_string(
            columns=self._columns(),
            line_length=line_length,
            print_warnings=print_warnings,
        )
        lines = [*self._heading(), "", table]
        if print_warnings:
            lines += self._verdicts(line_length)
        return "\n".join(lines)

    def summary(self, line_length: int = 98, print_warnings: bool = True) -> None:
        """Print `summary_string`."""
        print(self.summary_string(line_length, print_warnings))

    def break_even(self, device: str = SAME_TECHNOLOGY, **options: Any) -> Any:
        """The network against the same without spikes; see `nengo_spikecost.break_even`."""
        from .opponent import break_even

        return break_even(self.network, self.activity, device=device, **options)

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain dicts, lists and numbers."""
        from . import stack
        from .report import export

        energy = self.energy
        estimates = energy.estimates(self.devices)
        return {
            **export.to_dict(energy.workload(), estimates, energy.cost_model),
            "protocol": asdict(self.activity.protocol),
            "conversion": self._conversion(),
            "break_even": {
                name: {"error": str(result)}
                if isinstance(result, EnergyError)
                else result.to_dict()
                for name, result in self._opponents.items()
            },
            "accuracy": dict(self.accuracy),
            "stack": stack.report().as_dict(),
        }

    def to_json(self, path: str | os.PathLike[str] | None = None) -> str:
        """Everything as JSON text, and written to ``path`` (whole or not at all) if given."""
        from .files import write_text

        text = json.dumps(self.to_dict(), indent=2, allow_nan=False) + "\n"
        if path is not None:
            write_text(path, text)
        return text

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write counts and Joules of every layer to a CSV file, whole or not at all."""
        self.energy.to_csv(path, devices=self.devices)

    def to_frame(self) -> Any:
        """Counts and Joules of every layer as a ``pandas.DataFrame``."""
        return self.energy.to_frame(self.devices)

    def _repr_html_(self) -> str:
        heading = "".join(f"<p>{line}</p>" for line in self._heading())
        return heading + self.energy.to_html(self._columns())

    def _columns(self) -> list[str]:
        return [*COLUMNS, *(f"energy {name}" for name in self.devices)]

    @cached_property
    def _opponents(self) -> dict[str, Any]:
        """`break_even` on each spiking device, or the error that says why there is none."""
        from .energy import devices as device_table
        from .opponent import break_even_of, zero_share

        workload = self.energy.workload()
        if not any(p.spiking for p in workload.populations):
            return {}
        share = zero_share(self.activity)
        spiking = [name for name in self.devices if device_table.get(name).spiking]
        wanted = {
            name: (name, "per_operation") for name in dict.fromkeys([SAME_TECHNOLOGY, *spiking])
        }
        wanted[f"{SAME_TECHNOLOGY} with memory"] = SAME_TECHNOLOGY, "lemaire"
        found: dict[str, Any] = {}
        for label, (name, cost_model) in wanted.items():
            try:
                found[label] = break_even_of(
                    workload, cost_model=cost_model, device=name, zero_share=share
                )
            except EnergyError as error:
                found[label] = error
        return found

    def _verdicts(self, line_length: int) -> list[str]:
        """Who spends less, on each spiking device."""
        found = self._opponents
        if not found:
            return []
        lines = [
            "",
            "Against the same network without spikes, in matched widths, in 45 nm (break_even).",
            "What memory takes is in the last line only.",
        ]
        for name, result in found.items():
            text = f"{name}: {getattr(result, 'verdict', result)}"
            lines.append(
                textwrap.fill(text, line_length, initial_indent="* ", subsequent_indent="  ")
            )
        return lines

    def _conversion(self) -> dict[str, Any] | None:
        if not hasattr(self.network, "neuron_type"):
            return None
        return {
            "model": self.network.model.name,
            "neuron_type": str(self.network.neuron_type),
            "scale_firing_rates": dict(self.network.scale_firing_rates),
            "synapse": None if self.network.synapse is None else str(self.network.synapse),
            "lowered": self.network.lowering is not None,
            "choices": [asdict(choice) for choice in self.network.choices],
        }

    def _heading(self) -> list[str]:
        protocol = self.activity.protocol
        start = "started afresh" if protocol.presentation == "fresh" else "without a pause"
        if self.activity.n_samples > 1:
            start = f"each {start}"
        lines = [
            f"{_number(self.activity.n_samples, 'sample')} of "
            f"{_number(protocol.n_steps, 'step')} of "
            f"{1000 * protocol.dt:g} ms, {start}, on {protocol.simulator}"
        ]
        for choice in getattr(self.network, "choices", ()):
            lines.append(f"layer {choice.layer}: {choice.choice}")
        n = self.activity.n_samples
        for name, share in self.accuracy.items():
            lines.append(f"accuracy {name + ':':<26} {share:7.2%}  ({round(share * n)} of {n})")
        return lines


def profile(
    model: Any,
    x: Any,
    y: Any = None,
    *,
    n_steps: int | None = 100,
    neuron_type: Any = "SpikingRectifiedLinear",
    scale_firing_rates: Any = 100,
    synapse: Any = 0.005,
    presentation: str = "fresh",
    simulator: str = "nengo_dl",
    devices: Iterable[str] | str | None = None,
    batch_size: int | None = None,
    dt: float = 0.001,
    seed: int = 0,
    progress: bool = True,
    **convert_options: Any,
) -> Profile:
    """Convert a model, simulate it on data, count every spike and price the work.

    Parameters
    ----------
    model : Keras model, Conversion or nengo.Network
        What to profile.
    x, y : array or iterable, optional
        Samples and labels, as `measure` takes them; labels may also come with the samples.
        Without labels no accuracy is given.
    n_steps : int, optional
        Steps per sample. None if the samples have a time axis that says it.
    neuron_type, scale_firing_rates, synapse
        See `convert`. The defaults are those of the Keras-to-Loihi tutorial, for spikes that
        are not limited to one a step.
    presentation, simulator, batch_size, dt, seed, progress
        See `measure`.
    devices : iterable of str, optional
        Devices in the table. Default: the usual ones that the network can be priced on;
        ``"all"``: all of these.
    **convert_options
        Further arguments of `convert`.

    Returns
    -------
    Profile

    Raises
    ------
    SpikeCostError
        Whatever `convert`, `measure` and `NetworkEnergy` raise.
    """
    import nengo

    from .activity import measure
    from .conversion import Conversion, convert
    from .graph import NetworkGraph
    from .network_energy import NetworkEnergy

    # looked up first: a wrong name should not cost a simulation
    if devices is not None and not isinstance(devices, str):
        devices = list(devices)
    _selected(devices, spikes=True)
    network = model
    if not isinstance(model, (nengo.Network, Conversion)):
        network = convert(
            model,
            neuron_type=neuron_type,
            scale_firing_rates=scale_firing_rates,
            synapse=synapse,
            seed=seed,
            **convert_options,
        )
    populations = NetworkGraph(network).populations
    chosen = _selected(devices, any(population.spiking for population in populations))
    x, y = _samples_and_labels(network, x, y)
    activity = measure(
        network, x, n_steps, simulator=simulator, presentation=presentation,
        batch_size=batch_size, dt=dt, seed=seed, progress=progress,
    )  # fmt: skip
    labels = activity.targets if y is None else y
    accuracy: dict[str, float] = {}
    try:
        if labels is not None:
            accuracy = _accuracy(network, activity, x, labels)
    except (DataError, MeasurementError) as error:
        # labels of a stream are seen too late to fail for: what was measured is worth more
        warnings.warn(f"No accuracy is given: {error}", EstimateWarning, stacklevel=2)
    return Profile(network, activity, NetworkEnergy(network, activity), chosen, accuracy)


def _number(n: int, what: str) -> str:
    return f"{n} {what}{'s' * (n != 1)}"


def _selected(devices: Any, spikes: bool) -> tuple[str, ...]:
    """Names of the devices to price."""
    from .energy import devices as device_table
    from .energy.cost_models import any_device

    found = device_table.select(
        devices, spikes=spikes, can_price=any_device, cost_model="per_operation"
    )
    return tuple(device.name for device in found)


def _samples_and_labels(network: Any, x: Any, y: Any) -> tuple[Any, np.ndarray | None]:
    """Samples and their labels, if any: given apart, or together."""
    if y is None:
        x, y = with_labels(x)
    if y is None:
        return x, None
    y = np.asarray(y)
    _check_labels(network, y)
    if hasattr(x, "__len__") and not isinstance(x, Mapping) and len(x) != len(y):
        raise DataError(f"There are {len(x)} samples and {len(y)} labels.")
    return x, y


def _check_labels(network: Any, y: np.ndarray) -> None:
    """Raise `DataError` if accuracy can't be told from the network's output and these labels."""
    probes = network.all_probes if hasattr(network, "all_probes") else network.outputs.values()
    sizes = [probe.size_in for probe in probes]
    if len(sizes) != 1:
        raise DataError(
            f"The network has {len(sizes)} outputs, so accuracy needs to be asked for: leave "
            "the labels out, and call .activity.accuracy(y, output=...)."
        )
    class_labels(y, sizes[0])


def _accuracy(network: Any, activity: Any, x: Any, labels: np.ndarray) -> dict[str, float]:
    """Accuracy of the spiking network and, if its samples can be had again, of the model."""
    found = {}
    if hasattr(network, "model") and isinstance(x, (np.ndarray, list)) and not network.temporal:
        model = network.model
        shape = (activity.n_samples, *model.inputs[0].shape[1:])
        images = np.asarray(x, "f4")
        if len(model.inputs) != 1 or images.size != np.prod(shape):
            outputs = None  # several inputs, or another value at every step
        else:
            outputs = model.predict(images.reshape(shape), verbose=0)
        if isinstance(outputs, np.ndarray) and outputs.ndim == 2:
            record = OutputActivity(model.output_names[0], outputs, outputs)
            keras = replace(activity, outputs={record.name: record})
            found["keras"] = keras.accuracy(labels)
    found["spiking, last step"] = activity.accuracy(labels, readout="last")
    found["spiking, mean over steps"] = activity.accuracy(labels, readout="mean")
    return found
