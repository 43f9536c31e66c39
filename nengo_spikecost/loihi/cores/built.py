"""A network as NengoLoihi built it: its blocks, the neurons in them, and the inputs to them.

Nothing is built here that NengoLoihi does not build itself; its records of who came from
where are brought together, so that every neuron of a block is a neuron of an Ensemble, or
one of the neurons that NengoLoihi adds for decoded values.

Reference: nengo-loihi 1.1.0, builder/builder.py (``Model``), builder/connection.py,
builder/split_blocks.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import nengo
import numpy as np
from nengo.ensemble import Neurons

from ... import stack
from ...deadlines import in_time
from ...errors import LoihiError
from ...graph import NetworkGraph
from ...graph.naming import label_of, numbered
from ..support.support import warn_of_differences
from ..support.unsupported import chip_step, owner_of
from .building import building

#: What neurons are: of an Ensemble, added by NengoLoihi to pass decoded values on, or
#: events that a process on the chip makes by itself.
KINDS = ("neurons", "decoding neurons", "events")

_ADVICE = (
    "nengo_spikecost.loihi.check_support says which layer it refuses; if cores overflow, choose "
    "other block shapes."
)


@dataclass(frozen=True)
class Source:
    """Neurons that send spikes: all of one Ensemble, or all that carry one decoded value.

    Attributes
    ----------
    name, layer : str
        As the `~nengo_spikecost.graph.NetworkGraph` calls the population; of decoding
        neurons, the Connection as ``pre -> post``.
    owner : nengo.Ensemble, nengo.Connection or nengo.Node
        Connection: that decodes. Node: of the process on the chip.
    kind : str
        One of `KINDS`.
    n_neurons : int
    on_chip : bool
        Whether they are compartments of a core; else they fire on the host.
    """

    name: str
    layer: str
    owner: Any = field(repr=False)
    kind: str
    n_neurons: int
    on_chip: bool


@dataclass(frozen=True)
class Part:
    """Some neurons of a source: those of one block, or of one input from the host.

    Attributes
    ----------
    name : str
        Of the source, numbered where it is in several parts.
    source : Source
    neurons : ndarray of int64, shape (n_compartments,)
        Which neurons of the source.
    obj : nengo_loihi.block.LoihiBlock or nengo_loihi.inputs.SpikeInput
        Its axons say where the spikes go.
    """

    name: str
    source: Source
    neurons: np.ndarray = field(repr=False)
    obj: Any = field(repr=False)


@dataclass(frozen=True)
class BuiltNetwork:
    """A network as NengoLoihi built it.

    Attributes
    ----------
    network : nengo.Network
    model : nengo_loihi.builder.Model
    blocks, inputs : tuple of Part
        In NengoLoihi's order.
    groups : mapping from str to str
        In a network of no layers: names of populations that share a subnetwork, such as an
        EnsembleArray, and its name.
    """

    network: nengo.Network
    model: Any = field(repr=False)
    blocks: tuple[Part, ...]
    inputs: tuple[Part, ...]
    groups: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def sources(self) -> tuple[Source, ...]:
        """All senders of spikes, each once."""
        parts = (*self.inputs, *self.blocks)
        return tuple({id(part.source): part.source for part in parts}.values())


def synapse_format(synapse: Any, block: Any) -> str:
    """``"dense"`` or ``"sparse"``: to all compartments of the block or some; or ``"pop32"``."""
    if synapse.pop_type:
        return f"pop{synapse.pop_type}"
    full = all(indices.shape[1] == block.n_neurons for indices in synapse.indices)
    return "dense" if full else "sparse"


def synapse_kind(format: str) -> str:
    """A format as a `ChipActivity` calls it: weights of a population are ``"conv"``."""
    return "conv" if format.startswith("pop") else format


def built_network(
    given: Any, model: Any = None, fit: Any = None, dt: float | None = None
) -> BuiltNetwork:
    """Build a network with NengoLoihi, or read a model that was built already.

    Parameters
    ----------
    given : nengo.Network, Conversion, or any object with one of these as ``.network``
        It is not changed. An object that has ``.shapes``, too, is taken as ``fit``.
    model : nengo_loihi.Simulator or nengo_loihi.builder.Model, optional
        Built of this network already.
    fit : BlockFit, optional
        Block shapes to build with: its ``.apply(network)`` sets them.
    dt : float, optional
        Time step in s, if it has to be built. Default: that of the network's neurons, or 1 ms.

    Raises
    ------
    LoihiError
        If NengoLoihi can't build it, or ``model`` is of another network.
    """
    named = given
    if fit is None and hasattr(given, "shapes"):
        fit, named = given, getattr(given, "given", given.network)
    if fit is not None and model is not None:
        raise LoihiError("A built model has its block shapes: pass either model= or the fit.")
    if not isinstance(named, nengo.Network) and not hasattr(named, "net"):
        named = getattr(named, "network", named)
    graph = NetworkGraph(named)
    if model is None:
        dt = chip_step(named, dt)
        model = _build(graph.network, fit, dt, named)
    else:
        model = getattr(model, "model", model)
        if getattr(model, "toplevel", None) is not graph.network:
            raise LoihiError(
                "model= was built from another network than the one given: pass the Simulator "
                "of this network, or leave it out to have the network built."
            )
        warn_of_differences(named, dt=model.dt)
    return _Reader(model, graph).read()


def _build(network: nengo.Network, fit: Any, dt: float, named: Any) -> Any:
    loihi = stack.nengo_loihi()
    model = loihi.builder.Model(dt=dt)
    with building(network, _ADVICE, named=named, dt=dt):
        if fit is not None:
            fit.apply(network)
        in_time(lambda: _quietly_built(model, network))
    return model


def _quietly_built(model: Any, network: nengo.Network) -> None:
    with np.errstate(all="ignore"):  # in the thread that it runs in
        model.build(network)


class _Reader:
    """Brings NengoLoihi's records of one model together."""

    def __init__(self, model: Any, graph: NetworkGraph):
        self.model, self.graph = model, graph
        self.populations = {p.ensemble: p for p in graph.populations}
        self._sources: dict[Any, Source] = {}

    def read(self) -> BuiltNetwork:
        owners = dict(self._owners_of_blocks())
        blocks, inputs = [], []
        for block in self.model.blocks:
            neurons = np.array(list(self.model.block_comp_map[block]), dtype=np.int64)
            blocks.append((self._source(owners[block], True, len(neurons)), neurons, block))
        senders = dict(self._senders())
        for spike_input in self.model.inputs:
            owner, neurons = senders[spike_input]
            inputs.append((self._source(owner, False, len(neurons)), neurons, spike_input))
        parts = _parts(blocks), _parts(inputs)
        return BuiltNetwork(self.graph.network, self.model, *parts, self.graph.population_groups)

    def _owners_of_blocks(self) -> Iterator[tuple[Any, Any]]:
        """Every block, and the Ensemble whose neurons it has or the Connection that decodes."""
        for obj, built in self.model.objs.items():
            key = "out" if isinstance(obj, nengo.Ensemble) else "decoded"
            if isinstance(obj, (nengo.Ensemble, nengo.Connection)) and key in built:
                yield from ((block, obj) for block in _several(built[key]))

    def _senders(self) -> Iterator[tuple[Any, tuple[Any, np.ndarray]]]:
        """Every input, the owner of the neurons that fire for it on the host, and which of them."""
        model = self.model
        built = (*model.host_pre.params, *model.host.params)
        sending = {c.post_obj: c for c in built if isinstance(c, nengo.Connection)}
        encoders = {ens: conn for conn, ens in model.connection_decode_neurons.items()}
        for node, receiver in model.host2chip_senders.items():
            ensemble = sending[node].pre_obj.ensemble
            neurons = np.arange(ensemble.n_neurons)[sending[node].pre_slice]
            yield model.spike_targets[receiver], (encoders.get(ensemble, ensemble), neurons)
        for obj, objs in model.objs.items():
            if isinstance(obj, nengo.Node) and obj in set(self.graph.network.all_nodes):
                events = objs.get("out")
                if events in model.inputs:
                    yield events, (obj, np.arange(events.n_neurons))

    def _source(self, owner: Any, on_chip: bool, n_neurons: int) -> Source:
        """The source of that owner; of decoding neurons, as large as its parts so far."""
        if owner not in self._sources:
            if isinstance(owner, nengo.Ensemble):
                names = self.populations[owner].name, self.populations[owner].layer
                kind, size = KINDS[0], owner.n_neurons
            else:
                names = (self._name(owner),) * 2
                kind = KINDS[1] if isinstance(owner, nengo.Connection) else KINDS[2]
                decoded = _several(self.model.objs.get(owner, {}).get("decoded", ()))
                size = sum(block.n_neurons for block in decoded) or n_neurons
            self._sources[owner] = Source(*names, owner, kind, size, on_chip)
        return self._sources[owner]

    def _name(self, owner: Any) -> str:
        if not isinstance(owner, nengo.Connection):
            return label_of(owner)
        return f"{self._end(owner.pre_obj)} -> {self._end(owner.post_obj)}"

    def _end(self, obj: Any) -> str:
        obj = obj.ensemble if isinstance(obj, Neurons) else obj
        population = self.populations.get(owner_of(obj))
        if population is not None:
            return population.name
        # an object that NengoLoihi puts in place of the target of a Connection to the host
        return label_of(obj) if getattr(obj, "label", None) else "host"


def _several(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, (list, tuple)) else (value,)


def _parts(read: list[tuple[Source, np.ndarray, Any]]) -> tuple[Part, ...]:
    """Parts with names that are unique: ``conv0``, or ``conv0[0]``, ``conv0[1]``, ..."""
    totals = Counter(source.owner for source, _, _ in read)
    seen: Counter[Any] = Counter()
    names: dict[Hashable, str] = {}
    for number, (source, _, _) in enumerate(read):
        several = totals[source.owner] > 1
        names[number] = f"{source.name}[{seen[source.owner]}]" if several else source.name
        seen[source.owner] += 1
    unique = numbered(names)
    return tuple(Part(unique[number], *part) for number, part in enumerate(read))
