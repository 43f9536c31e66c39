"""Rows and columns of the scoreboard: what tools are given for measurements, and the tools."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from scoreboard_given import Given, Layer, all_given
from scoreboard_recordings import recorded
from validation_data import Measurement, Prediction, measurements
from validation_page import all_predictions

from nengo_spikecost.energy.peers.lemaire.lemaire_options import LemaireOptions
from nengo_spikecost.energy.peers.lemaire.memory_traffic import ram_model
from nengo_spikecost.energy.peers.lemaire.operations import Arithmetic, OperationTable
from nengo_spikecost.energy.peers.lemaire.prices import Prices
from nengo_spikecost.energy.peers.lemaire.qualia import Module, Signal, module_row
from nengo_spikecost.layers.layer_shape import LayerShape

CORES = ("core dynamic",)


@dataclass(frozen=True)
class Row:
    """A measurement of the scoreboard, and what tools are given for it.

    Attributes
    ----------
    key : str
        Of the measurement.
    given : mapping from str to float
        How much of the energy of each `Given` it is; empty: only its time.
    seconds : float
        Of a power: for which time, as measured.
    processor : str
        Of a network without spikes: "cpu" or "gpu".
    slowest : str
        Of the time of a step: the `Given` whose steps they are.
    """

    key: str
    given: Mapping[str, float]
    seconds: float = 1.0
    processor: str = ""
    slowest: str = ""

    @property
    def measurement(self) -> Measurement:
        """The number."""
        return measurements()[self.key]


KWS_S = 337e-6 * 10
DENSE, NXTF_DENSE = "keyword spotting without spikes", "NxTF MNIST without spikes"

ROWS = (
    Row("kws_without_x86", {"no copies": 1}),
    Row("knn_dynamic", {"nearest neighbours": 1}),
    Row("smnist_core_dynamic", {"sequential MNIST": 1}),
    Row("scaling_slope", {"a further copy": 1}),
    Row("scaling_intercept", {"no copies": 1}),
    Row("scaling_ten", {"one copy": 1, "a further copy": 9}),
    Row("kws_dynamic_power", {"no copies": 1}, KWS_S),
    Row("pilotnet_lif", {"PilotNet": 1}),
    Row("smnist_total_dynamic", {"sequential MNIST": 1}),
    Row("smnist_used", {"sequential MNIST": 1}),
    Row("kws_cpu", {DENSE: 1}, processor="cpu"),
    Row("kws_gpu", {DENSE: 1}, processor="gpu"),
    Row("kws_energy", {"no copies": 1}),
    Row("nxtf_mnist", {"NxTF MNIST": 1}),
    Row("truenorth_12", {"TrueNorth 11.58 Hz": 1}),
    Row("truenorth_20", {"TrueNorth 20.07 Hz": 1}),
    Row("truenorth_96", {"TrueNorth 95.93 Hz": 1}),
    Row("truenorth_headline", {"TrueNorth 20 Hz": 1}),
    Row("truenorth_silent", {"TrueNorth 0 Hz": 1}),
    Row("odin_fast", {"ODIN fast": 1}),
    Row("odin_slow", {"ODIN slow": 1}),
    Row("intel_mnist_power", {"Intel's MNIST": 1}, 512 * 60.807e-6),
    Row("nxtf_mnist_cpu", {NXTF_DENSE: 1}, processor="cpu"),
    Row("nxtf_mnist_gpu", {NXTF_DENSE: 1}, processor="gpu"),
    Row("kws_step", {}, slowest="no copies"),
    Row("scaling_step", {}, slowest="a further copy"),
    Row("knn_step", {}, slowest="nearest neighbours"),
)


@dataclass(frozen=True)
class Tool:
    """An estimator.

    Attributes
    ----------
    name, short : str
        The second as the head of a column.
    computed : str
        By whom its numbers were computed.
    says : str
        What it says that it estimates, in words of its documentation.
    claims : tuple of str
        Boundaries of a chip that this is.
    answer : callable
        Of a row: a number in the row's unit, or why there is none.
    """

    name: str
    short: str
    computed: str
    says: str
    claims: tuple[str, ...]
    answer: Callable[[Row], float | str]


def from_runs(tool: str) -> Callable[[Row], float | str]:
    """What a tool said itself, as it was recorded."""

    def answer(row: Row) -> float | str:
        runs = recorded()[tool]["runs"]
        if row.slowest:
            return runs.get(row.slowest, {}).get("step_s", "no time")
        joules = 0.0
        for name, times in row.given.items():
            run = runs.get(name, {"refused": "no network"})
            if "refused" in run:
                return REFUSED.get(run["refused"], "refuses")
            energy = run["J"][row.processor] if isinstance(run["J"], dict) else run["J"]
            joules += times * all_given()[name].share * energy
        return joules / row.seconds

    return answer


#: What a tool that refused is said to lack, in a word or two.
REFUSED = {"has no device of this kind": "no device", "no network": "no network"}


def from_layers(energy_J: Callable[[Given, Layer], float]) -> Callable[[Row], float | str]:
    """What a formula says of every layer."""

    def answer(row: Row) -> float | str:
        if row.slowest:
            return "no time"
        of = ((times, all_given()[name]) for name, times in row.given.items())
        joules = sum(
            times * given.share * energy_J(given, layer)
            for times, given in of
            for layer in given.layers
        )
        return joules / row.seconds

    return answer


def synop_counting_J(given: Given, layer: Layer) -> float:
    """0.9 pJ an accumulation, 4.6 pJ a multiply-accumulate: floats of 32 bits at 45 nm."""
    return 0.9e-12 * layer.synops() if given.spiking else 4.6e-12 * layer.synapses


@cache
def _qualia_prices() -> Prices:
    options = LemaireOptions(32, operation_type="ICONIP", compat="qualia")
    table = OperationTable()
    arithmetic = Arithmetic(table, *options.operation_types)
    return Prices(arithmetic, ram_model(options.memory, table), options.widths, options.fifo_size)


def qualia_J(given: Given, layer: Layer) -> float:
    """The plugin's equations for a layer, 32 bits, its defaults."""
    row = module_row(_module(given, layer), given.n_steps, _qualia_prices())
    return float(row.total_J)


def _module(given: Given, layer: Layer) -> Module:
    if layer.convolution is None:
        shape = LayerShape(
            "layer", "layer", "dense", input_shapes=((layer.n_in,),), output_shape=(layer.n_out,),
            n_weights=layer.synapses,
        )  # fmt: skip
    else:
        height, width, inputs, outputs, kernel, stride = layer.convolution
        after = ((height - kernel) // stride + 1, (width - kernel) // stride + 1, outputs)
        shape = LayerShape(
            "layer", "layer", "convolution", input_shapes=((height, width, inputs),),
            output_shape=after, kernel_size=(kernel,) * 2, strides=(stride,) * 2,
            n_weights=kernel**2 * inputs * outputs,
        )  # fmt: skip
    if not given.spiking:
        return Module(shape, stepwise=False)
    spikes, fired = layer.spikes_in, layer.spikes_out
    sent = None if fired is None else Signal(int(fired.sum()), fired.size, True)
    return Module(shape, Signal(int(spikes.sum()), spikes.size, True), sent, fired is not None)


#: Constants of this package's own predictions, of the profile that is the default.
OURS, DAVIES = ("silicon", "nahuku32", "device", "free running", "x86", "host"), ("davies2018",)


@cache
def _predictions() -> tuple[Prediction, ...]:
    return tuple(all_predictions())


def of_this_package(kinds: tuple[str, ...]) -> Callable[[Row], float | str]:
    """The first prediction of the tables above with such constants, none of them of the board."""

    def answer(row: Row) -> float | str:
        own = [p for p in _predictions() if p.key == row.key and p.constants.startswith(kinds)]
        held_out = [p.value.nominal for p in own if p.held_out == "yes"]
        if held_out:
            return "not predicted" if math.isnan(held_out[0]) else float(held_out[0])
        return "made of it" if own else "not tried"

    return answer


FORMULA = "a formula, put to exact counts by this script"
ITSELF = "the tool itself"

TOOLS = (
    Tool(
        "KerasSpiking's ModelEnergy, device loihi, cpu or gpu", "Keras-Spiking", ITSELF,
        "synaptic operations and neuron updates of a device; no overhead, no input or output",
        CORES, from_runs("KerasSpiking"),
    ),
    Tool(
        "Qualia's plugin (Lemaire et al.), 32 bits", "Qualia",
        "this package's `lemaire(compat=\"qualia\")`, which tests hold to the tool's output",
        "memory, operations and addresses of a digital circuit at 45 nm; no static power",
        (), from_layers(qualia_J),
    ),
    Tool(
        "SpikingJelly, simple", "SJ simple", ITSELF,
        "arithmetic and traffic of parameters and neuron states, normalised to 45 nm, to compare "
        "networks", (), from_runs("SpikingJelly simple"),
    ),
    Tool(
        "SpikingJelly, Lemaire", "SJ Lemaire", ITSELF,
        "the same circuit as Qualia's, by the number of bytes that move", (),
        from_runs("SpikingJelly Lemaire"),
    ),
    Tool(
        "SpikingJelly, NeuroMC", "SJ NeuroMC", ITSELF,
        "compute and memory of an accelerator for training at 32 nm; here the forward pass", (),
        from_runs("SpikingJelly NeuroMC"),
    ),
    Tool(
        "SpikingJelly, SpikeSim", "SJ SpikeSim", ITSELF,
        "convolutions on crossbars of memristors; here dense layers as convolutions of one pixel",
        (), from_runs("SpikingJelly SpikeSim"),
    ),
    Tool(
        "Synops times 0.9 pJ, MACs times 4.6 pJ", "synops", FORMULA,
        "arithmetic in floats of 32 bits at 45 nm, as most papers with snnTorch count it", (),
        from_layers(synop_counting_J),
    ),
    Tool(
        "SANA-FE, its Loihi", "SANA-FE", ITSELF,
        "energy of Loihi's cores and mesh, time of a step; no static power, no x86, no host",
        (*CORES, "step"), from_runs("SANA-FE"),
    ),
    Tool(
        "this package, `davies2018`", "davies2018", "this package",
        "energy of Loihi's cores by its own table", CORES, of_this_package(DAVIES),
    ),
    Tool(
        "this package, its defaults", "ours", "this package",
        "every boundary of a board, with static power, x86 and host; time of a step",
        ("core dynamic", "total dynamic", "used cores", "chip", "board", "step"),
        of_this_package(OURS),
    ),
)  # fmt: skip
