"""The memory that training takes, told from the network before it is built.

Gradients go back through all steps of a presentation, so all values of every step are kept until
then, for each sample of a batch. The numbers are fits to how processes grew, rounded up.
"""

from __future__ import annotations

from typing import Any

from ...activity.memory_needs import network_sizes
from ...errors import TuningError
from ...memory import Need
from ...words import counted
from ..fine_tune_options import FineTuneOptions

#: What building takes however small the network is.
_LEAST = 100 * 10**6
#: Bytes of a weight: Nengo's, TensorFlow's, its gradient, what Adam keeps of it, the best so far.
_PER_WEIGHT = 60
#: Bytes of a neuron, or of a value of a Connection, at each step of each sample; and with whole
#: numbers of the chip.
_PER_VALUE, _PER_WHOLE_VALUE = 8, 10


def training_need(network: Any, n_steps: int, quantize: bool = False) -> Need:
    """For training a network on presentations of so many steps."""
    sizes = network_sizes(network)
    per_value = _PER_WHOLE_VALUE if quantize else _PER_VALUE
    return Need(_LEAST + _PER_WEIGHT * sizes.n_weights, per_value * n_steps * sizes.n_values)


def check_memory(network: Any, options: FineTuneOptions, temporal: bool) -> None:
    """Refuse a training that there is not enough memory for.

    Parameters
    ----------
    network : nengo.Network
        That is to be trained.
    options : FineTuneOptions
    temporal : bool
        Whether samples have steps of their own, which are simulated in any case.

    Raises
    ------
    TuningError
    """
    n_steps = options.n_steps if options.spikes or temporal else 1
    remedy = "give a smaller batch_size, fewer n_steps, or more memory (memory=)"
    if not options.spikes:
        remedy = "give a smaller batch_size, or more memory (memory=)"
    training_need(network, n_steps, options.quantize).check(
        f"Training with batch_size={options.batch_size} and "
        f"{counted(n_steps, 'step')}",
        options.memory_bytes, TuningError, options.batch_size, remedy,
    )  # fmt: skip
