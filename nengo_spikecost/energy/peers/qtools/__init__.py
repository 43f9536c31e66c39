"""``cost_model="qtools"``: arithmetic of any number of bits, and memory, as QKeras has it.

After qtools of QKeras 0.9.0 (Coelho et al., Nature Machine Intelligence 3, 2021), which prices
quantized networks without spikes. Every tensor has a number format (`Quantizer`); the formats
decide the circuits, the bits decide the memory traffic. Energies are polynomials of bits through
the 45 nm table of Horowitz (ISSCC 2014).

What qtools prices
------------------
Parts of a layer's energy, per inference::

    op          operations x (gate factor x E_circuit(gate bits) + E_add(accumulator bits))
    inputs      bits read, once by every layer that reads them
    parameters  bits of weights and biases, once
    outputs     bits written, once

with, of integers of b bits::

    E_add = 0.003125 b                    pJ
    E_mul = 0.002994791667 b^2 + 0.001041666667 b
    SRAM  = ceil(bits / 64) x E(log2 of the memory's size in bits)
    DRAM  = 20.3125 bits

Shifters, multiplexers and gates are an addition of their bits times a factor; floating point of 16
and 32 bits has an energy of its own. Accumulators hold the sum of all products of one output
without overflow. The table of circuits is in `nengo_spikecost.energy.peers.qtools.multipliers`.

Without another ``process``, the polynomials go through the constants of the device
(``digital``): additions through ``int32_add``, multiplications through ``int8_mul`` and
``int32_mul``, memories through ``sram_8KiB``, ``sram_32KiB`` and ``sram_1MiB``. Of Horowitz's table
that gives the polynomials above. Constants that a device lacks are those of QKeras.

Differences from qtools
-----------------------
``compat="qkeras"`` gives qtools' numbers. The default differs from it in these points:

1. SRAM: qtools' polynomial is the energy of a bit (10, 20 and 100 pJ by 64 at 8 KiB, 32 KiB and
   1 MiB), and qtools charges it for 64 bits: 64 times too little. No memory is smaller here than
   8 KiB, the smallest that the polynomial was fitted to; below it, it rises again.
2. Average pooling adds at all positions of its output; qtools counts one.
3. Groups of convolutions count, as do depth multipliers. Products beyond the border of the input
   are not computed.
4. Dense layers of several positions, separable and transposed convolutions, those of three axes,
   poolings of one, and Subtract have costs; in qtools they fail, or cost nothing.
5. A shared layer is counted for every application.
6. Batch normalization is one multiplication and one addition with constants, of which two are
   read for each channel. qtools divides for every element, does not add, and reads four.
7. Accumulators have the bias only where there is one, and one channel in a depthwise convolution.
   Layers without quantizers accumulate as wide as they need unless ``keras_accumulator`` is given
   (qtools: 8 bits), and what their activation functions give is as wide as their weights; without
   a function it is as wide as the sum. In qtools it always is: 2.8 times the energy for ``int8``
   and ``int32`` in its own example.
8. Activations and batch normalization are done before the layer in front of them writes; flatten,
   reshape, concatenate, padding and dropout move nothing. In qtools each reads and writes, so that
   a network costs more for activations written as layers of their own. An activation within a
   layer quantizes like one that is a layer.
9. Average, Maximum and Minimum, and the comparisons of max pooling cost operations, by the
   gate factors that qtools has for them and never charges.
10. Only the network's inputs come from outside. In qtools all inputs of a layer do that has one.
11. Layers of which nothing is known, and functions other than ReLU, are listed as uncounted.
    qtools prints a line, or nothing.
12. A process of unknown name is an error. qtools prices it with initial values.
13. Defaults: memory is SRAM and inputs and outputs are not charged, as of a chip that holds its
    network. qtools' ``pe`` has DRAM and ``rd_wr_on_io``. ``include="qkeras"`` adds up what
    ``extract_energy_sum`` does; by default everything is in the energy.

Limits of qtools
----------------
Weights are read once per inference, whatever the buffers. Functions such as softmax, divisions of
average pooling and static power cost nothing. With ``compat``, what qtools fails on is priced by
its formulas where they exist; batch normalization is taken to have both a scale and a centre; a
separable convolution has two parts; layers of nested models are priced, which qtools takes for one
unknown layer; and a network's output that one of its layers reads is not charged as an output.
"""

from __future__ import annotations

from .counter import ShapeCounter, workload_of_shapes
from .formats import LayerFormats, layer_formats
from .model_reading import quantizer
from .multipliers import Operator, accumulator, multiplier
from .process import PROCESSES, Process
from .qtools_model import MEMORY_PARTS, QtoolsPrice, energy_profile, extract_energy_sum, qtools
from .qtools_options import INCLUDED, MEMORIES, TENSORS, TERMS, QtoolsOptions
from .qtools_pricing import LayerTerms, layer_terms
from .quantizers import Quantizer, binary, fixed, floating, po2, relu, ternary

__all__ = [
    "INCLUDED", "MEMORIES", "MEMORY_PARTS", "PROCESSES", "TENSORS", "TERMS", "LayerFormats",
    "LayerTerms", "Operator", "Process", "QtoolsOptions", "QtoolsPrice", "Quantizer",
    "ShapeCounter", "accumulator", "binary", "energy_profile", "extract_energy_sum", "fixed",
    "floating", "layer_formats", "layer_terms", "multiplier", "po2", "qtools", "quantizer", "relu",
    "ternary", "workload_of_shapes",
]  # fmt: skip
