"""``cost_model="kerasspiking"``: what KerasSpiking's ``ModelEnergy`` says of a Keras model."""

from __future__ import annotations

from typing import Any

from ....errors import EnergyError
from ...cost_models import STATIC_COLUMNS, CostModel
from ...per_operation import price
from .average import AverageCounter


def activation_counter(network: Any, activity: Any, example_data: Any) -> AverageCounter:
    """Count a Keras model with its activations for some data.

    Raises
    ------
    EnergyError
        If measured spikes are given, which belong to another cost model.
    """
    if activity is not None:
        raise EnergyError(
            "cost_model='kerasspiking' estimates spikes from the Keras model's activations and "
            "takes example_data; measured activity belongs to cost_model='per_operation'."
        )
    return AverageCounter(network, example_data)


KERASSPIKING = CostModel(
    "kerasspiking",
    activation_counter,
    price,
    si_units=False,
    counts_from="example data",
    measured_columns=STATIC_COLUMNS,
)
