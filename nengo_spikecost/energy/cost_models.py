"""`CostModel`: how a network is counted and its work priced; and the cost models by name.

A new one is one file: a function that prices, a `CostModel`, and `register_cost_model`. The
package's own are each in a file of its own, and registered in ``energy/__init__``.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Callable, Protocol

from .. import check
from ..errors import EnergyError, OverwriteWarning
from ..workload.workload_record import Workload
from .device import Device
from .estimate import EnergyEstimate

STATIC_COLUMNS = ("name", "output_shape", "params", "connections", "neurons", "energy cpu")
SPIKE_COLUMNS = (
    "name", "output_shape", "neurons", "rate", "spikes", "synops", "energy cpu", "energy loihi",
)  # fmt: skip


COUNTED_FROM = ("spikes", "mean rates", "example data")
"""See `CostModel.counts_from`."""


def any_device(device: Device) -> bool:
    """Every device has an energy per synop and per neuron."""
    return True


class Counter(Protocol):
    """One network, ready to be counted for any presentation."""

    def workload(self, n_steps: int | None = None, dt: float | None = None) -> Workload:
        """The work per inference of ``n_steps`` steps of ``dt`` seconds."""

    def layer_name(self, layer: Any) -> str:
        """The row of a layer, given by name or as an object."""


@dataclass(frozen=True)
class CostModel:
    """A way to count a network and to price the count.

    Attributes
    ----------
    name : str
        What the user calls it.
    counter : callable
        ``counter(network, activity, example_data) -> Counter``.
    price : callable
        ``price(workload, device) -> EnergyEstimate``.
    si_units : bool
        Whether tables show SI prefixes (1.25 uJ) or, as KerasSpiking's, plain numbers
        (1.3e-06).
    columns, measured_columns : tuple of str
        The columns a table has when none are asked for: without and with spikes.
    can_price : callable
        ``can_price(device) -> bool``: whether a device has the constants it takes.
    memory_parts : tuple of str
        Those of the parts of a layer's energy that are spent on moving data: what a comparison
        of arithmetic alone leaves out.
    whole_network : bool
        Whether it prices all of the network as being on a spiking device, so that nothing is
        left to a host.
    has_ranges : bool
        Whether ``price`` returns the low and the high end and what is drawn all the time, too;
        else these are made from the device's constants.
    needs_chip : bool
        Whether ``counter`` takes only activities that say what each core of a chip did, as
        ``measure(..., simulator="loihi")`` gives them.
    counts_from : {"spikes", "mean rates", "example data"}
        What ``counter`` counts from. ``"spikes"``: a network and its activity, if any, exactly.
        ``"mean rates"``: the same, as mean rates times synapses. ``"example data"``: a Keras
        model and the data that it is run on, for any number of steps.
    widths : str
        Bits that it computes with, in words; empty if it knows no widths.
    synop_J : callable, optional
        ``synop_J(device) -> float``: energy of an addition on a spiking device, and of a
        multiply-accumulate on another, in Joules. None: that of ``price``, if it is one of the
        package's own; else not known.
    with_activations : callable, optional
        ``with_activations(bits) -> CostModel``: the same with activations of so many bits.
        None: the device says what widths cost.
    """

    name: str
    counter: Callable[[Any, Any, Any], Counter]
    price: Callable[[Workload, Device], EnergyEstimate]
    si_units: bool = True
    columns: tuple[str, ...] = STATIC_COLUMNS
    measured_columns: tuple[str, ...] = SPIKE_COLUMNS
    can_price: Callable[[Device], bool] = any_device
    memory_parts: tuple[str, ...] = ()
    whole_network: bool = False
    has_ranges: bool = False
    needs_chip: bool = False
    counts_from: str = "spikes"
    widths: str = ""
    synop_J: Callable[[Device], float] | None = None
    with_activations: Callable[[int], CostModel] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise EnergyError(
                f"name must be the name of a cost model, not {check.shown(self.name)}."
            )
        check.choice("counts_from", self.counts_from, COUNTED_FROM, EnergyError)


def name_with(base: str, options: Iterable[str]) -> str:
    """The name of a cost model with options: ``"lemaire(bits=8)"``."""
    words = ", ".join(options)
    return f"{base}({words})" if words else base


_cost_models: dict[str, CostModel] = {}


def register_cost_model(model: CostModel) -> None:
    """Make a cost model known by its name."""
    check.kind("model", model, CostModel, EnergyError, "a CostModel")
    if model.name in _cost_models:
        words = f"Cost model {model.name!r} is already registered. Overwriting."
        warnings.warn(words, OverwriteWarning, stacklevel=2)
    _cost_models[model.name] = model


def get_cost_model(name: str | CostModel) -> CostModel:
    """The cost model of that name; an object that is a cost model is returned as it is.

    Raises
    ------
    EnergyError
        If there is none of that name.
    """
    if isinstance(name, CostModel):
        return name
    if not isinstance(name, str) or name not in _cost_models:
        known = ", ".join(cost_model_names())
        raise EnergyError(f"There is no cost model {check.shown(name)}; there are {known}.")
    return _cost_models[name]


def cost_model_names() -> list[str]:
    """Names of all cost models."""
    return list(_cost_models)
