"""What is predicted for Blouw et al. 2019: keyword spotting, and its scaling network."""

from __future__ import annotations

from collections.abc import Iterator

from validation_data import Prediction, measurements
from validation_networks import N_INFERENCES, SETTINGS, STEPS_PER_INFERENCE, scaling
from validation_powers import above_idle, board_power, plus, processor, static_power, times

from nengo_spikecost.energy.loihi_chip import ChipCost, Range, price_chip

PROFILES = ("davies2018", "silicon")

#: Blouw et al. read dynamic power at the supply of their board, above what it drew before
#: anything ran; so do these: the constants of another board, whose ends are of this one, and of
#: their own from other runs. That a chip in use draws so much, whatever its cores do, the x86 power
#: of a third board says, too (Frady et al.).
BOARDS = (("nahuku32_from_boot", "yes"), ("wolf_mountain", "same board"))

#: Time of an inference of each network, as it was measured, in s. Energies that grow with time
#: are predicted for this time, so that errors of time don't hide in them.
KWS_S = 337e-6 * STEPS_PER_INFERENCE
NO_COPIES_S, TEN_COPIES_S = 795e-6 * STEPS_PER_INFERENCE, 877e-6 * STEPS_PER_INFERENCE

#: Layers of the network without spikes, 390-256-256-29, its multiply-accumulates and neurons; of a
#: copy of ten layers of 256 by 256, and how many of these were added; and samples of a call.
KWS_LAYERS, COPY_LAYERS = 3, 10
KWS_MACS, KWS_NEURONS = 390 * 256 + 256 * 256 + 256 * 29, 256 + 256 + 29
COPIES = (0, 2, 4, 6, 8, 10)
BATCHES = (2, 4, 8, 16, 32, 64)


def scaled_macs(n_copies: int) -> int:
    """Multiply-accumulates with so many copies, whose ends all go to the layer behind them."""
    return KWS_MACS + (n_copies * COPY_LAYERS + max(n_copies, 1) - 1) * 256**2


def _scaled_operations(n_copies: int) -> int:
    return scaled_macs(n_copies) + KWS_NEURONS + n_copies * COPY_LAYERS * 256


def core_dynamic(profile: str, n_copies: int, setting: str = SETTINGS[0]) -> Range:
    """Core dynamic energy of an inference of the scaling network, in J."""
    work = scaling(min(n_copies, 2), setting).work
    return times(price_chip(work, profile).energy_J("core dynamic"), 1 / N_INFERENCES)


def slope(profile: str, setting: str = SETTINGS[0]) -> Range:
    """What a copy of ten layers adds to the core dynamic energy of an inference, in J."""
    return plus(core_dynamic(profile, 2, setting), times(core_dynamic(profile, 1, setting), -1))


def _priced(board: str, step_s: float, n_copies: int = 0) -> ChipCost:
    work = scaling(n_copies).work
    return price_chip(work, "silicon", board=board, host_io=step_s)


def _power(cost: ChipCost, boundary: str, without_cores: bool = False) -> Range:
    """Mean power with the time of a step as it was given, in W."""
    cores = cost.energy_J("core dynamic") if without_cores else Range(0.0, 0.0, 0.0)
    pairs = zip(cost.energy_J(boundary), cores, cost.latency_s)
    return Range(*((energy - core) / latency for energy, core, latency in pairs))


def predictions() -> Iterator[Prediction]:
    """In the order of the page."""
    yield Prediction(
        "blouw_idle",
        "nahuku32",
        board_power("static_chip"),
        "a chip that has not run",
        ends=False,
    )
    yield from _keyword_spotting()
    yield from _scaling()
    yield from _without_spikes()
    yield from _on_the_edge()


def _keyword_spotting() -> Iterator[Prediction]:
    for board, held in BOARDS:
        cost = _priced(board, 337e-6)
        rate = "one core of 256 neurons, at the rates of the scaling network"
        yield Prediction(
            "kws_dynamic_power", f"silicon, {board}", _power(cost, "total dynamic"), rate, held,
            ends=False,
        )  # fmt: skip
        yield Prediction(
            "kws_energy",
            f"silicon, {board}",
            times(_power(cost, "chip"), KWS_S),
            "as above, for the time that was measured",
            held,
            ends=False,
        )
    cost = _priced("nahuku32_from_boot", 337e-6)
    code = board_power("x86_code", board="nahuku32_from_boot")
    yield Prediction(
        "kws_without_x86",
        "silicon, nahuku32_from_boot",
        plus(
            times(cost.energy_J("core dynamic"), 1 / N_INFERENCES),
            Range(0.0, code.nominal * KWS_S, code.high * KWS_S),
        ),
        "cores, and x86 code all the time; low: without the code",
    )


def _scaling() -> Iterator[Prediction]:
    rates = f"emulated with Nengo's gains and biases, {scaling(2).rate_hz:.0f} Hz"
    for profile in PROFILES:
        yield Prediction("scaling_slope", profile, slope(profile), rates, assumes="rates")
    below, above = (static_power(n, 1, "nahuku32_from_boot") for n in (92, 102))
    more = plus(above, times(below, -1))
    yield Prediction(
        "scaling_slope",
        "silicon, nahuku32_from_boot",
        plus(slope("silicon"), times(more, TEN_COPIES_S)),
        "as above, and what ten more cores of a chip add to its static power: nothing, as its idle "
        "power after keyword spotting says, too",
        "same board",
        assumes="rates",
    )
    for board_name, held in BOARDS:
        none = _power(_priced(board_name, 795e-6), "total dynamic", without_cores=True)
        yield Prediction(
            "scaling_intercept",
            f"silicon, {board_name}",
            plus(times(none, NO_COPIES_S), core_dynamic("silicon", 0)),
            "x86 for the time that was measured, and one core",
            held,
            ends=False,
        )
        ten = _power(_priced(board_name, 877e-6, 1), "total dynamic", without_cores=True)
        yield Prediction(
            "scaling_ten",
            f"silicon, {board_name}",
            plus(
                times(ten, TEN_COPIES_S),
                core_dynamic("silicon", 1),
                times(slope("silicon"), 9),
            ),
            "x86 for the time that was measured, and ten copies",
            held,
            ends=False,
        )


def _without_spikes() -> Iterator[Prediction]:
    """By devices of large batches, and by those that are called for every sample, above idle."""
    for kind in ("cpu", "gpu"):
        for key, n_copies in ((f"kws_{kind}", 0), *((f"scaled_{kind}_{n}", n) for n in COPIES)):
            macs, operations = scaled_macs(n_copies), _scaled_operations(n_copies)
            yield Prediction(
                key,
                f"device {kind}",
                processor(kind, operations),
                f"{macs:,} multiply-accumulates, batch of 1",
            )
            n_layers = KWS_LAYERS + n_copies * COPY_LAYERS
            launched = f" of {n_layers} layers" if kind == "gpu" else ""
            made_of = key.startswith("kws") or n_copies in (0, 10)
            yield Prediction(
                key,
                f"device {kind}_single",
                above_idle(f"{kind}_single", operations, n_layers),
                f"{macs:,} multiply-accumulates and a call{launched}, above idle power",
                "no" if made_of else "same board",
                ends=False,
            )
        for n_samples in BATCHES:
            operations = n_samples * (KWS_MACS + KWS_NEURONS)
            call = above_idle(f"{kind}_single", operations, KWS_LAYERS)
            yield Prediction(
                f"batch_{kind}_{n_samples}",
                f"device {kind}_single",
                times(call, 1 / n_samples),
                "multiply-accumulates of all samples, and one call, above idle power",
                "same board",
                ends=False,
            )


def _on_the_edge() -> Iterator[Prediction]:
    """A Jetson with several samples a call, and a stick with more layers, above idle."""
    of_call = KWS_MACS + KWS_NEURONS
    for n_samples in (1, *BATCHES):
        call = above_idle("jetson_tx1", n_samples * of_call, KWS_LAYERS)
        made_of = n_samples in (1, 16, 64)
        yield Prediction(
            "kws_jetson" if n_samples == 1 else f"batch_jetson_{n_samples}",
            "device jetson_tx1",
            times(call, 1 / n_samples),
            "multiply-accumulates of all samples, and one call, above idle power",
            "no" if made_of else "same board",
            ends=False,
        )
    for key, n_copies in (("kws_movidius", 0), *((f"scaled_movidius_{n}", n) for n in COPIES)):
        macs, operations = scaled_macs(n_copies), _scaled_operations(n_copies)
        made_of = key == "kws_movidius" or n_copies in (0, 10)
        yield Prediction(
            key,
            "device movidius",
            above_idle("movidius", operations, KWS_LAYERS + n_copies * COPY_LAYERS),
            f"{macs:,} multiply-accumulates and a call, above idle power",
            "no" if made_of else "same board",
            ends=False,
        )


def sensitivity() -> list[tuple[str, float, Range, Range]]:
    """Slope by how the neurons may have been set: setting, rate in Hz, and both profiles."""
    davies, silicon = PROFILES
    return [
        (setting, scaling(2, setting).rate_hz, slope(davies, setting), slope(silicon, setting))
        for setting in SETTINGS
    ]


def rate_that_fits(profile: str) -> float:
    """Rate in Hz, between those of the settings, at which the slope is what was measured."""
    measured = measurements()["scaling_slope"].value
    points = [(rate, (d, s)[PROFILES.index(profile)].nominal) for _, rate, d, s in sensitivity()]
    (high, most), (low, least) = points[0], points[1]
    return low + (measured - least) / (most - least) * (high - low)
