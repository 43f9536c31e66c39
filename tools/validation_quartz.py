"""Quartz' MNIST network on 11 cores: what its code and architecture say it does, and predictions.

It codes values as times (``quartz/layers.py`` and ``CNN/mnist_model.py`` of Quartz-on-Loihi): in
every image each neuron fires once, whatever its value, so that all counts follow from the
architecture. 786 spikes of the host, which are published, are its 784 pixels, a sync and a
rectifier.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from validation_data import Prediction, measurements

from nengo_spikecost.energy.loihi_chip import ChipCost, ChipWork, price_chip

#: Neurons of convolution 6C5, pooling, 12C5, pooling, 120C4 and 10, on 28 by 28 pixels.
CONVOLVED = {"conv1": (6 * 24**2, 25), "conv2": (12 * 8**2, 6 * 25), "conv3": (120, 12 * 16)}
POOLED = {"pool1": 6 * 12**2, "pool2": 12 * 4**2}
OUT = (10, 120)
WEIGHTED = [*CONVOLVED.values(), OUT]

#: Of each layer a sync and a rectifier; of each channel with weights a neuron for its bias. Chains
#: of neurons that delay a bias by more than 189 steps are left out.
COMPARTMENTS = (
    sum(n for n, _ in WEIGHTED) + sum(POOLED.values()) + 2 * 6 + (6 + 12 + 120 + 10)
)  # fmt: skip

#: Of a neuron with weights: those, one from its bias, two from the sync, one from the rectifier
#: and one to itself. Of a pooling neuron: four, and one to itself.
SYNOPS = sum(n * (fan_in + 5) for n, fan_in in WEIGHTED) + sum(5 * n for n in POOLED.values())

CORES = 11
HOST_SPIKES = 786
STEPS = (51, 91, 171, 331, 651)

#: lmtActiveRatio of its own runs.
ACTIVE = dict(zip(STEPS, (0.821828, 0.776743, 0.684693, 0.549767, 0.444828)))

#: lmtActiveRatio of sequential MNIST, of the middle, and of Quartz' CIFAR-10 network.
OTHERS_ACTIVE = (0.866, 0.9165, 0.967)


@cache
def work(n_steps: int) -> ChipWork:
    """An image in so many steps."""
    return ChipWork.by_hand(
        n_cores=CORES, n_compartments=COMPARTMENTS, n_steps=n_steps, synops={"sparse": SYNOPS},
        spikes=COMPARTMENTS, messages=COMPARTMENTS, host_to_chip=HOST_SPIKES, n_chips=1,
    )  # fmt: skip


def cost(n_steps: int, profile: str = "silicon", measured_step: bool = True) -> ChipCost:
    """Price of an image, for the time of a step that was measured, or with it predicted."""
    step_s = measurements()[f"quartz_step_{n_steps}"].value if measured_step else "x86"
    return price_chip(work(n_steps), profile, host_io=step_s, x86_active=OTHERS_ACTIVE)


def measured_cores_J(n_steps: int) -> float:
    """Core dynamic energy of an image as NxSDK has it: the total less 18 mW and 6 of code."""
    image_s = n_steps * measurements()[f"quartz_step_{n_steps}"].value
    x86_W = 18.0e-3 + 6.0e-3 * ACTIVE[n_steps]
    return measurements()[f"quartz_dynamic_{n_steps}"].value - x86_W * image_s


def predictions() -> Iterator[Prediction]:
    """Total dynamic energy of an image, in runs of five lengths."""
    for n_steps in STEPS:
        yield Prediction(
            f"quartz_dynamic_{n_steps}",
            "silicon, nahuku32",
            cost(n_steps).energy_J("total dynamic"),
            f"{COMPARTMENTS:,} compartments, {SYNOPS:,} synops from its architecture, for the time "
            "that was measured; x86 code as on other boards, share of active updates not known",
            ends=False,
        )
