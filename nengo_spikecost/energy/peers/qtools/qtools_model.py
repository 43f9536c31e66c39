"""The cost model: from a Keras model to an estimate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ....errors import EnergyError
from ....layers.layer_shape import LayerShape
from ....workload.workload_record import Workload
from ...cost_models import CostModel
from ...device import Device
from ...estimate import EnergyEstimate, LayerEnergy
from .counter import ShapeCounter
from .process import Process
from .qtools_options import TERMS, Options, checked_options
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
    options : Options
    of_device : bool
        Whether polynomials go through the device's own constants.
    name : str
        Name of the cost model.
    """

    options: Options
    of_device: bool
    name: str

    def options_for(self, device: Device) -> Options:
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


def qtools(
    quantizers: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    source: Any = "quantized_bits(8,0,1)",
    keras_quantizer: Any = None,
    keras_accumulator: Any = None,
    for_reference: bool = False,
    inference: bool = False,
    weights_on_memory: str = "sram",
    activations_on_memory: str = "sram",
    min_sram_size: int = 0,
    rd_wr_on_io: bool = False,
    process: str | Process | None = None,
    include: Any = None,
    compat: str | None = None,
    name: str | None = None,
) -> CostModel:
    """The cost model of QKeras' qtools with options of your own.

    A quantizer is given as text in QKeras' words (``"quantized_bits(4,0,1)"``), as a short name
    (``"int8"``, ``"int16"``, ``"int32"``, ``"fp16"``, ``"fp32"``), as an object of QKeras, or
    made with ``fixed``, ``relu``, ``po2``, ``ternary``, ``binary`` and ``floating`` of
    `nengo_spikecost.energy.peers.qtools`.

    Parameters
    ----------
    quantizers : dict, optional
        From names of layers to dicts from tensors (``"weights"``, ``"bias"``, ``"output"``; of a
        batch normalization ``"gamma"``, ``"beta"``, ``"mean"``, ``"variance"``; of a separable
        convolution ``"pointwise"`` besides) to quantizers.
        They come before those that layers of QKeras have.
    source : quantizer
        Format of what is fed to the network.
    keras_quantizer : quantizer, optional
        Weights, biases and activations of layers that have no quantizers. Default: 8 bits.
    keras_accumulator : quantizer, optional
        Their sums. Default: as wide as the sums can be; with ``compat`` 8 bits.
    for_reference : bool
        Whether these two replace the quantizers of all layers.
    inference : bool
        Whether shifters have as many positions as the weights have different values.
    weights_on_memory, activations_on_memory : {"sram", "dram", "fixed"}
        Where they are; ``"fixed"`` costs nothing.
    min_sram_size : int
        No SRAM is smaller; in bits.
    rd_wr_on_io : bool
        Whether the network's inputs and outputs go through DRAM, and everything that is in DRAM
        through an SRAM.
    process : {"horowitz", "initial"} or Process, optional
        Energies of operations. Default: those of the device. ``"horowitz"`` are QKeras' own fits,
        ``"initial"`` what QKeras has before it reads its configuration.
    include : dict or "qkeras", optional
        From classes of layers (or ``"default"``) to those of ``"inputs"``, ``"outputs"``,
        ``"parameters"`` and ``"op"`` that are in the energy; ``"qkeras"`` is what
        ``extract_energy_sum`` adds up. Default: all.
    compat : {None, "qkeras"}
        ``"qkeras"`` makes the estimate of QKeras 0.9.0, known faults included.
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
    options = checked_options(
        quantizers=quantizers,
        source=source,
        keras_quantizer=keras_quantizer,
        keras_accumulator=keras_accumulator,
        for_reference=for_reference,
        inference=inference,
        weights_on_memory=weights_on_memory,
        activations_on_memory=activations_on_memory,
        min_sram_size=min_sram_size,
        rd_wr_on_io=rd_wr_on_io,
        process="horowitz" if process is None else process,
        include=include,
        compat=compat,
    )
    changed = [
        f"{key}={value!r}"
        for key, value, usual in (
            ("source", source, "quantized_bits(8,0,1)"),
            ("keras_quantizer", keras_quantizer, None),
            ("keras_accumulator", keras_accumulator, None),
            ("for_reference", for_reference, False),
            ("inference", inference, False),
            ("weights_on_memory", weights_on_memory, "sram"),
            ("activations_on_memory", activations_on_memory, "sram"),
            ("min_sram_size", min_sram_size, 0),
            ("rd_wr_on_io", rd_wr_on_io, False),
            ("include", include, None),
            ("compat", compat, None),
        )
        if value != usual
    ]
    if process is not None:
        changed.append(f"process={options.process.name!r}")
    if quantizers:
        plural = "s" * (len(quantizers) > 1)
        changed.insert(0, f"quantizers of {len(quantizers)} layer{plural}")
    price = QtoolsPrice(
        options=options,
        of_device=process is None and compat is None,
        name=name or "qtools" + (f"({', '.join(changed)})" if changed else ""),
    )
    return CostModel(
        name=price.name,
        counter=_counter_of(compat),
        price=price,
        columns=COLUMNS,
        measured_columns=COLUMNS,
        can_price=has_arithmetic,
        memory_parts=MEMORY_PARTS,
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
