"""Options of `lemaire`: names, and what is refused."""

from __future__ import annotations

import pytest

from nengo_spikecost.energy.cost_models import CostModel
from nengo_spikecost.energy.device import Constant, Device
from nengo_spikecost.energy.peers.lemaire import MEMORY_PARTS, PARTS, Widths, lemaire
from nengo_spikecost.errors import EnergyError

from .workloads import digital


def test_a_cost_model():
    model = lemaire()
    assert isinstance(model, CostModel)
    assert model.name == "lemaire"
    assert model.memory_parts == MEMORY_PARTS == PARTS[:4]
    assert model.can_price(digital(True)) and model.can_price(digital(False))
    assert not model.can_price(Device("bare", True, Constant(1), Constant(1)))


def test_names_say_the_options():
    assert lemaire(8).name == "lemaire(bits=8)"
    assert lemaire(32, ram="new", fifo_size=64).name == "lemaire(ram='new', fifo_size=64)"
    assert lemaire(compat="qualia").name == "lemaire(compat='qualia')"
    assert lemaire(8, name="mine").name == "mine"


def test_defaults():
    assert lemaire().price.ram == "interpolated"
    assert lemaire(compat="qualia").price.ram == "old"
    assert lemaire(compat="qualia", ram="new").price.ram == "new"
    assert lemaire(16).price.widths == Widths(16, 16, 16, 16, 16)
    widths = lemaire({"weights": 8, "potentials": 24}).price.widths
    assert widths == Widths(weights=8, potentials=24, biases=8, activations=8, addresses=8)
    assert lemaire(widths).price.widths == widths


@pytest.mark.parametrize(
    "options, words",
    [
        ({"bits": 0}, "bits must be a whole number from 1"),
        ({"bits": 8.0}, "bits must be"),
        ({"bits": True}, "bits must be"),
        ({"bits": "8"}, "bits must be"),
        ({"bits": {"weight": 8}}, "bits has unknown 'weight'"),
        ({"bits": {"potentials": 8}}, "bits lacks 'weights'"),
        ({"bits": {"weights": 8, "biases": -1}}, r"bits\['biases'\]"),
        ({"bits": 64}, "operation_type='saturation'"),
        ({"bits": 4, "operation_type": "linear"}, "operation_type='linear'"),
        ({"bits": {"weights": 8, "biases": 4}, "compat": "qualia"}, "bits must be a number"),
        ({"operation_type": "cubic"}, "operation_type must be one of"),
        ({"operation_type": {"add": "linear", "div": "linear"}}, "operation_type.*'div'"),
        ({"operation_type": {"mul": 3}}, "operation_type must be one of"),
        ({"operation_type": 8}, "operation_type must be one of"),
        ({"ram": "dram"}, "ram must be one of"),
        ({"ram": 3}, "ram must be one of"),
        ({"fifo_size": 0}, "fifo_size"),
        ({"fifo_size": 1.5}, "fifo_size"),
        ({"fifo_size": None}, "fifo_size"),
        ({"compat": "keras"}, "compat must be None or 'qualia'"),
        ({"input_density": 2}, "input_density"),
        ({"input_density": "all"}, "input_density"),
    ],
)
def test_faulty_options_are_named(options, words):
    with pytest.raises(EnergyError, match=words):
        lemaire(**options)
