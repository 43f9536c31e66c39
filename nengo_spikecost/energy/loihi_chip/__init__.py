"""``cost_model="loihi_chip"``: energy and latency of every core of a Loihi chip.

The other cost models price a network; this one prices what its chip did, core by core, as the
emulator or a board counted it: `ChipWork`. `price_chip` prices that, with the constants of a
`Profile` and of a `Board`, and returns a `ChipCost`.

Energy, per inference of ``T`` steps, summed over cores::

    synops of each format        x  energy of a synop of that format
    compartments x T             x  energy of an idle update        ("access")
    active updates               x  what an active one takes more   ("update")
    spikes                       x  energy of a spike
    messages sent                x  energy of an output axon, of the way within a tile
    messages arrived             x  energy of an input axon
    hops                         x  energy of a hop, east-west and north-south

An update is active if a weight arrives in that step, or if current, voltage or bias are not 0 when
it begins: a voltage that leaks away is written anew at every step, spikes or none.

That is the boundary ``"core dynamic"``. With the x86 processors of the chips in use it is
``"total dynamic"``; with the static power of the cores in use, ``"used cores"``, which NxSDK calls
the total; with that of their chips and of other cores that are on, ``"chip"``; and with that of
the other chips of the board, ``"board"``. Powers are multiplied by the latency.

Latency is the sum over steps of the slowest core's time, the way of the last message and the
barriers; see `step_time`. A step takes at least as long as what goes in and out of the chip
(`HostIO`).

Not modelled: the energy of barriers (none has been published), waits in a crowded mesh, hops of
what the host sends, learning, and the host beside the board.
"""

from __future__ import annotations

from ...chip.chip_work import ChipWork
from ...workload.measured_chip import chip_work
from . import shown as _shown  # noqa: F401  (registers presenters)
from .boundaries import BOARD_PARTS, BOUNDARIES
from .chip_files import ChipFile, read_chip_file, shipped_chip
from .chip_options import ChipOptions
from .chip_profile import EVENTS, POWERS, Board, HostIO, Profile
from .core_cost import CoreCost, LayerCost
from .cost import ChipCost
from .events import CORE_PARTS
from .floorline_record import DECIDERS, Floorline, Limit
from .loihi_chip_model import loihi_chip
from .measurability import BoardNoise, Measurability
from .price import ChipPrice, Setting
from .price_chip import price_chip
from .ranges import Range, Table
from .step_time import TIME_PARTS, ChipTime
from .told_apart import ToldApart, told_apart

__all__ = [
    "BOARD_PARTS", "BOUNDARIES", "CORE_PARTS", "DECIDERS", "EVENTS", "POWERS", "TIME_PARTS",
    "Board", "BoardNoise", "ChipCost", "ChipFile", "ChipOptions", "ChipPrice", "ChipTime",
    "ChipWork", "CoreCost", "Floorline", "HostIO", "LayerCost", "Limit", "Measurability",
    "Profile", "Range", "Setting", "Table", "ToldApart", "chip_work", "loihi_chip", "price_chip",
    "read_chip_file", "shipped_chip", "told_apart",
]  # fmt: skip
