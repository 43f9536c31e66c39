"""`GraphOptions`: how `from_nir` understands a graph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .. import check
from ..errors import ConversionError
from ..options import Options, numbers, option
from .conventions import RESETS, convention_names, convention_of


def yes_or_no(text: str) -> bool:
    """What was typed as True or False."""
    if text not in ("yes", "no"):
        raise ValueError(text)
    return text == "yes"


yes_or_no.__name__ = "yes or no"


@dataclass(frozen=True)
class GraphOptions(Options):
    """How `from_nir` understands a graph.

    Attributes
    ----------
    dt : float, optional
        Length of a step in the unit of the graph's time constants. Default: what the convention
        says; else what `to_nir` wrote beside the graph, or the graph's own numbers.
    convention : str or Convention
        How the tool that wrote it steps neurons, which no file says: ``"nir"`` (the equations, by
        Euler's method), ``"snntorch"``, ``"norse"``, ``"spikingjelly"``, ...; see
        `nengo_spikecost.nir.CONVENTIONS`.
    reset : {"value", "subtract", "none"}, optional
        The reset after a spike, where it is not the convention's own.
    spikes : bool, optional
        Whether data are numbers of spikes, which make synops as those of neurons do; else they are
        values, which are multiplied. Default: values; the command line looks at the data.
    input_shape : tuple of int, or dict from str to tuple of int, optional
        Shape of a sample at one step, channels first, of a graph whose Inputs do not say.
    step_s : float, optional
        Length of a step in s. Default: what `to_nir` wrote, if ``dt`` is from there; else ``dt``,
        if that can be seconds, and 1 ms if not.
    """

    dt: float | None = option(
        None, flag="--graph-dt", read=float, metavar="T",
        help="Of a NIR graph: length of a step in the unit of its time constants.  "
        "[default: what the convention or the graph says]",
    )  # fmt: skip
    convention: Any = option(
        "nir", choices=convention_names,
        help="The tool that wrote a NIR graph; no file says how its neurons are stepped.",
    )  # fmt: skip
    reset: str | None = option(
        None, choices=RESETS,
        help="Of a NIR graph: the reset after a spike.  [default: the convention's]",
    )  # fmt: skip
    spikes: bool | None = option(
        None, read=yes_or_no, metavar="[yes|no]",
        help="Of a NIR graph: whether samples are numbers of spikes.  [default: if they are whole "
        "numbers at every step]",
    )  # fmt: skip
    input_shape: Any = option(
        None, read=numbers(int), metavar="C,H,W",
        help="Of a NIR graph: shape of a sample at one step.  [default: what the graph says]",
    )  # fmt: skip
    step_s: float | None = option(
        None, read=float, metavar="S",
        help="Of a NIR graph: length of a step in s.  [default: that of the graph, if it can be "
        "seconds, or 0.001]",
    )  # fmt: skip

    def __post_init__(self) -> None:
        if self.spikes is not None:
            check.flag("spikes", self.spikes, ConversionError)
        if self.step_s is not None:
            self.put(step_s=check.time("step_s", self.step_s, ConversionError))
        self.put(convention=convention_of(self.convention, self.reset, self.dt))
