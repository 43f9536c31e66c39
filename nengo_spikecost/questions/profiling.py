"""`profile`: from a model and data to spikes, synops, Joules and accuracy in one call."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sized
from dataclasses import replace
from typing import Any

import nengo
import numpy as np

from ..activity.activity_record import OutputActivity, class_labels
from ..activity.measure_options import MeasureOptions
from ..activity.samples import with_labels
from ..energy import devices as device_table
from ..energy.cost_models import any_device
from ..errors import ArgumentError, DataError, EstimateWarning, MeasurementError
from ..options import takes_options
from .network_energy import NetworkEnergy
from .profile_options import ProfileOptions
from .profile_record import Profile

#: Options that say how a Keras model is converted, and mean nothing for a network.
_CONVERTING = ("neuron_type", "scale_firing_rates", "synapse")


@takes_options(ProfileOptions)
def profile(
    model: Any, x: Any, y: Any = None, *, options: ProfileOptions, **convert_options: Any
) -> Profile:
    """Convert a model, simulate it on data, count every spike and price the work.

    Parameters
    ----------
    model : Keras model, Conversion or nengo.Network
        What to profile.
    x, y : array or iterable, optional
        Samples and labels, as `measure` takes them; labels may also come with the samples.
        Without labels no accuracy is given.
    {options}
    **convert_options
        Further arguments of `convert`. For a Conversion or a network, which needs no conversion,
        arguments that say how to convert are refused.

    Returns
    -------
    Profile

    Raises
    ------
    SpikeCostError
        Whatever `convert`, `measure` and `NetworkEnergy` raise.
    """
    from ..activity import measure
    from ..conversion import Conversion, convert
    from ..graph import NetworkGraph

    # looked up first: a wrong name should not cost a simulation
    _selected(options.devices, spikes=True)
    network = model
    if not isinstance(model, (nengo.Network, Conversion)):
        network = convert(
            model, neuron_type=options.neuron_type, synapse=options.synapse, seed=options.seed,
            scale_firing_rates=options.scale_firing_rates, **convert_options,
        )  # fmt: skip
    else:
        refused = [*(n for n in options.named() if n in _CONVERTING), *convert_options]
        if refused:
            raise ArgumentError(
                f"{', '.join(refused)}: for Keras models only; {type(model).__name__} is a network "
                "already. Give it to convert(), or profile the Keras model."
            )
    populations = NetworkGraph(network).populations
    devices = _selected(options.devices, any(population.spiking for population in populations))
    x, y = _samples_and_labels(network, x, y)
    activity = measure(network, x, options.n_steps, options=options.part(MeasureOptions))
    labels = activity.targets if y is None else y
    accuracy: dict[str, float] = {}
    try:
        if labels is not None:
            accuracy = _accuracy(network, activity, x, labels)
    except (DataError, MeasurementError) as error:
        # labels of a stream are seen too late to fail for: what was measured is worth more
        warnings.warn(f"No accuracy is given: {error}", EstimateWarning, stacklevel=3)
    return Profile(network, activity, NetworkEnergy(network, activity), devices, accuracy)


def _selected(devices: Any, spikes: bool) -> tuple[str, ...]:
    """Names of the devices to price."""
    selected = device_table.select(
        devices, spikes=spikes, can_price=any_device, cost_model="per_operation"
    )
    return tuple(device.name for device in selected)


def _samples_and_labels(network: Any, x: Any, y: Any) -> tuple[Any, np.ndarray | None]:
    """Samples and their labels, if any: given apart, or together."""
    if y is None:
        x, y = with_labels(x)
    if y is None:
        return x, None
    y = np.asarray(y)
    _check_labels(network, y)
    if isinstance(x, Sized) and not isinstance(x, Mapping) and len(x) != len(y):
        raise DataError(f"There are {len(x)} samples and {len(y)} labels.")
    return x, y


def _check_labels(network: Any, y: np.ndarray) -> None:
    """Raise `DataError` if accuracy can't be told from the network's output and these labels."""
    native = isinstance(network, nengo.Network)
    probes = network.all_probes if native else network.outputs.values()
    sizes = [probe.size_in for probe in probes]
    if len(sizes) != 1:
        raise DataError(
            f"The network has {len(sizes)} outputs, so accuracy needs to be asked for: leave "
            "the labels out, and call .activity.accuracy(y, output=...)."
        )
    class_labels(y, sizes[0])


def _accuracy(network: Any, activity: Any, x: Any, labels: np.ndarray) -> dict[str, float]:
    """Accuracy of the spiking network and, if its samples can be had again, of the model."""
    accuracy = {}
    converted = not isinstance(network, nengo.Network)
    if converted and isinstance(x, (np.ndarray, list)) and not network.temporal:
        model, outputs, images = network.model, None, np.asarray(x, "f4")
        shape = (activity.n_samples, *model.inputs[0].shape[1:])
        # else there are several inputs, or another value at every step
        if len(model.inputs) == 1 and images.size == np.prod(shape):
            outputs = model.predict(images.reshape(shape), verbose=0)
        if isinstance(outputs, np.ndarray) and outputs.ndim == 2:
            record = OutputActivity(model.output_names[0], outputs, outputs)
            accuracy["keras"] = replace(activity, outputs={record.name: record}).accuracy(labels)
    accuracy["spiking, last step"] = activity.accuracy(labels, readout="last")
    accuracy["spiking, mean over steps"] = activity.accuracy(labels, readout="mean")
    return accuracy
