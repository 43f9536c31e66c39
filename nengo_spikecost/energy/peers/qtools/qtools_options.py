"""`QtoolsOptions`: formats, memories and energies of ``cost_model="qtools"``, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from .... import check
from ....errors import EnergyError
from ....options import Options, option
from ....words import counted
from .model_reading import quantizer
from .process import Process, get_process
from .quantizers import Quantizer

MEMORIES = ("sram", "dram", "fixed")
"""Where weights or activations are; ``"fixed"`` is wired and read for nothing."""

TERMS = ("inputs", "outputs", "parameters", "op")
"""Parts of a layer's energy."""

TENSORS = ("weights", "bias", "output", "gamma", "beta", "mean", "variance", "pointwise")
"""Tensors of a layer that have a format of their own."""

INCLUDED: Mapping[str, tuple[str, ...]] = {
    "default": ("inputs", "parameters", "op"),
    "QActivation": ("outputs",), "QAdaptiveActivation": ("outputs",),
    "Activation": ("outputs",), "AdaptiveActivation": ("outputs",),
    "QBatchNormalization": ("parameters",), "BatchNormalization": ("parameters",),
    "Add": ("op",), "Subtract": ("op",), "MaxPooling2D": ("op",),
}  # fmt: skip
"""Terms that QKeras adds up, by the class of the layer."""


@dataclass(frozen=True)
class QtoolsOptions(Options):
    """Options of `qtools`; `resolved` has formats and energies in place of texts.

    Attributes
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
    include : dict or "qkeras", optional
        From classes of layers (or ``"default"``) to those of ``"inputs"``, ``"outputs"``,
        ``"parameters"`` and ``"op"`` that are in the energy; ``"qkeras"`` is what
        ``extract_energy_sum`` adds up. Default: all.
    compat : {None, "qkeras"}
        ``"qkeras"`` makes the estimate of QKeras 0.9.0, known faults included.
    process : {"horowitz", "initial"} or Process, optional
        Energies of operations. Default: those of the device. ``"horowitz"`` are QKeras' own fits,
        ``"initial"`` what QKeras has before it reads its configuration.
    """

    quantizers: Any = option(None, positional=True)
    source: Any = "quantized_bits(8,0,1)"
    keras_quantizer: Any = None
    keras_accumulator: Any = None
    for_reference: bool = False
    inference: bool = False
    weights_on_memory: str = "sram"
    activations_on_memory: str = "sram"
    min_sram_size: int = 0
    rd_wr_on_io: bool = False
    include: Any = None
    compat: str | None = None
    process: Any = None

    def __post_init__(self) -> None:
        for name in ("for_reference", "inference", "rd_wr_on_io"):
            if not isinstance(self.values()[name], bool):
                raise EnergyError(f"{name} must be True or False, not {self.values()[name]!r}.")
        check.choice("weights_on_memory", self.weights_on_memory, MEMORIES, EnergyError)
        check.choice("activations_on_memory", self.activations_on_memory, MEMORIES, EnergyError)
        check.whole("min_sram_size", self.min_sram_size, EnergyError, 0)
        if self.compat is not None and not (
            isinstance(self.compat, str) and self.compat == "qkeras"
        ):
            raise EnergyError(f"compat must be 'qkeras' or None, not {self.compat!r}.")
        self._formats()
        self._energies()

    @property
    def default(self) -> Quantizer:
        """Format of the weights of layers without quantizers, once options are resolved."""
        return self.keras_quantizer or self.process.default

    def resolved(self) -> QtoolsOptions:
        """These options with formats, terms and energies in place of texts and what is left out."""
        process = self._energies()
        if self.compat is not None:
            # QKeras takes the energy of a bit for that of a word
            process = replace(process, sram_scale=1.0)
        return replace(self, process=process, **self._formats())

    def words(self) -> list[str]:
        """Those that are not the defaults, as they are shown in the name of a cost model."""
        given = self.given()
        layers = given.pop("quantizers", None) or ()
        words = [f"quantizers of {counted(len(layers), 'layer')}"] if layers else []
        if "process" in given:
            given["process"] = self._energies().name
        return [*words, *(f"{key}={value!r}" for key, value in given.items())]

    def _energies(self) -> Process:
        return get_process("horowitz" if self.process is None else self.process)

    def _formats(self) -> dict[str, Any]:
        formats = {
            "quantizers": _checked_quantizers(self.quantizers),
            "source": quantizer(self.source, "source"),
            "include": _checked_include(self.include),
        }
        for name in ("keras_quantizer", "keras_accumulator"):
            value = self.values()[name]
            formats[name] = None if value is None else quantizer(value, name)
        return formats


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
            known = ", ".join(TENSORS[:3])
            where = f"quantizers[{layer!r}]"
            raise EnergyError(
                f"{where} must be a dict from {known} to quantizers, not {tensors!r}."
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
    if isinstance(include, str) and include == "qkeras":
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
            known = ", ".join(TERMS)
            raise EnergyError(f"include[{kind!r}] must be a tuple of {known}, not {terms!r}.")
        result[kind] = tuple(terms)
    return result
