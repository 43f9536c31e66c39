"""Networks of Rockpool, run by it and written by its ``to_nir``; torch is needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from nir_recording_file import Recording, Simulate, search
from nir_recording_numpy import convention
from rockpool.nn.combinators import Sequential
from rockpool.nn.modules import (
    ExpSynTorch,
    LIFBitshiftTorch,
    LIFNeuronTorch,
    LIFTorch,
    LinearTorch,
)
from rockpool.nn.modules.torch.lif_torch import StepPWL
from rockpool.nn.modules.torch.nir import to_nir
from rockpool.parameters import Constant

DT = 1e-3
MALFORMED = "input is of shape (1, 6), output of (1, 1, n): batch and time are among them"
LOST = [
    "bias of the neurons",
    "several spikes in one step",
    "reset by subtraction, though v_reset = 0 is written",
    "dt (it follows from r)",
]
EQUATIONS = "v = exp(-dt / tau_mem) v + {}; floor(v / threshold) spikes, each subtracts one"
CURRENT = "i with i = exp(-dt / tau_syn) (i + x){}"


class Spikes(StepPWL):  # type: ignore[misc]
    """Its own spikes, in the precision of the membrane: they are float32 in every network."""

    @staticmethod
    def forward(ctx: Any, x: Any, *settings: Any) -> Any:
        return StepPWL.forward(ctx, x, *settings).to(x.dtype)


STEP: dict[str, Any] = {"dt": DT, "spike_generation_fn": Spikes}


def stepper(net: Any) -> Simulate:
    """All steps at once, as Rockpool takes them, from the state that a network starts with."""

    def simulate(inputs: np.ndarray, double: bool) -> dict[str, np.ndarray]:
        kind = torch.float64 if double else torch.float32
        torch.set_default_dtype(kind)  # what it makes as it runs is of the default
        model = net.reset_state().to(kind)
        seen: dict[str, np.ndarray] = {}
        hooks = []
        for name, module in model.named_children():
            if isinstance(module, LinearTorch):
                continue

            def keep(module: Any, given: Any, out: Any, name: str = name) -> None:
                seen[name] = out.detach().numpy().copy()

            hooks.append(module.register_forward_hook(keep))
        with torch.no_grad():
            output, *_ = model(torch.as_tensor(inputs).to(kind))
        for hook in hooks:
            hook.remove()
        net.to(torch.float32)
        torch.set_default_dtype(torch.float32)
        return {**seen, "output": output.numpy().copy()}

    return simulate


def linear(n_in: int, n_out: int, gain: float = 1.0) -> Any:
    weight = torch.empty(n_in, n_out).normal_(1.2 * gain / n_in, 1.2 * gain / n_in**0.5)
    return LinearTorch((n_in, n_out), weight=weight, has_bias=False)


def record(
    name: str, make: Callable[[], Any], how: dict[str, str], odd: list[str], **about: Any
) -> Recording:
    def build(seed: int) -> tuple[Simulate, Any]:
        torch.manual_seed(seed)
        net = make()
        return stepper(net), net

    net, inputs, spikes = search(build, (6,), 40)
    graph = to_nir(net.reset_state())
    modules = {
        node: f"{node}: {type(module).__name__}"
        for node, module in net.named_children()
        if node in graph.nodes
    }
    return Recording(
        "rockpool", name, graph, inputs, spikes, DT, how, modules, odd=[MALFORMED, *odd], **about
    )


def lif() -> Any:
    return Sequential(linear(6, 8), LIFNeuronTorch(8, tau_mem=0.01, bias=0.0, **STEP))


def cuba(bias: float = 0.0, recurrent: bool = False) -> Any:
    """Two layers, the first perhaps with weights from its neurons to themselves."""
    own: dict[str, Any] = {}
    if recurrent:
        weight = torch.empty(8, 8).normal_(-0.04, 0.1)
        own = {"has_rec": True, "w_rec": weight}
    return Sequential(
        linear(6, 8, 0.5), LIFTorch(8, tau_mem=0.01, tau_syn=0.004, bias=bias, **STEP, **own),
        linear(8, 3, 0.4), LIFTorch(3, tau_mem=0.02, tau_syn=0.005, bias=bias, **STEP),
    )  # fmt: skip


def cuba_arrays() -> Any:
    """A time constant and a threshold of its own for every neuron."""
    neurons = LIFTorch(
        8, tau_mem=torch.linspace(0.005, 0.04, 8), tau_syn=torch.linspace(0.002, 0.01, 8)[:, None],
        threshold=torch.linspace(0.5, 1.5, 8), bias=0.0, **STEP,
    )  # fmt: skip
    return Sequential(linear(6, 8, 0.5), neurons)


def synapse(tau: Any) -> Any:
    return Sequential(linear(6, 4), ExpSynTorch(4, tau=tau, dt=DT))


def recordings() -> Iterator[Recording]:
    """tau in seconds, r = tau exp(-dt / tau) / dt, v_leak = 0 (a bias is lost), w_in = 1."""
    yield record(
        "lif", lif, convention(">=", "subtract", EQUATIONS.format("x"), "many"), [], lost=LOST
    )
    plain = EQUATIONS.format(CURRENT.format(""))
    once = "w_in = 1, though the input is only decayed once"
    how = convention(">=", "subtract", plain, "many")
    yield record("cuba", cuba, how, [once], lost=LOST)
    yield record("cuba_arrays", cuba_arrays, how, [once], lost=LOST)
    yield record(
        "cuba_recurrent",
        lambda: cuba(0.02, recurrent=True),
        convention(
            ">=",
            "subtract",
            EQUATIONS.format(CURRENT.format(", x with W z, and a bias of 0.02")),
            "many",
        ),
        ["recurrent weights and biases are not in the file"],
        lost=LOST,
        faithful=False,
    )
    yield record(
        "exp_syn",
        lambda: synapse(Constant(torch.full((4,), 0.005))),
        convention("none", "none", "v = exp(-dt / tau) (v + x); the output is v"),
        [],
    )


def refused() -> Iterator[tuple[str, Callable[[], Any]]]:
    """What it can't write."""
    torch.manual_seed(0)
    yield "ExpSynTorch, whose tau may be trained", lambda: to_nir(synapse(torch.full((4,), 0.005)))
    yield (
        "LIFTorch with two synapses for each neuron",
        lambda: to_nir(Sequential(linear(6, 8), LIFTorch((8, 4), bias=0.0, dt=DT))),
    )
    yield (
        "LIFBitshiftTorch, as Xylo decays",
        lambda: to_nir(Sequential(linear(6, 8), LIFBitshiftTorch(8, bias=0.0, dt=DT))),
    )
