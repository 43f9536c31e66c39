"""What processes give to a sample in NengoDL: the same, whatever is beside it or came before.

NengoDL seeds processes one after another, lane by lane and batch by batch. So the noise of a sample
would depend on its place among the others, and on the worker of a cluster that has it. Here each
lane of each fresh batch draws the same noise, as a new simulator of Nengo does: samples differ by
what is presented alone.
"""

from __future__ import annotations

import copy
from typing import Any

import nengo
import numpy as np
from nengo_dl.process_builders import GenericProcessBuilder, SimProcessBuilder


def separate_processes(graph: Any) -> None:
    """Give processes of a complete graph a state of their own in each lane, and the same noise.

    It has to be called after each ``TensorGraph.build_post``.
    """
    rng = np.random.RandomState(graph.seed)
    _separate_inputs(graph, rng)
    processes = (b for b in graph.op_builder.op_builds.values() if isinstance(b, SimProcessBuilder))
    for builder in (process.built_process for process in processes):
        if isinstance(builder, GenericProcessBuilder):  # filters draw nothing
            number = rng.randint(np.iinfo(np.int32).max)
            builder.config = builder.config._replace(rng=_OneSeed(number))
            builder.build_post(graph.signals)


def _separate_inputs(graph: Any, rng: np.random.RandomState) -> None:
    """The same for processes without input, for all lanes of which NengoDL makes one state."""
    for node, process in graph.invariant_inputs.items():
        if not isinstance(process, nengo.Process):
            continue
        shapes = (node.size_in,), (node.size_out,), graph.dt
        drawn = process.get_rng(rng)
        graph.input_funcs[node] = [
            process.make_step(*shapes, copy.deepcopy(drawn), process.make_state(*shapes))
            for _ in range(graph.minibatch_size)
        ]


class _OneSeed(np.random.RandomState):
    """Has one seed for every process that asks, as each lane does (`nengo.Process.get_rng`)."""

    def __init__(self, number: int):
        super().__init__(number)
        self._number = number

    def randint(self, *_: Any, **__: Any) -> Any:
        """The number that it was made with."""
        return self._number
