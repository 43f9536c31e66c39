"""NIR graphs as networks of Nengo, and back.

`from_nir` reads what PyTorch's spiking tools write (https://neuroir.org), `CONVENTIONS` says how
each of them steps its neurons; `to_nir` writes graphs, `READERS` says how each tool reads them.
"""

from __future__ import annotations

from . import foreign_builders as _foreign  # noqa: F401  (for NengoLoihi and NengoDL)
from .conventions import CONVENTIONS, Convention
from .discrete_neurons import DiscreteLI, DiscreteLIF, EventInput
from .graph_network import GraphNetwork
from .graph_options import GraphOptions
from .graph_writing import to_nir
from .network_building import from_nir, read_nir
from .reading_record import GraphReading, NodeReading
from .shown import reading_view as _reading_view  # noqa: F401  (registers its presenter)
from .tool_readers import READERS, Reader

__all__ = [
    "CONVENTIONS", "READERS", "Convention", "DiscreteLI", "DiscreteLIF", "EventInput",
    "GraphNetwork", "GraphOptions", "GraphReading", "NodeReading", "Reader", "from_nir",
    "read_nir", "to_nir",
]  # fmt: skip
