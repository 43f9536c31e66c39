"""The cluster behind a client: whether it can be used, and whether it has workers."""

from __future__ import annotations

import contextlib
from typing import Any

from ..check import shown
from ..errors import ScaleOutError, ScaleOutWarning
from ..warned import warn
from .worker_versions import PACKAGES, asker, own_versions, refusal

#: Seconds without a worker after which that is said.
PATIENCE_S = 30.0

#: Seconds in which the scheduler at an address must answer.
ANSWER_S = 15.0


def checked_client(client: Any) -> Any:
    """A client that calls can wait for.

    Raises
    ------
    ScaleOutError
        If dask.distributed is not installed, or this is no connected, blocking client of it.
    """
    distributed = imported()
    if not isinstance(client, distributed.Client):
        raise ScaleOutError(
            f"client must be a dask.distributed.Client, not {shown(client)}: make one with "
            "Client(cluster) or Client('tcp://HOST:8786')."
        )
    if client.asynchronous:
        raise ScaleOutError(
            "client was made with asynchronous=True, and this call waits for results: make it "
            "without."
        )
    check_connected(client)
    return client


def connected(address: str) -> Any:
    """A client of the scheduler at an address, as the command line takes it.

    Raises
    ------
    ScaleOutError
        If there is no scheduler, or it can't be understood.
    """
    distributed = imported()
    try:
        return distributed.Client(address, timeout=ANSWER_S, set_as_default=False)
    except (OSError, ValueError, distributed.TimeoutError) as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise ScaleOutError(
            f"No scheduler of Dask answers at {address} ({lines[0].rstrip('.')}): start one with "
            "'dask scheduler', and give the address that it prints, tcp://HOST:8786."
        ) from None


def imported() -> Any:
    """dask.distributed.

    Raises
    ------
    ScaleOutError
        If it is not installed.
    """
    try:
        import distributed
    except ImportError as error:
        raise ScaleOutError(
            f"client needs dask.distributed, which can't be imported ({error}): "
            "pip install 'nengo-spikecost[distributed]'."
        ) from None
    return distributed


def check_connected(client: Any) -> None:
    """Raise `ScaleOutError` if the connection to the scheduler is gone."""
    if client.status != "running":
        raise ScaleOutError(
            f"client: the connection to the scheduler {address_of(client)} is {client.status}. "
            "Connect again; with a checkpoint or a study the call then goes on where it was."
        )


def address_of(client: Any) -> str:
    """The address of the scheduler."""
    return str(getattr(client.scheduler, "address", None) or client._start_arg)


def n_threads_of(client: Any) -> int:
    """Threads of all workers that there are now."""
    check_connected(client)
    return sum(client.nthreads().values())


def wait_for_workers(client: Any) -> None:
    """Wait until there is a worker.

    Clusters that grow with the work start workers only for tasks that wait, so one is sent.

    Warns
    -----
    ScaleOutWarning
        After half a minute without.
    """
    if n_threads_of(client):
        return
    distributed, task = imported(), client.submit(asker(), (), pure=False)
    try:
        while True:
            with contextlib.suppress(distributed.TimeoutError), client.as_current():
                distributed.wait(task, timeout=PATIENCE_S)
                return
            check_connected(client)
            warn(
                f"The cluster at {address_of(client)} has no workers: waiting for the first. They "
                "are started with 'dask worker ADDRESS', or with scale() of the cluster.",
                ScaleOutWarning,
            )
    finally:
        task.cancel()


def check_versions(client: Any) -> None:
    """Refuse workers whose versions differ from those of this process.

    Raises
    ------
    ScaleOutError
        It names the first of them, and what differs.
    """
    ours = own_versions()
    answers = client.run(asker(), PACKAGES, on_error="return")
    for worker, theirs in answers.items():
        # a worker that went away while it was asked gives an error; another will take its place
        problem = refusal(worker, theirs, ours) if isinstance(theirs, dict) else None
        if problem:
            raise ScaleOutError(problem)
