"""`Emulator`: NengoLoihi's emulator for many samples at a time, bit for bit."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import nengo
import numpy as np

from ... import check
from ...activity import network_digests as digests
from ...activity.gathered import Gathered
from ...activity.processors import usable_processors
from ...activity.side_by_side import PRESENTATIONS
from ...activity.subject import step_of, subject
from ...checkpoints import Checkpoint
from ...deadlines import in_time
from ...digests import array_digest
from ...errors import MeasurementError
from ...options import named_arguments
from ...scale_out import checked_client
from ..cores.built import built_network
from . import emulator_shards as shards
from .chip import Chip, built_digest, flatten
from .chip_losses import Losses
from .emulation_records import EmulatedRun
from .emulator_memory import EmulatorMemory
from .feeding import by_node, check_run, filled, given_inputs, positive
from .kept_presenter import KeptPresenter
from .presenting import Presenter
from .results import Asked, Batch, batch_of, ensembles_on_chip, joined_run

READOUTS = ("last", "all")


class Emulator:
    """NengoLoihi's emulator for many samples at a time: the same spikes, counted.

    The network is built once by NengoLoihi. Its discretised blocks are then run by compiled
    code that treats spikes as events, for every sample of a batch, in several threads; the
    host's part is run for the whole batch by Nengo's own operators. Spikes of every neuron
    are those of ``nengo_loihi.Simulator``.

    Parameters
    ----------
    network : nengo.Network, Conversion, or any object with one of these as ``.network``
        Anything that NengoLoihi can build. It is built at once, with the object's own block
        shapes if it has some, and is not changed.
    batch_size : int, optional
        Samples simulated side by side. Default: 32, or as many as memory has room for.
    dt : float, optional
        Time step in s. Default: that of ``model``, or that the network's layers of KerasSpiking
        were made for (`Conversion.dt`), or 0.001; another than theirs is refused.
    seed : int, optional
        Seed of noise on the chip, and of processes on the host that have none; all samples have
        the same noise. Default: as in NengoLoihi, that of the network plus 1, or 0 if it has none.
    n_threads : int, optional
        Default: the processors that this process may use.
    model : nengo_loihi.Simulator or nengo_loihi.builder.Model, optional
        This network, built and discretised already.
    shared : collection of nengo.Node
        Nodes whose functions all samples share, whatever they remember.
    memory : int, float or str, optional
        Memory that it and the results of a run may take, in bytes or as ``"4 GB"``: fewer samples
        are simulated side by side where they would take more, and what can't fit is refused before.
        Default: 70% of what is free. States and checkpoints are of one ``batch_size``: give it.

    Attributes
    ----------
    network : nengo.Network
    built : BuiltNetwork
        The blocks, and whose neurons each of them holds.
    model : nengo_loihi.builder.Model
    chip : Chip
        The blocks as flat arrays.

    Raises
    ------
    LoihiError
        If NengoLoihi can't build the network, or a block of it learns, so that its weights
        would differ from sample to sample.
    MeasurementError
        If an argument is wrong, or there is not enough memory.

    Notes
    -----
    Functions of Nodes that remember something are copied for every sample, in the state in which
    a fresh sample starts. What the copies collect stays out of sight, so use Probes. A function
    that keeps something that can't be copied is refused if there are several samples side by
    side, unless its Node is in ``shared``.
    """

    @named_arguments
    def __init__(
        self, network: Any, *, batch_size: int | None = None, dt: float | None = None,
        seed: int | None = None, n_threads: int | None = None, model: Any = None,
        shared: Collection[nengo.Node] = (), memory: int | float | str | None = None,
    ):  # fmt: skip
        batch_size = None if batch_size is None else positive(batch_size, "batch_size")
        self._memory = EmulatorMemory(memory)
        n_threads = usable_processors() if n_threads is None else n_threads
        #: Threads that lanes are shared among.
        self.n_threads = positive(n_threads, "n_threads")
        words = "Nodes of the network"
        self._shared = tuple(check.several("shared", shared, MeasurementError, words))
        if dt is None and model is not None:
            dt = getattr(model, "dt", None)
        dt = step_of(network, dt if dt is None else check.time("dt", dt, MeasurementError))
        check_run(dt, seed, self._shared)
        self._from = network
        self._memory.check_network(network, batch_size, model)
        self.built = built_network(network, model=model, dt=dt)
        given = getattr(network, "given", network)
        self._input_nodes = getattr(given, "input_nodes", None)
        shapes = getattr(given, "input_shapes", {})
        self._shapes = {subject(given).inputs[name]: shape for name, shape in shapes.items()}
        self.network, self.model = self.built.network, self.built.model
        own = -1 if self.network.seed is None else self.network.seed
        self._seed = own + 1 if seed is None else seed
        self._chip_probes = [self.model.objs[p]["out"] for p in self.model.nengo_probes]
        self.chip: Chip = in_time(lambda: flatten(self.built, self._chip_probes))
        self.batch_size = self._memory.batch_size(self.model, self.chip, batch_size)
        self._ensembles = ensembles_on_chip(self.built, self.chip)
        self._kept = KeptPresenter(self.network, self.batch_size, self._made)
        #: Where runs leave what the chip lost; None: each of them warns of its own.
        self.losses: Losses | None = None

    @property
    def dt(self) -> float:
        """Time step in s."""
        return self.model.dt

    @property
    def probes(self) -> tuple[Any, ...]:
        """Probes of the network, on the chip and on the host."""
        host = (*self.model.host_pre.probes, *self.model.host.probes)
        hidden = self.model.chip2host_params
        return (*(p for p in self.model.nengo_probes if p not in hidden), *host)

    def run(
        self, inputs: Any = None, n_steps: int = 100, *, presentation: str = "fresh",
        readout: str = "last", by_step: bool = False,
        checkpoint: str | os.PathLike[str] | None = None, client: Any = None,
        shard_size: int | None = None, progress: bool = True,
    ) -> EmulatedRun:  # fmt: skip
        """Present samples.

        Parameters
        ----------
        inputs : mapping from nengo.Node to ndarray, or ndarray, optional
            Outputs of Nodes, ``(n_samples, size)`` or ``(n_samples, n_steps, size)``, or with the
            axes of the model's input in place of the size. An array is for the only Node with an
            output of its own. Other Nodes do as the network
            says; without inputs, one sample is run.
        n_steps : int
            Steps of each sample.
        presentation : {"fresh", "continuous"}
            Whether every sample starts from the state that a new simulator starts from, or
            each of ``batch_size`` lanes goes on from the sample before it, in this run and
            the continuous ones before; sample ``i`` of a run is presented in lane
            ``i % batch_size``. Lanes that get no sample in the end are shown zeros meanwhile.
        readout : {"last", "all"}
            Whether outputs hold only the last values and means, or the values at every step.
        by_step : bool
            Whether to count step by step, too.
        checkpoint : str or path, optional
            A folder that keeps the results of every batch. A run that ended early goes on
            from there when it is started again with the same arguments, in another process
            too. It holds pickled objects: use only folders that you trust.
        client : distributed.Client, optional
            Of a Dask cluster, whose workers share the samples: see docs/scale_out.md. Results are
            the same bit for bit. Each worker builds the network once, and uses as many threads as
            it has. In place of arrays there may be then paths of ``.npy`` files or zarr arrays, or
            functions that return samples; workers read these themselves. Fresh samples only.
        shard_size : int, optional
            With ``client``: samples that a worker takes at a time, rounded up to whole batches.
            Default: some shards for each thread of the cluster.
        progress : bool
            With ``client``: show a progress bar over the samples, with the time left.

        Returns
        -------
        EmulatedRun

        Raises
        ------
        DataError
            If inputs are not of the right shape, or ``checkpoint`` has results of a run with
            other arguments.
        ScaleOutError
            If the workers of ``client`` have other versions, or can't do the work.

        Warns
        -----
        EmulationWarning
            If numbers were too large for the chip, functions of Nodes remember something, or
            neurons on the host fire more than once in a step.
        """
        check.choice("presentation", presentation, PRESENTATIONS, MeasurementError)
        check.choice("readout", readout, READOUTS, MeasurementError)
        if checkpoint is not None:
            check.path("checkpoint", checkpoint, MeasurementError)
        asked = Asked(positive(n_steps, "n_steps"), presentation, readout, bool(by_step))
        if client is not None:
            return self._sharded(client, inputs, asked, checkpoint, shard_size, progress)
        given = self._given(inputs, asked)
        self._memory.check_results(self.chip, self.probes, _n_samples(given), asked)
        continuous = presentation == "continuous"
        lanes = self.batch_size if continuous else min(_n_samples(given), self.batch_size)
        presenter = self._ready(given, lanes, continuous)
        digests = {node: array_digest([x]) for node, x in given.items()} if checkpoint else {}
        kept = self._checkpoint(checkpoint, asked, digests, lanes) if checkpoint else None
        batches = [kept.batch(k) for k in range(kept.n_done())] if kept else []
        if kept and batches and continuous:
            presenter.restore(kept.state(len(batches)))
        for results in self._presented(presenter, given, asked, lanes, len(batches) * lanes):
            if kept:
                state = presenter.state() if continuous else None
                kept.add(len(batches), results, state)
            batches.append(results)
        return self._joined(presenter, batches, asked)

    def batches(self, inputs: Any, asked: Asked, lanes: int) -> Iterator[Batch]:
        """The results of fresh samples, batch by batch, with so many lanes."""
        given = self._given(inputs, asked)
        return self._presented(self._ready(given, lanes, False), given, asked, lanes)

    def _given(self, inputs: Any, asked: Asked) -> dict[nengo.Node, np.ndarray]:
        return given_inputs(inputs, asked.n_steps, self.network, self._input_nodes, self._shapes)

    def _ready(self, given: Mapping[Any, np.ndarray], lanes: int, continuous: bool) -> Presenter:
        """The presenter of these values."""
        changing = any(x.shape[1] > 1 for x in given.values())
        return self._kept.ready(frozenset(given), changing, lanes, continuous)

    def _presented(
        self, presenter: Presenter, given: Mapping[Any, np.ndarray], asked: Asked, lanes: int,
        first: int = 0,
    ) -> Iterator[Batch]:  # fmt: skip
        """The results of batches, from sample ``first`` on."""
        n_samples = _n_samples(given)
        for start in range(first, n_samples, lanes):
            if asked.presentation == "fresh":
                presenter.reset()
            batch = {node: filled(x[start : start + lanes], lanes) for node, x in given.items()}
            yield self._present(presenter, batch, min(lanes, n_samples - start), asked)

    def _sharded(
        self, client: Any, inputs: Any, asked: Asked, checkpoint: Any, shard_size: Any,
        progress: Any,
    ) -> EmulatedRun:  # fmt: skip
        """`run` on the workers of a cluster."""
        client, nodes = checked_client(client), self.network.all_nodes
        progress = check.flag("progress", progress, MeasurementError)
        if shard_size is not None:
            shard_size = positive(shard_size, "shard_size")
        shards.check_separable(asked, self._shared)
        inputs = by_node(inputs, self.network, self._input_nodes)
        given = functools.partial(self._given, asked=asked)
        fed = shards.fed(client, inputs, {node: k for k, node in enumerate(nodes)}, given)
        self._memory.check_results(self.chip, self.probes, fed.n_samples, asked)
        lanes = min(fed.n_samples, self.batch_size)
        presenter = self._kept.ready(frozenset(inputs), fed.changing, lanes, False)
        kept, batches = None, []
        if checkpoint is not None:
            digests = shards.digests_of(client, fed, nodes, given)
            kept = self._checkpoint(checkpoint, asked, digests, lanes)
            batches = [kept.batch(k) for k in range(kept.n_done())]
        first = len(batches) * lanes
        new = shards.sharded(client, self, asked, fed, lanes, first, shard_size, progress)
        with contextlib.closing(new):
            for results in new:
                if kept:
                    kept.add(len(batches), results, None)
                batches.append(results)
        return self._joined(presenter, batches, asked)

    def _joined(self, presenter: Presenter, batches: Sequence[Batch], asked: Asked) -> EmulatedRun:
        run = joined_run(
            self.built, self.chip, self.probes, presenter.host_ensembles, self._ensembles,
            batches, asked,
        )  # fmt: skip
        losses = Losses() if self.losses is None else self.losses
        losses.add(run)
        if self.losses is None:
            losses.warn()
        return run

    def __reduce__(self) -> Any:
        """Pickled as what it is built from: a process that reads it builds the network again."""
        own = (self.network, *self.network.all_objects)
        options = {
            "batch_size": self.batch_size, "dt": self.dt, "seed": self._seed,
            "n_threads": self.n_threads, "shared": self._shared, "memory": self._memory.given,
        }  # fmt: skip
        return _built_again, (self._from, [self.model.seeds.get(obj) for obj in own], options)

    def state(self) -> dict[str, np.ndarray]:
        """The state of a continuous presentation.

        Arrays by name, for ``numpy.savez`` or pickle: the state of the chip and of the host in
        every lane, with random numbers, and pickled what functions of Nodes remember.

        Raises
        ------
        LoihiError
            If something on the host can't be kept in a file.
        """
        return self._kept.state(self._digest)

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go on from a `state` that this process or another gave.

        It holds pickled objects: use only states that you trust.

        Parameters
        ----------
        state : mapping from str to ndarray

        Raises
        ------
        LoihiError
            If it is of another network, or of another ``batch_size``, or not as it was given.
        """
        self._kept.restore(state, self._digest)

    def voltages(self) -> np.ndarray:
        """Voltages that the last run left, in the chip's units, int32 (lanes, compartments)."""
        return self._kept.voltages()

    def reset(self) -> None:
        """Start a continuous presentation anew."""
        self._kept.reset()

    def close(self) -> None:
        """Free the memory and the threads of the simulation."""
        self._kept.close()

    def __enter__(self) -> Emulator:
        return self

    def __exit__(self, *error: Any) -> None:
        self.close()

    def _made(self, nodes: Sequence[Any], changing: bool, lanes: int) -> Presenter:
        return Presenter(
            self.model, self.chip, self._chip_probes, nodes, changing, lanes, self.n_threads,
            self._seed, self.network, self._shared,
        )  # fmt: skip

    @functools.cached_property
    def _digest(self) -> str:
        """Digest of the built network, and of the filters and functions that it was built from."""
        return array_digest([self.built_digest, digests.network_digest(self.network)])

    @functools.cached_property
    def built_digest(self) -> str:
        """Digest of what NengoLoihi built: the blocks on the chip, and the host's part."""
        return built_digest(self.model, self.chip)

    def _checkpoint(
        self, path: Any, asked: Asked, given: Mapping[Any, str], lanes: int
    ) -> Checkpoint:
        """The folder that a run on data with these digests starts, or goes on with."""
        arguments = {**dataclasses.asdict(asked), "batch_size": lanes, "seed": self._seed}
        arguments["network"] = self._digest
        for number, node in enumerate(self.network.all_nodes):
            if node in given:  # by number: labels may be missing, or alike
                name = f"input of Node {number}" + (f" ({node.label})" if node.label else "")
                arguments[name] = given[node]
        if asked.presentation == "continuous":
            state = self._kept.starting_state()
            arguments["starting state"] = array_digest(x for k, x in state.items() if k != "memory")
        return Checkpoint(path, arguments)

    def _present(self, presenter: Presenter, inputs: Any, n: int, asked: Asked) -> Batch:
        every = {p: 1 if p.sample_every is None else p.sample_every / self.dt for p in self.probes}
        gathered = {p: Gathered(asked.readout == "all", steps) for p, steps in every.items()}
        presenter.present(inputs, asked.n_steps, gathered, asked.by_step)
        return batch_of(presenter, list(gathered.values()), n)


def _n_samples(given: Mapping[Any, np.ndarray]) -> int:
    """How many there are; without inputs, one."""
    return len(next(iter(given.values()))) if given else 1


def _built_again(network: Any, seeds: Sequence[int | None], options: Any) -> Emulator:
    """An emulator of a network that was pickled, built with the seeds that it had."""
    given = subject(network).network
    for obj, seed in zip((given, *given.all_objects), seeds):
        if obj.seed is None and seed is not None:
            obj.seed = seed
    return Emulator(network, **options)
