"""Networks before and after lowering, compared by running them."""

from __future__ import annotations

from typing import Any

import nengo
import nengo_dl
import numpy as np
from nengo.ensemble import Neurons

from nengo_spikecost.graph import NetworkGraph

#: Largest difference of a rate, relative to the largest rate: lowering rounds differently,
#: in float64 in Nengo and float32 in NengoDL.
TOLERANCE = {"nengo": 1e-9, "nengo_dl": 1e-6}


def synapses(network: nengo.Network) -> dict[tuple[str, str], int]:
    """Synapses between each two populations, all pathways together."""
    found: dict[tuple[str, str], int] = {}
    for pathway in NetworkGraph(network).pathways:
        if pathway.kind == "neural":
            key = pathway.pre.name, pathway.post.name
            found[key] = found.get(key, 0) + pathway.n_synapses
    return found


def snapshot(network: nengo.Network) -> dict[Any, Any]:
    """Every object of a network with the identity of all its attributes."""
    found: dict[Any, Any] = {}
    for obj in network.all_objects:
        if not isinstance(obj, nengo.Network):
            found[obj] = {name: getattr(obj, name) for name in obj.params}
        found[obj, "config"] = None
    for net in (network, *network.all_networks):
        found[net, "config"] = {key: str(value) for key, value in net.config.params.items()}
    found["objects"] = list(network.all_objects)
    found["arrays"] = {
        obj: np.array(obj.transform.init)
        for obj in network.all_connections
        if isinstance(getattr(obj.transform, "init", None), np.ndarray)
    }
    return found


def assert_unchanged(network: nengo.Network, before: dict[Any, Any]) -> None:
    """Fail if a network differs from its `snapshot`."""
    after = snapshot(network)
    assert before.keys() == after.keys()
    assert before["objects"] == after["objects"]
    for conn, weights in before["arrays"].items():
        assert np.array_equal(weights, after["arrays"][conn])
    for key, value in before.items():
        if isinstance(key, tuple):
            assert value == after[key]
        elif isinstance(value, dict) and key != "arrays":
            assert all(same(value[name], after[key][name]) for name in value)


def same(one: Any, two: Any) -> bool:
    """Whether two attributes are equal, arrays included."""
    if one is two:
        return True
    if isinstance(one, np.ndarray) or isinstance(two, np.ndarray):
        return np.array_equal(one, two)
    return bool(one == two)


def assert_same_rates(
    network: nengo.Network,
    lowering: Any,
    inputs: Any = (),
    steps: int = 12,
    simulators: Any = ("nengo", "nengo_dl"),
    may_be_silent: bool = False,
) -> None:
    """Fail if any Ensemble or Probe of a network gives something else after lowering.

    A network that gives nothing at all would tell nothing, and fails too, unless it may be silent:
    then nothing has to be what it gives after lowering.
    """
    values = {node: np.random.RandomState(3).uniform(0, 1, node.size_out) for node in inputs}
    for simulator in simulators:
        run = run_nengo if simulator == "nengo" else run_nengo_dl
        before = run(network, {obj: obj for obj in lowering.objects}, values, steps)
        after = run(lowering.network, lowering.objects, values, steps)
        assert before.keys() == after.keys()
        scale = max(np.abs(value).max() for value in before.values())
        assert scale > 0 or may_be_silent
        if scale == 0:
            assert not any(value.any() for value in after.values())
            continue
        for key, value in before.items():
            error = np.abs(value - after[key]).max() / max(scale * 1e-3, np.abs(value).max())
            assert error < TOLERANCE[simulator], (key, error)


def _wrapped(network: nengo.Network, objects: Any) -> tuple[nengo.Network, dict[Any, Any]]:
    """The network with a Probe on all neurons, in a network of its own."""
    with nengo.Network(seed=network.seed, add_to_container=False) as outer:
        outer.networks.append(network)
        probes = {
            old: nengo.Probe(new, synapse=None)
            for old, new in objects.items()
            if isinstance(old, Neurons)
        }
    probes.update({o: n for o, n in objects.items() if isinstance(o, nengo.Probe)})
    return outer, probes


def run_nengo(network: Any, objects: Any, values: Any, steps: int) -> dict[Any, np.ndarray]:
    """Everything probed, by the object of the given network, in Nengo's reference simulator."""
    outer, probes = _wrapped(network, objects)
    outputs = {objects[node]: objects[node].output for node in values}
    try:
        for node, value in values.items():
            objects[node].output = value
        with nengo.Simulator(outer, progress_bar=False, optimize=False) as sim:
            sim.run_steps(steps)
            return {old: np.array(sim.data[probe]) for old, probe in probes.items()}
    finally:
        for node, output in outputs.items():
            node.output = output


def run_nengo_dl(network: Any, objects: Any, values: Any, steps: int) -> dict[Any, np.ndarray]:
    """Everything probed, by the object of the given network, in NengoDL."""
    outer, probes = _wrapped(network, objects)
    data = {objects[n]: np.tile(v[None, None], (1, steps, 1)) for n, v in values.items()}
    with nengo_dl.Simulator(outer, progress_bar=False) as sim:
        found = sim.predict_on_batch(data if data else None, n_steps=None if data else steps)
        return {old: np.array(found[probe][0]) for old, probe in probes.items()}
