"""`to_nir`: a network of Nengo as a NIR graph.

1. Say which objects have no form in NIR, all at once (`refusals`).
2. Read the network as places and links (`read_places`), as the reader takes them (`PreparedLinks`).
3. Find the fields of all neurons, or say which are no such neurons (`population_fields`).
4. Write places and links as nodes, and join them (`JoinedGraph`).
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import nengo

from .. import check, files
from ..activity.subject import DEFAULT_DT
from ..errors import ConversionError, ConversionWarning
from ..graph.naming import unique_names
from ..options import named_arguments
from ..warned import warn
from .conventions import Convention
from .graph_network import GraphNetwork
from .graph_nodes import nir_package
from .joined_graph import JoinedGraph
from .network_links import Places, inputs_of, read_places, refusals
from .population_fields import population_fields
from .prepared_links import PreparedLinks
from .refused_objects import refuse
from .tool_readers import reader_of
from .written_metadata import WrittenSteps


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
    # inputs first: what makes spikes of their values has the same layer, and is no node
    names = unique_names(net, (*chosen, *net.all_ensembles, *net.all_nodes), names)
    refuse(refusals(net, names, chosen))
    if not chosen:
        raise ConversionError("The network has no inputs: say which Nodes are (inputs=).")
    read = read_places(net, names, chosen, step_s)
    _warn_of(read, net)
    prepared = PreparedLinks(read, names, chosen, step_s, reader)
    fields = population_fields(prepared, graph_dt, approximate)
    about = WrittenSteps(reader.name, graph_dt, step_s)
    graph = JoinedGraph(prepared, fields, graph_dt).nodes.graph(about.as_metadata)
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
        return given, {}, None, DEFAULT_DT
    net = getattr(given, "net", None)
    if isinstance(net, nengo.Network) and hasattr(given, "input_nodes"):
        own = getattr(given, "dt", None)
        return net, given.layer_names, list(given.input_nodes), own or DEFAULT_DT
    raise ConversionError(
        f"to_nir takes a nengo.Network, or what from_nir or convert returns, not "
        f"{type(given).__name__}."
    )


def _warn_of(read: Places, net: nengo.Network) -> None:
    if read.drawn and net.seed is None:
        warn(
            "The network has no seed: its gains, encoders and decoders are drawn at random, and "
            "those of the graph are no others' (seed= of the Network).", ConversionWarning,
        )  # fmt: skip
    for note in read.notes:
        warn(f"{note[0].upper()}{note[1:]}.", ConversionWarning)
