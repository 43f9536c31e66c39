"""Which places are images in NIR, and which are flat.

NIR's convolutions take and give images, its matrices flat values, and there is no node that makes
an image of flat values. So a place is an image if all that leads to it are convolutions between
images (or values one by one from another image); all else is flat, and what leads to it a matrix.
Places between which values go one by one share their layout. Steps:

1. Places are put into groups by the links that go value by value.
2. Each group takes the image of the first convolution that ends or starts there.
3. Groups that some link can't reach as an image become flat; which may keep others from being
   images; until nothing changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..lowering.geometry import Image
from ..lowering.linear_map import Gather
from ..lowering.strided_map import StridedMap
from .network_links import Link, Place
from .tool_readers import Reader
from .written_maps import Layout, flat_layout, image_layout, image_node


def find_layouts(
    places: Mapping[Any, Place], links: list[Link], biases: Mapping[Any, np.ndarray],
    reader: Reader,
) -> dict[Any, Layout]:  # fmt: skip
    """The layout of every place.

    Parameters
    ----------
    places, links
        Of the network, with all factors in the maps.
    biases : mapping from place to ndarray of shape (n,)
    reader : Reader
    """
    return _Layouts(places, links, biases, reader).find()


class _Layouts:
    def __init__(
        self, places: Mapping[Any, Place], links: list[Link], biases: Mapping[Any, np.ndarray],
        reader: Reader,
    ):  # fmt: skip
        self.places, self.links, self.biases, self.reader = places, links, biases, reader
        self.convolutions = [link for link in links if self._is_convolution(link.map)]
        self.group_of = self._groups()
        self.images = self._images()
        self.flat = {group for group in self.group_of.values() if group not in self.images}

    def _groups(self) -> dict[Any, Any]:
        """A representative of the group of every place."""
        group = {key: key for key in self.places}

        def root(key: Any) -> Any:
            while group[key] != key:
                key = group[key]
            return key

        for link in self.links:
            if isinstance(link.map, Gather) and link.map.is_diagonal:
                group[root(link.pre)] = root(link.post)
        return {key: root(key) for key in self.places}

    def _is_convolution(self, obj: Any) -> bool:
        """Whether NIR has a map as a convolution or pooling: none that upsamples, say."""
        if not isinstance(obj, StridedMap):
            return False
        ends = image_layout(obj.image_in), image_layout(obj.image_out)
        return image_node(obj, *ends, None, self.reader) is not None

    def _images(self) -> dict[Any, Image]:
        images: dict[Any, Image] = {}
        for end in ("post", "pre"):
            for link in self.convolutions:
                image = link.map.image_out if end == "post" else link.map.image_in  # type: ignore[attr-defined]
                images.setdefault(self.group_of[getattr(link, end)], image)
        return images

    def find(self) -> dict[Any, Layout]:
        """The layouts, when nothing changes any more."""
        while True:
            layouts = {key: self._layout(key) for key in self.places}
            flat = {
                self.group_of[link.post] for link in self.links if not self._fits(link, layouts)
            }
            flat |= {
                self.group_of[key] for key in self.places if self._bias_is_uneven(key, layouts)
            }
            if flat <= self.flat:
                return layouts
            self.flat |= flat

    def _layout(self, key: Any) -> Layout:
        group = self.group_of[key]
        if group not in self.flat:
            return image_layout(self.images[group])
        if group in self.images and any(self._reached(link, group) for link in self.convolutions):
            return image_layout(self.images[group]).flat
        return flat_layout(self.places[key].size)

    def _reached(self, link: Link, group: Any) -> bool:
        """Whether a convolution between images gives the values of a flat group."""
        return (
            self.group_of[link.post] == group
            and self.group_of[link.pre] not in self.flat
            and link.map.image_out == self.images[group]  # type: ignore[attr-defined]
        )

    def _fits(self, link: Link, layouts: Mapping[Any, Layout]) -> bool:
        source, target = layouts[link.pre], layouts[link.post]
        if not target.is_image:
            return True
        if not source.is_image:
            return False
        return image_node(link.map, source, target, None, self.reader) is not None

    def _bias_is_uneven(self, key: Any, layouts: Mapping[Any, Layout]) -> bool:
        """Whether a bias keeps a place from being an image."""
        layout, bias = layouts[key], self.biases.get(key)
        return bias is not None and layout.is_image and layout.by_channel(bias) is None
