"""Defaults that all calls on a model share, and the options that have them, said once.

`profile`, `deploy`, `tune_firing_rates`, `fine_tune` and every sub-command make a model spike in
the same way unless they are told otherwise, so that the figures of one can be held against those of
the next. `sweep` searches what is a default here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .. import check
from ..options import by_layer, option

# Chosen on the 2,000 training digits that are shipped, with the demo's network and a network with
# BatchNormalization and MaxPool2D that was trained on them, among scales 100 to 400 and 30 to 100
# steps. At 150 no neuron of the demo fires faster than a chip can (875 Hz of 1,000; at 200 two
# layers do). 40 steps have the accuracy of 60 (99.0%, 99.2% for the averaged output; 98.8% and
# 99.1% with Loihi's neurons; ReLU 99.45%) for two thirds of the spikes, and at 30 the averaged
# output of Loihi's neurons loses three points. The other network, whose layers are not balanced,
# loses five points at the last step and two in the mean (of 93.8% of the test digits with ReLU):
# verdicts say such a loss, and `tune` and `sweep` find a scale for every layer.
SCALE = 150.0
"""``scale_firing_rates``: for a balanced network about the mean rate in Hz of neurons that fire."""

N_STEPS = 40
"""Steps for which a sample is presented."""

SYNAPSE = 0.005
"""Time constant in s of the lowpass filter behind the neurons, as in the tutorial."""

NEURONS = "SpikingRectifiedLinear"
"""Neurons where the hardware is not known yet: a report is priced on several chips."""

CHIP_NEURONS = "LoihiSpikingRectifiedLinear"
"""Neurons where it is Loihi: they count as its cores do, at most one spike a step."""

MAX_POOLING = ("exact", "average", "strided")
"""What max pooling can become. Default where neurons spike: the average, which runs on a chip."""

IN_FRONT = "to-spikes"
"""Name of neurons that ``spike_input`` puts in front of a model; of several inputs, of each, that
of the input follows."""


def neuron_type(default: str) -> Any:
    """Option: the neurons of a model; `NEURONS` or `CHIP_NEURONS`."""
    return option(
        default, flag="--neuron", metavar="TYPE", help="Neuron type that the ReLUs become."
    )


OTHERS = "*"
"""Key of ``scale_firing_rates`` for all layers that it does not name."""


def read_scales(texts: Iterable[str]) -> Any:
    """Scales as they are typed: ``150``, ``conv1=300``, or both: a number or a dict by layer."""
    scales = by_layer(texts)
    others = scales.pop("", SCALE)
    return {OTHERS: others, **scales} if scales else others


def scale_firing_rates() -> Any:
    """Option: factors on firing rates."""
    return option(
        SCALE, flag="--scale", metavar="HZ", multiple=True, read=read_scales,
        help="scale_firing_rates: factor on all firing rates; LAYER=HZ, as often as needed, for "
        "single layers.",
    )  # fmt: skip


def n_steps() -> Any:
    """Option: length of a presentation."""
    return option(
        N_STEPS, flag="--steps", read=int, metavar="N",
        help="Steps of 1 ms for which a sample is presented.",
    )  # fmt: skip


def synapse() -> Any:
    """Option: filter behind the neurons."""
    return option(
        SYNAPSE, read=float, metavar="S",
        help="Time constant in s of the filter behind the neurons; 0 for none.",
    )  # fmt: skip


def max_pooling() -> Any:
    """Option: what max pooling becomes."""
    return option(
        None, choices=MAX_POOLING,
        help="What max pooling becomes: exact on the host, or one of these on chip.  "
        "[default: average where neurons spike]",
    )  # fmt: skip


def presentation(default: str | None) -> Any:
    """Option: whether state runs on from sample to sample."""
    return option(
        default, choices=("fresh", "continuous"),
        help="Start every sample afresh, or run on as a board does.",
    )  # fmt: skip


def dt(default: float | None = 0.001) -> Any:
    """Option: length of a step."""
    return option(
        default, metavar="S", read=float,
        help="Length of a step in s; layers of KerasSpiking have one of their own.",
    )  # fmt: skip


def memory() -> Any:
    """Option: how much memory a call may take."""
    return option(
        None, metavar="AMOUNT", decides=False,
        help="Memory that it may take, as '4 GB'; more is refused.  [default: what is free]",
    )  # fmt: skip


def task(**others: Any) -> Any:
    """Option: what labels are for."""
    return option(
        None, choices=check.TASKS, help="What the labels are for.  [default: told from them]",
        **others,
    )  # fmt: skip
