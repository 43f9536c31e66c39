"""docs/nir.md has a row for every recording, and says of each what is measured now."""

from __future__ import annotations

import json

import pytest

from ..tools import tool


@pytest.fixture(scope="module")
def nir_table():
    return tool("nir_table")


@pytest.fixture(scope="module")
def page(nir_table):
    return nir_table.PAGE.read_text(encoding="utf-8")


def test_every_recording_and_refusal_has_a_row(nir_table, page):
    cases = list(nir_table.nir_cases.cases())
    rows = [line for line in nir_table.MARKS.written(page).splitlines() if line.startswith("| ")]
    for case in cases:
        name = case.name.split("_", 1)[1].replace("_", " ")
        assert any(row.startswith(f"| {name} |") for row in rows), case.name
    refused = json.loads((nir_table.nir_cases.FOLDER / "refused.json").read_text(encoding="utf-8"))
    for row in (row for own in refused.values() for row in own):
        assert any(nir_table._cell(row["network"]) in line for line in rows), row["network"]


def test_the_conventions_of_the_page_are_those_there_are(nir_table, page):
    assert "\n".join(nir_table.conventions()) in page


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::nengo_spikecost.errors.ConversionWarning")
def test_the_page_says_what_is_measured_now(nir_table, page):
    assert nir_table.MARKS.with_tables(page, nir_table.tables()) == page
