"""Layers of QKeras, with the weights that they compute with: the quantized ones.

QKeras is optional and not imported here: its layers are registered when the user imports it.
Quantized activations become curves of straight pieces that saturate where the quantizer does. Of
rates they are rounded, too; spikes round in their own way, and the choice is noted.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any, ClassVar

from ... import stack
from .activations import ActivationConverter
from .base import LayerConverter, Stage
from .converter_registry import register_layer_converter
from .convolutions import ConvertConvolution, ConvertDepthwise
from .dense import ConvertBatchNormalization, ConvertDense
from .quantizer_curves import is_quantizer, quantizer_problem, rounded_curve


def _unless_swapped(quantizer: Any, converter: Any) -> str | None:
    """The problem of a quantizer that the user did not swap for something else."""
    swapped = converter.swaps.replaced(quantizer) is not quantizer
    return None if swapped else quantizer_problem(quantizer)


class Quantized(LayerConverter):
    """Mixin of all layers of QKeras.

    It comes before the converter of the Keras layer that a layer derives from, and hands it
    quantized weights and a curve.
    """

    #: From the names of quantizers to those of the variables that they are for.
    variables: ClassVar[dict[str, str]] = {}

    @classmethod
    def problem(cls, layer: Any, converter: Any) -> str | None:
        """Training would need quantizers in Nengo; activations have to be ReLUs."""
        if not converter.inference_only:
            return "training with quantizers has no Nengo form; use inference_only=True"
        problem = _unless_swapped(layer.activation, converter)
        return problem or super().problem(layer, converter)

    def convert(self, node_id: int) -> Any:
        """Convert the layer as Keras' own, with other weights."""
        self.quantize()
        return super().convert(node_id)

    def quantize(self) -> None:
        """Give the layer its quantized weights.

        It is a copy of the user's. Quantizers may change weights that are quantized already,
        so a layer that is applied several times is quantized once.
        """
        if not getattr(self, "_quantized", False):
            for quantized, name in self.variables.items():
                quantizer = getattr(self.layer, f"{quantized}_quantizer_internal", None)
                variable = getattr(self.layer, name, None)
                if quantizer is not None and variable is not None:
                    variable.assign(quantizer(variable))
            self._quantized = True

    def add_stage(self, node_id: int, activation: Any = None, *args: Any, **kwargs: Any) -> Stage:
        """The objects of the layer's activation."""
        activation = self.converter.swaps.replaced(activation)
        if is_quantizer(activation):
            activation = rounded_curve(activation)
        return super().add_stage(node_id, activation, *args, **kwargs)


_KERNEL = {"kernel": "kernel", "bias": "bias"}


class ConvertQDense(Quantized, ConvertDense):
    """Dense layers with quantized weights."""

    variables: ClassVar = _KERNEL


class ConvertQConvolution(Quantized, ConvertConvolution):
    """Convolutions with quantized kernels."""

    variables: ClassVar = _KERNEL


class ConvertQDepthwise(Quantized, ConvertDepthwise):
    """Depthwise convolutions with quantized kernels."""

    variables: ClassVar = {"depthwise": "depthwise_kernel", "bias": "bias"}


class ConvertQBatchNormalization(Quantized, ConvertBatchNormalization):
    """Batch normalization with quantized statistics; QKeras does nothing with its activation."""

    variables: ClassVar = {
        "gamma": "gamma", "beta": "beta", "mean": "moving_mean", "variance": "moving_variance",
    }  # fmt: skip


class ConvertQActivation(Quantized, ActivationConverter):
    """Quantized activations."""

    @classmethod
    def problem(cls, layer: Any, converter: Any) -> str | None:
        """Only curves of straight pieces."""
        return _unless_swapped(layer.quantizer, converter)

    def curve(self, node_id: int) -> Any:
        """The quantizer, which `add_stage` knows."""
        return self.layer.quantizer


def register(qkeras: ModuleType) -> None:
    """Register the converters of a QKeras that has been imported."""
    register_layer_converter(qkeras.QDense)(ConvertQDense)
    register_layer_converter(qkeras.QConv1D, qkeras.QConv2D)(ConvertQConvolution)
    register_layer_converter(qkeras.QDepthwiseConv2D)(ConvertQDepthwise)
    register_layer_converter(qkeras.QBatchNormalization)(ConvertQBatchNormalization)
    register_layer_converter(qkeras.QActivation)(ConvertQActivation)


stack.when_imported("qkeras", register)
