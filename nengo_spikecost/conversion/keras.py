"""From a Keras model to a Nengo network, on ``nengo_dl.Converter``."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Union

import nengo
import tensorflow as tf

from ..errors import ConversionError, ConversionWarning
from ..lowering import Lowering
from ..workload.record import LayerInfo
from .checks import check_max_pooling, check_model, check_scale, check_synapse
from .converter import LayerChoice, RecordingConverter, run_converter
from .copying import copy_model
from .host_node import HostNode
from .keras3 import is_keras_3, rebuild
from .lookup import LayerLookup, walk_layers
from .lowered import lowered
from .neurons import NeuronTypeLike, resolve_neuron_type
from .places import place

ScaleLike = Union[float, Mapping[Any, float]]


@dataclass(frozen=True)
class Conversion:
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
        What the ReLUs became.
    scale_firing_rates : dict from str to float
        Scale of each layer that has one.
    synapse : nengo.synapses.Synapse or float or None
        Filter on the output of all neurons.
    temporal : bool
        Whether axis 1 of the model's inputs is time.
    choices : tuple of LayerChoice
        Layers for which there was a choice, and what they became: those that run on the
        host, and those that were replaced by something else.
    connection_layers : mapping from nengo.Connection to str
        Of a lowered network, the layer whose weights a Connection mostly has.
    lowering : Lowering, optional
        What lowering changed; ``print(conversion.lowering)`` lists it.
    unlowered : Conversion, optional
        The conversion before it was lowered.
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

    @property
    def input_nodes(self) -> tuple[nengo.Node, ...]:
        """The Nodes that data are fed to, in the order of the model's inputs."""
        return tuple(self.inputs.values())

    def __repr__(self) -> str:
        return (
            f"<Conversion of {self.model.name!r}: {len(self.layers)} layers, "
            f"{self.net.n_neurons:,} {type(self.neuron_type).__name__} neurons>"
        )


def convert(
    model: tf.keras.Model,
    *,
    neuron_type: NeuronTypeLike = "SpikingRectifiedLinear",
    scale_firing_rates: ScaleLike = 1,
    synapse: Any = None,
    swap_activations: Mapping[Any, Any] | None = None,
    max_pooling: str = "exact",
    split_shared_weights: bool = False,
    allow_fallback: bool = False,
    inference_only: bool = True,
    temporal: bool | None = None,
    lower: bool | None = None,
    off_chip: Iterable[Any] | None = None,
    seed: int = 0,
) -> Conversion:
    """Convert a Keras model to a Nengo network.

    Parameters
    ----------
    model : tf.keras.Model
        A Functional model or a Sequential model with a known input shape, holding its
        trained weights, of Keras 2 or Keras 3. It is copied first and left as it was.
    neuron_type : nengo.neurons.NeuronType or type or str
        What every ReLU becomes: an instance, a class or a name (see `NEURON_TYPES`) of
        any neuron type of Nengo, NengoDL or NengoLoihi. ``RectifiedLinear`` keeps rates.
    scale_firing_rates : float or dict
        Factor on the input of the neurons, divided out again at their output: one number,
        or a dict by layer or layer name (layers left out have scale 1).
    synapse : float or nengo.synapses.Synapse, optional
        Filter on the output of all neurons; a number is a lowpass time constant in s.
    swap_activations : dict, optional
        More activations to swap, as in ``nengo_dl.Converter``.
    max_pooling : {"exact", "average", "strided"}
        What max pooling becomes: the maximum, on the host (`HostNode`); the average of each
        window; or its first element. `Conversion.choices` says which layers are concerned.
    inference_only : bool
        Whether the network need not be trainable. If False, layers that act differently in
        training (Dropout, BatchNormalization, the keras_spiking filters) can't be converted.
    split_shared_weights : bool
        With ``inference_only=False``, whether a layer that is applied several times may be
        given weights of its own for each; they differ once they are trained. Otherwise
        copies compute the same, and are made without asking.
    allow_fallback : bool
        Run layers that have no Nengo form as opaque TensorNodes. These run in NengoDL only
        and can't be counted.
    temporal : bool, optional
        Whether axis 1 of all inputs and layers is time. Default: found out from the
        model (TimeDistributed or keras_spiking layers, or an input whose axis 1 is None).
    lower : bool, optional
        Whether to compose each linear path between neurons (convolution, pooling, batch
        normalization, additions) into one Connection, see `nengo_spikecost.lower`: as it is
        on spiking hardware, and as NengoLoihi needs it. Default: if the neurons spike and the
        network need not be trainable.
    off_chip : iterable of layers or layer names, optional
        Layers whose neurons run on the host of a chip. Default: if the neurons spike, those
        that get values that are no spikes, such as pixels; ``()`` for none.
    seed : int
        Seed of the network, so that initial voltages are the same in every run.

    Returns
    -------
    Conversion

    Raises
    ------
    ConversionError
        If the model or one of its layers can't be converted; it names the layer and says
        why.
    """
    user_model = model
    if is_keras_3(model):
        model = rebuild(model)
    check_model(model)
    check_synapse(synapse)
    check_max_pooling(max_pooling)
    neurons = resolve_neuron_type(neuron_type)
    copy = copy_model(model)
    originals, copies = dict(walk_layers(model)), dict(walk_layers(copy))
    layer_keys = {id(layer): name for name, layer in (*walk_layers(user_model), *originals.items())}
    scales = _resolve_scales(scale_firing_rates, layer_keys)
    if temporal is None:
        temporal = _is_temporal(copy)

    swaps = dict(swap_activations or {})
    swaps.setdefault(nengo.RectifiedLinear(), neurons)
    converter = run_converter(
        copy,
        swap_activations=swaps,
        scale_firing_rates={_neuron_layer(copies[name]): s for name, s in scales.items()},
        synapse=synapse,
        max_pooling=max_pooling,
        split_shared_weights=split_shared_weights or inference_only,
        allow_fallback=allow_fallback,
        inference_only=inference_only,
        temporal_model=temporal,
    )
    converter.net.seed = seed

    objects = _collect_objects(converter.net, copy)
    if isinstance(scale_firing_rates, Mapping):
        _warn_of_unused_scales(scales, converter.owners)
    _warn_of_host_layers(converter)
    conversion = Conversion(
        model=model,
        net=converter.net,
        inputs=_lookup_ends(
            model.inputs, model.input_names, copy.inputs, converter.inputs, "input"
        ),
        outputs=_lookup_ends(
            model.outputs, model.output_names, copy.outputs, converter.outputs, "output"
        ),
        layers=LayerLookup(objects, "layer", layer_keys),
        layer_names=converter.owners,
        layer_infos=tuple(_layer_info(name, layer) for name, layer in originals.items()),
        neuron_type=neurons,
        scale_firing_rates=scales,
        synapse=synapse,
        temporal=temporal,
        choices=tuple(converter.choices),
    )
    spiking = bool(getattr(neurons, "spiking", False))
    if lower is None:
        lower = spiking and inference_only
    if lower:
        conversion = lowered(conversion, _image_shapes(objects, copies))
    if off_chip is not None or spiking:
        place(conversion, off_chip)
    return conversion


def _image_shapes(
    objects: Mapping[str, list[Any]], layers: Mapping[str, Any]
) -> dict[Any, tuple[int, ...]]:
    """Output shapes of layers that tell where their channels are: last."""
    shapes: dict[Any, tuple[int, ...]] = {}
    for name, objs in objects.items():
        shape = getattr(layers[name], "output_shape", None)
        channels_last = getattr(layers[name], "data_format", "channels_last") == "channels_last"
        if isinstance(shape, tuple) and len(shape) > 2 and None not in shape[1:] and channels_last:
            shapes.update(dict.fromkeys(objs, shape[1:]))
    return shapes


def _neuron_layer(layer: Any) -> Any:
    """The layer whose neurons are meant: a TimeDistributed wrapper has none of its own."""
    while isinstance(layer, tf.keras.layers.TimeDistributed):
        layer = layer.layer
    return layer


def _resolve_scales(scales: ScaleLike, names: Mapping[int, str]) -> dict[str, float]:
    """Scale by layer name; a single number applies to every layer.

    ``names`` gives the name of each layer object of the user's model, by ``id``.
    """
    if isinstance(scales, Mapping):
        layers = dict.fromkeys(names.values())
        resolved = {}
        for key, scale in scales.items():
            name = key if isinstance(key, str) else names.get(id(key), str(key))
            if name not in layers:
                raise ConversionError(
                    f"scale_firing_rates names layer {name!r}, which the model does not have; "
                    f"its layers are {', '.join(layers)}."
                )
            resolved[name] = check_scale(scale, f" of layer {name!r}")
        return resolved
    scale = check_scale(scales, "")
    return {} if scale == 1 else dict.fromkeys(names.values(), scale)


def _warn_of_unused_scales(names: Any, owners: Mapping[Any, str]) -> None:
    with_neurons = {name for obj, name in owners.items() if isinstance(obj, nengo.Ensemble)}
    unused = [name for name in names if name not in with_neurons]
    if unused:
        warnings.warn(
            f"scale_firing_rates has no effect on layers without neurons: {', '.join(unused)}.",
            ConversionWarning,
            stacklevel=3,
        )


def _warn_of_host_layers(converter: RecordingConverter) -> None:
    """Name the layers inside the network that don't run on the chip."""
    leads_on = {conn.pre_obj for conn in converter.net.all_connections}
    inside = {converter.owners[obj] for obj in leads_on if isinstance(obj, HostNode)}
    pooling = {c.layer for c in converter.choices if c.on_host and "max pooling" in c.choice}
    host = [c.layer for c in converter.choices if c.on_host and c.layer in inside | pooling]
    if not host:
        return
    advice = ""
    if pooling:
        advice = (
            "; max_pooling='average' takes the average of each window instead, and "
            "max_pooling='strided' its first element"
        )
    warnings.warn(
        f"These layers are computed exactly, on the host: {', '.join(host)}{advice}.",
        ConversionWarning,
        stacklevel=3,
    )


def _is_temporal(model: tf.keras.Model) -> bool:
    for _, layer in walk_layers(model):
        if isinstance(layer, tf.keras.layers.TimeDistributed):
            return True
        if type(layer).__module__.split(".")[0] == "keras_spiking":
            return True
    return any(len(x.shape) > 2 and x.shape[1] is None for x in model.inputs)


def _collect_objects(
    net: nengo.Network, model: tf.keras.Model, prefix: str = ""
) -> dict[str, list[Any]]:
    """Nengo objects of every application of every layer, in the order of the model."""
    nested = iter(net.networks)
    found: dict[str, list[Any]] = {}
    for layer, applications in net.layer_map.items():
        if layer not in model.layers and not isinstance(layer, tf.keras.Model):
            continue  # helper layers that nengo_dl adds for TimeDistributed
        name = prefix + layer.name
        found[name] = [outputs[0] for _, outputs in sorted(applications.items())]
        if isinstance(layer, tf.keras.Model):
            for _ in applications:
                inner = _collect_objects(next(nested), layer, f"{name}/")
                for inner_name, objs in inner.items():
                    found.setdefault(inner_name, []).extend(objs)
    order = [prefix + name for name, _ in walk_layers(model)]
    return {name: found[name] for name in order if name in found}


def _lookup_ends(
    tensors: list[Any], names: list[str], copies: list[Any], found: Any, what: str
) -> LayerLookup:
    """Nengo objects of the model's ends; two of its ends may be the same tensor."""
    entries: dict[str, list[Any]] = {}
    for name, tensor in zip(names, copies):
        entries.setdefault(name, []).append(found[tensor])
    return LayerLookup(entries, what, {id(t): name for t, name in zip(tensors, names)})


def _layer_info(name: str, layer: Any) -> LayerInfo:
    shape = getattr(layer, "output_shape", "multiple")
    if isinstance(shape, list) and len(shape) == 1:  # an InputLayer's
        shape = shape[0]
    return LayerInfo(name, type(layer).__name__, str(shape), layer.count_params())
