"""Energies of operations and of memory accesses, at the widths where they are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nengo_spikecost.energy.device import Constant, Device
from nengo_spikecost.energy.peers.lemaire import (
    OPERATION_TYPES,
    RAM_MODELS,
    Arithmetic,
    InterpolatedRam,
    LinearRam,
    OperationTable,
    WordRam,
    operation_table,
    ram_model,
)
from nengo_spikecost.energy.peers.lemaire.operations import TABLE_NAMES, has_operation_table
from nengo_spikecost.errors import EnergyError

from .workloads import digital

# sums of a few float64 products
RTOL = 1e-12


def pJ(value: float) -> float:
    return 1e12 * value


@pytest.mark.parametrize("kind", OPERATION_TYPES)
def test_32_bits_are_the_tables(kind):
    costs = Arithmetic(OperationTable(), kind, kind)
    np.testing.assert_allclose([pJ(costs.add_J(32)), pJ(costs.mul_J(32))], [0.1, 3.1], RTOL)


@pytest.mark.parametrize("kind", [None, "saturation", "linear", "quadratic"])
def test_8_bits_are_the_tables(kind):
    costs = Arithmetic(OperationTable(), kind, kind)
    np.testing.assert_allclose([pJ(costs.add_J(8)), pJ(costs.mul_J(8))], [0.03, 0.2], RTOL)


@pytest.mark.parametrize(
    "kind, bits, add, mul",
    [
        # by hand: halfway, one third, and the parabola a x^2 + b x
        ("linear", 16, 0.03 + 0.07 / 3, 0.2 + 2.9 / 3),
        ("linear", 20, 0.065, 1.65),
        ("quadratic", 16, 0.17 / 3, 2.35 / 3),
        ("saturation", 16, 0.1, 3.1),
        ("saturation", 4, 0.03, 0.2),
        ("ICONIP", 8, 0.1, 3.1),
        (None, 16, 0.1, 3.1),
        (None, 4, 0.1, 3.1),
    ],
)
def test_other_widths(kind, bits, add, mul):
    costs = Arithmetic(OperationTable(), kind, kind)
    np.testing.assert_allclose([pJ(costs.add_J(bits)), pJ(costs.mul_J(bits))], [add, mul], RTOL)


def test_additions_and_multiplications_of_different_types():
    costs = Arithmetic(OperationTable(), "linear", "saturation")
    np.testing.assert_allclose([pJ(costs.add_J(20)), pJ(costs.mul_J(20))], [0.065, 3.1], RTOL)


@pytest.mark.parametrize(
    "kind, operation, bits, words",
    [
        ("saturation", "add_J", 33, "up to 32 bits"),
        ("linear", "mul_J", 6, "below 0 at 6 bits"),
        ("quadratic", "add_J", 77, "falls with the width at 77 bits"),
    ],
)
def test_widths_without_a_price(kind, operation, bits, words):
    with pytest.raises(EnergyError, match=words):
        getattr(Arithmetic(OperationTable(), kind, kind), operation)(bits)


@given(kind=st.sampled_from(["saturation", "linear", "quadratic"]), bits=st.integers(7, 31))
def test_wider_operations_cost_no_less(kind, bits):
    costs = Arithmetic(OperationTable(), kind, kind)
    assert 0 < costs.add_J(bits) <= costs.add_J(bits + 1)
    assert 0 < costs.mul_J(bits) <= costs.mul_J(bits + 1)


def test_line_of_memories():
    # KiB of 8 bits: 1.09e-5 * 1024 * 8 + 13.2
    assert pJ(LinearRam()(1024, 8)) == pytest.approx(13.2892928, rel=RTOL)
    assert pJ(LinearRam()(0, 8)) == pytest.approx(13.2, rel=RTOL)


@pytest.mark.parametrize(
    "bits, energy", [(8, 1.25), (16, 2.5), (24, 5), (32, 5), (64, 10), (65, 20), (128, 20)]
)
def test_words_of_64_bits(bits, energy):
    assert pJ(WordRam()(1, bits)) == pytest.approx(energy, rel=RTOL)
    assert WordRam()(10**6, bits) == WordRam()(1, bits)


@pytest.mark.parametrize(
    "n_bytes, energy",
    [(0, 0), (4 << 10, 5), (8 << 10, 10), (32 << 10, 20), (1 << 20, 100), (1 << 30, 100)],
)
@pytest.mark.parametrize("bits", [8, 16, 32, 64])
def test_memories_of_known_size(n_bytes, energy, bits):
    n_words = n_bytes * 8 // bits
    assert pJ(InterpolatedRam()(n_words, bits)) == pytest.approx(energy * bits / 64, rel=RTOL)
    # as SpikingJelly reads the same points
    twice = InterpolatedRam(word_bits=32)(n_words, bits)
    assert twice == pytest.approx(2 * InterpolatedRam()(n_words, bits), rel=RTOL)


@given(
    name=st.sampled_from(RAM_MODELS),
    n_words=st.integers(0, 1 << 22),
    more=st.integers(0, 1 << 22),
    bits=st.integers(1, 64),
)
def test_larger_memories_cost_no_less(name, n_words, more, bits):
    ram = ram_model(name, OperationTable())
    assert 0 <= ram(n_words, bits) <= ram(n_words + more, bits)


def test_a_model_of_ones_own():
    def ram(n_words, bits):
        return 1e-12

    assert ram_model(ram, OperationTable()) is ram


def test_constants_are_the_devices():
    device = digital(True)
    assert has_operation_table(device)
    assert operation_table(device) == OperationTable()
    operations = {**device.operations, "sram_8KiB": Constant(7e-12)}
    other = Device("other", True, Constant(1), Constant(1), operations=operations)
    table = operation_table(other)
    assert table.sram_8KiB == 7e-12
    assert ram_model("new", table)(1, 64) == 7e-12
    assert ram_model("interpolated", table)(8 << 10, 8) == pytest.approx(7e-12 / 8, rel=RTOL)


def test_a_device_without_operations():
    device = Device("bare", True, Constant(1), Constant(1))
    assert not has_operation_table(device)
    with pytest.raises(EnergyError, match=f"'bare' has no {', '.join(TABLE_NAMES)}.*'digital'"):
        operation_table(device)
