"""Number formats: read, refused, and wide enough."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nengo_spikecost.energy.peers.qtools import (
    Quantizer,
    accumulator,
    binary,
    fixed,
    floating,
    multiplier,
    po2,
    quantizer,
    relu,
    ternary,
)
from nengo_spikecost.energy.peers.qtools.multipliers import adder, divider, widest
from nengo_spikecost.errors import EnergyError


@pytest.mark.parametrize(
    "given_, expected",
    [
        ("quantized_bits(4,1,1)", fixed(4, 1)),
        ("quantized_bits(6, 2, keep_negative=False, alpha='auto')", fixed(6, 2, signed=False)),
        ("quantized_relu(6,2)", relu(6, 2)),
        ("quantized_relu(1,1)", Quantizer("bit", 1, 1, signed=False)),
        ("quantized_relu(4,1,0,0.25)", relu(4, 1, signed=True)),
        ("quantized_po2(4)", po2(4)),
        ("quantized_relu_po2(6, 2048)", po2(6, 2048, signed=False)),
        ("quantized_relu_po2(6,quadratic_approximation=True)", po2(6, signed=False)),
        ("ternary", ternary()),
        ("stochastic_ternary()", ternary()),
        ("binary(use_01=True, alpha=1)", binary(use_01=True)),
        ("bernoulli()", binary(use_01=True)),
        ("quantized_ulaw(6,1)", fixed(6, 1)),
        ("int16", fixed(16, 7)),
        ("fp16", floating(16)),
        ("po2(4, n_values=3)", po2(4, n_values=3)),
        ({"class_name": "quantized_bits", "config": {"bits": 3, "integer": 1}}, fixed(3, 1)),
        ({"class_name": "quantized_po2", "config": {"bits": 4}, "n_values": 5},
         po2(4, n_values=5)),
    ],
)  # fmt: skip
def test_reading(given_: Any, expected: Quantizer) -> None:
    assert quantizer(given_) == expected
    assert quantizer(expected) == expected


@pytest.mark.parametrize(
    "given_, message",
    [
        ("quantized_sigmoid(4)", "no number format"),
        ("int7", "no number format"),
        ("quantized_bits(4", "can't be read"),
        ("__import__('os')", "no number format"),
        ("quantized_bits(open('x'))", "can't be read"),
        ("fixed(4, width=3)", "width"),
        ("fixed(0)", "at least 1"),
        (4, "must be a quantizer"),
        (None, "must be a quantizer"),
    ],
)
def test_what_is_no_format(given_: Any, message: str) -> None:
    with pytest.raises(EnergyError, match=message):
        quantizer(given_)


def test_what_formats_can_not_be() -> None:
    for make, message in (
        (lambda: Quantizer("gray", 4), "kind"),
        (lambda: fixed(2.5), "bits"),  # type: ignore[arg-type]
        (lambda: fixed(4, "1"), "int_bits"),  # type: ignore[arg-type]
        (lambda: floating(8), "16 or 32"),
    ):
        with pytest.raises(EnergyError, match=message):
            make()


KINDS = {
    "fixed": fixed(5, 1),
    "po2": po2(3),
    "ternary": ternary(),
    "binary": binary(),
    "bit": binary(use_01=True),
    "float": floating(16),
}

# as the slides that QKeras' source refers to have it: weights down, values across
CIRCUITS = """
         fixed   po2     ternary binary bit float
fixed    mul     shifter mux     mux    and mul
po2      shifter add     mux     mux    and mul
ternary  mux     mux     mux     mux    and mul
binary   mux     mux     mux     xor    and mul
bit      and     and     and     and    and mul
float    mul     mul     mul     mul    mul mul
"""


def test_circuits() -> None:
    header, *rows = CIRCUITS.strip().splitlines()
    for row in rows:
        weight, *circuits = row.split()
        for value, circuit in zip(header.split(), circuits):
            assert multiplier(KINDS[weight], KINDS[value]).circuit == circuit
            is_float = "float" in (weight, value)
            assert multiplier(KINDS[weight], KINDS[value]).output.is_float == is_float


def values_of(q: Quantizer) -> np.ndarray:
    """Every value of a format, as QKeras' symmetric quantizers have them."""
    if q.kind == "ternary":
        return np.array([-1.0, 0.0, 1.0])
    if q.kind in ("binary", "bit"):
        return np.array([-1.0, 1.0]) if q.signed else np.array([0.0, 1.0])
    if q.kind == "po2":
        right, left = q.exponents
        powers = 2.0 ** np.arange(-right, left + 1)
        return np.concatenate([-powers, powers]) if q.signed else powers
    places = q.bits - q.signed
    top = 2**places - 1
    return np.arange(-top if q.signed else 0, top + 1) * 2.0 ** (q.int_bits - places)


def holds(q: Quantizer, values: np.ndarray) -> bool:
    """Whether all these values are below the largest of a format, and multiples of its step."""
    q = q.as_fixed()
    places = q.bits - q.signed
    scaled = values * 2.0 ** (places - q.int_bits)
    return bool((scaled == np.round(scaled)).all() and (np.abs(scaled) <= 2**places).all())


formats = st.one_of(
    st.builds(fixed, st.integers(2, 6), st.integers(0, 2), st.booleans()),
    st.builds(po2, st.integers(2, 4), st.sampled_from([None, 1, 4]), st.booleans()),
)


@given(formats, formats)
def test_products_fit(weight: Quantizer, value: Quantizer) -> None:
    product = multiplier(weight, value)
    values = np.outer(values_of(weight), values_of(value))
    # a power of two is as large as its exponent allows, not just below it
    room = 1 if {weight.kind, value.kind} == {"fixed"} else 2
    if product.circuit != "add":
        assert np.abs(values).max() <= room * 2.0**product.output.int_bits
    if room == 1 and weight.signed and value.signed:
        assert holds(product.output, values)


@given(st.integers(2, 5), st.integers(2, 5), st.integers(0, 2), st.integers(1, 300))
def test_sums_fit(weight_bits: int, value_bits: int, int_bits: int, n_terms: int) -> None:
    weight, value = fixed(weight_bits, 0), fixed(value_bits, int_bits)
    product = multiplier(weight, value).output
    total = accumulator(product, n_terms)
    largest = values_of(weight).max() * values_of(value).max() * n_terms
    assert holds(total, np.array([largest, -largest]))
    # and no bit is to spare: half as many bits of range would not do for full values
    assert 2 ** (total.bits - product.bits) < 2 * n_terms


@given(formats, formats)
def test_a_sum_is_wider_than_both(a: Quantizer, b: Quantizer) -> None:
    total = adder(a, b)
    assert total == adder(b, a)
    for q in (a, b):
        assert total.bits > q.as_fixed().bits
        assert widest((a, b)).bits >= q.as_fixed().bits


def test_floats_stay_floats() -> None:
    for q in KINDS.values():
        assert multiplier(q, floating(32)).output == floating(32)
        assert adder(q, floating(32)) == floating(32)
    assert accumulator(floating(16), 1000) == floating(16)
    assert multiplier(floating(16), floating(32)).output == floating(32)


def test_division() -> None:
    assert divider(fixed(8), fixed(8)).output == floating(32)
    assert divider(floating(16), po2(4)).output == floating(16)
    assert divider(fixed(8), po2(4)).circuit == "shifter"
    assert divider(po2(4), po2(4)).circuit == "add"
    # dividing by 2**k is multiplying with 2**-k
    assert divider(fixed(8), po2(4)).output.int_bits == po2(4).exponents[0]


def test_shifters_of_trained_weights_have_fewer_positions() -> None:
    any_weights, trained = (multiplier(po2(4, n_values=n), fixed(8)) for n in (None, 2))
    assert (trained.gate_factor, trained.gate_bits) == (0.6, 8)
    assert trained.output == any_weights.output
    assert any_weights.gate_bits == pytest.approx(11.920179671375255)


def test_text() -> None:
    texts = {str(q) for q in KINDS.values()}
    assert len(texts) == len(KINDS)
    assert str(relu(6, 2)) == "unsigned fixed of 6 bits"
    assert all(" bit" in text for text in itertools.chain(texts))
