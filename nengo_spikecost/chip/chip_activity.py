"""Activity of the cores of a neuromorphic chip: the part of an `Activity` that only chips have.

Pure counts, whichever simulator or board they come from: the work of each core, not its cost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from ..errors import DataError, MeasurementError

#: How the synapses of a core are stored: weights to all its compartments, weights with the
#: places that they go to, or weights that a population of axons shares.
FORMATS = ("dense", "sparse", "conv")


@dataclass(frozen=True)
class StepCounts:
    """Counts of each core at each step, to find the slowest core of every step.

    Summed over steps these are the counts of `ChipActivity`, all int64. Where the work of a
    core is that of the last step's spikes (synops, axon events), it stands at the step that
    did it.

    Attributes
    ----------
    synops : mapping from str to ndarray of shape (n_samples, n_steps, n_cores)
        By format, as in `ChipActivity.synops`.
    axon_events, messages_out, spikes : ndarray of shape (n_samples, n_steps, n_cores)
    with_input, active : ndarray of shape (n_samples, n_steps, n_cores)
    host_to_chip : ndarray of shape (n_samples, n_steps)
    """

    synops: Mapping[str, np.ndarray] = field(repr=False)
    axon_events: np.ndarray = field(repr=False)
    messages_out: np.ndarray = field(repr=False)
    spikes: np.ndarray = field(repr=False)
    with_input: np.ndarray = field(repr=False)
    active: np.ndarray = field(repr=False)
    host_to_chip: np.ndarray = field(repr=False)

    def __post_init__(self) -> None:
        shape = np.shape(self.spikes)
        if len(shape) != 3:
            raise MeasurementError(
                f"StepCounts.spikes has shape {shape}; expected (n_samples, n_steps, n_cores)."
            )
        counts = ("synops", "axon_events", "messages_out", "with_input", "active")
        _check_shapes(self, shape, *counts)
        _check_shapes(self, shape[:2], "host_to_chip")

    @property
    def n_steps(self) -> int:
        """Steps of each sample."""
        return self.spikes.shape[1]


@dataclass(frozen=True)
class ChipActivity:
    """Counts of each core, per sample, under the protocol of the `Activity` that has them.

    A core is one block of NengoLoihi. All counts are int64. Spikes are counted when they are
    fired; messages, axon events and synops when they are delivered, one step later: spikes of
    the last step of a sample are delivered within the next one if the presentation is
    continuous, and never if it is fresh.

    Attributes
    ----------
    cores : tuple of str, length n_cores
        Names: the population that has its neurons on the core, numbered where it has several.
    layers : tuple of str, length n_cores
        The layer that each core works for, as `NetworkGraph` names it; of neurons that only
        pass decoded values on, ``pre -> post``.
    inputs : tuple of str, length n_inputs
        Senders of spikes on the host.
    compartments : ndarray of shape (n_cores,)
        Compartments that are updated at every step: ``compartments * n_steps`` updates.
    biased : ndarray of shape (n_cores,)
        Compartments of these with a bias, whose updates are all active.
    spikes, with_input : ndarray of shape (n_samples, n_cores)
        Updates of compartments that fired, and that a weight arrived at.
    active : ndarray of shape (n_samples, n_cores)
        Updates that have something to do: a weight arrived, or current, voltage or bias were not
        0 when the step began. All others are idle: they leave a compartment as it is.
    synops : mapping from str to ndarray of shape (n_samples, n_cores)
        Weights that arriving spikes met, by format of the synapses, one of `FORMATS`.
    axon_events : ndarray of shape (n_samples, n_cores)
        Messages that arrived at the core's input axons, from the host too.
    messages_out : ndarray of shape (n_samples, n_cores)
        Messages that the core sent and that were delivered: one for each spike and each set
        of synapses that it goes to.
    messages_between : ndarray of shape (n_cores + n_inputs, n_cores)
        Messages over all samples from each core, then from each input, to each core.
    host_to_chip : ndarray of shape (n_samples,)
        Spikes that the host sends: one for each Connection to the chip that they take. Spikes that
        reach no weight are not sent.
    chip_to_host : ndarray of shape (n_samples,)
        Spikes that the host reads: one for each Connection to the host that they take.
    by_step : StepCounts, optional
        The same step by step, if it was asked for.
    """

    cores: tuple[str, ...]
    layers: tuple[str, ...]
    inputs: tuple[str, ...]
    compartments: np.ndarray = field(repr=False)
    biased: np.ndarray = field(repr=False)
    spikes: np.ndarray = field(repr=False)
    with_input: np.ndarray = field(repr=False)
    active: np.ndarray = field(repr=False)
    synops: Mapping[str, np.ndarray] = field(repr=False)
    axon_events: np.ndarray = field(repr=False)
    messages_out: np.ndarray = field(repr=False)
    messages_between: np.ndarray = field(repr=False)
    host_to_chip: np.ndarray = field(repr=False)
    chip_to_host: np.ndarray = field(repr=False)
    by_step: StepCounts | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        n = len(self.cores)
        shape = (len(self.spikes), n)
        _check_shapes(self, (n,), "layers", "compartments", "biased")
        counts = ("synops", "spikes", "with_input", "active", "axon_events", "messages_out")
        _check_shapes(self, shape, *counts)
        _check_shapes(self, shape[:1], "host_to_chip", "chip_to_host")
        _check_shapes(self, (n + len(self.inputs), n), "messages_between")
        if self.by_step is not None and np.shape(self.by_step.spikes)[::2] != shape:
            raise MeasurementError(
                f"ChipActivity.by_step is of {np.shape(self.by_step.spikes)} (samples, steps, "
                f"cores); expected {shape[0]} samples and {n} cores."
            )

    @property
    def n_cores(self) -> int:
        """Number of cores."""
        return len(self.cores)

    @property
    def n_samples(self) -> int:
        """Number of samples."""
        return len(self.spikes)

    def total_synops(self) -> np.ndarray:
        """Synops of all formats, int64, (n_samples, n_cores)."""
        zeros = np.zeros((self.n_samples, self.n_cores), dtype=np.int64)
        return sum(self.synops.values(), zeros)

    def updates(self, n_steps: int) -> np.ndarray:
        """Updates of compartments in one sample of ``n_steps`` steps, int64, (n_cores,)."""
        return np.asarray(self.compartments, dtype=np.int64) * n_steps


#: Fields that are the same for all samples, and those with an entry for each.
_OF_CORES = ("cores", "layers", "inputs", "compartments", "biased")
_OF_SAMPLES = (
    "spikes", "with_input", "active", "synops", "axon_events", "messages_out", "host_to_chip",
    "chip_to_host",
)  # fmt: skip


def joined_chips(parts: Sequence[ChipActivity]) -> ChipActivity:
    """Samples of one batch after another, of the same network.

    Raises
    ------
    MeasurementError
        If they are of different cores, or step by step in some batches only.
    """
    return ChipActivity(
        **_same_cores(parts, "joined"),
        **{name: _concatenated([getattr(p, name) for p in parts]) for name in _OF_SAMPLES},
        messages_between=np.asarray(np.sum([p.messages_between for p in parts], axis=0), np.int64),
        by_step=_joined_steps([p.by_step for p in parts]),
    )


def continued_chip(before: ChipActivity, then: ChipActivity) -> ChipActivity:
    """The same samples over two stretches of steps, one right after the other.

    Counts of single steps are left out.

    Raises
    ------
    MeasurementError
        If they are of different cores.
    """
    own = _same_cores([before, then], "added")
    for name in (*_OF_SAMPLES, "messages_between"):
        a, b = getattr(before, name), getattr(then, name)
        own[name] = {key: a[key] + b[key] for key in a} if name == "synops" else a + b
    return ChipActivity(**own)


def _same_cores(parts: Sequence[ChipActivity], joined: str) -> dict[str, Any]:
    """The fields that all parts have in common."""
    names = [(part.cores, part.layers, part.inputs) for part in parts]
    if any(others != names[0] for others in names):
        raise MeasurementError(f"These counts are of different cores: they can't be {joined}.")
    return {name: getattr(parts[0], name) for name in _OF_CORES}


def chip_arrays(chip: ChipActivity) -> dict[str, np.ndarray]:
    """The same as arrays by name, for a file; `chip_of_arrays` is the way back."""
    steps = {} if chip.by_step is None else _arrays_of(chip.by_step, "step ")
    return {**_arrays_of(chip, "chip "), **steps}


def chip_of_arrays(arrays: Mapping[str, np.ndarray]) -> ChipActivity | None:
    """The counts that `chip_arrays` made arrays of; None if the arrays are of something else.

    Raises
    ------
    DataError
        If an earlier version of this package wrote them.
    """
    if "chip cores" not in arrays:
        return None
    check_counts_active("chip active" in arrays)
    steps = None
    if "step spikes" in arrays:
        steps = StepCounts(**_fields_of(StepCounts, arrays, "step "))
    values = _fields_of(ChipActivity, arrays, "chip ")
    for name in ("cores", "layers", "inputs"):
        values[name] = tuple(str(text) for text in values[name])
    return ChipActivity(**values, by_step=steps)


def check_counts_active(found: bool) -> None:
    """Refuse kept counts that tell no active updates.

    Raises
    ------
    DataError
    """
    if not found:
        raise DataError(
            "An earlier version of nengo_spikecost wrote this checkpoint: it did not count active "
            "updates (of compartments with a current or voltage). Start again in another folder."
        )


def _arrays_of(counts: Any, prefix: str) -> dict[str, np.ndarray]:
    arrays = {}
    for part in fields(counts):
        value = getattr(counts, part.name)
        if isinstance(value, Mapping):
            arrays.update({f"{prefix}{part.name} {key}": array for key, array in value.items()})
        elif part.name != "by_step":
            arrays[prefix + part.name] = np.asarray(value)
    return arrays


def _fields_of(kind: Any, arrays: Mapping[str, np.ndarray], prefix: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for part in fields(kind):
        start = f"{prefix}{part.name}"
        if part.name == "synops":
            values["synops"] = {
                key[len(start) + 1 :]: array
                for key, array in arrays.items()
                if key.startswith(f"{start} ")
            }
        elif part.name != "by_step":
            values[part.name] = arrays[start]
    return values


def _joined_steps(parts: Sequence[Any]) -> StepCounts | None:
    known = [part for part in parts if part is not None]
    if not known:
        return None
    if len(known) < len(parts):
        raise MeasurementError("Only some of these counts are step by step: they can't be joined.")
    names = [part.name for part in fields(StepCounts)]
    return StepCounts(*(_concatenated([getattr(p, name) for p in parts]) for name in names))


def _concatenated(values: Sequence[Any]) -> Any:
    if isinstance(values[0], Mapping):
        return {key: np.concatenate([value[key] for value in values]) for key in values[0]}
    return np.concatenate(values)


def _check_shapes(counts: Any, shape: tuple[int, ...], *names: str) -> None:
    """Raise if one of these fields has another shape, or ``synops`` a format that there is not."""
    owner = type(counts).__name__
    for name in names:
        arrays = {name: getattr(counts, name)}
        if name == "synops":
            wrong = [key for key in counts.synops if key not in FORMATS]
            if wrong:
                raise MeasurementError(
                    f"{owner}.synops has formats {wrong}; expected some of {', '.join(FORMATS)}."
                )
            arrays = {f"synops[{key!r}]": values for key, values in counts.synops.items()}
        for called, values in arrays.items():
            if np.shape(values) != shape:
                raise MeasurementError(
                    f"{owner}.{called} has shape {np.shape(values)}; expected {shape}."
                )
