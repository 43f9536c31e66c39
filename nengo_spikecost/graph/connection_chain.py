"""The patterns that one Nengo Connection is made of, from its source to its target.

Decoded Connections are counted in their full-weight form, the one that neuromorphic
hardware stores: neuron to neuron, with decoders, transform and encoders multiplied out.
"""

from __future__ import annotations

from typing import Any

import nengo
import numpy as np
from nengo.ensemble import Neurons
from nengo.solvers import NoSolver

from .connectivity import AllToAll, Connectivity, Identity, Selection, pattern_of
from .fan_out import connectivity, synapse_mask


def is_direct(obj: Any) -> bool:
    """Whether an object is an Ensemble that computes without neurons."""
    return isinstance(obj, nengo.Ensemble) and isinstance(obj.neuron_type, nengo.Direct)


def is_decoded(conn: nengo.Connection) -> bool:
    """Whether a Connection carries what is decoded from the neurons of an Ensemble."""
    return isinstance(conn.pre_obj, nengo.Ensemble) and not is_direct(conn.pre_obj)


def computes_on_host(conn: nengo.Connection) -> bool:
    """Whether a Connection applies a Python function instead of decoding it."""
    return conn.function is not None and not is_decoded(conn)


def connection_chain(conn: nengo.Connection, count_zeros: bool = False) -> list[Connectivity]:
    """Patterns of a Connection, in the order signals pass them.

    Starts at the neurons of a decoded Ensemble, at the result of a function computed on
    the host, and else at the elements of ``conn.pre_obj``. Ends at the neurons of an
    Ensemble, and else at the elements of ``conn.post_obj``.

    Parameters
    ----------
    conn : nengo.Connection
    count_zeros : bool
        Whether weights that are exactly zero are synapses. On a Connection that learns
        they always are: it will change them.

    Raises
    ------
    NetworkGraphError
        If there is no fan-out rule for the transform.
    """
    count_zeros = count_zeros or conn.learning_rule_type is not None
    if _solves_for_all_weights(conn):
        return [AllToAll(conn.pre_obj.n_neurons, conn.post_obj.n_neurons)]
    transform = connectivity(conn.transform, count_zeros)
    return [*_before(conn, count_zeros), transform, *_after(conn, count_zeros)]


def dense_macs(conn: nengo.Connection, count_zeros: bool = False) -> int:
    """Multiply-accumulates of one pass through a Connection's weights, as they are stored.

    Unlike the synapses of a pathway they are not multiplied out: decoders and transform are
    applied one after the other. Encoders belong to the Ensemble, however many Connections
    lead into it: see `encoder_macs`. Copies and slices multiply nothing.

    Raises
    ------
    NetworkGraphError
        If there is no fan-out rule for the transform.
    """
    count_zeros = count_zeros or conn.learning_rule_type is not None
    if _solves_for_all_weights(conn):
        return connection_chain(conn, count_zeros)[0].n_synapses
    stored = []
    if is_decoded(conn):
        stored.append(_decoders(conn, count_zeros))
    if not isinstance(conn.transform, nengo.transforms.NoTransform):
        stored.append(connectivity(conn.transform, count_zeros))
    return sum(pattern.n_synapses for pattern in stored)


def encoder_macs(ensemble: nengo.Ensemble, count_zeros: bool = False) -> int:
    """Multiply-accumulates of one pass through the encoders of an Ensemble."""
    return _encoders(ensemble, count_zeros).n_synapses


def uses_encoders(conn: nengo.Connection) -> bool:
    """Whether a Connection leads through the encoders of its target."""
    return _has_encoders(conn) and not _solves_for_all_weights(conn)


def _solves_for_all_weights(conn: nengo.Connection) -> bool:
    """Whether the solver finds neuron to neuron weights, whatever the transform."""
    return (
        is_decoded(conn)
        and isinstance(conn.post_obj, nengo.Ensemble)
        and conn.solver.weights
        and not conn.solver.compositional
    )


def _before(conn: nengo.Connection, count_zeros: bool) -> list[Connectivity]:
    """What stands between the source and the transform."""
    pre = conn.pre_obj
    if is_decoded(conn):
        # Decoders are solved for the slice wanted: every neuron takes part in each
        # dimension of it.
        return [_decoders(conn, count_zeros)]
    if computes_on_host(conn):
        return []
    return [_slice(conn.pre_slice, pre.size_out)]


def _after(conn: nengo.Connection, count_zeros: bool) -> list[Connectivity]:
    """What stands between the transform and the target."""
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


def ends_in_neurons(conn: nengo.Connection) -> bool:
    """Whether a Connection ends at the neurons of an Ensemble."""
    return isinstance(conn.post_obj, Neurons) or _has_encoders(conn)
