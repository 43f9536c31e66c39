"""`AdviseOptions`: what is to be saved, which changes are tried, and how the network runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ... import check
from ...energy import devices
from ...energy.loihi_chip import ChipOptions
from ...energy.loihi_chip.boundaries import BOUNDARIES
from ...errors import ArgumentError, EnergyError
from ...loihi.deploy_options import CONVERTING, DeployOptions
from ...options import of_call, option


def name_or_none(text: str) -> str | None:
    """Reads a name, or None."""
    return None if text.lower() == "none" else text


#: What may be saved.
SAVINGS = ("energy", "time")


@dataclass(frozen=True)
class AdviseOptions(DeployOptions):
    """What `advise` is to save, and how much of everything it tries.

    The options of `deploy` are here too: each change is a deployment with the same ones.

    Attributes
    ----------
    save : {"energy", "time"}
        Energy or time of an inference.
    boundary : {"core dynamic", "total dynamic", "used cores", "chip", "board"}
        Of which energy, see `chip_cost`.
    profile, board, host_io
        Constants of the chip, its board and its host, see `chip_cost`.
    host : str, optional
        The processor beside the chip, whose work for the network is added to every energy; None:
        the host's work is left out, and no layer is moved there.
    n_changes : int
        How many changes are made and measured, at most: those with the largest predicted saving.
    first_samples : int
        Samples that a change is predicted from whose effect does not follow from counts.
    keep_steps, keep_rate : float
        Shares of the steps, and of a layer's firing rates, that a change leaves.
    prune_share : float
        Share of a layer's units or channels that are pruned: those with the fewest spikes.
    combine : bool
        Whether those that save are also tried together.
    """

    save: str = option("energy", choices=SAVINGS, help="What is to be saved.")
    boundary: str = option(
        "core dynamic", choices=tuple(BOUNDARIES), help="Of which energy: see deploy --cost."
    )
    profile: Any = of_call(ChipOptions, "profile", "silicon")
    board: Any = of_call(ChipOptions, "board")
    host_io: Any = of_call(ChipOptions, "host_io")
    host: str | None = option(
        "cpu", metavar="DEVICE", read=name_or_none,
        help="The processor beside the chip, whose energy is added; none: the chip alone.",
    )  # fmt: skip
    n_changes: int = option(5, flag="--changes", help="How many changes are made and measured.")
    first_samples: int = option(
        10, help="Samples to predict a change from that does not follow from counts."
    )
    keep_steps: float = option(0.75, help="Share of the steps that a change leaves.")
    keep_rate: float = option(0.5, help="Share of a layer's rates that a change leaves.")
    prune_share: float = option(0.25, help="Share of a layer's channels that a change prunes.")
    combine: bool = option(True, help="Try those that save together, too.")
    presentation: str | None = option(
        "fresh", choices=("fresh", "continuous"),
        help="Start every sample afresh, or let it run on from the one before.",
    )  # fmt: skip

    def __post_init__(self) -> None:
        super().__post_init__()
        check.choice("save", self.save, SAVINGS, EnergyError)
        check.choice("boundary", self.boundary, BOUNDARIES, EnergyError)
        check.whole("n_changes", self.n_changes, ArgumentError, 1)
        check.whole("first_samples", self.first_samples, ArgumentError, 1)
        for name in ("keep_steps", "keep_rate", "prune_share"):
            value = check.share(name, getattr(self, name), ArgumentError)
            if not 0 < value < 1:
                raise ArgumentError(f"{name} is {value:g}: a change must leave and take something.")
        if self.target != "emulator":
            raise EnergyError(
                f"advise needs target='emulator', which alone counts what cores do, not "
                f"{self.target!r}."
            )
        self.chip  # noqa: B018  (its names are checked)
        if self.host is not None and devices.get(self.host).spiking:
            raise EnergyError(f"host must be a processor, such as 'cpu'; {self.host} is spiking.")

    @property
    def chip(self) -> ChipOptions:
        """Constants that the chip's work is priced with."""
        return ChipOptions(profile=self.profile, board=self.board, host_io=self.host_io)

    def running(self, changed: bool = False) -> dict[str, Any]:
        """The options of `deploy` that were given.

        Of a ``changed`` network without those that say how to convert it, what is kept of the
        network as it is, and its block shapes.
        """
        own = self.part(DeployOptions).given()
        own.update(presentation=self.presentation, by_step=True, try_out=False)
        skipped = {*CONVERTING, "checkpoint", "block_shapes"} - {"seed"} if changed else ()
        return {name: value for name, value in own.items() if name not in skipped}
