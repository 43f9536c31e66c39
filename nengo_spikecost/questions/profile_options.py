"""`ProfileOptions`: how `profile` converts, simulates and prices."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .. import check
from ..activity.activity_record import READOUTS
from ..activity.measure_options import MeasureOptions
from ..activity.simulator_spec import simulators
from ..energy.devices import listed_devices
from ..errors import DataError, MeasurementError
from ..options import option
from ..spiking import defaults
from ..spiking.conversion_values import check_spiking


@dataclass(frozen=True)
class ProfileOptions(MeasureOptions):
    """How `profile` converts, simulates and prices.

    Attributes
    ----------
    n_steps : int, optional
        Steps per sample. Samples with a time axis have their own, unless another is given.
    neuron_type : nengo.neurons.NeuronType or type or str
        Neurons in place of every ReLU of a Keras model: an instance, a class or a name.
    scale_firing_rates : float or dict
        Factor on the input of the neurons, divided out again at their output: one number, or one
        by layer.
    synapse : float or nengo.synapses.Synapse, optional
        Filter on the output of all neurons; a number is a time constant in s.
        These defaults are the same in all calls that run a model
        (`nengo_spikecost.spiking.defaults`).
    devices : iterable of str, optional
        Devices in the table. Default: the usual ones that the network can be priced on, of which
        the printed table shows two or three; ``"all"``: all that can be priced.
    task : {"classification", "regression"}, optional
        What the labels are for. Default: told from labels and output, see `read_labels`.
    chip : bool
        Also run it on the emulated chip (`deploy`, with neurons that a chip has), for its
        accuracy, cores, energy and time there.
    readout : {"last", "mean"}
        Of that chip, whether the output is read at the last step or as the mean over the steps.
        Scores of spikes are given for both.
    block_shapes : "auto", "as_it_is", BlockFit, or mapping
        Which neurons share a core of that chip: see `deploy`.
    try_out : bool
        Whether the verdict's next steps are tried when it is first asked for: other scales, steps
        and poolings, in compiled code, on at most 100 of the samples, until one serves or 10 s are
        over. It needs labels that are classes.
    presentation : {"fresh", "continuous"}, optional
        Start every sample from the network's initial state, or let it run on from the one before.
    simulator : str
        What simulates the network and counts its spikes, by name.
    batch_size : int, optional
        Samples side by side. Default: as many as memory allows, or 1 if continuous.
    dt : float, optional
        Length of a step in s.
    dtype : {"float32", "float64"}, optional
        For ``"compiled"``: type of all numbers of the simulation.
    seed : int
        Seed of the run, and of the build if the network has none of its own.
    checkpoint : str or path, optional
        A folder that keeps the results of every batch, to go on with after an interruption.
    client, shard_size
        A Dask cluster whose workers share the samples, and how many each takes at a time: see
        `measure`.
    progress : bool
        Show a progress bar, if standard error is a terminal, or in a notebook.
    target, hardware_options
        For ``"nengo_loihi"``: its emulator (``"sim"``) or a board (``"loihi"``), and the board's
        options.
    by_step : bool
        Also keep outputs at every step, and of an emulated chip count each core step by step: see
        `measure`.
    memory : int, float or str, optional
        Memory that converting may take, and simulating, in bytes or as ``"4 GB"``: see `convert`
        and `measure`.
    """

    neuron_type: Any = defaults.neuron_type(defaults.NEURONS)
    scale_firing_rates: Any = defaults.scale_firing_rates()
    n_steps: int | None = defaults.n_steps()
    synapse: Any = defaults.synapse()
    dt: float | None = defaults.dt(None)
    simulator: str = option(
        "nengo_dl", choices=simulators.names,
        help="What simulates the network, and counts its spikes.",
    )  # fmt: skip
    presentation: str | None = defaults.presentation("fresh")
    try_out: bool = option(
        True, flag="--try", decides=False,
        help="Try other settings for the next steps of the verdict, for some seconds.",
    )  # fmt: skip
    devices: Iterable[str] | str | None = None
    chip: bool = option(
        False, help="Also run it on the emulated chip: accuracy, cores, energy, time there."
    )
    by_step: bool = option(
        False, help="Count the cores of that chip at every step: then it is known what limits each."
    )
    readout: str = option(
        "last", choices=READOUTS,
        help="With --chip: read its output at the last step, or its mean over the steps.",
    )  # fmt: skip
    block_shapes: Any = "auto"
    task: str | None = defaults.task()
    memory: int | float | str | None = defaults.memory()

    def __post_init__(self) -> None:
        super().__post_init__()
        check.task(self.task, DataError)
        check.choice("readout", self.readout, READOUTS, MeasurementError)
        if self.n_steps is not None:
            check.whole("n_steps", self.n_steps, MeasurementError, 1)
        check_spiking(self.neuron_type, self.scale_firing_rates, self.synapse)
        if self.devices is not None and not isinstance(self.devices, str):
            self.put(devices=tuple(listed_devices(self.devices)))
