"""Plots as functions: matplotlib Axes in, or a new figure, and Axes out.

Examples
--------
::

    from nengo_spikecost import plots

    figure, (left, right) = pyplot.subplots(1, 2)
    plots.energy_bars(profile, left)
    plots.front(swept, right)

    steps = plots.record_steps(conversion, x[0], n_steps=40)
    plots.prediction_over_time(steps)
    plots.raster(steps, population="conv0")
"""

from .neuron_profile import activation_profile
from .result_plots import break_even, core_map, energy_bars, firing_rates, front
from .step_plots import prediction_over_time, raster
from .step_record import StepRecord, record_steps

__all__ = [
    "StepRecord",
    "activation_profile",
    "break_even",
    "core_map",
    "energy_bars",
    "firing_rates",
    "front",
    "prediction_over_time",
    "raster",
    "record_steps",
]
