"""Networks of SpikingJelly, run by it and written by its ``export_to_nir``; torch is needed."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from nir_recording_file import Recording, Simulate, search
from nir_recording_weights import weights
from spikingjelly.activation_based import functional, layer, neuron
from spikingjelly.activation_based.nir_exchange import export_to_nir
from torch import nn

DT = 1e-4  # default of export_to_nir

STEPS = {
    "IFNode": "v = v + x",
    "LIFNode": "v = v + (x - (v - v_reset)) / tau",
    "LIFNode, decay_input=False": "v = v - (v - v_reset) / tau + x",
    "ParametricLIFNode": "v = v + (x - (v - v_reset)) sigmoid(w)",
    "CUBALIFNode": "i = c_decay i + x; v = v_decay v + i (the new i)",
}


def convention(kind: str) -> dict[str, str]:
    """How SpikingJelly 2.0.0 steps a neuron of this kind."""
    return {
        "compare": ">=",
        "spikes_per_step": "one",
        "reset": "value",
        "reset_when": "same step",
        "equations": STEPS[kind],
        "start": "v = v_reset, i = 0",
    }


def stepper(net: nn.Module) -> Simulate:
    def simulate(inputs: np.ndarray, double: bool) -> dict[str, np.ndarray]:
        kind = torch.float64 if double else torch.float32
        model = net.to(kind)
        functional.reset_net(model)
        many = any(getattr(module, "step_mode", "s") == "m" for module in model.modules())
        seen: dict[str, list[np.ndarray]] = {}
        hooks = []
        for name, module in model.named_modules():
            if isinstance(module, neuron.BaseNode):

                def keep(module: Any, given: Any, out: Any, name: str = name) -> None:
                    seen.setdefault(name, []).append(out.detach().numpy().copy())

                hooks.append(module.register_forward_hook(keep))
        given = torch.as_tensor(inputs).to(kind).transpose(0, 1)
        with torch.no_grad():
            outputs = [model(given)] if many else [model(step) for step in given]
        for hook in hooks:
            hook.remove()
        net.to(torch.float32)
        functional.reset_net(net)
        seen["output"] = [out.numpy().copy() for out in outputs]
        return {
            name: values[0].swapaxes(0, 1) if many else np.stack(values, axis=1)
            for name, values in seen.items()
        }

    return simulate


def record(
    name: str,
    make: Callable[[], nn.Module],
    kind: str,
    shape: tuple[int, ...] = (6,),
    steps: int = 40,
    gain: float = 1.0,
    grid: float | None = None,
    dt: float = DT,
    sample: Any = None,
    **about: Any,
) -> Recording:
    def build(seed: int) -> tuple[Simulate, nn.Module]:
        torch.manual_seed(seed)
        net = weights(make(), gain, grid)
        return stepper(net), net

    net, inputs, spikes = search(build, shape, steps, grid)
    example = torch.rand(1, *shape) if sample is None else sample
    graph = export_to_nir(net, example, dt=dt)
    modules, renamed = {}, {"output": "output"}
    for module_name, module in net.named_modules():
        node = module_name.replace(".", "_")
        node = node if node in graph.nodes else f"_{node}"
        if node in graph.nodes and module_name:
            modules[node] = f"{module_name}: {type(module).__name__}"
            renamed[module_name] = node
    spikes = {renamed[node]: values for node, values in spikes.items()}
    return Recording(
        "spikingjelly", name, graph, inputs, spikes, dt, convention(kind), modules, **about
    )


def two(first: Callable[[], Any], second: Callable[[], Any]) -> Callable[[], nn.Module]:
    return lambda: nn.Sequential(
        OrderedDict(fc1=nn.Linear(6, 10), sn1=first(), fc2=nn.Linear(10, 4), sn2=second())
    )


class Skip(nn.Module):
    """Two currents meet at one neuron."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.sn1 = nn.Linear(6, 8), neuron.LIFNode(tau=3.0)
        self.fc2, self.sn2 = nn.Linear(8, 8), neuron.LIFNode(tau=3.0)

    def forward(self, x: Any) -> Any:
        current = self.fc1(x)
        return self.sn2(self.fc2(self.sn1(current)) + current)


class Twice(nn.Module):
    """One neuron layer and one matrix, called twice in a step."""

    def __init__(self) -> None:
        super().__init__()
        self.fc, self.sn = nn.Linear(6, 6), neuron.LIFNode(tau=2.0)

    def forward(self, x: Any) -> Any:
        return self.sn(self.fc(self.fc(x)))


class Blocks(nn.Module):
    """Modules in modules, and a list of them."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Linear(6, 8), neuron.IFNode())
        self.rest = nn.ModuleList([nn.Linear(8, 6), neuron.IFNode(), nn.Linear(6, 3)])

    def forward(self, x: Any) -> Any:
        x = self.first(x)
        for module in self.rest:
            x = module(x)
        return x


def recordings() -> Iterator[Recording]:
    """All networks of SpikingJelly."""
    lif = neuron.LIFNode
    yield record("if", two(neuron.IFNode, lambda: neuron.IFNode(v_threshold=1.5)), "IFNode")
    yield record("lif", two(lambda: lif(tau=2.0), lambda: lif(tau=4.0)), "LIFNode", gain=2.5)
    yield record(
        "lif_no_decay_input",
        two(lambda: lif(tau=3.0, decay_input=False), lambda: lif(tau=5.0, decay_input=False)),
        "LIFNode, decay_input=False",
    )
    yield record(
        "lif_v_reset",
        two(lambda: lif(tau=2.0, v_reset=-0.25), lambda: lif(tau=4.0, v_reset=0.25)),
        "LIFNode",
        gain=2.5,
    )
    yield record(
        "if_v_reset",
        two(lambda: neuron.IFNode(v_reset=-0.5), lambda: neuron.IFNode(v_reset=0.25)),
        "IFNode",
    )
    yield record(
        "plif",
        two(
            lambda: neuron.ParametricLIFNode(init_tau=3.0),
            lambda: neuron.ParametricLIFNode(init_tau=2.5),
        ),
        "ParametricLIFNode",
        gain=2.5,
    )
    cuba = neuron.CUBALIFNode
    yield record(
        "cuba",
        two(cuba, lambda: cuba(c_decay=0.25, v_decay=0.5, v_threshold=1.0)),
        "CUBALIFNode",
        gain=0.4,
    )
    yield record(
        "other_dt", two(lambda: lif(tau=2.0), lambda: lif(tau=4.0)), "LIFNode", gain=2.5, dt=1e-3
    )
    yield record(
        "ties",
        two(neuron.IFNode, lambda: lif(tau=2.0)),
        "IFNode",
        grid=0.25,
        odd=["voltages meet the threshold exactly; sn2 is a LIFNode: " + STEPS["LIFNode"]],
    )
    yield record(
        "many_steps",
        lambda: nn.Sequential(
            layer.Linear(6, 8, step_mode="m"),
            lif(tau=2.0, step_mode="m"),
            layer.Linear(8, 3, step_mode="m"),
            lif(tau=2.0, step_mode="m"),
        ),
        "LIFNode",
        gain=2.5,
        sample=torch.rand(5, 1, 6),
    )
    yield record("skip", Skip, "LIFNode", gain=2.0)
    yield record(
        "twice",
        Twice,
        "LIFNode",
        gain=2.0,
        odd=["fc is called twice in a step and is in the graph as fc and fc_1"],
    )
    yield record("blocks", Blocks, "IFNode")
    yield record(
        "conv",
        lambda: nn.Sequential(
            layer.Conv2d(2, 4, 3, stride=2, padding=1, bias=False),
            neuron.IFNode(),
            layer.AvgPool2d(2, padding=1),
            layer.Flatten(),
            layer.Linear(36, 4),
            neuron.IFNode(),
        ),
        "IFNode",
        (2, 9, 9),
        24,
    )
    yield record(
        "conv_same",
        lambda: nn.Sequential(
            layer.Conv2d(2, 3, 3, padding="same", dilation=2),
            lif(tau=2.0),
            layer.Flatten(),
            layer.Linear(108, 4),
        ),
        "LIFNode",
        (2, 6, 6),
        24,
        gain=2.5,
    )
    yield record(
        "conv1d",
        lambda: nn.Sequential(
            layer.Conv1d(2, 4, 3, stride=2, padding=1),
            neuron.IFNode(),
            layer.Conv1d(4, 3, 2, dilation=2),
            neuron.IFNode(),
            layer.Flatten(),
            layer.Linear(9, 4),
        ),
        "IFNode",
        (2, 9),
        30,
    )


def refused() -> Iterator[tuple[str, Callable[[], Any]]]:
    """What can't be exported: what it is, and the call that fails."""
    image = torch.rand(1, 2, 8, 8)

    def export(*layers: Any, data: Any = None) -> Callable[[], Any]:
        data = torch.rand(1, 6) if data is None else data
        return lambda: export_to_nir(nn.Sequential(*layers), data)

    yield (
        "IFNode(v_reset=None): reset by subtraction",
        export(nn.Linear(6, 3), neuron.IFNode(v_reset=None)),
    )
    yield "Conv2d with groups", export(layer.Conv2d(2, 4, 3, groups=2), neuron.IFNode(), data=image)
    yield (
        "Conv2d with a kernel of 3 x 1",
        export(layer.Conv2d(2, 4, (3, 1)), neuron.IFNode(), data=image),
    )
    yield (
        "a pooling as first layer",
        export(layer.AvgPool2d(2), layer.Conv2d(2, 4, 3), neuron.IFNode(), data=image),
    )
    yield (
        "MaxPool2d",
        export(layer.Conv2d(2, 4, 3), neuron.IFNode(), layer.MaxPool2d(2), data=image),
    )
    yield (
        "BatchNorm2d",
        export(layer.Conv2d(2, 4, 3), layer.BatchNorm2d(4), neuron.IFNode(), data=image),
    )
    yield "Dropout", export(nn.Linear(6, 3), layer.Dropout(0.5), neuron.IFNode())
    yield "KLIFNode", export(nn.Linear(6, 3), neuron.KLIFNode())
    yield "LinearRecurrentContainer", export(layer.LinearRecurrentContainer(neuron.IFNode(), 6, 6))
    yield (
        "AvgPool2d with ceil_mode",
        export(layer.Conv2d(2, 4, 3), neuron.IFNode(), nn.AvgPool2d(4, ceil_mode=True), data=image),
    )
