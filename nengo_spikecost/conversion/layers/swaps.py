"""`Swaps`: the user's ``swap_activations``, found by whatever names the same activation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import nengo

from ...errors import ConversionError
from ...spiking.neuron_names import NEURON_TYPES, resolve_neuron_type
from .activation_keys import activation_keys, is_activation_name


class Swaps(Mapping):
    """Activations and neuron types, and what the user wants in their place.

    NengoDL reads it as its own dict of swaps; the converters here call `replaced`, which knows the
    layer too. Every key that was of use is remembered, so that the others can be named.

    Parameters
    ----------
    given : mapping, optional
        ``swap_activations`` as `convert` takes it.
    neurons : nengo.neurons.NeuronType
        In place of every ReLU that is not swapped for something else.
    names : mapping from int to str
        Name of each layer object that may be a key, by ``id``.

    Raises
    ------
    ConversionError
        If two keys mean the same activation, or a value is none.
    """

    def __init__(self, given: Mapping[Any, Any] | None, neurons: Any, names: Mapping[int, str]):
        self._neurons = neurons
        self._default = nengo.RectifiedLinear()
        self._by_key: dict[Any, Any] = {}
        self._shown: dict[Any, str] = {}
        self._ambiguous: dict[str, Any] = {}
        self._used: set[Any] = set()
        self._met: dict[str, None] = {}
        layer_names = set(names.values())
        for key, value in (given or {}).items():
            layer, shown = names.get(id(key)), _shown(key)
            if isinstance(key, str) and key in layer_names:
                if is_activation_name(key):
                    self._ambiguous[key] = activation_keys(key)[0]
                else:
                    layer = key
            own = activation_keys(key)[0] if layer is None else ("layer", layer)
            if own in self._by_key:
                raise ConversionError(
                    f"swap_activations has two keys for the same, {self._shown[own]} and "
                    f"{shown}: give one of them."
                )
            self._by_key[own], self._shown[own] = _checked(key, value), shown

    # -- as NengoDL reads it --------------------------------------------------------------

    def __getitem__(self, activation: Any) -> Any:
        for key in activation_keys(activation):
            if key in self._by_key:
                self._used.add(key)
                return self._by_key[key]
        if activation == self._default:
            # {tf.nn.relu: ...} is about all that are made of ReLUs
            chosen = self._by_key.get("relu")
            if isinstance(chosen, nengo.neurons.NeuronType):
                self._used.add("relu")
                return chosen
            return self._neurons
        raise KeyError(activation)

    def __iter__(self) -> Iterator[Any]:
        return iter((*self._by_key, self._default))

    def __len__(self) -> int:
        return len(self._by_key) + 1

    # -- for the converters here ----------------------------------------------------------

    @property
    def relu(self) -> nengo.neurons.NeuronType:
        """The neurons that take the place of ReLUs."""
        for key in (self._default, "relu"):
            chosen = self._by_key.get(key)
            if isinstance(chosen, nengo.neurons.NeuronType):
                return chosen
        return self._neurons

    @property
    def neuron_types(self) -> tuple[nengo.neurons.NeuronType, ...]:
        """All neuron types that layers may get: the one of ReLUs first."""
        chosen = self._by_key.values()
        return (self.relu, *(c for c in chosen if isinstance(c, nengo.neurons.NeuronType)))

    def of_layer(self, layer: str, activation: Any) -> Any:
        """What the user wants for the activation of one layer; the same if nothing else.

        Raises
        ------
        ConversionError
            If a key names this layer, and an activation that it does not have.
        """
        key = ("layer", layer)
        if key in self._by_key:
            self._used.add(key)
            return self._by_key[key]
        if self._ambiguous.get(layer) not in (None, *activation_keys(activation)):
            raise ConversionError(
                f"swap_activations has {layer!r}, which is an activation and the name of a layer "
                "with another one: give the function, or the layer itself."
            )
        return activation

    def replaced(self, activation: Any) -> Any:
        """What the user wants in place of an activation; the same if he wants nothing else."""
        (first, *_) = keys = activation_keys(activation)
        if isinstance(first, str):
            self._met[first] = None
        for key in keys:
            if key in self._by_key:
                self._used.add(key)
                return self._by_key[key]
        return activation

    def chain(self, neurons: Any) -> Any:
        """Neurons that were swapped in, or what the user has swapped those for."""
        if neurons in self._by_key:
            self._used.add(neurons)
            return self._by_key[neurons]
        return neurons

    def unused(self) -> tuple[str, ...]:
        """The user's keys that no layer asked for, as he wrote them."""
        return tuple(self._shown[key] for key in self._by_key if key not in self._used)

    def check_used(self) -> None:
        """Raise `ConversionError` if a key was of no use; to be called after the conversion."""
        unused = self.unused()
        if unused:
            met = ", ".join(sorted(self._met)) or "none"
            raise ConversionError(
                f"swap_activations has {', '.join(unused)}, and no layer has that activation; the "
                f"model's are {met}. Keys are functions (tf.nn.relu), their names, Nengo neuron "
                "types, layers, or names of layers."
            )


def _checked(key: Any, value: Any) -> Any:
    """A replacement, if it is something that a layer can have."""
    if isinstance(value, str):
        if value.lower() in {name.lower() for name in NEURON_TYPES}:
            return resolve_neuron_type(value)
        return _function(key, value)
    if isinstance(value, type) and issubclass(value, nengo.neurons.NeuronType):
        return resolve_neuron_type(value)
    if value is None or callable(value) or isinstance(value, nengo.neurons.NeuronType):
        return value
    raise ConversionError(
        f"swap_activations[{_shown(key)}] must be a Nengo neuron type, a function such as "
        f"tf.nn.relu, or the name of one, not {value!r}."
    )


def _function(key: Any, name: str) -> Any:
    import tensorflow as tf

    try:
        return tf.keras.activations.get(name)
    except ValueError:
        raise ConversionError(
            f"swap_activations[{_shown(key)}] is {name!r}, which is neither an activation of Keras "
            f"nor one of {', '.join(NEURON_TYPES)}."
        ) from None


def _shown(key: Any) -> str:
    if isinstance(key, str) or key is None or isinstance(key, nengo.neurons.NeuronType):
        return repr(key)
    return str(getattr(key, "__name__", None) or getattr(key, "name", None) or repr(key))
