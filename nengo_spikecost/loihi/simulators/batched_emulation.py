"""`simulator="loihi"`: the batched emulation of Loihi, counted per neuron and per core."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import nengo
import numpy as np

from ... import stack
from ...activity.backend import Backend, BatchCounts, Setup
from ...activity.gathered import saw_nothing
from ...chip.chip_activity import continued_chip
from ...errors import MeasurementError
from ...graph import EventSource
from ...graph.naming import numbered
from ..emulation import Emulator
from ..emulation.chip_losses import Losses
from .chip_network import Surrounding, check_probes, shaped


class LoihiEmulatorBackend(Backend):
    """`nengo_spikecost.loihi.Emulator`, which is NengoLoihi's emulator for a whole batch.

    Neurons on the chip and on the host, and the work of each core, are counted during the
    simulation; nothing is recorded step by step unless ``by_step`` is asked for.

    Parameters
    ----------
    setup : Setup
        In a continuous presentation each lane is a chip of its own.
    """

    any_size = True

    def __init__(self, setup: Setup):
        self.setup = setup
        check_probes(setup)
        network = Surrounding(setup.network, setup.seed)
        model = stack.nengo_loihi().builder.Model(dt=setup.dt)
        with shaped(setup, network):
            model.build(network)
        self._emulator = Emulator(
            network, batch_size=setup.batch_size, dt=setup.dt, seed=setup.seed, model=model
        )
        self._losses = self._emulator.losses = Losses()
        self._nodes = {spec.name: spec.node for spec in setup.inputs}
        built = self._emulator.built
        self._cores, self._layers = _named(built.blocks, setup)
        self._inputs, _ = _named(built.inputs, setup)

    def run(self, inputs: Mapping[str, np.ndarray]) -> BatchCounts:
        return _rounded(self._run(inputs, self.setup.n_steps, self.setup.presentation))

    def run_lengths(
        self, inputs: Mapping[str, np.ndarray], lengths: Sequence[int]
    ) -> dict[int, BatchCounts]:
        """Present one batch afresh for the longest time, and read it at every length.

        Nothing is counted step by step. Counts are those of separate fresh runs. Outputs are
        sums that a matrix product makes of some steps at once, and so may differ from those of
        separate runs in the last bit of a float64, before all are rounded to float32.

        Parameters
        ----------
        inputs : mapping from str to ndarray
            ``(n, 1 or n_steps, size)`` for each input; at most ``batch_size`` samples.
        lengths : sequence of int
            Steps, ascending.
        """
        changing = any(x.shape[1] > 1 for x in inputs.values())
        if changing or any(p.sample_every is not None for p in self.setup.outputs.values()):
            # a sample that changes, or a Probe that samples, can't be cut anywhere: a run a length
            batches = {n: {k: _first(x, n) for k, x in inputs.items()} for n in lengths}
            return {n: _rounded(self._run(batch, n, "fresh")) for n, batch in batches.items()}
        counts: dict[int, BatchCounts] = {}
        done, total = 0, None
        self._emulator.reset()  # the first stretch starts as a fresh sample does
        for length in lengths:
            then = self._run(inputs, length - done, "continuous")
            total = then if total is None else _continued(total, then, done, length)
            counts[length] = _rounded(total)
            done = length
        return counts

    def _run(
        self, inputs: Mapping[str, np.ndarray], n_steps: int, presentation: str
    ) -> BatchCounts:
        """The counts of a run; outputs are float64."""
        given = {self._nodes[name]: values for name, values in inputs.items()} or None
        by_step = self.setup.by_step
        run = self._emulator.run(
            given, n_steps, presentation=presentation, by_step=by_step,
            readout="all" if by_step else "last",
        )  # fmt: skip
        counts = {p.name: self._counts(run, p) for p in self.setup.populations}
        outputs = {name: _output(run, name, p) for name, p in self.setup.outputs.items()}
        chip = run.chip_activity(self._cores, self._layers, self._inputs)
        kept = {name: self.setup.outputs[name] for name in self.setup.kept_by_step}
        every = {name: run.outputs[probe].steps for name, probe in kept.items()}
        steps = {name: values for name, values in every.items() if values is not None}
        return BatchCounts(counts, outputs, chip, steps=steps)

    def _counts(self, run: Any, population: Any) -> np.ndarray:
        """Spikes of a population, or events of a process, (n_samples, n_neurons)."""
        if isinstance(population, EventSource):
            inputs = self._emulator.built.inputs
            (number,) = (k for k, p in enumerate(inputs) if p.source.owner is population.obj)
            return np.asarray(run.spikes[:, run.input_of[number]])
        if population.ensemble in run.ensembles:
            return run.spikes_of(population.ensemble)
        try:
            return run.host_counts[population.ensemble]
        except KeyError:
            raise MeasurementError(
                f"{population.name} runs neither on the emulated chip nor on its host, so its "
                "spikes can't be counted."
            ) from None

    def close(self) -> None:
        self._emulator.close()
        self._losses.warn()

    def state(self) -> dict[str, np.ndarray]:
        return self._emulator.state()

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        self._emulator.restore(state)


def _named(parts: Any, setup: Setup) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names and layers of blocks or inputs, as the network's graph calls them."""
    known: dict[Any, Any] = {population.obj: population for population in setup.populations}
    own = [known.get(part.source.owner, part.source) for part in parts]
    endings = [part.name[len(part.source.name) :] for part in parts]
    unique = numbered({k: own[k].name + ending for k, ending in enumerate(endings)})
    return tuple(unique[k] for k in range(len(own))), tuple(source.layer for source in own)


def _output(run: Any, name: str, probe: nengo.Probe) -> tuple[np.ndarray, np.ndarray]:
    output = run.outputs.get(probe)
    if output is None:
        raise saw_nothing(name)
    return output.last, output.mean


def _rounded(batch: BatchCounts) -> BatchCounts:
    rounded = {
        k: (x.astype(np.float32), m.astype(np.float32)) for k, (x, m) in batch.outputs.items()
    }
    return replace(batch, outputs=rounded)


def _first(values: np.ndarray, n_steps: int) -> np.ndarray:
    return values if values.shape[1] == 1 else values[:, :n_steps]


def _continued(before: BatchCounts, then: BatchCounts, done: int, length: int) -> BatchCounts:
    """``done`` steps and those that followed, ``length`` in all."""
    outputs = {}
    for name, (last, mean) in then.outputs.items():
        total = before.outputs[name][1] * done + mean * (length - done)
        outputs[name] = last, total / length
    counts = {name: _added(x, then.counts[name]) for name, x in before.counts.items()}
    assert before.chip is not None and then.chip is not None
    return BatchCounts(counts, outputs, continued_chip(before.chip, then.chip))


def _added(before: np.ndarray, then: np.ndarray) -> np.ndarray:
    # spikes come in the smallest type that holds them, which need not hold the sum
    wide = np.float64 if before.dtype.kind == "f" else np.int64
    return np.add(before, then, dtype=wide)
