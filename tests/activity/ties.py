"""Where compiled code and Nengo differ: whether a rounding decided there."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import nengo
import numpy as np

import nengo_spikecost as nsc

DT = 0.001

#: How far a number may be from where Nengo has it in float64, as a share of itself (or of 1): a few
#: dozen roundings of 6e-8 add up over steps, and sums of products that cancel leave more of them.
NEAR = {"float64": 1e-12, "float32": 2e-5}


def assert_ties(
    net: nengo.Network, x: Mapping[str, np.ndarray], n_steps: int, dtype: str
) -> set[str]:
    """The first differences of every sample are ties; what follows from them may differ.

    Parameters
    ----------
    net : nengo.Network
        With a seed. Its Probes are replaced.
    x : mapping from label of a Node to ndarray, shape (n_samples, size) or (n_samples, steps, size)
    n_steps : int
    dtype : {"float32", "float64"}

    Returns
    -------
    set of str
        Kinds of the neurons that had ties.
    """
    net.probes.clear()  # those with sample_every have no value in a few steps
    sources = [p for p in nsc.NetworkGraph(net).spike_sources if p.spiking]
    runs = []
    for n in range(1, n_steps + 1):
        cut = {name: v if v.ndim == 2 else v[:, :n] for name, v in x.items()}
        run = nsc.measure(net, cut, n, simulator="compiled", dtype=dtype, progress=False)
        runs.append({p.name: run.populations[p.name].counts for p in sources})
    own = {
        p.name: np.diff(np.stack([run[p.name] for run in runs]).astype(int), axis=0, prepend=0)
        for p in sources
    }  # (steps, samples, neurons)
    kinds = set()
    with net:
        probes = {p.name: _probes(p.obj) for p in sources}
    for k in range(len(next(iter(x.values())))):
        fed = Fed(net, {name: values[k] for name, values in x.items()})
        with fed, nengo.Simulator(net, dt=DT, seed=0, progress_bar=False, optimize=False) as sim:
            sim.run_steps(n_steps, progress_bar=False)
            data = {p: {q: sim.data[o] for q, o in of.items()} for p, of in probes.items()}
            start = {p.name: _start(sim, p.obj) for p in sources}
        steps: list[Any] = []
        for p in sources:
            unit = DT / getattr(p.obj.neuron_type, "amplitude", 1.0)
            spikes = np.rint(np.abs(data[p.name]["output"]) * unit).astype(int)
            differ = np.argwhere(spikes != own[p.name][:, k])
            steps += [(int(t), p, int(i)) for t, i in differ]
        first = min((t for t, *_ in steps), default=None)
        for t, p, i in steps:
            if t != first:
                continue
            kind = p.obj.neuron_type
            recorded = data[p.name]
            drive = "rate_out" if "rate_out" in recorded else "input"
            j = float(recorded[drive][t, i])
            state = {
                name: float(recorded[name][t - 1, i] if t else start[p.name][name][i])
                for name in start[p.name]
            }
            said = f"sample {k}, {p.name} ({kind}), neuron {i}, step {t}: {j}, {state}"
            assert is_tie(kind, DT, j, state, NEAR[dtype]), said
            kinds.add(type(kind).__name__)
    return kinds


def _probes(ensemble: nengo.Ensemble) -> dict[str, nengo.Probe]:
    names = ("output", "input", "rate_out", *ensemble.neuron_type.state)
    return {
        name: nengo.Probe(ensemble.neurons, name)
        for name in names
        if name in ensemble.neurons.probeable
    }


def _start(sim: Any, ensemble: nengo.Ensemble) -> dict[str, np.ndarray]:
    """The state that neurons start from."""
    signals = sim.model.sig[ensemble.neurons]
    return {name: signals[name].initial_value for name in ensemble.neuron_type.state}


class Fed:
    """A network whose Nodes give the values of one sample."""

    def __init__(self, net: nengo.Network, values: Mapping[str, np.ndarray]):
        self.nodes = {node: values[node.label] for node in net.all_nodes if node.label in values}
        self.before = {node: node.output for node in self.nodes}

    def __enter__(self) -> None:
        for node, own in self.nodes.items():
            steps = np.atleast_2d(own).astype(float)

            def output(t: float, steps: Any = steps) -> Any:
                return steps[min(round(t / DT) - 1, len(steps) - 1)]

            nengo.Node.output.data[node] = output

    def __exit__(self, *error: Any) -> None:
        nengo.Node.output.data.update(self.before)


def is_tie(neuron_type: Any, dt: float, j: float, state: Mapping[str, float], near: float) -> bool:
    """Whether a neuron's output in a step hangs on a rounding.

    Its step is done again in float64 with its input and its state a little lower and a little
    higher: a tie is where the outputs differ.

    Parameters
    ----------
    neuron_type : nengo.neurons.NeuronType
    dt : float
    j : float
        Its input in this step.
    state : mapping from str to float
        Its state before.
    near : float
        How much lower and higher, as a share of the number (or of 1, if that is more).
    """
    outputs = set()
    for signs in itertools.product((-1, 0, 1), repeat=1 + len(state)):
        numbers = [j, *state.values()]
        moved = [np.array([v + sign * near * max(abs(v), 1.0)]) for v, sign in zip(numbers, signs)]
        output = np.zeros(1)
        neuron_type.step(dt, moved[0], output, **dict(zip(state, moved[1:])))
        outputs.add(float(output[0]))
    return len(outputs) > 1
