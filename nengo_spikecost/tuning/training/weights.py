"""Where each weight of a Keras model is in the network it becomes, and back again.

Converters turn, reshape and rename weights, and none says where it puts which. So a copy of the
model is converted with numbers in place of weights, and the numbers are read in the network:

1. every weight array is filled with its own number, and the model is converted: the numbers in
   the network tell which array each element comes from;
2. every element gets its position in its array, and the model is converted again;
3. elements that are no whole numbers, or no such positions, were computed from several weights:
   trained values could not be given back, and an error says so. So it does where a weight is in
   the network twice, as copies would be trained apart;
4. after training, every element is written to the place it came from.

A table of converters would be simpler, and wrong for a converter of the user's own. This way
holds for every converter that hands weights on one by one.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Callable

import nengo
import numpy as np
import tensorflow as tf
from nengo.exceptions import ConfigError

from ...conversion import Conversion
from ...conversion.copying import copy_layer, known_objects
from ...conversion.layers.converter_registry import converters
from ...conversion.layers.no_ops import ConvertNoOperation
from ...conversion.lookup import walk_layers
from ...errors import ConversionError, ConversionWarning, TuningError

#: Consecutive whole numbers that float32 holds: those that weights are numbered with.
_MAX_NUMBER = 2**24

_NORMALIZATION = (tf.keras.layers.BatchNormalization,)


@dataclass(frozen=True)
class Parameter:
    """An array of the network that NengoDL trains.

    Attributes
    ----------
    obj : nengo.Connection or nengo.Ensemble
        Holds weights, or biases.
    network : nengo.Network
        The network or subnetwork that it is in.
    scale : float
        Factor of biases: the scale of the layer's firing rates. Weights have none.
    """

    obj: Any
    network: nengo.Network
    scale: float = 1.0

    def initial(self) -> np.ndarray:
        """The values that the object is made with, without the factor."""
        if isinstance(self.obj, nengo.Connection):
            return np.asarray(self.obj.transform.init)
        return np.asarray(self.obj.bias) / self.scale

    def freeze(self) -> None:
        """Tell NengoDL not to train the values."""
        obj = self.obj if isinstance(self.obj, nengo.Connection) else self.obj.neurons
        self.network.config[obj].trainable = False

    def trained(self, sim: Any) -> np.ndarray:
        """The values in a simulator, without the factor."""
        data = sim.data[self.obj]
        values = data.weights if isinstance(self.obj, nengo.Connection) else data.bias
        return np.asarray(values, dtype=np.float64) / self.scale


def trainable_parameters(net: nengo.Network) -> Iterator[Parameter]:
    """The arrays of a network made with ``inference_only=False`` that NengoDL trains, in order."""
    for network in (net, *net.all_networks):
        for conn in network.connections:
            if _setting(network, conn):
                yield Parameter(conn, network)
        for ens in network.ensembles:
            if _setting(network, ens.neurons) is not False:
                yield Parameter(ens, network, float(ens.gain.sample(1)[0]))


def _setting(network: nengo.Network, obj: Any) -> bool | None:
    """Whether an object is to be trained, as its converter has said; None if it has not."""
    try:
        return getattr(network.config[obj], "trainable", None)
    except ConfigError:
        return None


class WeightMap:
    """Which weight of a Keras model is which element of the network's parameters.

    Parameters
    ----------
    model : tf.keras.Model
        A copy that may be changed; its weights are put back.
    convert : callable
        Makes the Conversion of that model, with all firing-rate scales 1.

    Attributes
    ----------
    frozen : tuple of str
        Weights that are not trained, because they are not in the network as they are (moving
        averages), or because their layer is not ``trainable``.

    Raises
    ------
    TuningError
        If a layer's weights are not handed on one by one.
    """

    def __init__(self, model: tf.keras.Model, convert: Callable[[tf.keras.Model], Conversion]):
        self.model = model
        values = model.get_weights()
        self._shapes = [w.shape for w in values]
        if max((w.size for w in values), default=0) >= _MAX_NUMBER:
            raise TuningError(
                f"A weight of {max(w.size for w in values):,} values is too large: at most "
                f"{_MAX_NUMBER - 1:,} can be told apart."
            )
        try:
            which = self._numbered(convert, [np.full(w.shape, i + 1) for i, w in enumerate(values)])
            where = self._numbered(
                convert, [1 + np.arange(w.size).reshape(w.shape) for w in values]
            )
        finally:
            model.set_weights(values)
        self._elements = [self._element(*pair) for pair in zip(which, where)]
        self._check_complete()
        fixed = {id(w) for w in model.non_trainable_weights}
        #: For each parameter, whether all its weights are to be trained.
        self.trains = tuple(not any(id(model.weights[i]) in fixed for i in np.unique(variable))
                            for variable, _ in self._elements)  # fmt: skip
        mapped = {
            int(i) for (v, _), on in zip(self._elements, self.trains) if on for i in np.unique(v)
        }
        self.frozen = tuple(w.name for i, w in enumerate(model.weights) if i not in mapped)

    def _numbered(self, convert: Any, numbers: list[np.ndarray]) -> list[np.ndarray]:
        self.model.set_weights([n.astype(np.float32) for n in numbers])
        with warnings.catch_warnings():
            # said again, when the network that is trained is made
            warnings.simplefilter("ignore", ConversionWarning)
            network = convert(self.model).net
        return [p.initial() for p in trainable_parameters(network)]

    def _element(self, which: np.ndarray, where: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Number of the weight, and position in it, of each element of a parameter."""
        variable, position = np.rint(which).astype(int) - 1, np.rint(where).astype(int) - 1
        in_range = (variable >= 0) & (variable < len(self._shapes))
        sizes = np.array([int(np.prod(s)) for s in self._shapes])
        fits = in_range & (position >= 0) & (position < sizes[np.where(in_range, variable, 0)])
        whole = (which == np.rint(which)) & (where == np.rint(where))
        if not (fits & whole).all():
            raise TuningError(
                f"Model {self.model.name!r} can't be fine-tuned: a layer computes the weights of "
                "its connections from those of Keras (as a dilated kernel or an activation of "
                "several populations does), so trained ones can't be given back. Set "
                "layer.trainable = False, or use layers whose weights are their connections'."
            )
        return variable, position

    def _check_complete(self) -> None:
        times = [np.zeros(int(np.prod(shape)), dtype=int) for shape in self._shapes]
        for variable, position in self._elements:
            for i in np.unique(variable):
                np.add.at(times[i], position[variable == i], 1)
        for weight, n in zip(self.model.weights, times):
            if n.any() and not (n == 1).all():
                raise TuningError(
                    f"Weight {weight.name!r} can't be fine-tuned: it is in the network "
                    f"{n.min()} to {n.max()} times, and copies would be trained apart."
                )

    def collect(self, parameters: list[np.ndarray]) -> list[np.ndarray]:
        """The Keras model's weights, from arrays of the network's parameters.

        Parameters
        ----------
        parameters : list of ndarray
            In the order of `trainable_parameters`.
        """
        weights = [np.array(w) for w in self.model.get_weights()]
        for (variable, position), values, on in zip(self._elements, parameters, self.trains):
            if on:
                for i in np.unique(variable):
                    here = variable == i
                    weights[i].reshape(-1)[position[here]] = values[here]
        return weights


def training_copy(model: tf.keras.Model) -> tf.keras.Model:
    """A copy that NengoDL can train: without dropout and noise, normalization kept as it is.

    Spikes are noise enough, and the statistics of a batch are none of the network that is
    deployed. Weights and names are the model's; what is not ``trainable`` stays so.
    """

    def clone(layer: Any) -> Any:
        if isinstance(layer, tf.keras.Model):
            return tf.keras.models.clone_model(layer, clone_function=clone)
        converter = converters.get(type(layer))
        if isinstance(converter, type) and issubclass(converter, ConvertNoOperation):
            return tf.keras.layers.Activation("linear", name=layer.name)
        return copy_layer(layer)

    try:
        with known_objects(model):
            copy = tf.keras.models.clone_model(model, clone_function=clone)
        clones = dict(walk_layers(copy))
        for name, layer in walk_layers(model):
            if isinstance(layer, tf.keras.Model):
                continue
            clones[name].set_weights(layer.get_weights() if clones[name].weights else [])
            clones[name].trainable = layer.trainable and not isinstance(layer, _NORMALIZATION)
    except (ValueError, TypeError, NotImplementedError) as error:
        raise ConversionError(f"Model {model.name!r} can't be copied: {error}") from error
    return copy
