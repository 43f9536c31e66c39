"""A measurement that takes long in NengoDL says once what compiled code would take.

The time that NengoDL still needs is that of its last batch, times the batches left; the first
batch is left out, as TensorFlow traces and optimises its graph in it. That of compiled code is
estimated (compiled/estimated_time.py), as building the network for it would take time and memory
from what runs.
"""

from __future__ import annotations

from ..errors import MeasurementWarning
from ..warned import warn
from .recorder import Recorder
from .simulator_spec import loaded

#: More time left than this is worth a word, in s.
LONG = 60.0

_ESTIMATE = "nengo_spikecost.activity.compiled.estimated_time:seconds_of_sample"
_SLOW = ("nengo_dl", "nengo_dl_probes")


class FasterWay:
    """Looks at the batches of one measurement, and speaks once.

    Parameters
    ----------
    simulator : str
    n_samples : int, optional
        All of them; if that is not known, nothing is said.
    """

    def __init__(self, simulator: str, n_samples: int | None):
        self._n_samples = n_samples
        self._n_batches = 0
        self._listens = simulator in _SLOW and n_samples is not None

    def after(self, seconds: float, n: int, recorder: Recorder) -> None:
        """Take note of a batch of ``n`` samples that took so long.

        Warns
        -----
        MeasurementWarning
            Once, if more than a minute is left.
        """
        self._n_batches += 1
        if not self._listens or self._n_batches < 2:
            return
        left = int(self._n_samples or 0) - recorder.n_samples
        left_s = left * seconds / n
        if left_s <= LONG:
            return
        self._listens = False
        spikes = {name: counts[-1].mean(axis=0, dtype=float)
                  for name, counts in recorder.counts.items()}  # fmt: skip
        sample_s = loaded(_ESTIMATE)(recorder.setup, spikes)
        if sample_s is None:
            return
        compiled_s = left * sample_s
        warn(
            f"NengoDL needs about {_words(left_s)} more for the {left:,} samples left; "
            f"simulator='compiled' (--simulator compiled) would take about {_words(compiled_s)} "
            "for them, estimated from the spikes so far, and counts the same but for rounding: "
            "see docs/compiled.md.",
            MeasurementWarning,
        )


def _words(seconds: float) -> str:
    """A time in words."""
    for unit, size in (("hours", 3600.0), ("minutes", 60.0)):
        if seconds >= 2 * size:
            value = seconds / size
            return f"{value:.0f} {unit}" if value >= 10 else f"{value:.1f} {unit}"
    return f"{max(1, round(seconds)):d} s"
