"""``fit --chip``: another chip than Loihi, by its name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import click

from ..errors import ChipError
from .carried import was_typed

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
        """Take ``--chip`` and ``--chip-file`` out of options; None without ``--chip``.

        Raises
        ------
        ChipError
            If there is no such chip, or an option is given that is for Loihi alone.
        """
        name, file = options.pop("chip"), options.pop("chip_file")
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
        apart = any(limit.quantity == "pools" for limit in self.chip.limits)
        return {"lower": False} if apart else {}

    def fit(self, network: Any, x: Any, n_steps: int) -> Any:
        """A `ChipFit`; with samples, and if anything is published of it, the time of steps, too."""
        from ..activity.subject import steps_or_own
        from ..chips import fit, run_time

        found = fit(self.chip, network)
        if x is None or self.chip.step is None or self.chip.step.missing:
            return found
        steps = n_steps if was_typed("n_steps") else steps_or_own(network, x, n_steps)
        return replace(found, time=run_time(self.chip, network, x, steps))


def chip_options(command: Callable) -> Callable:
    """Options: another chip than Loihi, and a file with more of them."""
    command = click.option(
        "--chip-file", type=click.Path(), help="TOML file with chips of your own."
    )(command)
    return click.option(
        "--chip", shell_complete=_names,
        help="Say whether it fits on this chip instead of Loihi, such as xylo_audio3.",
    )(command)  # fmt: skip


def _names(_: Any, __: Any, incomplete: str) -> list[str]:
    from .. import chips

    return [name for name in chips.names() if name.startswith(incomplete)]
