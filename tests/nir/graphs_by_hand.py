"""NIR graphs without the package nir: `from_nir` takes any object with nodes and edges."""

from __future__ import annotations

import numpy as np

from .plain_graphs import graph as joined
from .plain_graphs import node


def graph(given, **nodes):
    """An Input, nodes one after another, and an Output behind them."""
    name, shape = given
    return joined({
        name: node("Input", input_type={"input": np.array(shape)}), **nodes,
        "output": node("Output", output_type={"output": np.array([1])}),
    })  # fmt: skip


def affine(weight, bias=None):
    return node("Affine", weight=weight, bias=np.zeros(len(weight)) if bias is None else bias)


def conv2d(weight, bias):
    return node(
        "Conv2d", weight=weight, bias=bias, stride=1, padding=0, dilation=1, groups=1,
        input_shape=None,
    )  # fmt: skip


def lif(shape, tau=0.01, threshold=1.0, dt=1e-3, **more):
    """Inputs count once a step: r is tau / dt."""
    tau = np.broadcast_to(tau, shape)
    threshold = np.broadcast_to(np.asarray(threshold, float), shape)
    more.setdefault("v_reset", np.zeros(shape))
    return node("LIF", tau=tau, r=tau / dt, v_leak=np.zeros(shape), v_threshold=threshold, **more)


def integrate(shape, threshold=1.0, dt=1e-3):
    full = np.ones(shape)
    return node("IF", r=full / dt, v_threshold=full * threshold, v_reset=full * 0)


def cuba_lif(shape, tau=0.01, tau_syn=0.005, dt=1e-3):
    full = np.ones(shape)
    return node(
        "CubaLIF", tau_mem=full * tau, tau_syn=full * tau_syn, r=full * tau / dt, v_leak=full * 0,
        v_threshold=full, v_reset=full * 0, w_in=full * tau_syn / dt,
    )  # fmt: skip


def li(shape, tau=0.01, dt=1e-3):
    full = np.ones(shape)
    return node("LI", tau=full * tau, r=full * tau / dt, v_leak=full * 0)
