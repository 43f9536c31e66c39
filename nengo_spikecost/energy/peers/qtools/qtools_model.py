"""The cost model: from a Keras model to an estimate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ....errors import EnergyError
from ....layers.layer_shape import LayerShape
from ....options import takes_options
from ....workload.workload_record import Workload
from ...cost_models import CostModel, name_with
from ...device import Device
from ...estimate import EnergyEstimate, LayerEnergy
from .counter import ShapeCounter
from .qtools_options import TERMS, QtoolsOptions
from .qtools_pricing import included, layer_terms

MEMORY_PARTS = ("inputs", "outputs", "parameters")
"""Parts of a layer's energy that are spent on moving data."""

COLUMNS = ("name", "output_shape", "params", "macs", "energy digital")

_NEEDED = ("int32_add", "int8_mul", "int32_mul")
_J_PER_PJ = 1e-12


def has_arithmetic(device: Device) -> bool:
    """Whether a device has the energies of arithmetic, and no spikes."""
    return not device.spiking and all(name in device.operations for name in _NEEDED)


@dataclass(frozen=True)
class QtoolsPrice:
    """The pricing of a workload with given options; see `qtools`.

    Attributes
    ----------
    options : QtoolsOptions
    of_device : bool
        Whether polynomials go through the device's own constants.
    name : str
        Name of the cost model.
    """

    options: QtoolsOptions
    of_device: bool
    name: str

    def options_for(self, device: Device) -> QtoolsOptions:
        """The options, with the energies of a device."""
        if not self.of_device:
            return self.options
        process = self.options.process.of_device(device.operations)
        return replace(self.options, process=process)

    def __call__(self, workload: Workload, device: Device) -> EnergyEstimate:
        """Price the layers of a workload on a device.

        Raises
        ------
        EnergyError
            If the device spikes or lacks constants, the workload has no layers, or a layer
            has a quantizer that is not known.
        """
        _check(workload, device)
        options = self.options_for(device)
        parts = {name: dict.fromkeys(TERMS, 0.0) for name in workload.layer_names}
        for terms in layer_terms(workload.shapes, options):
            row = parts.setdefault(terms.layer, dict.fromkeys(TERMS, 0.0))
            for term, energy_pJ in included(terms, options).items():
                row[term] += energy_pJ * _J_PER_PJ
        return EnergyEstimate(
            device=device,
            cost_model=self.name,
            layers=tuple(
                LayerEnergy(name, {term: np.array([energy]) for term, energy in row.items()})
                for name, row in parts.items()
            ),
            uncounted=workload.uncounted,
        )


def _check(workload: Workload, device: Device) -> None:
    if device.spiking:
        raise EnergyError(
            f"cost_model='qtools' prices networks without spikes; {device.name} is a spiking "
            "device. Use cost_model='lemaire' or 'per_operation' there."
        )
    missing = [name for name in _NEEDED if name not in device.operations]
    if missing:
        raise EnergyError(
            f"cost_model='qtools' prices single operations; device {device.name!r} has no "
            f"{', '.join(missing)} among its operations. Use the device 'digital', or add the "
            "operations to yours."
        )
    if not workload.shapes:
        raise EnergyError(
            "cost_model='qtools' prices the layers of a Keras model, and this network was not "
            "made of layers."
        )


@takes_options(QtoolsOptions)
def qtools(*, name: str | None = None, options: QtoolsOptions) -> CostModel:
    """The cost model of QKeras' qtools with options of your own.

    A quantizer is given as text in QKeras' words (``"quantized_bits(4,0,1)"``), as a short name
    (``"int8"``, ``"int16"``, ``"int32"``, ``"fp16"``, ``"fp32"``), as an object of QKeras, or
    made with ``fixed``, ``relu``, ``po2``, ``ternary``, ``binary`` and ``floating`` of
    `nengo_spikecost.energy.peers.qtools`.

    Parameters
    ----------
    {options}
    name : str, optional
        Name of the cost model. Default: ``"qtools"`` and the options that are not the defaults.

    Returns
    -------
    CostModel
        For `NetworkEnergy` with a Keras model, one of QKeras, or a `Conversion`; or to be
        registered. Parts of a layer's energy are ``"inputs"``, ``"outputs"``, ``"parameters"``
        (memory) and ``"op"``.

    Raises
    ------
    EnergyError
        If an option is not what it should be; the message names it.

    Examples
    --------
    >>> from nengo_spikecost.energy.peers.qtools import fixed, qtools, relu
    >>> qtools({"conv": {"weights": fixed(4), "output": relu(6)}}, rd_wr_on_io=True).name
    'qtools(quantizers of 1 layer, rd_wr_on_io=True)'
    """
    price = QtoolsPrice(
        options=options.resolved(),
        of_device=options.process is None and options.compat is None,
        name=name_with("qtools", options.words()) if name is None else name,
    )
    return CostModel(
        name=price.name,
        counter=_counter_of(options.compat),
        price=price,
        columns=COLUMNS,
        measured_columns=COLUMNS,
        can_price=has_arithmetic,
        memory_parts=MEMORY_PARTS,
        widths=f"weights of {price.options.default.bits} bits, sums as wide as they need",
    )


def _counter_of(compat: str | None) -> Any:
    def counter(network: Any, activity: Any, example_data: Any) -> ShapeCounter:
        if example_data is not None:
            raise EnergyError(
                "example_data belongs to cost_model='kerasspiking'; cost_model='qtools' prices "
                "layers whatever the data are."
            )
        # spikes that were measured change nothing here, so they are not looked at
        return ShapeCounter(network, compat)

    return counter


def energy_profile(shapes: tuple[LayerShape, ...], model: CostModel) -> dict[str, dict[str, Any]]:
    """Energies of all applications in picojoules, as QKeras' ``pe`` gives them.

    Parameters
    ----------
    shapes : tuple of LayerShape
        For instance ``keras_shapes(model)``.
    model : CostModel
        Made by `qtools`.

    Returns
    -------
    dict
        From names to ``{"class_name": ..., "energy": {"inputs": ..., "outputs": ...,
        "parameters": ..., "op_cost": ...}}``, rounded to 0.01 pJ as QKeras rounds them;
        ``"total"`` is the sum of those that ``include`` has. Of all layers, ``"total_cost"`` has
        whole picojoules, of energies not rounded.
    """
    price = model.price
    if not isinstance(price, QtoolsPrice):
        raise EnergyError(f"energy_profile needs a cost model made by qtools, not {model.name!r}.")
    result: dict[str, Any] = {}
    total = 0.0
    for terms in layer_terms(shapes, price.options):
        total += _sum(terms.terms_pJ.values())
        rounded = {term: float(f"{terms.terms_pJ[term]:.2f}") for term in TERMS}
        wanted = included(replace(terms, terms_pJ=rounded), price.options)
        result[terms.name] = {
            "class_name": terms.type,
            "energy": {"op_cost" if t == "op" else t: e for t, e in rounded.items()},
            "total": _sum(wanted.values()),
        }
    result["total_cost"] = int(total)
    return result


def extract_energy_sum(profile: Mapping[str, Any]) -> int:
    """Whole picojoules of what ``include`` has, of all layers of an `energy_profile`."""
    return int(_sum(entry["total"] for name, entry in profile.items() if name != "total_cost"))


def _sum(values: Iterable[float]) -> float:
    """One after the other: ``sum`` rounds otherwise since Python 3.12, and whole pJ tell."""
    total = 0.0
    for value in values:
        total += value
    return total
