"""NengoLoihi's allocators, run without NxSDK, and an allocator that repeats a placement."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from ... import check, stack
from ...errors import EstimateWarning, LoihiError
from ..cores.built import KINDS, BuiltNetwork
from .traffic import Spikes

#: Names of NengoLoihi's allocators (nengo-loihi 1.1.0, hardware/allocators.py).
ALLOCATORS = {
    "greedy": "Greedy", "round_robin": "RoundRobin", "greedy_interchip": "GreedyInterchip",
}  # fmt: skip


def chips_needed(n_blocks: int, n_chips: int | None, cores_per_chip: int) -> int:
    """The number of chips to use: as asked, or the fewest that hold all blocks.

    Raises
    ------
    LoihiError
        If the blocks need more chips.
    """
    fewest = max(1, -(-n_blocks // cores_per_chip))
    if n_chips is None:
        return fewest
    if check.whole("n_chips", n_chips, LoihiError) < fewest:
        raise LoihiError(
            f"The network has {n_blocks:,} blocks, one for each core, and {n_chips} "
            f"{'chip has' if n_chips == 1 else 'chips have'} {n_chips * cores_per_chip:,} cores "
            f"of {cores_per_chip} a chip. Pass n_chips={fewest}, or choose block shapes that need "
            "fewer cores."
        )
    return n_chips


def allocate(
    built: BuiltNetwork, allocator: str, n_chips: int, cores_per_chip: int, spikes: Spikes
) -> tuple[np.ndarray, np.ndarray]:
    """Chip and core of every block, by one of NengoLoihi's allocators.

    Returns
    -------
    chip, core : ndarray of int64, shape (n_blocks,)

    Raises
    ------
    LoihiError
        If there is no such allocator, or it does not keep to the limits given.
    """
    if not isinstance(allocator, str) or allocator not in ALLOCATORS:
        raise LoihiError(f"There is no allocator {allocator!r}; there are {', '.join(ALLOCATORS)}.")
    cls = getattr(stack.nengo_loihi().hardware.allocators, ALLOCATORS[allocator])
    options: Any = {} if allocator == "round_robin" else {"cores_per_chip": cores_per_chip}
    if allocator == "greedy_interchip" and spikes.measured:
        options["ensemble_rates"] = _ensemble_rates(built, spikes)
    board = cls(**options)(built.model, n_chips=n_chips)
    where = {}
    for chip_number, chip in enumerate(board.chips):
        for core_number, core in enumerate(chip.cores):
            where.update({id(block): (chip_number, core_number) for block in core.blocks})
    places = np.array([where[id(part.obj)] for part in built.blocks], dtype=np.int64)
    return places[:, 0], places[:, 1]


def _ensemble_rates(built: BuiltNetwork, spikes: Spikes) -> dict[Any, np.ndarray] | None:
    """Rates as NengoLoihi's allocator takes them: of all that sends on the chip, or of none."""
    senders = {part.source.owner: part.source for part in built.blocks if part.obj.axons}
    known = [owner for owner, s in senders.items() if owner in spikes.counts and s.kind == KINDS[0]]
    missing = [source.name for owner, source in senders.items() if owner not in known]
    if missing:
        message = (
            f"NengoLoihi's greedy_interchip takes the rates of Ensembles only, and {missing[0]} "
            "sends spikes, too: it allocates by numbers of axons instead."
        )
        warnings.warn(message, EstimateWarning, stacklevel=4)
        return None
    steps = spikes.n_samples * (spikes.n_steps or 1)
    return {owner: spikes.counts[owner] / steps for owner in senders}


def repeating_allocator(blocks: Sequence[Any], chip: Sequence[int], core: Sequence[int]) -> Any:
    """An allocator for NengoLoihi that puts every block on this chip and core.

    Parameters
    ----------
    blocks : sequence of nengo_loihi.block.LoihiBlock
        Of the model that was placed. Those of the model to be run are found by their labels,
        as NengoLoihi's order of merged Connections may differ from one build to the next.
    chip, core : sequence of int, one a block
        Cores of each chip have to be numbered from 0 without gaps.

    Returns
    -------
    nengo_loihi.hardware.allocators.Allocator
    """
    allocators = stack.nengo_loihi().hardware.allocators
    order = sorted(range(len(chip)), key=lambda block: (chip[block], core[block]))
    placed = [_label(block) for block in blocks]

    class Repeated(allocators.Allocator):  # type: ignore[name-defined, misc]
        """Puts every block where a `nengo_spikecost.loihi.Mapping` has it."""

        def __call__(self, model: Any, n_chips: int) -> Any:
            blocks = _same_blocks(placed, list(model.blocks))
            needed = max(chip) + 1
            if n_chips < needed:
                raise LoihiError(f"The placement has {needed} chips; pass n_chips={needed}.")
            board = allocators.Board()
            for spike_input in model.inputs:
                self.input_to_board(spike_input, board)
            for _ in range(needed):
                board.new_chip()
            for block in order:
                self.block_to_new_core(blocks[block], board.chips[chip[block]])
            board.probes.extend(model.probes)
            return board

    return Repeated()


def _label(block: Any) -> tuple[str, int]:
    return str(block.label), block.n_neurons


def _same_blocks(placed: Sequence[tuple[str, int]], blocks: Sequence[Any]) -> list[Any]:
    """Blocks of a model in the order of those placed: by label, or else by size and order."""
    by_label = {_label(block): block for block in blocks}
    if len(by_label) == len(blocks) and set(by_label) == set(placed):
        return [by_label[label] for label in placed]
    if [size for _, size in placed] != [block.n_neurons for block in blocks]:
        raise LoihiError(
            f"The placement is of {len(placed)} blocks, and this model has {len(blocks)}, or "
            "others: place the network that is run, with its block shapes."
        )
    return list(blocks)
