"""What can be chosen about ``cost_model="qtools"``, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ....errors import EnergyError
from .model_reading import quantizer
from .process import Process, get_process
from .quantizers import Quantizer, fixed

MEMORIES = ("sram", "dram", "fixed")
"""Where weights or activations are; ``"fixed"`` is wired and read for nothing."""

TERMS = ("inputs", "outputs", "parameters", "op")
"""What energy is spent on."""

TENSORS = ("weights", "bias", "output", "gamma", "beta", "mean", "variance", "pointwise")
"""Tensors of a layer that have a format of their own."""

INCLUDED: Mapping[str, tuple[str, ...]] = {
    "default": ("inputs", "parameters", "op"),
    "QActivation": ("outputs",),
    "QAdaptiveActivation": ("outputs",),
    "Activation": ("outputs",),
    "AdaptiveActivation": ("outputs",),
    "QBatchNormalization": ("parameters",),
    "BatchNormalization": ("parameters",),
    "Add": ("op",),
    "Subtract": ("op",),
    "MaxPooling2D": ("op",),
}
"""What QKeras adds up, by the class of the layer."""


@dataclass(frozen=True)
class Options:
    """Options of `qtools`, which explains them."""

    quantizers: Mapping[str, Mapping[str, Quantizer | None]] = field(default_factory=dict)
    source: Quantizer = field(default_factory=lambda: fixed(8))
    keras_quantizer: Quantizer | None = None
    keras_accumulator: Quantizer | None = None
    for_reference: bool = False
    inference: bool = False
    weights_on_memory: str = "sram"
    activations_on_memory: str = "sram"
    min_sram_size: int = 0
    rd_wr_on_io: bool = False
    process: Process = field(default_factory=lambda: get_process("horowitz"))
    include: Mapping[str, tuple[str, ...]] | None = None
    compat: str | None = None

    @property
    def default(self) -> Quantizer:
        """Format of the weights of layers without quantizers."""
        return self.keras_quantizer or self.process.default


def checked_options(
    *,
    quantizers: Any,
    source: Any,
    keras_quantizer: Any,
    keras_accumulator: Any,
    for_reference: Any,
    inference: Any,
    weights_on_memory: Any,
    activations_on_memory: Any,
    min_sram_size: Any,
    rd_wr_on_io: Any,
    process: Any,
    include: Any,
    compat: Any,
) -> Options:
    """Options as the user gave them, checked.

    Raises
    ------
    EnergyError
        Naming the argument that is not what it should be.
    """
    for name, flag in (
        ("for_reference", for_reference),
        ("inference", inference),
        ("rd_wr_on_io", rd_wr_on_io),
    ):
        if not isinstance(flag, bool):
            raise EnergyError(f"{name} must be True or False, not {flag!r}.")
    for name, memory in (
        ("weights_on_memory", weights_on_memory),
        ("activations_on_memory", activations_on_memory),
    ):
        if memory not in MEMORIES:
            raise EnergyError(f"{name} must be one of {', '.join(MEMORIES)}, not {memory!r}.")
    if compat not in (None, "qkeras"):
        raise EnergyError(f"compat must be 'qkeras' or None, not {compat!r}.")
    if isinstance(min_sram_size, bool) or not isinstance(min_sram_size, int) or min_sram_size < 0:
        raise EnergyError(
            f"min_sram_size must be a whole number of bits of at least 0, not {min_sram_size!r}."
        )

    energies = get_process(process)
    if compat is not None:
        # QKeras takes the energy of a bit for that of a word
        energies = replace(energies, sram_scale=1.0)

    def optional(value: Any, what: str) -> Quantizer | None:
        return None if value is None else quantizer(value, what)

    return Options(
        quantizers=_checked_quantizers(quantizers),
        source=quantizer(source, "source"),
        keras_quantizer=optional(keras_quantizer, "keras_quantizer"),
        keras_accumulator=optional(keras_accumulator, "keras_accumulator"),
        for_reference=for_reference,
        inference=inference,
        weights_on_memory=weights_on_memory,
        activations_on_memory=activations_on_memory,
        min_sram_size=min_sram_size,
        rd_wr_on_io=rd_wr_on_io,
        process=energies,
        include=_checked_include(include),
        compat=compat,
    )


def _checked_quantizers(given: Any) -> dict[str, dict[str, Quantizer | None]]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise EnergyError(
            "quantizers must be a dict such as {'conv': {'weights': 'quantized_bits(4,0,1)'}}, "
            f"not {given!r}."
        )
    result: dict[str, dict[str, Quantizer | None]] = {}
    for layer, tensors in given.items():
        if not isinstance(tensors, Mapping):
            raise EnergyError(
                f"quantizers[{layer!r}] must be a dict from {', '.join(TENSORS[:3])} to "
                f"quantizers, not {tensors!r}."
            )
        result[layer] = {}
        for tensor, value in tensors.items():
            if tensor not in TENSORS:
                raise EnergyError(
                    f"quantizers[{layer!r}] has no tensor {tensor!r}; a layer may have "
                    f"{', '.join(TENSORS)}."
                )
            what = f"quantizers[{layer!r}][{tensor!r}]"
            result[layer][tensor] = None if value is None else quantizer(value, what)
    return result


def _checked_include(include: Any) -> Mapping[str, tuple[str, ...]] | None:
    if include is None:
        return None
    if include == "qkeras":
        return INCLUDED
    if not isinstance(include, Mapping):
        raise EnergyError(
            "include must be None (all terms), 'qkeras', or a dict from layer classes to terms, "
            f"not {include!r}."
        )
    result = {}
    for kind, terms in include.items():
        unknown = [term for term in terms if term not in TERMS]
        if isinstance(terms, str) or unknown:
            raise EnergyError(
                f"include[{kind!r}] must be a tuple of {', '.join(TERMS)}, not {terms!r}."
            )
        result[kind] = tuple(terms)
    return result
