"""``cost_model="lemaire"``: memory, arithmetic and addressing of digital hardware.

After Lemaire et al., An analytical estimation of spiking neural networks energy efficiency
(ICONIP 2022, arXiv 2210.13107). Every access to a memory costs energy by the size of that
memory, every operation by its width. Parts of a layer's energy are ``"potentials"``,
``"weights"``, ``"biases"``, ``"io"`` (these four are memory), ``"operations"`` and
``"addressing"``.

What is priced
--------------
On a spiking device (``digital_snn``), per inference of ``T`` steps, with *spikes* those of the
source of a pathway and *events* these times the targets that each of them really reaches::

    pathway with spikes    events read     spikes
                           weights read    events
                           potentials      events, read and written
                           additions       events
                           addressing      events additions; where weights are shared
                                           2 spikes multiply-accumulates besides
    pathway with graded    the same with values sent x targets in place of events, each a
    values                 multiply-accumulate; values read from a memory of all of them
    population             biases read and added  T N, if it has biases
                           potentials      T N, read and written (times what an update costs)
                           leak, LIF only  T N multiply-accumulates
                           resets          spikes additions
                           events written  spikes

``T N`` are neurons times steps, graded values are sent once if inputs are constant and else at
every step. The whole network is on the device: readouts and first layers too, though a chip such
as Loihi would leave them to its host. Functions that are not neurons cost an addition for each of
their operations.

On a device without spikes (``digital``) the network runs once. Layers are priced as they were
written, where that is known, with batch normalization folded (`dense`); of a native network its
Connections and encoders are, which are not multiplied out.

Differences from the Qualia plugin
----------------------------------
``compat="qualia"`` gives the plugin's numbers (version 2.6.0, which has more than the paper's
equations). The default differs from it in these points:

1. Events are spikes times the targets they reach, counted neuron by neuron, at borders too. The
   plugin multiplies the number of spikes by ``Cout * kernel`` for weights and potentials
   (as if there were no border and no stride) and by ``Cout * ceil(kernel / stride)`` for
   additions.
2. Groups of convolutions count; a depthwise convolution is not priced as a full one.
3. Addressing of a fully connected layer is of its spikes. The plugin takes their rate, which is
   ``Nin`` times too small.
4. Addressing of a convolution has an addition for each event. The plugin has no ``Cout`` there.
5. Biases are added only where there are some; the plugin adds them always, but reads them
   only where there are some.
6. Graded input to a spiking layer (the plugin's "Hybrid") is multiplied as often as it is sent,
   and potentials are accessed as often. The plugin counts one step of operations, the potentials
   of ``T`` steps; and of leaks the multiplications of one step without their additions.
7. Every neuron that spikes writes its events and is reset. The plugin leaves this out where
   neurons do not follow their layer directly.
8. Additions of inputs have the elements of their shapes. The plugin adds the dimensions up.
9. Without spikes, average and maximum pooling, multiplications and other merges, and batch
   normalization that can't be folded have costs; in the plugin none. With spikes they are part
   of the synapses that are counted.
10. A dense layer of several positions is applied at each. The plugin applies it once.
11. Without spikes, kernels read and multiply nothing beyond the border of their input.
12. Addressing of a fully connected layer without spikes is ``Nin + Nout`` additions, as
    SpikingJelly has it; the plugin has ``Nin Nout``.
13. Memory is ``"interpolated"`` by default, from nothing at 0 bytes. The plugin's line costs
    13.2 pJ for any access, whatever its width. SpikingJelly interpolates too, but takes
    Horowitz's energies, which are of 64 bits, for values of 32.
14. Widths of weights, potentials, biases, activations and addresses may differ; a multiplication
    of unequal widths costs as one of their geometric mean. Less than 8 bits cost as 8 by
    default, in the plugin as 32.
15. Totals count every spike once; the spike rates of the plugin's total count most of them twice.

Limits
------
Static power, DRAM and the network between cores are not in the equations. Potentials are accessed
at every step even where a neuron got no input. Activation functions are free without spikes.
Graded neurons are listed as uncounted on a spiking device, as is learning on any. Sharing of
weights is seen in convolutions; a network that was lowered stores the weights that it has after
that. The causal padding of a convolution over time is taken for one at both sides.
"""

from __future__ import annotations

from .lemaire_model import LemairePrice, lemaire
from .lemaire_options import LemaireOptions
from .memory_traffic import RAM_MODELS, InterpolatedRam, LinearRam, WordRam, ram_model
from .operations import OPERATION_TYPES, Arithmetic, OperationTable, operation_table
from .prices import MEMORY_PARTS, PARTS, Prices, Widths

__all__ = [
    "MEMORY_PARTS", "OPERATION_TYPES", "PARTS", "RAM_MODELS", "Arithmetic", "InterpolatedRam",
    "LemaireOptions", "LemairePrice", "LinearRam", "OperationTable", "Prices", "Widths", "WordRam",
    "lemaire", "operation_table", "ram_model",
]  # fmt: skip
