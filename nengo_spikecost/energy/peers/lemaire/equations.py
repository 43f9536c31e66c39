"""The equations of Lemaire et al. (2022) for a layer and its number of spikes.

With ``theta`` the spikes at the input of a layer and ``theta'`` those of its neurons in ``T``
steps, ``K`` the taps of a kernel, ``S`` its stride and ``N`` the neurons::

                        convolution                                  fully connected
    events read         theta                                        theta
    weights read        theta Cout K                                 theta N
    biases read         T N                                          T N
    potentials          theta Cout K + T N, read and written         theta N + T N
    additions           theta ceil(H/S) ceil(W/S) Cout + T N + theta'   theta N + T N + theta'
    leak, LIF only      T N multiply-accumulates                     T N
    events written      theta'                                       theta'
    addressing          2 theta multiply-accumulates,                theta N additions
                        theta Cout K additions

As printed, the additions of a fully connected layer are ``theta N Nin + T N``: that counts
every spike once for each input, and forgets the reset of a neuron that spiked.
``literal=True`` has them so. SpikingJelly 2.0 publishes both for twelve layers, with weights
and biases in one memory.

These are estimates from shapes. The cost model itself prices the events that
were counted.
"""

from __future__ import annotations

import math

from ....layers.layer_macs import CONVOLUTIONS
from ....layers.layer_shape import LayerShape
from .prices import Accesses, Count, Memories


def spiking_layer(
    shape: LayerShape, spikes_in: Count, spikes_out: Count, n_steps: int, *, leaky: bool = False,
    literal: bool = False,
) -> tuple[Accesses, Memories]:  # fmt: skip
    """Accesses of a convolution or a fully connected layer for so many spikes.

    Parameters
    ----------
    shape : LayerShape
        The layer, without groups.
    spikes_in, spikes_out : Count
        Spikes at its input and of its neurons, per inference.
    n_steps : int
        Steps per inference.
    leaky : bool
        Whether its neurons leak (LIF rather than IF).
    literal : bool
        Count the additions of fully connected layers as printed.

    Returns
    -------
    Accesses, Memories
        Weights and biases are in one memory.
    """
    stepwise = shape.n_out * n_steps
    if shape.kind in CONVOLUTIONS:
        reach: int = shape.channels_out * math.prod(shape.kernel_size)
        additions = spikes_in * shape.channels_out * strided_taps(shape) + stepwise + spikes_out
    else:
        reach = shape.channels_out
        additions = spikes_in * reach + stepwise + spikes_out
        if literal:
            additions = spikes_in * reach * shape.n_in + stepwise
    stored = shape.n_weights + shape.n_biases
    accesses = Accesses(
        events_in=spikes_in, events_out=spikes_out, weights=spikes_in * reach,
        biases=stepwise if shape.n_biases else 0, leaks=stepwise if leaky else 0,
        potentials=2 * (spikes_in * reach + stepwise), additions=additions,
        address_macs=2 * spikes_in if shape.kind in CONVOLUTIONS else 0,
        address_additions=spikes_in * reach,
    )  # fmt: skip
    return accesses, Memories(weights=stored, biases=stored, potentials=shape.n_out)


def strided_taps(shape: LayerShape) -> int:
    """Taps of a kernel that one spike meets: ``ceil(kernel / stride)`` along each axis."""
    strides = shape.strides or (1,) * len(shape.kernel_size)
    return math.prod(-(-k // s) for k, s in zip(shape.kernel_size, strides))
