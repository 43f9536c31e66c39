"""What results of a network say of the NIR graph that it was, if it was one."""

from __future__ import annotations

from typing import Any

from ..graph_network import GraphNetwork


def graph_sentences(network: Any) -> tuple[str, ...]:
    """How the graph was understood, in sentences; none of another network."""
    return network.reading.sentences if isinstance(network, GraphNetwork) else ()


def graph_content(network: Any) -> dict[str, Any]:
    """The reading of the graph for JSON, under its key; nothing of another network."""
    return {"nir": network.reading.to_dict()} if isinstance(network, GraphNetwork) else {}
