"""The work of a neuromorphic chip, core by core: the counts that chip cost models price.

Pure counting: no Joule and no second. `chip_work` of `nengo_spikecost.workload.measured_chip` makes
a `ChipWork` of what was measured (`Activity.chip`), `ChipWork.by_hand` one of a few published
numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..errors import EnergyError
from .chip_activity import FORMATS, StepCounts
from .chip_hops import CoreHops, hops_by_hand

SYNAPSE_FORMATS = FORMATS
"""How the synapses of a core are stored; see `nengo_spikecost.activity.ChipActivity`."""


@dataclass(frozen=True)
class ChipWork:
    """Counts of each core of a chip per inference, sample by sample.

    Counts are int64 where they were measured, and float64 where they were scaled or spread
    over cores by hand.

    Attributes
    ----------
    cores, layers : tuple of str, length n_cores
        Names of the cores, and the layer that each works for.
    compartments : ndarray of shape (n_cores,)
        Compartments that are updated at every step.
    n_steps : int
        Steps per inference.
    dt : float
        Length of a step of the network in s; the chip takes a time of its own.
    spikes : ndarray of shape (n_samples, n_cores)
        Updates of compartments that fired.
    active : ndarray of shape (n_samples, n_cores)
        Updates that have something to do: see `ChipActivity`.
    synops : mapping from str to ndarray of shape (n_samples, n_cores)
        By format of the synapses, one of `SYNAPSE_FORMATS`.
    messages_out, axon_events : ndarray of shape (n_samples, n_cores)
        Messages that the core sent, and that arrived at it (from the host, too).
    host_to_chip, chip_to_host : ndarray of shape (n_samples,)
        Spikes that the host sent and read.
    fed_by_host : bool
        Whether neurons of the host send to the chip, even if they were silent.
    hops : CoreHops
        Where cores are, and the hops of their messages.
    by_step : StepCounts or None
        The same step by step: the slowest core of every step is found in it.
    biased : ndarray of shape (n_cores,) or None
        Compartments with a bias, whose updates are all active. None: not known.
    active_ends : pair of ndarray of shape (n_samples, n_cores), or None
        Where it is not known how many updates are active: the fewest and the most.
    runs_on : bool
        Whether the network has no inferences: counts are of all steps that were measured.
    emulated : bool
        Whether the emulated chip ran it, as NengoLoihi would run it on a board. False: numbers by
        hand, of whatever software.
    """

    cores: tuple[str, ...]
    layers: tuple[str, ...]
    compartments: np.ndarray = field(repr=False)
    n_steps: int
    dt: float
    spikes: np.ndarray = field(repr=False)
    active: np.ndarray = field(repr=False)
    synops: Mapping[str, np.ndarray] = field(repr=False)
    messages_out: np.ndarray = field(repr=False)
    axon_events: np.ndarray = field(repr=False)
    host_to_chip: np.ndarray = field(repr=False)
    chip_to_host: np.ndarray = field(repr=False)
    fed_by_host: bool
    hops: CoreHops = field(repr=False)
    by_step: StepCounts | None = field(default=None, repr=False)
    biased: np.ndarray | None = field(default=None, repr=False)
    active_ends: tuple[np.ndarray, np.ndarray] | None = field(default=None, repr=False)
    runs_on: bool = False
    emulated: bool = False

    def __post_init__(self) -> None:
        unknown = [key for key in self.synops if key not in SYNAPSE_FORMATS]
        if unknown:
            raise EnergyError(
                f"synops of format {', '.join(map(repr, unknown))}; there are "
                f"{', '.join(SYNAPSE_FORMATS)}."
            )
        # of updates that are spread over cores, the last bit may be too many
        most = self.active_at("high")
        if np.any(np.maximum(most, self.active) > self.updates * (1 + 1e-12)):
            raise EnergyError(
                "active updates are more than compartments times steps: a compartment is updated "
                "once a step."
            )

    @property
    def n_samples(self) -> int:
        """Inferences that were counted."""
        return len(self.spikes)

    @property
    def n_cores(self) -> int:
        """Cores in use."""
        return len(self.cores)

    @property
    def n_chips(self) -> int:
        """Chips with a core in use."""
        return self.hops.n_chips

    @property
    def layer_names(self) -> tuple[str, ...]:
        """Layers that have cores, in their order."""
        return tuple(dict.fromkeys(self.layers))

    @property
    def updates(self) -> np.ndarray:
        """Updates of compartments per inference, shape (n_cores,)."""
        return self.compartments * self.n_steps

    def active_at(self, level: str) -> np.ndarray:
        """Active updates, shape (n_samples, n_cores): at the ends the fewest and most there may be.

        ``level`` is ``"low"``, ``"nominal"`` or ``"high"``.
        """
        if level == "nominal" or self.active_ends is None:
            return self.active
        return self.active_ends[level == "high"]

    def active_share(self, level: str = "nominal") -> float:
        """Share of all updates that are active, mean over samples."""
        updates = float(np.sum(self.updates))
        return float(self.active_at(level).sum(axis=1).mean()) / updates if updates else 0.0

    def total_synops(self) -> np.ndarray:
        """Synops of all formats, shape (n_samples, n_cores)."""
        return np.sum([*self.synops.values(), np.zeros_like(self.spikes)], axis=0)

    def for_presentation(self, n_steps: int, dt: float) -> ChipWork:
        """The same chip for another number of steps, at the same firing rates.

        An extrapolation, with fractional counts and no counts by step, unless it is the
        presentation that was measured. See `nengo_spikecost.workload.Workload`.
        """
        if (n_steps, dt) == (self.n_steps, self.dt):
            return self
        return self._scaled((n_steps * dt) / (self.n_steps * self.dt), n_steps, dt)

    def with_spikes(self, factor: float) -> ChipWork:
        """The same chip and steps with ``factor`` times the spikes; 0 for a silent chip.

        Active updates are as many times more, but at most all of them; those of compartments with
        a bias stay.
        """
        return self if factor == 1 else self._scaled(factor, self.n_steps, self.dt)

    def _scaled(self, factor: float, n_steps: int, dt: float) -> ChipWork:
        """So many times the spikes, in another number of steps."""
        biased = np.zeros(self.n_cores) if self.biased is None else self.biased
        updates = self.compartments * n_steps

        def active(before: np.ndarray) -> np.ndarray:
            driven = np.maximum(before - biased * self.n_steps, 0)
            return np.asarray(np.minimum(biased * n_steps + driven * factor, updates))

        ends = self.active_ends
        scaled = ("spikes", "messages_out", "axon_events", "host_to_chip", "chip_to_host")
        return replace(
            self, n_steps=n_steps, dt=dt,
            **{name: getattr(self, name) * factor for name in scaled},
            active=active(self.active),
            active_ends=None if ends is None else (active(ends[0]), active(ends[1])),
            synops={key: count * factor for key, count in self.synops.items()},
            hops=self.hops.scaled(factor), by_step=None,
        )  # fmt: skip

    @classmethod
    def by_hand(
        cls, *, n_cores: int, n_compartments: int, n_steps: int, synops: Any, spikes: Any = 0,
        active_share: Any = None, messages: Any = 0, axon_events: Any = None,
        hops: tuple[Any, Any] | None = None, host_to_chip: Any = 0, chip_to_host: Any = 0,
        n_chips: int | None = None, n_tiles: int | None = None, dt: float = 0.001,
        layer: str = "network",
    ) -> ChipWork:  # fmt: skip
        """Work from a few numbers per inference, spread evenly over the cores.

        Parameters
        ----------
        n_cores, n_compartments : int
            Cores, and compartments on all of them.
        n_steps : int
            Steps per inference.
        synops : number, or mapping from format to number
            A plain number is of dense synapses. Every count may be an array of one entry a
            sample.
        spikes, messages : number
            Fired, and sent to cores.
        active_share : number, or tuple of (low, nominal, high), optional
            Share of all ``n_compartments * n_steps`` updates that are active: a weight arrives, or
            current, voltage or bias are not 0. Default: not known, so at least that of those that
            fire, at most 1, and nominally halfway.
        axon_events : number, optional
            Messages that arrived. Default: those sent and those from the host.
        hops : (east-west, north-south), optional
            Of all messages. None: not counted, and said so with the cost.
        host_to_chip, chip_to_host : number
            Spikes that the host sent and read.
        n_chips, n_tiles : int, optional
            Chips, and tiles used of the fullest. Default: as few as the cores need, 128 a chip
            and 4 a tile.
        dt : float
            Length of a step of the network in s.
        layer : str
            Name of the one layer that all cores work for.

        Raises
        ------
        EnergyError
            If a number is negative or not finite, or they do not go together.
        """
        for name, value in {"n_cores": n_cores, "n_steps": n_steps}.items():
            if not value >= 1:
                raise EnergyError(f"ChipWork.by_hand: {name} must be at least 1, not {value!r}.")
        formats = synops if isinstance(synops, Mapping) else {"dense": synops}
        if axon_events is None:
            axon_events = np.asarray(messages) + np.asarray(host_to_chip)
        counts = {
            "n_compartments": n_compartments, "spikes": spikes, "messages": messages,
            "axon_events": axon_events, "host_to_chip": host_to_chip, "chip_to_host": chip_to_host,
            **{f"synops[{key!r}]": value for key, value in formats.items()},
        }  # fmt: skip
        totals = {name: _amounts(name, value) for name, value in counts.items()}
        updates = float(totals["n_compartments"].max()) * n_steps
        least = np.minimum(totals["spikes"] / max(updates, 1), 1.0)
        shares = _active_shares(active_share, least)
        totals.update({f"active {level}": share for level, share in shares.items()})
        n_samples = max(len(value) for value in totals.values())
        spread = {name: _spread(value, n_cores, n_samples) for name, value in totals.items()}
        compartments, sent = spread["n_compartments"][0], spread["messages"]
        active = [
            np.broadcast_to(share[:, None] * (compartments * n_steps), (n_samples, n_cores))
            for share in (totals[f"active {level}"] for level in shares)
        ]
        return cls(
            cores=tuple(f"{layer}_{i}" if n_cores > 1 else layer for i in range(n_cores)),
            layers=(layer,) * n_cores, compartments=compartments, n_steps=n_steps, dt=dt,
            spikes=spread["spikes"], active=active[1], active_ends=(active[0], active[2]),
            synops={key: spread[f"synops[{key!r}]"] for key in formats},
            messages_out=sent, axon_events=spread["axon_events"],
            host_to_chip=np.broadcast_to(totals["host_to_chip"], n_samples),
            chip_to_host=np.broadcast_to(totals["chip_to_host"], n_samples),
            fed_by_host=bool(np.any(totals["host_to_chip"])),
            hops=hops_by_hand(hops, sent.shape, n_chips, n_tiles),
        )  # fmt: skip


def _active_shares(given: Any, least: np.ndarray) -> dict[str, np.ndarray]:
    """Share of active updates at every level, each of one entry a sample, or of one for all."""
    if given is None:
        ends: tuple[Any, ...] = (least, (1 + least) / 2, np.ones_like(least))
    elif isinstance(given, tuple) and len(given) == 3:
        ends = given
    else:
        ends = (given, given, given)
    name = "active_share"
    low, nominal, high = (_amounts(name, end).astype(float) for end in ends)
    if np.any(high > 1):
        raise EnergyError(
            f"ChipWork.by_hand: {name} can't be {given!r}: it is a share of all updates, from 0 to "
            "1; a compartment is updated once a step."
        )
    if np.any(low > nominal) or np.any(nominal > high):
        raise EnergyError(f"ChipWork.by_hand: {name} must be (low, nominal, high), not {given!r}.")
    return {"low": low, "nominal": nominal, "high": high}


def _amounts(name: str, value: Any) -> np.ndarray:
    amounts = np.atleast_1d(np.asarray(value))
    if amounts.ndim != 1 or amounts.dtype.kind not in "iuf":
        raise EnergyError(f"ChipWork.by_hand: {name} must be a number, not {value!r}.")
    if not np.all(np.isfinite(amounts) & (amounts >= 0)):
        raise EnergyError(f"ChipWork.by_hand: {name} can't be {value!r}: it has to be 0 or more.")
    return amounts


def _spread(totals: np.ndarray, n_cores: int, n_samples: int) -> np.ndarray:
    """Totals of samples in parts as equal as they can be, shape (n_samples, n_cores)."""
    totals = np.broadcast_to(totals, n_samples)
    if totals.dtype.kind == "f":
        return np.repeat(totals[:, None] / n_cores, n_cores, axis=1)
    share, rest = np.divmod(totals.astype(np.int64)[:, None], n_cores)
    return np.asarray(share + (np.arange(n_cores) < rest))
