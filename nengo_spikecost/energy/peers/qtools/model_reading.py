"""Number formats read from text, from QKeras' quantizers, and from their configurations.

QKeras itself is not needed to read any of them: they are told apart by the name of their
class, and their attributes have the names of their parameters.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any, Callable

from ....errors import EnergyError
from .quantizers import (
    NAMED_FORMATS,
    Quantizer,
    binary,
    fixed,
    floating,
    po2,
    relu,
    ternary,
    with_values,
)

Reader = Callable[[Mapping[str, Any]], Quantizer]


def _quantized_bits(p: Mapping[str, Any]) -> Quantizer:
    return fixed(p.get("bits", 8), p.get("integer", 0), p.get("keep_negative", True))


def _quantized_relu(p: Mapping[str, Any]) -> Quantizer:
    # a leaky one has negative values
    return relu(p.get("bits", 8), p.get("integer", 0), bool(p.get("negative_slope")))


def _po2(signed: bool) -> Reader:
    return lambda p: po2(p.get("bits", 8), p.get("max_value"), signed)


#: From the name of a quantizer to the names of its parameters, in order, and what it is.
_READERS: dict[str, tuple[tuple[str, ...], Reader]] = {
    "quantized_bits": (("bits", "integer", "symmetric", "keep_negative", "alpha"), _quantized_bits),
    # its int_bits are left unset by QKeras; they only say where the point is
    "quantized_tanh": (("bits",), lambda p: fixed(p.get("bits", 8), -1)),
    "quantized_ulaw": (
        ("bits", "integer", "symmetric", "u"),
        lambda p: fixed(p.get("bits", 8), p.get("integer", 0)),
    ),
    "quantized_relu": (
        ("bits", "integer", "use_sigmoid", "negative_slope", "use_stochastic_rounding"),
        _quantized_relu,
    ),
    "quantized_po2": (("bits", "max_value"), _po2(signed=True)),
    "quantized_relu_po2": (("bits", "max_value"), _po2(signed=False)),
    "ternary": (("alpha", "threshold"), lambda p: ternary()),
    "stochastic_ternary": (("alpha", "threshold"), lambda p: ternary()),
    "binary": (("use_01", "alpha"), lambda p: binary(bool(p.get("use_01")))),
    "stochastic_binary": (("alpha",), lambda p: binary()),
    "bernoulli": (("alpha",), lambda p: binary(use_01=True)),
    "fixed": (("bits", "int_bits", "signed"), lambda p: fixed(**p)),
    "relu": (("bits", "int_bits", "signed"), lambda p: relu(**p)),
    "po2": (("bits", "max_value", "signed", "n_values"), lambda p: po2(**p)),
    "floating": (("bits",), lambda p: floating(**p)),
}


def quantizer(value: Any, what: str = "A quantizer") -> Quantizer:
    """The number format that something describes.

    Parameters
    ----------
    value : Quantizer, str, mapping or QKeras quantizer
        A format; text as QKeras writes it (``"quantized_bits(8,0,1)"``), a short name
        (``"int8"``, ``"fp16"``) or a call of this package's functions (``"fixed(4)"``); a
        serialised quantizer (``{"class_name": ..., "config": {...}}``); or an object.
    what : str
        What it is for, in words, for the error's message.

    Raises
    ------
    EnergyError
        If it describes none that is known.
    """
    if isinstance(value, Quantizer):
        return value
    if isinstance(value, str):
        return _from_text(value, what)
    if isinstance(value, Mapping) and "class_name" in value:
        read = _known(value["class_name"], what)[1]
        return with_values(read(dict(value.get("config") or {})), value.get("n_values"))
    name = type(value).__name__
    if name in _READERS and hasattr(value, "get_config"):
        return _READERS[name][1](value.get_config())
    raise EnergyError(
        f"{what} must be a quantizer, its name such as 'quantized_bits(8,0,1)' or 'int8', or an "
        f"object of QKeras, not {value!r}."
    )


def is_quantizer(value: Any) -> bool:
    """Whether something describes a number format that is known."""
    try:
        quantizer(value)
    except EnergyError:
        return False
    return True


def _known(name: str, what: str) -> tuple[tuple[str, ...], Reader]:
    if name not in _READERS:
        raise EnergyError(
            f"{what} is {name!r}, which has no number format here; there are "
            f"{', '.join([*NAMED_FORMATS, *_READERS])}."
        )
    return _READERS[name]


def _from_text(text: str, what: str) -> Quantizer:
    text = text.strip()
    if text in NAMED_FORMATS:
        return NAMED_FORMATS[text]
    try:
        call = ast.parse(text, mode="eval").body
        if isinstance(call, ast.Name):
            name, arguments, named = call.id, [], {}
        elif isinstance(call, ast.Call) and isinstance(call.func, ast.Name):
            name = call.func.id
            arguments = [ast.literal_eval(argument) for argument in call.args]
            named = {str(k.arg): ast.literal_eval(k.value) for k in call.keywords}
        else:
            raise ValueError(text)
    except (SyntaxError, ValueError):
        raise EnergyError(
            f"{what} is {text!r}, which can't be read; write it like 'quantized_bits(8,0,1)'."
        ) from None
    parameters, read = _known(name, what)
    # parameters that come after those that matter here are not looked at
    try:
        return read({**dict(zip(parameters, arguments)), **named})
    except TypeError as error:
        raise EnergyError(f"{what} is {text!r}: {error}.") from None
