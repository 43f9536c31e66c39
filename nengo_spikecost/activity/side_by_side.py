"""How many samples are simulated side by side: as many as memory has room for."""

from __future__ import annotations

from .. import check
from ..errors import MeasurementError
from ..memory import Need, budget_bytes
from ..words import counted

PRESENTATIONS = ("fresh", "continuous")

#: A batch is chosen so that about this many neurons are simulated at once: enough to keep
#: two cores busy, few enough that the state of the simulation fits in some hundred MB.
_NEURONS_AT_ONCE = 6_000_000
_MAX_BATCH = 100


def default_batch_size(n_neurons: int, presentation: str, n_samples: int | None = None) -> int:
    """Samples to simulate side by side by default, no more than there are.

    Raises
    ------
    MeasurementError
        If an argument is not what it should be.
    """
    check.whole("n_neurons", n_neurons, MeasurementError, 0)
    check.choice("presentation", presentation, PRESENTATIONS, MeasurementError)
    if n_samples is not None:
        check.whole("n_samples", n_samples, MeasurementError, 0)
    if presentation == "continuous":
        return 1
    return max(1, min(_MAX_BATCH, _NEURONS_AT_ONCE // max(1, n_neurons), n_samples or _MAX_BATCH))


def side_by_side(
    need: Need | None, asked: int | None, usual: int, memory: int | None, *,
    as_before: bool = False, what: str = "Simulating",
) -> int:  # fmt: skip
    """Samples side by side: those that were asked for, or as many as there is memory for.

    Parameters
    ----------
    need : Need, optional
        What simulating takes; None if nobody knows.
    asked : int, optional
        What the user says.
    usual : int
        How many there are otherwise, if there is memory for them.
    memory : int, optional
        Bytes that may be taken. Default: a share of what is free.
    as_before : bool
        As many as another time, whatever is free now; less only if ``memory`` says so.
    what : str
        What takes the memory, in the message.

    Raises
    ------
    MeasurementError
        If not even these fit.
    """
    size = asked
    if size is None:
        size = usual
        if need is not None and (memory is not None or not as_before):
            size = max(1, min(size, need.most_samples(budget_bytes(memory))))
    if need is not None:
        remedy = "give a smaller network, or more memory (memory=)"
        if size > 1:
            remedy = f"give a smaller batch_size than {size}, or more memory (memory=)"
        words = f"{what} {counted(size, 'sample')} side by side"
        need.check(words, memory, MeasurementError, size, remedy)
    return size
