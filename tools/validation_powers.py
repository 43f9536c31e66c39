"""Powers of boards as ranges, and sums of ranges, for what is predicted in docs/validation.md."""

from __future__ import annotations

from nengo_spikecost.energy import devices
from nengo_spikecost.energy.device import LEVELS
from nengo_spikecost.energy.loihi_chip import Board, Range
from nengo_spikecost.energy.loihi_chip import shipped_chip as constants
from nengo_spikecost.energy.loihi_chip.price import static_powers_W


def times(value: Range, factor: float) -> Range:
    """A range times a number; ends stay low, nominal and high constants."""
    return Range(*(end * factor for end in value))


def plus(*values: Range) -> Range:
    """Sum of ranges, end by end."""
    return Range(*(sum(ends) for ends in zip(*values)))


def board_power(key: str, count: float = 1, board: str = "nahuku32") -> Range:
    """One of the powers of a board, so many times, in W."""
    return times(Range(*(_board(board).power_W(key, level) for level in LEVELS)), count)


def static_power(
    n_cores: int, n_chips: int, board: str = "nahuku32", others: bool = False
) -> Range:
    """Static power of chips in use, or of all of their board, in W."""
    ends = []
    for level in LEVELS:
        found = static_powers_W(_board(board), n_cores, n_chips, n_cores, level)
        ends.append(sum(found.values()) - (0.0 if others else found["other chips"]))
    return Range(*ends)


def processor(name: str, operations: float) -> Range:
    """Energy of a call of a device without spikes, in J."""
    device = devices.get(name)
    ends = []
    for level in LEVELS:
        own = device.at(level)
        call_J = 0.0
        if own.static_power is not None and own.step_time is not None:
            call_J = own.static_power.value * own.step_time.value
        ends.append(call_J + operations * own.energy_per_synop_J)
    return Range(*ends)


def _board(name: str) -> Board:
    return constants().boards[name]
