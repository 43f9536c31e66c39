"""docs/compatibility.md: what other packages' models and networks do here is what the page says."""

from __future__ import annotations

import pytest

from .tools import ROOT, tool


@pytest.fixture(scope="module")
def compatibility_page():
    return tool("compatibility_page")


def test_the_page_is_what_was_seen(compatibility_page):
    page = compatibility_page.PAGE.read_text(encoding="utf-8")
    known = compatibility_page.known()
    assert compatibility_page.MARKS.with_tables(page, compatibility_page.tables(known)) == page
    assert len(known) > 10
    keys = [case.key for case in compatibility_page.cases()]
    assert len(keys) == len(set(keys))
    assert set(known) <= set(keys)


def test_nothing_on_the_page_is_a_fault(compatibility_page):
    from compatibility_case import FAULT

    for key, seen in compatibility_page.known().items():
        assert not seen["seen"].startswith(FAULT), key
        assert seen["versions"], key


def test_every_test_that_is_named_is_there(compatibility_page):
    for case in compatibility_page.cases():
        path, _, name = case.test.partition("::")
        if path:
            text = (ROOT / path).read_text(encoding="utf-8")
            assert f"def {name}" in text, case.key


@pytest.mark.slow
def test_what_is_seen_is_seen_again(compatibility_page):
    """Of all packages that are installed, but for the sentences of other versions of them."""
    known = compatibility_page.known()
    fresh = compatibility_page.see(c for c in compatibility_page.cases() if c.key in known)
    assert len(fresh) > 10
    for key, seen in fresh.items():
        if seen["versions"] == known[key]["versions"]:
            assert seen["seen"] == known[key]["seen"], key


def test_a_fault_is_told(compatibility_page):
    from compatibility_case import FAULT, Case

    def case(see, right="^4$"):
        return Case("key", "package", "brings", "theirs", see, right, ("numpy",))

    assert case(lambda: "4").seen() == "4"
    assert case(lambda: "5").seen().startswith(f"{FAULT}: expected '^4$', and saw: 5")
    assert case(lambda: {}[3]).seen().startswith(f"{FAULT}: KeyError: 3")
    assert not Case("key", "", "", "", lambda: "", "", ("no-such-package",)).can_be_seen()
