"""Time of a step that a host or the x86 manages, and the network that tells a spike's time.

Two models, each stated before it is checked:

* Where the spikes that go in through the x86 are known, a step takes so much for each of them:
  the constant of ``host_io="x86"``, made of sequential MNIST, and then what its cores take.
* Where they are not, all that can be said is what steps of other networks took: the logarithms of
  these times are taken for normal, and the range is a prediction interval for one more network of
  other software: those of one software have more in common than a board, so that only the number of
  softwares counts as a number of observations. It should hold `COVERAGE` of such networks, and is
  checked with each software's left out. ``host_io="host"`` has the interval of all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import validation_quartz as quartz
from scipy import stats
from validation_blouw import PROFILES
from validation_data import HostTime, Prediction, host_times, measurements
from validation_networks import scaling

from nengo_spikecost.energy.loihi_chip import ChipCost, ChipWork, Range, price_chip, shipped_chip
from nengo_spikecost.layout.si import si

#: Share of new networks whose step the interval should hold.
COVERAGE = 0.8

#: Sequential MNIST: Intel's weights, delays of 0 and NxSDK's neurons in whole numbers, run in NumPy
#: with 50 of the shipped digits (86 % of which it tells; 94.5 % of 200 are published, and 1,994
#: spikes of the host an image, 2,013 published). Steps and host spikes are those published.
LSNN_STEPS, LSNN_HOST_SPIKES = 840, 2_013
LSNN_SPIKES, LSNN_SYNOPS, LSNN_ACTIVE = 10_868, 636_472, 0.806
#: 140 neurons, 100 that adapt, of two compartments each, and 10 outputs.
LSNN_COMPARTMENTS = 140 + 2 * 100 + 10
LSNN_STEP_S = 16.649e-6

#: SLAYER's notebooks: an image of N-MNIST is 350 steps and 50 of rest, a gesture 1,450 and 100;
#: spikes go in through so many x86 processors (numSnips). Events are those of the data sets: 4,204
#: an image of N-MNIST's test set, 407,124 a gesture of some 6 s, of which 1.45 s are shown.
NMNIST_EVENTS, NMNIST_STEPS, NMNIST_PROCESSORS = 4_204, 400, 2
NMNIST_COMPARTMENTS, NMNIST_CORES = 2_312 + 512 + 10, 17
GESTURE_EVENTS, GESTURE_STEPS = round(407_124 * 1.45 / 6), 1_550

#: lmtActiveRatio of the other boards: lowest, median, highest.
OTHERS_ACTIVE = (0.685, 0.7995, 0.967)


@dataclass(frozen=True)
class Network:
    """One network whose steps a host manages: the geometric mean of its times, in s."""

    name: str
    software: str
    step_s: float


@cache
def networks() -> tuple[Network, ...]:
    """One entry a network, however often it was measured."""
    times: dict[tuple[str, str], list[float]] = {}
    for pair in host_times():
        found = times.setdefault((pair.network, pair.software), [])
        found.append(measurements()[pair.measurement].value)
    return tuple(Network(*key, float(stats.gmean(found))) for key, found in times.items())


def interval(times: Sequence[Sequence[float]], coverage: float = COVERAGE) -> Range:
    """Where one more time should be, of a software of its own.

    Parameters
    ----------
    times : sequence of sequences of float
        Of the networks of each software.
    coverage : float

    Returns
    -------
    Range
        Nominal: the geometric mean over software of the geometric means of their networks. Ends:
        Student's t, with one degree of freedom less than there is software, times the deviation of
        one network and that of the mean.
    """
    means = np.array([np.log(own).mean() for own in times])
    one = np.log(np.concatenate([*times])).var(ddof=1)
    deviation = np.sqrt(one + means.var(ddof=1) / len(means))
    reach = stats.t.ppf((1 + coverage) / 2, len(means) - 1) * deviation
    return Range(*(float(np.exp(means.mean() + k * reach)) for k in (-1, 0, 1)))


def of_others(software: str | None) -> Range:
    """The interval of all networks but those that this software manages; None: of all."""
    times: dict[str, list[float]] = {}
    for network in networks():
        if network.software != software:
            times.setdefault(network.software, []).append(network.step_s)
    return interval(list(times.values()))


def managed(software: str | None, n_chips: int) -> Range:
    """What the package says of a step that a host manages, by the networks of other software."""
    found = of_others(software)
    return found if shipped_chip().host_io["host"].is_known(n_chips) else found.unless_too_wide()


def by_spikes(pair: HostTime) -> Range:
    """Time of a step into which known spikes go through the x86, before the cores' own."""
    if pair.network == "sequential MNIST":
        return _lsnn("silicon", "x86").step_s
    if pair.measurement.startswith("quartz_step_"):
        n_steps = int(pair.measurement.rsplit("_", 1)[1])
        return quartz.cost(n_steps, measured_step=False).step_s
    # neurons are not known: cores as full as those of Quartz' other network
    cores = pair.cores or 1
    full = round(cores * quartz.COMPARTMENTS / quartz.CORES)
    work = ChipWork.by_hand(
        n_cores=cores, n_compartments=full, n_steps=1, synops=0, n_chips=pair.chips,
        host_to_chip=pair.spikes_in or 0,
    )  # fmt: skip
    return price_chip(work, host_io="x86").step_s


def _lsnn(profile: str, host_io: str | float = LSNN_STEP_S) -> ChipCost:
    work = ChipWork.by_hand(
        n_cores=2, n_compartments=LSNN_COMPARTMENTS, n_steps=LSNN_STEPS,
        synops={"sparse": LSNN_SYNOPS}, spikes=LSNN_SPIKES, messages=LSNN_SPIKES,
        active_share=LSNN_ACTIVE, host_to_chip=LSNN_HOST_SPIKES,
    )  # fmt: skip
    return price_chip(work, profile, host_io=host_io, x86_active=OTHERS_ACTIVE)


def sequential_mnist() -> Iterator[Prediction]:
    """Intel's LSNN: spikes from its own weights, powers for the time that was measured."""
    spikes = "350 compartments, 10,868 spikes and 636,472 synops from its published weights"
    for profile in PROFILES:
        cost = _lsnn(profile)
        yield Prediction(
            "smnist_core_dynamic",
            profile,
            cost.energy_J("core dynamic"),
            f"{spikes}; a message a spike",
        )
    cost = _lsnn("silicon")
    time = "as above, for the time that was measured; x86 code as on the other boards"
    parts = cost.parts_J
    latencies = cost.latency_s
    x86 = [a + b for a, b in zip(parts["x86 clock"], parts["x86 code"])]
    yield Prediction(
        "smnist_x86",
        "nahuku32",
        Range(*(energy / seconds for energy, seconds in zip(x86, latencies))),
        "clock of a chip, and code for the share of the other boards",
    )
    for key, boundary in (("smnist_total_dynamic", "total dynamic"), ("smnist_used", "used cores")):
        yield Prediction(key, "silicon, nahuku32", cost.energy_J(boundary), time)


def steps() -> Iterator[Prediction]:
    """Every step, by the spikes that went in where they are known, else by other networks."""
    for pair in host_times():
        if pair.spikes_in:
            first = pair.measurement == "smnist_step"
            yield Prediction(
                pair.measurement,
                "x86",
                by_spikes(pair),
                f"{pair.spikes_in:.3g} spikes of the host in a step, and then the cores",
                "no" if first else "yes",
                ends=pair.network == "CIFAR-10",
            )
            continue
        yield Prediction(
            pair.measurement,
            "host",
            managed(pair.software, pair.chips),
            f"times of networks that other software than {pair.software} manages, "
            f"{COVERAGE:.0%} of them",
        )
    emulated = scaling(0)
    rate = float(emulated.work.host_to_chip.mean() / emulated.work.n_steps)
    for key in ("kws_step", "scaling_none_step", "scaling_step"):
        yield Prediction(
            key,
            "x86",
            price_chip(emulated.work, host_io="x86").step_s,
            f"{rate:.3g} spikes of the host in a step, emulated with Nengo's gains and biases, and "
            "then the cores; NengoLoihi's host sends them, and reads at every step",
            assumes="rates",
        )
    yield from slayer()


def slayer() -> Iterator[Prediction]:
    """Steps of SLAYER's notebooks, by the events of their data sets."""
    x86 = shipped_chip().host_io["x86"]
    work = ChipWork.by_hand(
        n_cores=NMNIST_CORES, n_compartments=NMNIST_COMPARTMENTS, n_steps=NMNIST_STEPS,
        synops={"dense": NMNIST_EVENTS * 512}, spikes=NMNIST_EVENTS, messages=NMNIST_EVENTS * 8,
        host_to_chip=NMNIST_EVENTS,
    )  # fmt: skip
    rate = NMNIST_EVENTS / NMNIST_STEPS
    yield Prediction(
        "slayer_nmnist_step",
        "x86",
        price_chip(work, host_io=x86.shared_by(NMNIST_PROCESSORS)).step_s,
        f"{rate:.3g} events of its data set in a step, through two processors side by side, and "
        "then the cores",
        assumes="events, processors",
    )
    spikes = ChipWork.by_hand(
        n_cores=1, n_compartments=1_024, n_steps=GESTURE_STEPS, synops=0,
        host_to_chip=GESTURE_EVENTS,
    )  # fmt: skip
    yield Prediction(
        "slayer_gesture_step",
        "x86",
        price_chip(spikes, host_io=x86).step_s,
        f"{GESTURE_EVENTS / GESTURE_STEPS:.3g} events of its data set in a step, as if they were "
        "even over a gesture of 6 s, and then a full core",
        assumes="events",
    )


def table() -> str:
    """All pairs, and whether the interval of other software's networks holds each."""
    lines = [
        "| Network | Steps managed by | Chips | Spikes in | Step | By other software's networks "
        "| Inside |",
        "|---|---|--:|--:|--:|--:|---|",
    ]
    held: dict[tuple[str, str], list[bool]] = {}
    for pair in host_times():
        found, value = of_others(pair.software), measurements()[pair.measurement].value
        inside = found.low <= value <= found.high
        held.setdefault((pair.network, pair.software), []).append(inside)
        lines.append(f"| {' | '.join(_cells(pair, value, found, inside))} |")
    n_inside = sum(sum(values) / len(values) for values in held.values())
    whole = of_others(None)
    lines += [
        "",
        f"Stated: {COVERAGE:.0%}. Found: {n_inside:.1f} of {len(held)} networks, each measured one "
        f"sharing its network's place. All networks together give {si(whole.nominal, 's')} "
        f"({si(whole.low, 's')} to {si(whole.high, 's')}), a factor of "
        f"{whole.high / whole.low:.0f} from end to end.",
        "",
    ]
    return "\n".join(lines)


def _cells(pair: HostTime, value: float, found: Range, inside: bool) -> list[str]:
    spikes = "not known" if pair.spikes_in is None else f"{pair.spikes_in:.3g}"
    return [
        pair.network,
        f"{pair.software}, {'a host' if pair.by == 'host' else 'the x86'}",
        str(pair.chips),
        spikes,
        si(value, "s"),
        f"{si(found.nominal, 's')} ({si(found.low, 's')} to {si(found.high, 's')})",
        "yes" if inside else "no",
    ]
