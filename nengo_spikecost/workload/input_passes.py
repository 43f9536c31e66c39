"""How often values that are no spikes are worked on: inputs of the network, and all of it densely.

An input is weighed once for each frame, that is whenever it changes. A machine without spikes runs
the whole network once for each frame: an image once, a film frame by frame. A network that runs on
(recurrent, learning, or without samples) has no inferences: everything is done at every step.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import nengo

from ..activity.activity_record import Protocol
from ..activity.subject import source_nodes
from ..graph import NetworkGraph
from ..graph.feedback import has_state


class InputPasses:
    """Passes per inference, means of the samples.

    Parameters
    ----------
    graph : NetworkGraph
    protocol : Protocol, optional
        How the samples were presented. Without it, or if it does not know frames, as if they
        changed at every step, and the dense network ran once.

    Attributes
    ----------
    dense : float
        Passes of a machine without spikes.
    runs_on : bool
        Whether the network has no inferences, but runs on; see `Protocol.runs_on`.
    """

    def __init__(self, graph: NetworkGraph, protocol: Protocol | None):
        self._protocol = protocol
        self._names = {node: name for name, node in source_nodes(graph.network).items()}
        self.dense: float = 1
        self.runs_on = False
        if protocol is not None:
            # an activity made by hand may not say it
            self.runs_on = protocol.runs_on or has_state(graph)
            frames = 1 if protocol.constant_inputs else protocol.frames
            every = protocol.n_steps if self.runs_on else 1 if frames is None else frames
            self.dense = _whole(every)

    def of(self, sources: Iterable[Any]) -> float:
        """How often values from these sources together are weighed."""
        if self._protocol is None:
            return 1
        if self.runs_on:
            return self._protocol.n_steps
        if self._protocol.constant_inputs:
            return 1
        own = {source.obj: self._frames(source) for source in sources}
        together = (
            self._protocol.n_steps if self._protocol.frames is None else self._protocol.frames
        )
        if any(n is None for n in own.values()):
            return _whole(together)
        changing = [n for n in own.values() if n is not None and n != 1]
        return _whole(1 if not changing else changing[0] if len(changing) == 1 else together)

    def _frames(self, source: Any) -> float | None:
        """Frames of one source; None if they are not known."""
        assert self._protocol is not None
        node, known = source.obj, self._protocol.input_frames
        for name in (self._names.get(node), source.layer):
            if name in known:
                return known[name]  # type: ignore[index]
        is_node = isinstance(node, nengo.Node) and node.size_in == 0
        if not known or not is_node:
            return None
        changes = callable(node.output) or isinstance(node.output, nengo.Process)
        return float(self._protocol.n_steps) if changes else 1


def _whole(number: float) -> float:
    return int(number) if number == int(number) else number
