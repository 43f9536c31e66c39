"""Legendre memories of keras-lmu, which is of Keras 3, as layers of Keras 2.

An LMU is a linear memory of its input, and a layer (its hidden cell) that sees the memory at each
step, or at the last one only::

    u[t] = kernel x[t] + bias (+ recurrent_kernel m[t - 1])
    m[t] = A m[t - 1] + B u[t]
    h[t] = hidden(m[t])

So it is made anew as a small model of those parts: a `LegendreMemory`, and a Dense layer behind.
What leads back from the hidden cell is not linear, nor is a hidden cell with a state of its own.

Reference: keras-lmu 0.9.0, layers.py; A and B are the transposes of its matrices.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from ..errors import ConversionError

_PACKAGE = "keras_lmu"


class LegendreMemory(tf.keras.layers.Layer):
    """A linear memory of a series: what it holds at each step, or at the last one.

    Parameters
    ----------
    memory_d : int
        Inputs of the memory, each with a window of its own.
    order : int
        States of a window.
    return_sequences : bool
        Whether all steps are given, or the last one.
    use_kernel, use_bias : bool
        Whether the layer's inputs are weighed before, and whether a bias is added.

    Attributes
    ----------
    kernel : tf.Variable of shape (n_inputs, memory_d), or None
    bias : tf.Variable of shape (memory_d,), or None
    state_matrix, input_matrix : tf.Variable
        From the state before to the next, ``state @ state_matrix + u @ input_matrix``, of shapes
        (memory_d * order, memory_d * order) and (memory_d, memory_d * order).
    """

    def __init__(
        self, memory_d: int, order: int, return_sequences: bool = False, use_kernel: bool = True,
        use_bias: bool = False, **options: Any,
    ):  # fmt: skip
        super().__init__(**options)
        self.memory_d, self.order = memory_d, order
        self.return_sequences = return_sequences
        self.use_kernel, self.use_bias = use_kernel, use_bias
        self.kernel = self.bias = None

    @property
    def n_states(self) -> int:
        """Values that the memory holds."""
        return self.memory_d * self.order

    def build(self, input_shape: Any) -> None:
        """Make the weights."""
        if self.use_kernel:
            self.kernel = self.add_weight("kernel", (input_shape[-1], self.memory_d))
        if self.use_bias:
            self.bias = self.add_weight("bias", (self.memory_d,))
        size = self.n_states
        self.state_matrix = self.add_weight("state_matrix", (size, size), trainable=False)
        self.input_matrix = self.add_weight("input_matrix", (self.memory_d, size), trainable=False)
        super().build(input_shape)

    def call(self, inputs: Any) -> Any:
        """All states, shape (batch_size, n_steps, n_states), or the last one."""
        u = inputs if self.kernel is None else inputs @ self.kernel
        u = u if self.bias is None else u + self.bias
        begin = tf.zeros((tf.shape(inputs)[0], self.n_states), inputs.dtype)
        given = tf.transpose(u @ self.input_matrix, (1, 0, 2))
        states = tf.scan(lambda state, new: state @ self.state_matrix + new, given, begin)
        return tf.transpose(states, (1, 0, 2)) if self.return_sequences else states[-1]

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Without the steps, if only the last is given."""
        batch, n_steps, _ = input_shape
        steps = (n_steps,) if self.return_sequences else ()
        return tf.TensorShape((batch, *steps, self.n_states))

    def get_config(self) -> dict[str, Any]:
        """What `from_config` makes the same layer of."""
        names = ("memory_d", "order", "return_sequences", "use_kernel", "use_bias")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def is_legendre(layer: Any) -> bool:
    """Whether a layer of Keras 3 is of keras-lmu, or runs a cell that is."""
    return any(
        type(part).__module__.partition(".")[0] == _PACKAGE
        for part in (layer, getattr(layer, "cell", None))
    )


def legendre_matrices(order: int, theta: float, discretizer: str) -> tuple[np.ndarray, np.ndarray]:
    """The matrices of a window of ``theta`` steps for row vectors, as keras-lmu multiplies them.

    Reference: Voelker, Kajic and Eliasmith, Legendre Memory Units, NeurIPS 2019, equation (2).

    Returns
    -------
    a : ndarray of shape (order, order)
    b : ndarray of shape (order,)
        The next state is ``state @ a + u * b``.
    """
    # SciPy takes long to import, and few models have a memory
    expm = importlib.import_module("scipy.linalg").expm
    sign, scale = (-1.0) ** np.arange(order), (2.0 * np.arange(order) + 1) / theta
    a = -np.tril(np.outer(sign, sign)) - np.triu(np.ones((order, order)), 1)
    a, b = scale[:, None] * a, scale * sign
    if discretizer == "euler":
        return (np.eye(order) + a).T, b
    both = np.zeros((order + 1, order + 1))  # an input that is held for a step
    both[:order, :order], both[:order, order] = a, b
    step = expm(both)
    return step[:order, :order].T, step[:order, order]


def in_keras_2(
    layer: Any, name: str, make_layer: Callable[[Any, Any], Any], weights: Callable[..., Any]
) -> tf.keras.Model:
    """A layer of keras-lmu as a model of Keras 2.

    Parameters
    ----------
    layer : keras_lmu.LMU, keras_lmu.LMUFeedforward or keras.layers.RNN of a keras_lmu.LMUCell
    name : str
        The layer's name.
    make_layer : callable
        From the configuration of a layer of Keras 3, and the layer, to one of Keras 2.
    weights : callable
        From a layer of Keras 3 and its twin of Keras 2 to the weights of this one.

    Raises
    ------
    ConversionError
        If its state is not linear in its inputs.
    """
    kind = type(layer).__name__
    whole = getattr(layer, "layer", None) or layer
    part = getattr(whole, "cell", whole)
    hidden = part.hidden_cell
    problem = _problem(part, hidden)
    if problem:
        words = f"Layer {name!r} ({kind}) of a Keras 3 model can't be converted: {problem}."
        raise ConversionError(words, layer=name)
    sequences = bool(whole.return_sequences)
    node = layer._inbound_nodes[0]  # a layer that is used twice has no one input
    given = tf.keras.Input(tuple(node.input_tensors[0].shape)[1:])
    bias = getattr(part, "bias", None)
    memory = LegendreMemory(
        part.memory_d, part.order, sequences, part.kernel is not None, bias is not None,
        name="memory",
    )  # fmt: skip
    output = memory(given)
    memory.set_weights([np.asarray(w) for w in (part.kernel, bias) if w is not None]
                       + list(_matrices(part)))  # fmt: skip
    if part.input_to_hidden:
        seen = given
        if not sequences:
            n_steps, n_inputs = given.shape[1:]
            if n_steps is None:
                words = "its hidden cell sees the last input, of a series of unknown length"
                raise ConversionError(
                    f"Layer {name!r} ({kind}) can't be converted: {words}. Give the model's input "
                    "a number of steps.", layer=name,
                )  # fmt: skip
            seen = tf.keras.layers.Cropping1D((n_steps - 1, 0), name="last")(given)
            seen = tf.keras.layers.Reshape((n_inputs,), name="input")(seen)
        output = tf.keras.layers.Concatenate(name="seen")([output, seen])
    if hidden is not None:
        config = {**hidden.get_config(), "name": "hidden"}
        twin = make_layer({"class_name": type(hidden).__name__, "config": config}, hidden)
        output = twin(output)
        twin.set_weights(weights(hidden, twin))
    return tf.keras.Model(given, output, name=name)


def _problem(part: Any, hidden: Any) -> str | None:
    """Why a layer or cell of keras-lmu is not linear up to its hidden cell, and what to do."""
    if getattr(part, "hidden_to_memory", False):
        return (
            "what its hidden cell gives goes back into its memory, which then is not linear; train "
            "it with hidden_to_memory=False, or build the network in Nengo and measure that"
        )
    if hidden is not None and hasattr(hidden, "state_size"):
        return (
            f"its hidden cell, {type(hidden).__name__}, has a state of its own; train it with "
            "hidden_cell=keras.layers.Dense(units, activation='relu'), or build the network in "
            "Nengo and measure that"
        )
    return None


def _matrices(part: Any) -> tuple[np.ndarray, np.ndarray]:
    """State and input matrices of all windows together, each window with its own block."""
    inverse = getattr(part, "theta_inv", None)
    theta = float(part.theta) if inverse is None else 1 / float(np.asarray(inverse))
    a, b = legendre_matrices(part.order, theta, part.discretizer)
    windows = np.eye(part.memory_d)
    state_matrix, input_matrix = np.kron(windows, a), np.kron(windows, b)
    recurrent = getattr(part, "recurrent_kernel", None)
    if recurrent is not None:
        state_matrix = state_matrix + np.asarray(recurrent) @ input_matrix
    return state_matrix.astype(np.float32), input_matrix.astype(np.float32)
