"""`Attempts`: settings that were tried on the same samples, and which of them is worth advising."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ..layout.si import times
from ..layout.verdict import POINTS, NextStep
from ..words import counted
from .retyping import as_typed, changed_command

#: Share of the energy that has to be saved for it to be advised.
SAVED = 0.1

IN_CODE = "in compiled code"

#: Flags of the options that are tried.
FLAGS = {
    "scale_firing_rates": "--scale", "n_steps": "--steps", "max_pooling": "--max-pooling",
    "spike_input": "--spike-input", "simulator": "--simulator", "samples": "--samples",
}  # fmt: skip

#: What is asked of settings: more accuracy, less energy, or rates that a chip has.
ACCURACY, ENERGY, RATES, HOST = "accuracy", "energy", "rates", "host"


@dataclass(frozen=True)
class Attempt:
    """One setting.

    Attributes
    ----------
    changes : mapping from str to object
        Options that are other than those of the result, by name.
    accuracy : float
        Of the better of its readouts, or that of the result.
    energy_J : float, optional
        Per inference on Loihi's cores; None: not known.
    synops : float, optional
        Per inference on the chip; None: no synapse is there.
    max_rate_hz : float, optional
        Of any neuron.
    judged : bool
        Whether it was run as the result was; if not, in compiled code, which is near to it.
    """

    changes: Mapping[str, Any]
    accuracy: float
    energy_J: float | None = None
    synops: float | None = None
    max_rate_hz: float | None = None
    judged: bool = True

    @property
    def flags(self) -> str:
        """As they are typed: ``"--scale 400 --steps 80"``."""
        return " ".join(flag_words(self.changes))


def flag_words(changes: Mapping[str, Any]) -> list[str]:
    """Options as flags of a command."""
    words = []
    for name, value in changes.items():
        if value is True:
            words.append(FLAGS[name])
        else:
            words.append(f"{FLAGS[name]} {as_typed(value)}")
    return words


@dataclass(frozen=True)
class Attempts:
    """Settings that were tried, in order.

    Attributes
    ----------
    purpose : {"accuracy", "energy", "rates", "host"}
    now : Attempt
        The result's own setting, on the same samples.
    keras : float
        Accuracy of the Keras model on them.
    n_samples : int
        How many: the first of them.
    tried : tuple of Attempt
    fixed : mapping from str to object
        Options that the command needs beside the changes, to give the same.
    where : str
        Where it was tried, in words.
    stopped : bool
        Whether time was over before all were tried.
    """

    purpose: str
    now: Attempt
    keras: float
    n_samples: int
    tried: tuple[Attempt, ...] = ()
    fixed: Mapping[str, Any] = field(default_factory=dict)
    where: str = IN_CODE
    stopped: bool = False

    def lost(self, attempt: Attempt) -> float:
        """Points of accuracy against the Keras model."""
        return 100 * (self.keras - attempt.accuracy)

    def serves(self, attempt: Attempt) -> bool:
        """Whether a setting does what was asked."""
        if self.lost(attempt) > POINTS + 1e-9:
            return False
        if self.purpose == ENERGY:
            own, now = attempt.energy_J, self.now.energy_J
            return own is not None and now is not None and own < (1 - SAVED) * now
        return self.purpose != HOST or bool(attempt.synops)

    @property
    def best(self) -> Attempt | None:
        """The first that serves; or the most accurate, if it gains a point, or is on the chip."""
        judged = [a for a in self.tried if a.judged]
        serving = next((a for a in judged if self.serves(a)), None)
        if serving is not None or not judged:
            return serving
        most = max(judged, key=lambda a: a.accuracy)
        gains = 100 * (most.accuracy - self.now.accuracy) >= POINTS
        runs = self.purpose == HOST and bool(most.synops)
        return most if runs or (self.purpose == ACCURACY and gains) else None

    def command(self, typed: str) -> str:
        """The command that gives what the best setting gave, from the one that was typed."""
        if self.best is None or not typed:  # a call that no command stands for
            return ""
        changes = self.best.changes
        if "scale_firing_rates" in changes and "--scales" in typed:
            return ""  # the file of scales may say more, and would be left out
        return changed_command(typed, {**changes, **self.fixed}, FLAGS)

    def step(self, typed: str, reason: str) -> NextStep | None:
        """The advice, with what it gave; None where nothing was tried.

        Parameters
        ----------
        typed : str
            The command of the result, to be changed.
        reason : str
            Why something should be done, as the beginning of a sentence.
        """
        if not self.tried:
            return None
        best = self.best
        if best is None:
            return NextStep(f"{reason}: {self._in_vain()}", tried=True)
        gives = f"{best.flags} gives {_percent(best.accuracy)}, here {_percent(self.now.accuracy)}"
        gives += self._energy(best)
        if self.purpose == HOST and best.synops is not None:
            gives += f", with {best.synops:,.0f} synops on the chip"
        if self.purpose == RATES and best.max_rate_hz is not None:
            gives += f", at up to {best.max_rate_hz:,.0f} Hz"
        if self.lost(best) > POINTS:
            gives += f"; {self.lost(best):.1f} points are still lost"
        return NextStep(f"{reason}: {gives} ({self._how()})", self.command(typed), tried=True)

    def _energy(self, best: Attempt) -> str:
        if not (best.energy_J and self.now.energy_J):
            return ""
        ratio = best.energy_J / self.now.energy_J
        if self.purpose == ENERGY:
            return f", with {1 - ratio:.0%} less energy on Loihi's cores"
        return f", at {times(ratio)} the energy on Loihi's cores"

    def _in_vain(self) -> str:
        most = max(self.tried, key=lambda a: a.accuracy)
        verb, rest = ("save", " energy within a point") if self.purpose == ENERGY else ("help", "")
        if len(self.tried) == 1:
            found = f"the other setting does not {verb}{rest}: {most.flags}"
        else:
            found = f"none of {len(self.tried)} other settings {verb}s{rest}: the most accurate, "
            found += f"{most.flags},"
        gets = f"gets {_percent(most.accuracy)}, this one {_percent(self.now.accuracy)}"
        return f"{found} {gets} ({self._how()})"

    def _how(self) -> str:
        where = self.where if self.best is not None or self.tried[-1].judged else IN_CODE
        late = "; then time was over" if self.stopped else ""
        return f"tried {where}, on {counted(self.n_samples, 'sample')}{late}"

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return {
            "purpose": self.purpose, "where": self.where, "n_samples": self.n_samples,
            "keras_accuracy": self.keras, "stopped": self.stopped, "now": asdict(self.now),
            "tried": [asdict(attempt) for attempt in self.tried],
        }  # fmt: skip


def steps_of(attempts: Iterable[Attempts], purpose: str, typed: str, reason: str) -> list[NextStep]:
    """The steps that attempts of a purpose have led to."""
    steps = (a.step(typed, reason) for a in attempts if a.purpose == purpose)
    return [step for step in steps if step is not None]


def _percent(share: float) -> str:
    return f"{share:.1%}"
