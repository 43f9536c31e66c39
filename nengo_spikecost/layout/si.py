"""Numbers as people read them: SI prefixes, thousands separators, three digits."""

from __future__ import annotations

import math
from decimal import Decimal

_PREFIXES = {
    -18: "a",
    -15: "f",
    -12: "p",
    -9: "n",
    -6: "u",
    -3: "m",
    0: "",
    3: "k",
    6: "M",
    9: "G",
    12: "T",
    15: "P",
}
MISSING = "-"


def si(value: float | None, unit: str = "", digits: int = 3) -> str:
    """A number with an SI prefix and a fixed number of significant digits.

    ASCII only ("u" for micro), so that any terminal and any file can hold it.

    Examples
    --------
    >>> si(1.534e-05, "J")
    '15.3 uJ'
    >>> si(556123)
    '556k'
    >>> si(0, "J")
    '0 J'
    """
    if value is None or math.isnan(value):
        return MISSING
    gap = " " if unit else ""
    if value == 0 or math.isinf(value):
        return f"{value:.0f}{gap}{unit}"
    # Through the decimal digits, so that 999.6 is 1.00 of the next prefix, not 1000.
    digits_of, _, power = f"{value:.{digits - 1}e}".partition("e")
    exponent = min(max(3 * (int(power) // 3), min(_PREFIXES)), max(_PREFIXES))
    shift = int(power) - exponent
    text = f"{Decimal(digits_of).scaleb(shift):.{max(0, digits - 1 - shift)}f}"
    return f"{text}{gap}{_PREFIXES[exponent]}{unit}"


def known(value: float | None) -> float | None:
    """A number as JSON holds it: None if it is not known, or not finite."""
    return value if value is not None and math.isfinite(value) else None


def times(ratio: float) -> str:
    """``"1.37 times"``, ``"2,170 times"``."""
    return f"{ratio:,.0f} times" if ratio >= 100 else f"{ratio:.3g} times"


def count(value: float | None, short: bool = False) -> str:
    """A count, whole numbers in full: ``"556,123"``, or short: ``"556k"``.

    Means over samples need not be whole: below 100 they show three significant digits.
    """
    if value is None or math.isnan(value):
        return MISSING
    if float(value).is_integer() and abs(value) < 1000:
        return f"{value:.0f}"
    if short and abs(value) >= 1000:
        return si(value)
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def plain(value: float | None, digits: int = 2) -> str:
    """A number with few digits and no prefix, as KerasSpiking prints it: ``"1.3e-06"``."""
    if value is None or math.isnan(value):
        return MISSING
    return f"{value:.{digits}g}"
