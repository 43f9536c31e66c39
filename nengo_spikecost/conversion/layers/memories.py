"""Linear memories of a series: what a `LegendreMemory` holds of its inputs."""

from __future__ import annotations

from typing import Any

import nengo
import numpy as np
import scipy.sparse

from ..filter_node import FilterNode, StateSpace
from ..legendre import LegendreMemory
from .base import LayerConverter
from .converter_registry import register_layer_converter
from .dense import places_transform

#: Most weights that a memory is written out as: more do not fit into a PC's memory twice.
MOST_WEIGHTS = 50_000_000


@register_layer_converter(LegendreMemory)
class ConvertLegendreMemory(LayerConverter):
    """A series that is shown as a whole is weighed by the memory's answers to an impulse.

    In a temporal model, where a step of the series is a step of the network, the memory is kept on
    the host.
    """

    has_weights = True

    @classmethod
    def problem(cls, layer: Any, converter: Any) -> str | None:
        """In time, nothing follows once; and NengoDL can't train it."""
        if converter.temporal_model and not layer.return_sequences:
            return (
                "it gives its memory once, after all steps, and in a temporal model everything is "
                "there at every step: make it with return_sequences=True, or convert with "
                "temporal=False"
            )
        if not converter.inference_only:
            return "NengoDL can't train its memory; it needs inference_only=True"
        return None

    def convert(self, node_id: int) -> Any:
        """Weights, or a Node with the state."""
        layer = self.layer
        kernel = None if layer.kernel is None else layer.kernel.numpy()
        state_matrix, input_matrix = layer.state_matrix.numpy(), layer.input_matrix.numpy()
        *places, _ = self.input_shape(node_id)
        n_steps = int(np.prod(places))
        u = self.get_input_obj(node_id)
        if kernel is not None or layer.use_bias:
            weighed = self.add_relay(node_id, n_steps * layer.memory_d, "u")
            transform: Any = 1 if kernel is None else places_transform(kernel, places)
            self.connect(u, weighed, transform)
            if layer.use_bias:
                self.add_constant(node_id, weighed, np.tile(layer.bias.numpy(), n_steps))
            u = weighed
        if self.converter.temporal_model:
            output = FilterNode(StateSpace(state_matrix.T, input_matrix.T), self.label(node_id))
            self.set_trainable(nengo.Connection(u, output, synapse=None), False)
            self.converter.note(layer, "a memory on the host", exact=True, on_host=True)
            return output
        output = self.add_relay(node_id)
        answers = self._answers(state_matrix, input_matrix, n_steps)
        self.connect(u, output, answers)
        return output

    def _answers(self, state_matrix: np.ndarray, input_matrix: np.ndarray, n_steps: int) -> Any:
        """What each step's input is still worth: at each step after it, or at the last one."""
        layer = self.layer
        sequences = layer.return_sequences
        pairs = n_steps * (n_steps + 1) // 2 if sequences else n_steps
        if pairs * input_matrix.size > MOST_WEIGHTS:
            raise self.refused(
                f"{layer.n_states} values that remember {n_steps:,} steps are more than "
                f"{MOST_WEIGHTS:,} weights; "
                + (
                    "convert with temporal=True, or make it with return_sequences=False"
                    if sequences
                    else "make it with return_sequences=True, and convert with temporal=True"
                )
            )
        answer = input_matrix.astype(np.float64)
        answers = [answer]
        for _ in range(n_steps - 1):
            answer = answer @ state_matrix
            answers.append(answer)
        if not sequences:
            last = np.concatenate(answers[::-1]).T
            return (
                last
                if np.all(last)
                else nengo.Sparse(last.shape, init=scipy.sparse.csr_matrix(last))
            )
        blocks = [
            [answers[now - then].T if then <= now else None for then in range(n_steps)]
            for now in range(n_steps)
        ]
        matrix = scipy.sparse.csr_matrix(scipy.sparse.bmat(blocks))
        matrix.eliminate_zeros()
        return nengo.Sparse(matrix.shape, init=matrix)
