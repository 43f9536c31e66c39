"""`DeployOptions`: how `deploy` converts, cuts, presents and reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .. import check
from ..activity.activity_record import READOUTS
from ..errors import DataError, LoihiError, MeasurementError
from ..memory import memory_bytes
from ..options import Options, option
from ..spiking import defaults
from ..spiking.conversion_values import check_spiking, steps_of_sample
from .blocks.search_costs import OBJECTIVES

#: What runs the network: the simulator of `measure` and its target.
TARGETS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "emulator": ("loihi", {}),
    "nengo_loihi": ("nengo_loihi", {"target": "sim"}),
    "board": ("nengo_loihi", {"target": "loihi"}),
}

#: How block shapes are chosen if none are given: by `fit_blocks`, or left as they are.
AUTO, AS_IT_IS = "auto", "as_it_is"

#: Options that say how a Keras model is converted, and those that `measure` takes as they are.
CONVERTING = ("neuron_type", "scale_firing_rates", "synapse", "max_pooling", "seed")
MEASURING = (
    "presentation", "batch_size", "dt", "seed", "progress", "by_step", "hardware_options",
    "checkpoint", "client", "shard_size", "memory",
)  # fmt: skip


@dataclass(frozen=True)
class DeployOptions(Options):
    """How `deploy` converts, cuts, presents and reads.

    Attributes
    ----------
    n_steps : int, optional
        Steps per sample. Samples with a time axis have their own, unless another is given.
    target : {"emulator", "nengo_loihi", "board"}
        `Emulator`, which runs batches and counts what each core does; NengoLoihi's emulator,
        sample by sample, with equal results; or a board by way of NengoLoihi, which needs
        NxSDK.
    block_shapes : "auto", "as_it_is", BlockFit, or mapping
        Which neurons share a core. "auto": those in the network's config if there are any, or
        else those that `fit_blocks` finds. A mapping is from layers (names, Keras layers or
        Ensembles) to the shape of their blocks (a tuple over rows, columns and channels in
        their order, or a nengo_loihi.BlockShape).
    objective : {"cores", "latency", "traffic"}
        The aim of `fit_blocks`.
    neuron_type : nengo.neurons.NeuronType or type or str
        Neurons in place of every ReLU of a Keras model: an instance, a class or a name.
    scale_firing_rates : float or dict
        Factor on the input of the neurons, divided out again at their output: one number, or one
        by layer.
    synapse : float or nengo.synapses.Synapse, optional
        Filter on the output of all neurons; a number is a time constant in s.
    max_pooling : {"exact", "average", "strided"}, optional
        What max pooling of a Keras model becomes. The defaults of these four are those of
        `profile`, with Loihi's neurons.
    presentation : {"fresh", "continuous"}, optional
        Start every sample from the network's initial state, or let it run on from the one before.
        Default: continuous, as a board runs.
    batch_size : int, optional
        Samples side by side, as on as many boards. Default: 1, or many if fresh.
    dt : float
        Length of a step in s.
    seed : int
        Seed of the build and the run.
    progress : bool
        Show a progress bar, if standard error is a terminal, or in a notebook.
    by_step : bool
        Also keep outputs at every step, and count each core step by step: then the cost knows the
        time of each step, `Deployment.accuracy_by_step` which one to read, and `early_exit` the
        energy until then.
    hardware_options : mapping, optional
        For a board: options of ``nengo_loihi.hardware.HardwareInterface``.
    checkpoint : str or path, optional
        A folder that keeps the results of every batch, to go on with after an interruption.
    client : distributed.Client, optional
        Of a Dask cluster, whose workers share the samples (docs/scale_out.md); for
        ``presentation="fresh"``.
    shard_size : int, optional
        With ``client``: samples that a worker takes at a time.
    memory : int, float or str, optional
        Memory that converting may take, the search for block shapes, and simulating, in bytes or as
        ``"4 GB"``: see `convert`, `fit_blocks` and `measure`. What can't fit is refused.
    output : str, optional
        Which output is read, if there are several.
    task : {"classification", "regression"}, optional
        What the labels are for. Default: told from labels and output, see `read_labels`.
    readout : {"last", "mean"}
        Read it at the last step of a sample, or its mean over the steps.
    try_out : bool
        Whether the verdict's next steps are tried when it is first asked for: other scales and
        steps, chosen in compiled code and run on the emulated chip, on at most 100 of the samples.
        It needs a Keras model, and labels that are classes.
    """

    n_steps: int | None = defaults.n_steps()
    target: str = option(
        "emulator", choices=tuple(TARGETS),
        help="The batched emulation, NengoLoihi's emulator, or a board (needs NxSDK).",
    )  # fmt: skip
    block_shapes: Any = option(AUTO)
    objective: str = option(
        "cores", choices=OBJECTIVES,
        help="Block shapes with fewest cores, shortest step, or fewest messages.",
    )  # fmt: skip
    neuron_type: Any = defaults.neuron_type(defaults.CHIP_NEURONS)
    scale_firing_rates: Any = defaults.scale_firing_rates()
    synapse: Any = defaults.synapse()
    max_pooling: str | None = defaults.max_pooling()
    presentation: str | None = defaults.presentation(None)
    batch_size: int | None = option(
        None, read=int, help="Samples side by side.  [default: 1, or many if fresh]"
    )
    output: str | None = option(
        None, metavar="NAME", help="Which output to read.  [default: the only one]"
    )
    task: str | None = defaults.task()
    readout: str = option(
        "last", choices=READOUTS,
        help="Read the output at the last step, or its mean over the steps.",
    )  # fmt: skip
    dt: float = defaults.dt()
    seed: int = option(0)
    progress: bool = option(True, decides=False)
    by_step: bool = option(False, help="Count every step, too: then --cost knows each step's time.")
    hardware_options: Mapping[str, Any] | None = option(None)
    checkpoint: Any = option(
        None, metavar="FOLDER", decides=False,
        help="Keep the results of every batch here: the same command goes on with them.",
    )  # fmt: skip
    client: Any = option(None, decides=False)
    shard_size: int | None = option(None, decides=False)
    memory: int | float | str | None = defaults.memory()
    try_out: bool = option(
        True, flag="--try", decides=False,
        help="Try other settings for the next steps of the verdict, for some seconds.",
    )  # fmt: skip

    def __post_init__(self) -> None:
        self.check_flags(LoihiError)
        check.choice("objective", self.objective, OBJECTIVES, LoihiError)
        check.choice("target", self.target, TARGETS, LoihiError)
        check.choice("readout", self.readout, READOUTS, MeasurementError)
        check.task(self.task, DataError)
        check.time("dt", self.dt, LoihiError)
        memory_bytes(self.memory, LoihiError)
        if self.n_steps is not None:
            steps_of_sample(self.n_steps)
        check_spiking(self.neuron_type, self.scale_firing_rates, self.synapse)

    def chosen(self, *names: str) -> dict[str, Any]:
        """Some of the options by name."""
        return {name: getattr(self, name) for name in names}
