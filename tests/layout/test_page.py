"""Pages in a real browser: nothing is asked of the network, and everyone can read them."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

import nengo_spikecost as nsc
from nengo_spikecost import loihi
from nengo_spikecost.layout.html import flags_whole
from tests.models import conv_net, images

sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright (extra test)")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe (extra test)")

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")

pytestmark = pytest.mark.skipif(BROWSER is None, reason="needs Chromium: apt install chromium")

WIDTHS = (390, 800, 1400)


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Paths of a page of each kind."""
    folder = tmp_path_factory.mktemp("pages")
    model, x = conv_net(tf.keras), images(12)
    y = model.predict_on_batch(x).argmax(axis=1)
    profile = nsc.profile(model, x, y, n_steps=10, progress=False, chip=True, try_out=False)
    results = {
        "profile": profile, "deployment": profile.chip, "cost": profile.chip.cost(),
        "fit": loihi.fit_blocks(profile.chip.network), "mapping": loihi.place(profile.chip.network),
        "comparison": nsc.compare(profile.network, profile.activity, example_data=x),
        "tuning": nsc.tune_firing_rates(model, x, target=100, n_steps=10, max_simulations=2,
                                        progress=False),
        "training": nsc.fine_tune(model, x, y, n_steps=4, forward="rates", epochs=1, batch_size=4,
                                  progress=False),
        "sweep": nsc.sweep(model, x, y, n_steps=(30,), accuracy_losses=(1.0,), n_trials=2,
                           explore=0, simulator="compiled", progress=False),
        "chips": nsc.chips.listed(), "chip_fit": _fit(profile.chip.network, x),
        "advice": nsc.advise(model, x, y, n_steps=10, n_changes=2, progress=False),
    }  # fmt: skip
    for name, result in results.items():
        result.to_html(folder / f"{name}.html", command="nengo-spikecost report m.keras")
        (folder / f"{name}_in_notebook.html").write_text(
            f"<!doctype html><title>{name}</title>{result._repr_html_()}", encoding="utf-8"
        )
    return {path.stem: path for path in folder.glob("*.html")}


def _fit(network, x):
    """A fit with the time of steps, as ``fit --chip`` makes it."""
    time = nsc.chips.run_time("xylo_audio3", network, x, 10)
    return replace(nsc.chips.fit("xylo_audio3", network), time=time)


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        # the sandbox needs rights that containers of continuous integration do not give
        browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield browser
        browser.close()


class Opened:
    """A page that was opened, with what its browser complained of and asked the network for."""

    def __init__(self, browser, path, width=1400, scheme="light"):
        size = {"width": width, "height": 900}
        self.page = browser.new_page(viewport=size, color_scheme=scheme)
        self.complaints, self.requests = [], []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(path.as_uri())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.page.close()


#: Of each page, what its charts are called; and what is folded away.
PAGES = {
    "profile": [
        "Energy per inference", "Energy by layer", "Spikes per inference",
        "Synaptic operations per inference", "Energy on loihi over samples",
        "Accuracy against energy", "With and without spikes in one technology",
        "Loihi's cores against an accelerator without spikes", "cores on 1 chip",
        "Energy of the cores by layer", "What decides a step",
        "What decides a step, of the cores alone",
    ],
    "deployment": [
        "cores on 1 chip", "Spikes per sample on the chip's layers",
        "Synops per sample on the chip's layers", "Energy per inference",
        "Energy of the cores by layer", "Time of an inference", "What decides a step",
        "What decides a step, of the cores alone",
    ],
    "cost": [
        "Energy per inference", "Energy of the cores by layer", "Time of an inference",
        "What decides a step", "What decides a step, of the cores alone",
    ],
    "fit": ["cores on 1 chip", "The fullest core of each layer"],
    "mapping": ["How full the cores are", "Cores in their places", "Messages between cores"],
    "comparison": ["Energy per inference"],
    "tuning": ["Rates of the neurons of each layer", "Scale of each layer"],
    "training": ["Epoch by epoch", "Scale of each layer"],
    "sweep": ["Accuracy against energy", "Synops by layer along the front"],
    "chips": ["Limits that are published"],
    "chip_fit": ["Share of the limit", "Cycles per step, mean"],
    "advice": ["Realised saving of energy"],
}  # fmt: skip
NAMES = tuple(PAGES)


@pytest.mark.parametrize("name", NAMES)
def test_each_page_has_its_pictures_and_what_was_assumed(browser, pages, name):
    with Opened(browser, pages[name]) as opened:
        headings = opened.page.locator("figure h2").all_inner_texts()
        assert len(headings) == len(PAGES[name])
        assert all(expected in h for expected, h in zip(PAGES[name], headings)), headings
        drawn = opened.page.locator("figure svg, figure .rows, figure .tiles")
        assert all(figure.bounding_box()["height"] > 20 for figure in drawn.all())
        folded = opened.page.locator("details summary").all_inner_texts()
        assert "Versions" in folded
        assert opened.page.locator("footer").inner_text().endswith("nengo-spikecost report m.keras")


def test_notebooks_show_the_first_picture(browser, pages):
    """As a cell shows it: no style of a page around it, and none of its own for the page."""
    for name in ("deployment", "comparison", "sweep"):
        with Opened(browser, pages[f"{name}_in_notebook"], 800) as opened:
            assert opened.page.locator("figure").count() == 1 and opened.complaints == []
            drawn = opened.page.locator("figure svg, figure .rows, figure .tiles").first
            box = drawn.bounding_box()
            assert box["height"] > 40 and 100 < box["width"] <= 784
    with Opened(browser, pages["deployment_in_notebook"], 800) as opened:
        used = opened.page.locator("figure .tiles i:not(.free)")
        sizes = {
            (round(b["width"]), round(b["height"])) for b in (t.bounding_box() for t in used.all())
        }
        assert len(sizes) == 1 and min(sizes.pop()) > 8


@pytest.mark.parametrize("name", NAMES)
def test_it_fits_every_width_and_asks_for_nothing(browser, pages, name):
    for width in WIDTHS:
        with Opened(browser, pages[name], width) as opened:
            assert opened.page.evaluate("document.documentElement.scrollWidth") <= width
            assert opened.complaints == []
            assert opened.requests == [pages[name].as_uri()]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", NAMES)
def test_everyone_can_read_it(browser, pages, name, scheme):
    """axe-core: contrast, order of headings, names of what can be pressed, and 90 rules more."""
    with Opened(browser, pages[name], scheme=scheme) as opened:
        checked = axe.Axe().run(opened.page).response
        assert [(v["id"], v["nodes"][0]["html"]) for v in checked["violations"]] == []
        assert {"color-contrast", "heading-order"} <= {rule["id"] for rule in checked["passes"]}


def test_tables_sort_by_size_not_by_letters(browser, pages):
    with Opened(browser, pages["comparison"]) as opened:
        table = opened.page.locator(".summary table").first
        header = table.locator("th", has_text="Energy").first
        column = header.evaluate("cell => cell.cellIndex")
        cells = table.locator("tbody tr").locator(f"td:nth-child({column + 1})")
        before = cells.all_inner_texts()
        header.locator("button").click()
        assert header.get_attribute("aria-sort") == "descending"
        down = cells.all_inner_texts()
        header.locator("button").click()
        assert header.get_attribute("aria-sort") == "ascending"
        up = cells.all_inner_texts()
    assert sorted(down) == sorted(up) == sorted(before)
    sizes = [size for size in map(in_joules, up) if size is not None]
    assert len(sizes) > 5 and sizes == sorted(sizes)
    assert [s for s in map(in_joules, down) if s is not None] == sizes[::-1]


def in_joules(text):
    """``"1.30 mJ"`` as a number; None for a cell without one."""
    if "J" not in text:
        return None
    number, unit = text.removeprefix(">= ").split()
    powers = {"J": 0, "mJ": -3, "uJ": -6, "nJ": -9, "pJ": -12, "fJ": -15}
    return float(number) * 10.0 ** powers[unit]


def test_bars_are_as_long_as_their_numbers(browser, pages):
    with Opened(browser, pages["profile"]) as opened:
        figure = opened.page.locator("figure", has_text="Spikes per inference")
        counts = [float(t.replace(",", "")) for t in figure.locator(".number").all_inner_texts()]
        widths = [bar.bounding_box()["width"] for bar in figure.locator(".bar i").all()]
    assert len(counts) == len(widths) > 1
    np.testing.assert_allclose(
        np.divide(widths, max(widths)), np.divide(counts, max(counts)), atol=0.01
    )


def test_paper_gets_all_that_is_folded_away(browser, pages):
    with Opened(browser, pages["profile"]) as opened:
        folded = opened.page.locator("details")
        assert folded.count() >= 2 and folded.first.get_attribute("open") is None
        opened.page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert all(d.get_attribute("open") is not None for d in folded.all())


#: Words of the first column of all tables, with the number of lines that each is in.
LINES_OF_WORDS = """() => [...document.querySelectorAll("table td:first-child")].flatMap((cell) => {
  const text = cell.firstChild;
  if (!text) return [];
  return [...text.data.matchAll(/\\S+/g)].map((word) => {
    const range = document.createRange();
    range.setStart(text, word.index);
    range.setEnd(text, word.index + word[0].length);
    return [word[0], new Set([...range.getClientRects()].map((box) => box.top)).size];
  });
})"""


def test_no_word_of_a_name_is_broken_on_a_phone(browser, pages):
    for name in ("profile", "deployment", "mapping"):
        with Opened(browser, pages[name], 390) as opened:
            opened.page.evaluate(
                "for (const d of document.querySelectorAll('details')) d.open = true"
            )
            words = opened.page.evaluate(LINES_OF_WORDS)
        assert len(words) > 2 and [word for word, n_lines in words if n_lines != 1] == []


def test_no_flag_of_a_verdict_is_parted_and_names_stay_escaped():
    said = flags_whole("<b>: try --scale 300 --max-pooling exact, not a--b (--by-step)")
    nowrap = '<span style="white-space:nowrap">{}</span>'
    scale, pooling, by_step = map(nowrap.format, ("--scale", "--max-pooling", "--by-step"))
    assert said == f"&lt;b&gt;: try {scale} 300 {pooling} exact, not a--b ({by_step})"
