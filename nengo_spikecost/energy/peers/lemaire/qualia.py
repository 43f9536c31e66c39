"""The Qualia SNN plugin 2.6.0: its ``EnergyEstimationMetric``, number by number.

Its faults are kept; see `nengo_spikecost.energy.peers.lemaire` for what they are.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ....layers.layer_shape import LayerShape
from .equations import strided_taps
from .prices import MEMORY_PARTS, PARTS, Accesses, Count, Memories, Prices, priced

_CONVOLUTIONS = ("convolution", "depthwise convolution")


@dataclass(frozen=True)
class Signal:
    """The values between two layers in all steps of an inference.

    Attributes
    ----------
    count : float or ndarray of shape (n_samples,)
        Values that are not zero: spikes.
    size : int
        All values: elements times steps.
    binary : bool
        Whether all are 0 or 1.
    """

    count: Count
    size: int
    binary: bool

    @property
    def rate(self) -> Count:
        """Share of the values that are not zero."""
        return self.count / self.size


@dataclass(frozen=True)
class Module:
    """A layer, with the neurons that follow it folded in, and what goes in and out.

    Attributes
    ----------
    shape : LayerShape
    input, output : Signal, optional
        None: nothing was recorded, as in networks without spikes.
    neurons : bool
        Whether IF or LIF neurons follow.
    leaky : bool
        Whether they are LIF neurons.
    stepwise : bool
        Whether the layer is run step by step as part of a spiking network. Otherwise it is
        priced as one of a network without spikes.
    """

    shape: LayerShape
    input: Signal | None = None
    output: Signal | None = None
    neurons: bool = False
    leaky: bool = False
    stepwise: bool = True

    @property
    def handled(self) -> bool:
        """Whether the tool has an equation for the layer."""
        return self.shape.kind in (*_CONVOLUTIONS, "dense", "add", "shape", "activation")


@dataclass(frozen=True)
class Row:
    """A row of the tool's table. Energies are in Joules, where its are in pJ.

    Attributes
    ----------
    name : str
    parts_J : mapping from str to ndarray
        Energy of each of `nengo_spikecost.energy.peers.lemaire.PARTS`.
    input_spikerate, output_spikerate, input_count, output_count : float, ndarray or None
    input_is_binary, output_is_binary : bool
    is_sj : bool or str
        Whether the layer was priced as a spiking one; ``"Hybrid"``: one with graded input.
    """

    name: str
    parts_J: Mapping[str, np.ndarray]
    input_spikerate: Count | None
    output_spikerate: Count | None
    input_count: Count | None
    output_count: Count | None
    input_is_binary: bool
    output_is_binary: bool
    is_sj: bool | str

    @property
    def memory_J(self) -> np.ndarray:
        """Energy of memory accesses."""
        return np.asarray(sum(self.parts_J[part] for part in MEMORY_PARTS))

    @property
    def total_J(self) -> np.ndarray:
        """Energy of all parts."""
        return np.asarray(sum(self.parts_J[part] for part in PARTS))


def module_row(module: Module, n_steps: int, prices: Prices) -> Row:
    """Energy and spike rates of one layer.

    Parameters
    ----------
    module : Module
    n_steps : int
        Steps per inference.
    prices : Prices
        One width for everything.
    """
    shape = module.shape
    is_sj: bool | str = module.stepwise
    if not module.stepwise:
        done = _dense_layer(shape)
    elif shape.kind not in (*_CONVOLUTIONS, "dense") or module.input is None:
        done = Accesses(), Memories()
    elif module.input.binary:
        done = _spiking_layer(module, module.input, n_steps)
    else:
        done, is_sj = _hybrid_layer(module, module.input, n_steps), "Hybrid"
    return _row(shape.name, priced(*done, prices), module.input, module.output, is_sj)


def _row(
    name: str, parts_J: Mapping[str, np.ndarray], given: Signal | None, made: Signal | None,
    is_sj: bool | str,
) -> Row:  # fmt: skip
    return Row(
        name, parts_J, given.rate if given else None, made.rate if made else None,
        given.count if given else None, made.count if made else None,
        bool(given and given.binary), bool(made and made.binary), is_sj,
    )  # fmt: skip


def total_row(modules: Sequence[Module], rows: Sequence[Row]) -> Row:
    """The tool's last row: sums of energies, and spike rates over everything it recorded.

    It records the network as a whole, every layer, its neurons, and the two as one, so that
    most spikes are counted twice. Values that are not binary are left out.

    Parameters
    ----------
    modules : sequence of Module
        All layers; neurons that are not folded into another have a module of kind
        ``"activation"``.
    rows : sequence of Row
        Their rows.
    """
    parts_J = {part: np.asarray(sum(row.parts_J[part] for row in rows)) for part in PARTS}
    first, last = (modules[0].input, modules[-1].output) if modules else (None, None)
    inputs, outputs = [first], [last]
    for module in modules:
        # neurons are recorded once more with the layer before them
        if module.shape.kind != "activation":
            times = 2 if module.neurons else 1
            inputs += times * [module.input]
            outputs += times * [module.output]
    stepwise = {module.stepwise for module in modules}
    is_sj = stepwise.pop() if len(stepwise) == 1 else "Hybrid"
    total = _row("Total", parts_J, _recorded(inputs), _recorded(outputs), is_sj)
    first_binary, last_binary = (end.binary if end else False for end in (first, last))
    return replace(total, input_is_binary=first_binary, output_is_binary=last_binary)


def _recorded(signals: Sequence[Signal | None]) -> Signal | None:
    binary = [signal for signal in signals if signal is not None and signal.binary]
    if not binary:
        return None
    return Signal(sum(s.count for s in binary), sum(s.size for s in binary), True)


def _taps(shape: LayerShape) -> int:
    return math.prod(shape.kernel_size) if shape.kind in _CONVOLUTIONS else 1


def _dense_layer(shape: LayerShape) -> tuple[Accesses, Memories]:
    """One pass without spikes: groups are not seen, biases are added even if there are none."""
    n_in, n_out = shape.n_in, shape.n_out
    memories = Memories(n_in, n_out, shape.n_weights, shape.n_biases)
    done = Accesses()
    if shape.kind in (*_CONVOLUTIONS, "dense"):
        if shape.kind == "dense":
            inputs, outputs = shape.channels_in, shape.channels_out
            macs = addresses = inputs * outputs
        else:
            inputs = macs = shape.channels_in * n_out * _taps(shape)
            outputs, addresses = n_out, n_in + n_out + _reach(shape)
        done = Accesses(
            inputs=inputs, outputs=outputs, weights=macs, macs=macs, additions=outputs,
            biases=outputs if shape.n_biases else 0, address_additions=addresses,
        )  # fmt: skip
    elif shape.kind == "add":
        # sums of the dimensions where their products are meant
        sums = [sum(dimensions) for dimensions in shape.input_shapes]
        done = Accesses(
            inputs=sum(sums), outputs=shape.channels_out, additions=min(sums) * (len(sums) - 1),
            address_additions=min(sums),
        )  # fmt: skip
    return done, memories


def _reach(shape: LayerShape) -> int:
    return shape.channels_out * _taps(shape)


def _spiking_layer(module: Module, given: Signal, n_steps: int) -> tuple[Accesses, Memories]:
    shape = module.shape
    stepwise = shape.n_out * n_steps
    spikes, sent = given.count, _sent(module)
    if shape.kind in _CONVOLUTIONS:
        additions = spikes * strided_taps(shape) * shape.channels_out
        address_macs: Count = 2 * spikes
        address_additions: Count = spikes * _taps(shape)
    else:
        additions = spikes * shape.channels_out
        # the rate where the spikes are meant
        address_macs, address_additions = 0, given.rate * n_steps * shape.channels_out
    accesses = Accesses(
        events_in=spikes, events_out=sent, weights=spikes * _reach(shape),
        biases=stepwise if shape.n_biases else 0, leaks=stepwise if module.leaky else 0,
        potentials=2 * (spikes * _reach(shape) + stepwise), additions=additions + stepwise + sent,
        address_macs=address_macs, address_additions=address_additions,
    )  # fmt: skip
    return accesses, _memories(shape)


def _hybrid_layer(module: Module, given: Signal, n_steps: int) -> tuple[Accesses, Memories]:
    """Graded input: potentials and biases at every step, all else in one step."""
    shape = module.shape
    n_out, values, sent = shape.n_out, given.rate * shape.n_in, _sent(module)
    if shape.kind in _CONVOLUTIONS:
        macs = shape.channels_in * n_out * _taps(shape)
        address_macs: Count = 2 * values
        address_additions: Count = values * _taps(shape)
    else:
        macs = shape.channels_in * shape.channels_out
        address_macs, address_additions = 0, given.rate * shape.channels_out
    accesses = Accesses(
        events_in=values, events_out=sent, weights=values * _reach(shape),
        biases=n_out * n_steps if shape.n_biases else 0, macs=macs * given.rate,
        potentials=2 * (values * n_steps * _reach(shape) + n_out * n_steps),
        multiplications=n_out if module.leaky else 0, additions=n_out + sent,
        address_macs=address_macs, address_additions=address_additions,
    )  # fmt: skip
    return accesses, _memories(shape)


def _sent(module: Module) -> Count:
    """Spikes that are written: none, and no reset, unless neurons follow."""
    return module.output.count if module.neurons and module.output else 0


def _memories(shape: LayerShape) -> Memories:
    return Memories(weights=shape.n_weights, biases=shape.n_biases, potentials=shape.n_out)
