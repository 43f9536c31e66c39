"""Whether spikes are worth it, in words that all results share: Loihi, the others, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...energy.estimate import EnergyEstimate
from ...errors import EnergyError
from ...layout import si
from ...layout.per import INFERENCE, Per
from ...layout.si import times
from ...layout.verdict import POINTS
from ...words import counted
from ..opponent.all_opponents import SAME_TECHNOLOGY
from ..opponent.break_even_record import BreakEven

LOIHI = "loihi"

#: Processors without spikes that a network is held against, if they are in the table.
PROCESSORS = ("cpu", "gpu")


@dataclass(frozen=True)
class Outlook:
    """All that tells whether a network is worth running on spiking hardware.

    Attributes
    ----------
    estimates : mapping from str to EnergyEstimate
        By name of the device.
    opponents : mapping from str to BreakEven or EnergyError
        As `all_opponents` gives them.
    per : Per
        What energies are shown per.
    chip_cost : ChipCost, optional
        Of the emulated chip.
    lost : float, optional
        Points of accuracy against the Keras model; None: not known.
    """

    estimates: Mapping[str, EnergyEstimate]
    opponents: Mapping[str, Any] = field(default_factory=dict)
    per: Per = INFERENCE
    chip_cost: Any = None
    lost: float | None = None

    def lines(self) -> tuple[tuple[str, str], ...]:
        """The lines of a verdict, in the order of all of them."""
        cost = self.chip_cost
        limit = "" if cost is None else str(cost.limit_sentence())
        unknown = "" if cost is None else str(cost.not_predicted_sentence())
        measured = "" if cost is None else str(cost.measurability_sentence())
        loihi = ("Loihi", self.loihi()), ("not known", unknown), ("limit", limit)
        others = ("others", self.others()), ("worth it?", self.worth())
        return (*loihi, ("to measure", measured), *others)

    def loihi(self) -> str:
        """Energy at each boundary of an emulated chip, or of its cores by the table of devices."""
        if self.chip_cost is not None:
            return str(self.chip_cost.sentence())
        estimate = self.estimates.get(LOIHI)
        if estimate is None:
            return ""
        if estimate.all_on_host:
            return "nothing of this network runs on it: all is its host's"
        host = f", and {self.per.energy(estimate.host_J)} its host" if estimate.host_J else ""
        when = "per inference" if self.per.seconds is None else "while it runs"
        return f"{self._energy(estimate)} its cores{host}, {when}; chip and board not emulated"

    def others(self) -> str:
        """What processors take, and one technology with spikes and without."""
        estimates = self.estimates
        words = [
            f"{name} {self._energy(estimates[name])}" for name in PROCESSORS if name in estimates
        ]
        if words and self.per.seconds is not None:
            words[-1] += " at every step"
        if any(estimates[name].device.one_sample for name in PROCESSORS if name in estimates):
            words[-1] += ", as in large batches"
        opponent = self.opponents.get(SAME_TECHNOLOGY)
        if isinstance(opponent, BreakEven):
            with_spikes, without = opponent.network.total.mean_J, opponent.network.total.ann_J
            words.append(
                f"in one 45 nm technology {self.per.energy(with_spikes)} with spikes, "
                f"{self.per.energy(without)} without (arithmetic alone)"
            )
        return "; ".join(words)

    def worth(self) -> str:
        """Yes or no, and because of what."""
        if not self.opponents:
            return "no answer: nothing in this network spikes"
        sentences = []
        if self.lost is not None and self.lost > POINTS:
            where = " on the chip" if self.chip_cost is not None else ""
            sentences.append(f"not at this accuracy: {self.lost:.1f} points are lost{where}")
        on_loihi = self.opponents.get(LOIHI)
        estimate = self.estimates.get(LOIHI)
        if estimate is not None and estimate.all_on_host:
            sentences.append("not on Loihi: no layer runs on it")
        elif isinstance(on_loihi, BreakEven) and estimate is not None:
            sentences += self._against_processors(estimate)
            sentences.append(against_twin(on_loihi, "Loihi", "on its cores "))
        same = self.opponents.get(SAME_TECHNOLOGY)
        if isinstance(same, BreakEven):
            sentences.append(against_twin(same, "45 nm", ""))
        elif isinstance(same, EnergyError) and not sentences:
            sentences.append(f"no answer: {same}")
        text = ". ".join(s[:1].upper() + s[1:] for s in sentences)
        return text and text + "."

    def _energy(self, estimate: EnergyEstimate) -> str:
        return f"{'>= ' * estimate.lower_bound}{self.per.energy(estimate.mean_J)}"

    def _against_processors(self, estimate: EnergyEstimate) -> Iterable[str]:
        """Whether Loihi's cores take less than a CPU or GPU, and what its host does to that."""
        estimates, cores = self.estimates, estimate.mean_J
        all_in = cores + estimate.host_J
        for name in PROCESSORS:
            other = estimates.get(name)
            if other is None or not cores:
                continue
            ratio, with_host = other.mean_J / cores, other.mean_J / all_in
            answer = "yes" if ratio > 1 else "no"
            words = f"against a {name.upper()}, {answer}: {_less(ratio)} on Loihi's cores"
            if estimate.host_J:  # the other does the host's work, too
                joint = "and" if (with_host > 1) == (ratio > 1) else "but"
                words += f", {joint} {_less(with_host)} with their host"
            yield words


def against_twin(result: BreakEven, name: str, where: str) -> str:
    """Against the same network without spikes, and because of what."""
    total = result.network.total
    if total.crossing == "never":
        steps = "every step" if result.runs_on else f"all {counted(result.n_steps, 'step')}"
        return (
            f"against an accelerator without spikes, {name} never: {where}neurons that are updated "
            f"at {steps} take {times(total.mean_fixed_J / total.ann_J)} its energy before any spike"
        )
    if total.crossing != "crosses" or total.factor is None or total.ratio is None:
        return f"in {name} {result.verdict[:1].lower()}{result.verdict[1:].rstrip('.')}"
    rate, spikes = result.network.break_even_rate_hz, result.network.break_even_spikes_per_synapse
    at = f"{si.si(rate, 'Hz')}" if rate is not None else f"{spikes:.3g} spikes per synapse"
    if total.factor > 1:
        return (
            f"in {name} spikes take {total.ratio:.2g} times what the network takes without them, "
            f"and less up to {at}"
        )
    return (
        f"in {name} spikes take {total.ratio:.2g} times what the network takes without them: too "
        f"many spikes, below {at} they would take less"
    )


def _less(ratio: float) -> str:
    """``"3.2 times less"``, or more."""
    return f"{times(ratio)} less" if ratio > 1 else f"{times(1 / ratio)} more"
