"""Values that the chips send to the host each step: NengoLoihi reads them, spike or not.

Messages from the chip to the host are no spikes. A program on each chip (a "snip") reads
the compartments that are probed, those that feed the host among them, and sends them every
step: spikes as bits of 32-bit words if the compartments follow each other evenly, else a
word a compartment, behind one word with the number of the step, in packets of 64 words.

Reference: nengo-loihi 1.1.0, hardware/interface.py (``Snips``, ``ChipSnips``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

#: 32-bit words of a packet, and of the head of each chip's words in a step.
WORDS_PER_PACKET, HEADER_WORDS = 64, 1

#: Spikes in a word.
SPIKES_PER_WORD = 32


@dataclass(frozen=True)
class HostReads:
    """Words that one chip sends to the host in each step.

    Attributes
    ----------
    chip : int
    values : int
        Compartments read.
    words : int
        32-bit words, with the number of the step.
    packets : int
    """

    chip: int
    values: int
    words: int
    packets: int


def host_reads(
    probes: Sequence[Any], blocks: Sequence[Any], chip: np.ndarray
) -> tuple[HostReads, ...]:
    """Words that every chip sends to the host in each step.

    Parameters
    ----------
    probes : sequence of nengo_loihi.probe.LoihiProbe
        Of Probes that a user put on neurons too: they are read in the same way.
    blocks : sequence of nengo_loihi.block.LoihiBlock
    chip : ndarray of int, shape (n_blocks,)
        Of each block.

    Returns
    -------
    tuple of HostReads
        One a chip. A chip without any value still sends the number of the step.
    """
    number = {id(block): index for index, block in enumerate(blocks)}
    n_chips = int(chip.max()) + 1
    values = np.zeros(n_chips, dtype=np.int64)
    words = np.full(n_chips, HEADER_WORDS, dtype=np.int64)
    for probe in probes:
        for block, part in zip(probe.target, probe.slice):
            read = np.arange(block.compartment.n_compartments)[part]
            at = chip[number[id(block)]]
            values[at] += len(read)
            words[at] += _words(read, probe.key == "spiked")
    packets = -(-words // WORDS_PER_PACKET)
    rows = zip(range(n_chips), values.tolist(), words.tolist(), packets.tolist())
    return tuple(HostReads(*row) for row in rows)


def _words(read: np.ndarray, spikes: bool) -> int:
    steps = np.diff(read)
    # a single compartment has no step, and NengoLoihi packs none of one
    packed = spikes and len(steps) > 0 and bool((steps == steps[0]).all())
    return -(-len(read) // SPIKES_PER_WORD) if packed else len(read)
