"""Which format every tensor of a network has, layer after layer.

Each layer reads what the layers before it write. Where a layer has quantizers they say the
format of its weights and of its result; where it has none, the options do.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from ....errors import EnergyError
from ....layers.layer_macs import CONVOLUTIONS
from ....layers.layer_shape import LayerShape
from .counts import POOLED_IN_QKERAS, WEIGHTED_IN_QKERAS
from .model_reading import quantizer
from .multipliers import COMPARISON, Operator, accumulator, adder, divider, multiplier, widest
from .qtools_options import TENSORS, QtoolsOptions
from .quantizers import Quantizer, with_values


@dataclass(frozen=True)
class LayerFormats:
    """The formats of one application of a layer.

    Attributes
    ----------
    inputs : tuple of Quantizer
        Of what it reads.
    output : Quantizer
        Of what it writes.
    weights, bias : Quantizer, optional
        Of its parameters; None: it has none.
    operators : tuple of Operator
        The circuits of one operation; of a convolution, its multiplier.
    accumulator : Quantizer, optional
        Of the sum that products are added to.
    parameters : tuple of Quantizer
        Of what a batch normalization stores for each channel.
    """

    inputs: tuple[Quantizer, ...]
    output: Quantizer
    weights: Quantizer | None = None
    bias: Quantizer | None = None
    operators: tuple[Operator, ...] = ()
    accumulator: Quantizer | None = None
    parameters: tuple[Quantizer, ...] = ()


@dataclass(frozen=True)
class Given:
    """One application of a layer, and the formats of its inputs."""

    shape: LayerShape
    inputs: tuple[Quantizer, ...]
    quantizers: dict[str, Quantizer | None]
    options: QtoolsOptions
    first: bool

    @property
    def quantized(self) -> bool:
        """Whether the layer's own quantizers are to be used."""
        return bool(self.quantizers) and not self.options.for_reference

    @property
    def compat(self) -> bool:
        """Whether QKeras' rules are wanted as they are."""
        return self.options.compat is not None

    def own(self, tensor: str, default: Quantizer | None = None) -> Quantizer:
        """Format of one of the layer's parameters."""
        if self.quantized:
            unknown = self.options.process.default if self.compat else self.options.default
            own = self.quantizers.get(tensor) or default or unknown
            # the number of values is only known of trained weights
            return own if self.options.inference else with_values(own, None)
        return self.options.default

    def replaced(self, computed: Quantizer) -> Quantizer:
        """A result's format, unless the options overrule it."""
        if self.quantized:
            return computed
        if self.options.keras_accumulator is not None:
            return self.options.keras_accumulator
        return self.options.process.default if self.compat else computed

    def result(self, computed: Quantizer) -> Quantizer:
        """The format that the layer writes: of its own quantizer, if it has one."""
        own = self.quantizers.get("output")
        if own is not None and not self.options.for_reference:
            return own
        if not self.compat and self.shape.activation != "linear":
            return self.options.default
        return computed


def layer_formats(shapes: Iterable[LayerShape], options: QtoolsOptions) -> dict[str, LayerFormats]:
    """The formats of every application, by its name.

    Parameters
    ----------
    shapes : iterable of LayerShape
        Each after those that it reads.
    options : QtoolsOptions

    Raises
    ------
    EnergyError
        If ``options.quantizers`` name a layer that does not exist, or the format of a quantizer
        is not known.
    """
    shapes = tuple(shapes)
    names = {s.name for s in shapes} | {s.layer for s in shapes}
    for name in options.quantizers:
        if name not in names:
            raise EnergyError(
                f"quantizers name a layer {name!r}; the layers are {', '.join(sorted(names))}."
            )
    fed = {s.name for s in shapes if s.kind == "input"}
    formats: dict[str, LayerFormats] = {}
    for shape in shapes:
        inputs = tuple(formats[name].output for name in shape.inputs) or (options.source,)
        first = any(name in fed for name in shape.inputs)
        given = Given(shape, inputs, _quantizers_of(shape, options), options, first)
        formats[shape.name] = _RULES[shape.kind](given)
    return formats


def _quantizers_of(shape: LayerShape, options: QtoolsOptions) -> dict[str, Quantizer | None]:
    """The quantizers of the model, and those of the user in their place."""
    result: dict[str, Quantizer | None] = {}
    for tensor, value in shape.quantizers.items():
        what = f"The quantizer of the {tensor} of layer {shape.layer!r}"
        if tensor in TENSORS:
            result[tensor] = None if value is None else quantizer(value, what)
    for name in (shape.layer, shape.name):
        result.update(_of_part(shape, options.quantizers.get(name, {})))
    return result


def _of_part(
    shape: LayerShape, given: Mapping[str, Quantizer | None]
) -> Mapping[str, Quantizer | None]:
    """Those of a layer's quantizers that belong to one part of a separable convolution."""
    if "Separable" not in shape.type:
        return given
    if shape.kind == "depthwise convolution":
        return {tensor: q for tensor, q in given.items() if tensor == "weights"}
    renamed = {"pointwise": "weights"}
    return {renamed.get(t, t): q for t, q in given.items() if t != "weights"}


def _product_sums(given: Given) -> LayerFormats:
    """Convolutions and dense layers: products, added up."""
    shape = given.shape
    if given.compat and shape.type not in WEIGHTED_IN_QKERAS:
        return _passed(given)
    weights = given.own("weights")
    operator = multiplier(weights, given.inputs[0])
    total = given.replaced(accumulator(operator.output, n_terms(shape, given.compat)))
    if given.compat and not given.quantized:
        # QKeras tells fixed from floating point by the result, which it has overruled
        operator = replace(operator, output=given.replaced(total))
    bias = given.own("bias") if shape.n_biases else None
    return LayerFormats(given.inputs, given.result(total), weights, bias, (operator,), total)


def n_terms(shape: LayerShape, compat: bool) -> int:
    """How many numbers are added up for one element of the output.

    QKeras has a bias always, and adds all channels of a depthwise convolution.
    """
    kernel = math.prod(shape.kernel_size)
    if compat:
        groups = shape.groups if shape.kind == "convolution" else 1
        return kernel * shape.channels_in // groups + 1
    if shape.kind == "dense":
        return shape.channels_in + bool(shape.n_biases)
    return kernel * max(1, shape.channels_in // shape.groups) + bool(shape.n_biases)


def _batch_normalization(given: Given) -> LayerFormats:
    return _normalization_of_qkeras(given) if given.compat else _folded_normalization(given)


def _normalization_of_qkeras(given: Given) -> LayerFormats:
    """``gamma / deviation`` for every element, times the element, plus ``beta``."""
    gamma = given.own("gamma")
    beta = given.own("beta", given.inputs[0])
    mean = given.own("mean", given.inputs[0])
    variance = given.own("variance")
    quotient = divider(gamma, _deviation(variance))
    counts = (gamma.n_values or 0) * (variance.n_values or 0)
    factor = with_values(quotient.output, counts or None)
    product = multiplier(factor, given.inputs[0])
    total = given.replaced(adder(product.output, beta))
    operators: tuple[Operator, ...] = (quotient, product)
    if not given.quantized:
        operators = tuple(replace(operator, output=total) for operator in operators)
    return LayerFormats(
        given.inputs, given.result(total), operators=operators, accumulator=total,
        parameters=(gamma, beta, mean, variance),
    )  # fmt: skip


def _folded_normalization(given: Given) -> LayerFormats:
    """One factor and one offset for every channel: both are constants."""
    factor = given.own("gamma")
    if given.quantized:
        quotient = divider(factor, _deviation(given.own("variance"))).output
        factor = factor if quotient.is_float else quotient
    offset = given.own("beta", given.inputs[0])
    product = multiplier(factor, given.inputs[0])
    total = given.replaced(adder(product.output, offset))
    operators = product, Operator("add", 1, total.bits, total)
    return LayerFormats(
        given.inputs, given.result(total), operators=operators, accumulator=total,
        parameters=(factor, offset),
    )  # fmt: skip


def _deviation(variance: Quantizer) -> Quantizer:
    """The square root of a power of two needs a bit less."""
    if variance.kind != "po2":
        return variance
    limit = None if variance.max_value is None else float(round(math.sqrt(variance.max_value)))
    bits = variance.bits - 1
    return Quantizer("po2", bits, bits, variance.signed, limit, variance.n_values)


def _activation(given: Given) -> LayerFormats:
    options = given.options
    if given.compat and not given.quantized:
        if given.shape.type not in ("Activation", "QActivation", "QAdaptiveActivation"):
            return _passed(given)
        return LayerFormats(given.inputs, options.keras_accumulator or options.process.default)
    # an activation of numbers of 8 bits has 8 bits, however wide they are added up
    return LayerFormats(given.inputs, given.own("output", options.default))


def _average_pooling(given: Given) -> LayerFormats:
    if given.compat and given.shape.type not in POOLED_IN_QKERAS:
        return _passed(given)
    total = accumulator(given.inputs[0], max(1, math.prod(given.shape.kernel_size)))
    if given.options.for_reference:
        total = given.replaced(total)
    output = total if given.compat else given.inputs[0]
    return LayerFormats(given.inputs, given.result(output), accumulator=total)


def _sum(given: Given) -> LayerFormats:
    return _merged(given, widest(given.inputs, extra=1), 1)


def _extreme(given: Given) -> LayerFormats:
    return _merged(given, _common(given), COMPARISON)


def _common(given: Given) -> Quantizer:
    same = len(set(given.inputs)) == 1
    return given.inputs[0] if same else widest(given.inputs)


def _merged(given: Given, output: Quantizer, gate_factor: float) -> LayerFormats:
    # the circuit stays as wide as its operands need, whatever the result is stored as
    return _with_result(given, Operator("add", gate_factor, output.bits, output))


def _product(given: Given) -> LayerFormats:
    first, *others = given.inputs
    operator = multiplier(first, others[0] if others else first)
    for other in others[1:]:
        operator = multiplier(operator.output, other)
    return _with_result(given, operator)


def _with_result(given: Given, operator: Operator) -> LayerFormats:
    output = operator.output
    if given.options.for_reference:
        output = given.replaced(output)
        if given.compat:
            operator = replace(operator, output=output)
    return LayerFormats(given.inputs, given.result(output), operators=(operator,))


def _shape(given: Given) -> LayerFormats:
    known = ("Reshape", "Flatten", "UpSampling", "Concatenate")
    if given.compat and not any(word in given.shape.type for word in known):
        return _passed(given)
    return LayerFormats(given.inputs, given.result(_common(given)))


def _max_pooling(given: Given) -> LayerFormats:
    values = given.inputs[0]
    operator = Operator("add", COMPARISON, values.bits, values)
    return LayerFormats(given.inputs, given.result(values), operators=(operator,))


def _passed(given: Given) -> LayerFormats:
    """A layer of which nothing is known writes the format that it reads."""
    output, options = given.inputs[0], given.options
    if options.for_reference and options.keras_accumulator is not None and not given.first:
        output = options.keras_accumulator
    return LayerFormats(given.inputs, given.result(output))


def _source(given: Given) -> LayerFormats:
    return LayerFormats((), given.quantizers.get("output") or given.options.source)


_RULES: dict[str, Callable[[Given], LayerFormats]] = {
    **dict.fromkeys((*CONVOLUTIONS, "dense"), _product_sums),
    "batch normalization": _batch_normalization,
    "activation": _activation, "average pooling": _average_pooling, "max pooling": _max_pooling,
    "add": _sum, "subtract": _sum, "multiply": _product,
    "average": lambda given: _merged(given, _common(given), 1),
    "maximum": _extreme, "minimum": _extreme,
    "shape": _shape, "input": _source, "unknown": _passed,
}  # fmt: skip
