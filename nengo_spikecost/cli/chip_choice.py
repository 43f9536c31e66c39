"""``fit --chip``: another chip than Loihi, by its name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import click

from ..errors import ChipError
from .carried import was_typed
from .completion import complete_chips
from .shared_options import chip_file_option

#: Options of ``fit`` that are about blocks of Loihi.
_OF_BLOCKS = ("objective", "time_limit")

#: Neurons that a model gets unless others are asked for: those of most of these chips subtract.
NEURONS = "SpikingRectifiedLinear"


@dataclass(frozen=True)
class ChipChoice:
    """The chip that was asked for.

    Attributes
    ----------
    chip : Chip
    """

    chip: Any

    @classmethod
    def taken(cls, options: dict[str, Any]) -> ChipChoice | None:
        """Take ``--chip`` out of options, add the chips of ``--chip-file``; None without both.

        Raises
        ------
        ChipError
            If there is no such chip, or an option is given that is for Loihi alone.
        """
        name, file = options.pop("chip"), options["chip_file"]
        if name is None and file is None:
            return None
        from .. import chips

        if file is not None:
            chips.load_chips(file)
        if name is None:
            raise ChipError("--chip-file adds chips: say with --chip which one.")
        for option in _OF_BLOCKS:
            if was_typed(option):
                words = f"--{option.replace('_', '-')}"
                raise ChipError(f"{words} is for the blocks of Loihi: leave it or --chip out.")
        if "neuron_type" in options and not was_typed("neuron_type"):
            options["neuron_type"] = NEURONS
        return cls(chips.get(name))

    @property
    def conversion(self) -> dict[str, Any]:
        """Options of `convert`: poolings stay apart for a chip that has its own."""
        apart = any("pools" in limit.quantity for limit in self.chip.limits)
        return {"lower": False} if apart else {}

    def fit(self, network: Any, x: Any, n_steps: int) -> Any:
        """A `ChipFit`; with samples the time of steps, too, or a note why there is none."""
        from ..activity.subject import steps_or_own
        from ..chips import fit, run_time
        from ..chips.chip_fit import parts_of
        from ..chips.run_time import why_no_time, why_not_counted

        found = fit(self.chip, network)
        if x is None:
            return found
        reason = why_no_time(self.chip) or why_not_counted(self.chip, parts_of(network))
        if reason:
            return replace(found, notes=(*found.notes, f"No time of its steps: {reason}"))
        steps = n_steps if was_typed("n_steps") else steps_or_own(network, x, n_steps)
        return replace(found, time=run_time(self.chip, network, x, steps))


def chip_options(command: Callable) -> Callable:
    """Options: another chip than Loihi, and a file with more of them."""
    return click.option(
        "--chip", shell_complete=complete_chips,
        help="Say whether it fits on this chip instead of Loihi, such as xylo_audio3.",
    )(chip_file_option(command))  # fmt: skip
