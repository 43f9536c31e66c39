"""Devices, shapes and random workloads for the tests of this folder."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from nengo_spikecost.energy.device import Constant, Device
from nengo_spikecost.energy.peers.lemaire import OperationTable
from nengo_spikecost.layers.layer_shape import LayerShape
from nengo_spikecost.workload.work_entries import DenseWork, PathwayWork, PopulationWork
from nengo_spikecost.workload.workload_record import LayerInfo, Workload


def digital(spiking: bool) -> Device:
    """A device with Horowitz's operations."""
    operations = {name: Constant(value) for name, value in vars(OperationTable()).items()}
    name = "digital_snn" if spiking else "digital"
    return Device(name, spiking, Constant(1e-12), Constant(1e-12), operations=operations)


def convolution(
    name: str = "conv",
    given: tuple[int, ...] = (8, 8, 2),
    made: tuple[int, ...] = (6, 6, 4),
    kernel: tuple[int, ...] = (3, 3),
    **changes: Any,
) -> LayerShape:
    """A convolution with biases."""
    fields: dict[str, Any] = {
        "kind": "convolution",
        "inputs": ("input",),
        "strides": (1,) * len(kernel),
        "n_weights": int(np.prod(kernel)) * given[-1] * made[-1],
        "n_biases": made[-1],
        **changes,
    }
    return LayerShape(
        name=name,
        layer=name,
        input_shapes=(given,),
        output_shape=made,
        kernel_size=kernel,
        **fields,
    )


def dense(name: str, n_in: int, n_out: int, **changes: Any) -> LayerShape:
    """A fully connected layer with biases."""
    fields = {"inputs": ("input",), "n_weights": n_in * n_out, "n_biases": n_out, **changes}
    return LayerShape(
        name=name,
        layer=name,
        kind="dense",
        input_shapes=((n_in,),),
        output_shape=(n_out,),
        **fields,
    )


def plain(name: str, kind: str, shape: tuple[int, ...], reads: str, **changes: Any) -> LayerShape:
    """A layer that keeps the shape of what it reads."""
    fields: dict[str, Any] = {"input_shapes": (shape,), "output_shape": shape, **changes}
    return LayerShape(name=name, layer=name, kind=kind, inputs=(reads,), **fields)


@st.composite
def spiking_workloads(draw: Any) -> Workload:
    """Chains of populations, fed with graded values, and a readout."""
    n_layers, n_samples = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    n_steps = draw(st.integers(1, 30))
    rng = np.random.RandomState(draw(st.integers(0, 10_000)))
    sizes = [int(n) for n in rng.randint(1, 200, n_layers + 2)]
    names = [f"layer{i}" for i in range(n_layers + 1)]
    populations = []
    for i, name in enumerate(names[:-1]):
        n = sizes[i + 1]
        work = PopulationWork(
            name=name,
            layer=name,
            n_neurons=n,
            neuron_type="LIF",
            spiking=True,
            updates=n * n_steps,
            spikes=rng.randint(0, n * n_steps + 1, n_samples),
            has_bias=bool(rng.randint(2)),
            leaky=bool(rng.randint(2)),
        )
        populations.append(work)
    pathways = []
    for i, name in enumerate(names):
        n_in, n_out = sizes[i], sizes[i + 1]
        n_synapses = int(rng.randint(0, n_in * n_out + 1))
        spikes = populations[i - 1].spikes if i else None
        events = None if spikes is None else spikes * rng.randint(0, n_out + 1)
        pathways.append(
            PathwayWork(
                name=f"{names[i - 1] if i else 'data'} -> {name}",
                layer=name,
                kind="readout" if name == names[-1] else "neural" if i else "input",
                n_synapses=n_synapses,
                n_sources=n_in,
                n_targets=n_out,
                n_weights=int(rng.randint(0, n_synapses + 1)),
                source_spikes=spikes,
                events=events,
                passes=1 if i == 0 and rng.randint(2) else n_steps,
            )
        )
    return Workload(
        layers=tuple(LayerInfo(name, "Dense", "(1,)") for name in names),
        populations=tuple(populations),
        pathways=tuple(pathways),
        dense=tuple(
            DenseWork(
                name=p.name,
                layer=p.layer,
                macs=p.n_synapses,
                n_sources=p.n_sources,
                n_targets=p.n_targets if p.kind == "readout" else 0,
                n_weights=p.n_weights,
            )
            for p in pathways
        ),
        uncounted=(),
        n_steps=n_steps,
        dt=0.001,
        n_samples=n_samples,
    )
