"""A time of steps that is not predicted, in words: what hangs on it, why, and what to give.

What goes in and out of a chip decides the time of most steps. Where spikes are counted and the
time of each is known, so is that of a step. It is not where a host beside the board manages every
step, or programs of the x86 on several chips: `HostIO.known` says which. A middle of what other
networks took would be a number without a meaning, so there is none; the ends of the range stay.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...words import in_words
from .chip_profile import HostIO
from .ranges import Range


def unknown_time(step_s: Range, host_io: HostIO) -> str:
    """That the time of a step is not predicted, and why; a clause."""
    where = "; known of one chip only" if host_io.known == "one chip" else ""
    return (
        f"the time of a step, {step_s.text('s')}, is not predicted: in and out by {host_io.name} "
        f"({host_io.description}{where})"
    )


def unknown_sentence(step_s: Range, host_io: HostIO, boundaries: Sequence[str]) -> str:
    """The same with the energies that hang on it, and what to do."""
    so = f"; so neither is the energy of {in_words(boundaries)}" if boundaries else ""
    return (
        f"{unknown_time(step_s, host_io)}{so}. Give the measured time of a step: host_io=SECONDS "
        "(--host-io)"
    )
