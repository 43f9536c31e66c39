"""`profile`: from a model and data to spikes, synops, Joules and accuracy in one call."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sized
from dataclasses import replace
from typing import Any

import nengo
import numpy as np

from ..activity.activity_record import Activity
from ..activity.labels import Labels, read_labels
from ..activity.measure_options import MeasureOptions
from ..activity.samples import with_labels
from ..activity.scores import Score, score
from ..activity.subject import steps_or_own, subject
from ..energy import devices as device_table
from ..energy.cost_models import any_device
from ..errors import (
    ArgumentError,
    ConversionError,
    DataError,
    EstimateWarning,
    LoihiError,
    MeasurementError,
)
from ..options import check_known, takes_options
from ..trying.bench import Bench
from ..trying.retyping import command_of
from ..warned import warn
from ..words import counted
from ..workload.row_counts import RATES, firing_notes
from .network_energy import NetworkEnergy
from .profile_options import ProfileOptions
from .profile_record import Profile

#: Options that say how a Keras model is converted, and mean nothing for a network.
_CONVERTING = ("neuron_type", "scale_firing_rates", "synapse")

#: Inputs that are larger may be pixels that were not scaled. Standardised ones seldom are.
LARGE_INPUT = 10.0


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
        Samples and labels, as `measure` takes them; labels may also come with the samples, and
        are a dict by output if there are several. Classes, one-hot rows, and zeros and ones
        behind a sigmoid give an accuracy; real targets an RMSE and a correlation. Without labels
        there is neither.
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
            scale_firing_rates=options.scale_firing_rates, memory=options.memory,
            **convert_options,
        )  # fmt: skip
    else:
        check_known(convert, convert_options)
        refused = [*(n for n in options.named() if n in _CONVERTING), *convert_options]
        if refused:
            raise ArgumentError(
                f"{', '.join(refused)}: for Keras models only; {type(model).__name__} is a network "
                "already. Give it to convert(), or profile the Keras model."
            )
    populations = NetworkGraph(network).populations
    devices = _selected(options.devices, any(population.spiking for population in populations))
    x, y = _samples_and_labels(network, x, y, options.task)
    if "n_steps" not in options.named():
        options = replace(options, n_steps=steps_or_own(network, x, options.n_steps))
    activity = measure(network, x, options.n_steps, options=options.part(MeasureOptions))
    labels, given_scores = _labels_and_scores(network, activity, x, y, options.task)
    energy = NetworkEnergy(network, activity)
    spiking = [name for name in devices if device_table.get(name).spiking]
    for note in firing_notes(energy.workload(), spiking):
        hint = _large_inputs(x) if RATES in note else ""
        warn(f"{note}{hint}", EstimateWarning)
    chip = _on_chip(model, network, x, y, options, convert_options) if options.chip else None
    printed = device_table.printed(devices) if options.devices is None else None
    bench = _bench(network, activity, x, labels, options) if options.try_out else None
    typed = command_of("nengo-spikecost report MODEL --data DATA", options, convert_options)
    return Profile(
        network, activity, energy, devices, given_scores, labels, chip, printed, typed=typed,
        bench=bench,
    )  # fmt: skip


def scores(
    network: Any, activity: Activity, x: Any, y: Any, task: str | None = None
) -> tuple[Score, ...]:
    """Scores of a measured network and, of a Conversion, of its Keras model.

    Parameters
    ----------
    network : Conversion or nengo.Network
    activity : Activity
        What `measure` returned for it.
    x, y
        Samples and labels; without labels, or with such as can't be read (then with a warning),
        there are no scores.
    task : {"classification", "regression"}, optional
        What the labels are for. Default: told from labels and output.
    """
    return _labels_and_scores(network, activity, x, y, task)[1]


def _labels_and_scores(
    network: Any, activity: Activity, x: Any, y: Any, task: str | None
) -> tuple[dict[str, Labels], tuple[Score, ...]]:
    labels: dict[str, Labels] = {}
    try:
        labels = _read(activity, y, task)
        return labels, _scores(network, activity, x, labels) if labels else ()
    except (DataError, MeasurementError) as error:
        # labels of a stream are seen too late to fail for: what was measured is worth more
        warnings.warn(f"No accuracy is given: {error}", EstimateWarning, stacklevel=4)
        return labels, ()


def _can_try(network: Any, options: ProfileOptions) -> bool:
    """Whether compiled code does the same as the simulator, on a network that can be made anew."""
    own = ("nengo_dl", "nengo_dl_probes", "nengo", "compiled")
    made = hasattr(network, "remade") and not network.temporal
    return made and options.presentation == "fresh" and options.simulator in own


def _bench(
    network: Any, activity: Activity, x: Any, labels: Mapping[str, Labels], options: ProfileOptions
) -> Bench | None:
    """What other settings are tried on; None without classes of a single output."""
    from ..conversion.model_outputs import model_outputs

    kept = isinstance(x, (Sized, Mapping)) and len(activity.outputs) == 1
    if not labels or not kept or activity.protocol.frames != 1 or not _can_try(network, options):
        return None
    ((name, own),) = labels.items()
    keras = model_outputs(network, x)
    if own.kind == "regression" or name not in keras:
        return None
    simulation = {
        "dt": options.dt, "seed": options.seed, "dtype": options.dtype, "memory": options.memory,
    }  # fmt: skip
    return Bench(network, activity, x, own, keras[name], simulation, on_loihi_J)


def on_loihi_J(network: Any, activity: Activity) -> float | None:
    """Joules per inference on Loihi's cores; None where nothing runs on them."""
    estimate = NetworkEnergy(network, activity).estimate("loihi")
    return None if estimate.all_on_host else estimate.mean_J


def _on_chip(
    model: Any, network: Any, x: Any, y: Any, options: ProfileOptions, more: Mapping[str, Any]
) -> Any:
    """The same on the emulated chip, with its neurons and the same rates.

    What the chip refuses is said, and the rest of the profile kept.
    """
    from ..loihi import deploy

    if x is not None and not isinstance(x, (Sized, Mapping)):
        warn(
            "It was not run on the chip: a stream of samples can be read once only; give an array.",
            EstimateWarning,
        )
        return None
    same: dict[str, Any] = {
        "n_steps": options.n_steps,
        "seed": options.seed,
        "by_step": options.by_step,
    }
    if options.dt is not None:
        same["dt"] = options.dt
    if model is not network:
        same.update(scale_firing_rates=options.scale_firing_rates, synapse=options.synapse, **more)
    try:
        return deploy(
            model, x, y, presentation=options.presentation, task=options.task,
            readout=options.readout,
            progress=options.progress, block_shapes=options.block_shapes,
            try_out=options.try_out, memory=options.memory, **same,
        )  # fmt: skip
    except (LoihiError, ConversionError, MeasurementError) as error:
        warn(f"It was not run on the chip: {error}", EstimateWarning)
        return None


def _large_inputs(x: Any) -> str:
    """A question about inputs that are larger than those that most models are trained on."""
    largest = 0.0
    for values in x.values() if isinstance(x, Mapping) else [x]:
        if isinstance(values, (np.ndarray, list)) and np.size(values):
            array = np.asarray(values)
            largest = max(largest, float(np.abs(array).max()) if array.dtype.kind in "buif" else 0)
    if largest <= LARGE_INPUT:
        return ""
    return f" Inputs go up to {largest:,.4g}: was the model trained on values from 0 to 1?"


def _selected(devices: Any, spikes: bool) -> tuple[str, ...]:
    """Names of the devices to price."""
    selected = device_table.select(
        devices, spikes=spikes, can_price=any_device, cost_model="per_operation"
    )
    return tuple(device.name for device in selected)


def _samples_and_labels(network: Any, x: Any, y: Any, task: str | None) -> tuple[Any, Any]:
    """Samples and their labels, if any: given apart, or together.

    Raises
    ------
    DataError
        If there is not one label for every sample, or no score can be told from the network's
        output and these labels.
    """
    if y is None:
        x, y = with_labels(x)
    if y is None:
        return x, None
    given = subject(network)
    for name, own in _by_output(given.outputs, y).items():
        labels = read_labels(
            own, int(given.outputs[name].size_in), getattr(network, "heads", {}).get(name), task,
            getattr(network, "output_shapes", {}).get(name),
        )  # fmt: skip
        if isinstance(x, Sized) and not isinstance(x, Mapping) and len(x) != len(labels):
            raise DataError(
                f"The data have {counted(len(x), 'sample')} and {counted(len(labels), 'label')}."
            )
    return x, y


def _by_output(outputs: Mapping[str, Any], y: Any) -> dict[str, Any]:
    """Labels by name of their output."""
    if isinstance(y, Mapping):
        named = {str(getattr(key, "name", key)): own for key, own in y.items()}
        unknown = [name for name in named if name not in outputs]
        if unknown:
            raise DataError(
                f"y has labels for {unknown[0]!r}, which is no output; there are "
                f"{', '.join(outputs)}."
            )
        return named
    if len(outputs) != 1:
        raise DataError(
            f"The network has {len(outputs)} outputs ({', '.join(outputs)}): give the labels as a "
            "dict by output, or leave them out."
        )
    return {next(iter(outputs)): y}


def _read(activity: Activity, y: Any, task: str | None) -> dict[str, Labels]:
    """Labels of each output that has some, those that came with the samples among them."""
    given = activity.targets if y is None else y
    if given is None:
        return {}
    by_output = _by_output(activity.outputs, given)
    read = {name: activity.labels(own, name, task) for name, own in by_output.items()}
    return {name: labels for name, labels in read.items() if labels is not None}


def _scores(
    network: Any, activity: Activity, x: Any, labels: Mapping[str, Labels]
) -> tuple[Score, ...]:
    """Scores of the spiking network and, if its samples can be had again, of the model."""
    from ..conversion.model_outputs import model_outputs

    of_model = model_outputs(network, x)
    scores: list[Score] = []
    for name, own in labels.items():
        where = f"{name}, " if len(activity.outputs) > 1 else ""
        keras, record = of_model.get(name), activity.outputs[name]
        if keras is not None:
            scores.append(score(f"{where}keras", own, keras))
        scores.append(score(f"{where}spiking, last step", own, record.last, keras))
        scores.append(score(f"{where}spiking, mean over steps", own, record.mean, keras))
    return tuple(scores)
