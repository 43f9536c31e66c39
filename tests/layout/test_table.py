"""Tables: what they say, and that they fit."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nengo_spikecost.energy import devices
from nengo_spikecost.energy.per_operation import price
from nengo_spikecost.energy.shown.device_list import device_table
from nengo_spikecost.energy.shown.layer_columns import column_names, device_columns, parse_columns
from nengo_spikecost.energy.shown.layer_rows import layer_rows, total_row
from nengo_spikecost.energy.shown.layer_table import layer_table
from nengo_spikecost.errors import EnergyError
from nengo_spikecost.layout.table import Table
from nengo_spikecost.layout.text import to_text

from ..energy.workloads import workloads

ALL = [
    *(name for name in column_names() if "<" not in name),
    *(f"{kind} {d}" for d in ("cpu", "loihi") for kind in ("synop_energy", "energy")),
]


def estimates(workload):
    return {name: price(workload, devices.get(name)) for name in ("cpu", "loihi")}


@given(workloads(), st.lists(st.sampled_from(ALL), min_size=1, unique=True))
def test_lines_fit_and_no_cell_is_cut(workload, columns):
    columns = ["name", *columns]
    table = layer_table(workload, estimates(workload), columns)
    for length in (60, 98, 120):
        text = to_text(table, length)
        assert max(len(line) for line in text.split("\n")) <= length
        words = re.split(r"\s{2,}|\n", text)
        slim = table.without_empty_columns()
        for row, short in zip(slim.rows, slim.short_rows):
            for cells in zip(row, short):  # a name may be wrapped, between its words
                assert any(c in words or all(w in text for w in c.split()) for c in cells)


@given(workloads())
def test_totals_are_sums(workload):
    prices = estimates(workload)
    rows, total = layer_rows(workload, prices), total_row(workload, prices)
    for field in ("connections", "macs", "neurons", "updates"):
        assert getattr(total, field) == sum(getattr(row, field) for row in rows)
    for field in ("spikes", "synops", "average_synops"):
        known = [getattr(row, field) for row in rows if getattr(row, field) is not None]
        expected = pytest.approx(sum(known), rel=1e-12) if known else None
        assert getattr(total, field) == expected
    for device, estimate in prices.items():
        assert total.energy_J[device] == pytest.approx(estimate.mean_J, rel=1e-12)


def simple_table(n_columns: int, width: int) -> Table:
    headers = tuple((f"h{i}",) for i in range(n_columns))
    row = ("name", *("x" * width for _ in range(n_columns - 1)))
    return Table(headers, headers, (False,) + (True,) * (n_columns - 1), (row,), (row,))


def test_wide_tables_go_on_below_in_even_parts():
    text = to_text(simple_table(9, 10), 60)
    parts = text.split("\n\n")
    assert [part.split("\n")[0].split() for part in parts] == [
        ["h0", "h1", "h2", "h3", "h4"],
        ["h0", "h5", "h6", "h7", "h8"],
    ]
    assert all(part.split("\n")[2].startswith("name") for part in parts)


def test_counts_are_shortened_only_where_that_saves_a_part():
    headers = (("h0",), ("h1",))
    table = Table(headers, headers, (False, True), (("name", "556,123"),), (("name", "556k"),))
    assert "556,123" in to_text(table, 13)
    assert "556k" in to_text(table, 12)


def test_names_longer_than_a_line_are_folded():
    headers = (("h0",), ("h1",))
    row = ("n" * 50, "5")
    text = to_text(Table(headers, headers, (False, True), (row,), (row,)), 30)
    assert text.count("n") == 50
    assert max(map(len, text.split("\n"))) <= 30


def test_names_are_not_markup():
    headers = (("h0",),)
    table = Table(headers, headers, (False,), (("[red]conv[/]",),), (("[red]conv[/]",),))
    assert "[red]conv[/]" in to_text(table)


def test_columns_name_devices_as_written():
    columns = ["name", "energy Loihi", "synop_energy Loihi", "energy my chip"]
    assert device_columns(columns) == ["Loihi", "my chip"]
    assert [c.header for c in parse_columns(columns)][1:] == [
        "J/inf (Loihi)",
        "Synop J/inf (Loihi)",
        "J/inf (my chip)",
    ]


@pytest.mark.parametrize("line_length", [9, 0, -5, "98", 98.0])
def test_lines_too_short_to_read_are_refused(line_length):
    with pytest.raises(EnergyError, match="line_length must be a whole number of at least 10"):
        to_text(device_table([devices.get("cpu")]), line_length)


def test_columns_are_names():
    with pytest.raises(EnergyError, match="A column is the name of one, not 3"):
        parse_columns(["name", 3])


@pytest.mark.parametrize("line_length", range(24, 81))
def test_no_line_ends_between_a_number_and_its_unit(line_length):
    text = (
        "* 113 nJ on digital_snn are 0.431 times the 262 nJ of digital, at 18.3 Hz, 40 steps of "
        "1 ms, in 45 nm: 0.5 % and 99% of 2 GB, 3 samples, 1.2e-05 J, 12 W, 層 4.5 uJ/inference"
    )
    lines = to_text([text], line_length).split("\n")
    assert " ".join(line.strip() for line in lines) == text
    for line, after in zip(lines, lines[1:]):
        unit = re.match(r" *(nJ|J|Hz|ms|nm|%|GB|W)\b|^ *%", after)
        assert not (line[-1].isdigit() and unit), (line, after)
