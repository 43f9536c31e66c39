"""Energy of every layer, term by term, in picojoules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from ....layers.layer_shape import LayerShape
from .counts import n_operations, n_operations_of_qkeras
from .formats import LayerFormats, layer_formats
from .qtools_options import TERMS, QtoolsOptions
from .tensor_traffic import Network, Traffic, memory_pJ, traffic, traffic_of_qkeras

#: Kinds whose products are added up.
_ACCUMULATING = ("convolution", "depthwise convolution", "transposed convolution", "dense")


@dataclass(frozen=True)
class LayerTerms:
    """Energy of one application of a layer, by what it is spent on.

    Attributes
    ----------
    name, layer, type : str
        Of the application; of its layer; of the layer's class.
    terms_pJ : mapping from str to float
        Energy per inference in picojoules of ``"inputs"``, ``"outputs"``, ``"parameters"``
        and ``"op"``.
    n_operations : int
    formats : LayerFormats
    """

    name: str
    layer: str
    type: str
    terms_pJ: Mapping[str, float]
    n_operations: int
    formats: LayerFormats


def layer_terms(shapes: Iterable[LayerShape], options: QtoolsOptions) -> tuple[LayerTerms, ...]:
    """The energy of every layer, term by term.

    Parameters
    ----------
    shapes : iterable of LayerShape
        Each after those that it reads.
    options : QtoolsOptions

    Returns
    -------
    tuple of LayerTerms
        One for each application that has any work: none for inputs and, in ``compat``, none
        for a layer's second application and for Dropout.
    """
    shapes = tuple(shapes)
    if options.compat is not None:
        shapes = _without_dropout(shapes)
    network, formats = Network(shapes), layer_formats(shapes, options)
    seen: set[str] = set()
    result: list[LayerTerms] = []
    for shape in shapes:
        # both parts of a separable convolution are one application
        second_part = "Separable" in shape.type and result and result[-1].name in shape.inputs
        again = shape.layer in seen and not second_part
        if shape.kind == "input" or (options.compat is not None and again):
            continue
        seen.add(shape.layer)
        result.append(_terms(shape, network, formats, options))
    return tuple(result)


def _terms(
    shape: LayerShape, network: Network, formats: dict[str, LayerFormats], options: QtoolsOptions,
) -> LayerTerms:  # fmt: skip
    own, usual = formats[shape.name], options.compat is None
    moved = (traffic if usual else traffic_of_qkeras)(network, formats, shape.name)
    count = (n_operations if usual else n_operations_of_qkeras)(shape)
    op_pJ = count * _operation_pJ(shape, own, options) if count else 0.0
    terms = {**_memory(moved, options), "op": op_pJ}
    return LayerTerms(shape.name, shape.layer, shape.type, terms, count, own)


def _memory(moved: Traffic, options: QtoolsOptions) -> dict[str, float]:
    activations, weights = options.activations_on_memory, options.weights_on_memory
    return {
        "inputs": sum(memory_pJ(t, activations, options) for t in moved.inputs),
        "outputs": sum(memory_pJ(t, activations, options) for t in moved.outputs),
        "parameters": sum(memory_pJ(t, weights, options) for t in moved.parameters),
    }


def _operation_pJ(shape: LayerShape, own: LayerFormats, options: QtoolsOptions) -> float:
    """Energy of one of the operations that are counted."""
    process = options.process
    energy = sum(process.operation_pJ(operator) for operator in own.operators)
    adds = shape.kind in _ACCUMULATING or shape.kind == "average pooling"
    if adds and own.accumulator is not None:
        energy += process.addition_pJ(own.accumulator)
    return energy


def included(terms: LayerTerms, options: QtoolsOptions) -> dict[str, float]:
    """The terms that are part of the sum, in picojoules; the others are 0."""
    if options.include is None:
        return dict(terms.terms_pJ)
    wanted = options.include.get(terms.type, options.include.get("default", ()))
    return {term: terms.terms_pJ[term] if term in wanted else 0.0 for term in TERMS}


def _without_dropout(shapes: tuple[LayerShape, ...]) -> tuple[LayerShape, ...]:
    """The network with Dropout layers taken out."""
    before = {s.name: s.inputs[0] for s in shapes if s.type == "Dropout" and s.inputs}

    def reader_of(name: str) -> str:
        return reader_of(before[name]) if name in before else name

    return tuple(
        replace(s, inputs=tuple(reader_of(name) for name in s.inputs))
        for s in shapes
        if s.name not in before
    )
