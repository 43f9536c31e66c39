"""How many weights a composed map will have, told before it is composed.

A `MapSize` composes and sums as the maps of `composition` do, and comes to the same form, without
their weights: of a map that treats all positions alike it keeps the places of its kernel that are
used, of one channel, and the numbers of channels; of a matrix the number of its weights. What it
costs does not depend on channels, and for a matrix not on its size.

Sizes are exact, with two exceptions: weights that cancel each other to zero are not known, nor how
many pairs two sparse matrices join, which is told from their means.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd

import numpy as np

from .composition import check_n_weights
from .geometry import Image, kernel_size
from .linear_map import Gather, LinearMap, Matrix
from .recognition import as_strided
from .strided_map import StridedMap


@dataclass(frozen=True)
class MapSize:
    """The form of a `LinearMap`.

    Attributes
    ----------
    size_in, size_out : int
    n_weights : int
        How many numbers it keeps in memory.
    gather : Gather, optional
        The map itself, if it is one.
    places : StridedMap, optional
        If it treats all positions alike: one channel of it, one where any channel has a weight.
    channels_in, channels_out : int
        Of all groups together.
    groups : int
    channels_last : bool
    dense : bool
        Whether it is a dense matrix.
    """

    size_in: int
    size_out: int
    n_weights: int
    gather: Gather | None = None
    places: StridedMap | None = None
    channels_in: int = 1
    channels_out: int = 1
    groups: int = 1
    channels_last: bool = True
    dense: bool = False

    @property
    def n_pairs(self) -> int:
        """Entries of the whole matrix that are not zero."""
        if self.gather is not None:
            return self.gather.n_weights
        if self.places is None:
            return self.n_weights
        return self.places.n_weights * self.channels_in * self.channels_out // self.groups

    @property
    def image_in(self) -> Image:
        """How its inputs are read, if it treats all positions alike."""
        assert self.places is not None
        return Image(self.places.image_in.space, self.channels_in, self.channels_last)

    @property
    def image_out(self) -> Image:
        """How its outputs are read, if it treats all positions alike."""
        assert self.places is not None
        return Image(self.places.image_out.space, self.channels_out, self.channels_last)


class MapSizes:
    """Sizes of maps, of their compositions and their sums.

    It remembers how it read each `Gather` as a map of images, which takes longest.
    """

    def __init__(self) -> None:
        # The Gather is kept as well: another one could get its id otherwise.
        self._read: dict[tuple[int, Image, bool], tuple[Gather, MapSize | None]] = {}

    def of(self, obj: LinearMap) -> MapSize:
        """The size of a map."""
        if isinstance(obj, Gather):
            return MapSize(obj.size_in, obj.size_out, obj.size_out, gather=obj)
        if isinstance(obj, StridedMap):
            used = (obj.kernel != 0).any(axis=(-3, -2, -1))[..., None, None, None]
            places = StridedMap(used, obj.axes)
            channels = obj.image_in.channels, obj.image_out.channels
            return _strided(places, *channels, obj.groups, obj.channels_last)
        dense = isinstance(obj, Matrix) and obj.is_dense
        return _matrix(obj.size_in, obj.size_out, obj.n_weights, dense)

    def composed(self, second: MapSize, first: MapSize) -> MapSize:
        """The size of the map that applies ``first``, then ``second``.

        Raises
        ------
        TooManyWeights
            If that map can't be composed.
        """
        if first.gather is not None and second.gather is not None:
            source, through = second.gather.source, first.gather.source
            source = np.where(source < 0, -1, through[source])
            return self.of(Gather(source, 1.0, first.size_in))
        strided = self._strided_pair(second, first)
        if strided is not None and strided[0].image_in == strided[1].image_out:
            two, one = strided
            assert two.places is not None and one.places is not None
            channels, groups = (one.channels_in, two.channels_out), gcd(one.groups, two.groups)
            check_n_weights(kernel_size(two.places.axes, one.places.axes, *channels, groups))
            places = two.places.after(one.places)
            if places is not None:
                return _strided(places, *channels, groups, one.channels_last)
        size_in, size_out = first.size_in, second.size_out
        if first.dense or second.dense:
            check_n_weights(size_in * size_out)
            return _matrix(size_in, size_out, size_in * size_out, True)
        n_joined = min(_n_joined(second, first), size_in * size_out)
        for n_weights in (first.n_pairs, second.n_pairs, n_joined):
            check_n_weights(n_weights)
        return _matrix(size_in, size_out, n_joined, False)

    def summed(self, one: MapSize, two: MapSize) -> MapSize | None:
        """The size of the sum of two maps, or None if they stay two."""
        if one.places is not None or two.places is not None:
            a, b = self._strided_like(one, two), self._strided_like(two, one)
            if a is None or b is None or (a.image_in, a.image_out) != (b.image_in, b.image_out):
                return None
            assert a.places is not None and b.places is not None
            places = a.places.plus(b.places)
            if places is None:
                return None
            groups = gcd(a.groups, b.groups)
            return _strided(places, a.channels_in, a.channels_out, groups, a.channels_last)
        if one.dense or two.dense:
            return _matrix(one.size_in, one.size_out, one.size_in * one.size_out, True)
        return _matrix(one.size_in, one.size_out, one.n_weights + two.n_weights, False)

    def _strided_pair(self, second: MapSize, first: MapSize) -> tuple[MapSize, MapSize] | None:
        """Both as maps of images, one helping to read the other."""
        one: MapSize | None = first
        two: MapSize | None = second
        if first.gather is not None and second.places is not None:
            one = self._as_strided(first.gather, second.image_in, False)
        elif second.gather is not None and first.places is not None:
            two = self._as_strided(second.gather, first.image_out, True)
        elif first.places is None or second.places is None:
            return None
        return None if one is None or two is None else (two, one)

    def _strided_like(self, obj: MapSize, other: MapSize) -> MapSize | None:
        """A map as one of images, those of another map."""
        if obj.places is not None or obj.gather is None or other.places is None:
            return obj if obj.places is not None else None
        strided = as_strided(obj.gather, other.image_in, other.image_out)
        return None if strided is None else self.of(strided)

    def _as_strided(self, gather: Gather, image: Image, is_input: bool) -> MapSize | None:
        key = id(gather), image, is_input
        if key not in self._read:
            images = (image, None) if is_input else (None, image)
            strided = as_strided(gather, *images)
            self._read[key] = gather, None if strided is None else self.of(strided)
        return self._read[key][1]


def _strided(
    places: StridedMap, channels_in: int, channels_out: int, groups: int, channels_last: bool
) -> MapSize:
    # One where anything is: paths through many maps would be counted up to infinity.
    used = StridedMap(places.kernel != 0, places.axes)
    n_places = int(np.prod(used.lengths))
    return MapSize(
        places.image_in.size * channels_in, places.image_out.size * channels_out,
        n_places * channels_in * channels_out // groups, places=used, channels_in=channels_in,
        channels_out=channels_out, groups=groups, channels_last=channels_last,
    )  # fmt: skip


def _matrix(size_in: int, size_out: int, n_weights: int, dense: bool) -> MapSize:
    return MapSize(size_in, size_out, min(n_weights, size_in * size_out), dense=dense)


def _n_joined(second: MapSize, first: MapSize) -> int:
    """About how many pairs two maps join, multiplied out as sparse matrices."""
    if first.gather is not None:
        return second.n_pairs
    if second.gather is not None:
        return first.n_pairs * max(1, second.size_out // max(1, second.size_in))
    return int(second.n_pairs * (first.n_pairs / max(1, first.size_out)))
