"""What could happen in a network: populations, pathways, and exact fan-outs."""

from .chains import chain_fan_out
from .connectivity import (
    AllToAll,
    Connectivity,
    Identity,
    Placement,
    Selection,
    SparsePattern,
)
from .fan_out import connectivity, fan_out_rules
from .kronecker import Kronecker
from .network_graph import NetworkGraph
from .records import PATHWAY_KINDS, Pathway, Population, Sink, Source, Uncounted, Weights

__all__ = [
    "PATHWAY_KINDS",
    "AllToAll",
    "Connectivity",
    "Identity",
    "Kronecker",
    "NetworkGraph",
    "Pathway",
    "Placement",
    "Population",
    "Selection",
    "Sink",
    "Source",
    "SparsePattern",
    "Uncounted",
    "Weights",
    "chain_fan_out",
    "connectivity",
    "fan_out_rules",
]
