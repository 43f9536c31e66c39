"""How fast neurons fire at which input."""

from __future__ import annotations

import inspect
from typing import Any

import nengo
import numpy as np

from .. import check
from ..errors import EnergyError
from ..layout.panels import checked_axes, plain_labels
from ..layout.plots import COLOURS, bare, si_ticks

#: Points of a curve.
_N_POINTS = 2001


def activation_profile(
    neuron_type: Any, axes: Any = None, *, most: float = 1000.0, dt: float = 0.001,
    against: Any = None,
) -> Any:  # fmt: skip
    """Draw the firing rate of a neuron type over its input current, and a ReLU's.

    As NengoLoihi's Keras-to-Loihi tutorial draws it: neurons of Loihi wait for a whole step, so
    their rate is 1 / (k dt) for a whole k, and no curve between.

    Parameters
    ----------
    neuron_type : nengo.neurons.NeuronType
        Such as ``nengo_loihi.neurons.LoihiSpikingRectifiedLinear()``.
    axes : matplotlib.axes.Axes, optional
        Where to draw. Default: a new figure.
    most : float
        Currents are from 0 to this; of a ReLU with gain 1 they are rates in Hz.
    dt : float
        Length of a step in s.
    against : nengo.neurons.NeuronType, optional
        What it is held against. Default: ``nengo.RectifiedLinear()``.

    Returns
    -------
    matplotlib.axes.Axes
        Its first line is the curve of ``neuron_type``, its second that of ``against``.

    Raises
    ------
    EnergyError
        If a neuron type is none, or ``most`` or ``dt`` is not positive.
    """
    from matplotlib import pyplot

    against = nengo.RectifiedLinear() if against is None else against
    for name, given in (("neuron_type", neuron_type), ("against", against)):
        check.kind(name, given, nengo.neurons.NeuronType, EnergyError, "a neuron type of Nengo")
    check.positive("most", most, EnergyError)
    check.positive("dt", dt, EnergyError)
    currents = np.linspace(0, most, _N_POINTS)
    if axes is None:
        axes = pyplot.subplots(figsize=(5.6, 4.2), layout="constrained")[1]
    axes = checked_axes(axes, 1)
    for own, colour, style in ((neuron_type, COLOURS[0], "-"), (against, COLOURS[1], "--")):
        rates = _rates(own, currents, dt)
        axes.plot(currents, rates, style, color=colour, lw=1.6, label=type(own).__name__)
    axes.set_xlabel("Input current")
    axes.set_ylabel("Firing rate")
    axes.yaxis.set_major_formatter(si_ticks("Hz"))
    axes.set_xlim(0, most)
    axes.set_ylim(bottom=0)
    axes.legend(fontsize="small", frameon=False)
    bare(axes)
    plain_labels(axes)
    return axes


def _rates(neuron_type: Any, currents: np.ndarray, dt: float) -> np.ndarray:
    """Rates in Hz at these currents; types that know their step are told it."""
    takes_dt = "dt" in inspect.signature(neuron_type.rates).parameters
    options = {"dt": dt} if takes_dt else {}
    return np.ravel(neuron_type.rates(currents, np.ones(1), np.zeros(1), **options))
