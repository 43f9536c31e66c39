"""The patterns that one Nengo Connection is made of, from its source to its target.

Decoded Connections are counted in their full-weight form: neuron to neuron, with decoders,
transform and encoders multiplied out. `factored` counts the other form.

Decoders are not known before a network is built, and all neurons are taken to have some. A
solver for sparse decoders (``LstsqL1``, ``LstsqDrop``, ``Nnls``) may find that some neurons
need none, and so may any solver where a neuron never fires: for these the count is of the weights
that have to be allotted, an upper bound of those that are used.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import nengo
import numpy as np
from nengo.ensemble import Neurons
from nengo.solvers import NoSolver

from .chains import simplify
from .connectivity import AllToAll, Connectivity, Identity, Selection, SparsePattern, pattern_of
from .fan_out import connectivity, synapse_mask


def is_direct(obj: Any) -> bool:
    """Whether an object is an Ensemble that computes without neurons."""
    return isinstance(obj, nengo.Ensemble) and isinstance(obj.neuron_type, nengo.Direct)


def is_decoded(conn: nengo.Connection) -> bool:
    """Whether a Connection carries values decoded from the neurons of an Ensemble."""
    return isinstance(conn.pre_obj, nengo.Ensemble) and not is_direct(conn.pre_obj)


def computes_on_host(conn: nengo.Connection) -> bool:
    """Whether a Connection applies a Python function instead of decoding it."""
    return conn.function is not None and not is_decoded(conn)


def connection_chain(
    conn: nengo.Connection, count_zeros: bool = False, learned_encoders: bool = False
) -> list[Connectivity]:
    """Patterns of a Connection, in the order in which signals pass them.

    Starts at the neurons of a decoded Ensemble, at the result of a function computed on
    the host, and else at the elements of ``conn.pre_obj``. Ends at the neurons of an
    Ensemble, and else at the elements of ``conn.post_obj``.

    Parameters
    ----------
    conn : nengo.Connection
    count_zeros : bool
        Whether weights that are exactly zero are synapses. Those that a learning rule of
        the Connection changes always are.
    learned_encoders : bool
        Whether a learning rule, of another Connection perhaps, changes the target's encoders.

    Raises
    ------
    NetworkGraphError
        If there is no fan-out rule for the transform.
    """
    learned = _learned(conn)
    if full_weights(conn) and (learned or not conn.solver.compositional):
        return [AllToAll(conn.pre_obj.n_neurons, conn.post_obj.n_neurons)]
    after = _after(conn, count_zeros or learned_encoders or "encoders" in learned)
    if is_decoded(conn) and learned & _WEIGHTS:
        return [AllToAll(conn.pre_obj.n_neurons, conn.size_out), *after]
    transform = connectivity(conn.transform, count_zeros or bool(learned & _WEIGHTS))
    return [*_before(conn, count_zeros), transform, *after]


def dense_macs(conn: nengo.Connection, count_zeros: bool = False) -> int:
    """Multiply-accumulates of one pass through a Connection's weights, as they are stored.

    Unlike the synapses of a pathway they are not multiplied out: decoders and transform are
    applied one after the other, unless they are learned or solved for as one. Encoders
    belong to the Ensemble, however many Connections lead into it: see `encoder_macs`.
    Copies and slices multiply nothing.

    Raises
    ------
    NetworkGraphError
        If there is no fan-out rule for the transform.
    """
    return sum(pattern.n_synapses for pattern in stored_weights(conn, count_zeros))


def stored_weights(conn: nengo.Connection, count_zeros: bool = False) -> list[Connectivity]:
    """Patterns of a Connection's weights as they are stored, in the order they are applied.

    Parameters and errors are those of `connection_chain`. Slices are left out.

    Returns
    -------
    list of Connectivity
        Neuron to neuron weights where the solver finds these (``weights=True``) or they are
        learned; decoders and transform in one where these are learned; else decoders
        if there are any, and the transform if there is one.
    """
    if full_weights(conn):
        return [_product(connection_chain(conn, count_zeros))]
    learned = bool(_learned(conn) & _WEIGHTS)
    if is_decoded(conn) and learned:
        return [AllToAll(conn.pre_obj.n_neurons, conn.size_out)]
    stored = [_decoders(conn, count_zeros)] if is_decoded(conn) else []
    if not isinstance(conn.transform, nengo.transforms.NoTransform):
        stored.append(connectivity(conn.transform, count_zeros or learned))
    return stored


def n_stored_weights(conn: nengo.Connection, count_zeros: bool = False) -> int:
    """Number of weights that a Connection stores: of a convolution, those of its kernel."""
    kernel_shape = getattr(conn.transform, "kernel_shape", None)
    if kernel_shape is not None and not is_decoded(conn):
        return math.prod(kernel_shape)
    return sum(pattern.n_synapses for pattern in stored_weights(conn, count_zeros))


def built_macs(conn: nengo.Connection, count_zeros: bool = False) -> int:
    """Multiply-accumulates of one pass through a Connection's weights, as Nengo builds them.

    Nengo multiplies decoders and transform out once, before it starts; else as `dense_macs`.
    """
    stored = stored_weights(conn, count_zeros)
    if is_decoded(conn) and stored:
        return _product(stored).n_synapses
    return sum(pattern.n_synapses for pattern in stored)


def encoder_macs(ensemble: nengo.Ensemble, count_zeros: bool = False) -> int:
    """Multiply-accumulates of one pass through the encoders of an Ensemble."""
    return _encoders(ensemble, count_zeros).n_synapses


def uses_encoders(conn: nengo.Connection) -> bool:
    """Whether a Connection leads through the encoders of its target."""
    return _has_encoders(conn) and not full_weights(conn)


def _product(chain: list[Connectivity]) -> Connectivity:
    """The pattern of a chain as one matrix."""
    shorter = simplify(chain)
    if len(shorter) == 1:
        return shorter[0]
    product = shorter[0].to_sparse()
    for pattern in shorter[1:]:
        product = pattern.to_sparse() @ product
    return SparsePattern(product)


def full_weights(conn: nengo.Connection) -> bool:
    """Whether a decoded Connection holds neuron to neuron weights (``weights=True``)."""
    return is_decoded(conn) and _has_encoders(conn) and bool(conn.solver.weights)


#: Parts that a learning rule may modify, besides the encoders of the target.
_WEIGHTS = frozenset(("decoders", "weights"))


def _learned(conn: nengo.Connection) -> frozenset[str]:
    """The parts of a Connection that its learning rules modify."""
    types = conn.learning_rule_type
    if types is None:
        return frozenset()
    if isinstance(types, Mapping):
        types = types.values()
    return frozenset(t.modifies for t in (types if isinstance(types, Iterable) else (types,)))


def _before(conn: nengo.Connection, count_zeros: bool) -> list[Connectivity]:
    """The patterns between the source and the transform."""
    pre = conn.pre_obj
    if is_decoded(conn):
        # Decoders are solved for the slice wanted: every neuron takes part in each
        # dimension of it.
        return [_decoders(conn, count_zeros)]
    if computes_on_host(conn):
        return []
    return [_slice(conn.pre_slice, pre.size_out)]


def _after(conn: nengo.Connection, count_zeros: bool) -> list[Connectivity]:
    """The patterns between the transform and the target."""
    post = conn.post_obj
    placement = _slice(conn.post_slice, post.size_in).T
    return [placement, _encoders(post, count_zeros)] if _has_encoders(conn) else [placement]


def _has_encoders(conn: nengo.Connection) -> bool:
    return isinstance(conn.post_obj, nengo.Ensemble) and not is_direct(conn.post_obj)


def _encoders(ens: nengo.Ensemble, count_zeros: bool) -> Connectivity:
    return pattern_of(synapse_mask(ens.encoders, (ens.n_neurons, ens.dimensions), count_zeros))


def _decoders(conn: nengo.Connection, count_zeros: bool) -> Connectivity:
    n_neurons = conn.pre_obj.n_neurons
    if isinstance(conn.solver, NoSolver) and not count_zeros:
        if conn.solver.values is None:
            return pattern_of(np.zeros((conn.size_mid, n_neurons), dtype=bool))
        return pattern_of(np.asarray(conn.solver.values).T != 0)
    return AllToAll(n_neurons, conn.size_mid)


def _slice(key: Any, size: int) -> Connectivity:
    indices = np.arange(size)[key]
    if np.array_equal(indices, np.arange(size)):
        return Identity(size)
    return Selection(indices, size)


def leads_to_neurons(conn: nengo.Connection) -> bool:
    """Whether a Connection's own weights lead to neurons, without encoders behind them."""
    return isinstance(conn.post_obj, Neurons) or full_weights(conn)
