"""Numbers as shown."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nengo_spikecost.layout import si

SCALES = {"a": -18, "f": -15, "p": -12, "n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.534e-05, "15.3 uJ"),
        (8.6e-9, "8.60 nJ"),
        (999.6e-9, "1.00 uJ"),
        (9.996e-9, "10.0 nJ"),
        (0.9996, "1.00 J"),
        (100e-12, "100 pJ"),
        (-2.5e-3, "-2.50 mJ"),
        (0, "0 J"),
        (None, "-"),
        (float("nan"), "-"),
        (1e-25, "0.000000100 aJ"),
    ],
)
def test_energies(value, text):
    assert si.si(value, "J") == text


@given(st.floats(1e-17, 1e11))
def test_three_digits_say_the_value(value):
    text = si.si(value, "J")
    number, prefix = re.fullmatch(r"([\d.]+) (\w?)J", text).groups()
    assert len(number.replace(".", "")) == 3
    assert 1 <= float(number) < 1000
    # Half a unit in the third digit.
    assert float(number) * 10.0 ** SCALES[prefix] == pytest.approx(value, rel=5.1e-3)


@pytest.mark.parametrize(
    ("value", "text", "short"),
    [
        (0, "0", "0"),
        (999, "999", "999"),
        (1000, "1,000", "1.00k"),
        (556123, "556,123", "556k"),
        (556123.4, "556,123", "556k"),
        (12.345, "12.3", "12.3"),
        (0.25, "0.25", "0.25"),
        (99.96, "100", "100"),
        (None, "-", "-"),
    ],
)
def test_counts(value, text, short):
    assert si.count(value) == text
    assert si.count(value, short=True) == short
