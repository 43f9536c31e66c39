"""`lower`: the network without relay Nodes between its neurons.

1. Read every Connection as a `LinearMap` (`read_maps`). Those that learn, apply a function, are
   probed or have weights still to be drawn are *fixed*: they stay as they are.
2. Plan what happens to each passthrough Node (`make_plan`): whether signals are composed through
   it, and whether the new network has it, for a Probe or an output, say.
   Then tell how large all composed maps will be, and let Nodes stay that too many paths share
   (`plan_composing`).
3. Divide the Connections into those that lead to neurons by composed ones, and those that are
   copied (`_Lowerer._divide`).
4. Compose: for every group of neurons, one map from each origin and filter (`PathFinder`).
5. Write each map as the Nengo transform with the fewest weights (`to_transform`).
6. Rebuild: copy what stays, add the new Connections, copy the settings (`Copier`).

The network is made anew, not changed: users keep theirs, and compare the two.

Steps 4 and 5 may find that a composed map would be too large. Then the Node in question is refused
and all begins again from step 2 with that Node left as it is, because refusing it may change which
others can be composed through. So both come before step 6, and nothing half built has to be undone.
It happens once a Node at most, and the maps of step 1, the most of the work, are kept.

The obvious other way, to take out one Node at a time and join each of its inputs with each of its
outputs, makes a Connection of every route. Where Nodes split and join again, as residual blocks do,
the routes double each time, and most are between the same two populations: one map an origin,
summed at every Node, has them all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from itertools import chain
from typing import Any

import nengo
from nengo.ensemble import Neurons
from nengo.transforms import NoTransform

from .. import check
from ..errors import NetworkGraphError
from ..graph.chip_split import ChipSplit
from ..graph.naming import ensemble_of, unique_names
from ..graph.nengo_types import is_passthrough
from ..graph.routes import is_neural
from ..memory import memory_bytes
from ..options import named_arguments
from .composition import TooManyWeights
from .composition_plan import (
    Plan,
    constant_nodes,
    fixed_connections,
    make_plan,
    probed_objects,
    read_by_host,
    with_upstream,
)  # fmt: skip
from .emission import to_transform
from .hardware import folded_bias, leaves_chip, needs_relay, needs_rewriting, over_two_axes
from .images import read_maps
from .linear_map import LinearMap
from .lowering_record import Change, Lowering, n_stored
from .paths import Arrival, Path, PathFinder, Refused
from .rebuild import Copier
from .shared_nodes import plan_composing


@named_arguments
def lower(
    network: nengo.Network, *, keep: Iterable[Any] = (), shapes: Mapping[Any, Any] | None = None,
    memory: Any = None,
) -> Lowering:  # fmt: skip
    """Compose every linear path between two populations into one Connection.

    Passthrough Nodes are there for the simulator: convolution and pooling, batch
    normalization, concatenation, residual additions. NengoLoihi refuses most ways that lead
    through them. In the lowered network neurons are joined by one Connection for each
    origin and filter: a convolution wherever the whole path is one; else a sparse or dense
    matrix. A convolution and a way that is none stay two, so that weights stay shared. Constants
    are added to biases. The network computes the same; only rounding differs.

    Not changed are decoded Connections, those that learn, apply a function or are probed,
    and ways that lead out of the neurons: an output, a probed Node or a Node that computes
    is reached through the same Nodes as before, on the host. NengoLoihi takes only dense
    transforms there; so where another one starts at neurons, a Node that hands on all
    their outputs is put before it. So it is where neurons on the chip lead to neurons that
    are marked as off the chip. From Nodes to neurons, the Connections in a row stay if they
    take fewer multiplications than one.

    Parameters
    ----------
    network : nengo.Network
        Any network; it is left as it is.
    keep : iterable of nengo.Node
        Nodes that must stay, in particular those that data are fed to (of a Conversion, its
        ``input_nodes``): any other Node with a constant output is taken for a bias.
    shapes : mapping from Nengo object to tuple of int, optional
        Shapes of images, channels last, that no convolution tells.
    memory : int, float or str, optional
        Memory for composed maps, in bytes or as ``"8 GB"``. Where all of them would take more,
        Nodes that several paths share stay: the network computes the same, with the same synapses,
        but only one that is composed throughout runs on a chip. Default: 2 GiB, everywhere.

    Returns
    -------
    Lowering

    Raises
    ------
    NetworkGraphError
        If ``network`` is no network, one of ``keep`` is no Node of it, or ``memory`` no amount.

    Examples
    --------
    >>> import nengo, numpy as np
    >>> with nengo.Network() as net:
    ...     a, b = (nengo.Ensemble(16, 1, label=name) for name in "ab")
    ...     relay = nengo.Node(size_in=16)
    ...     twice = nengo.Convolution(1, (4, 4, 1), padding="same", init=np.ones((3, 3, 1, 1)))
    ...     _ = nengo.Connection(a.neurons, relay, transform=2)
    ...     _ = nengo.Connection(relay, b.neurons, transform=twice, synapse=None)
    >>> print(lower(net))
    Lowering: 1 composed
      composed   a -> b: Convolution 3x3, stride 1x1, same, from 2 Connections (10 -> 9 weights)
    """
    if not isinstance(network, nengo.Network):
        raise NetworkGraphError(
            f"lower takes a nengo.Network, not {type(network).__name__}; of a Conversion, "
            "give its net."
        )
    given = check.several("keep", keep, NetworkGraphError, "Nodes of the network")
    strange = [obj for obj in given if not any(obj is node for node in network.all_nodes)]
    if strange:
        raise NetworkGraphError(f"keep must be Nodes of the network, not {strange[0]!r}.")
    keep = frozenset(given)
    memory = memory_bytes(memory, NetworkGraphError)
    budget = MEMORY_BYTES if memory is None else memory
    if shapes is not None:
        check.kind("shapes", shapes, Mapping, NetworkGraphError, "a mapping from objects to shapes")
    fixed = fixed_connections(network)
    maps = read_maps(network, fixed, shapes)
    constants = constant_nodes(network, keep)
    plan = make_plan(network, keep, fixed, {})
    composing = plan_composing(plan, maps, constants, budget)
    composing.need.check(
        "Composing what leads to neurons", memory, NetworkGraphError, remedy=_SMALLER
    )
    refused = dict(composing.staying)
    while True:
        try:
            return _Lowerer(network, keep, fixed, maps, refused, constants).run()
        except Refused as error:
            # Once more, without composing through that Node.
            refused[error.node] = error.reason


#: What `lower` takes for ``memory`` unless told otherwise, in bytes.
MEMORY_BYTES = 2 * 2**30

_SMALLER = "give smaller samples, or more memory (memory=); lower=False of convert composes nothing"

_CHEAPER = "from Nodes alone, several Connections take fewer multiplications than one"


class _Lowerer:
    """One attempt to lower a network."""

    def __init__(
        self, network: nengo.Network, keep: Collection[Any], fixed: Mapping[nengo.Connection, str],
        maps: Mapping[nengo.Connection, LinearMap], refused: Mapping[nengo.Node, str],
        constants: Collection[nengo.Node],
    ):  # fmt: skip
        self._network, self._keep, self._fixed, self._maps = network, keep, fixed, maps
        self._plan: Plan = make_plan(network, keep, fixed, refused)
        self._constants = constants
        self._split = ChipSplit(network)
        self._finder = PathFinder(self._plan, maps, self._constants)
        self._transparent = frozenset(self._plan.transparent)
        self._names = unique_names(network, (*network.all_ensembles, *network.all_nodes), {})
        self._changes: list[Change] = []
        self._merged: dict[Any, tuple[nengo.Connection, ...]] = {}
        self._relays: dict[Any, nengo.Node] = {}

    def run(self) -> Lowering:
        """Build the new network: steps 3 to 6.

        Raises
        ------
        Refused
            If a passthrough Node can't be composed through after all.
        """
        composed, copied = self._divide()
        arrivals: dict[Any, Arrival] = {}
        transforms: dict[Any, list[Any]] = {}
        for target, conns in composed.items():
            arrival = arrivals[target] = self._finder.last_arrival(target, conns)
            transforms[target] = [self._emit(path) for path in arrival.paths]
            # their transforms take the place of the maps: large networks have no room for both
            arrival.paths = [path.without_map() for path in arrival.paths]
        # From here on nothing can fail.
        self._copier = Copier(self._network)
        self._copy_ensembles(arrivals)
        self._copy_nodes(copied)
        for conn in copied:
            self._copy_connection(conn)
        for target, arrival in arrivals.items():
            for path, transform in zip(arrival.paths, transforms[target]):
                self._connect(path, target, transform)
        for probe in self._network.all_probes:
            self._copier.copy(probe)
        self._copier.copy_settings(self._merged)
        for node, reason in self._plan.opaque.items():
            self._changes.append(Change("left", self._names[node], "", reason=reason))
        changes = tuple(self._changes)
        return Lowering(self._copier.network, self._copier.objects, changes, self._merged)

    def _divide(self) -> tuple[dict[Any, list[nengo.Connection]], list[nengo.Connection]]:
        """Connections that end composed ways to neurons, by target, and those to copy."""
        composed: dict[Any, list[nengo.Connection]] = {}
        to_neurons: list[nengo.Connection] = []
        chains: set[nengo.Node] = set()
        for conn in self._network.all_connections:
            if not is_neural(conn.post_obj) or conn in self._fixed:
                continue
            if self._is_folded(conn):
                composed.setdefault(conn.post_obj, []).append(conn)
            elif conn.pre_obj not in self._transparent:
                to_neurons.append(conn)
            elif self._finder.chain_is_cheaper(conn):
                to_neurons.append(conn)
                chains.add(conn.pre_obj)
                self._leave(conn, f"stays before {self._name(conn.post_obj)}: {_CHEAPER}")
            else:
                composed.setdefault(conn.post_obj, []).append(conn)
        for conn in self._finder.parallel(to_neurons, chain.from_iterable(composed.values())):
            to_neurons.remove(conn)
            composed.setdefault(conn.post_obj, []).append(conn)
        # A chain that stays needs all Nodes before it, also those composed through for others.
        into: dict[Any, list[nengo.Connection]] = {}
        for conn in self._network.all_connections:
            into.setdefault(conn.post_obj, []).append(conn)
        self._staying = self._plan.staying | with_upstream(chains, into)
        self._for_host = with_upstream(read_by_host(self._network, self._split), into)
        chosen = set(to_neurons)
        copied = [conn for conn in self._network.all_connections if self._copies(conn, chosen)]
        return composed, copied

    def _copies(self, conn: nengo.Connection, to_neurons: Collection[nengo.Connection]) -> bool:
        if conn in self._fixed or conn in to_neurons:
            return True
        if is_passthrough(conn.post_obj):
            return conn.post_obj in self._staying
        return not is_neural(conn.post_obj)

    def _is_folded(self, conn: nengo.Connection) -> bool:
        """Whether a Connection adds a constant to the input of neurons."""
        if conn.pre_obj not in self._constants or not isinstance(conn.post_obj, Neurons):
            return False
        if conn.synapse is None:
            return True
        self._leave(
            conn, f"is no bias of {self._name(conn.post_obj)}: a filter makes it a transient"
        )
        return False

    def _leave(self, conn: nengo.Connection, reason: str) -> None:
        self._changes.append(Change("left", self._name(conn.pre_obj), "", (conn,), reason=reason))

    def _emit(self, path: Path) -> Any:
        try:
            return to_transform(path.map)
        except TooManyWeights as error:
            node = path.connections[-1].pre_obj
            raise Refused(node, f"stays: composed it would have {error}") from error

    def _copy_ensembles(self, arrivals: Mapping[Any, Arrival]) -> None:
        for ensemble in self._network.all_ensembles:
            self._copier.copy(ensemble)
        for target, arrival in arrivals.items():
            if arrival.constant_connections:
                self._add_constant(target, arrival)

    def _add_constant(self, target: Any, arrival: Arrival) -> None:
        """Give neurons the constant part of their input."""
        bias = None
        if isinstance(target, Neurons):
            bias = folded_bias(target.ensemble, arrival.constant)
        new, name = self._copier.new_of(target), self._name(target)
        sources = [c.pre_obj for c in arrival.constant_connections]
        origin = ", ".join(
            dict.fromkeys(self._names[obj] for obj in sources if obj in self._constants)
        )
        if bias is not None:
            new.ensemble.bias = bias
            change = Change("bias", origin, name, arrival.constant_connections)
        else:
            node = nengo.Node(arrival.constant, label=f"{name}.constant", add_to_container=False)
            self._copier.add(node)
            self._new_connection(node, new, NoTransform(len(arrival.constant)), None)
            reason = f"is no bias of {name}: gain or bias are not known before it is built"
            change = Change("left", origin, "", arrival.constant_connections, reason=reason)
        self._changes.append(change)

    def _copy_nodes(self, copied: Iterable[nengo.Connection]) -> None:
        used = {conn.pre_obj for conn in copied} | set(self._keep)
        used |= probed_objects(self._network)
        leading = {conn.pre_obj for conn in self._network.all_connections}
        for node in self._network.all_nodes:
            if is_passthrough(node):
                stays = node in self._staying
            else:
                # A constant that leads nowhere was no bias before either.
                stays = node not in self._constants or node in used or node not in leading
            if stays:
                self._copier.copy(node)

    def _copy_connection(self, conn: nengo.Connection) -> None:
        if conn not in self._fixed and needs_rewriting(conn):
            path = Path(conn.pre_obj, conn.synapse, self._maps[conn], (conn,))
            self._connect(path, conn.post_obj, self._emit(path), "rewritten")
        elif not self._needs_relay(conn):
            self._copy_unread(conn)
        elif isinstance(conn.pre_obj, nengo.Ensemble):
            self._copy_decoded(conn)
        else:
            relay = self._relay(conn.pre_obj, conn.synapse, conn.post_obj, (conn,))
            self._copier.copy(conn, pre=relay[conn.pre_slice], synapse=None)

    def _needs_relay(self, conn: nengo.Connection) -> bool:
        if is_passthrough(conn.post_obj) and conn.post_obj not in self._for_host:
            return False  # no chip has such a Node, whatever is put before it
        return needs_relay(conn, self._split)

    def _copy_unread(self, conn: nengo.Connection) -> None:
        """Copy a Connection as it is, but a convolution over two axes."""
        transform = over_two_axes(conn)
        if transform is None:
            self._copier.copy(conn)
            return
        self._copier.copy(conn, transform=transform)
        names = self._name(conn.pre_obj), self._name(conn.post_obj)
        n_weights = n_stored(transform)
        self._changes.append(Change("rewritten", *names, (conn,), transform, n_weights, n_weights))

    def _copy_decoded(self, conn: nengo.Connection) -> None:
        """Decode to a Node of its own, and apply the transform behind it."""
        relay = self._new_relay(conn.pre_obj, conn.post_obj, conn.size_mid, (conn,))
        self._copier.copy(conn, post=relay, transform=NoTransform(conn.size_mid))
        self._new_connection(relay, self._copier.new_of(conn.post), conn.transform, None)

    def _relay(
        self, origin: Any, synapse: Any, target: Any, old: tuple[nengo.Connection, ...]
    ) -> nengo.Node:
        """The Node that has the filtered outputs of all of some neurons."""
        key = (origin, synapse)
        if key not in self._relays:
            size, pre = origin.size_out, self._copier.new_of(origin)
            relay = self._relays[key] = self._new_relay(origin, target, size, old)
            new = self._new_connection(pre, relay, NoTransform(size), synapse)
            self._merged[new] = old
        return self._relays[key]

    def _new_relay(
        self, origin: Any, target: Any, size: int, old: tuple[nengo.Connection, ...]
    ) -> nengo.Node:
        name = self._name(origin)
        relay = nengo.Node(size_in=size, label=f"{name}.output", add_to_container=False)
        self._copier.add(relay)
        self._changes.append(Change("relay", name, self._name(target), old, NoTransform(size)))
        return relay

    def _connect(self, path: Path, target: Any, transform: Any, kind: str = "composed") -> None:
        """Add the Connection for a path."""
        if path.constant is not None:
            # A filtered constant is a transient, that no bias can stand for.
            label = f"{self._name(path.origin)}.constant"
            origin = nengo.Node(path.constant, label=label, add_to_container=False)
            self._copier.add(origin)
        else:
            origin = self._copier.new_of(path.origin)
        synapse = path.synapse
        if isinstance(path.origin, Neurons) and leaves_chip(
            self._split, path.origin, target, transform
        ):
            origin = self._relay(path.origin, synapse, target, path.connections)
            synapse = None
        new = self._new_connection(origin, self._copier.new_of(target), transform, synapse)
        self._merged[new] = path.connections
        before = sum(n_stored(conn.transform) for conn in path.connections)
        names = self._name(path.origin), self._name(target)
        after = n_stored(transform)
        self._changes.append(Change(kind, *names, path.connections, transform, before, after))

    def _new_connection(self, pre: Any, post: Any, transform: Any, synapse: Any) -> Any:
        new = nengo.Connection(
            pre, post, transform=transform, synapse=synapse, add_to_container=False
        )
        self._copier.add(new)
        return new

    def _name(self, obj: Any) -> str:
        return self._names[ensemble_of(obj)]
