"""One pass of the network without spikes.

Where the layers are known as they were written (`Workload.shapes`), they are what is priced:
a machine without spikes runs them one after the other, and lowering, which multiplies a pooling
into the convolution behind it, is not for it. A native network has no layers, so its Connections
and encoders are, one after the other and not multiplied out: inputs are read as a convolution's
where weights are shared, and else as those of a fully connected layer.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from ....layers.layer_macs import CONVOLUTIONS, layer_macs, taps_met
from ....layers.layer_shape import LayerShape
from ....workload.work_entries import DenseWork
from ....workload.workload_record import Workload
from .folding import folded
from .ledger import Ledger
from .prices import Accesses, Memories, Prices


def spend_dense(workload: Workload, prices: Prices, ledger: Ledger) -> None:
    """Price one pass: the layers, or, where there are none, the Connections."""
    if workload.shapes:
        for shape in folded(workload.shapes):
            done = layer_accesses(shape)
            if done is None:
                reason = f"is a {shape.type or shape.kind}, for which there is no equation"
                ledger.leave_out(shape.name, shape.layer, reason)
            else:
                ledger.spend(shape.layer, *done, prices)
    else:
        _spend_connections(workload, prices, ledger)
    for rule in workload.learning:
        ledger.leave_out(rule.name, rule.layer, "changes weights, for which there is no equation")


def layer_accesses(shape: LayerShape) -> tuple[Accesses, Memories] | None:
    """Accesses of one layer in one pass; None if there is no equation for it."""
    if shape.kind not in _ACCESSES:
        return None
    memories = Memories(shape.n_in, shape.n_out, shape.n_weights, shape.n_biases)
    return _ACCESSES[shape.kind](shape), memories


def _product_sums(shape: LayerShape) -> Accesses:
    """Convolutions read an input for each product; dense layers keep it for all their outputs."""
    macs, biases = layer_macs(shape), shape.n_out if shape.n_biases else 0
    inputs, addresses = shape.n_in, shape.n_in + shape.n_out
    if shape.kind in CONVOLUTIONS:
        inputs, addresses = macs, addresses + shape.channels_out * math.prod(shape.kernel_size)
    return Accesses(
        inputs=inputs, outputs=shape.n_out, weights=macs, biases=biases, macs=macs,
        additions=biases, address_additions=addresses,
    )  # fmt: skip


def _pooling(shape: LayerShape) -> Accesses:
    """Additions, and one multiplication for each mean; or comparisons, which are additions."""
    read = taps_met(shape) * shape.channels_in
    means = shape.n_out if shape.kind == "average pooling" else 0
    return Accesses(
        inputs=read, outputs=shape.n_out, additions=read, multiplications=means,
        address_additions=shape.n_in + shape.n_out,
    )  # fmt: skip


def _merge(shape: LayerShape) -> Accesses:
    n_inputs = len(shape.input_shapes)
    read = sum(math.prod(dimensions) for dimensions in shape.input_shapes)
    merged = shape.n_out * (n_inputs - 1)
    multiplications = {"multiply": merged, "average": shape.n_out}.get(shape.kind, 0)
    # all inputs are walked through side by side
    return Accesses(
        inputs=read, outputs=shape.n_out, additions=0 if shape.kind == "multiply" else merged,
        multiplications=multiplications, address_additions=shape.n_out,
    )  # fmt: skip


def _normalization(shape: LayerShape) -> Accesses:
    """One that could not be folded: a scale and a shift for each value."""
    n = shape.n_out
    addresses = shape.n_in + n
    return Accesses(inputs=n, outputs=n, weights=n, biases=n, macs=n, address_additions=addresses)


_ACCESSES: dict[str, Callable[[LayerShape], Accesses]] = {
    **dict.fromkeys(("shape", "input", "activation"), lambda shape: Accesses()),
    **dict.fromkeys((*CONVOLUTIONS, "dense"), _product_sums),
    **dict.fromkeys(("average pooling", "max pooling"), _pooling),
    **dict.fromkeys(("add", "subtract", "multiply", "average", "maximum", "minimum"), _merge),
    "batch normalization": _normalization,
}
"""Accesses of one pass, by the kind of the layer."""


def _spend_connections(workload: Workload, prices: Prices, ledger: Ledger) -> None:
    for weights in workload.dense:
        if weights.macs:
            n_in, stored = weights.n_sources or weights.macs, weights.n_weights or weights.macs
            memories = Memories(n_in, weights.n_targets, stored)
            ledger.spend(weights.layer, _connection(weights), memories, prices)
    for population in workload.populations:
        n = population.n_neurons
        biases = n if population.has_bias else 0
        done = Accesses(outputs=n, biases=biases, additions=biases, address_additions=n)
        ledger.spend(population.layer, done, Memories(outputs=n, biases=n), prices)
    for work in workload.host:
        operations = Accesses(additions=work.operations)
        ledger.spend(work.layer, operations, Memories(), prices)


def _connection(weights: DenseWork) -> Accesses:
    n_in, n_out = weights.n_sources, weights.n_targets
    inputs, addresses = n_in, n_in + n_out
    if weights.shared:
        inputs, addresses = weights.macs, addresses + weights.n_weights
    return Accesses(
        inputs=inputs, outputs=n_out, weights=weights.macs, macs=weights.macs,
        address_additions=addresses,
    )  # fmt: skip
