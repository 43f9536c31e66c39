"""Shards sent to workers, and sent again when they are lost."""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections import deque
from collections.abc import Callable, Generator, Hashable, Iterable, Sequence, Set
from concurrent.futures import CancelledError
from dataclasses import dataclass
from typing import Any

from ..deadlines import check_time
from ..errors import ScaleOutError
from ..progress import progress_bar
from ..warned import warn
from .built_once import Done, done_on_worker
from .cluster import (
    address_of,
    check_connected,
    check_versions,
    imported,
    n_threads_of,
    wait_for_workers,
)
from .work import Work
from .worker_versions import own_versions

#: A shard that was lost so often is sent alone from then on: it may be what ends the workers, or
#: may have been on those that another ended.
LOSSES_IN_COMPANY = 2

#: A shard that was lost so often, the last times alone, is what ends the workers: it is given up.
LOSSES = 4

#: Shards at a time for each thread of the cluster: one that runs, and one whose data are there.
AHEAD = 2

#: How often it is tried to send something while workers come and go.
_TRIES = 20

#: Seconds between two looks at how many threads the cluster has.
_LOOK_S = 2.0

#: Seconds that are waited for results before a time limit is asked for again.
_WAIT_S = 0.5


@dataclass(frozen=True)
class Shard:
    """A part of the work.

    Attributes
    ----------
    what : object
        Says to `Built.run` what is to be done.
    words : str
        The same for messages: ``"samples 96 to 127"``.
    n : int
        How much of the whole it is, for the progress bar.
    data : callable, optional
        Gives the samples that are sent with it.
    part : (int, int), optional
        Which samples the worker reads, if they are not sent.
    """

    what: Any
    words: str
    n: int = 1
    data: Callable[[], Any] | None = None
    part: tuple[int, int] | None = None


class Shards:
    """Shards that the workers of one cluster do; a context that cancels what is left at its end.

    Parameters
    ----------
    client : distributed.Client
        Checked (`checked_client`).
    work : Work
        Sent to every worker once.
    reads : object, optional
        What workers read samples from (`SampleReader`): sent once, too.

    Raises
    ------
    ScaleOutError
        If a worker has other versions, or the work can't be pickled.
    """

    def __init__(self, client: Any, work: Work, reads: Any = None):
        self._client, self._distributed = client, imported()
        wait_for_workers(client)
        check_versions(client)
        self._bytes, self._reads = _pickled(work), _pickled(reads)
        self._versions = own_versions()
        self._key = hashlib.sha256(self._bytes + repr(self._versions).encode()).hexdigest()
        self._payload: Any = None  # futures of both
        self._shards: dict[Hashable, Shard] = {}
        self._sent: dict[Any, tuple[Hashable, Any]] = {}  # future: key, future of its data
        self._results: dict[Hashable, Done] = {}
        self._n_lost: dict[Hashable, int] = {}
        self._to_send: list[Hashable] = []
        self._suspects: list[Hashable] = []  # go alone, the first of them now
        #: Whether a shard was finished with an error.
        self.has_failed = False
        self._room, self._looked = 1, float("-inf")

    def __enter__(self) -> Shards:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def close(self) -> None:
        """Cancel what is left."""
        self.drop(self.under_way)
        self._cancel(self._payload or [])
        self._payload = None

    @property
    def under_way(self) -> Set[Hashable]:
        """Keys of the shards that were sent, and whose results were not handed over."""
        return self._shards.keys()

    def has_room(self) -> bool:
        """Whether another shard would keep the cluster busy, not only wait there."""
        if time.monotonic() > self._looked + _LOOK_S:
            self._room = AHEAD * max(1, n_threads_of(self._client))
            self._looked = time.monotonic()
        return not self._suspects and len(self._sent) < self._room

    def send(self, key: Hashable, shard: Shard) -> None:
        """Have a shard done, under a key that no other has."""
        self._shards[key] = shard
        self._to_send.append(key)
        self._send_next()

    def finished(self, wait: bool = True) -> list[Hashable]:
        """Keys of shards that have just been finished; waits a while if there are none.

        Raises
        ------
        ScaleOutError
            If a shard was lost several times, or the connection to the scheduler.
        """
        check_time()
        if wait and self._sent:
            lost = contextlib.suppress(self._distributed.TimeoutError, CancelledError)
            with lost, self._client.as_current():
                self._distributed.wait(
                    list(self._sent), timeout=_WAIT_S, return_when="FIRST_COMPLETED"
                )
        done = [future for future in self._sent if future.status != "pending"]
        if not done and wait:
            wait_for_workers(self._client)
        keys = []
        for future in done:
            key, _ = self._sent[future]
            try:
                came = future.result()
            except CancelledError:
                del self._sent[future]
                self._lost(key, 1, f"of {address_of(self._client)}")
                continue
            except self._distributed.KilledWorker as error:
                del self._sent[future]
                # Dask has sent it again itself, in the same company
                self._lost(key, LOSSES_IN_COMPANY, f"at last {error.last_worker.address}")
                continue
            # its data were kept until here: a result that is lost on its way is made again
            del self._sent[future]
            for category, text in came.warned:
                warn(text, category)
            self._forget(key)
            self._results[key] = came
            self.has_failed |= came.error is not None
            keys.append(key)
        self._send_next()
        return keys

    def result(self, key: Hashable) -> Any:
        """The result of a shard, waited for; it is handed over, and can be had once.

        Raises
        ------
        SpikeCostError
            What a worker said of it.
        """
        while key not in self._results:
            self.finished()
        del self._shards[key]
        came = self._results.pop(key)
        if came.error is not None:
            raise came.error
        return came.result

    def drop(self, keys: Iterable[Hashable]) -> None:
        """Do without the results of some shards; those that run end after their batch."""
        gone = set(keys)
        sent = [(future, data) for future, (key, data) in self._sent.items() if key in gone]
        for future, _ in sent:
            del self._sent[future]
        self._cancel([future for pair in sent for future in pair])
        for key in gone:
            self._forget(key)
            self._shards.pop(key, None)
            self._results.pop(key, None)

    def _cancel(self, futures: Sequence[Any]) -> None:
        """Have the cluster forget what it was sent."""
        # by name, as an error that is on its way up holds the futures
        futures = [future for future in futures if future is not None]
        if futures and self._client.status == "running":
            self._client.cancel(futures)

    def _send(self, key: Hashable) -> None:
        shard = self._shards[key]
        if self._payload is None or any(sent.status != "finished" for sent in self._payload):
            self._payload = [self._scattered(x, broadcast=True) for x in (self._bytes, self._reads)]
        work, reads = self._payload
        data = None if shard.data is None else self._scattered(shard.data())
        future = self._client.submit(
            done_on_worker, self._key, work, self._versions, shard.what, reads, shard.part, data,
            pure=False,
        )  # fmt: skip
        self._sent[future] = key, data

    def _scattered(self, value: Any, broadcast: bool = False) -> Any:
        """A value on a worker, or all of them."""
        for _ in range(_TRIES):
            wait_for_workers(self._client)
            # a worker that ends just now takes the connection with it
            with contextlib.suppress(self._distributed.TimeoutError, OSError):
                return self._client.scatter([value], broadcast=broadcast, hash=False)[0]
            check_connected(self._client)
            time.sleep(_WAIT_S)
        raise ScaleOutError(
            f"client: the workers of {address_of(self._client)} end as soon as data are sent to "
            "them: look into their logs."
        )

    def _send_next(self) -> None:
        """Send all that wait; where one may be what ends the workers, that one alone."""
        if self._suspects:
            if not self._sent:
                self._send(self._suspects[0])
            return
        waiting, self._to_send = self._to_send, []
        for key in waiting:
            self._send(key)

    def _forget(self, key: Hashable) -> None:
        """Have a shard not sent any more."""
        for keys in (self._to_send, self._suspects):
            with contextlib.suppress(ValueError):
                keys.remove(key)

    def _lost(self, key: Hashable, times: int, which: str) -> None:
        """Have a shard sent again that went with its worker, or whose data did."""
        check_connected(self._client)
        was_alone = key in self._suspects
        self._n_lost[key] = self._n_lost.get(key, 0) + times
        if was_alone and self._n_lost[key] >= LOSSES:
            raise ScaleOutError(
                f"The workers that had {self._shards[key].words} ended again and again, {which}: "
                "they may have too little memory. Give smaller batches (batch_size), fewer threads "
                "to a worker, or more memory; the workers' logs say more."
            )
        if not was_alone and self._n_lost[key] >= LOSSES_IN_COMPANY:
            self._n_lost[key] = LOSSES_IN_COMPANY
            self._suspects.append(key)
        elif not was_alone:
            self._to_send.append(key)


def in_order(
    client: Any,
    work: Work,
    shards: Sequence[Shard],
    description: str,
    progress: bool = True,
    reads: Any = None,
) -> Generator[Any, None, None]:
    """The results of shards, in their order; what is left is cancelled if the caller stops.

    Parameters
    ----------
    client : distributed.Client
    work : Work
    shards : sequence of Shard
    description : str
        What is done, for the progress bar: ``"Emulating"``.
    progress : bool
        Whether to show one.
    reads : object, optional
        What workers read samples from (`SampleReader`); None if they are sent with the shards.
    """
    numbered: dict[Hashable, Shard] = dict(enumerate(shards))
    total, left, finished = sum(shard.n for shard in shards), deque(numbered.items()), set()
    with Shards(client, work, reads) as sent, progress_bar(description, total, progress) as advance:
        for number in numbered:
            while number not in finished:
                # those before it are on their way, and may fail first
                if sent.has_failed:
                    left.clear()
                while left and sent.has_room():
                    sent.send(*left.popleft())
                for key in sent.finished():
                    finished.add(key)
                    advance(numbered[key].n)
            yield sent.result(number)


def _pickled(work: Any) -> bytes:
    import cloudpickle

    try:
        return bytes(cloudpickle.dumps(work))
    except Exception as error:  # of whatever kind objects raise that can't be pickled
        raise ScaleOutError(
            "client: the network can't be sent to workers, because something in it can't be "
            f"pickled ({error}). Look at the functions and processes of its Nodes: files, locks "
            "and generators can't be."
        ) from error
