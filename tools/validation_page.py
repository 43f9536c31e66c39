"""Hold predictions against measurements of boards, and write the tables of docs/validation.md.

    python tools/validation_page.py              # predict, and write
    python tools/validation_page.py --check      # predict, and compare with the page

Only what is between two marks of the page is written. What SANA-FE says is written only
where SANA-FE is installed; elsewhere that part is left, and not compared.
``tests/test_validation_page.py`` compares the page with a fresh run.
"""

from __future__ import annotations

import argparse
import importlib.util
import re
import sys
from collections.abc import Iterable, Iterator
from itertools import zip_longest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import validation_blouw as blouw
import validation_cores as cores
import validation_hosts as hosts
import validation_others as others
import validation_quartz as quartz
from doc_pages import same_output
from validation_data import (
    HELD_OUT,
    PROCESSORS,
    WIDE,
    Measurement,
    Prediction,
    Why,
    counted_once,
    left_out,
    measurements,
    not_counted,
    sources,
    whys,
    whys_wide,
)

from nengo_spikecost.energy.loihi_chip import Range
from nengo_spikecost.layout.si import MISSING, si

PAGE = Path(__file__).resolve().parents[1] / "docs" / "validation.md"

#: Numbers may differ by one in the last of three digits between versions of NumPy.
TOLERANCE = 0.01

SECTIONS = (
    ("Keyword spotting and its scaling network (Blouw et al. 2019)", blouw.predictions),
    ("Nearest neighbours on Pohoiki Springs (Frady et al. 2020)", others.frady),
    ("Networks of NxTF (Rueckauer et al. 2022)", others.nxtf),
    ("Networks of Intel's notebooks", others.intel),
    ("Sequential MNIST (Intel's LSNN)", hosts.sequential_mnist),
    ("Sequential MNIST without spikes", others.recurrent),
    ("Quartz (MNIST in times of spikes)", quartz.predictions),
    ("Steps that a host or the x86 manage", hosts.steps),
    ("Static power of boards", others.static),
    ("Other chips", others.others),
)

HEADER = "| What | Boundary | Predicted with | Predicted | Measured | Error | Verdict | Held out |"
RULE = "|---|---|---|--:|--:|--:|---|---|"


def mark(part: str, end: str) -> str:
    """The line before or after what is written."""
    return f"% {end} of what tools/validation_page.py writes: {part}\n"


def written(page: str, part: str) -> str:
    """What is between two marks of a page."""
    begin, end = mark(part, "begin"), mark(part, "end")
    if page.count(begin) != 1 or page.count(end) != 1:
        raise ValueError(f"The page needs the marks of the part {part!r}, each once.")
    return page.split(begin)[1].split(end)[0]


def with_part(page: str, part: str, fresh: str) -> str:
    """The page with something else between two marks."""
    old = written(page, part)
    begin = mark(part, "begin")
    return page.replace(f"{begin}{old}", f"{begin}{fresh}")


def percent(value: float) -> str:
    """An error as signed per cent, with a decimal where a whole number would say too little."""
    fine = abs(value) < 0.0995 or value < -0.995
    return f"{100 * value:+.1f} %" if fine else f"{100 * value:+.0f} %"


def amount(value: Range, unit: str) -> str:
    """A prediction, with its range if it has one."""
    low, high = si(value.low, unit), si(value.high, unit)
    if low == high or not value.predicted:
        return value.text(unit)
    return f"{si(value.nominal, unit)} ({low} to {high})"


def measured(found: Measurement) -> str:
    """A measurement, with its range if it has one."""
    text = si(found.value, found.unit)
    if found.low is None or found.high is None:
        return text
    return f"{text} ({si(found.low, found.unit)} to {si(found.high, found.unit)})"


def row(prediction: Prediction) -> str:
    """One line of a table."""
    found = measurements()[prediction.key]
    held = prediction.held_out
    if held == "yes" and not prediction.ends:
        held = "yes, but for the ends"
    value, verdict = prediction.value, prediction.verdict(found.value, found.low, found.high)
    if not value.predicted:
        inside = value.low <= found.value <= value.high
        verdict += f", {'inside' if inside else 'outside'} its range"
    cells = [
        f"{found.what} ({found.evidence})",
        found.boundary,
        f"{prediction.constants}: {prediction.basis}",
        amount(value, found.unit),
        measured(found),
        percent(prediction.error(found.value)) if value.predicted else MISSING,
        verdict + (f", assumes {prediction.assumes}" if prediction.assumes else ""),
        held,
    ]
    return f"| {' | '.join(cells)} |"


def all_predictions() -> list[Prediction]:
    """Of all sections."""
    return [p for _, of_section in SECTIONS for p in cores.ranged(of_section())]


def tables() -> str:
    """All sections."""
    lines: list[str] = []
    for title, of_section in SECTIONS:
        found = list(cores.ranged(of_section()))
        names = dict.fromkeys(measurements()[p.key].source for p in found)
        lines += [f"### {title}", ""]
        lines += ["Source: " + "; ".join(sources()[name] for name in names) + "."]
        lines += ["", HEADER, RULE, *map(row, found), ""]
    return "\n".join(lines)


WORDS = ("not predicted", "good", "in range", "in a wide range", "bad")
MET = ("good", "in range")


SUMMARY_HEADER = (
    "| Boundary | {} | Not predicted | Good | by an assumption | In range | Narrow | Wide | Bad "
    "| Median error |"
)
SUMMARY_RULE = "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|"


def summary() -> str:
    """How many predictions are good: each measurement once, and then all rows."""
    everything = all_predictions()
    counted = counted_once(everything)
    held = [p for p in counted if p.held_out == "yes"]
    lines = [SUMMARY_HEADER.format("Measurements"), SUMMARY_RULE]
    for boundary in dict.fromkeys(measurements()[p.key].boundary for p in held):
        own = [p for p in held if measurements()[p.key].boundary == boundary]
        lines.append(_summary_line(boundary, own))
    lines += _sums(held)
    same = [p for p in counted if p.held_out == "same board"]
    lines += [_summary_line("with constants of the same board", same), "", _both_shares(held), ""]
    rows = [p for p in everything if p.held_out == "yes"]
    lines += ["By rows, however often a measurement is predicted:", ""]
    lines += [SUMMARY_HEADER.format("Rows"), SUMMARY_RULE, *_sums(rows)]
    same = [p for p in everything if p.held_out == "same board"]
    lines += [_summary_line("with constants of the same board", same)]
    left = [p for p in rows if p not in held]
    lines += [_summary_line("rows that the first table leaves out", left)]
    return "\n".join([*lines, "", _both_shares(rows), ""])


def _of_boards(found: list[Prediction]) -> list[Prediction]:
    return [p for p in found if measurements()[p.key].boundary not in PROCESSORS]


def _sums(found: list[Prediction]) -> list[str]:
    """Lines of all boards and chips, and of these and processors."""
    boards = _summary_line("boards and chips", _of_boards(found))
    return [boards, _summary_line("all, with processors", found)]


def _both_shares(found: list[Prediction]) -> str:
    boards = _shares("Boards and chips", _of_boards(found))
    return f"{boards} {_shares('With processors', found)}"


def counting() -> str:
    """Which of several predictions of a measurement do not count, and why."""
    lines = []
    for rule in not_counted():
        names = " and ".join(f"`{name}`" for name in rule.constants)
        steps = " for steps that a host manages" if rule.managed_by else ""
        lines.append(f"* {names}{steps}: {rule.reason}.")
    return "\n".join([*lines, ""])


def verdict(prediction: Prediction) -> str:
    """Of a prediction, with its measurement looked up."""
    found = measurements()[prediction.key]
    return prediction.verdict(found.value, found.low, found.high)


def _shares(name: str, found: list[Prediction]) -> str:
    """Of those that are predicted, and of all."""
    verdicts = [verdict(p) for p in found]
    met = sum(word in MET for word in verdicts)
    narrow = sum(p.is_narrow for p, word in zip(found, verdicts) if word in MET)
    predicted = len(verdicts) - verdicts.count("not predicted")
    return (
        f"{name}: good or in range are {met} of {predicted} that are predicted "
        f"({met / predicted:.0%}), {narrow} of them with ends that are no more than a factor of "
        f"{WIDE:.0f} apart, and of all {len(found)} {met / len(found):.0%}."
    )


def _summary_line(name: str, found: list[Prediction]) -> str:
    verdicts = [verdict(p) for p in found]
    errors = sorted(abs(p.error(measurements()[p.key].value)) for p in found if p.value.predicted)
    unknown, good, inside, wide, bad = (verdicts.count(word) for word in WORDS)
    narrow = sum(p.is_narrow for p, word in zip(found, verdicts) if word in MET)
    assumed = sum(bool(p.assumes) for p, word in zip(found, verdicts) if word == "good")
    middle = MISSING
    if errors:
        median = (errors[(len(errors) - 1) // 2] + errors[len(errors) // 2]) / 2
        middle = f"{100 * median:.0f} %"
    cells = [name, len(found), unknown, good, assumed, inside, narrow, wide, bad, middle]
    return f"| {' | '.join(map(str, cells))} |"


def causes() -> str:
    """Why rows are not predicted, or not met; and why those that are met have wide ranges."""
    wide = ["", "Why others are met, but in ranges of more than a factor of three:", ""]
    return "\n".join([*_reasons(whys()), *wide, *_reasons(whys_wide()), ""])


def _reasons(causes: Iterable[Why]) -> Iterator[str]:
    for why in causes:
        what = "; ".join(_what(measurements()[key]) for key in why.rows)
        yield f"* {what}: {why.reason}."


def _what(found: Measurement) -> str:
    return f"*{found.what}*"


def rates() -> str:
    """How the slope of the scaling network follows from the rate of its neurons."""
    measured_J = measurements()["scaling_slope"].value
    lines = [
        "| Neurons | Rate | davies2018 | Error | silicon | Error |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for setting, rate, *slopes in blouw.sensitivity():
        cells = [setting, f"{rate:.1f} Hz"]
        for found in slopes:
            cells += [amount(found, "J"), percent(found.nominal / measured_J - 1)]
        lines.append(f"| {' | '.join(cells)} |")
    fits = [f"{blouw.rate_that_fits(p):.0f} Hz with {p}" for p in blouw.PROFILES]
    last = f"The measured {si(measured_J, 'J')} would need {' and '.join(fits)}."
    return "\n".join([*lines, "", last, ""])


def not_predicted() -> str:
    """What is left out, and why."""
    lines = ["| Measurement | Source | Left out because |", "|---|---|---|"]
    return "\n".join([*lines, *(f"| {x.what} | {x.source} | {x.reason} |" for x in left_out()), ""])


def held_out_words() -> str:
    """What the words of the last column mean."""
    return "\n".join([*(f"* *{word}*: {meaning}." for word, meaning in HELD_OUT.items()), ""])


def parts(sana_fe: bool) -> Iterator[tuple[str, str]]:
    """Name and fresh text of every part, in blank lines; SANA-FE's only if it is asked for."""
    made = {
        "summary": summary,
        "counting": counting,
        "causes": causes,
        "held out": held_out_words,
        "tables": tables,
        "rates": rates,
        "cores": cores.table,
        "hosts": hosts.table,
        "left out": not_predicted,
    }
    if sana_fe:
        from validation_sana_fe import comparison

        made["SANA-FE"] = comparison
    for part, make in made.items():
        yield part, f"\n{make()}\n"


def differences(page: str, fresh: Iterable[tuple[str, str]]) -> list[str]:
    """Lines of the page ("-") and of a fresh run ("+") that differ."""
    return [line for part, text in fresh for line in lines_that_differ(written(page, part), text)]


def lines_that_differ(before: str, after: str) -> list[str]:
    """Lines of one text ("-") and of another ("+") that differ."""
    pairs = zip_longest(before.splitlines(), after.splitlines(), fillvalue="")
    return [
        line for old, new in pairs if not same_line(old, new) for line in (f"- {old}", f"+ {new}")
    ]


def same_line(expected: str, found: str) -> bool:
    """Whether two lines agree; errors in per cent may differ by one, other numbers by 1 %."""
    error = re.compile(r"([-+]\d+(?:\.\d+)?) %")
    pairs = zip(error.findall(expected), error.findall(found))
    close = all(abs(float(a) - float(b)) <= 1.01 for a, b in pairs)
    return close and same_output(error.sub("#", expected), error.sub("#", found), TOLERANCE)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true", help="compare; write nothing")
    check = parser.parse_args().check
    page = PAGE.read_text(encoding="utf-8")
    fresh = list(parts(sana_fe=importlib.util.find_spec("sanafe") is not None))
    if check:
        found = differences(page, fresh)
        print("\n".join(found) or "docs/validation.md is up to date.")
        return int(bool(found))
    for part, text in fresh:
        page = with_part(page, part, text)
    PAGE.write_text(page, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
