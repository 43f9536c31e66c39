"""The work of a network per inference: the record that cost models price.

It has one entry for each population, pathway, Connection or function. A `Workload` is pure
counting. It knows no Joule and no device; it is made by one of the
counters beside this file (`exact`, `average`) and priced by the cost models in
``nengo_spikecost.energy``.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Callable, TypeVar

import numpy as np

from .. import check
from ..chip.chip_work import ChipWork
from ..errors import EnergyError
from ..layers.layer_info import LayerInfo
from ..layers.layer_shape import LayerShape
from ..layout import Result
from ..layout.per import Per
from .work_entries import (
    DenseWork,
    FactoredWork,
    HostWork,
    LearningWork,
    PathwayWork,
    PopulationWork,
    UncountedWork,
)

Work = TypeVar("Work")


def _scaled(counts: np.ndarray | None, factor: float) -> np.ndarray | None:
    """Counts times a factor; unchanged, and integers still, for a factor of 1."""
    return counts if counts is None or factor == 1 else counts * factor


def _changed(works: tuple[Work, ...], **changes: Callable[[Work], Any]) -> tuple[Work, ...]:
    """Work with some fields made anew, each by a function of the work that it belongs to."""
    return tuple(replace(w, **{name: of(w) for name, of in changes.items()}) for w in works)  # type: ignore[type-var]


@dataclass(frozen=True)
class Workload(Result):
    """Everything counted for one network under one protocol, per inference.

    Attributes
    ----------
    layers : tuple of LayerInfo
        The rows, in the order of the network.
    populations, pathways, dense, factored, learning, host, uncounted : tuples
        The work, each entry naming the layer it belongs to. ``pathways`` is the
        work of spikes, ``dense`` that of one pass of the same network without spikes,
        ``factored`` that of spikes where weights are not multiplied out, ``host`` that beside a
        spiking device.
    n_steps : int
        Simulation steps per inference (1 when nothing was measured).
    dt : float
        Length of a step in seconds.
    n_samples : int
        Number of inferences measured (0: static counts only).
    shapes : tuple of LayerShape
        The layers as they were written, for formulas of shapes; of a network that was not
        made of layers, empty.
    chip : ChipWork, optional
        The work of a chip's cores, if it was measured and is priced.
    dense_passes : float
        How often a machine without spikes runs the network per inference: once for each frame of
        a sample, and at every step if the network runs on. Mean of the samples.
    runs_on : bool
        Whether the network has no inferences (`Protocol.runs_on`): counts are of all steps that
        were measured, and are shown per second.
    """

    layers: tuple[LayerInfo, ...]
    populations: tuple[PopulationWork, ...]
    pathways: tuple[PathwayWork, ...]
    dense: tuple[DenseWork, ...]
    uncounted: tuple[UncountedWork, ...]
    n_steps: int
    dt: float
    n_samples: int
    host: tuple[HostWork, ...] = ()
    factored: tuple[FactoredWork, ...] = ()
    learning: tuple[LearningWork, ...] = ()
    shapes: tuple[LayerShape, ...] = ()
    chip: ChipWork | None = None
    dense_passes: float = 1
    runs_on: bool = False

    def __post_init__(self) -> None:
        names = set(self.layer_names)
        works: tuple[Iterable[Any], ...] = (
            self.populations, self.pathways, self.dense, self.host, self.factored, self.learning,
            self.uncounted,
        )  # fmt: skip
        for work in itertools.chain(*works):
            if work.layer not in names:
                raise ValueError(
                    f"{work.name!r} belongs to layer {work.layer!r}, which is not listed."
                )

    @property
    def per(self) -> Per:
        """What figures are shown per."""
        return Per(self.n_steps * self.dt if self.runs_on else None)

    @property
    def measured(self) -> bool:
        """Whether spikes were counted, rather than the network's size alone."""
        return self.n_samples > 0

    @property
    def dense_layers(self) -> int:
        """Layers that a machine without spikes launches in a pass, one after the other.

        All weights that it applies, functions between them, and rules that change weights; neurons
        belong to the weights that they follow. Of a network with work that could not be counted,
        those that could.
        """
        weighted = sum(work.macs > 0 for work in self.dense)
        return weighted + sum(work.operations > 0 for work in self.host) + len(self.learning)

    @property
    def empty(self) -> bool:
        """Whether there is no work without spikes either, not even some that is not counted."""
        works = self.populations, self.dense, self.host, self.learning, self.uncounted
        return not any(works)

    @property
    def spiking(self) -> bool:
        """Whether any of its neurons spike."""
        return any(p.spiking for p in self.populations)

    @property
    def layer_names(self) -> tuple[str, ...]:
        """Names of the layers, in order."""
        return tuple(layer.name for layer in self.layers)

    @property
    def mean_synops(self) -> float:
        """Synops per inference on all pathways that can be counted; NaN without such a pathway."""
        counted = [p.synops for p in self.pathways if p.synops is not None]
        return float(sum(np.mean(s) for s in counted)) if counted else float("nan")

    def for_presentation(self, n_steps: int, dt: float) -> Workload:
        """The same network run for another number of steps, at the same firing rates.

        An extrapolation: spikes and synops grow with the presented time
        ``n_steps * dt``, neuron updates with ``n_steps``. Networks that start from rest
        fire less in their first steps than later, so prefer to measure again.

        Parameters
        ----------
        n_steps : int
            Simulation steps per inference.
        dt : float
            Length of a step in seconds.

        Returns
        -------
        Workload
            With fractional counts, unless the presented time is the one measured.
        """
        check.whole("n_steps", n_steps, EnergyError, 1, 2**53)
        factor = (n_steps * check.time("dt", dt, EnergyError)) / (self.n_steps * self.dt)
        steps = n_steps / self.n_steps
        scaled = self.with_spikes(1.0 if np.isclose(factor, 1.0, rtol=1e-12) else factor)

        at_every_step = self.runs_on or self.dense_passes == self.n_steps > 1

        def in_all(of_steps: int) -> int:
            return of_steps * n_steps // self.n_steps

        def passes(work: Any) -> float:
            return n_steps if work.passes == self.n_steps else work.passes

        factored = scaled.factored
        if steps != 1:  # what is done without spikes grows with the steps, as neuron updates do
            factored = _changed(
                factored, operations=lambda f: f.operations + f.fixed * (steps - 1),
                fixed=lambda f: in_all(f.fixed),
            )  # fmt: skip
        return replace(
            scaled, n_steps=n_steps, dt=dt, factored=factored,
            dense_passes=n_steps if at_every_step else self.dense_passes,
            chip=None if self.chip is None else self.chip.for_presentation(n_steps, dt),
            populations=_changed(scaled.populations, updates=lambda p: in_all(p.updates)),
            pathways=_changed(scaled.pathways, passes=passes),
            learning=_changed(
                self.learning, updates=lambda r: in_all(r.updates), macs=lambda r: in_all(r.macs)
            ),
            host=_changed(self.host, passes=passes),
        )  # fmt: skip

    def with_spikes(self, factor: float) -> Workload:
        """The same network in as many steps, with so many times the spikes.

        Parameters
        ----------
        factor : float
            0 for a network that is silent: what is left is spent without any spike.

        Returns
        -------
        Workload
            With fractional counts, unless the factor is 1.
        """
        factor = check.positive("factor", factor, EnergyError, zero=True)
        if factor == 1:
            return self
        return replace(
            self, chip=None if self.chip is None else self.chip.with_spikes(factor),
            populations=_changed(
                self.populations, spikes=lambda p: _scaled(p.spikes, factor),
                most_spikes=lambda p: None if p.most_spikes is None else p.most_spikes * factor,
            ),
            pathways=_changed(
                self.pathways, synops=lambda p: _scaled(p.synops, factor),
                average_synops=lambda p: _scaled(p.average_synops, factor),
                source_spikes=lambda p: _scaled(p.source_spikes, factor),
                events=lambda p: _scaled(p.events, factor),
            ),
            factored=_changed(
                self.factored, operations=lambda f: (f.operations - f.fixed) * factor + f.fixed
            ),
        )  # fmt: skip
