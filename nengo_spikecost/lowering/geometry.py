"""How the positions along one axis of an image reach those of another."""

from __future__ import annotations

import math
from collections.abc import Iterable
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

    @property
    def transposed(self) -> Axis:
        """The axis of the transposed map, whose kernel is turned round."""
        offset = self.length - 1 - self.offset
        return Axis(self.size_out, self.size_in, self.length, self.upsampling, self.stride, offset)

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
        last_in, last_out = into + (count - 1) * s, out + (count - 1) * u
        return slice(into, last_in + 1, s), slice(out, last_out + 1, u)

    @cached_property
    def counts(self) -> np.ndarray:
        """Number of `pairs` at each place, shape (length,), int64."""
        return np.array([len(range(self.size_in)[self.pairs(t)[0]]) for t in range(self.length)])


def axis_after(second: Axis, first: Axis) -> Axis:
    """The axis of two maps, one after the other, before it is made as small as it can be.

    Step 1 in the docstring of `nengo_spikecost.lowering.strided_map`.
    """
    return Axis(
        first.size_in, second.size_out,
        (first.length - 1) * second.upsampling + (second.length - 1) * first.stride + 1,
        first.stride * second.stride, first.upsampling * second.upsampling,
        first.offset * second.upsampling + second.offset * first.stride,
    )  # fmt: skip


def kernel_size(
    second: Iterable[Axis], first: Iterable[Axis], channels_in: int, channels_out: int, groups: int
) -> int:
    """Most weights that the kernel of two maps, one after the other, may have."""
    lengths = [axis_after(b, a).length for a, b in zip(first, second)]
    return math.prod(lengths) * (channels_in * channels_out // groups)
