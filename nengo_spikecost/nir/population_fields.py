"""Fields of all neurons of a network, or what keeps them from being written."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ConversionWarning
from ..warned import warn
from ..words import counted
from .membrane_fields import Fields, Given, fields_of
from .prepared_links import PreparedLinks
from .refused_objects import named_lines, refuse
from .tool_readers import Reader


def population_fields(prepared: PreparedLinks, dt: float, approximate: bool) -> dict[Any, Fields]:
    """The fields of every population.

    Parameters
    ----------
    prepared : PreparedLinks
    dt : float
        Length of a step in the unit of the graph's time constants.
    approximate : bool
        Whether neurons that the reader has only nearly are written.

    Raises
    ------
    ConversionError
        With the names of all neurons that are not written, and why.
    """
    loops = {prepared.links[number].post for number in prepared.closing}
    loops |= {prepared.links[number].pre for number in prepared.closing}
    result: dict[Any, Fields] = {}
    refused: list[tuple[str, str]] = []
    nearly: list[tuple[str, str]] = []
    notes: list[tuple[str, str]] = []
    for key, place in prepared.read.places.items():
        if place.kind != "neurons":
            continue
        name = prepared.name(key)
        voltage = prepared.read.built.sig[key].get("voltage")
        start = 0.0 if voltage is None else voltage.initial_value
        membrane = prepared.membrane(key).filled(place.size, start)
        built = prepared.read.built.params[key.ensemble]
        bias = built.bias + built.gain * place.bias
        given = Given(membrane, built.gain, bias, prepared.filters[key], key in loops)
        result[key] = fields = fields_of(given, prepared.reader, dt)
        refused += [(name, reason) for reason in _problems(fields, prepared.reader, dt)]
        nearly += [(name, reason) for reason in fields.differences]
        ahead = prepared.ahead[key]
        if ahead and prepared.acts_alone(key):
            reason = (
                f"moves by itself (a bias, a start) {counted(ahead, 'step')} before its "
                f"filtered inputs come, and {prepared.reader.called} has them come at once"
            )
            nearly.append((name, reason))
        notes += [(name, reason) for reason in fields.notes]
    refuse(refused, prepared.reader.called)
    if not approximate:
        refuse(nearly, prepared.reader.called, nearly=True)
    for line in named_lines([*nearly, *notes]):
        warn(f"{line}.", ConversionWarning)
    return result


def _problems(fields: Fields, reader: Reader, dt: float) -> list[str]:
    """What a reader refuses of the fields."""
    problems = []
    if not reader.reads(fields.kind):
        problems.append(f"would be of kind {fields.kind}, which {reader.name} does not read")
    for name in ("tau", "tau_mem", "tau_syn"):
        values = fields.arrays.get(name)
        if values is None:
            continue
        if (values <= 0).any() or np.isnan(values).any():
            problems.append(f"has a decay in a step that no {name} gives")
        elif reader.one_tau and np.ptp(values) > 0:
            problems.append(f"has several {name}, where {reader.name} takes one")
        elif reader.one_tau and name == "tau" and (values <= dt).any():
            problems.append(f"keeps nothing from step to step, which {reader.name} refuses")
    threshold = fields.arrays.get("v_threshold")
    if reader.is_tool and threshold is not None and (threshold <= 0).any():
        problems.append("has its threshold below its reset")
    return problems
