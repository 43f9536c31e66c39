"""Why a layer can't be converted, and how to get round it, in words for the user.

Our own converters give their reasons themselves. Known errors of nengo_dl and NumPy are turned
into advice; any other is passed on as it is, with the name of the layer.
"""

from __future__ import annotations

from typing import Any

from ..errors import ConversionError
from ..layers.layer_info import kind_of

FALLBACK = (
    "pass allow_fallback=True (--allow-fallback of report and compare) to run it, uncounted, as a "
    "TensorNode"
)
_PRODUCT = (
    "it multiplies the outputs of layers with each other, which synapses, that only add, can't do; "
    "leave it out (squeeze-and-excite), or use Add, Maximum or Concatenate, and train the model, "
    f"or {FALLBACK}"
)
_SWAP = (
    "put another in its place, which computes something else (swap_activations={{{0!r}: 'relu'}}, "
    "--swap {0}=relu)"
)
_CURVE = (
    "no spiking neuron has its curve; train the model with ReLU, "
    f"{_SWAP.format('elu')}, or {FALLBACK}"
)
_STATE = (
    "its state is computed with products of its own, which have no Nengo form; use "
    "keras_spiking or NEF networks for recurrent models"
)
_STATISTICS = (
    "it divides by statistics of its own input, which is not linear; use BatchNormalization, "
    f"which is a constant factor in inference, or {FALLBACK}"
)
_ATTENTION = (
    f"it multiplies the outputs of layers with each other, which has no Nengo form; {FALLBACK}"
)

_INTEGERS = (
    "layers of quantizeml of this type are not converted; give the model as it was before "
    "quantizeml.models.quantize"
)
_TABLE = "no spiking neuron has its curve; train the model with ReLU, and quantize that"

#: Of a layer in a temporal model that needs more than the present step.
NO_OBJECT = "its converter returned None, not the Nengo object that its output comes from"

JOINS_STEPS = (
    "it works along axis 1, which is time in this model (it has TimeDistributed or keras_spiking "
    "layers, or an input whose axis 1 is None), and a network has only the present step; if "
    "axis 1 is no time, use layers without TimeDistributed and inputs of a known shape"
)

#: Of TimeDistributed around a model, whose layers NengoDL would not find.
WRAPS_A_MODEL = (
    "it is wrapped around a model; wrap the layers of the model one by one, those that need it "
    "(convolution, pooling, Flatten)"
)

#: By the name of a layer's type: why it has no Nengo form.
_REASONS = {
    "AdditiveAttention": _ATTENTION, "Attention": _ATTENTION, "Bidirectional": _STATE,
    "Dot": _PRODUCT, "ELU": _CURVE, "GRU": _STATE, "GroupNormalization": _STATISTICS,
    "LSTM": _STATE,
    "Lambda": "what it computes is unknown; use Keras layers for it, or " + FALLBACK,
    "LayerNormalization": _STATISTICS,
    "MultiHeadAttention": _ATTENTION, "Multiply": _PRODUCT, "SimpleRNN": _STATE,
    "ThresholdedReLU": "its output jumps at the threshold, which no sum of ReLU neurons does; "
    f"use ReLU, {_SWAP.format('thresholded_relu')}, or {FALLBACK}",
    "UnitNormalization": _STATISTICS,
}  # fmt: skip


def layer_error(
    layer: Any, error: Exception, known: type = object, replaced: tuple[str, ...] = ()
) -> ConversionError:
    """The error to raise for another one that was raised while converting a layer.

    ``replaced`` is what the layer's class replaces of ``known``, the nearest one that has a
    converter; that may be the class itself.
    """
    message = str(error).split(" Unable to convert layer")[0].strip().rstrip(".")
    if type(layer).__module__.startswith("quantizeml.") and known is not type(layer):
        # a TensorNode hands on floats, and its layers take integers only: no fallback
        table = type(layer).__name__ == "QuantizedActivation"
        return refused(layer, _TABLE if table else _INTEGERS)
    if "registered converter" in message:
        if replaced:
            message = (
                f"it is a {known.__name__} with {' and '.join(replaced)} of its own, which may "
                "compute anything; register a converter for it with "
                f"nengo_spikecost.conversion.register_layer_converter, or {FALLBACK}"
            )
            return refused(layer, message)
        message = reason_of(layer)
    elif "Input shapes must be fully specified" in message:
        message = (
            f"axes of its shape {tuple(layer.input_shape[0])} have no size; build the model "
            "for inputs of one size"
        )
    elif "Multiple applications of layer" in message:
        message = (
            "it is applied more than once; pass split_shared_weights=True to give each "
            "application weights of its own, or inference_only=True"
        )
    return refused(layer, message)


def reason_of(layer: Any) -> str:
    """Why layers of a type have no Nengo form: a clause."""
    if type(layer).__name__ == "Keras3Layer":  # stands for one of Keras 3, and knows why
        return str(layer.reason)
    return _REASONS.get(
        type(layer).__name__,
        "layers of this type have no Nengo form; replace it, register a converter for it with "
        f"nengo_spikecost.conversion.register_layer_converter, or {FALLBACK}",
    )


def refused(layer: Any, reason: str) -> ConversionError:
    """The error to raise for a layer that can't be converted; ``reason`` is a clause."""
    kind = kind_of(layer)
    words = f"Layer {layer.name!r} ({kind}) can't be converted: {reason}."
    return ConversionError(words, layer=layer.name, kind=kind, reason=reason)
