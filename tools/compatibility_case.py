"""A case of docs/compatibility.md: something of another package, and what is seen with it here."""

from __future__ import annotations

import contextlib
import importlib.metadata
import io
import os
import re
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Callable

import numpy as np

import nengo_spikecost as nsc
from nengo_spikecost.errors import SpikeCostError

FAULT = "A fault of ours"
"""How what is seen begins where it is wrong, or an error that is none of ours."""

EXACTLY = "^Converted exactly"


@dataclass(frozen=True)
class Case:
    """Something that users bring.

    Attributes
    ----------
    key : str
        Names the case in the file of what was seen.
    package : str
        The package that it is of: the heading that it stands below.
    brings : str
        What is brought.
    theirs : str
        What that package does with it, with the place in its source or documentation.
    see : callable
        Builds it, and returns in one sentence what is seen here.
    right : str
        A regular expression that is in what is seen if that is right: the value that its own
        package, plain Nengo or arithmetic gives. What does not have it is a fault of ours.
    distributions : tuple of str
        Distributions that it needs, whose versions are kept with what was seen.
    test : str
        The test that holds it: ``"tests/file.py::function"``.
    """

    key: str
    package: str
    brings: str
    theirs: str
    see: Callable[[], str]
    right: str
    distributions: tuple[str, ...]
    test: str = ""

    def can_be_seen(self) -> bool:
        """Whether what it needs is installed."""
        try:
            return bool(self.versions())
        except importlib.metadata.PackageNotFoundError:
            return False

    def versions(self) -> str:
        """Versions of the packages that it is seen with: ``"nengo 4.1.0"``."""
        return ", ".join(f"{d} {importlib.metadata.version(d)}" for d in self.distributions)

    def seen(self) -> str:
        """What is seen now; an error that is none of ours is shown as the fault that it is."""
        with warnings.catch_warnings(record=True) as told, _quiet_folder():
            warnings.simplefilter("always")
            try:
                words = self.see()
            except SpikeCostError as error:
                words = f"Refused: {first_lines(str(error))}"
            except Exception as error:
                words = f"{FAULT}: {type(error).__name__}: {first_lines(str(error))}"
        ours = [str(w.message) for w in told if issubclass(w.category, nsc.errors.SpikeCostWarning)]
        warned = "".join(f" Warns: {first_lines(words)}" for words in dict.fromkeys(ours))
        words = " ".join((words + warned).split())
        if not words.startswith(FAULT) and not re.search(self.right, words):
            return f"{FAULT}: expected {self.right!r}, and saw: {words}"
        return words


@contextlib.contextmanager
def _quiet_folder() -> Iterator[None]:
    """A folder of its own to write files to, and no output."""
    before = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                yield
        finally:
            os.chdir(before)


def first_lines(text: str, most: int = 360) -> str:
    """The beginning of a message, in one line."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 4].rsplit(' ', 1)[0]} ..."


def inputs_of(model: Any, n_samples: int = 4) -> list[np.ndarray]:
    """Random numbers from 0 to 1 for every input of a Keras model."""
    rng = np.random.RandomState(1)
    inputs = model.inputs
    inputs = list(inputs.values()) if isinstance(inputs, dict) else inputs
    return [rng.uniform(0, 1, (n_samples, *x.shape[1:])).astype("f4") for x in inputs]


def against(model: Any, expected: Any = None, inputs: Any = None, **options: Any) -> str:
    """Convert a Keras model to rate neurons, and say how far its outputs are from Keras' own."""
    inputs = inputs_of(model) if inputs is None else inputs
    conversion = nsc.convert(model, **{"neuron_type": "RectifiedLinear", **options})
    if expected is None:
        given = inputs[0] if len(inputs) == 1 else inputs
        expected = model.predict(given, verbose=0)
    data = dict(zip(conversion.input_nodes, inputs))
    activity = nsc.measure(conversion, data, 1, progress=False)
    found = [output.last for output in activity.outputs.values()]
    return f"Converted {difference(found, expected)}."


def difference(found: list[np.ndarray], expected: Any) -> str:
    """How far outputs are apart, in words, relative to the largest."""
    if isinstance(expected, dict):
        expected = list(expected.values())
    wanted = expected if isinstance(expected, (list, tuple)) else [expected]
    worst = 0.0
    for own, theirs in zip(found, wanted):
        theirs = np.asarray(theirs, dtype=np.float64).reshape(len(own), -1)
        worst = max(worst, float(np.abs(own - theirs).max() / max(np.abs(theirs).max(), 1e-6)))
    if worst < 1e-5:
        return (
            "exactly: with rate neurons the outputs are those of the model, to float32's rounding"
        )
    return f"approximately: with rate neurons outputs are up to {worst:.1%} off"
