"""How the positions along one axis of an image reach those of another."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..graph.image import Image

__all__ = ["Axis", "Image"]


@dataclass(frozen=True)
class Axis:
    """Geometry along one spatial axis: input ``i`` reaches ``o`` at ``i*u - o*s + p``.

    Attributes
    ----------
    size_in, size_out : int
    length : int
        Length of the kernel.
    stride, upsampling : int
        Without a common divisor.
    offset : int
        Place in the kernel at which input 0 reaches output 0; may lie outside of it.
    """

    size_in: int
    size_out: int
    length: int = 1
    stride: int = 1
    upsampling: int = 1
    offset: int = 0

    def pairs(self, place: int) -> tuple[slice, slice]:
        """The inputs and outputs that meet at a place in the kernel, one to one."""
        u, s, first = self.upsampling, self.stride, place - self.offset
        # u and s have no common divisor: outputs that meet some integer repeat every u.
        out = next(o for o in range(u) if (o * s + first) % u == 0)
        into = (out * s + first) // u
        skip = max(0, -(into // s))
        out, into = out + skip * u, into + skip * s
        count = min(-((out - self.size_out) // u), -((into - self.size_in) // s))
        if count <= 0:
            return slice(0, 0), slice(0, 0)
        return (
            slice(into, into + (count - 1) * s + 1, s),
            slice(out, out + (count - 1) * u + 1, u),
        )

    @cached_property
    def counts(self) -> np.ndarray:
        """Number of `pairs` at each place, shape (length,), int64."""
        return np.array(
            [len(range(*self.pairs(t)[0].indices(self.size_in))) for t in range(self.length)]
        )
