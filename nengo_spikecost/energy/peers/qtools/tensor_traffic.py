"""Tensors that are moved to and from memory, and the energy of moving them.

The output of a layer is written once and read once by every layer that it goes to. What is
done element by element (activations, batch normalizations) is done before the layer in front
of it writes; reshaping moves nothing. QKeras writes and reads at every layer.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from ....layers.layer_shape import LayerShape
from .formats import LayerFormats
from .qtools_options import QtoolsOptions

_ELEMENTWISE = ("activation", "batch normalization", "shape")


@dataclass(frozen=True)
class Tensor:
    """One tensor that is moved.

    Attributes
    ----------
    bits : int
        All its bits.
    outside : bool
        Whether it is data fed to the network, or what the network gives.
    """

    bits: int
    outside: bool = False


@dataclass(frozen=True)
class Traffic:
    """Tensors that one application of a layer reads and writes."""

    inputs: tuple[Tensor, ...] = ()
    outputs: tuple[Tensor, ...] = ()
    parameters: tuple[Tensor, ...] = ()


class Network:
    """The applications of layers, and who reads whom."""

    def __init__(self, shapes: Iterable[LayerShape]):
        self.shapes = {s.name: s for s in shapes}
        self.readers: dict[str, list[str]] = {name: [] for name in self.shapes}
        for shape in self.shapes.values():
            for name in shape.inputs:
                self.readers[name].append(shape.name)
        self.fused = self._fused()

    def _fused(self) -> dict[str, str]:
        """From each layer that writes, to the last that is done before it does."""
        result = {}
        taken: set[str] = set()
        for name, shape in self.shapes.items():
            if shape.kind in ("input", "shape") or name in taken:
                continue
            last = name
            while len(self.readers[last]) == 1:
                reader = self.shapes[self.readers[last][0]]
                if reader.kind not in _ELEMENTWISE or len(reader.inputs) > 1:
                    break
                last = reader.name
                taken.add(last)
            result[name] = last
        return result

    def is_fed(self, name: str) -> bool:
        """Whether a layer's output is data fed to the network, reshaped or not."""
        shape = self.shapes[name]
        if shape.kind == "shape":
            return any(self.is_fed(before) for before in shape.inputs)
        return shape.kind == "input"

    def is_given(self, name: str) -> bool:
        """Whether a layer's output is what the network gives, reshaped or not."""
        readers = [self.shapes[reader] for reader in self.readers[name]]
        return not readers or any(r.kind == "shape" and self.is_given(r.name) for r in readers)


def traffic(network: Network, formats: dict[str, LayerFormats], name: str) -> Traffic:
    """Tensors that a layer moves: none, if another one does it along with its own work."""
    shape, own = network.shapes[name], formats[name]
    parameters = _parameters(shape, own)
    if name not in network.fused:
        return Traffic(parameters=parameters)
    last = network.fused[name]
    result = network.shapes[last]
    written = Tensor(result.n_out * formats[last].output.bits, network.is_given(last))
    read = tuple(
        Tensor(math.prod(size) * quantizer.bits, network.is_fed(before))
        for size, quantizer, before in zip(shape.input_shapes, own.inputs, shape.inputs)
    )
    return Traffic(read, (written,), parameters)


def traffic_of_qkeras(network: Network, formats: dict[str, LayerFormats], name: str) -> Traffic:
    """Tensors that a layer moves if every layer reads and writes."""
    shape, own = network.shapes[name], formats[name]
    fed = any(network.shapes[before].kind == "input" for before in shape.inputs)
    read = tuple(
        Tensor(math.prod(size) * quantizer.bits, fed)
        for size, quantizer in zip(shape.input_shapes, own.inputs)
    )
    written = Tensor(shape.n_out * own.output.bits, not network.readers[name])
    return Traffic(read, (written,), _parameters(shape, own, of_qkeras=True))


def _parameters(
    shape: LayerShape, own: LayerFormats, of_qkeras: bool = False
) -> tuple[Tensor, ...]:
    if own.parameters:
        return tuple(Tensor(shape.n_weights * q.bits) for q in own.parameters)
    n_biases = shape.n_biases
    if of_qkeras and n_biases and shape.kind == "depthwise convolution":
        n_biases //= shape.channels_in  # the last axis of its kernel
    stored = ((shape.n_weights, own.weights), (n_biases, own.bias))
    return tuple(Tensor(n * q.bits) for n, q in stored if q is not None)


def memory_pJ(tensor: Tensor, memory: str, options: QtoolsOptions) -> float:
    """Energy of moving one tensor once, in picojoules.

    Parameters
    ----------
    tensor : Tensor
    memory : str
        Where it is; data from outside come from DRAM with ``rd_wr_on_io``, else from SRAM.
    options : QtoolsOptions
    """
    process = options.process
    if tensor.outside:
        memory = "dram" if options.rd_wr_on_io else "sram"
    if memory == "fixed" or tensor.bits == 0:
        return 0.0
    size = max(tensor.bits, options.min_sram_size)
    if options.compat is None:
        size = max(size, process.smallest_sram_bits)
    if memory == "sram":
        return process.sram_pJ(tensor.bits, size)
    through_sram = process.sram_pJ(tensor.bits, size) if options.rd_wr_on_io else 0.0
    return process.dram_pJ(tensor.bits) + through_sram
