"""Counting: the work of a network per inference. It knows no Joule.

``exact`` counts a Nengo network with measured spikes; ``average`` counts a Keras model with
mean activations, as KerasSpiking does. Both return a `Workload`.
"""

from __future__ import annotations

from ..layers.layer_info import LayerInfo
from . import shown as _shown  # noqa: F401  (registers presenters)
from .work_entries import PathwayWork, PopulationWork, UncountedWork
from .workload_record import Workload

__all__ = ["LayerInfo", "PathwayWork", "PopulationWork", "UncountedWork", "Workload"]
