"""`to_nir`: a network of Nengo as a NIR graph.

1. Say which objects have no form in NIR, all at once (`refusals`).
2. Read the network as places and links (`read_places`), count spikes as ones, move filters to
   neurons, and find what is late by how much (`link_timing`).
3. Find the fields of all neurons (`fields_of`): what they are multiplied by goes into the links.
4. Say which neurons are no such neurons exactly, all at once, unless the user allows it.
5. Lay places out as images or flat (`find_layouts`), write every link as nodes in a row, and join
   them.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import nengo
import numpy as np

from .. import check, files
from ..errors import ConversionError, ConversionWarning
from ..graph.naming import unique_names
from ..lowering.composition import add
from ..lowering.linear_map import Gather
from ..options import named_arguments
from ..warned import warn
from .conventions import Convention
from .depth_first import for_depth_first
from .graph_network import GraphNetwork
from .graph_nodes import GraphNodes, nir_package
from .link_timing import closing_links, steps_ahead
from .membrane_fields import Fields, Given, fields_of
from .network_links import (
    Link, Places, filters_moved, inputs_of, read_places, refusals,
)  # fmt: skip
from .tool_readers import Reader, reader_of
from .written_layouts import find_layouts
from .written_maps import (
    Shape, Written, flatten, image_node, image_shape, matrix_nodes, over_two_axes, scaled,
)  # fmt: skip
from .written_neurons import Membrane, neuron_writers

#: Length of a step in s of a network that does not say one: Nengo's own.
STEP_S = 0.001


@named_arguments
def to_nir(
    network: Any, path: Any = None, *, dt: float | None = None,
    convention: str | Convention | None = None, approximate: bool = False, inputs: Any = None,
) -> Any:  # fmt: skip
    """A network as a NIR graph, which PyTorch's spiking tools read.

    Parameters
    ----------
    network : nengo.Network, GraphNetwork or Conversion
        Ensembles reached by their neurons or by encoders and decoders, Nodes that hand on, and
        linear transforms. Of a network from `from_nir`, its graph comes back.
    path : path, optional
        A ``.nir`` file to write, whole or not at all.
    dt : float, optional
        Length of a step of the network in s. Default: its own, of a Conversion or a network from
        `from_nir`; else 1 ms.
    convention : str or Convention, optional
        Who is to read the graph: ``"snntorch"``, ``"norse"`` or ``"spikingjelly"``, whose importers
        look at some fields only; ``"nir"``, by NIR's equations; or how a reader steps neurons.
        Default: of a network from `from_nir`, the one that it was read by; else ``"nir"``.
    approximate : bool
        Whether neurons may be written that NIR has only nearly (a refractory period, several spikes
        a step, a reset by subtraction); each difference is a warning.
    inputs : iterable of nengo.Node, optional
        Nodes that are inputs of the graph. Default: a Conversion's, and of other networks the Nodes
        with nothing leading to them whose output is zeros, a process or a function of time. Other
        constants are biases.

    Returns
    -------
    nir.NIRGraph
        Its types are checked. A spike is a 1, and images have their channels first.

    Raises
    ------
    ConversionError
        If something of the network has no form in NIR: with the names of all that has none.
    StackError
        If the package ``nir`` is not there.
    DataError
        If the file can't be written.

    Warns
    -----
    ConversionWarning
        Of what is approximated, and of values that come at another step than in Nengo.

    Examples
    --------
    >>> import nengo
    >>> with nengo.Network() as net:
    ...     inp = nengo.Node([0.0, 0.0], label="in")
    ...     ens = nengo.Ensemble(2, 1, gain=[1, 1], bias=[0, 0], label="lif", neuron_type=nengo.LIF(
    ...         tau_ref=0, min_voltage=float("-inf"),
    ...         initial_state={"voltage": nengo.dists.Choice([0])}))
    ...     _ = nengo.Connection(inp, ens.neurons, transform=[[1, 2], [3, 4]], synapse=None)
    >>> graph = to_nir(net)  # doctest: +SKIP
    """
    nir = nir_package()
    check.flag("approximate", approximate, ConversionError)
    if path is not None:
        files.check_writable(path)
    net, names, own_inputs, own_dt = _parts(network)
    if convention is None:
        convention = network.reading.convention if isinstance(network, GraphNetwork) else "nir"
    reader = reader_of(convention)
    step_s = check.time("dt", own_dt if dt is None else dt, ConversionError)
    graph_dt = reader.convention.dt
    if graph_dt is None:
        is_back = isinstance(network, GraphNetwork) and convention is network.reading.convention
        graph_dt = network.reading.dt if is_back else step_s
    if inputs is not None:
        own_inputs = check.several("inputs", inputs, ConversionError, "Nodes of the network")
        strange = [node for node in own_inputs if node not in net.all_nodes]
        if strange:
            raise ConversionError(f"inputs must be Nodes of the network, not {strange[0]!r}.")
    chosen = inputs_of(net) if own_inputs is None else list(own_inputs)
    graph = _GraphWriter(net, names, chosen, step_s, graph_dt, reader, approximate).write()
    if path is not None:
        content = io.BytesIO()  # HDF5 also reads what it writes
        nir.write(content, graph)
        with files.written_whole(path) as file:
            file.write(content.getvalue())
    return graph


def _parts(
    given: Any,
) -> tuple[nengo.Network, Mapping[Any, str], list[nengo.Node] | None, float]:
    """Network, names of its objects, its inputs if they are known, and its step."""
    if isinstance(given, GraphNetwork):
        whole = given.unlowered or given
        return whole.net, whole.layer_names, list(whole.input_nodes), given.dt
    if isinstance(given, nengo.Network):
        return given, {}, None, STEP_S
    net = getattr(given, "net", None)
    if isinstance(net, nengo.Network) and hasattr(given, "input_nodes"):
        own = getattr(given, "dt", None)
        return net, given.layer_names, list(given.input_nodes), own or STEP_S
    raise ConversionError(
        f"to_nir takes a nengo.Network, or what from_nir or convert returns, not "
        f"{type(given).__name__}."
    )


class _GraphWriter:
    """A network on its way to a graph."""

    def __init__(
        self, net: nengo.Network, names: Mapping[Any, str], inputs: list[nengo.Node],
        step_s: float, graph_dt: float, reader: Reader, approximate: bool,
    ):  # fmt: skip
        objects = (*net.all_ensembles, *net.all_nodes)
        self.names = unique_names(net, objects, names)
        self.net, self.inputs, self.step_s = net, inputs, step_s
        self.dt, self.reader, self.approximate = graph_dt, reader, approximate
        self.nodes = GraphNodes(reader)
        self.tails_of: dict[Any, list[str]] = {}

    def write(self) -> Any:
        """The graph."""
        self._refuse(refusals(self.net, self.names, self.inputs))
        if not self.inputs:
            raise ConversionError("The network has no inputs: say which Nodes are (inputs=).")
        read = read_places(self.net, self.names, self.inputs, self.step_s)
        self._warn_of(read)
        self.read = read
        self._prepare()
        fields = self._fields()
        self._scale(fields)
        self.layouts = find_layouts(read.places, self.links, self.biases, self.reader)
        self._add_nodes(fields)
        self._add_links()
        self._join()
        if self.reader.splits_loops:
            self.nodes.split_loops()
        if self.reader.depth_first:
            self._order_edges()
        about = {"convention": self.reader.name, "dt": self.dt, "step_s": self.step_s}
        return self.nodes.graph(about)

    def _refuse(self, refused: Any) -> None:
        lines = list(dict.fromkeys(f"{name!r} {reason}" for name, reason in refused))
        if lines:
            raise ConversionError(
                f"The network has objects that NIR has no form of: {'; '.join(lines)}."
            )

    def _warn_of(self, read: Places) -> None:
        if read.drawn and self.net.seed is None:
            warn(
                "The network has no seed: its gains, encoders and decoders are drawn at random, "
                "and those of the graph are no others' (seed= of the Network).", ConversionWarning,
            )  # fmt: skip
        for note in read.notes:
            warn(f"{note[0].upper()}{note[1:]}.", ConversionWarning)

    def _name(self, key: Any) -> str:
        owner = getattr(key, "ensemble", key)
        return self.names.get(owner) or getattr(key, "label", None) or type(key).__name__.lower()

    # 2. links as NIR has them

    def _prepare(self) -> None:
        places, links = self.read.places, [k for k in self.read.links if not k.map.is_zero]
        if not self.reader.reads("Conv1d"):
            links = [replace(link, map=over_two_axes(link.map)) for link in links]
        probed = {key for _, key, _ in self.read.outputs}
        links = self._without_constant_relays(links, probed)
        relays = [
            key for key, place in places.items() if place.kind == "relay" and not place.bias.any()
        ]
        self.links = filters_moved(links, relays, probed)
        if self.reader.is_tool:
            self.links = _added(self.links)
            self._refuse(self._several_ends())
        self.units = self._units(probed)
        starts = [key for key, place in places.items() if place.kind == "input"]
        self.closing = closing_links(self.links, starts)
        self.ahead, self.waiting = steps_ahead(self.links, self.closing, places)
        self._refuse(self._late())
        self.filters = {
            key: self._filter(key) for key, place in places.items() if place.kind == "neurons"
        }
        self._refuse(self._unwritten_filters())

    def _without_constant_relays(self, links: list[Link], probed: set[Any]) -> list[Link]:
        """Biases of relays that nothing else leads to, as biases of what they lead to."""
        places = self.read.places
        while True:
            fed = {link.post for link in links}
            alone = [
                key for key, place in places.items()
                if place.kind == "relay" and key not in fed and key not in probed
            ]  # fmt: skip
            if not alone:
                return links
            for key in alone:
                for link in (link for link in links if link.pre == key):
                    places[link.post].bias = places[link.post].bias + link.map(places[key].bias)
                links = [link for link in links if link.pre != key]
                del places[key]

    def _several_ends(self) -> Any:
        """Tools have one input and one output."""
        for what, names in (
            ("input", [self._name(node) for node in self.inputs]),
            ("output", [name for name, _, _ in self.read.outputs]),
        ):
            for name in names[1:]:
                yield name, f"is one more {what}, and {self.reader.name} reads one"

    def _units(self, probed: set[Any]) -> dict[Any, float]:
        """What a 1 in NIR is in Nengo, for every place: a spike, or a 1."""
        units: dict[Any, float] = {}
        for key, place in self.read.places.items():
            kind = place.kind
            units[key] = self._raw_membrane(key).spike if kind == "neurons" else 1.0
        for _ in range(len(units)):
            before = dict(units)
            for key, place in self.read.places.items():
                alike = {units[link.pre] for link in self.links if link.post == key}
                if place.kind == "relay" and key not in probed and len(alike) == 1:
                    factor = self._events(key)
                    units[key] = alike.pop() * factor
            if units == before:
                break
        return units

    def _events(self, key: Any) -> float:
        """Of spikes that come from outside, their height in Nengo."""
        kind = getattr(getattr(key, "ensemble", None), "neuron_type", None)
        return 1.0 if kind is None else float(kind.amplitude / self.step_s)

    def _late(self) -> Any:
        for number, steps in self.waiting.items():
            link = self.links[number]
            if steps < 0:
                yield link.name, "closes a loop in which no Connection is late by a step"
            elif not self.reader.reads("Delay"):
                yield link.name, (
                    f"is late by {steps} more step{'s' * (steps > 1)} than {self.reader.name} has "
                    "it (a filter is late by one): have all ways to "
                    f"{self._name(link.post)!r} filtered, or none"
                )

    def _filter(self, key: Any) -> float:
        """The decay of the one filter on all that leads to neurons; 0 without one."""
        decays = {link.decay for link in self.links if link.post == key}
        own = self._raw_membrane(key).current_decay.any()
        return decays.pop() if len(decays) == 1 and not own else 0.0

    def _unwritten_filters(self) -> Any:
        if self.reader.reads("LI"):
            return
        for link in self.links:
            if link.decay and not self.filters.get(link.post):
                yield link.name, (
                    f"has a filter that {self.reader.name} has no node for: it reads one time "
                    "constant for all that leads to the same neurons (CubaLIF)"
                )

    # 3. neurons

    def _raw_membrane(self, key: Any) -> Membrane:
        kind = key.ensemble.neuron_type
        writer = neuron_writers.find(kind)
        assert writer is not None
        return writer(kind, self.step_s)

    def _fields(self) -> dict[Any, Fields]:
        loops = {self.links[number].post for number in self.closing}
        loops |= {self.links[number].pre for number in self.closing}
        result: dict[Any, Fields] = {}
        refused: list[tuple[str, str]] = []
        for key, place in self.read.places.items():
            if place.kind != "neurons":
                continue
            start = self.read.built.sig[key]["voltage"].initial_value
            membrane = self._raw_membrane(key).filled(place.size, start)
            built = self.read.built.params[key.ensemble]
            bias = built.bias + built.gain * place.bias
            given = Given(membrane, built.gain, bias, self.filters[key], key in loops)
            fields = fields_of(given, self.reader, self.dt)
            problems = self._problems(fields)
            refused += [(self._name(key), reason) for reason in problems]
            if not problems:
                result[key] = fields
                self._say(key, fields, refused)
        self._refuse(refused)
        return result

    def _say(self, key: Any, fields: Fields, refused: list[tuple[str, str]]) -> None:
        name = self._name(key)
        for note in fields.notes:
            warn(f"{name} {note}.", ConversionWarning)
        for difference in fields.differences:
            if self.approximate:
                warn(f"{name} {difference}.", ConversionWarning)
            else:
                refused.append((name, f"{difference} (approximate=True writes it nevertheless)"))

    def _problems(self, fields: Fields) -> list[str]:
        """What a reader refuses of the fields."""
        problems = []
        if not self.reader.reads(fields.kind):
            problems.append(f"would be of kind {fields.kind}, which {self.reader.name} does not read")
        for name in ("tau", "tau_mem", "tau_syn"):
            values = fields.arrays.get(name)
            if values is None:
                continue
            if (values <= 0).any() or np.isnan(values).any():
                problems.append(f"has a decay in a step that no {name} gives")
            elif self.reader.one_tau and np.ptp(values) > 0:
                problems.append(f"has several {name}, where {self.reader.name} takes one")
            elif self.reader.one_tau and name == "tau" and (values <= self.dt).any():
                problems.append(f"keeps nothing from step to step, which {self.reader.name} refuses")
        threshold = fields.arrays.get("v_threshold")
        if self.reader.is_tool and threshold is not None and (threshold <= 0).any():
            problems.append("has its threshold below its reset")
        return problems

    def _scale(self, fields: Mapping[Any, Fields]) -> None:
        """Factors into the links, and biases by place in NIR's numbers."""
        self.biases: dict[Any, np.ndarray] = {}
        links = []
        for link in self.links:
            factor = self.units[link.pre] * np.ones(link.map.size_out)
            if link.post in fields:
                factor = factor * fields[link.post].scale
            else:
                factor = factor * self._events(link.post) / self.units[link.post]
            nearest = np.rint(factor)
            factor = np.where(np.abs(factor - nearest) < 1e-12 * np.abs(factor), nearest, factor)
            links.append(replace(link, map=scaled(link.map, factor)))
        self.links = links
        for key, place in self.read.places.items():
            bias = fields[key].bias if key in fields else place.bias / self.units[key]
            if bias.any():
                self.biases[key] = bias

    # 5. nodes and edges

    def _add_nodes(self, fields: Mapping[Any, Fields]) -> None:
        for key, place in self.read.places.items():
            layout = self.layouts[key]
            if place.kind == "input":
                sizes = {"input_type": {"input": np.array(layout.sizes)}}
                written = Written("Input", sizes)
            elif place.kind == "neurons":
                arrays = {k: layout.arranged(v) for k, v in fields[key].arrays.items()}
                written = Written(fields[key].kind, arrays)
            else:
                continue
            name = self.nodes.add(self._name(key), written, layout.sizes)
            self.tails_of[key] = [name]

    def _add_links(self) -> None:
        """The nodes of every link; a bias goes to the first that takes it."""
        self.chains: list[list[str]] = []
        waiting = dict(self.biases)
        order = sorted(
            range(len(self.links)),
            key=lambda k: (k in self.closing, self._is_direct(self.links[k])),
        )
        chains: dict[int, list[str]] = {}
        for number in order:
            link = self.links[number]
            takes = number not in self.closing and not self._is_filtered(link)
            bias = waiting.get(link.post) if takes else None
            rows = self._written(link, bias)
            if bias is not None and rows is not None:
                del waiting[link.post]
            elif rows is None:
                rows = self._written(link, None)
            assert rows is not None
            chains[number] = self._named(number, rows)
        self.chains = [chains[number] for number in range(len(self.links))]
        self.alone = waiting

    def _is_direct(self, link: Link) -> bool:
        return isinstance(link.map, Gather) and link.map.is_diagonal

    def _is_filtered(self, link: Link) -> bool:
        return bool(link.decay) and not self.filters.get(link.post)

    def _written(self, link: Link, bias: np.ndarray | None) -> list[Written] | None:
        """A link as nodes; None if it can't take the bias."""
        source, target = self.layouts[link.pre], self.layouts[link.post]
        if source.is_image or source.same_as(target):
            image = target
            if not target.is_image and source.is_image and hasattr(link.map, "image_out"):
                image = image_shape(link.map.image_out)
            if image.flat.same_as(target.flat):
                rows = None
                if image.is_image:
                    rows = image_node(link.map, source, image, bias, self.reader)
                elif bias is None:
                    rows = image_node(link.map, source, target, None, self.reader)
                if rows is not None:
                    return [*rows, *([] if image.is_image == target.is_image else [flatten(image)])]
        if target.is_image:
            return None
        return matrix_nodes(link.map, source, target, bias, link.name)

    def _named(self, number: int, rows: list[Written]) -> list[str]:
        """Add a link's nodes, and what makes it late or filters it."""
        link = self.links[number]
        target = self.layouts[link.post]
        rows = list(rows)
        if number in self.closing and not rows and self.reader.is_tool:
            rows.append(self._identity(target))
        if self._is_filtered(link):
            tau = self.dt / (1 - link.decay) * np.ones(target.sizes)
            given = {"tau": tau, "r": np.ones(target.sizes), "v_leak": np.zeros(target.sizes)}
            rows.append(Written("LI", given))
        if self.waiting.get(number):
            rows.append(Written("Delay", {"delay": self.waiting[number] * self.dt
                                          * np.ones(target.sizes)}))  # fmt: skip
        if not rows:
            return []
        feeding = [k for k, other in enumerate(self.links) if other.post == link.post]
        relay = self.read.places[link.post].kind == "relay" and len(feeding) == 1
        name = self._name(link.post) if relay and link.post in self.names else link.name
        names = []
        main = max(range(len(rows)), key=lambda k: (rows[k].kind not in _MINOR, -k))
        shape = self.layouts[link.pre].sizes
        for k, row in enumerate(rows):
            shape = _shape_after(row, shape, target)
            own = name if k == main else f"{name}_{row.kind.lower()}"
            names.append(self.nodes.add(own, row, shape))
        return names

    def _identity(self, target: Shape) -> Written:
        from .graph_nodes import identity_node

        return identity_node(target.sizes)

    def _tails(self, key: Any) -> list[str]:
        """The nodes that a place's values come from."""
        if key not in self.tails_of:
            self.tails_of[key] = tails = []
            for number, link in enumerate(self.links):
                if link.post == key:
                    chain = self.chains[number]
                    tails += [chain[-1]] if chain else self._tails(link.pre)
        return self.tails_of[key]

    def _join(self) -> None:
        for number, chain in enumerate(self.chains):
            link = self.links[number]
            if chain:
                self.nodes.join(self._tails(link.pre), chain[0])
                for pre, post in zip(chain, chain[1:]):
                    self.nodes.join([pre], post)
        for key, place in self.read.places.items():
            if place.kind == "neurons":
                for number, link in enumerate(self.links):
                    if link.post == key:
                        chain = self.chains[number]
                        ends = [chain[-1]] if chain else self._tails(link.pre)
                        self.nodes.join(ends, self.tails_of[key][0])
        self._feed_alone()
        for name, key, decay in self.read.outputs:
            self._add_output(name, key, decay)

    def _order_edges(self) -> None:
        """Edges in an order in which a reader that goes depth first runs the graph right."""
        ends = {self._chain_end(number): self.links[number].post for number in self.closing}
        closing = {(end, self.tails_of[post][0]) for end, post in ends.items()}
        edges, early = for_depth_first(
            self.nodes.edges, self.tails_of[self.inputs[0]][0], self.output, closing
        )
        reader = self.reader.name
        self._refuse(
            (name, f"is reached by several ways, which {reader} runs in another order (depth first)")
            for name in early
        )
        self.nodes.edges = edges

    def _chain_end(self, number: int) -> str:
        return self.chains[number][-1]

    def _feed_alone(self) -> None:
        """Weights of 0 to neurons that nothing leads to, with their bias."""
        first = self.inputs[0]
        source, start = self.layouts[first], self.tails_of[first][0]
        fed = {post for _, post in self.nodes.edges}
        for key, place in self.read.places.items():
            bias = self.alone.get(key)
            if place.kind != "neurons" or (bias is None and self.tails_of[key][0] in fed):
                continue
            zeros = Gather(np.full(place.size, -1), 0.0, source.order.size)
            name = f"{self._name(key)}_bias"
            rows = matrix_nodes(zeros, source, self.layouts[key], bias, name)
            shape, previous = source.sizes, start
            for row in rows:
                shape = _shape_after(row, shape, self.layouts[key])
                node = self.nodes.add(name, row, shape)
                self.nodes.join([previous], node)
                previous = node
            self.nodes.join([previous], self.tails_of[key][0])

    def _add_output(self, name: str, key: Any, decay: float) -> None:
        layout, tails = self.layouts[key], self._tails(key)
        ahead = self.ahead[key]
        if decay and self.reader.reads("LI"):
            tau = self.dt / (1 - decay) * np.ones(layout.sizes)
            given = {"tau": tau, "r": np.ones(layout.sizes), "v_leak": np.zeros(layout.sizes)}
            shown = self.nodes.add(f"{name}_filter", Written("LI", given), layout.sizes)
            self.nodes.join(tails, shown)
            tails, ahead = [shown], ahead + 1
        elif decay:
            warn(
                f"The filter of probe {name} is left out: {self.reader.name} reads no LI.",
                ConversionWarning,
            )  # fmt: skip
        if len(tails) > 1 and self.reader.is_tool:
            total = self.nodes.identity(f"{name}_sum", layout.sizes)
            self.nodes.join(tails, total)
            tails = [total]
        sizes = {"output_type": {"output": np.array(layout.sizes)}}
        output = self.output = self.nodes.add(name, Written("Output", sizes), layout.sizes)
        self.nodes.join(tails, output)
        if ahead:
            warn(
                f"Values of output {output} come {ahead} step{'s' * (ahead > 1)} earlier than in "
                "Nengo, where a filter takes a step.", ConversionWarning,
            )  # fmt: skip


def _added(links: list[Link]) -> list[Link]:
    """The same links, those beside each other as one: a reader adds fewer ways, or none."""
    result: list[Link] = []
    for link in links:
        for k, other in enumerate(result):
            if _beside(link, other):
                total = add(other.map, link.map)
                if total is not None:
                    result[k] = replace(other, map=total)
                    break
        else:
            result.append(link)
    return result


def _beside(one: Link, two: Link) -> bool:
    same = (one.pre, one.post, one.delay, one.decay) == (two.pre, two.post, two.delay, two.decay)
    return same and not (one.map.is_zero or two.map.is_zero)


#: Nodes that are beside what a link is.
_MINOR = ("Flatten", "LI", "Delay")


def _shape_after(row: Written, shape: tuple[int, ...], target: Shape) -> tuple[int, ...]:
    """The shape that a node of a link gives."""
    if row.kind == "Flatten":
        return (int(np.prod(shape)),)
    if row.kind.startswith("Conv") and not target.is_image:
        return shape  # a Flatten follows, and nothing is joined here
    return target.sizes
