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


def processor(name: str, operations: float, n_layers: int = 0) -> Range:
    """Energy of a call of a device without spikes that launches so many layers, in J."""
    times_s = call_time(name, n_layers)
    own = [devices.get(name).at(level) for level in LEVELS]
    powers_W = [0.0 if d.static_power is None else d.static_power.value for d in own]
    ends = zip(powers_W, times_s, own)
    return Range(*(W * s + operations * d.energy_per_synop_J for W, s, d in ends))


def above_idle(name: str, operations: float, n_layers: int) -> Range:
    """The same above idle power, of a device whose low power and energies are that."""
    low = devices.get(name).at("low")
    assert low.static_power is not None
    power_W, arithmetic_J = low.static_power.value, operations * low.energy_per_synop_J
    return Range(*(power_W * s + arithmetic_J for s in call_time(name, n_layers)))


def call_time(name: str, n_layers: int) -> Range:
    """Time of such a call, in s; 0 of a device that tells none."""
    times = []
    for level in LEVELS:
        own = devices.get(name).at(level).constants()
        call, layer = (own[key].value if key in own else 0.0 for key in ("step_time", "layer_time"))
        times.append(call + n_layers * layer)
    return Range(*times)


def _board(name: str) -> Board:
    return constants().boards[name]
