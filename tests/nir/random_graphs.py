"""Random NIR graphs of every kind of node: nested, with loops and skips, and with odd names."""

from __future__ import annotations

import math

import numpy as np

from .graph_steps import Step
from .plain_graphs import applied, node

NAMES = ("0", "1", "a", "A", "b", "B", "0.1", "0.0", "a.b", "lif", "LIF", "x_y", "fc 1", "é")
NEURONS = ("LIF", "LIF", "LIF", "IF", "CubaLIF", "Threshold", "LI", "CubaLI", "I")


def random_step(rng):
    """Any way to step neurons."""
    delayed = bool(rng.random() < 0.3)
    return Step(
        decay=str(rng.choice(["euler", "exp"])), gain=str(rng.choice(["euler", "exact"])),
        reset=str(rng.choice(["value", "value", "subtract", "none"])), delayed=delayed,
        at_threshold=bool(rng.random() < 0.5), several=not delayed and bool(rng.random() < 0.2),
        lowest=-0.4 if rng.random() < 0.2 else None,
        current=str(rng.choice(["gain", "jump", "decayed jump"])),
        start=str(rng.choice(["zero", "v_leak", "v_reset"])),
    )  # fmt: skip


def random_graph(rng, dt):
    """A graph, the edges of it that hand values to the next step, and the shape of its input."""
    shapes = [
        (int(rng.integers(2, 5)),),
        (2, int(rng.integers(4, 7))),
        (int(rng.integers(1, 4)), int(rng.integers(4, 7)), int(rng.integers(4, 7))),
    ]
    shape = shapes[rng.integers(3)]
    given, later, _ = _chain(rng, shape, dt, 0)
    return given, later, shape


def _chain(rng, shape, dt, depth):
    nodes, edges, later, before = {}, [], [], []
    last = _name(rng, nodes)
    nodes[last] = node("Input", shape=np.array(shape))
    for _ in range(int(rng.integers(2, 6))):
        name, choice = _name(rng, nodes), rng.random()
        if choice < 0.2 and depth < 2:
            nodes[name], inner, shape = _chain(rng, shape, dt, depth + 1)
            later += [(f"{name}/{pre}", f"{name}/{post}") for pre, post in inner]
            edges.append((last, name))
        elif choice < 0.6:
            made = _linear(rng, shape)
            if made is None:
                continue
            nodes[name], shape = made
            edges.append((last, name))
        else:
            is_delay = choice < 0.65
            nodes[name] = (
                node("Delay", delay=rng.integers(0, 4, size=shape) * dt) if is_delay
                else _neurons(rng, shape, dt)
            )  # fmt: skip
            edges.append((last, name))
            if not is_delay and rng.random() < 0.4:
                _loop(rng, name, shape, nodes, edges, later)
            edges += [
                (pre, name) for pre, own in before
                if own == shape and rng.random() < 0.5 and (pre, name) not in edges
            ]  # fmt: skip
            before.append((name, shape))
        last = name
    end = _name(rng, nodes)
    nodes[end] = node("Output", shape=np.array(shape))
    edges.append((last, end))
    order = list(nodes)
    rng.shuffle(order)
    return node("NIRGraph", nodes={k: nodes[k] for k in order}, edges=edges), later, shape


def _name(rng, used):
    while True:
        number = str(rng.integers(3)) if rng.random() < 0.5 else ""
        name = f"{rng.choice(NAMES)}{number}"
        if name not in used:
            return name


def _loop(rng, name, shape, nodes, edges, later):
    """Back to the same neurons: at once, or through weights with a bias."""
    if rng.random() < 0.3:
        edges.append((name, name))
        later.append((name, name))
        return
    back = _name(rng, nodes)
    if len(shape) == 1:
        weight, bias = rng.normal(0, 0.5, (*shape, *shape)), rng.normal(0, 0.2, shape)
        nodes[back] = node("Affine", weight=weight, bias=bias)
    else:
        nodes[back] = node("Scale", scale=rng.normal(0, 0.5, shape))
    edges += [(name, back), (back, name)]
    later.append((name, back))


def _linear(rng, shape):
    """A linear node and the shape that it gives, or None if it gives nothing."""
    kinds = {1: ("Affine", "Linear", "Scale"), 2: ("Conv", "Scale", "Flatten")}
    kind = rng.choice(kinds.get(len(shape), ("Conv", "AvgPool2d", "SumPool2d", "Scale", "Flatten")))
    if kind in ("Affine", "Linear"):
        n = int(rng.integers(2, 6))
        fields = {"weight": rng.normal(size=(n, shape[0]))}
        if kind == "Affine":
            fields["bias"] = rng.normal(size=n)
        return node(str(kind), **fields), (n,)
    if kind == "Scale":
        scale = shape if rng.random() < 0.5 else (shape[0], *[1] * (len(shape) - 1))
        return node("Scale", scale=rng.normal(size=scale)), shape
    if kind == "Flatten":
        made = node("Flatten", start_dim=0, end_dim=-1, input_type=np.array(shape))
        return made, (math.prod(shape),)
    made = _convolution(rng, shape) if kind == "Conv" else _pooling(rng, str(kind))
    spans = np.array(getattr(made, "kernel_size", None) if kind != "Conv" else
                     np.array(made.weight.shape[2:]) * made.dilation)  # fmt: skip
    if (spans > shape[1:]).any():
        return None
    return made, applied(made, np.zeros(shape)).shape


def _convolution(rng, shape):
    n_axes = len(shape) - 1
    groups = int(rng.choice([n for n in (1, 2, 3) if shape[0] % n == 0]))
    n_out = groups * int(rng.integers(1, 3))
    lengths = [int(rng.integers(1, 4)) for _ in range(n_axes)]
    padding = [0, 1, "same", "valid", np.arange(n_axes)][rng.integers(5)]
    return node(
        f"Conv{n_axes}d", input_shape=None,
        weight=rng.normal(size=(n_out, shape[0] // groups, *lengths)),
        bias=rng.normal(size=n_out) if rng.random() < 0.7 else None,
        stride=1 if isinstance(padding, str) else rng.integers(1, 3, size=n_axes),
        padding=padding, dilation=int(rng.integers(1, 3)), groups=groups,
    )  # fmt: skip


def _pooling(rng, kind):
    lengths = rng.integers(1, 4, size=2)
    padding = np.array([rng.integers(0, length // 2 + 1) for length in lengths])
    return node(kind, kernel_size=lengths, stride=rng.integers(1, 3, size=2), padding=padding)


def _some(rng, shape, low, high):
    """A number, an array of one, or one for each neuron."""
    choice = rng.integers(4)
    if choice < 2:
        return np.full((1,) * choice, rng.uniform(low, high))
    return rng.uniform(low, high, size=shape)


def _neurons(rng, shape, dt):
    kind = str(rng.choice(NEURONS))
    if kind == "Threshold":
        return node(kind, threshold=_some(rng, shape, 0.1, 1))
    fields = {}
    if kind in ("IF", "I"):
        fields["r"] = _some(rng, shape, 0.2, 1) / dt
    else:
        tau = _some(rng, shape, 1.2, 20) * dt
        fields["tau_mem" if kind.startswith("Cuba") else "tau"] = tau
        fields["r"] = tau / dt if rng.random() < 0.5 else _some(rng, shape, 0.5, 6)
        fields["v_leak"] = _some(rng, shape, -0.3, 0.3)
    if kind.startswith("Cuba"):
        fields.update(tau_syn=_some(rng, shape, 1.2, 8) * dt, w_in=_some(rng, shape, 0.3, 3))
    if kind in ("IF", "LIF", "CubaLIF"):
        fields.update(v_threshold=_some(rng, shape, 0.2, 1), v_reset=_some(rng, shape, -0.5, 0.15))
    return node(kind, **fields)
