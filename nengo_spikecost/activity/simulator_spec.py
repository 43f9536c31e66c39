"""`SimulatorSpec`: one record a simulator, and the registry that finds it by name.

A simulator reaches the registry in one of three ways, and can then do everything that one of
this package can:

1. this package registers its own (known_simulators.py);
2. a user calls `register_simulator_spec`, `register_backend` or `register_simulator`;
3. an installed package declares the entry point group ``nengo_spikecost.simulators``. Its entry
   points are looked for when a name is unknown or all names are listed, and imported when their
   simulator is used.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import warnings
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass, replace
from typing import Any, Callable

from .. import check
from ..errors import MeasurementError, OverwriteWarning
from ..memory import Need
from .backend import Backend, Setup

BackendMaker = Callable[[Setup], Backend]

ENTRY_POINTS = "nengo_spikecost.simulators"

#: Arguments of `measure` that not every simulator has.
SPECIAL_OPTIONS = ("target", "hardware_options", "by_step", "dtype")


@dataclass(frozen=True)
class SimulatorSpec:
    """A simulator, and all that it can do.

    Calling the spec with a `Setup` builds its `Backend`.

    Attributes
    ----------
    name : str
        The name in ``measure(..., simulator=name)``.
    backend : callable or str
        A function from `Setup` to `Backend`, or where it is, as ``"package.module:function"``:
        it is then imported when it is first used.
    minibatch : bool
        It simulates the samples of a batch side by side, always as many. Without, samples come
        one after another, and one at a time unless the user gives ``batch_size``.
    continuous : bool
        State runs on from sample to sample unless the user says otherwise, as on a board.
    resumable : bool
        A continuous presentation can be taken up where it stopped: its back ends have
        `Backend.state` and `Backend.restore`.
    starts_anew : bool
        Neurons that draw random numbers as they run draw the same for every fresh sample, so that
        a fresh presentation of them can be taken up. Without, draws go on from sample to sample.
    options : tuple of str
        Arguments of `measure` that it takes, of ``"target"``, ``"hardware_options"``,
        ``"by_step"`` and ``"dtype"``. `Setup.options` has them.
    counts_chip : bool
        It counts what every core of a chip does: `Activity.chip`, which cost models with
        ``needs_chip`` price.
    takes_block_shapes : bool
        It builds with NengoLoihi, so the block shapes of a BlockFit apply (`Setup.fit`).
    lengths : bool
        Several presentation times can be read from one run: its back ends have
        ``run_lengths(inputs, lengths)``, see `nengo_spikecost.activity.lengths.ReadsLengths`.
    sweep_engine : str, optional
        Where the engine is that `nengo_spikecost.sweep` runs its settings on, as
        ``"package.module:function"``, a function from the plan of the sweep to the engine.
        Default: the engine for any simulator, which converts and builds each setting anew.
    memory : callable or str, optional
        A function from a network to the memory that simulating it takes, a
        `nengo_spikecost.memory.Need`, or where it is. By default nobody knows, and nothing is
        chosen or refused because of memory.
    """

    name: str
    backend: BackendMaker | str
    minibatch: bool = True
    continuous: bool = False
    resumable: bool = False
    starts_anew: bool = False
    options: tuple[str, ...] = ()
    counts_chip: bool = False
    takes_block_shapes: bool = False
    lengths: bool = False
    sweep_engine: str | None = None
    memory: Callable[[Any], Need] | str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise MeasurementError(f"A simulator needs a name, not {self.name!r}.")
        if not callable(self.backend):
            _check_place(f"backend of simulator {self.name!r}", self.backend)
        if self.sweep_engine is not None:
            _check_place(f"sweep_engine of simulator {self.name!r}", self.sweep_engine)
        if self.memory is not None and not callable(self.memory):
            _check_place(f"memory of simulator {self.name!r}", self.memory)
        words = "a list of names of options"
        options = check.several("options", self.options, MeasurementError, words)
        object.__setattr__(self, "options", tuple(options))
        for option in self.options:
            check.choice("options of a simulator", option, SPECIAL_OPTIONS, MeasurementError)

    def __call__(self, setup: Setup) -> Backend:
        """Build the back end."""
        maker: BackendMaker
        maker = loaded(self.backend) if isinstance(self.backend, str) else self.backend
        return maker(setup)

    def need(self, network: Any) -> Need | None:
        """The memory that simulating a network takes; None if nobody knows."""
        if self.memory is None:
            return None
        told: Need = (loaded(self.memory) if isinstance(self.memory, str) else self.memory)(network)
        return told

    def engine(self) -> Callable[..., Any] | None:
        """The function that `sweep_engine` names."""
        return None if self.sweep_engine is None else loaded(self.sweep_engine)


def loaded(place: str) -> Any:
    """Import what ``"package.module:name"`` says."""
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(module), name)


def _check_place(what: str, place: Any) -> None:
    module, colon, name = place.partition(":") if isinstance(place, str) else ("", "", "")
    if not (module and colon and name.isidentifier()):
        raise MeasurementError(
            f"The {what} must be a function, or a text 'package.module:function', not {place!r}."
        )


class SimulatorRegistry:
    """Simulators by name."""

    def __init__(self) -> None:
        self._specs: dict[str, SimulatorSpec] = {}

    def get(self, name: Any, error: type[Exception] = MeasurementError) -> SimulatorSpec:
        """The simulator of that name.

        Raises
        ------
        MeasurementError
            Or ``error``, if no simulator has this name, or the package that has it can't be
            imported.
        """
        known = self._specs
        if not isinstance(name, str) or name not in known:
            points = _entry_points()
            check.choice("simulator", name, [*known, *points], error)
            known[name] = _of_entry_point(points[name], error)
        return known[name]

    def names(self) -> tuple[str, ...]:
        """All names, those of plug-ins last."""
        return tuple(dict.fromkeys([*self._specs, *_entry_points()]))

    def those(self, ability: Callable[[SimulatorSpec], Any]) -> tuple[str, ...]:
        """The names of those that can do something: ``those(lambda spec: spec.counts_chip)``.

        Plug-ins that can't be imported are left out.
        """
        able = []
        for name in self.names():
            with contextlib.suppress(MeasurementError):
                able += [name] if ability(self.get(name)) else []
        return tuple(able)

    def register(self, spec: SimulatorSpec) -> None:
        """See `register_simulator_spec`."""
        if spec.name in self._specs:
            words = f"There is a simulator {spec.name!r} already. Overwriting."
            warnings.warn(words, OverwriteWarning, stacklevel=3)
        self._specs[spec.name] = spec

    def remove(self, name: str) -> None:
        """Forget a simulator."""
        del self._specs[name]


def _entry_points() -> dict[str, Any]:
    """Entry points of installed packages, by name; nothing is imported."""
    try:
        points: Any = importlib.metadata.entry_points(group=ENTRY_POINTS)
    except TypeError:  # Python 3.9
        points = importlib.metadata.entry_points().get(ENTRY_POINTS, ())  # type: ignore
    return {point.name: point for point in points}


def _of_entry_point(point: Any, error: type[Exception]) -> SimulatorSpec:
    try:
        spec = point.load()
    except Exception as reason:
        raise error(
            f"Simulator {point.name!r} is in a plug-in that can't be imported ({point.value}): "
            f"{reason}"
        ) from reason
    if not isinstance(spec, SimulatorSpec):
        raise error(
            f"Simulator {point.name!r}: the entry point {point.value} must be a SimulatorSpec, "
            f"not {type(spec).__name__}."
        )
    return replace(spec, name=point.name)


simulators = SimulatorRegistry()
"""All simulators: ``simulators.get(name)``, ``simulators.names()``."""


class _Backends(MutableMapping[str, BackendMaker]):
    """The registry as a mapping from names to functions that build back ends.

    A function that is put under a known name replaces its back end, and what the simulator
    can do stays; None takes the name away.
    """

    def __getitem__(self, name: str) -> SimulatorSpec:
        if name not in simulators.names():
            raise KeyError(name)
        return simulators.get(name)

    def __setitem__(self, name: str, backend: BackendMaker | None) -> None:
        known = simulators._specs
        if isinstance(backend, SimulatorSpec):
            known[name] = backend
        elif backend is None:
            known.pop(name, None)
        elif name in known:
            known[name] = replace(known[name], backend=backend)
        else:
            known[name] = SimulatorSpec(name, backend)

    def __delitem__(self, name: str) -> None:
        simulators.remove(name)

    def __iter__(self) -> Iterator[str]:
        return iter(simulators.names())

    def __len__(self) -> int:
        return len(simulators.names())


BACKENDS: MutableMapping[str, BackendMaker] = _Backends()
"""Simulators by name, each a function from `Setup` to `Backend`."""


def register_simulator_spec(spec: SimulatorSpec) -> None:
    """Make a simulator known to `measure` and to all that measures.

    Parameters
    ----------
    spec : SimulatorSpec
        Its name, the function that builds it, and what it can do.

    Warns
    -----
    OverwriteWarning
        If its name is that of another simulator.
    """
    simulators.register(spec)


def register_backend(*names: str, **abilities: Any) -> Callable[[BackendMaker], BackendMaker]:
    """Decorator that makes a function from `Setup` to `Backend` a simulator.

    Parameters
    ----------
    *names : str
        What users call it: one or more names.
    **abilities
        What it can do: ``minibatch``, ``continuous``, ``resumable``, ``options`` and the other
        attributes of `SimulatorSpec`.

    Warns
    -----
    OverwriteWarning
        If a name is that of another simulator.
    """

    def decorator(factory: BackendMaker) -> BackendMaker:
        for name in names:
            simulators.register(SimulatorSpec(name, factory, **abilities))
        return factory

    return decorator
