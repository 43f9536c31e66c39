"""`MeasureOptions`: how `measure` simulates, checked and said once."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .. import check
from ..errors import MeasurementError
from ..memory import memory_bytes
from ..options import Options, option
from ..scale_out import checked_client
from .side_by_side import PRESENTATIONS
from .simulator_spec import SPECIAL_OPTIONS, SimulatorSpec, simulators

DTYPES = ("float32", "float64")


@dataclass(frozen=True)
class MeasureOptions(Options):
    """How `measure` simulates.

    Attributes
    ----------
    simulator : str
        Its name:

        * ``"nengo_dl"``; ``"nengo_dl_probes"`` is the same simulator through its public
          interface only, slower, with equal results except for noise that processes draw.
        * ``"compiled"``: the network as Nengo builds it, stepped by compiled code
          (docs/compiled.md): the fastest. Single counts may differ by one where rounding decides.
        * ``"nengo"``: Nengo's reference simulator, which runs everything that Nengo can
          express, one sample after another.
        * ``"loihi"``: the batched emulation of Loihi (`nengo_spikecost.loihi.Emulator`),
          which also counts what each core does (`Activity.chip`).
        * ``"nengo_loihi"``: NengoLoihi's own simulator, one sample after another: its
          emulator or a board. Spikes are those of ``"loihi"``.

        Others come from `register_simulator`, `register_backend` and plug-ins:
        ``nengo_spikecost.activity.simulators.names()`` lists all.
    presentation : {"fresh", "continuous"}, optional
        Start every sample from the initial state, or let state run on from one sample to
        the next. Default: continuous for ``"loihi"`` and ``"nengo_loihi"``, because a board
        runs on, and would have to be set up anew to start from rest; fresh for the others,
        where every sample is a computation of its own. What functions of Nodes remember is state
        too: every fresh sample starts with copies of what it is when `measure` is called, every
        lane of a continuous presentation runs on with one.
    batch_size : int, optional
        Samples side by side. Default: 1 if continuous or if the simulator has no batches,
        or else as many as make a few million neurons, at most 100, and no more than there
        are. In a continuous presentation the samples are dealt out to ``batch_size`` lanes
        that run side by side, like as many boards, each of which starts with a sample.
    dt : float, optional
        Length of a step in s. Default: that of layers of KerasSpiking, for which no other is
        right (`Conversion.dt`), and 0.001 without such layers.
    seed : int
        Seed of the run, and of the build if the network has no seed of its own. Two
        measurements with equal arguments are equal bit for bit.
    progress : bool
        Show a progress bar with the time left, if standard error is a terminal, or in a notebook.
    target : {"sim", "loihi"}, optional
        For ``"nengo_loihi"``: its emulator, the default, or a board, which needs NxSDK.
    hardware_options : mapping, optional
        For ``"nengo_loihi"`` on a board: see ``nengo_loihi.hardware.HardwareInterface``.
        Default: as many chips as the blocks need, at least 2.
    by_step : bool
        Also keep outputs at every step (`OutputActivity.steps`), for `Activity.accuracy_by_step`
        and `early_exit`; and for ``"loihi"`` count each core step by step
        (`ChipActivity.by_step`). Memory then grows with samples and steps.
    dtype : {"float32", "float64"}, optional
        For ``"compiled"``: type of all numbers of the simulation. Default: that of
        ``nengo_dl.configure_settings`` in the network, else ``"float32"``.
    checkpoint : str or path, optional
        A folder that keeps the results of every batch. A later call with equal arguments, on
        equal data, goes on where this one stopped, and returns at once what is complete. It
        refuses other arguments by name. A continuous presentation can be taken up on
        ``"loihi"``; where neurons draw random numbers as they run, a fresh one on
        ``"loihi"`` and ``"nengo_loihi"`` only. States are pickled: keep such folders where
        only you write.
    client : distributed.Client, optional
        Of a Dask cluster, whose workers share the samples (docs/scale_out.md): fresh ones only.
        The activity is the same bit for bit. Each worker builds the network once. As data there may
        be, besides arrays, paths of ``.npy`` files and zarr arrays, and functions that return data,
        which workers read themselves. Generators can't be shared: give the function that makes one.
    shard_size : int, optional
        With ``client``: samples that a worker takes at a time, rounded up to whole batches.
        Default: some shards for each thread of the cluster.
    memory : int, float or str, optional
        Memory that simulating may take, in bytes or as ``"4 GB"``: fewer samples are simulated side
        by side where they would take more, and what can't fit is refused before it is built.
        Default: 70% of what is free; with ``checkpoint``, which is for as many side by side every
        time, or ``client``, only what is asked for.
    """

    simulator: str = "nengo_dl"
    presentation: str | None = None
    batch_size: int | None = None
    dt: float | None = None
    seed: int = 0
    progress: bool = option(True, decides=False)
    target: str | None = None
    hardware_options: Mapping[str, Any] | None = None
    by_step: bool = False
    dtype: str | None = None
    checkpoint: str | os.PathLike[str] | None = option(
        None, metavar="FOLDER", decides=False,
        help="Keep the results of every batch here: the same command goes on with them.",
    )  # fmt: skip
    client: Any = option(None, decides=False)
    shard_size: int | None = option(None, decides=False)
    memory: int | float | str | None = option(None, decides=False)

    def __post_init__(self) -> None:
        self.check_flags(MeasurementError)
        spec = simulators.get(self.simulator)
        if self.presentation is None:
            self.put(presentation="continuous" if spec.continuous else "fresh")
        check.choice("presentation", self.presentation, PRESENTATIONS, MeasurementError)
        if self.batch_size is not None:
            self.put(batch_size=check.whole("batch_size", self.batch_size, MeasurementError, 1))
        if self.dt is not None:
            self.put(dt=check.time("dt", self.dt, MeasurementError))
        self.put(
            seed=check.seed("seed", self.seed, MeasurementError),
            by_step=bool(self.by_step),
        )
        if self.memory is not None:
            self.put(memory=memory_bytes(self.memory, MeasurementError))
        if self.dtype is not None:
            check.choice("dtype", self.dtype, DTYPES, MeasurementError)
        if self.checkpoint is not None:
            check.path("checkpoint", self.checkpoint, MeasurementError)
        if self.client is not None:
            checked_client(self.client)
        if self.shard_size is not None:
            check.whole("shard_size", self.shard_size, MeasurementError, 1)
        for name in self.special():
            if name not in spec.options:
                takers = simulators.those(functools.partial(_takes, name))
                raise MeasurementError(
                    f"{name} is for simulator {' or '.join(map(repr, takers))}; "
                    f"{self.simulator!r} has no such option."
                )

    @property
    def spec(self) -> SimulatorSpec:
        """What the simulator can do."""
        return simulators.get(self.simulator)

    @property
    def memory_bytes(self) -> int | None:
        """``memory`` in bytes."""
        return memory_bytes(self.memory, MeasurementError)

    def special(self) -> dict[str, Any]:
        """Options that only some simulators take, if they are given."""
        return {name: value for name, value in self.given().items() if name in SPECIAL_OPTIONS}


def _takes(option: str, simulator: SimulatorSpec) -> bool:
    return option in simulator.options
