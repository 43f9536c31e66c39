"""What conversion and lowering make of a Keras model, against Keras and multiplied-out matrices."""

from __future__ import annotations

from typing import Any

import nengo_dl
import numpy as np

from tests.conversion.agreement import with_nengo, with_nengo_dl
from tests.lowering.comparison import assert_same_rates
from tests.properties.keras_checks import assert_close, check_counts
from tests.soak.registry import check
from tests.tools import tool

IN_NENGO = ("Keras 2", "Keras 3", "Keras, dicts", "Keras, in time")
VOLUMES = ("Keras, volumes",)


@check("outputs are the model's", "Keras' own predictions", IN_NENGO)
def outputs(network: Any) -> None:
    """In Nengo's own simulator, in float64; samples and steps one after the other."""
    conversion = network.rates.unlowered
    inputs = network.inputs
    if network.temporal:
        inputs = [x.reshape(-1, *x.shape[2:]) for x in inputs]
    assert_close(
        with_nengo(conversion, inputs), [_rows(x, len(inputs[0])) for x in network.expected]
    )


@check("outputs are the model's", "Keras' own predictions", VOLUMES)
def outputs_of_volumes(network: Any) -> None:
    """In NengoDL, which alone has convolutions of three axes, in float64; lowered or not."""
    for conversion in (network.rates.unlowered, network.rates):
        with conversion.net:
            nengo_dl.configure_settings(dtype="float64")
        found = with_nengo_dl(conversion, network.inputs)
        assert_close(found, [_rows(x, len(x)) for x in network.expected])


def _rows(values: np.ndarray, n: int) -> np.ndarray:
    return np.reshape(values, (n, -1))


@check("lowered, all rates stay", "the network before it was lowered", IN_NENGO)
def lowered(network: Any) -> None:
    """Every neuron and every output, in Nengo's own simulator."""
    before = network.rates.unlowered
    assert_same_rates(
        before.net, network.rates.lowering, before.input_nodes, 1, ["nengo"], may_be_silent=True
    )


@check("synapses, before and after lowering", "dense matrices by brute force", IN_NENGO)
def synapses(network: Any) -> None:
    """Every neuron's fan-out of every pathway; what is on the host has its operations."""
    check_counts(network.rates)


@check("synapses, before and after lowering", "dense matrices by brute force", VOLUMES)
def synapses_of_volumes(network: Any) -> None:
    """The same, of matrices that NengoDL makes."""
    miscounted = tool("layer_checks").miscounted
    for conversion in filter(None, (network.spiking.unlowered, network.spiking)):
        said = miscounted(conversion)
        assert said in ("", "rates on the chip are `uncounted`"), said
