"""`convert`: from a Keras model to a Nengo network, on ``nengo_dl.Converter``.

1. Check the arguments; make a Keras 3 model anew in Keras 2.
2. Copy the model, because NengoDL adds nodes to the layers that it converts. From here on there
   are two of each layer: the user's, which names and tensors are looked up by, and the copy's.
   Both models are walked once; all that follows takes layers by their names.
3. Convert the copy layer by layer, with the converters of `nengo_spikecost.conversion.layers`.
4. Collect the objects that each layer became, and warn of those that run on the host.
5. Lower the network (`_lowered`), if its neurons spike: as hardware has it.
6. Put on the host those neurons that get values instead of spikes (`place`). That comes last,
   because it is the lowered network that NengoLoihi reads the setting from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import nengo
import tensorflow as tf

from ..check import choice
from ..errors import ConversionError
from ..graph.chip_split import ChipSplit
from ..graph.off_chip import mark_off_chip
from ..layers.keras_shapes import layer_info
from ..lowering import lower as lower_network
from ..lowering.hardware import needs_relay
from ..memory import memory_bytes
from ..options import named_arguments
from ..spiking.conversion_values import check_synapse
from ..spiking.defaults import MAX_POOLING, OTHERS
from ..spiking.neuron_names import NeuronTypeLike, resolve_neuron_type
from .checks import check_model, check_options
from .conversion_record import Conversion, LayerChoice
from .convert_memory import check_memory
from .converter import is_temporal, run_converter
from .copying import copy_model
from .keras3 import is_keras_3, keys_of, made_anew
from .keras3_equality import check_equal, check_made
from .keras3_weights import rounding_choices
from .layers.keras_spiking import own_step
from .layers.swaps import Swaps
from .lookup import LayerLookup, collect_objects, image_shapes, lookup_ends, neuron_layer
from .places import place, warn_of_averages, warn_of_host_layers
from .scales import (
    ScaleLike,
    by_layer_name,
    layer_names,
    names_by_id,
    refuse_unused_scales,
    resolve_scales,
    with_prefix,
)
from .spike_input import with_spike_input


@named_arguments
def convert(
    model: tf.keras.Model, *, neuron_type: NeuronTypeLike = "SpikingRectifiedLinear",
    scale_firing_rates: ScaleLike = 1, synapse: Any = None,
    swap_activations: Mapping[Any, Any] | None = None, max_pooling: str | None = None,
    split_shared_weights: bool = False, allow_fallback: bool = False, inference_only: bool = True,
    temporal: bool | None = None, lower: bool | None = None, off_chip: Iterable[Any] | None = None,
    spike_input: bool = False, seed: int = 0, memory: Any = None,
) -> Conversion:  # fmt: skip
    """Convert a Keras model to a Nengo network.

    Parameters
    ----------
    model : tf.keras.Model
        A Functional model or a Sequential model with a known input shape, holding its
        trained weights, of Keras 2 or Keras 3. It is copied first and left as it was.
    neuron_type : nengo.neurons.NeuronType or type or str
        Neurons in place of every ReLU: an instance, a class or a name (see `NEURON_TYPES`) of
        any neuron type of Nengo, NengoDL or NengoLoihi. ``RectifiedLinear`` keeps rates.
    scale_firing_rates : float or dict
        Factor on the input of the neurons, divided out again at their output: one number,
        or a dict by layer or layer name. Layers left out have scale 1, or that of the key
        ``"*"``: ``{"*": 150, "conv1": 300}``.
    synapse : float or nengo.synapses.Synapse, optional
        Filter on the output of all neurons; a number is a lowpass time constant in s.
    swap_activations : dict, optional
        Neurons, or other activations, in place of some: ``{tf.nn.gelu: tf.nn.relu, "sigmoid":
        nengo.LIF()}``. Keys are functions of any Keras, TensorFlow or JAX, their names, Keras
        layers that are activations, Nengo neuron types, or layers of the model and their names;
        values are neuron types, functions, or their names. A key that no layer uses is an error.
        ``tf.nn.relu`` stands for every ReLU, also those that other activations are made of.
    max_pooling : {"exact", "average", "strided"}, optional
        The form of max pooling: the maximum, on the host (`HostNode`); the average of each
        window; or its first element. `Conversion.choices` says which layers are concerned.
        Default: the average where neurons spike, as synapses only add, and with a warning; the
        maximum where none do.
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
        Whether axis 1 of all inputs and layers is time. Default: told from the
        model (TimeDistributed or keras_spiking layers, or an input whose axis 1 is None).
    lower : bool, optional
        Whether to compose each linear path between neurons (convolution, pooling, batch
        normalization, additions) into one Connection, see `nengo_spikecost.lower`: as it is
        on spiking hardware, and as NengoLoihi needs it. Default: if the neurons spike and the
        network need not be trainable.
    off_chip : iterable of layers or layer names, optional
        Layers whose neurons run on the host of a chip. Default: if the neurons spike, those
        that get values that are no spikes, such as pixels; ``()`` for none.
    spike_input : bool
        Put neurons in front of the model that make spikes of its inputs, so that all of its own
        neurons run on a chip. Of a model with one layer of neurons nothing would else.
    seed : int
        Seed of the network, so that initial voltages are the same in every run.
    memory : int, float or str, optional
        Memory that it may take, in bytes or as ``"8 GB"``; a model that takes more is refused
        before it is copied. Default: what is free, of which lowering takes 2 GiB. A network with
        many paths between its layers, such as a DenseNet, keeps Nodes that these share where
        lowering would take more; it runs on a chip only if it is given enough. See
        `nengo_spikecost.lower`.

    Returns
    -------
    Conversion

    Raises
    ------
    ConversionError
        If the model or one of its layers can't be converted; it names the layer and says
        why. If a key of ``scale_firing_rates`` or ``swap_activations`` has no effect.
    ArgumentError
        If there is no such argument.
    """
    check_options(
        lower=lower, off_chip=off_chip, seed=seed, swap_activations=swap_activations,
        split_shared_weights=split_shared_weights, allow_fallback=allow_fallback,
        inference_only=inference_only, spike_input=spike_input,
    )  # fmt: skip
    memory = memory_bytes(memory, ConversionError)
    user_model = model
    stored: list[LayerChoice] = []
    if is_keras_3(model):
        stored, model = rounding_choices(model), made_anew(model)
    anew = model
    layers = check_model(model)
    if spike_input:
        model = with_spike_input(model)
        layers = check_model(model)
    has_steps = is_temporal(model, layers.values()) if temporal is None else temporal
    check_memory(layers, has_steps, memory)
    check_synapse(synapse)
    if max_pooling is not None:
        choice("max_pooling", max_pooling, MAX_POOLING, ConversionError, quoted=True)
    if off_chip is not None:
        off_chip = list(off_chip)
    neurons = resolve_neuron_type(neuron_type)
    options = {
        "model": user_model, "neuron_type": neurons, "synapse": synapse,
        "swap_activations": swap_activations,
        "max_pooling": max_pooling, "split_shared_weights": split_shared_weights,
        "allow_fallback": allow_fallback, "inference_only": inference_only, "temporal": temporal,
        "lower": lower, "off_chip": off_chip, "spike_input": spike_input, "seed": seed,
        "memory": memory,
    }  # fmt: skip
    dt = own_step(layers)
    layer_keys = names_by_id(layers)
    if user_model is not model:
        # behind neurons in front, the model and all its layers are parts of another
        prefix = f"{anew.name}/" if spike_input else ""
        own = {key: prefix + name for key, name in layer_names(user_model).items()}
        layer_keys = {**own, **layer_keys}
        scale_firing_rates = with_prefix(scale_firing_rates, layer_keys, prefix)
    scales = resolve_scales(scale_firing_rates, layer_keys)
    swaps = Swaps(swap_activations, neurons, layer_keys)
    copy, copies = copy_model(model, layers)

    spiking = any(getattr(kind, "spiking", False) for kind in swaps.neuron_types)
    # whatever is converted of it later, such as the same network without spikes, pools alike
    options["max_pooling"] = max_pooling or ("average" if spiking else "exact")
    lowering = bool(lower or (lower is None and spiking and inference_only))
    converter = run_converter(
        copy, swaps=swaps, layer_names=names_by_id(copies),
        scale_firing_rates={neuron_layer(copies[name]): s for name, s in scales.items()},
        synapse=synapse, max_pooling=options["max_pooling"], chip_synapses=lowering,
        rounds=not spiking,
        split_shared_weights=split_shared_weights or inference_only, allow_fallback=allow_fallback,
        inference_only=inference_only, temporal_model=has_steps,
    )  # fmt: skip
    if is_keras_3(user_model):
        check_equal(user_model, anew)  # slower than all refusals, which come before
    else:
        check_made(user_model)
    converter.net.seed = seed
    swaps.check_used()

    objects = collect_objects(converter.net, copy, copies)
    if isinstance(scale_firing_rates, Mapping):
        named = by_layer_name(scale_firing_rates, layer_keys)
        refuse_unused_scales([name for name in named if name != OTHERS], converter.owners)
    warn_of_host_layers(converter)
    if max_pooling is None:
        warn_of_averages(converter)
    conversion = Conversion(
        model=model, net=converter.net,
        inputs=lookup_ends(
            model.inputs, model.input_names, copy.inputs, converter.inputs, "input",
            keys_of(model, "inputs"),
        ),
        outputs=lookup_ends(
            model.outputs, model.output_names, copy.outputs, converter.outputs, "output",
            keys_of(model, "outputs"),
        ),
        layers=LayerLookup(objects, "layer", layer_keys), layer_names=converter.owners,
        layer_infos=tuple(layer_info(name, layer) for name, layer in layers.items()),
        neuron_type=swaps.relu, scale_firing_rates=scales, synapse=synapse, temporal=has_steps,
        choices=(*stored, *converter.choices), dt=dt, options=options, _maker=convert,
    )  # fmt: skip
    if lowering:
        conversion = _lowered(conversion, image_shapes(objects, copies), memory)
    if off_chip is not None or spiking:
        place(conversion, off_chip)
        conversion = _with_relays(conversion, image_shapes(objects, copies), memory)
    return conversion


def _with_relays(
    conversion: Conversion, shapes: Mapping[Any, tuple[int, ...]], memory: int | None
) -> Conversion:
    """Lowered again, if neurons beside the chip are reached in a way that only the host can do.

    Which neurons these are is known from the lowered network only.
    """
    lowering, net, split = conversion.lowering, conversion.net, ChipSplit(conversion.net)
    if lowering is None or not any(needs_relay(conn, split) for conn in net.all_connections):
        return conversion
    assert conversion.unlowered is not None
    beside = [
        old for old, new in lowering.objects.items()
        if isinstance(new, nengo.Ensemble) and not split.on_chip(new)
    ]  # fmt: skip
    mark_off_chip(conversion.unlowered.net, beside)
    return _lowered(conversion.unlowered, shapes, memory)


_COMPOSED = (
    "has no object of its own: it was composed with others into one Connection "
    "(str(conversion.lowering) lists them); pass lower=False to keep it."
)


def _lowered(
    conversion: Conversion, shapes: Mapping[Any, tuple[int, ...]], memory: int | None
) -> Conversion:
    """The same conversion with `nengo_spikecost.lower` applied to its network.

    Parameters
    ----------
    conversion : Conversion
    shapes : mapping from Nengo object to tuple of int
        Output shapes of layers, channels last.
    memory : int, optional
        What lowering may take in bytes.
    """
    lowering = lower_network(
        conversion.net, keep=conversion.input_nodes, shapes=shapes, memory=memory
    )
    objects = lowering.objects
    return replace(
        conversion, net=lowering.network, inputs=conversion.inputs.replaced(objects, _COMPOSED),
        outputs=conversion.outputs.replaced(objects, _COMPOSED),
        layers=conversion.layers.replaced(objects, _COMPOSED),
        layer_names=lowering.carried_names(conversion.layer_names),
        connection_layers=lowering.connection_layers(conversion.layer_names), lowering=lowering,
        unlowered=conversion,
    )  # fmt: skip
