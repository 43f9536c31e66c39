"""Networks as populations and pathways, with exact fan-outs."""

from . import shown as _shown  # noqa: F401  (registers presenters)
from .chains import chain_fan_out
from .chip_split import ChipSplit
from .connection_chain import built_macs
from .connectivity import AllToAll, Connectivity, Identity, Placement, Selection, SparsePattern
from .factored import FactoredForm, factored_forms
from .fan_out import connectivity, fan_out_rules
from .kronecker import Kronecker
from .learning import Learning, Updates, learned_shape, learning_rules, rules_of
from .network_graph import NetworkGraph
from .pathways import (
    HOST_ROLES,
    PATHWAY_KINDS,
    PLACES,
    EventSource,
    HostPart,
    Pathway,
    Population,
    Sink,
    Source,
    SpikeSource,
    Uncounted,
    Weights,
)

__all__ = [
    "HOST_ROLES", "PATHWAY_KINDS", "PLACES", "AllToAll", "ChipSplit", "Connectivity",
    "EventSource", "FactoredForm", "HostPart", "Identity", "Kronecker", "Learning",
    "NetworkGraph", "Pathway", "Placement", "Population", "Selection", "Sink", "Source",
    "SparsePattern", "SpikeSource", "Uncounted", "Updates", "Weights", "built_macs",
    "chain_fan_out", "connectivity", "factored_forms", "fan_out_rules", "learned_shape",
    "learning_rules", "rules_of",
]  # fmt: skip
