"""What is predicted for all published boards but those of Blouw et al."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from validation_blouw import PROFILES
from validation_data import Prediction
from validation_powers import (
    above_idle,
    board_power,
    call_time,
    plus,
    processor,
    static_power,
)

from nengo_spikecost.energy import devices
from nengo_spikecost.energy.device import LEVELS
from nengo_spikecost.energy.loihi_chip import ChipCost, ChipWork, Range, price_chip
from nengo_spikecost.energy.loihi_chip import shipped_chip as constants

#: Intel's MNIST tutorial of NxTF: its published weights in whole numbers, run in NumPy with 50 of
#: the shipped digits as its notebook sets them up (98 % of which it tells; 98.4 % of 128 are
#: published). Spikes of its pixels and its three spiking layers, synops (weights that are not 0),
#: and the share of updates that are active, in 512 steps. NxTF's default synapses are sparse.
TUTORIAL_SPIKES = (16_944, 73_428, 98_123, 35_063)
TUTORIAL_SYNOPS, TUTORIAL_ACTIVE, TUTORIAL_STEPS = 27_520_533, 0.90, 512
TUTORIAL_NEURONS = 784 + 2_304 + 3_200 + 1_024 + 10
TUTORIAL_SYNAPSES = 812_154

#: Spikes for each synapse of an inference, of networks of NxTF that do not tell theirs: as many in
#: a step as in the tutorial; as many in an inference, since it is their number that makes a rate
#: precise; and as many as in the tutorial with neurons that are reset by subtraction. The tutorial
#: is the only network of NxTF whose spikes can be counted.
NXTF_STEPS = 100
SPIKES_PER_SYNAPSE = (
    TUTORIAL_SYNOPS / TUTORIAL_SYNAPSES * NXTF_STEPS / TUTORIAL_STEPS,
    TUTORIAL_SYNOPS / TUTORIAL_SYNAPSES,
    53_470_461 / TUTORIAL_SYNAPSES,
)

#: N-MNIST by SLAYER in NxTF (Intel's c_slayer_nxtf_nmnist.py): 34 by 34 by 2 pixels, 512 and 10
#: neurons, dense weights of 8 bits, 350 steps; 4,204 events an image of its test set.
NMNIST_NEURONS, NMNIST_STEPS, NMNIST_EVENTS = 2 * 34**2 + 512 + 10, 350, 4_204

#: Layers of NxTF's MNIST network, taken for as many as its tutorial has; and of an LSTM that is
#: launched for each of 784 pixels, and its output.
NXTF_LAYERS, LSTM_STEPS = 4, 784

#: How x86 power that is not NxSDK's model is read.
MEASURED = "nahuku32_from_boot"

Value = Callable[[ChipCost], Range]


def _over(works: tuple[ChipWork, ...], value: Value, profile: str, **options: Any) -> Range:
    """Few spikes with low constants, some with nominal ones, many with high ones."""
    low, nominal, high = (value(price_chip(work, profile, **options)) for work in works)
    return Range(low.low, nominal.nominal, high.high)


def _dynamic(cost: ChipCost) -> Range:
    return cost.energy_J("core dynamic")


def _step(cost: ChipCost) -> Range:
    return cost.step_s


def frady() -> Iterator[Prediction]:
    """Nearest neighbours: every spike goes to all 76,800 neurons."""
    neurons, steps, cores = 76_800, 60, 32 * 120
    works = tuple(
        ChipWork.by_hand(
            n_cores=cores,
            n_compartments=neurons,
            n_steps=steps,
            synops=float(spikes * neurons),
            # 11 to 12.5 spikes a step reach every neuron
            active_share=1.0,
            messages=float(spikes * messages),
            n_chips=32,
        )
        for spikes, messages in ((667, 0), (708.5, 0), (750, cores))
    )
    basis = (
        "667 to 750 spikes to 76,800 neurons each, 60 steps, 20 neurons a core; messages not "
        "known: none, or at the high end one to each core"
    )
    for profile in PROFILES:
        yield Prediction("knn_dynamic", profile, _over(works, _dynamic, profile), basis)
    # the x86's power is told apart, and is not NxSDK's 18.0 mW a chip: it was measured
    yield Prediction(
        "knn_static",
        MEASURED,
        static_power(32 * 128, 32, MEASURED),
        "32 chips in use, without their x86 processors",
    )
    yield Prediction(
        "knn_x86",
        MEASURED,
        plus(board_power("x86_clock", 32, MEASURED), board_power("x86_code", board=MEASURED)),
        "what 32 chips draw more once they have run, and code",
        ends=False,
    )
    received = tuple(
        ChipWork.by_hand(
            n_cores=cores,
            n_compartments=neurons,
            n_steps=steps,
            synops=float(spikes * neurons),
            active_share=1.0,
            axon_events=float(spikes * cores),
            n_chips=32,
        )
        for spikes in (667, 708.5, 750)
    )
    yield Prediction(
        "knn_step",
        "silicon, cores alone",
        _over(received, _step, "silicon", host_io="none"),
        "neurons and spikes spread evenly over all cores and steps; the barrier between chips is "
        "from the same paper, other boards",
        "same board",
    )
    yield Prediction(
        "knn_step",
        "silicon, free running",
        _over(received, _step, "silicon", host_io="free_running"),
        "several chips, nothing goes in or out",
        ends=False,
    )
    yield Prediction(
        "knn_million_step",
        "free running",
        _host_step("free_running", 32),
        "several chips, nothing goes in or out",
        ends=False,
    )


def _as_the_tutorial(n_cores: int, neurons: int, synapses: int) -> tuple[ChipWork, ...]:
    """A network of NxTF whose spikes are not published."""
    return tuple(
        ChipWork.by_hand(
            n_cores=n_cores,
            n_compartments=neurons,
            n_steps=NXTF_STEPS,
            synops={"sparse": synapses * rate},
            spikes=neurons * rate,
            messages=neurons * rate,
            active_share=TUTORIAL_ACTIVE,
        )
        for rate in SPIKES_PER_SYNAPSE
    )


def _used_energy(cost: ChipCost) -> Range:
    return cost.energy_J("used cores")


def nxtf() -> Iterator[Prediction]:
    """MNIST and CIFAR-10 of NxTF; its spikes are not published."""
    works = _as_the_tutorial(14, 4_000, 341_000)
    yield Prediction(
        "nxtf_mnist",
        "silicon, nahuku32",
        _over(works, _used_energy, "silicon", host_io=66.5e-6),
        "14 cores on one chip for the time that was measured, as many spikes for each synapse as "
        "in Intel's tutorial of NxTF",
        assumes="spikes",
    )
    for kind in ("cpu", "gpu"):
        single, assumes = f"{kind}_single", "layers" if kind == "gpu" else ""
        layers = f" of {NXTF_LAYERS} layers as in Intel's tutorial" if assumes else ""
        basis = "341,000 multiply-accumulates, one a synapse"
        key = f"nxtf_mnist_{kind}"
        yield Prediction(key, f"device {kind}", processor(kind, 341_000), basis)
        yield Prediction(
            key,
            f"device {single}",
            processor(single, 341_000, NXTF_LAYERS),
            f"{basis}, and a call{layers} of another machine",
            assumes=assumes,
        )
        yield Prediction(
            f"{key}_time",
            f"device {single}",
            call_time(single, NXTF_LAYERS),
            f"a call{layers} of another machine",
            assumes=assumes,
        )
    power = plus(
        board_power("static_core", 861), board_power("x86_clock", 7), board_power("x86_code")
    )
    yield Prediction(
        "nxtf_cifar",
        "nahuku32",
        Range(*(watts * 0.340 for watts in power)),
        "861 cores on 7 chips for the time that was measured, without any spikes",
    )
    work = ChipWork.by_hand(
        n_cores=5,
        n_compartments=NMNIST_NEURONS,
        n_steps=NMNIST_STEPS,
        synops={"dense": NMNIST_EVENTS * 512},
        spikes=NMNIST_EVENTS,
        messages=NMNIST_EVENTS,
        host_to_chip=NMNIST_EVENTS,
    )
    yield Prediction(
        "nxtf_nmnist",
        "silicon, nahuku32",
        price_chip(work, host_io=6.46e-3 / NMNIST_STEPS).power_W("used cores"),
        "597,000 weights of 8 bits need 5 cores; 4,204 events of its data set to 512 neurons each, "
        "in 350 steps as in Intel's script, for the time that was measured",
        assumes="cores, events, steps",
    )


def recurrent() -> Iterator[Prediction]:
    """An LSTM that a processor steps through: 784 steps of 128 units, called for every image."""
    macs = LSTM_STEPS * (1 + 128) * 4 * 128 + 128 * 10
    key, basis = "smnist_lstm_gpu", f"{macs:,} multiply-accumulates"
    call = f"a call of {LSTM_STEPS} steps, each launched as a layer, and an output, of another card"
    yield Prediction(key, "device gpu", processor("gpu", macs), basis)
    launched = processor("gpu_single", macs, LSTM_STEPS + 1)
    yield Prediction(key, "device gpu_single", launched, f"{basis}, and {call}")
    idle = above_idle("gpu_single", macs, LSTM_STEPS + 1)
    yield Prediction(f"{key}_idle", "device gpu_single", idle, f"{basis}, and {call}")
    time = call_time("gpu_single", LSTM_STEPS + 1)
    yield Prediction(f"{key}_time", "device gpu_single", time, call)


def _host_step(name: str, n_chips: int = 1) -> Range:
    host_io = constants().host_io[name]
    return Range(*(host_io.step_s(n_chips, level) for level in LEVELS))


def intel() -> Iterator[Prediction]:
    """Networks of Intel's notebooks."""
    yield Prediction(
        "relnet_x86",
        "nahuku32",
        plus(board_power("x86_clock", 22), board_power("x86_code")),
        "clock of about 22 chips, and code: the model of NxSDK itself, found in other networks",
        assumes="chips",
    )
    work = ChipWork.by_hand(
        n_cores=10,
        n_compartments=TUTORIAL_NEURONS,
        n_steps=TUTORIAL_STEPS,
        synops={"sparse": TUTORIAL_SYNOPS},
        spikes=sum(TUTORIAL_SPIKES),
        messages=sum(TUTORIAL_SPIKES),
        active_share=TUTORIAL_ACTIVE,
    )
    yield Prediction(
        "intel_mnist_power",
        "silicon, nahuku32",
        price_chip(work, host_io=60.807e-6).power_W("board"),
        "spikes from its published weights, on one chip of a board of 32, which is not said",
        assumes="board",
    )


def static() -> Iterator[Prediction]:
    """Power without any work."""
    for key, cores, chips in (("quartz_72", 11, 1), ("quartz_1760", 1753, 16)):
        basis = f"32 chips, {chips} of them in use"
        value = static_power(cores, chips, others=True)
        yield Prediction(key, "nahuku32", value, basis, "no", ends=False)
        # 70 mW of a chip in use, of which NxSDK takes 18.0 for the clock of the x86
        asleep, wakes = (
            board_power(k, board="wolf_mountain") for k in ("static_chip", "x86_clock")
        )
        ends = zip(asleep, wakes, board_power("x86_clock"))
        value = Range(*(32 * a + chips * (w - clock) for a, w, clock in ends))
        yield Prediction(
            key, "wolf_mountain", value, f"{basis}, less NxSDK's clock of their x86 processors"
        )
    for key, held in (("quartz_core_11", "no"), ("quartz_core_1753", "no"), ("smnist_core", "yes")):
        yield Prediction(
            key, "nahuku32", board_power("static_core"), "a core that is on", held, held == "yes"
        )
    yield Prediction(
        "braille_static",
        "nahuku32",
        static_power(106, 1),
        "a chip in use",
        ends=False,
    )
    yield Prediction(
        "braille_x86", "nahuku32", board_power("x86_clock"), "clock of a chip", "no", ends=False
    )


def others() -> Iterator[Prediction]:
    """Chips other than Loihi, and Loihi 2 with constants of Loihi 1."""
    neurons = 158_508
    work = ChipWork.by_hand(
        n_cores=128,
        n_compartments=neurons,
        n_steps=16,
        synops={"conv": 48.6e6},
    )
    for profile in PROFILES:
        yield Prediction(
            "pilotnet_lif",
            profile,
            _dynamic(price_chip(work, profile)),
            "48.6 million synops of another frame, share of active updates not known, and Loihi 1 "
            "for Loihi 2",
            assumes="spikes, chip",
        )
    yield from _truenorth()
    yield from _odin()


def _device_power(name: str, synops_per_s: float, volts: tuple[float, float] = (1, 1)) -> Range:
    device = devices.get(name).at_voltage(*volts)
    at = [device.at(level) for level in LEVELS]
    constants = [found.constants() for found in at]
    return Range(
        *(
            c["static_power"].value + d.energy_per_synop_J * synops_per_s
            for c, d in zip(constants, at)
        )
    )


def _truenorth() -> Iterator[Prediction]:
    squared = "the line at 0.8 V, by the square of volts"
    silent = "static power at 0.8 V, by the square of volts"
    cases = (
        # key, Hz, synapses of a neuron, V, held out, ends, basis
        ("truenorth_12", 11.58, 128, 0.8, "no", False, "a line through this point and the last"),
        (
            "truenorth_20",
            20.07,
            128,
            0.8,
            "yes",
            False,
            "a line through the points beside this one",
        ),
        ("truenorth_96", 95.93, 128, 0.8, "no", False, "a line through this point and the first"),
        ("truenorth_headline", 20.0, 128, 0.775, "yes", True, squared),
        ("truenorth_075", 20.0, 128, 0.75, "yes", True, squared),
        ("truenorth_busy", 200.0, 256, 1.05, "yes", True, squared),
        ("truenorth_silent", 0.0, 0, 0.7, "yes", False, silent),
    )
    for key, rate, synapses, volts, held, ends, basis in cases:
        value = _device_power("truenorth", rate * synapses * 1_048_576, (volts, 0.8))
        yield Prediction(key, "device truenorth", value, basis, held, ends)


def _odin() -> Iterator[Prediction]:
    for key, rate in (("odin_fast", 37.5e6), ("odin_slow", 650e3)):
        value = _device_power("odin", rate)
        yield Prediction(
            key, "device odin", value, "leakage and clock at 75 MHz; low: at 1.3 MHz", "no", False
        )
