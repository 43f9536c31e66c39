"""Loops of compiled code against the libraries' own arithmetic, where values are extreme.

Expected values are those of NengoLoihi's functions for decays and overflows, and of the steps of
neuron types in Nengo and NengoLoihi.
"""

from __future__ import annotations

from types import SimpleNamespace

import nengo
import numpy as np
import pytest

from nengo_spikecost import stack
from nengo_spikecost.loihi.emulation.host_neurons import EXACT, compiled_step

loihi = stack.nengo_loihi()


@pytest.mark.parametrize("rest", [1, 2, 5])
@pytest.mark.parametrize("decay_v", [0, 1, 200, 4095, 4096])
@pytest.mark.parametrize("decay_u", [0, 741, 4094, 4095])
def test_updates_of_compartments(decay_u, decay_v, rest):
    """Any state and input, some too large for the chip, from a compartment in between on."""
    from nengo_loihi.builder.discretize import decay_int, overflow_signed

    from nengo_spikecost.loihi.emulation.kernels import integrate

    rng = np.random.RandomState(decay_u + decay_v + rest)
    start, n = 13, 205  # no multiple of what is computed at once
    sizes = rng.randint(0, 24, (4, start + n))
    q, u, v, bias = (
        (rng.randint(-(2**23), 2**23, start + n) >> size).astype(np.int32) for size in sizes
    )
    u[start : start + 4] = -(2**23), 2**23 - 1, -1, 1
    v[start : start + 4] = 2**23 - 1, -(2**23), 1, -1
    waits = rng.randint(0, rest, start + n).astype(np.int32)
    threshold, lowest, highest = 2**12, -(2**20), 2**23 - 1

    given, lost_q = overflow_signed(q[:n].astype(np.int64), bits=21)
    current, lost_u = overflow_signed(
        decay_int(u[start:].astype(np.int64), decay_u, offset=1) + given, bits=23
    )
    drive, lost_d = overflow_signed(current + bias[start:], bits=23)
    voltage = decay_int(v[start:].astype(np.int64), decay_v) + drive
    voltage = np.clip(voltage, lowest, highest)
    voltage[waits[start:] > 0] = 0
    fires = voltage > threshold
    left = np.maximum(np.where(fires, rest, waits[start:]) - 1, 0)

    before = [x[:start].copy() for x in (u, v, waits)]
    spiked, lost = np.zeros(start + n, dtype=np.uint8), np.zeros(3, dtype=np.int32)
    p = np.array([4095 - decay_u, 4096 - decay_v, threshold, lowest, highest, rest], dtype=np.int32)
    busy = np.full(start + n, 7, dtype=np.uint8)
    active = (u[start:] != 0) | (v[start:] != 0) | (q[:n] != 0) | (bias[start:] != 0)
    integrate(q, u, v, waits, bias, spiked, busy, start, n, p, lost)
    np.testing.assert_array_equal(busy[start:], active)
    assert (busy[:start] == 7).all()
    np.testing.assert_array_equal(u[start:], current)
    np.testing.assert_array_equal(v[start:], np.where(fires, 0, voltage))
    np.testing.assert_array_equal(spiked[start:], fires)
    if rest > 1:
        np.testing.assert_array_equal(waits[start:], left)
    np.testing.assert_array_equal(lost != 0, [lost_q.any(), lost_u.any(), lost_d.any()])
    for x, own in zip((u, v, waits), before):
        np.testing.assert_array_equal(x[:start], own)
    assert not spiked[:start].any()


TYPES = [
    nengo.RectifiedLinear(amplitude=0.3),
    nengo.SpikingRectifiedLinear(amplitude=0.7),
    nengo.RegularSpiking(nengo.RectifiedLinear(), amplitude=0.5),
    loihi.neurons.LoihiSpikingRectifiedLinear(amplitude=0.1),
]


def _host(kind, lanes, n):
    """Arrays of an operator, as the host has them, and the same for Nengo's own step."""
    arrays = {name: np.zeros((lanes, n)) for name in ("J", "output", *kind.state)}
    signals = {id(array): array for array in arrays.values()}
    state = {name: id(arrays[name]) for name in kind.state}
    op = SimpleNamespace(
        neurons=kind, J=id(arrays["J"]), output=id(arrays["output"]), state=state, state_extra={}
    )
    host = SimpleNamespace(
        is_batched=lambda s: True, array=signals.get, model=SimpleNamespace(dt=0.001)
    )
    return op, host, arrays


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: type(kind).__name__)
@pytest.mark.parametrize("special", [0.0, -0.0, np.nan, np.inf, -np.inf])
def test_neurons_of_the_host_to_the_last_bit(kind, special):
    """Also zeros with a sign and NaN; where Nengo raises an error, so does compiled code."""
    assert (type(kind).__module__.split(".")[0], type(kind).__name__) in EXACT
    rng = np.random.RandomState(0)
    op, host, arrays = _host(kind, 3, 1500)
    step = compiled_step(op, host)
    expected = {name: array.copy() for name, array in arrays.items()}
    for k in range(6):
        j = rng.normal(0, 10.0 ** rng.randint(-3, 5, (3, 1500)))
        if k > 2:
            j[1, 700] = special
        arrays["J"][...] = expected["J"][...] = j
        with np.errstate(invalid="raise"):
            try:
                kind.step(0.001, **expected)
            except FloatingPointError:
                with pytest.raises(FloatingPointError):
                    step()
                assert np.isinf(special)
                return
            step()
        for name, array in arrays.items():
            np.testing.assert_array_equal(array.view(np.int64), expected[name].view(np.int64))


@pytest.mark.parametrize("synapse", [None, 0.005])
def test_what_is_sent_is_copied_only_if_it_must_be(synapse):
    """A filter changes its output after it was read. NengoLoihi's emulator says what arrives."""
    from .emulated import assert_equal

    with nengo.Network(seed=1) as net:
        loihi.add_params(net)
        node = nengo.Node(np.linspace(100, 900, 20))
        neurons = loihi.neurons.LoihiSpikingRectifiedLinear()
        a = nengo.Ensemble(20, 1, neuron_type=neurons, gain=np.ones(20), bias=np.zeros(20))
        b = nengo.Ensemble(30, 1, neuron_type=neurons, gain=np.ones(30), bias=np.zeros(30))
        net.config[a].on_chip = False
        nengo.Connection(node, a.neurons, synapse=None)
        weights = np.random.RandomState(0).normal(0, 0.2, (30, 20))
        nengo.Connection(a.neurons, b.neurons, transform=weights, synapse=synapse)
        nengo.Probe(b.neurons)
    run, _ = assert_equal(net, 30)
    assert run.block_spikes().sum() > 0
