"""The README as others show it: on a forge beside its files, and on PyPI without them."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[1]


def setup_file():
    spec = importlib.util.spec_from_file_location("setup_file", ROOT / "setup.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def places(text):
    """Where the links and pictures of a rendered page lead, as a browser would see them."""
    html = MarkdownIt("commonmark").enable("table").render(text)
    return re.findall(r'(?:href|src)="([^"]*)"', html)


@pytest.mark.parametrize("url", ["", "https://forge.example/us/nengo-spikecost"])
def test_on_pypi_no_link_is_relative(url):
    text = setup_file().description(url)
    assert all(place.startswith("https://") for place in places(text))
    relative = [p for p in places((ROOT / "README.md").read_text()) if ":" not in p]
    assert len(relative) > 20
    if url:
        shown = [re.sub(rf"^{url}/(raw|blob)/main/", "", place) for place in places(text)]
        assert [place for place in shown if ":" not in place] == relative
    else:
        assert "![" not in text and "(docs/" not in text


def test_files_that_it_links_to_are_there():
    for place in places((ROOT / "README.md").read_text(encoding="utf-8")):
        if ":" not in place:
            path, _, anchor = place.partition("#")
            assert (ROOT / path).is_file(), place
            if anchor:
                text = (ROOT / path).read_text(encoding="utf-8")
                headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
                assert anchor in [h.lower().replace(" ", "-") for h in headings], place


def test_the_address_is_said_in_one_place():
    module = setup_file()
    assert module.home() == "" or module.home().startswith("https://")
    assert module.description(module.home()).startswith("# nengo_spikecost")
