"""A network as NengoLoihi's builder sees it, before its blocks are split over cores.

NengoLoihi itself is run, with one of its rules replaced: a Connection from neurons to
neurons on the chip is noted, and its synapses are not made. Everything else is as in any
build (seeds, gains, merged passthrough Nodes, decoding neurons, probes), so that what this
reads can't differ from it; but the synapses of neurons, which take nearly all the time
and memory of a build, are only described.

Reference: nengo-loihi 1.1.0, builder/connection.py and builder/network.py.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar

import nengo
import numpy as np
from nengo.connection import LearningRule
from nengo.ensemble import Neurons

from ... import stack
from ...deadlines import check_time
from ...graph.nengo_types import is_whole
from ..support.unsupported import owner_of
from .building import building

#: Transforms of two-dimensional images that NengoLoihi keeps as shared weights.
CONVOLUTIONS = (nengo.Convolution, nengo.ConvolutionTranspose)


@dataclass(frozen=True)
class Noted:
    """One Connection from neurons to neurons on the chip.

    Attributes
    ----------
    connection : nengo.Connection
        It may be one that NengoLoihi made of several through passthrough Nodes.
    source : nengo_loihi.block.LoihiBlock or str
        The block of its neurons, or the name of the population on the host.
    n_source : int
        Neurons of the whole source.
    target : nengo_loihi.block.LoihiBlock
    pop_type : int
        16 or 32; it means something for convolutions only.
    """

    connection: nengo.Connection
    source: Any
    n_source: int
    target: Any
    pop_type: int


@dataclass(frozen=True)
class Unsplit:
    """The blocks of a network, one a population, and the Connections between neurons.

    Attributes
    ----------
    model : nengo_loihi.builder.Model
        Its blocks are whole, and hold only the synapses that are not in `noted`.
    noted : tuple of Noted
    """

    model: Any
    noted: tuple[Noted, ...] = field(repr=False)

    @property
    def block_shapes(self) -> dict[Any, Any]:
        """The BlockShape that the network gives for a block, or None, by block."""
        return dict(self.model.block_shapes.items())


def build_unsplit(network: nengo.Network, dt: float = 0.001, named: Any = None) -> Unsplit:
    """Build the blocks of a network without the synapses between neurons.

    Parameters
    ----------
    network : nengo.Network
        It is not changed.
    dt : float
        Time step in s.
    named : Conversion or Lowering, optional
        Knows the names of the network's layers.

    Raises
    ------
    LoihiError
        If NengoLoihi can't build it.
    """
    loihi = stack.nengo_loihi()
    noted: list[Noted] = []

    note_or_build = partial(_note_or_build, loihi, noted)

    class NotingBuilder(loihi.builder.Builder):  # type: ignore[name-defined, misc]
        builders: ClassVar = {**loihi.builder.Builder.builders, nengo.Connection: note_or_build}

        @classmethod
        def build(cls, model: Any, obj: Any, *args: Any, **kwargs: Any) -> Any:
            check_time()
            return super().build(model, obj, *args, **kwargs)

    model = loihi.builder.Model(dt=dt, builder=NotingBuilder)
    model.validation_level = loihi.builder.builder.ValidationLevel.NONE
    model.block_shapes = _WholeBlocks()
    advice = "nengo_spikecost.loihi.check_support says which layer is at fault."
    built = building(network, advice, named=named, dt=dt)
    with built, no_decoders_for(network), _nothing_split(loihi):
        model.build(network, discretize=False)
    return Unsplit(model, tuple(noted))


@contextmanager
def no_decoders_for(network: nengo.Network) -> Iterator[None]:
    """Let no points and encoders be drawn at random for Ensembles of which neither is used.

    Nengo draws two points for each neuron, and an encoder: for a million neurons that are reached
    by neurons only, all of that takes a minute and is never looked at. Where gains and biases are
    given as well, nothing else is drawn by the same generator.
    """
    ends = [end for c in network.all_connections for end in (c.pre_obj, c.post_obj)]
    ends += [probe.obj for probe in network.all_probes]
    # a learning rule's own object says nothing, but its Connection's ends are among these
    used = {end for end in ends if isinstance(end, nengo.Ensemble)}
    kinds = nengo.Ensemble.eval_points, nengo.Ensemble.n_eval_points, nengo.Ensemble.encoders
    before = []
    for ensemble in network.all_ensembles:
        if ensemble in used or not (_is_fixed(ensemble.gain) and _is_fixed(ensemble.bias)):
            continue
        axes = ensemble.dimensions
        drawn = isinstance(ensemble.encoders, nengo.dists.Distribution)
        encoders = np.ones((1, axes)) if drawn else ensemble.encoders
        for kind, value in zip(kinds, (np.zeros((1, axes)), None, encoders)):
            before.append((kind.data, ensemble, ensemble in kind.data, kind.data.get(ensemble)))
            kind.data[ensemble] = value
    try:
        yield
    finally:
        for data, ensemble, was_set, value in before:
            del data[ensemble]
            if was_set:
                data[ensemble] = value


@contextmanager
def _nothing_split(loihi: Any) -> Iterator[None]:
    """Leave out NengoLoihi's split, which lists the neurons of blocks that stay whole here."""
    module: Any = sys.modules[loihi.builder.Builder.builders[nengo.Network].__module__]
    split = module.split_model
    module.split_model = lambda model: {}
    try:
        yield
    finally:
        module.split_model = split


def _is_fixed(value: Any) -> bool:
    """Whether gains or biases are the same whatever is drawn before them."""
    one = isinstance(value, nengo.dists.Choice) and len(value.options) == 1
    return one or isinstance(value, np.ndarray)


class _WholeBlocks(dict):  # type: ignore[type-arg]
    """NengoLoihi's block shapes: the given ones are kept, but every block is said to be whole."""

    def get(self, block: Any, default: Any = None) -> Any:
        return self[block]

    def __getitem__(self, block: Any) -> Any:
        whole = (block.n_neurons,)
        return stack.nengo_loihi().BlockShape(whole, whole)


def _note_or_build(loihi: Any, noted: list[Noted], model: Any, conn: nengo.Connection) -> Any:
    chip = model.split.on_chip
    if isinstance(conn.post_obj, LearningRule):
        return loihi.builder.connection.build_connection(model, conn)
    from_chip, to_chip = chip(owner_of(conn.pre)), chip(owner_of(conn.post))
    if not to_chip and (not from_chip or isinstance(conn.pre_obj, Neurons)):
        return None  # the host's work, and recorded spikes: no block has anything of it
    neurons = isinstance(conn.pre_obj, Neurons) and isinstance(conn.post_obj, Neurons)
    if not (to_chip and neurons):
        return loihi.builder.connection.build_connection(model, conn)
    _require_buildable(conn)
    ensemble = conn.pre_obj.ensemble
    source = model.objs[conn.pre_obj]["out"] if from_chip else ensemble
    # the host sends the spikes of the sliced neurons only
    n_source = ensemble.n_neurons if from_chip else conn.size_in
    pop_type = model.config[conn].pop_type if isinstance(conn.transform, CONVOLUTIONS) else 0
    noted.append(Noted(conn, source, n_source, model.objs[conn.post_obj]["in"], pop_type))
    return None


def _require_buildable(conn: nengo.Connection) -> None:
    """Raise, as NengoLoihi, if it would refuse the Connection in its rule for such."""
    transform = conn.transform
    wrong = None
    if not is_whole(conn.post_slice):
        wrong = "leads to a part of a population on the chip"
    elif isinstance(transform, CONVOLUTIONS):
        if transform.dimensions != 2:
            wrong = f"is a convolution over {transform.dimensions} axes"
    elif not isinstance(transform, (nengo.Dense, nengo.Sparse, nengo.transforms.NoTransform)):
        wrong = f"has a transform of type {type(transform).__name__}"
    if wrong is not None:
        raise nengo.exceptions.BuildError(
            f"{owner_of(conn.pre)} -> {owner_of(conn.post)} {wrong}, which it has no form for"
        )
