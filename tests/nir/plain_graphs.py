"""Graphs for tests, made without the package ``nir``, and their linear nodes by plain loops."""

from __future__ import annotations

import itertools
import math
from types import SimpleNamespace

import h5py
import numpy as np


def node(kind, **fields):
    """An object as the package ``nir`` has one, of a class of that name."""
    return type(kind, (SimpleNamespace,), {})(**fields)


def graph(nodes, edges=None):
    """A graph; without edges its nodes are a chain."""
    names = list(nodes)
    return node("NIRGraph", nodes=nodes, edges=edges or list(zip(names, names[1:])))


def lif(n, dt=1.0, decay=0.9, threshold=1.0, **fields):
    """LIF neurons whose step is ``v <- decay v + x``."""
    tau = np.full(n, dt / (1 - decay))
    given = {"tau": tau, "r": tau / dt, "v_leak": 0 * tau, "v_threshold": np.full(n, threshold)}
    return node("LIF", **{**given, "v_reset": 0 * tau, **fields})


def write(path, given):
    """A ``.nir`` file, as nir 1.0.8 writes one: HDF5 groups of fields."""

    def put(group, item):
        group.create_dataset("type", data=type(item).__name__)
        if hasattr(item, "nodes"):
            inner = group.create_group("nodes")
            for name, own in item.nodes.items():
                put(inner.create_group(name), own)
            group.create_dataset("edges", data=np.array(item.edges, dtype=h5py.string_dtype()))
            return
        for name, value in vars(item).items():
            if value is not None:
                group.create_dataset(name, data=value)

    with h5py.File(path, "w") as file:
        file.create_dataset("version", data="1.0.8")
        put(file.create_group("node"), given)
    return path


def applied(given, x):
    """What a linear node makes of values (channels first), by loops over every output."""
    kind = type(given).__name__
    if kind == "Flatten":
        return x.reshape(-1)
    if kind == "Scale":
        return x * given.scale
    if kind in ("Affine", "Linear"):
        return given.weight @ x.reshape(-1) + getattr(given, "bias", 0)
    n_axes = x.ndim - 1
    if kind.endswith("Pool2d"):
        lengths, weight, groups, dilation = given.kernel_size, None, None, (1, 1)
    else:
        weight, groups = given.weight, given.groups
        lengths, dilation = weight.shape[2:], given.dilation
    dilation, stride = (np.broadcast_to(v, n_axes) for v in (dilation, given.stride))
    before = after = None
    if isinstance(given.padding, str):
        total = [d * (n - 1) if given.padding == "same" else 0 for n, d in zip(lengths, dilation)]
        before, after = [t // 2 for t in total], [t - t // 2 for t in total]
    else:
        before = after = list(np.broadcast_to(given.padding, n_axes))
    x = np.pad(x, [(0, 0), *zip(before, after)])
    spans = [d * (n - 1) + 1 for n, d in zip(lengths, dilation)]
    sizes = [(size - span) // s + 1 for size, span, s in zip(x.shape[1:], spans, stride)]
    channels = x.shape[0] if weight is None else len(weight)
    result = np.zeros((channels, *sizes))
    for channel, *place in itertools.product(range(channels), *map(range, sizes)):
        window = tuple(
            slice(p * s, p * s + span, d) for p, s, span, d in zip(place, stride, spans, dilation)
        )
        if weight is None:
            value = x[(channel, *window)].sum()
            value /= 1 if kind == "SumPool2d" else math.prod(lengths)
        else:
            own = weight.shape[1]
            first = channel // (channels // groups) * own
            value = (x[(slice(first, first + own), *window)] * weight[channel]).sum()
            value += 0 if given.bias is None else given.bias[channel]
        result[(channel, *place)] = value
    return result


def matrix(nodes, shape):
    """The weights of several linear nodes in a row, shape (outputs, inputs), without biases."""
    zero = np.zeros(shape)
    for given in nodes:
        zero = applied(given, zero)
    columns = []
    for number in range(math.prod(shape)):
        values = np.zeros(math.prod(shape))
        values[number] = 1
        values = values.reshape(shape)
        for given in nodes:
            values = applied(given, values)
        columns.append((values - zero).reshape(-1))
    return np.stack(columns, axis=1)
