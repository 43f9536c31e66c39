"""What of `DiscreteLIF` the chip does otherwise: neurons of NIR graphs, and of native networks.

A compartment has no reset but to 0, fires at most once a step and only above its threshold, has
decays of 12 bits, and starts at 0. nir/chip_neurons.py writes what is left into it.

Reference: nengo-loihi 1.1.0, emulator/interface.py (``CompartmentState.update``),
builder/discretize.py; hardware/nxsdk_objects.py (``MAX_COMPARTMENT_CFGS``, ``MAX_VTH_CFGS``) and
hardware/builder.py, which asserts that a core has fewer.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ...nir.chip_neurons import UNITS, chip_decay
from ...nir.discrete_neurons import DiscreteLIF

Finding = tuple[str, str, bool]  # reason, remedy, refused

#: Different pairs of decays, and different thresholds, that a core of a board takes.
MAX_DECAYS, MAX_THRESHOLDS = 31, 7
#: Rounding of a decay that changes its time constant by a smaller share is not mentioned.
MENTIONED = 0.01

#: What resets do that the chip does not.
_RESETS = {
    "value_skip": "lose the input of the step after a spike",
    "subtract": "are reset by subtraction",
    "subtract_later": "are reset by subtraction, in the step after a spike",
    "subtract_owed": "are reset by subtraction",
    "none": "are not reset",
}


def discrete_problems(neurons: DiscreteLIF, off_chip: str) -> Iterator[Finding]:
    """Problems of `DiscreteLIF` neurons on the chip.

    Parameters
    ----------
    neurons : DiscreteLIF
    off_chip : str
        The remedy of leaving them to the host.
    """
    remedy = off_chip[0].upper() + off_chip[1:]
    refused = list(_refused(neurons))
    if refused:
        for reason in refused:
            yield reason, remedy, True
        return
    if neurons.reset in _RESETS:
        reason = f"has neurons that {_RESETS[neurons.reset]}, and the chip resets them to 0 at once"
        yield reason, f"Train it with a reset to 0, or {off_chip}", False
    elif np.any(neurons.reset_value != 0):
        yield (
            f"has neurons that are reset to {_values(neurons.reset_value)}, and the chip resets "
            "them to 0", remedy, False,
        )  # fmt: skip
    if neurons.several:
        yield (
            "has neurons that may fire several spikes in a step, and on the chip they fire one",
            remedy, False,
        )  # fmt: skip
    if neurons.at_threshold:
        yield (
            "has neurons that fire at their threshold, and on the chip they fire above it only",
            remedy, False,
        )  # fmt: skip
    if np.isfinite(neurons.lowest) and neurons.lowest < 0:
        yield (
            f"has neurons whose membranes go no lower than {neurons.lowest:g}, of which the chip "
            "keeps a power of two (in its own units), so up to 41% more or less",
            remedy, False,
        )  # fmt: skip
    yield from _rounded_decays(neurons, remedy)
    yield from _too_many(neurons)


def bias_problems(neurons: DiscreteLIF) -> Iterator[Finding]:
    """What a constant input is to neurons with a synaptic current."""
    if neurons.has_current:
        yield (
            "has a bias that goes through the synaptic current; on the chip it is there in full "
            "from the first step on",
            "Give it to the membrane, as leak", False,
        )  # fmt: skip


def _refused(neurons: DiscreteLIF) -> Iterator[str]:
    if np.any(neurons.threshold <= 0):
        yield (
            f"has neurons with a threshold of {_values(neurons.threshold)}, and the chip has "
            "only thresholds above 0"
        )
    if np.any(neurons.current_gain <= 0):
        yield (
            f"has neurons with a current_gain of {_values(neurons.current_gain)}; a compartment "
            "adds its current as it is, so that it has to be above 0"
        )
    if neurons.lowest > 0:
        yield f"has neurons whose membranes go no lower than {neurons.lowest:g}, above 0"
    for name in ("decay", "current_decay"):
        value = getattr(neurons, name)
        if np.any((value < 0) | (value > 1)):
            yield f"has neurons with a {name} of {_values(value)}; the chip has decays from 0 to 1"
    if np.any(neurons.current_decay == 1):
        yield "has neurons whose synaptic current does not decay, and on the chip all currents do"


def _rounded_decays(neurons: DiscreteLIF, remedy: str) -> Iterator[Finding]:
    for name, words in (("decay", "membranes"), ("current_decay", "synaptic currents")):
        lost = 1 - np.atleast_1d(getattr(neurons, name))
        lost = lost[lost > 0]
        on_chip = chip_decay(1 - lost) / UNITS
        if not lost.size:
            continue
        if (on_chip == 0).any():
            yield (
                f"has {words} that lose {lost.min():.3g} of their value in a step, less than half "
                f"of the chip's smallest decay, 1/{UNITS}: on the chip they lose nothing",
                remedy, False,
            )  # fmt: skip
            continue
        worst = int(np.argmax(np.abs(on_chip / lost - 1)))
        change = lost[worst] / on_chip[worst] - 1
        if abs(change) >= MENTIONED:
            yield (
                f"has {words} that lose {lost[worst]:.4g} of their value in a step, which the chip "
                f"rounds to {int(on_chip[worst] * UNITS)}/{UNITS}: their time constant is "
                f"{abs(change):.1%} {'longer' if change > 0 else 'shorter'}",
                remedy, False,
            )  # fmt: skip


def _too_many(neurons: DiscreteLIF) -> Iterator[Finding]:
    """More settings than a core of a board has room for; the emulator takes any number."""
    gain, shape = neurons.current_gain, np.broadcast_shapes(
        *(np.shape(p) for p in (neurons.decay, neurons.current_decay))
    )  # fmt: skip
    decays = {
        *zip(*(np.broadcast_to(chip_decay(p), shape).ravel() for p in
               (neurons.decay, neurons.current_decay)))
    }  # fmt: skip
    thresholds = np.unique(neurons.threshold / gain)
    for n, most, words in (
        (len(decays), MAX_DECAYS, "pairs of decays"),
        (len(thresholds), MAX_THRESHOLDS, "thresholds"),
    ):
        if n > most:
            yield (
                f"has {n} different {words}, and a core of a board takes {most} (the emulated chip "
                "any number)",
                "Give its neurons the same, for a board", False,
            )  # fmt: skip


def _values(value: Any) -> str:
    least, most = float(np.min(value)), float(np.max(value))
    return f"{least:g}" if least == most else f"{least:g} to {most:g}"
