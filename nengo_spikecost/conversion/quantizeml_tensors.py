"""What quantizeml makes of a layer's variables, and which grids its tensors are on.

Neither depends on the data, so each layer is run once, on zeros, and what its quantizers make is
noted. It is run as a graph, as ``model.predict`` does: there TensorFlow multiplies with the
reciprocal of a constant instead of dividing by it, and scales differ in their last bit.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

#: Attributes of layers that quantize something.
_QUANTIZERS = (
    "weight_quantizer", "dw_weight_quantizer", "pw_weight_quantizer", "bias_quantizer",
    "padding_value_quantizer", "max_value_quantizer", "out_quantizer",
)  # fmt: skip


@dataclass(frozen=True)
class Traced:
    """One application of a layer to zeros.

    Attributes
    ----------
    output : tf.Tensor, or FixedPoint or QFloat of quantizeml
    made : mapping from str to FixedPoint or QFloat
        What the layer's quantizers made, by their names without ``_quantizer``; and
        ``"out_scales"``, which the output quantizer multiplies with.
    before : FixedPoint or QFloat
        What the output quantizer was given; without one, the output.
    """

    output: Any
    made: Mapping[str, Any]
    before: Any


def is_quantized(tensor: Any) -> bool:
    """Whether a tensor of a model is one of quantizeml's."""
    return not isinstance(getattr(tensor, "type_spec", None), tf.TensorSpec)


class ZeroTensors:
    """The tensors of a model, for zeros: those of quantizeml hold their grids."""

    def __init__(self) -> None:
        self._known: dict[int, Traced] = {}
        self._largest: dict[int, np.ndarray] = {}

    def of(self, tensor: Any) -> Any:
        """For one tensor of a model: one of quantizeml's, or one of TensorFlow's.

        Parameters
        ----------
        tensor : KerasTensor
        """
        return self.traced(tensor).output

    def traced(self, tensor: Any) -> Traced:
        """The application of a layer that a tensor comes from."""
        if id(tensor) not in self._known:
            if is_quantized(tensor):
                layer, node_id, _ = tensor._keras_history
                node = layer.inbound_nodes[node_id]
                found = _traced(layer, [self.of(x) for x in tf.nest.flatten(node.keras_inputs)])
            else:  # what floats are made of is no concern here
                zeros = tf.zeros((1, *tensor.shape[1:]), tensor.dtype)
                found = Traced(zeros, {}, zeros)
            self._known[id(tensor)] = found
        return self._known[id(tensor)]

    def largest(self, tensor: Any) -> np.ndarray:
        """A bound on the size of a tensor's numbers: one, or one a channel."""
        known = self._largest.get(id(tensor))
        if known is not None:
            return known
        found = self.of(tensor)
        if isinstance(found, tf.Tensor):
            return np.asarray(float(np.iinfo(found.dtype.as_numpy_dtype).max))
        return np.asarray(2.0 ** getattr(found, "fp", found).value_bits)

    def limit(self, tensor: Any, largest: np.ndarray) -> None:
        """Note a smaller bound than the number of bits gives."""
        self._largest[id(tensor)] = np.minimum(self.largest(tensor), largest)


class _Noting:
    """A part of a layer that notes what it is called with, and what it returns."""

    def __init__(self, part: Any):
        self.part, self.given, self.made = part, None, None

    def __call__(self, x: Any, *more: Any) -> Any:
        self.given, self.made = x, self.part(x, *more)
        return self.made

    def __getattr__(self, name: str) -> Any:
        return getattr(self.part, name)


def _traced(layer: Any, tensors: list[Any]) -> Traced:
    """Run a layer as a graph, and note what its quantizers do."""
    with contextlib.ExitStack() as stack:
        parts = {
            name[: -len("_quantizer")]: stack.enter_context(_noting(layer, name))
            for name in _QUANTIZERS if getattr(layer, name, None) is not None
        }  # fmt: skip
        if "out" in parts:
            scales = stack.enter_context(_noting(parts["out"].part, "qscales"))

        def run(*given: Any) -> dict[str, Any]:
            results = {"output": layer(list(given) if len(given) > 1 else given[0])}
            results.update((name, part.made) for name, part in parts.items())
            if "out" in parts:
                results["before"], results["out_scales"] = parts["out"].given, scales.made
            return {name: value for name, value in results.items() if value is not None}

        # by its concrete function: TensorFlow warns of functions that are made again and again
        made = tf.function(run).get_concrete_function(*tensors)(*tensors)
    output = made.pop("output")
    return Traced(output, made, made.pop("before", output))


@contextlib.contextmanager
def _noting(owner: Any, name: str) -> Iterator[_Noting]:
    """A part of a layer as `_Noting`, for a while."""
    attributes = vars(owner)  # not by setattr, after which Keras has weights in another order
    before = attributes.get(name)
    noting = attributes[name] = _Noting(before or (lambda x: x))
    try:
        yield noting
    finally:
        attributes[name] = before
