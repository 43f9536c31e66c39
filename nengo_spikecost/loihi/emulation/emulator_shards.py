"""An emulation whose samples are sharded over the workers of a cluster."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...activity.given_arrays import real_array
from ...activity.resumption import check_fresh
from ...digests import digest_in_parts
from ...errors import DataError, MeasurementError, ScaleOutError
from ...scale_out import (
    Built,
    DescribeSamples,
    Shard,
    Work,
    check_readable,
    in_order,
    is_read_by_workers,
    n_threads_of,
    sample_shards,
)
from .results import Asked, Batch

Checked = Callable[[Mapping[Any, Any]], Mapping[Any, np.ndarray]]
"""From samples by Node to their values."""

#: Samples that are checked at a time before anything is sent.
_CHECKED_AT_ONCE = 4096


@dataclass(frozen=True)
class Fed:
    """What the Nodes of an emulation are fed, by their numbers in the network.

    Attributes
    ----------
    n_samples : int
    values : mapping from int to array, path or callable
        Arrays of samples, or what workers read.
    changing : bool
        Whether values change within a sample, as far as it is known here.
    is_read : bool
        Whether workers read the values.
    """

    n_samples: int
    values: Mapping[int, Any]
    changing: bool
    is_read: bool

    def part(self, start: int, stop: int) -> dict[int, np.ndarray]:
        """Samples ``start`` to ``stop``."""
        return {number: values[start:stop] for number, values in self.values.items()}


class EmulationWork(Work):
    """An `Emulator` that every worker builds, and how it presents samples.

    Parameters
    ----------
    emulator : Emulator
        Pickled as what it is built from.
    chip : str
        Digest of the chip that has to come out.
    """

    def __init__(self, emulator: Any, chip: str):
        self.emulator, self.chip = emulator, chip

    def build(self, n_threads: int) -> Built:
        """Check that the same chip came out."""
        self.emulator.n_threads = n_threads
        if self.emulator.built_digest != self.chip:
            raise ScaleOutError(
                "client: a worker built another chip from the same network. Something that the "
                "network is built from is not the network's: a function that draws random numbers "
                "or reads a file, or settings of nengo.rc; or decoders are rounded otherwise with "
                "another number of threads, of which workers have one: set OMP_NUM_THREADS=1 here."
            )
        return _BuiltEmulation(self.emulator)


class _BuiltEmulation(Built):
    def __init__(self, emulator: Any):
        self._emulator = emulator

    def run(self, what: Any, data: Any, go_on: Callable[[], None]) -> list[Batch]:
        """The results of all batches, presented as asked with so many lanes."""
        (asked, lanes), nodes = what, self._emulator.network.all_nodes
        inputs = {nodes[number]: values for number, values in data.items()}
        batches = []
        for batch in self._emulator.batches(inputs, asked, lanes):
            batches.append(batch)
            go_on()
        return batches

    def close(self) -> None:
        self._emulator.close()


def check_separable(asked: Asked, shared: Collection[Any]) -> None:
    """Refuse samples whose results depend on those before them.

    Raises
    ------
    MeasurementError
    """
    check_fresh(asked.presentation)
    if shared:
        raise MeasurementError(
            f"client: the functions of {', '.join(map(str, shared))} (shared) remember something "
            "from sample to sample, which workers can't share. Leave shared or client out."
        )


def fed(
    client: Any, inputs: Mapping[Any, Any], numbers: Mapping[Any, int], checked: Checked
) -> Fed:
    """What Nodes are fed, checked as far as it is here.

    Parameters
    ----------
    client : distributed.Client
    inputs : mapping from nengo.Node to array, path or callable
    numbers : mapping from nengo.Node to int
    checked : callable
        Makes values of samples, or raises `DataError`.

    Raises
    ------
    DataError
        If there are no samples, or not as many for each Node, or they are not of the right shape.
    """
    if is_read_by_workers(inputs):
        check_readable(inputs)
        values = {numbers[node]: given for node, given in inputs.items()}
        n_samples, _ = _described(client, values, False)
        return Fed(n_samples, values, False, True)
    if not inputs:
        return Fed(1, {}, False, False)
    arrays = {node: real_array(given, f"values given for {node}") for node, given in inputs.items()}
    lengths = {len(array) if array.ndim else 0 for array in arrays.values()}
    if len(lengths) != 1:
        raise DataError("All inputs need as many samples.")
    (n_samples,), changing = lengths, False
    if not n_samples:
        checked(arrays)  # refuses them: there is nothing to cut
    for part in _in_parts(arrays, n_samples, checked):
        changing = any(x.shape[1] > 1 for x in part.values())
    return Fed(n_samples, {numbers[k]: x for k, x in arrays.items()}, changing, False)


def _in_parts(
    arrays: Mapping[Any, np.ndarray], n_samples: int, checked: Checked
) -> Iterator[Mapping[Any, np.ndarray]]:
    """The values of some samples at a time."""
    for start in range(0, n_samples, _CHECKED_AT_ONCE):
        yield checked({k: x[start : start + _CHECKED_AT_ONCE] for k, x in arrays.items()})


def digests_of(client: Any, fed: Fed, nodes: Any, checked: Checked) -> dict[Any, str]:
    """A digest of what each Node is fed, as `Checkpoint` holds it; of arrays as in one process."""
    if fed.is_read:
        return {
            nodes[number]: _described(client, values, True)[1]
            for number, values in fed.values.items()
        }
    digests = {}
    for number, array in fed.values.items():
        node = nodes[number]
        parts = _in_parts({node: array}, len(array), checked)
        digests[node] = digest_in_parts((part[node] for part in parts), len(array))
    return digests


def _described(client: Any, values: Any, digested: bool) -> tuple[int, str]:
    shard = Shard(digested, "the number of samples")
    (described,) = in_order(client, DescribeSamples(values), [shard], "Reading", False)
    return described


def sharded(
    client: Any,
    emulator: Any,
    asked: Asked,
    fed: Fed,
    lanes: int,
    first: int,
    shard_size: int | None,
    progress: bool,
) -> Generator[Batch, None, None]:
    """The results of batches, in order, from sample ``first`` on."""
    work = EmulationWork(emulator, emulator.built_digest)
    data, reads = (None, dict(fed.values)) if fed.is_read else (fed.part, None)
    shards = sample_shards(
        fed.n_samples, lanes, n_threads_of(client), shard_size, first, data, (asked, lanes)
    )
    for batches in in_order(client, work, shards, "Emulating", progress, reads):
        yield from batches
