"""From a Keras model to a Nengo network, on ``nengo_dl.Converter``."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Union

import nengo
import nengo_dl
import tensorflow as tf

from ..errors import ConversionError, ConversionWarning
from ..workload.record import LayerInfo
from .checks import check_model, check_scale, check_synapse
from .keras3 import is_keras_3, rebuild
from .lookup import LayerLookup, walk_layers
from .neurons import NeuronTypeLike, resolve_neuron_type
from .reasons import layer_error

ScaleLike = Union[float, Mapping[Any, float]]

#: What nengo_dl says that is no news to a caller of `convert`.
_EXPECTED_WARNINGS = ("Converting sequential model", "swap_activations contained")


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
        The layer that each Ensemble and Node of ``net`` belongs to.
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
    max_to_avg_pool: bool = False,
    split_shared_weights: bool = False,
    allow_fallback: bool = False,
    inference_only: bool = True,
    temporal: bool | None = None,
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
    max_to_avg_pool, split_shared_weights, inference_only : bool
        As in ``nengo_dl.Converter``. With ``inference_only=False`` the network can be
        trained, and BatchNormalization and the keras_spiking filters can't be converted.
    allow_fallback : bool
        Run layers that have no Nengo form as opaque TensorNodes. These run in NengoDL only
        and can't be counted.
    temporal : bool, optional
        Whether axis 1 of all inputs and layers is time. Default: found out from the
        model (TimeDistributed or keras_spiking layers, or an input whose axis 1 is None).
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
    neurons = resolve_neuron_type(neuron_type)
    copy = _copy_model(model)
    originals, copies = dict(walk_layers(model)), dict(walk_layers(copy))
    layer_keys = {id(layer): name for name, layer in (*walk_layers(user_model), *originals.items())}
    scales = _resolve_scales(scale_firing_rates, layer_keys)
    if temporal is None:
        temporal = _is_temporal(copy)

    swaps = dict(swap_activations or {})
    swaps.setdefault(nengo.RectifiedLinear(), neurons)
    converter = _run_converter(
        copy,
        swap_activations=swaps,
        scale_firing_rates={_neuron_layer(copies[name]): s for name, s in scales.items()},
        synapse=synapse,
        max_to_avg_pool=max_to_avg_pool,
        split_shared_weights=split_shared_weights,
        allow_fallback=allow_fallback,
        inference_only=inference_only,
        temporal_model=temporal,
    )
    converter.net.seed = seed

    objects = _collect_objects(converter.net, copy)
    layer_names = _owners(objects)
    if isinstance(scale_firing_rates, Mapping):
        _warn_of_unused_scales(scales, layer_names)
    return Conversion(
        model=model,
        net=converter.net,
        inputs=_lookup_ends(model.inputs, model.input_names, converter.inputs, "input"),
        outputs=_lookup_ends(model.outputs, model.output_names, converter.outputs, "output"),
        layers=LayerLookup(objects, "layer", layer_keys),
        layer_names=layer_names,
        layer_infos=tuple(_layer_info(name, layer) for name, layer in originals.items()),
        neuron_type=neurons,
        scale_firing_rates=scales,
        synapse=synapse,
        temporal=temporal,
    )


class _NamingConverter(nengo_dl.Converter):
    """A Converter whose errors name the layer they come from."""

    def get_converter(self, layer: Any) -> Any:
        try:
            converter = super().get_converter(layer)
        except ConversionError:
            raise
        except Exception as error:
            raise layer_error(layer, error) from error

        convert_node = converter.convert

        def convert_and_name(node_id: int | None, *args: Any, **kwargs: Any) -> Any:
            try:
                return convert_node(node_id, *args, **kwargs)
            except ConversionError:
                raise
            except Exception as error:
                raise layer_error(layer, error) from error

        # get_converter returns the same instance for every application of a layer
        if not getattr(converter, "names_layer", False):
            converter.convert = convert_and_name
            converter.names_layer = True
        return converter


def _run_converter(model: tf.keras.Model, **options: Any) -> nengo_dl.Converter:
    """Convert, and pass on what nengo_dl warned of under our own category."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        converter = _NamingConverter(model, **options)
    for warning in caught:
        message = str(warning.message)
        if "nengo_dl" not in warning.filename:
            warnings.warn_explicit(
                warning.message, warning.category, warning.filename, warning.lineno
            )
        elif not message.startswith(_EXPECTED_WARNINGS):
            warnings.warn(message, ConversionWarning, stacklevel=3)
    return converter


def _copy_model(model: tf.keras.Model) -> tf.keras.Model:
    """A Functional copy with the same weights.

    nengo_dl calls Sequential and TimeDistributed layers anew while converting, which adds
    nodes to the layers it is given: it gets a copy, so that the user's model stays usable.
    """
    try:
        copy = _clone(model)
        copy.set_weights(model.get_weights())
    except Exception as error:
        raise ConversionError(
            f"Model {model.name!r} can't be copied: {error}. Each of its layers needs "
            "get_config and from_config."
        ) from error
    return copy


def _clone(layer: Any) -> Any:
    """A new layer of the same configuration; Sequential models, nested too, as Functional."""
    if not isinstance(layer, tf.keras.Model):
        return type(layer).from_config(layer.get_config())
    clone = tf.keras.models.clone_model(layer, clone_function=_clone)
    if isinstance(clone, tf.keras.Sequential):
        clone = tf.keras.Model(clone.inputs, clone.outputs, name=layer.name)
    return clone


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


def _owners(objects: Mapping[str, list[Any]]) -> dict[Any, str]:
    """The layer each Nengo object belongs to: the first whose output comes from it.

    Inner layers come before the nested model whose output is also theirs.
    """
    outer = {name.rsplit("/", 1)[0] for name in objects if "/" in name}
    owners: dict[Any, str] = {}
    for name in sorted(objects, key=lambda name: name in outer):  # a stable sort
        for obj in objects[name]:
            owner = obj.ensemble if isinstance(obj, nengo.ensemble.Neurons) else obj
            owners.setdefault(owner, name)
    return owners


def _lookup_ends(tensors: Any, names: list[str], found: Mapping, what: str) -> LayerLookup:
    entries = {name: [obj] for name, obj in zip(names, found.values())}
    return LayerLookup(entries, what, {id(t): name for t, name in zip(tensors, names)})


def _layer_info(name: str, layer: Any) -> LayerInfo:
    shape = getattr(layer, "output_shape", "multiple")
    if isinstance(shape, list) and len(shape) == 1:  # an InputLayer's
        shape = shape[0]
    return LayerInfo(name, type(layer).__name__, str(shape), layer.count_params())
