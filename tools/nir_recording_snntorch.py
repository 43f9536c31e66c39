"""Networks of snnTorch, run by it and written by its ``export_to_nir``; torch is needed."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import snntorch as snn
import torch
from nir_recording_file import Recording, Simulate, search
from nir_recording_weights import weights
from snntorch.export_nir import export_to_nir
from torch import nn

DT = 1e-4  # in snntorch/export_nir.py, for every network

STEPS = {
    "Leaky": "v = beta v + x",
    "Synaptic": "i = alpha i + x; v = beta v + i (the new i)",
    "RLeaky": "v = beta v + x + W z(one step ago) + b",
    "RSynaptic": "i = alpha i + x + W z(one step ago) + b; v = beta v + i (the new i)",
}
LOST = [
    "reset_mechanism (v_reset = 0 is written whatever it is)",
    "reset_delay",
    "the step of the user: dt = 1e-4 is written for every network",
]


def convention(kind: str, reset: str, delay: bool) -> dict[str, str]:
    """How snnTorch 1.0.0 steps a neuron of this kind."""
    when = "next step" if delay else "same step"
    if reset == "zero" and delay and kind != "Leaky":
        # Leaky sets v to zero and then adds the step's input, the others leave v at zero
        when = "next step, all of it"
    if reset == "none":
        when = "never"
    return {
        "compare": ">",
        "spikes_per_step": "one",
        "reset": reset,
        "reset_when": when,
        "equations": STEPS[kind],
        "start": "all zero",
    }


def stepper(net: nn.Module) -> Simulate:
    """Run a network whose neurons keep their state (``init_hidden=True``) from zero."""

    def simulate(inputs: np.ndarray, double: bool) -> dict[str, np.ndarray]:
        model = net.double() if double else net.float()
        seen: dict[str, list[np.ndarray]] = {}
        hooks = []
        for name, module in model.named_modules():
            if isinstance(module, snn.SpikingNeuron):
                module.reset_mem()  # type: ignore[operator]

                def keep(module: Any, given: Any, out: Any, name: str = name) -> None:
                    seen.setdefault(name, []).append(out.detach().numpy().copy())

                hooks.append(module.register_forward_hook(keep))
            elif isinstance(module, (nn.Linear, nn.Conv2d)):
                # spikes are float32 even in a model of float64
                hooks.append(
                    module.register_forward_pre_hook(lambda m, given: given[0].to(m.weight))
                )
        outputs = []
        with torch.no_grad():
            for step in range(inputs.shape[1]):
                given = torch.as_tensor(inputs[:, step])
                outputs.append(model(given.double() if double else given.float()).numpy().copy())
        for hook in hooks:
            hook.remove()
        net.float()
        result = {name: np.stack(values, axis=1) for name, values in seen.items()}
        result["output"] = np.stack(outputs, axis=1)
        return result

    return simulate


def dense(first: Callable[[int], Any], second: Callable[[int], Any], bias: bool = True) -> Any:
    def make() -> nn.Module:
        layers = [
            ("fc1", nn.Linear(6, 10, bias=bias)),
            ("lif1", first(10)),
            ("fc2", nn.Linear(10, 4)),
            ("lif2", second(4)),
        ]
        return nn.Sequential(OrderedDict(layers))

    return make


def neuron(kind: str, **settings: Any) -> Callable[[int], Any]:
    """A maker of neurons with arrays for beta and threshold: scalars can't be exported."""

    def make(size: int) -> Any:
        given = {"beta": torch.full((size,), 0.9), "threshold": torch.ones(size), **settings}
        if "Synaptic" in kind:
            given.setdefault("alpha", torch.full((size,), 0.7))
        if kind.startswith("R") and given.get("all_to_all", True):
            given["linear_features"] = size
        if not given.get("all_to_all", True):
            given["V"] = torch.linspace(-0.6, 0.6, size)
        return getattr(snn, kind)(init_hidden=True, **given)

    return make


def record(
    name: str,
    make: Callable[[], nn.Module],
    how: dict[str, str],
    shape: tuple[int, ...] = (6,),
    steps: int = 40,
    grid: float | None = None,
    **about: Any,
) -> Recording:
    def build(seed: int) -> tuple[Simulate, nn.Module]:
        torch.manual_seed(seed)
        net = weights(make(), grid=grid)
        return stepper(net), net

    net, inputs, spikes = search(build, shape, steps, grid)
    graph = export_to_nir(net, torch.rand(1, *shape), ignore_dims=[0])
    modules, renamed = {}, {"output": "output"}
    for module_name, module in net.named_modules():
        node = module_name if module_name in graph.nodes else f"{module_name}.lif"
        if node in graph.nodes:
            modules[node] = f"{module_name}: {type(module).__name__}"
            renamed[module_name] = node
    return Recording(
        "snntorch",
        name,
        graph,
        inputs,
        {renamed.get(node, node): values for node, values in spikes.items()},
        DT,
        how,
        modules,
        **{"lost": LOST, **about},
    )


class LeftOut(nn.Module):
    """A skip connection, which the exporter doesn't see."""

    def __init__(self, more: bool) -> None:
        super().__init__()
        self.fc1, self.lif1 = nn.Linear(6, 8), neuron("Leaky")(8)
        self.fc2, self.lif2 = nn.Linear(8, 8), neuron("Leaky")(8)
        self.fc3 = nn.Linear(8, 3) if more else nn.Sequential()

    def forward(self, x: Any) -> Any:
        current = self.fc1(x)
        return self.fc3(self.lif2(self.fc2(self.lif1(current)) + current))


def recordings() -> Iterator[Recording]:
    """All networks of snnTorch."""
    for kind, reset, delay in [
        ("Leaky", "subtract", True),
        ("Leaky", "zero", True),
        ("Leaky", "none", True),
        ("Leaky", "subtract", False),
        # zero in the same step gives the same spikes as zero in the next one: no spike is between
        ("Synaptic", "subtract", True),
        ("Synaptic", "zero", True),
        ("Synaptic", "zero", False),
        ("RLeaky", "subtract", True),
        ("RLeaky", "zero", True),
        ("RLeaky", "zero", False),
        ("RSynaptic", "subtract", True),
        ("RSynaptic", "zero", True),
    ]:
        first = neuron(kind, reset_mechanism=reset, reset_delay=delay)
        second = neuron(
            kind.lstrip("R") if kind != "RLeaky" else "RLeaky",
            reset_mechanism=reset,
            reset_delay=delay,
        )
        when = "" if delay or reset == "none" else "_now"
        yield record(
            f"{kind.lower()}_{reset}{when}", dense(first, second), convention(kind, reset, delay)
        )
    yield from particular()


def particular() -> Iterator[Recording]:
    """Networks that each show one thing."""
    subtract = convention("Leaky", "subtract", True)
    arrays = neuron(
        "Leaky",
        beta=torch.linspace(0.5, 0.97, 10),
        threshold=torch.linspace(0.6, 1.7, 10),
        learn_beta=True,
        learn_threshold=True,
    )
    yield record("leaky_arrays", dense(arrays, neuron("Leaky"), bias=False), subtract)
    integrate = dense(neuron("Leaky", beta=torch.ones(10)), neuron("Leaky", beta=torch.ones(4)))
    yield record(
        "integrate", integrate, subtract, odd=["beta = 1: tau and r are infinite in the file"]
    )
    drifted = torch.linspace(-0.2, 1.2, 10)
    yield record(
        "decays_out_of_range",
        dense(
            neuron("Synaptic", beta=drifted, alpha=torch.flip(drifted, (0,)), learn_beta=True),
            neuron("Leaky", beta=torch.full((4,), 1.05), learn_beta=True),
        ),
        convention("Synaptic", "subtract", True),
        odd=[
            "decays below 0 and above 1, as training may leave them, are cut to 0 and 1 by "
            "snnTorch, and written as they are: tau may be negative, or less than a step"
        ],
    )
    half = dense(
        neuron("Leaky", beta=torch.full((10,), 0.5)), neuron("Leaky", beta=torch.full((4,), 0.5))
    )
    yield record(
        "ties",
        half,
        subtract,
        grid=0.25,
        odd=["voltages meet the threshold exactly; tau is a float32"],
    )
    one_to_one = dense(neuron("RLeaky", all_to_all=False), neuron("Leaky"))
    yield record(
        "rleaky_one_to_one",
        one_to_one,
        convention("RLeaky", "subtract", True),
        odd=["the second layer is Leaky: without recurrence"],
    )
    yield record(
        "left_out",
        lambda: LeftOut(False),
        subtract,
        faithful=False,
        odd=[
            "an addition in forward() ends the graph: neither the skip connection nor lif2, which "
            "comes after it, is in the file, and nothing is said"
        ],
    )
    yield record(
        "left_out_middle",
        lambda: LeftOut(True),
        subtract,
        faithful=False,
        odd=[
            "an addition in forward() cuts the graph: fc2 and fc3 both lead to the output, lif2 "
            "has an Input of its own, and the skip connection is missing; nothing is said"
        ],
    )

    def conv() -> nn.Module:
        cells = {"beta": torch.full((4, 5, 5), 0.8), "threshold": torch.ones(4, 5, 5)}
        return nn.Sequential(
            nn.Conv2d(2, 4, 3, stride=2, padding=1, bias=False),
            snn.Leaky(init_hidden=True, **cells),
            nn.AvgPool2d(2),
            nn.Flatten(),
            nn.Linear(16, 5, bias=False),
            neuron("Leaky")(5),
        )

    yield record("conv", conv, subtract, (2, 9, 9), 24)

    def same() -> nn.Module:
        cells = {"beta": torch.full((3, 6, 6), 0.8), "threshold": torch.ones(3, 6, 6)}
        return nn.Sequential(
            nn.Conv2d(2, 3, 3, padding="same", dilation=2),
            snn.Leaky(init_hidden=True, **cells),
            nn.Flatten(),
            nn.Linear(108, 4),
        )

    yield record("conv_same", same, subtract, (2, 6, 6), 24)

    def grouped() -> nn.Module:
        cells = {"beta": torch.full((4, 5, 5), 0.8), "threshold": torch.ones(4, 5, 5)}
        return nn.Sequential(
            nn.Conv2d(2, 4, 2, groups=2),
            snn.Leaky(init_hidden=True, **cells),
            nn.Flatten(),
            nn.Linear(100, 4),
        )

    yield record(
        "conv_groups",
        grouped,
        subtract,
        (2, 6, 6),
        24,
        odd=["nir counts the channels of one group only"],
    )
    thresholds = dense(
        neuron("Leaky", threshold=torch.full((10,), 0.5)),
        neuron("Leaky", threshold=torch.full((4,), 2.0)),
    )
    yield record("leaky_thresholds", thresholds, subtract)


def refused() -> Iterator[tuple[str, Callable[[], Any]]]:
    """What can't be exported: what it is, and the call that fails."""
    one, image = torch.rand(1, 6), torch.rand(1, 2, 6, 6)

    def export(*layers: Any, data: Any = one) -> Callable[[], Any]:
        return lambda: export_to_nir(nn.Sequential(*layers), data, ignore_dims=[0])

    leaky = neuron("Leaky")
    yield (
        "Leaky(beta=0.9), as in the documentation",
        export(nn.Linear(6, 3), snn.Leaky(beta=0.9, init_hidden=True)),
    )
    yield (
        "Leaky with an array for beta and a threshold of one number",
        export(nn.Linear(6, 3), snn.Leaky(beta=torch.full((3,), 0.9), init_hidden=True)),
    )
    yield (
        "sample_data with a batch and without ignore_dims=[0]",
        lambda: export_to_nir(nn.Sequential(nn.Linear(6, 3), leaky(3)), one),
    )
    yield (
        "RLeaky(all_to_all=False, V=0.5)",
        export(nn.Linear(6, 3), snn.RLeaky(beta=0.9, V=0.5, all_to_all=False, init_hidden=True)),
    )
    yield (
        "RLeaky with a convolution as recurrence",
        export(
            nn.Conv2d(2, 2, 3, padding=1),
            snn.RLeaky(beta=0.9, conv2d_channels=2, kernel_size=3, init_hidden=True),
            data=image,
        ),
    )
    yield (
        "Conv2d with a kernel of 3 x 1",
        export(
            nn.Conv2d(2, 2, (3, 1)),
            snn.Leaky(
                beta=torch.full((2, 4, 6), 0.9), threshold=torch.ones(2, 4, 6), init_hidden=True
            ),
            data=image,
        ),
    )
    yield (
        "AvgPool2d with padding",
        export(nn.AvgPool2d(2, padding=1), nn.Flatten(), nn.Linear(32, 2), data=image),
    )
    yield "MaxPool2d", export(nn.MaxPool2d(2), nn.Flatten(), nn.Linear(18, 3), data=image)
    yield "Dropout", export(nn.Linear(6, 3), nn.Dropout(), leaky(3))
    yield "BatchNorm1d", export(nn.Linear(6, 3), nn.BatchNorm1d(3).eval(), leaky(3))
    yield "Lapicque", export(nn.Linear(6, 3), snn.Lapicque(beta=0.9, init_hidden=True))
    yield "Alpha", export(nn.Linear(6, 3), snn.Alpha(alpha=0.9, beta=0.8, init_hidden=True))
    yield "Conv1d", export(nn.Conv1d(6, 3, 1), leaky(3), data=torch.rand(1, 6, 1))
