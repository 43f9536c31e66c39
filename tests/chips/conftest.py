"""Chips that a test adds are gone after it."""

import pytest

from nengo_spikecost.chips import chip_table


@pytest.fixture(autouse=True)
def _own_table(monkeypatch):
    monkeypatch.setattr(chip_table, "_ADDED", {})
