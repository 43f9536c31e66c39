"""Rasters of spikes, and outputs over time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import check
from ..errors import EnergyError
from ..layout.panels import checked_axes, plain_labels
from ..layout.plots import COLOURS, bare, si_ticks
from .step_record import StepRecord

#: Lines beyond that have the colours of these again, dashed.
_MOST = len(COLOURS)


def raster(
    spikes: Any, axes: Any = None, *, population: str | None = None, dt: float = 0.001,
    most_neurons: int = 200,
) -> Any:  # fmt: skip
    """Draw a mark for every spike: time to the right, a line a neuron.

    Parameters
    ----------
    spikes : StepRecord or array of shape (n_steps, n_neurons)
        As `record_steps` gives it; or ``sim.data[probe]`` of a Probe of neurons: whatever is not 0
        is a spike.
    axes : matplotlib.axes.Axes, optional
        Where to draw. Default: a new figure.
    population : str, optional
        Of a StepRecord: whose spikes. Default: those of the last population.
    dt : float
        Length of a step in s, of an array.
    most_neurons : int
        Of more neurons, so many are drawn: those that spike most, in their order.

    Returns
    -------
    matplotlib.axes.Axes
        Its first collection has the offsets (time in s, row) of all marks.

    Raises
    ------
    EnergyError
        If there is no such population, or ``spikes`` is no array of two dimensions.
    """
    name = "Neuron"
    if isinstance(spikes, StepRecord):
        dt = spikes.dt
        known = list(spikes.spikes)
        if not known:
            raise EnergyError("There is no raster: nothing in the network spikes.")
        chosen = known[-1] if population is None else population
        check.choice("population", chosen, tuple(known), EnergyError, quoted=True)
        counts, name = spikes.spikes[chosen], f"Neuron of {chosen}"
    else:
        counts = _steps("spikes", spikes)
    fired = np.asarray(counts) != 0
    kept = np.arange(fired.shape[1])
    if len(kept) > most_neurons:
        kept = np.sort(np.argsort(-fired.sum(axis=0), kind="stable")[:most_neurons])
        name += f" ({most_neurons:,} of {fired.shape[1]:,} that spike most)"
    steps, rows = np.nonzero(fired[:, kept])
    axes = _new() if axes is None else checked_axes(axes, 1)
    size = float(np.clip(2000 / max(len(kept), 1), 4, 60))
    axes.scatter((steps + 1) * dt, rows, marker="|", s=size, lw=1.0, color=COLOURS[0])
    axes.set_xlim(0, (len(fired) + 1) * dt)
    axes.set_ylim(-0.5, max(len(kept), 1) - 0.5)
    _seconds(axes)
    axes.set_ylabel(name)
    bare(axes)
    plain_labels(axes)
    return axes


def prediction_over_time(
    outputs: Any, axes: Any = None, *, image: Any = None, label: Any = None,
    names: Sequence[str] | None = None, dt: float = 0.001,
) -> Any:  # fmt: skip
    """Draw the output of one sample as a line a class over time, and the image beside it.

    As the Keras-to-Loihi tutorials of NengoDL and NengoLoihi draw it.

    Parameters
    ----------
    outputs : StepRecord or array of shape (n_steps, n_classes)
        As `record_steps` gives it; or ``sim.data[probe][sample]`` of a Probe of the output.
    axes : matplotlib.axes.Axes, or two of them, optional
        Where to draw: the lines; or the image and the lines. Default: a new figure.
    image : array of shape (height, width), (height, width, 1 or 3), optional
        What was presented. Default: the sample of a StepRecord, if it is an image.
    label : int, optional
        The class that is right: its line is thicker.
    names : sequence of str, optional
        Of the classes. Default: their numbers.
    dt : float
        Length of a step in s, of an array.

    Returns
    -------
    matplotlib.axes.Axes, or an array of two
        As many as were drawn on. The axes of the lines have one line a class, in their order.

    Raises
    ------
    EnergyError
        If there are several outputs, or ``outputs`` is no array of two dimensions.
    """
    if isinstance(outputs, StepRecord):
        dt, image = outputs.dt, outputs.sample if image is None else image
        if len(outputs.outputs) != 1:
            raise EnergyError(
                f"The network has several outputs: give one of {', '.join(outputs.outputs)}, as "
                "outputs.outputs[name]."
            )
        (values,) = outputs.outputs.values()
    else:
        values = _steps("outputs", outputs)
    picture = _picture(image)
    if axes is None:
        axes = _new(1 if picture is None else 2)
    several = np.size(axes) == 2
    axes = checked_axes(axes, 2 if several else 1)
    lines = axes[1] if several else axes
    if several:
        if picture is None:
            raise EnergyError("Two axes are for image and lines: pass image=, or one Axes.")
        axes[0].imshow(picture, cmap="gray", interpolation="none")
        axes[0].set_axis_off()
        axes[0].set_title("Image" if label is None else f"Image of class {_name(names, label)}")
    times = dt * np.arange(1, len(values) + 1)
    for k, line in enumerate(values.T):
        style = "-" if k < _MOST else "--"
        lines.plot(
            times, line, style, color=COLOURS[k % _MOST], lw=2.6 if k == label else 1.3,
            label=_name(names, k),
        )  # fmt: skip
    lines.set_title(f"Largest at the end: {_name(names, int(np.argmax(values[-1])))}")
    _seconds(lines)
    lines.set_ylabel("Output")
    if values.shape[1] <= 2 * _MOST:
        lines.legend(
            fontsize="small", frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5)
        )  # fmt: skip
    bare(lines)
    plain_labels(axes)
    return axes


def _name(names: Sequence[str] | None, number: Any) -> str:
    return str(number) if names is None else str(names[number])


def _steps(argument: str, values: Any) -> np.ndarray:
    array = np.asarray(values)
    if array.ndim != 2 or not len(array) or array.dtype.kind not in "buif":
        raise EnergyError(
            f"{argument} must be an array of shape (steps, values), as sim.data[probe] is, or a "
            f"StepRecord; not {check.shown(values)}."
        )
    return array


def _picture(image: Any) -> np.ndarray | None:
    """An array that can be shown; None for samples that are no image."""
    if image is None:
        return None
    array = np.squeeze(np.asarray(image))
    if array.ndim == 2 or (array.ndim == 3 and array.shape[-1] == 3):
        low, high = float(array.min()), float(array.max())
        return (array - low) / (high - low or 1.0)
    return None


def _new(n_panels: int = 1) -> Any:
    from matplotlib import pyplot

    size = (7.6, 3.8) if n_panels == 1 else (9.4, 3.6)
    widths = None if n_panels == 1 else [1, 2]
    return pyplot.subplots(1, n_panels, figsize=size, width_ratios=widths, layout="constrained")[1]


def _seconds(axes: Any) -> None:
    axes.xaxis.set_major_formatter(si_ticks("s"))
    axes.set_xlabel("Time")
