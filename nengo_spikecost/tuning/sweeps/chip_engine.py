"""The network run on the emulated Loihi with one setting after the other, and priced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Callable

import numpy as np

from ...activity import BACKENDS, default_batch_size
from ...activity.backend import Setup
from ...activity.lengths import measured_at
from ...activity.measure import simulator_errors
from ...activity.subject import subject
from ...conversion import Conversion
from ...graph import NetworkGraph
from ..rescaling import RescalableNetwork
from .chip_blocks import ChipBlocks, found_blocks
from .sweep_arguments import CHIP
from .sweep_pricing import PricedGraph, Pricing, parts_of
from .trials import Reading, Setting, with_more


class ChipEngine:
    """Converts, builds and emulates each setting for itself.

    NengoLoihi rounds the weights of every block to whole numbers of a few bits, and scales
    decide how: a chip with other scales is another chip. Block shapes do not depend on
    them, and are the same for all.

    Parameters
    ----------
    convert : callable
        ``convert(scales, synapse) -> Conversion``; called for each setting.
    build : callable
        ``build(synapse) -> RescalableNetwork``, in which the search finds where it starts.
    x : ndarray of shape (n_images, ...)
        The images, in the order they are seen.
    labels : ndarray of int64, shape (n_images,)
        Their classes.
    n_steps : tuple of int
        Presentation times to read, ascending.
    pricing : Pricing
        What makes readings of what was measured.
    synapse : float or None
        One of those of the sweep, in s, to find block shapes with.
    dt, batch_size, seed
        See `measure`.
    """

    def __init__(
        self,
        convert: Callable[[Any, float | None], Conversion],
        build: Callable[[float | None], RescalableNetwork],
        x: np.ndarray,
        labels: np.ndarray,
        *,
        n_steps: tuple[int, ...],
        pricing: Pricing,
        synapse: float | None,
        dt: float,
        batch_size: int | None,
        seed: int,
    ):
        self._convert, self._build = convert, build
        self._x, self._labels = x, labels
        self._n_steps, self._pricing = n_steps, pricing
        self._synapse = synapse
        self._run: dict[str, Any] = {"dt": dt, "batch_size": batch_size, "seed": seed}
        self._blocks: ChipBlocks | None = None
        self._before: RescalableNetwork | None = None
        self._graphs: dict[float | None, PricedGraph] = {}
        self._chip: _Chip | None = None

    def facts(self) -> dict[str, Any]:
        """Block shapes, found for the network that the search is about.

        Raises
        ------
        LoihiError
            If NengoLoihi can't run the network, or a layer fits at no block shape.
        """
        blocks = found_blocks(self._convert(1, self._synapse), self._run["dt"])
        return {"blocks": blocks.to_dict()}

    def recall(self, facts: Mapping[str, Any]) -> None:
        """Take up what `facts` gave."""
        self._blocks = ChipBlocks.of_dict(facts["blocks"])

    def network(self, synapse: float | None) -> RescalableNetwork:
        """The network in NengoDL, until settings are simulated."""
        self._free()
        self._before = self._build(synapse)
        return self._before

    def read(self, setting: Setting, start: int, stop: int) -> Sequence[Reading]:
        """Emulate images ``start`` to ``stop``; a reading for each presentation time."""
        if self._chip is None or self._chip.setting != setting:
            self._free()
            self._chip = self._built(setting, stop - start)
        graph = self._graphs[setting.synapse]
        readings: list[Reading] = []
        for part in parts_of(start, stop):
            found = self._chip.measured(self._x[part], self._n_steps)
            new = self._pricing.readings(found, graph, self._labels[part])
            readings = with_more(readings, new)
        return readings

    def close(self) -> None:
        """Free what the simulations hold."""
        self._free()
        self._graphs.clear()

    def _built(self, setting: Setting, n_images: int) -> _Chip:
        conversion = self._convert(dict(setting.scales), setting.synapse)
        if setting.synapse not in self._graphs:
            self._graphs[setting.synapse] = PricedGraph(conversion)
        assert self._blocks is not None  # recalled before the first setting
        fit = self._blocks.on(conversion)
        return _Chip(setting, fit, self._x[:1], self._n_steps[-1], n_images, **self._run)

    def _free(self) -> None:
        """Only one network is held at a time: a large one takes much memory."""
        for held in (self._before, self._chip):
            if held is not None:
                held.close()
        self._before = self._chip = None


class _Chip:
    """One setting, built for the chip."""

    def __init__(
        self, setting: Setting, fit: Any, x: np.ndarray, n_steps: int, n_images: int, *,
        dt: float, batch_size: int | None, seed: int,
    ):  # fmt: skip
        self.setting = setting
        self._what = subject(fit)
        inputs, _ = self._what.stream(x, n_steps)
        if batch_size is None:
            batch_size = default_batch_size(self._what.network.n_neurons, "fresh", n_images)
        populations = NetworkGraph(self._what.named).populations
        setup = Setup(
            self._what.network, inputs, populations, self._what.outputs, n_steps, dt,
            batch_size, seed, "fresh", {}, fit,
        )  # fmt: skip
        with simulator_errors(CHIP):
            self._backend: Any = BACKENDS[CHIP](setup)

    def measured(self, x: np.ndarray, lengths: tuple[int, ...]) -> dict[int, Any]:
        """The activity of these images at each length, each as of a run of its own."""
        _, stream = self._what.stream(x, lengths[-1])
        return measured_at(self._backend, stream, lengths, CHIP)

    def close(self) -> None:
        """Free what the emulation holds."""
        self._backend.close()
