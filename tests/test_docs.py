"""The pages of docs/ show what their Python really prints."""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
import warnings
from importlib import metadata
from pathlib import Path

import pytest

from nengo_spikecost.activity import BACKENDS
from nengo_spikecost.energy import cost_models, devices
from nengo_spikecost.energy.peers.kerasspiking import layer_counters as keras_layers
from nengo_spikecost.graph import fan_out_rules

ROOT = Path(__file__).parents[1]

# Counts of tiny networks are exact; the trained network's spikes follow the order of float32
# sums, which differs between versions of TensorFlow and processors. Numbers shown with two
# or three digits differ by up to one in the last.
TOLERANCE = 0.02


def _tool():
    spec = importlib.util.spec_from_file_location("doc_pages", ROOT / "tools" / "doc_pages.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["doc_pages"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


doc_pages = _tool()


@pytest.fixture(autouse=True)
def registries(monkeypatch, tmp_path):
    """What a page registers is forgotten after it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(devices, "_table", devices.read_devices(devices.DEVICE_FILE))
    monkeypatch.setattr(cost_models, "_cost_models", dict(cost_models._cost_models))
    for registry in (fan_out_rules, keras_layers.layer_counters):
        monkeypatch.setattr(registry, "_rules", dict(registry._rules))
    before = dict(BACKENDS)
    yield
    sys.modules.pop("numpy_simulator", None)  # registers its simulator when it is imported
    BACKENDS.clear()
    BACKENDS.update(before)


#: Pages that take longer than others: `make slow` runs them.
LONG = ("advice", "sweep", "training", "tuning")


@pytest.mark.parametrize("name", [
    pytest.param(name, marks=pytest.mark.slow) if name in LONG else name for name in doc_pages.PAGES
])  # fmt: skip
def test_page(name):
    if name == "stack" and metadata.version("keras").startswith("2."):
        pytest.skip("this stack has no Keras 3")
    if name == "nir_out":
        pytest.importorskip("nir", reason="nir needs Python 3.10")
    if name == "scale_out":
        pytest.importorskip("distributed")
    page = (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        shown = list(doc_pages.run(page))
    assert shown
    for part in shown:
        if part.text is not None:
            assert doc_pages.same_output(part.text.content, part.output, TOLERANCE), part.output
    printed_alone = [part.output for part in shown if part.text is None and part.output.strip()]
    assert not printed_alone, "a block prints something that the page does not show"


def test_every_page_is_run_or_has_no_python():
    for path in (ROOT / "docs").glob("*.md"):
        languages = {b.language for b in doc_pages.blocks(path.read_text(encoding="utf-8"))}
        assert path.stem in doc_pages.PAGES or "python" not in languages, path.name


def test_same_output():
    same = doc_pages.same_output
    assert same("conv0  1,000 J\n", "conv0 1,001 J", 0.01)
    assert not same("conv0  1,000 J", "conv0 1,020 J", 0.01)
    assert not same("conv0  1 J", "conv1 1 J", 1)
    assert not same("1e-05 J", "1e-06 J", 0.01)
    assert not same("[1 2]", "[1 2 3]", 1)


@pytest.mark.parametrize(
    "package",
    [
        "nengo_spikecost",
        *(
            f"nengo_spikecost.{room}"
            for room in (
                "activity", "chips", "conversion", "energy", "energy.loihi_chip",
                "energy.peers.lemaire", "energy.peers.qtools", "graph",
                "lowering", "nir", "tuning", "workload",
            )
        ),
    ],
)  # fmt: skip
def test_every_public_name_is_in_the_reference(package):
    pages = (ROOT / "docs" / "api").glob("*.md")
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    documented = {name.split(".")[-1] for name in re.findall(r"auto\w+:: ([\w.]+)", text)}
    # modules, with sections of their own
    documented |= {"chips", "devices", "loihi", "nir", "plots", "schemas", "stack"}
    documented |= {"errors", "tuning"}
    public = set(importlib.import_module(package).__all__)
    assert public <= documented, sorted(public - documented)


def test_no_parameter_is_only_sent_elsewhere():
    """A text such as `See measure.` explains nothing to whoever reads one page of the reference."""
    elsewhere = re.compile(r"^ +(?:See|As in|As for) [`\w.]+\.$", re.MULTILINE)
    sent = [
        f"{path.name}: {match.group().strip()}"
        for path in (ROOT / "nengo_spikecost").rglob("*.py")
        for match in elsewhere.finditer(path.read_text(encoding="utf-8"))
    ]
    assert sent == []


def test_every_network_of_the_screenshots_is_shown_in_terminal_and_page():
    tool = (ROOT / "tools" / "screenshots.py").read_text(encoding="utf-8")
    cases = re.findall(r"^def (\w+)\(\) -> tuple", tool, re.MULTILINE)
    page = (ROOT / "docs" / "reports.md").read_text(encoding="utf-8")
    pictures = [f"_static/{kind}" for c in cases for kind in (f"terminal-{c}.svg", f"page-{c}.png")]
    assert len(cases) == 4 and all(f"]({picture})" in page for picture in pictures)
    assert all((ROOT / "docs" / picture).stat().st_size > 5_000 for picture in pictures)


def test_every_picture_is_made_by_a_script():
    """And each plot of a page by what the page says that it draws."""
    tool = (ROOT / "tools" / "page_plots.py").read_text(encoding="utf-8")
    plots = re.findall(r'^    "(\w+)": ', tool, re.MULTILINE)
    others = ["busy_layers", *(f"page-{c}" for c in ("demo", "cnn", "learning", "binding"))]
    pictures = {path.stem for path in (ROOT / "docs" / "_static").glob("*.png")}
    assert pictures == {*plots, *others}
    for page, name in re.findall(r'of_page\("(\w+)", "(\w+)"\)', tool):
        assert f"{name}.plot()" in (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
