"""Amounts of memory: read, said, and what does not fit refused."""

from __future__ import annotations

import pytest

from nengo_spikecost import memory
from nengo_spikecost.memory import Need, amount, budget_bytes, free_bytes, memory_bytes


@pytest.mark.parametrize(
    ("given", "n_bytes"),
    [
        (None, None),
        (1024, 1024),
        (1.5e9, 1_500_000_000),
        ("2048", 2048),
        ("4 GB", 4_000_000_000),
        ("4gb", 4_000_000_000),
        (".5 MiB", 524_288),
        (" 2 GiB ", 2**31),
        ("1.5TB", 1_500_000_000_000),
    ],
)
def test_amounts_are_read(given, n_bytes):
    assert memory_bytes(given, ValueError) == n_bytes


@pytest.mark.parametrize(
    "given", ["", "GB", "4 G B", "-1", "4 boxes", 0, 0.5, -3, True, float("inf"), [4], "1e9 GB"]
)
def test_other_things_are_no_amounts(given):
    with pytest.raises(
        ValueError, match="memory must be a number of bytes above 0, or a text such"
    ):
        memory_bytes(given, ValueError)


@pytest.mark.parametrize(
    ("n_bytes", "text"),
    [(0, "0 bytes"), (1, "1 byte"), (999, "999 bytes"), (1000, "1 kB"), (999_999, "1 MB"),
     (3.21e9, "3.21 GB"), (14.7e12, "14.7 TB")],
)  # fmt: skip
def test_amounts_are_said(n_bytes, text):
    assert amount(n_bytes) == text


def test_a_budget_is_asked_for_or_a_share_of_what_is_free(monkeypatch):
    assert budget_bytes(5) == 5
    assert 2**26 < budget_bytes(None) < free_bytes()
    monkeypatch.setattr(memory, "_free_in_container", lambda: 1000)
    assert free_bytes() == 1000
    assert budget_bytes(None) == 1000 * memory.DEFAULT_SHARE


def test_a_container_has_what_its_limit_leaves(tmp_path):
    assert memory._free_in_container(str(tmp_path)) is None
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("400\n")
    assert memory._free_in_container(str(tmp_path)) is None
    (tmp_path / "memory.max").write_text("1000\n")
    assert memory._free_in_container(str(tmp_path)) == 600


def test_samples_that_fit():
    need = Need(fixed_bytes=100, bytes_per_sample=30)
    assert need.total(3) == 190
    assert [need.most_samples(budget) for budget in (50, 100, 129, 130, 190)] == [0, 0, 0, 1, 3]


def test_what_does_not_fit_is_refused(monkeypatch):
    need = Need(fixed_bytes=10**9, bytes_per_sample=10**8)
    need.check("It", 1_100_000_000, ValueError)
    said = r"^It takes about 1.1 GB of memory, more than the 1 GB that memory= allows: take less\.$"
    with pytest.raises(ValueError, match=said):
        need.check("It", 10**9, ValueError, remedy="take less")
    monkeypatch.setattr(memory, "free_bytes", lambda: 10**9)
    with pytest.raises(ValueError, match=r"more than the 1 GB that are free\.$"):
        need.check("It", None, ValueError)
