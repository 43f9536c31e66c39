"""`Image`: how a vector is read as an image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Image:
    """How a vector is read as an image.

    Attributes
    ----------
    space : tuple of int
        Size of each spatial axis.
    channels : int
    channels_last : bool
        Whether the channels vary fastest, or slowest.
    """

    space: tuple[int, ...]
    channels: int
    channels_last: bool = True

    @property
    def size(self) -> int:
        """Number of elements."""
        return int(np.prod(self.space)) * self.channels

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array, channels at their place."""
        first, last = (self.space, (self.channels,))[:: 1 if self.channels_last else -1]
        return (*first, *last)

    def from_flat(self, values: np.ndarray) -> np.ndarray:
        """From (size, n) to (n, *space, channels); a view where possible."""
        images = values.T.reshape(-1, *self.shape)
        return images if self.channels_last else np.moveaxis(images, 1, -1)

    def to_flat(self, images: np.ndarray) -> np.ndarray:
        """From (n, *space, channels) to (size, n)."""
        if not self.channels_last:
            images = np.moveaxis(images, -1, 1)
        return images.reshape(len(images), -1).T

    def coordinates(self, elements: np.ndarray) -> list[np.ndarray]:
        """Of flat indices, the position along each spatial axis, then the channel."""
        places = list(np.unravel_index(elements, self.shape))
        return places if self.channels_last else [*places[1:], places[0]]

    def index(self, space: Sequence[np.ndarray], channel: np.ndarray) -> np.ndarray:
        """Flat indices of positions and channels: the inverse of `coordinates`."""
        places = (*space, channel) if self.channels_last else (channel, *space)
        return np.ravel_multi_index(places, self.shape)
