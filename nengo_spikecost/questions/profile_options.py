"""`ProfileOptions`: how `profile` converts, simulates and prices."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .. import check
from ..activity.measure_options import PRESENTATIONS, MeasureOptions
from ..activity.simulator_spec import simulators
from ..energy.devices import listed_devices
from ..errors import DataError, MeasurementError
from ..options import option


@dataclass(frozen=True)
class ProfileOptions(MeasureOptions):
    """How `profile` converts, simulates and prices.

    Attributes
    ----------
    n_steps : int, optional
        Steps per sample. None if the samples have a time axis that says it.
    neuron_type, scale_firing_rates, synapse
        See `convert`. The defaults are those of the Keras-to-Loihi tutorial, for spikes that
        are not limited to one a step.
    devices : iterable of str, optional
        Devices in the table. Default: the usual ones that the network can be priced on, of which
        the printed table shows two or three; ``"all"``: all that can be priced.
    task : {"classification", "regression"}, optional
        What the labels are for. Default: told from labels and output, see `read_labels`.
    chip : bool
        Also run it on the emulated chip (`deploy`, with neurons that a chip has), for its
        accuracy, cores, energy and time there.
    presentation, simulator, batch_size, dt, dtype, seed, checkpoint
        See `measure`.
    progress, target, hardware_options, by_step
        See `measure`.
    """

    neuron_type: Any = option(
        "SpikingRectifiedLinear", flag="--neuron", metavar="TYPE",
        help="Neuron type that the ReLUs become.",
    )  # fmt: skip
    scale_firing_rates: Any = option(
        100, flag="--scale", read=float, help="scale_firing_rates: factor on all firing rates."
    )
    n_steps: int | None = option(
        100, flag="--steps", help="Steps of 1 ms for which a sample is presented."
    )
    synapse: Any = option(
        0.005, help="Time constant in s of the filter behind the neurons; 0 for none."
    )
    simulator: str = option(
        "nengo_dl", choices=simulators.names,
        help="What simulates the network, and counts its spikes.",
    )  # fmt: skip
    presentation: str | None = option(
        "fresh", choices=PRESENTATIONS,
        help="Start every sample afresh, or run on as a board does.",
    )  # fmt: skip
    devices: Iterable[str] | str | None = None
    chip: bool = option(
        False, help="Also run it on the emulated chip: accuracy, cores, energy, time there."
    )
    task: str | None = option(
        None, choices=check.TASKS, help="What the labels are for.  [default: told from them]"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        check.task(self.task, DataError)
        if self.n_steps is not None:
            check.whole("n_steps", self.n_steps, MeasurementError, 1)
        if self.devices is not None and not isinstance(self.devices, str):
            self.put(devices=tuple(listed_devices(self.devices)))
