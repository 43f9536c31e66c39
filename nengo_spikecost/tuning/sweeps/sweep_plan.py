"""`Plan`: the network, the data and the options of one sweep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...conversion import Conversion, convert
from ..rescaling import RescalableNetwork
from ..sweep_options import SweepOptions
from . import fingerprint
from .sweep_data import keras_outcomes
from .sweep_pricing import Pricing

_SIMULATED_FIRST = 100


@dataclass(frozen=True)
class Plan:
    """The network, the data and the options of one sweep.

    Attributes
    ----------
    model : tf.keras.Model
        The network that is tuned.
    x : ndarray of shape (n_images, ...)
        Images to tune on.
    labels : ndarray of int64, shape (n_images,)
        Their classes.
    options : SweepOptions
        How to search.
    conversion : mapping
        Arguments of `convert`, but for the neurons, the scales, the synapse and the seed.
    """

    model: Any
    x: np.ndarray
    labels: np.ndarray
    options: SweepOptions
    conversion: Mapping[str, Any]

    @property
    def pricing(self) -> Pricing:
        """How readings are made of activities."""
        return Pricing(self.options.device, self.options.cost_model, self.options.readout)

    @property
    def first_images(self) -> int:
        """Images after which a setting is given up first."""
        return self.options.first_images or max(_SIMULATED_FIRST, len(self.x) // 5)

    @property
    def simulation(self) -> dict[str, Any]:
        """Arguments of `measure`, but for the simulator and the presentation."""
        options = self.options
        return {"batch_size": options.batch_size, "dt": options.dt, "seed": options.seed}

    def ordered(self) -> tuple[np.ndarray, np.ndarray]:
        """Images and labels in the order they are seen."""
        # data are often sorted by class: the first images should be like all
        order = np.random.default_rng(self.options.seed).permutation(len(self.x))
        return self.x[order], self.labels[order]

    def fingerprint(self) -> dict[str, str]:
        """All that the results depend on, in words or as digests, by name."""
        return {
            **self.options.fingerprint(), "model": fingerprint.of_model(self.model),
            "x": fingerprint.of_arrays(self.x), "y": fingerprint.of_arrays(self.labels),
            "reference": fingerprint.of_reference(self.options.reference),
            "first_images": str(self.first_images),
            "constants of the device": fingerprint.of_text(self.options.device),
            **fingerprint.of_options(self.options.cost_model),
            **{name: str(value) for name, value in self.conversion.items()},
        }  # fmt: skip

    def network(self, synapse: float | None) -> RescalableNetwork:
        """The network in NengoDL with that synapse, for any scales."""
        return RescalableNetwork(
            self.model, neuron_type=self.options.neuron_type, synapse=synapse,
            network_seed=self.options.seed, **self.simulation, **self.conversion,
        )  # fmt: skip

    def converted(self, scales: Any, synapse: float | None) -> Conversion:
        """A network of its own with these scales and that synapse."""
        return convert(
            self.model, neuron_type=self.options.neuron_type, scale_firing_rates=scales,
            synapse=synapse, seed=self.options.seed, **self.conversion,
        )  # fmt: skip

    def reference_outcomes(self, x: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Whether the model that losses are against classifies each image rightly."""
        reference = self.options.reference
        return keras_outcomes(self.model if reference is None else reference, x, labels)
