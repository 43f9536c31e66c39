"""How the values of each object of a network are read as images.

Convolutions say it for both of their ends; from there it spreads along Connections that
copy, scale, pad, crop or upsample.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import nengo
from nengo.ensemble import Neurons

from .composition import TooManyWeights
from .geometry import Image
from .linear_map import Gather, LinearMap
from .map_reading import connection_map
from .recognition import as_strided
from .strided_map import StridedMap


def read_maps(
    network: nengo.Network, fixed: dict[nengo.Connection, str], shapes: Mapping[Any, Any] | None
) -> dict[nengo.Connection, LinearMap]:
    """The maps of all Connections that are not fixed; those too large are fixed now.

    Parameters
    ----------
    network : nengo.Network
    fixed : dict from nengo.Connection to str
        Connections that stay, and why.
    shapes : mapping from object to tuple of int, optional
        Shapes of Nodes, Ensembles and Neurons known from elsewhere, channels last.
    """
    maps = {}
    for conn in network.all_connections:
        if conn in fixed:
            continue
        try:
            maps[conn] = connection_map(conn)
        except TooManyWeights as error:
            fixed[conn] = f"as a matrix it would have {error}"
    # An index list alone does not say that it pads an image. The convolutions beside it do.
    images = find_images(maps, shapes)
    return {conn: as_images(conn, obj, images) for conn, obj in maps.items()}


def find_images(
    maps: Mapping[nengo.Connection, LinearMap], shapes: Mapping[Any, Any] | None = None
) -> dict[Any, Image]:
    """The image of every object for which it can be told.

    Parameters
    ----------
    maps : mapping from nengo.Connection to LinearMap
    shapes : mapping from object to tuple of int, optional
        Shapes known from elsewhere, channels last: used where no convolution tells.

    Returns
    -------
    dict from Node, Ensemble or Neurons to Image
    """
    images: dict[Any, Image] = {}
    for conn, obj in maps.items():
        if isinstance(obj, StridedMap):
            images.setdefault(conn.pre_obj, obj.image_in)
            images.setdefault(conn.post_obj, obj.image_out)
    for key, shape in (shapes or {}).items():
        if len(shape) > 1:
            image = Image(tuple(int(n) for n in shape[:-1]), int(shape[-1]))
            for same in _same_values(key):
                images.setdefault(same, image)
    gathers = [(conn, obj) for conn, obj in maps.items() if isinstance(obj, Gather)]
    _spread(images, gathers)
    return images


def _same_values(obj: Any) -> tuple[Any, ...]:
    if isinstance(obj, Neurons):
        return obj, obj.ensemble
    return (obj, obj.neurons) if isinstance(obj, nengo.Ensemble) else (obj,)


def _spread(images: dict[Any, Image], gathers: list[tuple[nengo.Connection, Gather]]) -> None:
    """Add the images of objects that are joined to known ones, until nothing changes."""
    waiting = gathers
    while True:
        left = []
        for conn, gather in waiting:
            before, after = images.get(conn.pre_obj), images.get(conn.post_obj)
            if before is None and after is None:
                left.append((conn, gather))
            elif before is None or after is None:
                _learn(images, conn, gather, before, after)
        if len(left) == len(waiting):
            return
        waiting = left


def _learn(
    images: dict[Any, Image], conn: nengo.Connection, gather: Gather, before: Image | None,
    after: Image | None,
) -> None:  # fmt: skip
    if gather.is_diagonal:
        known = before or after
        if known is not None and known.size == gather.size_in:
            images.setdefault(conn.pre_obj, known)
            images.setdefault(conn.post_obj, known)
        return
    strided = as_strided(gather, before, after)
    if strided is not None:
        images.setdefault(conn.pre_obj, strided.image_in)
        images.setdefault(conn.post_obj, strided.image_out)


def as_images(conn: nengo.Connection, obj: LinearMap, images: Mapping[Any, Image]) -> LinearMap:
    """A Connection's map, read as one of images where both ends are known to be images."""
    if not isinstance(obj, Gather) or obj.is_diagonal:
        return obj
    before, after = images.get(conn.pre_obj), images.get(conn.post_obj)
    if before is None or after is None:
        return obj
    return as_strided(obj, before, after) or obj
