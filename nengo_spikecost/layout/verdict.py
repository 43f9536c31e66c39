"""`Verdict`: what a person can act on, before any table."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

#: What a command begins with that is Python's.
PYTHON = "nsc."

POINTS = 1.0
"""Points of accuracy that may be lost before a verdict is about them."""


def points(before: float, after: float) -> float:
    """Points between two accuracies; 100% and 99% are one apart, and no rounding error more."""
    return round(100 * (before - after), 9)


@dataclass(frozen=True)
class NextStep:
    """Something to do next.

    Attributes
    ----------
    advice : str
        What to do and why, in a sentence.
    command : str
        On the command line, or a call in Python of ``nsc``; empty if there is none for it.
    tried : bool
        Whether the advice states what came of it, or nobody has tried it on this network.
    """

    advice: str
    command: str = ""
    tried: bool = False

    def sentence(self) -> str:
        """The advice, with "not tried" behind it if nobody has."""
        sentence = self.advice.rstrip(".")
        return f"{sentence}." if self.tried else f"{sentence} (not tried)."


@dataclass(frozen=True)
class Verdict:
    """A few lines that answer a question, and the next step.

    Attributes
    ----------
    lines : tuple of (str, str)
        A word or two, such as ``"accuracy"``, and a sentence.
    next_steps : tuple of NextStep
        The most useful first.
    """

    lines: tuple[tuple[str, str], ...]
    next_steps: tuple[NextStep, ...] = ()

    @classmethod
    def of(cls, *lines: tuple[str, str], next_steps: Iterable[NextStep] = ()) -> Verdict:
        """A verdict without the lines that have nothing to say."""
        return cls(tuple(line for line in lines if line[1]), tuple(next_steps))

    def rows(self) -> tuple[tuple[str, str, str], ...]:
        """Of all lines, the next steps last: what it is about, the sentence, and a command."""
        label = "next step" if len(self.next_steps) == 1 else "next steps"
        lines = [(about, sentence, "") for about, sentence in self.lines]
        for step in self.next_steps:
            lines.append((label, step.sentence(), step.command))
            label = ""
        return tuple(lines)

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return {
            "lines": [{"about": about, "sentence": sentence} for about, sentence in self.lines],
            "next_steps": [asdict(step) for step in self.next_steps],
        }


def accuracy_line(values: Mapping[str, str], samples: str = "") -> str:
    """``"Keras 99.0%, with spikes 98.6%, on the emulated chip 98.0% (500 samples)"``.

    Parameters
    ----------
    values : mapping from str to str
        By whose it is: an accuracy, or an error.
    samples : str
        On which; empty if that is said elsewhere.
    """
    words = ", ".join(f"{whose} {value}" for whose, value in values.items())
    return f"{words} ({samples})" if words and samples else words


def changed_words(choices: Iterable[Any]) -> str:
    """Layers of a conversion that compute something else than the model's.

    Parameters
    ----------
    choices : iterable of LayerChoice
    """
    layers: dict[str, list[str]] = {}
    for choice in choices:
        if not choice.exact:
            layers.setdefault(choice.choice, []).append(choice.layer)
    return "; ".join(f"{', '.join(names)}: {form}" for form, names in layers.items())


TRAINING_HELPS = (
    "Likely to help: train the model on as the spiking network it becomes, with training samples"
)


def train_step(layers: str, lost: float, model: str, flags: str = "") -> NextStep:
    """To train a model on with the layers that it gets, if that is where its accuracy went.

    Parameters
    ----------
    layers : str
        Names of the layers that became something else; empty if there are none.
    lost : float
        Points of accuracy.
    model : str
        Name of the model's file.
    flags : str
        Of the command, for it to train what was run.
    """
    words = TRAINING_HELPS
    if layers:
        lost_words = f"{layers} became something else, and {lost:.1f} points are lost"
        words = f"{lost_words}: train the model on with that, with training samples"
    return NextStep(words, f"{train_command(model)} {flags}".rstrip())


def train_command(model: str) -> str:
    """The command that trains the model in a file on, without flags that say how."""
    return f"nengo-spikecost train {model} --data TRAINING_DATA --out {_trained_name(model)}"


def _trained_name(model: str) -> str:
    """A name for the model in a file, trained on: never the file itself."""
    stem = os.path.splitext(model.strip("'"))[0]
    return shlex.quote(f"{stem}_trained.keras")
