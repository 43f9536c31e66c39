"""Input data of any kind, checked and cut into batches of one size.

Arrays, frames, dicts of these, generators, ``tf.data`` datasets and Keras ``Sequence`` objects
all become the same stream of `Batch` objects; nothing longer than a batch is copied.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import AxesError, DataError
from ..spiking.conversion_values import steps_of_sample
from ..words import counted
from .given_arrays import in_steps, is_array, is_frame, one_array, real_array
from .labels import only_labels


@dataclass(frozen=True)
class InputSpec:
    """One input of the network.

    Attributes
    ----------
    name : str
        Name in messages and in dicts of data.
    node : object
        The Nengo Node that is fed.
    size : int
        Values per step.
    shape : tuple of int, optional
        Axes of these values, as the Keras model or the first convolution takes them. None: not
        known, as of a Node that feeds an Ensemble.
    events : bool
        Whether its values are numbers of spikes.
    """

    name: str
    node: Any
    size: int
    shape: tuple[int, ...] | None = None
    events: bool = False


@dataclass(frozen=True)
class Batch:
    """Samples to be simulated side by side.

    Attributes
    ----------
    inputs : dict from str to ndarray
        For each input of the network values of shape ``(n, 1, size)``, the same at every
        step, or ``(n, n_steps, size)``. Float32 once the batch leaves the stream.
    targets : ndarray of shape (n, ...), optional
        Labels that came with the samples.
    """

    inputs: dict[str, np.ndarray]
    targets: np.ndarray | None

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values())))

    def padded(self, size: int) -> Batch:
        """The same batch filled up to ``size`` samples by repeating the last one."""
        missing = size - len(self)
        if missing == 0:
            return self
        inputs = {
            name: np.concatenate([x, np.repeat(x[-1:], missing, axis=0)])
            for name, x in self.inputs.items()
        }
        return Batch(inputs, self.targets)


@dataclass(frozen=True)
class Frames:
    """How many frames samples have: runs of steps in which their values stay the same.

    An image has one, whether it is given once or at every step.

    Attributes
    ----------
    of_inputs : dict from str to ndarray of int, shape (n,)
        For each input.
    together : ndarray of int, shape (n,)
        Of all inputs together: a new one begins where any of them changes.
    """

    of_inputs: dict[str, np.ndarray]
    together: np.ndarray

    @classmethod
    def of(cls, batch: Batch, n_steps: int) -> Frames:
        """The frames in the first steps of a batch; compared sample by sample, exactly."""
        n = len(batch)
        of_inputs = {name: np.ones(n, dtype=np.int64) for name in batch.inputs}
        together = np.ones(n, dtype=np.int64)
        for i in range(n):
            changes = np.zeros(max(n_steps - 1, 0), dtype=bool)
            for name, x in batch.inputs.items():
                if x.shape[1] > 1:
                    own = (x[i, 1:n_steps] != x[i, : n_steps - 1]).any(axis=1)
                    of_inputs[name][i] += np.count_nonzero(own)
                    changes |= own
            together[i] += np.count_nonzero(changes)
        return cls(of_inputs, together)


class NoInput(Batch):
    """One sample without input."""

    def __len__(self) -> int:
        return 1


class SelfDriven:
    """The only sample of a network that is fed nothing.

    Parameters
    ----------
    n_steps : int
        Steps of the run.
    """

    n_samples = 1

    def __init__(self, n_steps: Any):
        if n_steps is None:
            raise AxesError("n_steps must be given: there are no data to have a time axis.")
        self.n_steps = steps_of_sample(n_steps)

    def batches(self, batch_size: int) -> Iterator[Batch]:
        """One batch of one sample."""
        yield NoInput({}, None)


class SampleStream:
    """The samples of ``data`` in batches, as often as they are asked for (generators: once).

    Parameters
    ----------
    data : array or dict or iterable
        An array, tensor or frame of shape ``(n, ...)`` for a network with one input; a dict of
        these by input name, Node, Keras input layer or tensor, or a frame whose columns are the
        inputs; either of these with labels, in a tuple ``(x, y)``; or an iterable (generator,
        ``tf.data.Dataset``, Keras ``Sequence``) of batches of any of these. A sample's values
        are the same at every step, or its first axis is time.
    inputs : sequence of InputSpec
        The inputs of the network.
    resolve : callable
        Turns a key of a dict of data into an input name; raises KeyError.
    n_steps : int, optional
        Steps per sample; may be None if every sample has a time axis.

    Attributes
    ----------
    n_samples : int or None
        Number of samples, where it is known beforehand.
    """

    def __init__(self, data: Any, inputs: Iterable[InputSpec], resolve: Any, n_steps: Any):
        self.inputs = tuple(inputs)
        self._resolve = resolve
        if not self.inputs:
            raise DataError("The network has no input Node to feed data to.")
        self.n_steps = None if n_steps is None else steps_of_sample(n_steps)
        self._whole: Batch | None = None
        self._chunks: Any = None
        self.n_samples: int | None = None
        x, y = with_labels(data)
        if isinstance(x, Mapping) or is_array(x):
            self._whole = self._batch(x, y, start=0)
            self.n_samples = len(self._whole)
        elif isinstance(data, tuple):
            raise DataError(
                f"data is a tuple of {type(x).__name__} and labels: with labels apart, samples "
                "have to be an array or a dict of arrays; a stream gives batches (x, y)."
            )
        elif not isinstance(x, (str, bytes)) and (
            hasattr(x, "__iter__") or hasattr(x, "__getitem__")
        ):
            self._chunks = x
        else:
            raise DataError(
                "data must be an array, a dict of arrays, or an iterable of batches, "
                f"not {type(data).__name__}."
            )

    def batches(self, batch_size: int) -> Iterator[Batch]:
        """Batches of ``batch_size`` samples; the last one may be smaller."""
        if self._whole is not None:
            yield from in_batches(self._whole, batch_size)
            return
        waiting: list[Batch] = []
        n_waiting = n_seen = 0
        for chunk in _iterate(self._chunks):
            batch = self._batch(*with_labels(_as_pair(chunk)), start=n_seen)
            waiting.append(batch)
            n_waiting += len(batch)
            n_seen += len(batch)
            if n_waiting >= batch_size:
                joined = _join(waiting)
                whole = n_waiting - n_waiting % batch_size
                for start in range(0, whole, batch_size):
                    yield _as_float32(_slice(joined, start, start + batch_size))
                waiting = [_slice(joined, whole, n_waiting)] if whole < n_waiting else []
                n_waiting -= whole
        if n_seen == 0:
            raise DataError("data holds no samples.")
        if waiting:
            yield _as_float32(_join(waiting))

    @property
    def is_whole(self) -> bool:
        """Whether all samples are there at once, as those of an array are."""
        return self._whole is not None

    def part(self, start: int, stop: int) -> Batch:
        """Samples ``start`` to ``stop`` where they are there, in the types they came in."""
        assert self._whole is not None
        return _slice(self._whole, start, stop)

    def _batch(self, x: Any, y: Any, start: int) -> Batch:
        arrays = self._by_input(x)
        values = {spec.name: self._check(spec, arrays[spec.name], start) for spec in self.inputs}
        lengths = {name: len(array) for name, array in values.items()}
        if len(set(lengths.values())) > 1:
            raise DataError(f"The inputs hold different numbers of samples: {lengths}.")
        n = next(iter(lengths.values()))
        targets = None if y is None else np.atleast_1d(one_array(only_labels(y), "labels"))
        if targets is not None and n == 1 and len(targets) > 1 and targets.ndim == 1:
            targets = targets[None]  # the one-hot label of a sample without a batch axis
        if targets is not None and len(targets) != n:
            raise DataError(
                f"A batch of {counted(n, 'sample')} came with {counted(len(targets), 'label')}."
            )
        return Batch(values, targets)

    def _by_input(self, x: Any) -> dict[str, Any]:
        if is_frame(x) and len(self.inputs) > 1:
            x = {name: x[name] for name in _top_level(x.columns)}
        if isinstance(x, Mapping):
            arrays = {}
            for key, array in x.items():
                try:
                    arrays[self._resolve(key)] = array
                except KeyError as error:
                    raise DataError(f"data: {error.args[0]}") from None
            missing = [spec.name for spec in self.inputs if spec.name not in arrays]
            if missing:
                raise DataError(f"data has no values for input {', '.join(missing)}.")
            return arrays
        if len(self.inputs) == 1:
            return {self.inputs[0].name: x}
        names = ", ".join(spec.name for spec in self.inputs)
        raise DataError(
            f"The network has {len(self.inputs)} inputs: give data as a dict by input ({names})."
        )

    def _check(self, spec: InputSpec, given: Any, start: int) -> np.ndarray:
        """Values of shape (n, 1 or n_steps, size)."""
        name = f"data for input {spec.name!r}"
        x = real_array(given, name)
        if x.ndim and not len(x):
            raise DataError("data holds no samples.")
        # an unbatched tf.data.Dataset gives samples without an axis of samples
        unbatched = self._chunks is not None
        values = in_steps(x, name, spec.size, spec.shape, self.n_steps, unbatched)
        if values.shape[1] > 1:
            self.n_steps = values.shape[1]
        if self.n_steps is None:
            raise AxesError("n_steps must be given: the data have no time axis.")
        _check_finite(spec.name, values, start)
        if spec.events:
            _check_events(spec.name, values, start)
        return values


def in_batches(whole: Batch, batch_size: int) -> Iterator[Batch]:
    """Samples in batches of ``batch_size``, the last one smaller."""
    for start in range(0, len(whole), batch_size):
        yield _as_float32(_slice(whole, start, start + batch_size))


def _check_finite(name: str, values: np.ndarray, start: int, chunk: int = 1024) -> None:
    """Raise unless all values are finite as float32; looked at in chunks, without a copy."""
    if not np.issubdtype(values.dtype, np.inexact):
        return
    for first in range(0, len(values), chunk):
        with np.errstate(over="ignore"):
            part = values[first : first + chunk].astype(np.float32, copy=False)
        finite = np.isfinite(part).all(axis=(1, 2))
        if not finite.all():
            raise DataError(
                f"data for input {name!r} hold NaN or infinite values, first in sample "
                f"{start + first + int(np.argmin(finite))}."
            )


def _check_events(name: str, values: np.ndarray, start: int) -> None:
    """Raise unless all values are whole numbers from 0 on."""
    wrong = (values < 0) | (values != np.rint(values))
    if wrong.any():
        sample = int(np.argmax(wrong.any(axis=(1, 2))))
        raise DataError(
            f"data for input {name!r} were said to be numbers of spikes, and hold "
            f"{values[wrong].flat[0]:g}, first in sample {start + sample}: give whole numbers, or "
            "have them read as values (spikes=False, --spikes no)."
        )


def _as_float32(batch: Batch) -> Batch:
    inputs = {name: x.astype(np.float32, copy=False) for name, x in batch.inputs.items()}
    return Batch(inputs, batch.targets)


def with_labels(data: Any) -> tuple[Any, Any]:
    """``(x, y)``, where y is None if data come without labels.

    Raises
    ------
    DataError
        If it is a tuple of more: weights of samples have no meaning here.
    """
    if not isinstance(data, tuple):
        return data, None
    if not 1 <= len(data) <= 2:
        raise DataError(
            f"data is a tuple of {len(data)}: give samples, or samples and labels, (x, y); "
            "weights of samples are not used here."
        )
    return (*data, None)[:2]  # type: ignore[return-value]


def _as_pair(chunk: Any) -> Any:
    """``(x, y)`` also where a PyTorch DataLoader gives a list of the two."""
    if isinstance(chunk, list) and len(chunk) == 2 and all(hasattr(x, "shape") for x in chunk):
        first, second = (tuple(x.shape) for x in chunk)
        if first != second and first[:1] == second[:1]:
            return tuple(chunk)
    return chunk


def _top_level(columns: Any) -> list[Any]:
    """Names of the columns of a frame; of columns of columns, the outer ones."""
    outer = (name[0] if isinstance(name, tuple) else name for name in columns)
    return list(dict.fromkeys(outer))


def _iterate(chunks: Any) -> Iterator[Any]:
    if hasattr(chunks, "as_numpy_iterator"):
        return chunks.as_numpy_iterator()
    if not hasattr(chunks, "__iter__") or (
        hasattr(chunks, "__len__") and hasattr(chunks, "__getitem__")
    ):
        # the iterator of a Keras Sequence never ends; its length does
        return (chunks[i] for i in range(len(chunks)))
    return iter(chunks)


def _slice(batch: Batch, start: int, stop: int) -> Batch:
    targets = None if batch.targets is None else batch.targets[start:stop]
    return Batch({name: x[start:stop] for name, x in batch.inputs.items()}, targets)


def _join(batches: list[Batch]) -> Batch:
    if len(batches) == 1:
        return batches[0]
    targets: tuple[Any, ...] = tuple(batch.targets for batch in batches)
    return Batch(
        {
            name: np.concatenate([batch.inputs[name] for batch in batches])
            for name in batches[0].inputs
        },
        None if any(t is None for t in targets) else np.concatenate(targets),
    )
