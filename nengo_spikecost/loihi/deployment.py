"""`Deployment`: a network that ran on the chip, with its spikes, outputs and block shapes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..energy.loihi_chip import ChipCost
from ..layout import Result
from ..layout.result import presenter_of
from .chip_cost import chip_cost
from .cores.network_use import NetworkUse
from .deploy_options import DeployOptions
from .mapping.mapping import Mapping
from .mapping.place import place


@dataclass(frozen=True)
class Deployment(Result):
    """A network that ran on the chip, with its spikes, outputs and block shapes.

    Attributes
    ----------
    network : nengo.Network or Conversion
        The network that ran: for a Keras model, the Conversion that it became.
    fit : BlockFit, GivenShapes or None
        Block shapes that were searched or given; None: those of the network's config.
    use : NetworkUse
        What each block uses of its core.
    activity : Activity
        Spikes, outputs, and from the emulator what each core did.
    options : DeployOptions
        How it was converted, presented and read.
    labels : ndarray, optional
    """

    network: Any
    fit: Any = field(repr=False)
    use: NetworkUse = field(repr=False)
    activity: Any = field(repr=False)
    options: DeployOptions
    labels: np.ndarray | None = field(default=None, repr=False)

    @property
    def target(self) -> str:
        """The simulator or chip that ran it: one of `TARGETS`."""
        return self.options.target

    @property
    def output(self) -> str | None:
        """Output that predictions are read from; None: the only one."""
        return self.options.output

    @property
    def readout(self) -> str:
        """When predictions are read: at the ``"last"`` step, or their ``"mean"`` over steps."""
        return self.options.readout

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of the blocks of each layer on the chip, by its name."""
        return {layer.name: layer.tiling.tile for layer in self.use.layers}

    @property
    def n_cores(self) -> int:
        """Cores in use."""
        return self.use.n_cores

    @property
    def predictions(self) -> np.ndarray:
        """The class of each sample, int64, (n_samples,)."""
        return self.activity.predictions(self.output, self.readout)

    @property
    def accuracy(self) -> float | None:
        """Share of samples classified correctly; None without labels."""
        if self.labels is None and self.activity.targets is None:
            return None
        return self.activity.accuracy(self.labels, self.output, self.readout)

    def mapping(self, **options: Any) -> Mapping:
        """The blocks on cores and chips, with the messages measured; see `place`."""
        options.setdefault("dt", self.activity.protocol.dt)
        return place(self.network, fit=self.fit, activity=self.activity, **options)

    def cost(self, profile: Any = "silicon", **options: Any) -> ChipCost:
        """Energy and latency of an inference; see `chip_cost`.

        Raises
        ------
        MissingActivityError
            Unless the emulator ran it: NengoLoihi and boards do not count what each core did.
        """
        return chip_cost(self.activity, profile=profile, **options)

    def layers(self) -> list[dict[str, Any]]:
        """One row for each population on the chip or its host: means of a sample.

        Keys: ``layer``, ``place``, ``neurons``, ``cores``, ``block_shape``, ``spikes``,
        ``rate_hz``, and where cores were counted ``synops`` and ``messages`` (that arrived).
        """
        return list(presenter_of(self).records(self))
