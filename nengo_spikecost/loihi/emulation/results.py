"""The results of batches as plain arrays, and how they become one `EmulatedRun`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import nengo
import numpy as np

from ...activity.gathered import Gathered
from ...chip.chip_activity import StepCounts, check_counts_active
from ..cores.built import BuiltNetwork
from .chip import Chip
from .emulation_records import EmulatedOutput, EmulatedRun, added_up
from .presenting import Presenter

#: Results of one batch by name; arrays only, so that they can be kept in a file.
Batch = dict[str, np.ndarray]

READINGS = ("last", "mean", "steps")


@dataclass(frozen=True)
class Asked:
    """How samples are presented, and which values are recorded.

    Attributes
    ----------
    n_steps : int
    presentation : {"fresh", "continuous"}
    readout : {"last", "all"}
    by_step : bool
    """

    n_steps: int
    presentation: str
    readout: str
    by_step: bool


def batch_of(presenter: Presenter, gathered: Sequence[Gathered], n: int) -> Batch:
    """The results of the first ``n`` lanes of a batch.

    Parameters
    ----------
    presenter : Presenter
        Just after it presented the batch.
    gathered : sequence of Gathered
        One for each Probe.
    n : int
    """
    lanes = presenter.lanes
    messages, synops = lanes.delivered()
    results = {
        "spikes": _small(lanes.spikes[:n]), "messages": messages[:n], "synops": synops[:n],
        "with_input": lanes.with_input[:n].sum(axis=1), "active": lanes.active[:n].sum(axis=1),
        "overflows": lanes.overflows[:n].astype(bool), "unsent": presenter.unsent[:n].copy(),
    }  # fmt: skip
    if lanes.by_step.fired.shape[1]:
        results.update({f"step {key}": x[:n] for key, x in lanes.by_step._asdict().items()})
        results["step with_input"] = lanes.with_input[:n]
        results["step active"] = lanes.active[:n]
    for k, one in enumerate(gathered):
        results.update({f"output {k} {key}": x for key, x in one.output(n).items()})
    for k, counts in enumerate(presenter.host_counts()):
        results[f"host {k}"] = _small(counts[:n])
    return results


def _small(counts: np.ndarray) -> np.ndarray:
    """A copy, whole numbers in the smallest type that holds them all."""
    if counts.dtype.kind == "f":
        return counts.copy()
    return counts.astype(np.min_scalar_type(int(counts.max(initial=0))))


def ensembles_on_chip(built: BuiltNetwork, chip: Chip) -> dict[nengo.Ensemble, np.ndarray]:
    """The compartments that are the neurons of each Ensemble on the chip, in its order."""
    neurons: dict[nengo.Ensemble, np.ndarray] = {}
    for part, own in zip(built.blocks, chip.block_of):
        if isinstance(part.source.owner, nengo.Ensemble):
            empty = np.empty(part.source.n_neurons, dtype=np.int64)
            sources = neurons.setdefault(part.source.owner, empty)
            sources[part.neurons] = np.arange(own.start, own.stop)
    return neurons


def joined_run(
    built: BuiltNetwork, chip: Chip, probes: Sequence[Any], host_ensembles: Sequence[Any],
    ensembles: Mapping[Any, np.ndarray], batches: Sequence[Batch], asked: Asked,
) -> EmulatedRun:  # fmt: skip
    """The results of all batches, one after another.

    Raises
    ------
    DataError
        If an earlier version of this package wrote some of them.
    """
    check_counts_active(all("active" in batch for batch in batches))
    arrays = {key: np.concatenate([batch[key] for batch in batches]) for key in batches[0]}
    outputs = {}
    for k, probe in enumerate(probes):
        own: Any = [arrays.get(f"output {k} {key}") for key in READINGS]
        if own[0] is not None:
            outputs[probe] = EmulatedOutput(*own)
    synapses_of = [route.synapses for route in chip.routes]
    messages, synops = (
        added_up(arrays[key], synapses_of, len(chip.synapses)) for key in ("messages", "synops")
    )
    return EmulatedRun(
        n_samples=len(arrays["spikes"]), n_steps=asked.n_steps, dt=built.model.dt,
        presentation=asked.presentation, outputs=outputs,
        block_names=tuple(part.name for part in built.blocks),
        input_names=tuple(part.name for part in built.inputs), block_of=chip.block_of,
        input_of=chip.input_of, spikes=arrays["spikes"], synapses=chip.synapses,
        axon_events=messages, synops=synops, routes=chip.routes, messages=arrays["messages"],
        with_input=arrays["with_input"], active=arrays["active"], biased=_biased(chip),
        chip_to_host=_read_by_host(built.model, chip, arrays["spikes"]), ensembles=ensembles,
        host_counts={e: arrays[f"host {k}"] for k, e in enumerate(host_ensembles)},
        overflows=arrays["overflows"], unsent=arrays["unsent"],
        by_step=_step_counts(chip, arrays) if asked.by_step else None,
    )  # fmt: skip


def _biased(chip: Chip) -> np.ndarray:
    """Compartments of each block that have a bias, int64 (n_blocks,)."""
    bias = chip.tables.bias
    return np.array([np.count_nonzero(bias[own]) for own in chip.block_of], dtype=np.int64)


def _read_by_host(model: Any, chip: Chip, spikes: np.ndarray) -> np.ndarray:
    """Spikes that the host reads, one for each Connection to it, int64 (n_samples,)."""
    n_read = np.zeros(len(spikes), dtype=np.int64)
    for nengo_probe in model.chip2host_receivers:
        probe = model.objs[nengo_probe]["out"]
        if probe.key == "spiked":
            for block, part in zip(probe.target, probe.slice):
                own = spikes[:, chip.block_of[chip.blocks.index(block)]]
                n_read += own[:, part].sum(axis=1, dtype=np.int64)
    return n_read


def _step_counts(chip: Chip, arrays: Mapping[str, np.ndarray]) -> StepCounts:
    n_blocks = len(chip.blocks)
    fired, sent = arrays["step fired"], arrays["step sent"][..., :n_blocks]
    messages, met = np.moveaxis(arrays["step arrived"], 2, 0)
    events = np.zeros_like(sent)
    synops = {synapses.kind: np.zeros_like(sent) for synapses in chip.synapses}
    for k, synapses in enumerate(chip.synapses):
        events[..., synapses.block] += messages[..., k]
        synops[synapses.kind][..., synapses.block] += met[..., k]
    return StepCounts(
        synops=synops, axon_events=events, messages_out=sent, spikes=fired[..., :n_blocks],
        with_input=arrays["step with_input"], active=arrays["step active"],
        host_to_chip=fired[..., n_blocks:].sum(axis=2),
    )  # fmt: skip
