"""Networks of Norse, run by it and written by its ``to_nir``; torch is needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import norse.torch as norse
import numpy as np
import torch
from nir_recording_file import Recording, Simulate, search
from nir_recording_weights import weights
from torch import nn

DT = 1e-3  # default of to_nir and of every cell

LIF_STEP = "v = v + dt tau_mem_inv (v_leak - v + x)"
STEPS = {
    "LIFBoxCell": LIF_STEP,
    "LIFCell": "i = i + x; v = v + dt tau_mem_inv (v_leak - v + i); i = i - dt tau_syn_inv i",
    "IAFCell": "v = v + x",
    "LIBoxCell": LIF_STEP + "; the output is v",
}
TIME = (
    "tau = dt / tau_mem_inv is dt times the time constant in seconds: with to_nir's default of "
    "dt = 0.001, 10 ms are written as 1e-5"
)
LOST = ["reset_method (v_reset = 0 is written whatever it is)", "v_reset"]


def convention(kind: str, reset: str = "value", start: str = "v = v_leak, i = 0") -> dict[str, str]:
    """How Norse 1.1.0 steps a neuron of this kind."""
    return {
        "compare": ">",
        "spikes_per_step": "one",
        "reset": reset,
        "reset_when": "same step",
        "equations": STEPS[kind],
        "start": start,
    }


def stepper(net: Any) -> Simulate:
    def simulate(inputs: np.ndarray, double: bool) -> dict[str, np.ndarray]:
        kind = torch.float64 if double else torch.float32
        model = net.to(kind)
        seen: dict[str, list[np.ndarray]] = {}
        hooks = []
        for name, module in model.named_children():
            if hasattr(module, "state_fallback"):

                def keep(module: Any, given: Any, out: Any, name: str = name) -> None:
                    seen.setdefault(name, []).append(out[0].detach().numpy().copy())

                hooks.append(module.register_forward_hook(keep))
            else:
                hooks.append(
                    module.register_forward_pre_hook(lambda module, given: given[0].to(kind))
                )
        outputs, state = [], None
        with torch.no_grad():
            for step in range(inputs.shape[1]):
                out, state = model(torch.as_tensor(inputs[:, step]).to(kind), state)
                outputs.append(out.numpy().copy())
        for hook in hooks:
            hook.remove()
        net.to(torch.float32)
        result = {name: np.stack(values, axis=1) for name, values in seen.items()}
        result["output"] = np.stack(outputs, axis=1)
        return result

    return simulate


def box(shape: tuple[int, ...], rate: float = 100.0, dt: float = DT, **settings: Any) -> Any:
    given = {"v_leak": 0.0, "v_th": 1.0, **settings}
    method = given.pop("reset_method", norse.reset_value)
    arrays = {name: torch.as_tensor(value) + torch.zeros(shape) for name, value in given.items()}
    parameters = norse.LIFBoxParameters(
        tau_mem_inv=torch.full(shape, rate), reset_method=method, **arrays
    )
    return norse.LIFBoxCell(parameters, dt=dt)


def cell(size: int, rate: float = 100.0, synapse: float = 200.0, **settings: Any) -> Any:
    given = {"v_leak": 0.0, "v_th": 1.0, "v_reset": 0.0, **settings}
    arrays = {name: torch.full((size,), value) for name, value in given.items()}
    times = {"tau_mem_inv": torch.full((size,), rate), "tau_syn_inv": torch.full((size,), synapse)}
    return norse.LIFCell(norse.LIFParameters(**times, **arrays))


def iaf(size: int, v_th: float = 1.0, v_reset: float = 0.0) -> Any:
    values = {"v_th": torch.full((size,), v_th), "v_reset": torch.full((size,), v_reset)}
    return norse.IAFCell(norse.IAFParameters(**values))


def li(size: int) -> Any:
    values = {"tau_mem_inv": torch.full((size,), 50.0), "v_leak": torch.full((size,), 0.1)}
    return norse.LIBoxCell(norse.LIBoxParameters(**values))


def record(
    name: str,
    make: Callable[[], Any],
    how: dict[str, str],
    shape: tuple[int, ...] = (6,),
    steps: int = 40,
    gain: float = 5.0,
    grid: float | None = None,
    dt: float = DT,
    sample: Any = None,
    infer: bool = False,
    **about: Any,
) -> Recording:
    """``gain`` is large as currents are scaled by dt / tau. ``dt`` is what to_nir is given."""

    def build(seed: int) -> tuple[Simulate, Any]:
        torch.manual_seed(seed)
        net = weights(make(), gain, grid)
        return stepper(net), net

    net, inputs, spikes = search(build, shape, steps, grid)
    graph = norse.to_nir(net, torch.rand(shape) if sample is None else sample, dt=dt)
    if infer:
        graph.infer_types()
    modules = {
        node: f"{node}: {type(module).__name__}"
        for node, module in net.named_children()
        if node in graph.nodes
    }
    steps_by = [module.dt for module in net.children() if hasattr(module, "state_fallback")]
    about["step"] = steps_by[0]
    return Recording(
        "norse", name, graph, inputs, spikes, dt, how, modules, **{"lost": LOST, **about}
    )


def two(first: Callable[[], Any], second: Callable[[], Any]) -> Callable[[], Any]:
    return lambda: norse.SequentialState(nn.Linear(6, 10), first(), nn.Linear(10, 4), second())


def recordings() -> Iterator[Recording]:
    """All networks of Norse."""
    lif = convention("LIFBoxCell")
    plain = two(lambda: box((10,)), lambda: box((4,)))
    yield record("lif", plain, lif, odd=[TIME])
    yield record(
        "lif_seconds",
        plain,
        lif,
        dt=1.0,
        odd=["written with to_nir(dt=1), so that tau is in seconds; the cells step by 0.001"],
    )
    slow = two(lambda: box((10,), dt=2e-3), lambda: box((4,), dt=2e-3))
    yield record(
        "lif_other_dt", slow, lif, odd=[TIME, "the cells step by 0.002, to_nir wrote for 0.001"]
    )
    subtract = {"reset_method": norse.reset_subtract}
    yield record(
        "lif_subtract",
        two(lambda: box((10,), **subtract), lambda: box((4,), **subtract)),
        convention("LIFBoxCell", "subtract"),
        odd=[TIME],
    )
    yield record(
        "lif_v_reset",
        two(lambda: box((10,), v_reset=-0.4), lambda: box((4,), v_reset=0.2)),
        lif,
        odd=[TIME, "v_reset = -0.4 and 0.2 are written as 0"],
        faithful=False,
    )
    yield record(
        "lif_v_leak",
        two(lambda: box((10,), v_leak=0.3), lambda: box((4,), v_leak=-0.2)),
        lif,
        odd=[TIME],
    )
    rates = torch.linspace(40.0, 400.0, 10)
    several = norse.LIFBoxParameters(
        tau_mem_inv=rates, v_leak=torch.zeros(10), v_th=torch.linspace(0.5, 1.5, 10)
    )
    yield record(
        "lif_arrays",
        two(lambda: norse.LIFBoxCell(several), lambda: box((4,), v_th=0.7)),
        lif,
        odd=[TIME],
    )
    yield record(
        "cuba",
        two(lambda: cell(10), lambda: cell(4)),
        convention("LIFCell"),
        gain=2.0,
        odd=[TIME, "w_in = 1 is written, though all of the input jumps into i"],
    )
    yield record(
        "cuba_seconds",
        two(lambda: cell(10), lambda: cell(4)),
        convention("LIFCell"),
        gain=2.0,
        dt=1.0,
        odd=[
            "written with to_nir(dt=1); w_in = 1 is written, though all of the input jumps into i"
        ],
    )
    yield record(
        "iaf",
        two(lambda: iaf(10), lambda: iaf(4, v_th=1.5)),
        convention("IAFCell", start="v = v_reset"),
        gain=1.0,
    )
    yield record("li", two(lambda: box((10,)), lambda: li(4)), lif, odd=[TIME])
    half = {"rate": 512.0, "dt": 2.0**-10}
    yield record(
        "ties",
        two(lambda: box((10,), **half), lambda: box((4,), **half)),
        lif,
        gain=5.0,
        grid=0.25,
        dt=1.0,
        odd=[
            "voltages meet the threshold exactly; written with "
            "to_nir(dt=1), the cells step by 1/1024 s"
        ],
    )
    yield record(
        "batch",
        plain,
        lif,
        sample=torch.rand(1, 6),
        odd=[TIME, "sample_data had a batch of 1: input is of shape (1, 6), output of (1, 4)"],
    )
    scalars = two(norse.LIFBoxCell, norse.LIFBoxCell)
    yield record(
        "scalars",
        scalars,
        lif,
        odd=[
            TIME,
            "parameters are numbers without a shape; nir.write needs compression=None for them",
        ],
    )

    def conv() -> Any:
        return norse.SequentialState(
            nn.Conv2d(2, 4, 3, stride=2, padding=1),
            box((4, 4, 4)),
            nn.Conv2d(4, 3, 2, dilation=2),
            box((3, 2, 2)),
        )

    yield record(
        "conv",
        conv,
        lif,
        (2, 8, 8),
        24,
        infer=True,
        odd=[TIME, "the user has to call infer_types() before the graph can be written"],
    )

    def groups() -> Any:
        return norse.SequentialState(nn.Conv2d(2, 4, 3, padding="same", groups=2), box((4, 5, 5)))

    yield record(
        "conv_groups",
        groups,
        lif,
        (2, 5, 5),
        24,
        infer=True,
        odd=[TIME, "nir counts the channels of one group only"],
    )


def refused() -> Iterator[tuple[str, Callable[[], Any]]]:
    """What can't be exported: what it is, and the call that fails."""
    image = torch.rand(2, 6, 6)

    def export(*layers: Any, data: Any = None) -> Callable[[], Any]:
        data = torch.rand(6) if data is None else data
        return lambda: norse.to_nir(norse.SequentialState(*layers), data)

    yield "LIFBoxCell() with its defaults", export(nn.Linear(6, 3), norse.LIFBoxCell())
    yield (
        "Conv2d, without a call of infer_types()",
        export(nn.Conv2d(2, 3, 3), box((3, 4, 4)), data=image),
    )
    yield (
        "Conv2d without a bias",
        export(nn.Conv2d(2, 3, 3, bias=False), box((3, 4, 4)), data=image),
    )
    yield "Flatten", export(nn.Conv2d(2, 3, 3), nn.Flatten(0), nn.Linear(48, 2), data=image)
    yield "AvgPool2d", export(nn.AvgPool2d(2), nn.Conv2d(2, 3, 3), data=image)
    yield "LICell", export(nn.Linear(6, 3), norse.LICell())
    yield "LIFRecurrentCell", export(norse.LIFRecurrentCell(6, 3))
    yield (
        "LIF, which takes all steps at once",
        export(nn.Linear(6, 3), norse.LIF(), data=torch.rand(5, 6)),
    )
    yield (
        "RecurrentSequential",
        lambda: norse.to_nir(norse.RecurrentSequential(nn.Linear(6, 6), box((6,))), torch.rand(6)),
    )
    yield "Dropout", export(nn.Linear(6, 3), nn.Dropout(), box((3,)))
