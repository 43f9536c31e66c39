"""Functions of Nodes that remember something: each sample starts with its own copies.

A simulator resets its signals, but not what Python functions keep in variables around them, in
objects and in lists. So a sample would start with what the sample before it left, and samples of a
batch, for which NengoDL calls one function in turn, would share it. Here such functions are copied,
with all that they share among themselves, for every lane of the batch and every fresh presentation.
The user's own are never called, and stay in the state in which the network was given.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from typing import Any, NamedTuple

from ..errors import MeasurementError, MeasurementWarning
from .lane_memory import Memory
from .shared_memory import SharedMemory

_APART: ContextVar[bool] = ContextVar("nengo_spikecost_samples_apart", default=False)


@contextlib.contextmanager
def samples_apart() -> Iterator[None]:
    """Context in which no sample may depend on another, since they run in different processes."""
    token = _APART.set(True)
    try:
        yield
    finally:
        _APART.reset(token)


class Called(NamedTuple):
    """A function, or a process, that a simulator calls.

    Attributes
    ----------
    function : callable or nengo.Process
    name : str
        The object that it belongs to, for messages.
    has_input : bool
        Whether it is given values, which differ between samples.
    """

    function: Any
    name: str
    has_input: bool


class NodeFunctions:
    """Functions that a simulator calls, with copies for every lane.

    Functions that keep nothing are shared by all lanes.

    Parameters
    ----------
    calls : mapping from any key to Called
        In an order that is the same in every process.
    n_lanes : int
        Samples side by side.
    continuous : bool
        Whether lanes run on from sample to sample, so that one lane needs no second copy.

    Raises
    ------
    MeasurementError
        If a function keeps something that surely changes and can't be copied, as a generator.

    Warns
    -----
    MeasurementWarning
        If a function keeps something that can't be copied, and may change.
    """

    #: What to do where functions collect something.
    advice = "Record with Probes."
    error: type[Exception] = MeasurementError
    warning: type[Warning] = MeasurementWarning

    def __init__(self, calls: Mapping[Hashable, Called], n_lanes: int, continuous: bool = False):
        self._n_lanes, self._continuous = n_lanes, continuous
        self._keys: list[Hashable] = []
        self._walks: list[Any] = []
        self._shared: list[tuple[str, SharedMemory]] = []
        remembering: list[Called] = []
        for key, called in calls.items():
            try:
                walk = Memory([called.function], n_copies=n_lanes).walk()
            except Exception as error:  # objects raise all kinds when they can't be pickled
                self.cannot_copy(called, error)
                continue
            shared = SharedMemory(walk)
            if shared.watches():
                self._shared.append((called.name, shared))
            if walk.mutable:
                self._keys.append(key)
                self._walks.append(walk)
                remembering.append(called)
        self.calls = remembering
        self._memory = Memory([c.function for c in remembering], n_copies=n_lanes)
        self._lanes: list[Memory] = []
        self._alike = not any(called.has_input for called in remembering)
        self._given = self._memory.walk() if remembering else None
        self._before: bytes | None = None
        self._warned = False

    @property
    def names(self) -> list[str]:
        """The objects whose functions remember something."""
        return sorted({called.name for called in self.calls})

    def cannot_copy(self, called: Called, error: Exception) -> None:
        """Refuse or warn of a function that can't be copied."""
        if self._continuous and self._n_lanes == 1:
            return
        culprit = getattr(error, "culprit", None)
        keeps = f"{called.name}: its function keeps something that can't be copied for each sample"
        if isinstance(culprit, Iterator):
            raise self.error(
                f"{keeps} ({error}), so that samples would mix. Keep a list and the position in "
                "it instead; or let one sample run on after the other as the meaning: "
                "presentation='continuous' with batch_size=1."
            ) from error
        if _APART.get():
            raise self.error(
                f"client: {keeps} ({error}). Samples may depend on those before them then, which "
                "workers don't have. Leave client out."
            ) from error
        warnings.warn(
            f"{keeps} ({error}). If it changes from step to step, samples mix, and counts depend "
            "on their order.",
            self.warning, stacklevel=4,
        )  # fmt: skip

    def reset(self) -> None:
        """Make new copies."""
        if self._keys:
            self._lanes = [self._memory.copied(self._given) for _ in range(self._n_lanes)]

    def remembers(self, key: Hashable) -> bool:
        """Whether the function of a key remembers something, and is copied."""
        return key in self._keys

    def of(self, key: Hashable) -> list[Any] | None:
        """The function of a key for each lane; None if it remembers nothing."""
        if key not in self._keys:
            return None
        k = self._keys.index(key)
        return [lane.roots[k] for lane in self._lanes]

    def alike(self, key: Hashable) -> bool:
        """Whether the function of a key does the same in all lanes."""
        return self._alike or key not in self._keys

    def all(self) -> list[Any]:
        """The functions of all lanes."""
        return [function for lane in self._lanes for function in lane.roots]

    def replace(self, functions: Sequence[Any]) -> None:
        """Replace the functions of all lanes, in the order of `all`."""
        n = len(self._keys)
        for k, lane in enumerate(self._lanes):
            lane.roots = list(functions[k * n : (k + 1) * n])

    def sharing(self, keys: Iterable[Hashable]) -> list[tuple[str, str]]:
        """Pairs of names: one of these keys, and another, that share what they remember."""
        chosen = set(keys)
        own = [k for k, key in enumerate(self._keys) if key in chosen]
        pairs = [(k, j) for k in own for j in range(len(self._keys)) if j not in own or j > k]
        return [
            (self.calls[k].name, self.calls[j].name)
            for k, j in pairs
            if self._walks[k].changeable.keys() & self._walks[j].changeable.keys()
        ]

    def watch(self) -> None:
        """Note what the functions of the first lane remember, to see whether it changes."""
        for _, shared in self._shared:
            shared.watch()
        if self._lanes and not self._warned:
            self._before = self._lanes[0].capture()

    def warn_if_changed(self) -> None:
        """Warn once of what is not in the user's own objects, and of what samples share."""
        changed = {name: shared.changed() for name, shared in self._shared}
        if any(changed.values()):
            self._shared = []
            names = "; ".join(f"{name}: {', '.join(own)}" for name, own in changed.items() if own)
            warnings.warn(
                f"Functions of Nodes change what can't be copied for each sample ({names}): "
                "samples share it, and counts depend on their order. Keep it in an object, or in "
                "variables around the function; draw random numbers from a generator made there.",
                self.warning, stacklevel=4,
            )  # fmt: skip
        if self._before is None or self._lanes[0].capture() == self._before:
            return
        self._before, self._warned = None, True
        warnings.warn(
            f"Functions of Nodes remember something ({', '.join(self.names)}): each sample has "
            "copies of them, so that samples do not mix, and what they collect is not in your "
            f"own objects. {self.advice}",
            self.warning, stacklevel=4,
        )  # fmt: skip
