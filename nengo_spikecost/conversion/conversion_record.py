"""`Conversion`: a Keras model as a Nengo network, and the place of each layer in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Callable

import nengo
import tensorflow as tf

from ..layers.keras_shapes import keras_shapes
from ..layers.layer_info import LayerInfo
from ..layers.layer_shape import LayerShape
from ..layout import Result
from ..lowering import Lowering
from .converter import LayerChoice
from .lookup import LayerLookup
from .output_heads import head_of
from .scales import ScaleLike


@dataclass(frozen=True)
class Conversion(Result):
    """A Keras model as a Nengo network, and where each layer went.

    Attributes
    ----------
    model : tf.keras.Model
        The user's model, untouched (the network was made from a copy). Of a Keras 3 model,
        the same model in Keras 2.
    net : nengo.Network
        The network, with its seed set and a Probe on every output.
    inputs, outputs, layers : LayerLookup
        The input Nodes, the output Probes, and for each layer the object its output comes
        from (``Ensemble.neurons``, ``Node`` or ``TensorNode``). Found by layer name, by
        Keras layer or by Keras tensor.
    layer_names : mapping from Nengo object to str
        The layer that made each Ensemble and Node of ``net``.
    layer_infos : tuple of LayerInfo
        Name, type, output shape and number of parameters of every layer, in order.
    neuron_type : nengo.neurons.NeuronType
        The neurons that take the place of ReLUs, of which there may be none (`neuron_counts`).
    scale_firing_rates : dict from str to float
        Scale of each layer that has one.
    synapse : nengo.synapses.Synapse or float or None
        Filter on the output of all neurons.
    temporal : bool
        Whether axis 1 of the model's inputs is time.
    choices : tuple of LayerChoice
        Layers for which there was a choice, and the form that was chosen: those that run on
        the host, and those that were replaced by something else.
    connection_layers : mapping from nengo.Connection to str
        Of a lowered network, the layer that most weights of a Connection are from.
    lowering : Lowering, optional
        The changes made by lowering; ``print(conversion.lowering)`` lists them.
    unlowered : Conversion, optional
        The conversion before it was lowered.
    dt : float, optional
        Length in s of the steps that the network is made for, which is the ``dt`` of its layers
        of KerasSpiking; None without such layers.
    options : mapping from str to object
        The arguments of `convert` that made it, but for ``scale_firing_rates``.
    """

    model: tf.keras.Model
    net: nengo.Network
    inputs: LayerLookup
    outputs: LayerLookup
    layers: LayerLookup
    layer_names: Mapping[Any, str]
    layer_infos: tuple[LayerInfo, ...]
    neuron_type: nengo.neurons.NeuronType
    scale_firing_rates: Mapping[str, float]
    synapse: Any
    temporal: bool
    choices: tuple[LayerChoice, ...] = ()
    connection_layers: Mapping[Any, str] = field(default_factory=dict, repr=False)
    lowering: Lowering | None = field(default=None, repr=False)
    unlowered: Conversion | None = field(default=None, repr=False)
    dt: float | None = None
    options: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    #: `convert`, which hands itself over: this record is below its maker.
    _maker: Callable[..., Conversion] | None = field(default=None, repr=False, compare=False)

    def rescaled(self, scale_firing_rates: ScaleLike) -> Conversion:
        """The same model converted with the same options and other firing-rate scales.

        Parameters
        ----------
        scale_firing_rates : float or dict
            As `convert` takes it.

        Raises
        ------
        ConversionError
            If a scale is not a positive number, or is given for a layer that does not exist.
        """
        return self.remade(scale_firing_rates=scale_firing_rates)

    def remade(self, **changes: Any) -> Conversion:
        """The same model converted with some options of `convert` changed.

        Raises
        ------
        ConversionError
            As `convert`.
        """
        assert self._maker is not None
        one = self.one_scale
        scales = dict(self.scale_firing_rates) if one is None else one
        return self._maker(**{"scale_firing_rates": scales, **self.options, **changes})

    @property
    def one_scale(self) -> float | None:
        """The one factor on all firing rates; None if layers have their own."""
        if not self.scale_firing_rates:
            return 1.0
        spiking = {self.layer_names.get(e) for e in self.net.all_ensembles} - {None}
        values = set(self.scale_firing_rates.values())
        return values.pop() if len(values) == 1 and spiking <= {*self.scale_firing_rates} else None

    @property
    def input_nodes(self) -> tuple[nengo.Node, ...]:
        """The Nodes that data are fed to, in the order of the model's inputs."""
        return tuple(self.inputs.values())

    @property
    def input_shapes(self) -> dict[str, tuple[int, ...]]:
        """For each input the axes of its values at one step, as the model takes them."""
        first = 2 if self.temporal else 1
        shapes = (tuple(tensor.shape)[first:] for tensor in self.model.inputs)
        return {name: s for name, s in zip(self.inputs, shapes) if None not in s}

    @property
    def heads(self) -> dict[str, str]:
        """For each output what it goes through last, as labels are read by it: see `head_of`."""
        return dict(zip(self.outputs, map(head_of, self.model.outputs)))

    @property
    def output_shapes(self) -> dict[str, tuple[int | None, ...]]:
        """For each output the axes of its values at one step."""
        first = 2 if self.temporal else 1
        shapes = (tuple(tensor.shape)[first:] for tensor in self.model.outputs)
        return dict(zip(self.outputs, shapes))

    @property
    def layer_shapes(self) -> tuple[LayerShape, ...]:
        """The layers of the model, for cost models that are formulas of their shapes."""
        return keras_shapes(self.model, self.temporal)

    @property
    def neuron_counts(self) -> dict[str, int]:
        """The number of neurons of each type that the network has, by the name of the type."""
        counts: Counter[str] = Counter()
        for ensemble in self.net.all_ensembles:
            counts[type(ensemble.neuron_type).__name__] += ensemble.n_neurons
        return dict(counts)

    def __repr__(self) -> str:
        neurons = ", ".join(f"{n:,} {kind}" for kind, n in self.neuron_counts.items()) or "no"
        return f"<Conversion of {self.model.name!r}: {len(self.layers)} layers, {neurons} neurons>"
