"""Spikes, synops, prices and files of a network, against ``nengo.Simulator`` and by hand."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

import nengo
import numpy as np
from nengo.ensemble import Neurons
from nengo.exceptions import NengoException
from nengo_loihi.passthrough import PassthroughSplit
from nengo_loihi.splitter import HostChipSplit

import nengo_spikecost as nsc
from nengo_spikecost.energy import devices
from nengo_spikecost.workload.exact import count
from tests.activity import against_nengo
from tests.activity.ties import Fed, assert_ties
from tests.json_files import check_json
from tests.native.brute_force import has_neurons, simulate, synapse_counts
from tests.soak.registry import LeftOut, check, kept

KERAS = ("Keras 2", "Keras 3", "Keras, dicts", "Keras, in time", "Keras, on Loihi")
NATIVE = ("Nengo, ensembles", "Nengo, modules", "Nengo, SPA", "Nengo, linear ways")
DRAWN = ("Nengo, all objects",)
CHIP = ("Loihi, populations", "Loihi, blocks", "Loihi, values")
ALL = (*KERAS, *NATIVE, *CHIP, *DRAWN)

#: Devices that take energy for synops and updates, and for nothing else.
PLAIN = ("loihi", "spinnaker2", "digital_snn")


@kept
def measured(network: Any, simulator: str, **options: Any) -> Any:
    """The activity of a network's samples."""
    return nsc.measure(
        network.spiking, network.given(network.spiking), steps_given(network), simulator=simulator,
        progress=False, **options,
    )  # fmt: skip


def steps_given(network: Any) -> int | None:
    """Steps as `measure` is told them; samples in time have their own."""
    return None if network.temporal else int(network.n_steps)


def labelled(network: Any) -> dict[str, np.ndarray]:
    """The data by the labels of the Nodes, each of shape (samples, [steps,] size)."""
    given = network.given(network.spiking) or {}
    nodes = getattr(network.spiking, "inputs", None)
    if nodes is None:
        return dict(given)
    lead = 2 if network.temporal else 1
    return {nodes[key].label: x.reshape(*x.shape[:lead], -1) for key, x in given.items()}


@kept
def by_hand(network: Any, sample: int) -> tuple[Any, dict[Any, np.ndarray]]:
    """A closed ``nengo.Simulator`` of one sample, and the spikes of each Ensemble by step."""
    values = {label: x[sample] for label, x in labelled(network).items()}
    with Fed(network.net, values):
        sim, spikes = simulate(network.net, network.n_steps)
    return sim, {e: found for e, found in spikes.items() if e.neuron_type.spiking}


@kept
def graph_of(network: Any) -> Any:
    """The graph that is looked at."""
    return nsc.NetworkGraph(network.spiking)


@kept
def energy_of(network: Any) -> Any:
    """The energy by the spikes of ``measure(..., simulator="nengo")``."""
    return nsc.NetworkEnergy(network.spiking, measured(network, "nengo"))


def n_samples(network: Any) -> int:
    """Samples that the network is given."""
    return max((len(x) for x in labelled(network).values()), default=1)


# -- spikes ---------------------------------------------------------------------------------


@check("spikes", "nengo.Simulator, with Probes of our own", (*KERAS, *NATIVE, *CHIP))
def spikes(network: Any) -> None:
    """Of `simulator="nengo"` and of compiled code in float64 and float32, every neuron's.

    Where a count differs, it must hang on a rounding: `assert_ties` does that step again with
    Nengo's own numbers a little lower and higher.
    """
    runs = {
        "nengo": measured(network, "nengo"),
        "float64": measured(network, "compiled", dtype="float64"),
        "float32": measured(network, "compiled", dtype="float32"),
    }
    graph = graph_of(network)
    for name, run in runs.items():
        tied = False
        for population in graph.populations:
            ensemble = population.ensemble
            if not population.spiking:
                continue
            for k in range(n_samples(network)):
                wanted = by_hand(network, k)[1][ensemble].sum(axis=0)
                found = run.populations[population.name].counts[k]
                if name == "nengo":
                    np.testing.assert_array_equal(found, wanted, f"{population.name}, sample {k}")
                tied |= not np.array_equal(found, wanted)
        if tied:
            _only_ties(network, name)


def _only_ties(network: Any, dtype: str) -> None:
    values = labelled(network)
    if not values:
        # nothing is fed: one sample of a Node that is not there
        values = {"": np.zeros((1, 1), dtype=np.float32)}
    assert_ties(network.net, values, network.n_steps, dtype)


@check("spikes", "nengo.Simulator, with Probes of our own", DRAWN)
def spikes_of_all_objects(network: Any) -> None:
    """Of compiled code, with outputs; every presentation, also where neurons draw numbers."""
    with _what_nengo_cannot():
        _, total = against_nengo.check(network.seed)
    if not total:
        raise LeftOut("Nengo itself can't simulate what was drawn, or its neurons are chaotic")


@contextlib.contextmanager
def _what_nengo_cannot() -> Iterator[None]:
    try:
        yield
    except NengoException as error:
        raise LeftOut(f"Nengo: {type(error).__name__}") from error


@check("batches and order of samples", "one sample after the other", (*KERAS, *DRAWN))
def batches(network: Any) -> None:
    """Bit for bit, in compiled code: counts and outputs."""
    one = measured(network, "compiled", batch_size=1)
    rng = np.random.RandomState(network.seed)
    order = rng.permutation(n_samples(network))
    given = {name: x[order] for name, x in network.given(network.spiking).items()}
    own = nsc.measure(
        network.spiking, given, steps_given(network), simulator="compiled", progress=False,
        batch_size=int(rng.randint(2, 5)),
    )  # fmt: skip
    for name, population in one.populations.items():
        np.testing.assert_array_equal(
            own.populations[name].counts, population.counts[order], err_msg=name
        )
    for name, output in one.outputs.items():
        np.testing.assert_array_equal(own.outputs[name].mean, output.mean[order], err_msg=name)
        np.testing.assert_array_equal(own.outputs[name].last, output.last[order], err_msg=name)


# -- synops and prices ------------------------------------------------------------------------


@kept
def targets(network: Any) -> dict[Any, np.ndarray]:
    """Targets of each neuron by route, of matrices that Nengo built.

    A neuron that no evaluation point makes fire has decoders of zero, which no graph can know of:
    it is given the targets that the graph says, which `synops` has looked at.
    """
    sim, _ = by_hand(network, 0)
    found = dict(synapse_counts(network.net, sim))
    for pathway in graph_of(network).pathways:
        route = pathway.connections
        if pathway.kind not in ("neural", "readout") or not pathway.n_synapses:
            continue
        first = route[0]
        if has_neurons(first.pre_obj):
            silent = ~np.any(sim.data[first].weights, axis=0)
            own = found.get(route, np.zeros_like(pathway.fan_out))
            found[route] = np.where(silent, pathway.fan_out, own)
    return found


@check("synops", "spikes times targets of Nengo's built matrices", ALL)
def synops(network: Any) -> None:
    """Every route from neurons, and every neuron's targets."""
    graph = graph_of(network)
    if any(not isinstance(c.transform, _READABLE) for c in network.net.all_connections):
        raise LeftOut("a transform that brute force has no matrix of")
    run = measured(network, "nengo")
    expected = {route: found for route, found in targets(network).items() if found.any()}
    counted = {
        p.connections: p for p in graph.pathways
        if p.kind in ("neural", "readout") and p.n_synapses and p.pre.ensemble is not None
    }  # fmt: skip
    assert counted.keys() <= expected.keys(), "routes that lead nowhere"
    # what has no count is listed, with the reason
    assert counted.keys() == expected.keys() or graph.uncounted, "routes are missing"
    work = {p.name: p for p in count(graph, run).pathways}
    for route, pathway in counted.items():
        np.testing.assert_array_equal(pathway.fan_out, expected[route], pathway.name)
        if pathway.kind != "neural" or not pathway.pre.spiking or not network.again:
            continue
        for k in range(n_samples(network)):
            emitted = by_hand(network, k)[1][pathway.pre.ensemble].sum(axis=0)
            done = work[pathway.name]
            found = done.synops if done.on_chip else done.events
            assert found[k] == emitted @ expected[route], (pathway.name, found[k])


_READABLE = (
    nengo.Dense, nengo.Sparse, nengo.Convolution, nengo.ConvolutionTranspose,
    nengo.transforms.NoTransform,
)  # fmt: skip


@check("price", "spikes, targets and steps times the constants, by hand", ALL)
def price(network: Any) -> None:
    """On devices that take energy for synops and updates; per sample."""
    if not network.again:
        raise LeftOut("two runs differ: neurons draw random numbers, or a Node remembers")
    spiking = [e for e in network.net.all_ensembles if has_neurons(e) and e.neuron_type.spiking]
    if not spiking:
        raise LeftOut("nothing in it spikes")
    energy = energy_of(network)
    split = HostChipSplit(network.net)
    converted = hasattr(network, "model")
    try:
        replaced = set() if converted else PassthroughSplit(network.net, split).to_remove
    except Exception as error:  # of whatever kind: NengoLoihi refuses with bare asserts too
        raise LeftOut(f"NengoLoihi can't split its relays: {type(error).__name__}") from error
    routes = {p.connections for p in graph_of(network).pathways if p.kind == "neural"}
    on_chip = {ensemble for ensemble in spiking if split.on_chip(ensemble)}
    updates = network.n_steps * sum(ensemble.n_neurons for ensemble in on_chip)
    per_sample = np.zeros(n_samples(network))
    for route, found in targets(network).items():
        pre, post = (getattr(o, "ensemble", o) for o in (route[0].pre_obj, route[-1].post_obj))
        # spikes of the host's neurons are sent as they are, unless a relay that it runs makes
        # numbers of them; those of a conversion are counted as lowering leaves them, not at all
        as_spikes = len(route) == 1 or converted or set(route) <= replaced
        arrives = pre in on_chip or (as_spikes and isinstance(route[0].pre_obj, Neurons))
        if route in routes and pre in spiking and arrives and split.on_chip(post):
            for k in range(len(per_sample)):
                per_sample[k] += by_hand(network, k)[1][pre].sum(axis=0) @ found
    for key in PLAIN:
        device = devices.get(key)
        expected = per_sample * device.energy_per_synop_J + updates * device.energy_per_neuron_J
        found = energy.estimate(key).total_J
        np.testing.assert_allclose(found, expected, rtol=1e-9, err_msg=key)


@check("JSON", "its schema, and the numbers that it is of", ALL)
def json_files(network: Any) -> None:
    """Energy and activity, written and read back."""
    run, energy = measured(network, "nengo"), energy_of(network)
    activity: Mapping[str, Any] = json.loads(run.to_json())
    check_json(activity)
    for row in activity["populations"]:
        own = run.populations[row["population"]]
        if own.spiking:
            assert row["spikes_per_sample"] * run.n_samples == own.counts.sum()
    try:
        content: Mapping[str, Any] = json.loads(energy.to_json())
    except nsc.errors.SpikeCostError as error:
        if any(population.spiking for population in run.populations.values()):
            raise
        raise LeftOut("nothing in it spikes") from error
    check_json(content)
    for name, said in content["devices"].items():
        np.testing.assert_allclose(said["total_energy_J"], energy.estimate(name).mean_J, rtol=1e-12)
