"""The work of a network per inference: the record that cost models price.

A `Workload` is pure counting. It knows no Joule and no device; it is made by one of the
counters beside this file (`exact`, `average`) and priced by the cost models in
``nengo_spikecost.energy``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..chip.chip_work import ChipWork
from ..layers.layer_info import LayerInfo
from ..layers.layer_shape import LayerShape
from ..layout import Result
from .work import (
    DenseWork,
    FactoredWork,
    HostWork,
    LearningWork,
    PathwayWork,
    PopulationWork,
    UncountedWork,
)

__all__ = [
    "DenseWork", "FactoredWork", "HostWork", "LayerInfo", "LearningWork", "PathwayWork",
    "PopulationWork", "UncountedWork", "Workload",
]  # fmt: skip


def _scaled(counts: np.ndarray | None, factor: float) -> np.ndarray | None:
    """Counts times a factor; unchanged, and integers still, for a factor of 1."""
    return counts if counts is None or factor == 1 else counts * factor


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

    def __post_init__(self) -> None:
        names = set(self.layer_names)
        work = [
            *((p.name, p.layer) for p in self.populations),
            *((p.name, p.layer) for p in self.pathways), *((d.name, d.layer) for d in self.dense),
            *((h.name, h.layer) for h in self.host), *((f.name, f.layer) for f in self.factored),
            *((r.name, r.layer) for r in self.learning),
            *((u.name, u.layer) for u in self.uncounted),
        ]  # fmt: skip
        for name, layer in work:
            if layer not in names:
                raise ValueError(f"{name!r} belongs to layer {layer!r}, which is not listed.")

    @property
    def measured(self) -> bool:
        """Whether spikes were counted, rather than the network's size alone."""
        return self.n_samples > 0

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
        factor = (n_steps * dt) / (self.n_steps * self.dt)
        if np.isclose(factor, 1.0, rtol=1e-12):
            factor = 1.0
        steps = n_steps / self.n_steps
        scaled = self.with_spikes(factor)
        return replace(
            scaled,
            n_steps=n_steps,
            dt=dt,
            chip=None if self.chip is None else self.chip.for_presentation(n_steps, dt),
            populations=tuple(
                replace(p, updates=p.updates * n_steps // self.n_steps) for p in scaled.populations
            ),
            pathways=tuple(
                replace(p, passes=n_steps if p.passes == self.n_steps else p.passes)
                for p in scaled.pathways
            ),
            factored=tuple(
                # what is done without spikes grows with the steps, as the neuron updates do
                replace(
                    f,
                    operations=f.operations + f.fixed * (steps - 1),
                    fixed=f.fixed * n_steps // self.n_steps,
                )
                if steps != 1
                else f
                for f in scaled.factored
            ),
            learning=tuple(
                replace(
                    r,
                    updates=r.updates * n_steps // self.n_steps,
                    macs=r.macs * n_steps // self.n_steps,
                )
                for r in self.learning
            ),
            host=tuple(
                replace(h, passes=n_steps if h.passes == self.n_steps else h.passes)
                for h in self.host
            ),
        )

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
        if factor == 1:
            return self
        return replace(
            self,
            populations=tuple(
                replace(p, spikes=_scaled(p.spikes, factor)) for p in self.populations
            ),
            pathways=tuple(
                replace(
                    p,
                    synops=_scaled(p.synops, factor),
                    average_synops=_scaled(p.average_synops, factor),
                    source_spikes=_scaled(p.source_spikes, factor),
                    events=_scaled(p.events, factor),
                )
                for p in self.pathways
            ),
            factored=tuple(
                replace(f, operations=(f.operations - f.fixed) * factor + f.fixed)
                for f in self.factored
            ),
            chip=None if self.chip is None else self.chip.with_spikes(factor),
        )
