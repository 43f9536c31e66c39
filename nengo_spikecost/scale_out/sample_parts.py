"""Samples that workers read themselves: from files, or from functions.

Where samples or labels are expected (the data, one input of them, labels) a call with ``client=``
takes, besides arrays,

* the path of a ``.npy`` file, which a worker maps into memory, so that only its part is read;
* the path of a zarr array, of which only the chunks are read;
* a function without arguments that returns an array, a dict of arrays by input, either of these
  with labels, ``(x, y)``, or an iterable of batches of any of these, such as a ``tf.data.Dataset``.

Paths are those of the workers: of a folder that all machines share. A function is called once on
each worker, and again where an iterable has gone past the samples that are needed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from ..check import shown
from ..digests import array_digest
from ..errors import DataError
from ..files import check_is_file
from .work import Built, Work

#: Samples that are read at a time for a digest.
_DIGESTED_AT_ONCE = 1024


def is_read_by_workers(data: Any) -> bool:
    """Whether data, or parts of them, are a path or a function."""
    if isinstance(data, tuple):
        return any(map(is_read_by_workers, data))
    if isinstance(data, Mapping):
        return any(map(is_read_by_workers, data.values()))
    return _is_path(data) or _is_function(data)


def check_readable(data: Any) -> None:
    """Refuse paths whose end says that they are of something else, before anything is sent."""
    if isinstance(data, tuple):
        for part in data:
            check_readable(part)
    elif isinstance(data, Mapping):
        check_readable(tuple(data.values()))
    elif _is_path(data) and not _path(data).endswith((".npy", ".zarr")):
        raise DataError(
            f"data: workers read .npy files and .zarr arrays, not {shown(_path(data))}: give one "
            "of these, or a function that returns the samples."
        )


class SampleReader:
    """Samples as a worker reads them.

    Parameters
    ----------
    data : array, path, callable, or tuple or mapping of these
        See the top of this module.

    Raises
    ------
    DataError
        If a file can't be read.
    """

    def __init__(self, data: Any):
        self._parts: Any = None
        if isinstance(data, tuple):
            self._parts = {k: SampleReader(part) for k, part in enumerate(data)}
        elif isinstance(data, Mapping):
            self._parts = {name: SampleReader(part) for name, part in data.items()}
        self._is_pair = isinstance(data, tuple)
        self._rows: Any = None
        if self._parts is None:
            self._rows = _FunctionRows(data) if _is_function(data) else _Whole(data)

    def n_samples(self) -> int:
        """How many there are; an iterable is gone through once for it.

        Raises
        ------
        DataError
            If there are none, or parts have different numbers of them.
        """
        n = self._counted()
        if not n:
            raise DataError("data holds no samples.")
        return n

    def _counted(self) -> int:
        if self._parts is None:
            return int(self._rows.n_samples())
        numbers = {part._counted() for part in self._parts.values()}
        if len(numbers) != 1:
            given = ", ".join(map(str, sorted(numbers)))
            raise DataError(f"data: the parts hold different numbers of samples ({given}).")
        return int(numbers.pop())

    def read(self, start: int, stop: int) -> Any:
        """Samples ``start`` to ``stop``."""
        if self._parts is None:
            return self._rows.read(start, stop)
        parts = {name: part.read(start, stop) for name, part in self._parts.items()}
        return tuple(parts.values()) if self._is_pair else parts


class DescribeSamples(Work, Built):
    """Says how many samples there are, where they are read, and a digest of them if asked.

    Parameters
    ----------
    data : object
        As `SampleReader` takes it.
    """

    def __init__(self, data: Any):
        self._data = data

    def build(self, n_threads: int) -> Built:
        return self

    def run(self, what: Any, data: Any, go_on: Callable[[], None]) -> tuple[int, str]:
        """The number, and the digest if ``what`` is True."""
        reader = SampleReader(self._data)
        n = reader.n_samples()
        if not what:
            return n, ""
        digests = []
        for start in range(0, n, _DIGESTED_AT_ONCE):
            go_on()
            digests.append(
                array_digest(_leaves(reader.read(start, min(start + _DIGESTED_AT_ONCE, n))))
            )
        return n, array_digest(digests)


class _Whole:
    """Samples that can be read from anywhere: an array, or one in a file."""

    def __init__(self, data: Any):
        self._data = _opened(_path(data)) if _is_path(data) else data

    def n_samples(self) -> int:
        return _length(self._data)

    def read(self, start: int, stop: int) -> Any:
        part = _cut(self._data, start, stop)
        return part if isinstance(part, (tuple, dict)) else np.asarray(part)


class _FunctionRows:
    """What a function returns."""

    def __init__(self, function: Callable[[], Any]):
        self._function = function
        self._at = 0
        self._held: Any = None
        self._batches: Iterator[Any] | None = None
        self._begin()

    def n_samples(self) -> int:
        if self._batches is None:
            return _length(self._held)
        self._begin()
        n = sum(map(_length, self._batches))
        self._begin()
        return n

    def read(self, start: int, stop: int) -> Any:
        if self._batches is None:
            return _cut(self._held, start, stop)
        if start < self._at:
            self._begin()
        parts = []
        while self._at < stop:
            if self._held is None:
                self._held = next(self._batches, None)
            if self._held is None:
                raise DataError(
                    f"data: the function gave {self._at} samples, and more when they were counted: "
                    "it has to give the same samples whenever it is called."
                )
            n = _length(self._held)
            first, last = max(0, start - self._at), min(n, stop - self._at)
            if first < last:
                parts.append(_cut(self._held, first, last))
            if self._at + n > stop:
                break  # the rest is for the next part
            self._at, self._held = self._at + n, None
        return _joined(parts)

    def _begin(self) -> None:
        given = self._function()
        self._at, self._held, self._batches = 0, None, None
        x = given[0] if isinstance(given, tuple) and given else given
        if isinstance(x, (Mapping, list, np.ndarray)) or (
            hasattr(x, "shape") and hasattr(x, "__getitem__")
        ):
            self._held = given
        elif hasattr(given, "as_numpy_iterator"):
            self._batches = given.as_numpy_iterator()
        elif hasattr(given, "__iter__"):
            self._batches = iter(given)
        else:
            raise DataError(
                f"data: the function returned {shown(given)}, which are no samples: expected an "
                "array, a dict of arrays, (x, y), or an iterable of batches of these."
            )


def _is_path(data: Any) -> bool:
    return isinstance(data, (str, os.PathLike))


def _path(data: Any) -> str:
    return str(os.fspath(data))


def _is_function(data: Any) -> bool:
    return callable(data) and not hasattr(data, "shape") and not hasattr(data, "__iter__")


def _opened(path: str) -> Any:
    if path.endswith(".npy") and os.path.exists(path):
        check_is_file(path, "data file")  # a pipe would be waited for without end
    try:
        if path.endswith(".npy"):
            return np.load(path, mmap_mode="r", allow_pickle=False)
        import zarr

        return zarr.open_array(path, mode="r")
    except ImportError as error:
        raise DataError(f"data: {path} needs zarr on every worker ({error}).") from None
    # a damaged file makes NumPy and zarr raise errors of many kinds
    except Exception as error:
        raise DataError(
            f"data: {path} can't be read on a worker ({error}): give the path of a file that all "
            "machines of the cluster see."
        ) from None


def _length(data: Any) -> int:
    """The number of samples of arrays, in whatever they are."""
    if isinstance(data, tuple):
        return _length(data[0])
    if isinstance(data, Mapping):
        return _length(next(iter(data.values())))
    shape = getattr(data, "shape", None)
    if shape == ():
        raise DataError("data: a single number was given where samples were expected.")
    return len(data) if shape is None else int(shape[0])


def _cut(data: Any, start: int, stop: int) -> Any:
    if isinstance(data, tuple):
        return tuple(_cut(part, start, stop) for part in data)
    if isinstance(data, Mapping):
        return {name: _cut(part, start, stop) for name, part in data.items()}
    return data[start:stop]


def _leaves(data: Any) -> Iterator[np.ndarray]:
    """The arrays in samples."""
    if isinstance(data, (tuple, dict)):
        for part in data.values() if isinstance(data, dict) else data:
            yield from _leaves(part)
    else:
        yield np.asarray(data)


def _joined(parts: list[Any]) -> Any:
    if len(parts) == 1:
        return parts[0]
    if isinstance(parts[0], tuple):
        return tuple(_joined(list(own)) for own in zip(*parts))
    if isinstance(parts[0], Mapping):
        return {name: _joined([part[name] for part in parts]) for name in parts[0]}
    return np.concatenate([np.asarray(part) for part in parts])
