"""Noise of compartments, as NengoLoihi's emulator draws it.

Reference: nengo-loihi 1.1.0, emulator/interface.py (``NoiseState``, ``CompartmentState``).
"""

from __future__ import annotations

import numpy as np

from .chip import Chip


class ChipNoise:
    """The noise of all compartments, step by step.

    NengoLoihi draws it for all compartments at every step, with the seed of its simulator. Every
    lane has the noise of a new simulator with that seed.

    Parameters
    ----------
    chip : Chip
    seed : int
    """

    def __init__(self, chip: Chip, seed: int):
        self._seed = seed
        parts = [(block.compartment, block.n_neurons) for block in chip.blocks]

        def column(name: str) -> np.ndarray:
            return np.concatenate([np.broadcast_to(getattr(c, name), n) for c, n in parts])

        enabled = column("enable_noise").astype(bool)
        self.any = bool(enabled.any())
        self._n = len(enabled)
        # all in float64, as in NengoLoihi: a whole number times a power of 2
        exponent = column("noise_exp").astype(np.int32)
        self._factor = np.where(enabled, 2.0 ** (exponent - 7), 0)
        self._offset = column("noise_offset").astype(np.int32) * np.int32(64)
        self._at_membrane = column("noise_at_membrane").astype(bool)
        self._keys = np.zeros(624, dtype=np.uint32)
        self._position = np.zeros(1, dtype=np.int64)
        self.reset()

    def reset(self) -> None:
        """Go back to the first step."""
        if self.any:
            self._keep(np.random.RandomState(self._seed))

    def state(self) -> dict[str, np.ndarray]:
        """The state of the random numbers by name; the very arrays that are used."""
        return {"noise": self._keys, "noise position": self._position} if self.any else {}

    def of_steps(self, n_steps: int) -> tuple[np.ndarray, np.ndarray]:
        """Noise of inputs and of biases in the next steps, int32, (n_steps, compartments).

        Both have no steps if no compartment has noise.
        """
        if not self.any:
            nothing = np.zeros((0, self._n), dtype=np.int32)
            return nothing, nothing
        rng = np.random.RandomState()
        rng.set_state(("MT19937", self._keys, int(self._position[0]), 0, 0.0))
        drawn = [rng.randint(-127, 128, size=self._n, dtype=np.int32) for _ in range(n_steps)]
        self._keep(rng)
        noise = ((np.array(drawn) + self._offset) * self._factor).astype(np.int32)
        return noise * ~self._at_membrane, noise * self._at_membrane

    def _keep(self, rng: np.random.RandomState) -> None:
        _, self._keys[...], self._position[...], *_ = rng.get_state(legacy=True)
