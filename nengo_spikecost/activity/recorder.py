"""Counts of all batches, in the smallest integers that hold them, put together in the end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import nengo
import numpy as np

from ..chip.chip_activity import ChipActivity, chip_arrays, chip_of_arrays, joined_chips
from ..errors import MeasurementError
from ..graph import NetworkGraph, SpikeSource
from ..graph.feedback import has_state
from ..words import counted
from .activity_record import Activity, OutputActivity, PopulationActivity, Protocol
from .backend import MAX_SPIKES, BatchCounts, Setup
from .samples import Frames


class Recorder:
    """Collects the counts and outputs of batches, in the smallest integers that hold them.

    Parameters
    ----------
    setup : Setup
    simulator : str

    Attributes
    ----------
    n_samples, n_batches : int
        Samples and batches so far.
    changes_by_itself : bool
        Whether Nodes that are not fed give other values at every step.
    """

    def __init__(self, setup: Setup, simulator: str):
        graph = NetworkGraph(setup.network if setup.named is None else setup.named)
        self._groups = graph.population_groups
        self.protocol = Protocol(
            simulator, setup.presentation, setup.n_steps, setup.dt, setup.batch_size, setup.seed,
            runs_on=not setup.inputs or has_state(graph),
        )  # fmt: skip
        self.setup = setup
        self.n_samples = self.n_batches = self._n_last = 0
        fed = {spec.node for spec in setup.inputs}
        self.changes_by_itself = any(_changes(n) for n in setup.network.all_nodes if n not in fed)
        self.frames: list[Frames] = []
        self.counts: dict[str, list[np.ndarray]] = {p.name: [] for p in setup.populations}
        self.outputs: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {
            name: [] for name in setup.outputs
        }
        self.steps: dict[str, list[np.ndarray]] = {name: [] for name in setup.kept_by_step}
        self.notes: tuple[str, ...] = ()
        self.targets: list[np.ndarray | None] = []
        self.chips: list[ChipActivity | None] = []

    def add(self, batch: BatchCounts, n: int, targets: np.ndarray | None, frames: Frames) -> None:
        """Keep the first ``n`` samples of a batch (the rest was padding)."""
        self._check_complete(batch, n)
        # least and most, found once: counts are the largest arrays that a batch has
        ranges = {p.name: _range(batch.counts[p.name]) for p in self.setup.populations}
        _check_values(batch, ranges, self.protocol.simulator)
        _check_countable(self.setup.populations, ranges)
        self.n_samples += n
        self._n_last = n
        self.n_batches += 1
        self.frames.append(frames)
        self.notes = batch.notes
        for population in self.setup.populations:
            full = batch.counts[population.name]
            counts, (_, most) = full[:n], ranges[population.name]
            if population.spiking:
                most = most if n == len(full) else counts.max(initial=0)
                counts = counts.astype(np.min_scalar_type(int(most)))
            self.counts[population.name].append(counts)
        for name, (last, mean) in batch.outputs.items():
            self.outputs[name].append((last[:n], mean[:n]))
        for name, kept in self.steps.items():
            kept.append(np.asarray(batch.steps[name][:n], dtype=np.float32))
        self.targets.append(targets)
        self.chips.append(batch.chip)

    def _check_complete(self, batch: Any, n: int) -> None:
        """Refuse counts and outputs that a back end left out, or gave in another shape."""
        run = f"Simulator {self.protocol.simulator!r}: run returned"
        if not isinstance(batch, BatchCounts):
            raise MeasurementError(f"{run} {type(batch).__name__}, not BatchCounts.")
        expected = {f"counts of {p.name}": (batch.counts.get(p.name), p.n_neurons)
                    for p in self.setup.populations}  # fmt: skip
        for name in self.setup.outputs:
            last, mean = batch.outputs.get(name, (None, None))
            size = 1 if last is None else np.shape(last)[-1]  # a Probe of weights has any
            expected |= {
                f"last of output {name}": (last, size),
                f"mean of output {name}": (mean, size),
            }
        for name, (values, size) in expected.items():
            shape = () if values is None else np.shape(values)
            if len(shape) != 2 or shape[0] < n or shape[1] != size:
                raise MeasurementError(
                    f"{run} {name} of shape {None if values is None else shape}; expected ({n}, "
                    f"{size}), a row for each sample of the batch."
                )
        for name in self.steps:
            found: tuple[int, ...] = np.shape(batch.steps[name]) if name in batch.steps else ()
            wanted = (self.setup.n_steps, np.shape(batch.outputs[name][0])[1])
            if len(found) != 3 or found[0] < n or found[1:] != wanted:
                raise MeasurementError(
                    f"{run} steps of output {name} of shape {found or None}; expected ({n}, "
                    f"{wanted[0]}, {wanted[1]}), because by_step asks for the values of every step."
                )

    def last_batch(self) -> dict[str, np.ndarray]:
        """The batch added last, as arrays for a file."""
        frames = self.frames[-1]
        arrays = {"n": np.array(self._n_last), "frames": frames.together}
        for name, n_frames in frames.of_inputs.items():
            arrays[f"frames of {name}"] = n_frames
        for k, population in enumerate(self.setup.populations):
            arrays[f"counts {k}"] = self.counts[population.name][-1]
        for k, name in enumerate(self.setup.outputs):
            arrays[f"last {k}"], arrays[f"mean {k}"] = self.outputs[name][-1]
        for k, kept in enumerate(self.steps.values()):
            arrays[f"steps {k}"] = kept[-1]
        if self.notes:
            arrays["notes"] = np.array(self.notes)
        if self.targets[-1] is not None:
            arrays["targets"] = self.targets[-1]
        chip = self.chips[-1]
        return arrays if chip is None else {**arrays, **chip_arrays(chip)}

    def hand_over(self) -> dict[str, np.ndarray]:
        """The same, forgotten here."""
        arrays = self.last_batch()
        kept: list[list[Any]] = [self.frames, self.targets, self.chips]
        by_name: list[Mapping[str, list[Any]]] = [self.counts, self.outputs, self.steps]
        for values in (*kept, *(own for records in by_name for own in records.values())):
            values.clear()
        self.n_samples = self.n_batches = 0
        return arrays

    def add_again(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Add a batch that was written by `last_batch`."""
        self.n_samples += int(arrays["n"])
        self.n_batches += 1
        names = [spec.name for spec in self.setup.inputs]
        of_inputs = {name: arrays[f"frames of {name}"] for name in names}
        self.frames.append(Frames(of_inputs, arrays["frames"]))
        self.notes = tuple(map(str, arrays.get("notes", ())))
        for k, population in enumerate(self.setup.populations):
            self.counts[population.name].append(arrays[f"counts {k}"])
        for k, name in enumerate(self.setup.outputs):
            self.outputs[name].append((arrays[f"last {k}"], arrays[f"mean {k}"]))
        for k, kept in enumerate(self.steps.values()):
            kept.append(arrays[f"steps {k}"])
        self.targets.append(arrays.get("targets"))
        self.chips.append(chip_of_arrays(arrays))

    def keep_after(self, error: Exception) -> None:
        """Raise the error that stopped a measurement, with the activity until then if any."""
        if self.n_samples:
            raise MeasurementError(
                f"The measurement stopped after {counted(self.n_samples, 'sample')}: {error} "
                "(what was measured until then is in this error's .activity)",
                activity=self.activity(),
            ) from error

    def activity(self) -> Activity:
        """The activity of all batches; call it once, as it hands the counts over."""
        populations = {}
        for population in self.setup.populations:
            counts = np.concatenate(self.counts.pop(population.name))
            populations[population.name] = PopulationActivity(
                population.name, population.spiking, counts,
                self._groups.get(population.name, ""),
            )  # fmt: skip
        outputs = {
            name: OutputActivity(
                name,
                np.concatenate([last for last, _ in batches]),
                np.concatenate([mean for _, mean in batches]),
                steps=np.concatenate(self.steps[name]) if name in self.steps else None,
            )
            for name, batches in self.outputs.items()
        }
        n = self.protocol.n_steps
        frames = float(np.mean(np.concatenate([f.together for f in self.frames])))
        names = self.frames[0].of_inputs
        protocol = replace(
            self.protocol, constant_inputs=frames == 1 and not self.changes_by_itself,
            frames=float(n) if self.changes_by_itself else frames, notes=self.notes,
            input_frames={
                name: float(np.mean(np.concatenate([f.of_inputs[name] for f in self.frames])))
                for name in names
            },
        )  # fmt: skip
        targets = _all_or_none(self.targets)
        chips = _all_or_none(self.chips)
        return Activity(
            protocol, populations, outputs, None if targets is None else np.concatenate(targets),
            None if chips is None else joined_chips(chips),
        )  # fmt: skip


def _all_or_none(values: Sequence[Any]) -> list[Any] | None:
    known = [value for value in values if value is not None]
    return known if known and len(known) == len(values) else None


def _changes(node: nengo.Node) -> bool:
    """Whether a Node gives values of its own that may change from step to step."""
    return node.size_in == 0 and (callable(node.output) or isinstance(node.output, nengo.Process))


def _range(values: np.ndarray) -> tuple[Any, Any]:
    """The least and the largest, or NaN; of 0 and of them."""
    return values.min(initial=0), values.max(initial=0)


def _check_values(
    batch: BatchCounts, ranges: Mapping[str, tuple[Any, Any]], simulator: str
) -> None:
    negative = [name for name, (least, _) in ranges.items() if least < 0]
    if negative:
        raise MeasurementError(
            f"Simulator {simulator!r}: run returned negative counts of {', '.join(negative)}."
        )
    values: dict[str, Any] = {**ranges, **{name: mean for name, (_, mean) in batch.outputs.items()}}
    wrong = [name for name, x in values.items() if not np.isfinite(x).all()]
    if wrong:
        raise MeasurementError(
            f"The simulation gave values that are not finite numbers in {', '.join(wrong)}: "
            "look for weights that are too large, or NaN."
        )


def _check_countable(
    populations: Iterable[SpikeSource], ranges: Mapping[str, tuple[Any, Any]]
) -> None:
    for population in populations:
        if population.spiking and ranges[population.name][1] > MAX_SPIKES:
            raise MeasurementError(
                f"A neuron of {population.name} made more than {MAX_SPIKES:,} spikes for one "
                "sample, too many to be counted exactly: take fewer steps or a smaller "
                "scale_firing_rates."
            )
