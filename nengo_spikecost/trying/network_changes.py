"""Nengo networks with some layers changed: other rates, fewer neurons, or on the host.

A layer of a network is an Ensemble. `changed_network` copies the network first:

    other rates     gains and biases times a factor, and outputs divided by it; of an Ensemble that
                    is decoded, its highest rates, for which Nengo solves its decoders anew
    fewer neurons   neurons, or whole channels of a convolution, are gone, with the weights to and
                    from them: the network is smaller, not one with zeros in it
    on the host     marked as NengoLoihi is told

What would compute something else than a smaller or slower network of the same kind is refused, and
the reason names the layer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import nengo
import numpy as np
from scipy import sparse

from .. import check
from ..errors import NetworkGraphError
from ..graph import NetworkGraph
from ..graph.chip_split import owner_of
from ..graph.image import Image
from ..graph.nengo_types import is_whole
from ..graph.off_chip import mark_off_chip
from ..options import named_arguments
from ..spiking.amplitudes import with_amplitude_divided

#: Neurons with twice the output for twice the input, by the names of their classes.
PROPORTIONAL = ("RectifiedLinear", "SpikingRectifiedLinear", "LoihiSpikingRectifiedLinear")


@named_arguments
def changed_network(
    network: Any, *, rates: Mapping[str, float] | None = None,
    without: Mapping[str, Iterable[int]] | None = None, off_chip: Iterable[str] = (),
) -> Any:  # fmt: skip
    """A copy of a network in which some layers fire at other rates, are smaller, or on the host.

    Parameters
    ----------
    network : nengo.Network
        It is not changed. Layers are named as `NetworkGraph` names them: by the labels of the
        Ensembles, or the nodes of a NIR graph.
    rates : mapping from str to float
        By layer, the factor on its firing rates.
    without : mapping from str to iterable of int
        By layer, the numbers of the neurons that are taken out; of one that is reached or read by a
        convolution, of the channels.
    off_chip : iterable of str
        Layers that the host computes.

    Returns
    -------
    nengo.Network
        Of the same class, with the same names.

    Raises
    ------
    NetworkGraphError
        If there is no such layer, or it can't be changed: it says why.

    Examples
    --------
    >>> slower = nsc.changed_network(net, rates={"hidden": 0.5})  # doctest: +SKIP
    """
    words = "a nengo.Network (a Keras model is converted with other options, see advise)"
    check.kind("network", network, nengo.Network, NetworkGraphError, words)
    copy = _copied(network)
    graph = NetworkGraph(copy)
    for layer, factor in (rates or {}).items():
        check.positive(f"rates[{layer!r}]", factor, NetworkGraphError)
        _scale(copy, ensemble_of_layer(graph, layer), float(factor))
    for layer, gone in (without or {}).items():
        words = "a list of numbers of neurons or channels"
        numbers = check.several(f"without[{layer!r}]", gone, NetworkGraphError, words)
        _cut(copy, ensemble_of_layer(graph, layer), numbers)
    mark_off_chip(copy, [ensemble_of_layer(graph, layer) for layer in off_chip])
    return copy


def ensemble_of_layer(graph: NetworkGraph, layer: str) -> nengo.Ensemble:
    """The one Ensemble that a layer of a network is.

    Raises
    ------
    NetworkGraphError
        If there is no such layer, or it is several Ensembles.
    """
    own = [p.ensemble for p in graph.populations if p.layer == layer]
    if len(own) == 1:
        return own[0]
    if own:
        raise NetworkGraphError(f"{layer} is {len(own)} Ensembles, and one is changed at a time.")
    names = ", ".join(dict.fromkeys(p.layer for p in graph.populations))
    raise NetworkGraphError(f"The network has no layer {layer!r}; there are {names or 'none'}.")


def check_scalable(network: Any, ensemble: nengo.Ensemble) -> None:
    """Raise `NetworkGraphError` unless an Ensemble's rates can be scaled, by any factor."""
    name = ensemble.label
    if ensemble.noise is not None:
        raise NetworkGraphError(f"{name} has noise, which would be of another size at other rates.")
    _refuse_learning(network, ensemble)
    own = (ensemble.gain is not None) + (ensemble.bias is not None)
    if own == 1:
        raise NetworkGraphError(f"{name} has a gain without a bias, or a bias without a gain.")
    kind = type(ensemble.neuron_type)
    base = type(getattr(ensemble.neuron_type, "base_type", ensemble.neuron_type))
    if not (own or _ways(network, ensemble, direct=True)):
        return  # decoders are solved for whatever rates there are
    if base.__name__ not in PROPORTIONAL or not hasattr(ensemble.neuron_type, "amplitude"):
        raise NetworkGraphError(
            f"{name} has {kind.__name__} neurons, which compute something else at other rates."
        )


def units_of(network: Any, ensemble: nengo.Ensemble) -> np.ndarray:
    """The unit that each neuron belongs to: a channel where convolutions lead, or its own.

    Returns
    -------
    ndarray of int, shape (n_neurons,)

    Raises
    ------
    NetworkGraphError
        If neurons can't be taken out of it.
    """
    name, n = ensemble.label, ensemble.n_neurons
    _refuse_learning(network, ensemble)
    if _ways(network, ensemble, direct=False):
        raise NetworkGraphError(
            f"{name} is encoded or decoded: fewer neurons would be drawn anew, all of them."
        )
    for what in ("gain", "bias"):
        value = getattr(ensemble, what)
        fixed = isinstance(value, nengo.dists.Choice) and len(value.options) == 1
        if value is None or (isinstance(value, nengo.dists.Distribution) and not fixed):
            raise NetworkGraphError(
                f"{name} has a {what} that is drawn: fewer neurons would be drawn anew, all of "
                "them."
            )
    if any(owner_of(probe.target) is ensemble for probe in network.all_probes):
        raise NetworkGraphError(f"{name} is probed: whoever reads it needs all of its neurons.")
    if _of_each_neuron(ensemble):
        raise NetworkGraphError(f"{name} has neurons with parameters of their own.")
    units = np.arange(n)
    for conn, is_into in _ways(network, ensemble, direct=True):
        end = conn.post_slice if is_into else conn.pre_slice
        if not is_whole(end) or not _cuttable(conn.transform):
            why = (
                "of a part of it"
                if not is_whole(end)
                else f"a {type(conn.transform).__name__} with groups or with weights that are drawn"
            )
            raise NetworkGraphError(
                f"{name} is {'reached' if is_into else 'read'} by {conn}, which is {why}: no "
                "neurons can be taken out of it."
            )
        if isinstance(conn.transform, nengo.Convolution):
            image = conn.transform.output_shape if is_into else conn.transform.input_shape
            channels = _channels(image)
            if not np.array_equal(units, np.arange(n)) and not np.array_equal(units, channels):
                raise NetworkGraphError(f"{name} has other channels for {conn} than for others.")
            units = channels
    return units


def _copied(network: Any) -> Any:
    """A copy with objects of its own.

    Raises
    ------
    NetworkGraphError
        If one of them can't be copied.
    """
    try:
        return network.copy(add_to_container=False)
    except (TypeError, AttributeError, NotImplementedError, ValueError) as error:
        raise NetworkGraphError(
            f"{network} can't be copied, as one of its Nodes or processes can't: {error}."
        ) from error


def _scale(network: Any, ensemble: nengo.Ensemble, factor: float) -> None:
    """Rates times a factor, and outputs as before."""
    check_scalable(network, ensemble)
    if ensemble.gain is None:
        ensemble.max_rates = _times(ensemble, "max_rates", factor)
    else:
        ensemble.gain = _times(ensemble, "gain", factor)
        ensemble.bias = _times(ensemble, "bias", factor)
    reads = [conn for conn, into in _ways(network, ensemble, direct=True) if not into]
    probed = any(_is_neurons_of(probe.obj, ensemble) for probe in network.all_probes)
    if reads or probed:  # decoders are solved for the rates; nothing else divides them out
        ensemble.neuron_type = with_amplitude_divided(ensemble.neuron_type, factor)


def _times(ensemble: nengo.Ensemble, what: str, factor: float) -> Any:
    """Values or a distribution times a factor."""
    value = getattr(ensemble, what)
    if isinstance(value, nengo.dists.Choice):
        return nengo.dists.Choice(np.asarray(value.options) * factor, value.weights)
    if isinstance(value, nengo.dists.Uniform):
        return nengo.dists.Uniform(value.low * factor, value.high * factor, value.integer)
    if isinstance(value, nengo.dists.Distribution):
        raise NetworkGraphError(
            f"{ensemble.label} has {what} that are drawn from a {type(value).__name__}: give "
            "numbers, a Uniform or a Choice."
        )
    return np.asarray(value) * factor


def _cut(network: Any, ensemble: nengo.Ensemble, gone: list[Any]) -> None:
    """Take units out of an Ensemble, and the weights to and from them."""
    units = units_of(network, ensemble)
    last = int(units.max())
    for number in gone:
        if not check.is_whole(number) or not 0 <= number <= last:
            raise NetworkGraphError(
                f"{ensemble.label} has the units 0 to {last}; there is no unit "
                f"{check.shown(number)}."
            )
    keep = ~np.isin(units, gone)
    if not keep.any():
        raise NetworkGraphError(f"{ensemble.label} would be without neurons: leave one at least.")
    ways = _ways(network, ensemble, direct=True)
    values = {}
    for what in ("gain", "bias", "encoders", "max_rates", "intercepts"):
        value = getattr(ensemble, what)
        if isinstance(value, nengo.dists.Distribution) or value is None:
            continue  # one number for all
        values[what] = np.asarray(value)[keep]
        setattr(ensemble, what, nengo.dists.Choice([0]))  # of any length, until it has the new one
    # Nengo's number of neurons is read-only once it is set
    nengo.Ensemble.n_neurons.data[ensemble] = int(keep.sum())
    for what, value in values.items():
        setattr(ensemble, what, value)
    transforms = {conn: conn.transform for conn, _ in ways}
    for conn, is_into in ways:  # one of a population to itself is in it twice
        transforms[conn] = _cut_transform(transforms[conn], keep, is_into)
    for conn, transform in transforms.items():
        conn.transform = transform
    _forget_blocks(network)


def _ways(network: Any, ensemble: Any, direct: bool) -> list[tuple[nengo.Connection, bool]]:
    """Connections of an Ensemble, each with whether it leads into it.

    ``direct``: of its neurons, or else of the values that it encodes and decodes.
    """

    def is_own(obj: Any) -> bool:
        # Nengo makes another object for the neurons each time that it is asked
        return _is_neurons_of(obj, ensemble) if direct else obj is ensemble

    into = [(conn, True) for conn in network.all_connections if is_own(conn.post_obj)]
    return into + [(conn, False) for conn in network.all_connections if is_own(conn.pre_obj)]


def _is_neurons_of(obj: Any, ensemble: nengo.Ensemble) -> bool:
    return isinstance(obj, nengo.ensemble.Neurons) and obj.ensemble is ensemble


def _refuse_learning(network: Any, ensemble: nengo.Ensemble) -> None:
    for conn in network.all_connections:
        own = ensemble in (owner_of(conn.pre_obj), owner_of(conn.post_obj))
        if own and conn.learning_rule_type is not None:
            raise NetworkGraphError(f"{ensemble.label} learns, by the rates and neurons it has.")


def _of_each_neuron(ensemble: nengo.Ensemble) -> bool:
    """Whether its type of neurons has an array with a number for each of them."""
    kind = ensemble.neuron_type
    names = (n for own in type(kind).__mro__ for n, v in vars(own).items() if _is_parameter(v))
    values = [*vars(kind).values(), *(getattr(kind, name) for name in names)]
    values += list((kind.initial_state or {}).values())
    n = ensemble.n_neurons
    return any(np.ndim(v) and n in np.shape(v) for v in values if isinstance(v, np.ndarray))


def _is_parameter(value: Any) -> bool:
    return isinstance(value, nengo.params.Parameter)


def _cuttable(transform: Any) -> bool:
    """Whether single rows and columns of a transform can be taken out."""
    if isinstance(transform, nengo.transforms.NoTransform):
        return True
    if isinstance(transform, nengo.Sparse):
        return isinstance(getattr(transform.init, "data", None), np.ndarray)
    if isinstance(transform, nengo.Convolution) and transform.groups != 1:
        return False  # a group would lack some of its channels
    known = isinstance(transform, (nengo.Dense, nengo.Convolution))
    return known and not isinstance(transform.init, nengo.dists.Distribution)


def _cut_transform(transform: Any, keep: np.ndarray, rows: bool) -> Any:
    """A transform without the rows, or the columns, of some neurons."""
    if isinstance(transform, nengo.Convolution):
        return _cut_convolution(transform, keep, rows)
    if isinstance(transform, nengo.Sparse):
        given = transform.sample()
        matrix = sparse.csr_matrix(given.toscipy() if hasattr(given, "toscipy") else given)
    elif np.ndim(getattr(transform, "init", 1.0)) == 2:
        weights = np.asarray(transform.init)
        return nengo.Dense(
            weights[keep].shape if rows else weights[:, keep].shape,
            weights[keep] if rows else weights[:, keep],
        )
    else:  # a factor, or one for each neuron
        diagonal = np.broadcast_to(getattr(transform, "init", 1.0), (transform.size_in,))
        matrix = sparse.csr_matrix(sparse.diags(diagonal))
    cut = matrix[keep] if rows else matrix[:, keep]
    return nengo.Sparse(cut.shape, init=sparse.csr_matrix(cut))


def _cut_convolution(transform: nengo.Convolution, keep: np.ndarray, rows: bool) -> Any:
    """A convolution without some of its channels, out of it (rows) or into it."""
    image = transform.output_shape if rows else transform.input_shape
    channels = np.zeros(image.n_channels, bool)
    channels[_channels(image)[keep]] = True
    kernel = np.asarray(transform.init)
    kernel = kernel[..., channels] if rows else kernel[..., channels, :]
    given = transform.input_shape
    shape = list(given.shape)
    if not rows:
        shape[-1 if given.channels_last else 0] = int(channels.sum())
    return nengo.Convolution(
        kernel.shape[-1], tuple(shape), kernel_size=transform.kernel_size,
        strides=transform.strides, padding=transform.padding,
        channels_last=transform.channels_last, init=kernel, groups=transform.groups,
    )  # fmt: skip


def _channels(image: Any) -> np.ndarray:
    """The channel of every element of an image, in the order of its elements."""
    read = Image(tuple(image.spatial_shape), image.n_channels, image.channels_last)
    return read.coordinates(np.arange(read.size))[-1]


def _forget_blocks(network: Any) -> None:
    """Leave out all block shapes: those of a layer with fewer neurons are others."""
    for ensemble in network.all_ensembles:
        if getattr(network.config[ensemble], "block_shape", None) is not None:
            network.config[ensemble].block_shape = None
