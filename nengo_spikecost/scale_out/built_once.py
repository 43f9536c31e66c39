"""What runs on a worker: it builds a `Work` once, and does one shard after another with it.

A worker of Dask has one or more threads. What was built belongs to one thread of its own, in which
it is built, run and closed: TensorFlow's graphs belong to threads, and a simulation has one state.
Shards that come to a worker at the same time wait for each other; each may use as many threads as
the worker has.
"""

from __future__ import annotations

import concurrent.futures
import pickle
import threading
import warnings
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..errors import ScaleOutError, SpikeCostError, SpikeCostWarning, last_line
from .sample_parts import SampleReader
from .work import Built, Work
from .worker_versions import own_versions, refusal

#: So many things that were built are kept on a worker; the one not used for longest goes.
KEPT = 2


@dataclass(frozen=True)
class Done:
    """What came of a shard.

    Attributes
    ----------
    result : object
        What `Built.run` gave.
    warned : list of (type, str)
        Warnings for the user.
    error : SpikeCostError, optional
        What the user is to be told, in place of a result.
    """

    result: Any = None
    warned: list[tuple[type[Warning], str]] = field(default_factory=list)
    error: SpikeCostError | None = None


class Samples(NamedTuple):
    """The samples of a shard.

    Attributes
    ----------
    reads : bytes
        Pickled, the data that workers read.
    part : (int, int), optional
        Which of them.
    sent : object
        Those that were sent, if they are not read.
    """

    reads: bytes
    part: tuple[int, int] | None
    sent: Any


class Ended(Exception):
    """Nobody waits for this shard any more."""


class _Kept:
    """One thing that was built, in its thread."""

    def __init__(self, payload: bytes, n_threads: int):
        self._thread = concurrent.futures.ThreadPoolExecutor(1, "nengo_spikecost")
        self._built = self._thread.submit(_build, payload, n_threads)
        self._reads: bytes | None = None
        self._reader: Any = None

    def run(self, what: Any, samples: Samples, go_on: Callable[[], None]) -> Done:
        self._built.result()  # an error of the build is one of every shard
        return self._thread.submit(self._run, what, samples, go_on).result()

    def _run(self, what: Any, samples: Samples, go_on: Callable[[], None]) -> Done:
        go_on()
        data = samples.sent
        if samples.part is not None:
            if self._reads != samples.reads:
                self._reader, self._reads = SampleReader(pickle.loads(samples.reads)), samples.reads
            data = self._reader.read(*samples.part)
        return _done(self._built.result(), what, data, go_on)

    def close(self) -> None:
        """In its thread, after what runs there."""
        self._thread.submit(lambda: self._built.result().close())
        self._thread.shutdown(wait=False)


_kept: OrderedDict[str, _Kept] = OrderedDict()
_looking = threading.Lock()


def done_on_worker(
    key: str, payload: bytes, versions: Mapping[str, str | None], what: Any, reads: bytes,
    part: tuple[int, int] | None, sent: Any,
) -> Done:  # fmt: skip
    """Do a shard; this is the task that Dask runs.

    Parameters
    ----------
    key : str
        Digest of the payload and the versions.
    payload : bytes
        A pickled `Work`.
    versions : mapping from str to str
        Those of the process that asks.
    what : object
        Which shard: `Shard.what`, as `Built.run` takes it.
    reads : bytes
        Pickled, the data that workers read samples from; None, pickled, if they are sent.
    part : (int, int), optional
        First sample of the shard among these data, and the one after its last.
    sent : object
        The samples of the shard, if they are not read.

    Returns
    -------
    Done
        With the error, if there was one: what a task raises, Dask writes to its logs at length.
    """
    from distributed import get_worker

    worker = get_worker()
    task = worker.get_current_task()

    def go_on() -> None:
        state = worker.state.tasks.get(task)
        if state is None or state.state == "cancelled":
            raise Ended

    with _looking:
        if key not in _kept:
            # of a worker that came after the others were asked
            problem = refusal(worker.address, own_versions(), versions)
            if problem:
                return Done(error=ScaleOutError(problem))
            _kept[key] = _Kept(payload, worker.state.nthreads)
        _kept.move_to_end(key)
        kept, old = _kept[key], []
        while len(_kept) > KEPT:
            old.append(_kept.popitem(last=False)[1])
    for one in old:
        one.close()
    try:
        return kept.run(what, Samples(reads, part, sent), go_on)
    except SpikeCostError as error:
        return Done(error=_plain(error))
    except Ended:
        return Done()
    except MemoryError as error:
        return Done(error=ScaleOutError(f"Worker {worker.address} ran out of memory ({error})."))
    except Exception as error:
        words = f"{type(error).__name__}: {last_line(error) or 'no message'}"
        return Done(error=ScaleOutError(f"Worker {worker.address} failed with {words}"))


def _build(payload: bytes, n_threads: int) -> Built:
    work: Work = pickle.loads(payload)
    with warnings.catch_warnings():
        # the process that asks has built the same, and said what there is to say
        warnings.simplefilter("ignore")
        return work.build(n_threads)


def _done(built: Built, what: Any, data: Any, go_on: Callable[[], None]) -> Done:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = built.run(what, data, go_on)
    own = [(w.category, str(w.message)) for w in caught if issubclass(w.category, SpikeCostWarning)]
    return Done(result, list(dict.fromkeys(own)))


def _plain(error: SpikeCostError) -> SpikeCostError:
    """The error as it can be sent: what it carries beside its words may not be."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # of whatever kind objects raise that can't be pickled
        return type(error)(str(error))
    return error
