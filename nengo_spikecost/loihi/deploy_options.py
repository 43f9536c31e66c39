"""`DeployOptions`: how `deploy` converts, cuts, presents and reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .. import check
from ..activity.activity_record import READOUTS
from ..activity.measure_options import PRESENTATIONS
from ..errors import DataError, LoihiError, MeasurementError
from ..options import Options, option
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
    "checkpoint",
)  # fmt: skip


@dataclass(frozen=True)
class DeployOptions(Options):
    """How `deploy` converts, cuts, presents and reads.

    Attributes
    ----------
    n_steps : int, optional
        Steps per sample. May be left out if samples have a time axis.
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
    neuron_type, scale_firing_rates, synapse, max_pooling
        Of a Keras model: see `convert`. The defaults are those of the tutorial.
    presentation : {"fresh", "continuous"}, optional
        Default: continuous, as a board runs. See `measure`.
    batch_size, dt, seed, progress, by_step, hardware_options, checkpoint
        See `measure`.
    output : str, optional
        Which output is read, if there are several.
    task : {"classification", "regression"}, optional
        What the labels are for. Default: told from labels and output, see `read_labels`.
    readout : {"last", "mean"}
        Read it at the last step of a sample, or its mean over the steps.
    """

    n_steps: int | None = option(None, flag="--steps", help="Steps of 1 ms for each sample.")
    target: str = option(
        "emulator", choices=tuple(TARGETS),
        help="The batched emulation, NengoLoihi's emulator, or a board (needs NxSDK).",
    )  # fmt: skip
    block_shapes: Any = option(AUTO)
    objective: str = option(
        "cores", choices=OBJECTIVES,
        help="Block shapes with fewest cores, shortest step, or fewest messages.",
    )  # fmt: skip
    neuron_type: Any = option(
        "LoihiSpikingRectifiedLinear", flag="--neuron", metavar="TYPE",
        help="Neuron type that the ReLUs become.",
    )  # fmt: skip
    scale_firing_rates: Any = option(
        400, flag="--scale", read=float, help="scale_firing_rates: factor on all firing rates."
    )
    synapse: Any = option(
        0.005, help="Time constant in s of the filter behind the neurons; 0 for none."
    )
    max_pooling: str | None = option(
        None, choices=("exact", "average", "strided"),
        help="What max pooling becomes: exact on the host, or one of these on chip.  "
        "[default: average where neurons spike]",
    )  # fmt: skip
    presentation: str | None = option(
        None, choices=PRESENTATIONS, help="Start every sample afresh, or run on as a board does."
    )
    batch_size: int | None = option(
        None, read=int, help="Samples side by side.  [default: 1, or many if fresh]"
    )
    output: str | None = option(
        None, metavar="NAME", help="Which output to read.  [default: the only one]"
    )
    task: str | None = option(
        None, choices=check.TASKS, help="What the labels are for.  [default: told from them]"
    )
    readout: str = option(
        "last", choices=READOUTS,
        help="Read the output at the last step, or its mean over the steps.",
    )  # fmt: skip
    dt: float = option(
        0.001, metavar="S", read=float,
        help="Length of a step in s; layers of KerasSpiking have one of their own.",
    )  # fmt: skip
    seed: int = option(0)
    progress: bool = option(True, decides=False)
    by_step: bool = option(False, help="Count every step, too: then --cost knows each step's time.")
    hardware_options: Mapping[str, Any] | None = option(None)
    checkpoint: Any = option(None, decides=False)

    def __post_init__(self) -> None:
        self.check_flags(LoihiError)
        check.choice("objective", self.objective, OBJECTIVES, LoihiError)
        check.choice("target", self.target, TARGETS, LoihiError)
        check.choice("readout", self.readout, READOUTS, MeasurementError)
        check.task(self.task, DataError)
        check.time("dt", self.dt, LoihiError)

    def chosen(self, *names: str) -> dict[str, Any]:
        """Some of the options by name."""
        return {name: getattr(self, name) for name in names}
