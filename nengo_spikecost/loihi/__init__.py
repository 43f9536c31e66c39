"""Loihi: where each part of a network runs, and what NengoLoihi cannot build.

`on_chip` says where each object runs, `mark_off_chip` moves Ensembles to the host, and
`check_support` says before anything is built which layer NengoLoihi would refuse, or
would silently run as something else, and why.
"""

from ..graph.host import mark_off_chip
from .placement import on_chip
from .records import Unsupported
from .support import check_support, raise_unsupported

__all__ = ["Unsupported", "check_support", "mark_off_chip", "on_chip", "raise_unsupported"]
