"""Every result prints, draws, and becomes a frame, CSV, JSON and HTML: one of each is made."""

from __future__ import annotations

import importlib.util
import json
from html.parser import HTMLParser

import matplotlib
import numpy as np
import pandas
import pytest
import tensorflow as tf

import nengo_spikecost as nsc
from nengo_spikecost import loihi, tuning
from nengo_spikecost.demo import demo_graph
from nengo_spikecost.energy.loihi_chip import told_apart
from nengo_spikecost.layout.presenter import presenters
from nengo_spikecost.layout.result import Result
from nengo_spikecost.nir import read_nir
from tests.models import conv_net, images

from .fitting import check_it_fits

matplotlib.use("Agg")

NEEDS_SANA_FE = {"SanaFeCheck"}

#: Names of layers that are longer than a column can be.
LONG_NAMES = (
    "stage_of_the_encoder.depthwise_separable_convolution_1",
    "batch_normalization_after_the_first_block",
)


def every_result_class():
    found, waiting = set(), [Result]
    while waiting:
        for cls in waiting.pop().__subclasses__():
            if cls.__module__.startswith("nengo_spikecost."):
                found.add(cls)
            waiting.append(cls)
    return found


def pooled():
    """A conversion in which lowering has something to compose."""
    layers = tf.keras.layers
    conv, pool = layers.Conv2D(2, 3, activation="relu"), layers.AveragePooling2D(2)
    head = [layers.Conv2D(2, 3, activation="relu", input_shape=(12, 12, 1)), pool, conv]
    return nsc.convert(tf.keras.Sequential(head))


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """One result of each class, by the name of the class."""
    model, x = conv_net(tf.keras, names=LONG_NAMES), images(12)
    y = model.predict_on_batch(x).argmax(axis=1)
    quiet = {"progress": False}
    deployment = loihi.deploy(model, x, y, n_steps=10, by_step=True, try_out=False, **quiet)
    conversion, activity = deployment.network, deployment.activity
    sweep = nsc.sweep(
        model, x, y, n_steps=(8, 12), accuracy_losses=(0.9,), n_trials=6,
        study=tmp_path_factory.mktemp("results") / "study.db", **quiet,
    )  # fmt: skip
    energy = nsc.NetworkEnergy(conversion, activity)
    made = [
        deployment, conversion, activity, energy, sweep,
        conversion, pooled().lowering, nsc.NetworkGraph(conversion), energy.workload(),
        energy.estimate("loihi"), nsc.profile(conversion, x, y, n_steps=8, try_out=False, **quiet),
        nsc.break_even(conversion, activity), nsc.compare(conversion, activity, example_data=x),
        deployment.fit, deployment.mapping(), deployment.cost(), deployment.cost().floorline(),
        loihi.Emulator(conversion).run(x.reshape(len(x), -1), 8),
        loihi.core_use(conversion), loihi.preflight(model), sweep.confirm(x, y, **quiet),
        nsc.tune_firing_rates(model, x, target=100, n_steps=20, **quiet),
        nsc.fine_tune(model, x, y, n_steps=5, epochs=1, batch_size=4, **quiet),
        read_nir(demo_graph(), convention="snntorch"),
        nsc.advise(model, x, y, n_steps=10, n_changes=2, first_samples=4, **quiet),
        told_apart(deployment.cost(), deployment.cost(), "board", board="nahuku32"),
        nsc.chips.listed(), nsc.chips.fit("spinnaker2", conversion),
        nsc.chips.run_time_on_cores("loihi2", activity),
        nsc.early_exit(
            nsc.measure(conversion, x, 10, simulator="loihi", presentation="fresh", by_step=True), y
        ),
    ]  # fmt: skip
    if importlib.util.find_spec("sanafe"):
        recording = loihi.record_spikes(conversion, x[:1].reshape(1, -1), 10)
        made.append(loihi.sana_fe_check(recording))
    return {type(result).__name__: result for result in made}


def names():
    # the classes that a module not yet imported defines are those of the rooms below
    return sorted(cls.__name__ for cls in every_result_class())


def test_there_is_one_of_each(results):
    missing = set(names()) - set(results)
    assert missing <= NEEDS_SANA_FE


def test_each_has_a_presenter_of_its_own():
    assert [cls for cls in every_result_class() if cls not in presenters] == []


class Tags(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.open, self.seen, self.attributes = [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        self.attributes += attrs
        if tag not in ("br", "wbr", "meta", "img", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def one(results, name):
    if name not in results:
        pytest.skip(f"{name} needs SANA-FE, which is not installed")
    return results[name]


@pytest.mark.parametrize("name", names())
class TestEach:
    def test_it_prints(self, results, name, capsys):
        result = one(results, name)
        text = result.summary_string(line_length=80)
        assert text.strip()
        check_it_fits(result._parts(), text, 80)
        result.summary()
        assert capsys.readouterr().out == result.summary_string() + "\n"

    def test_frame_and_csv_have_the_same_rows(self, results, name):
        result = one(results, name)
        frame = result.to_frame()
        assert isinstance(frame, pandas.DataFrame) and len(frame)
        assert len(result.to_csv().splitlines()) == len(frame) + 1

    def test_json_is_of_numbers_and_texts(self, results, name, tmp_path):
        result = one(results, name)
        content = json.loads(result.to_json(tmp_path / "result.json"))
        assert content == json.loads((tmp_path / "result.json").read_text())
        assert content["format"].startswith("nengo-spikecost/")

    def test_html_is_well_formed_and_says_what_is_printed(self, results, name):
        html = one(results, name)._repr_html_()
        assert html.startswith('<div class="nengo-spikecost">')
        tags = Tags(html)
        assert not tags.open and {"table", "p", "ul"} & set(tags.seen)
        assert "object at 0x" not in html and "array(" not in html

    def test_its_page_stands_alone(self, results, name, tmp_path):
        result = one(results, name)
        page = result.to_html(tmp_path / "page.html", command="nengo-spikecost report m.keras")
        assert (tmp_path / "page.html").read_text(encoding="utf-8") == page
        tags = Tags(page)
        assert not tags.open and page.startswith("<!doctype html>")
        assert {"h1", "figure", "details", "footer"} <= set(tags.seen)
        assert {"table", "p", "ul"} & set(tags.seen)
        places = [v for key, v in tags.attributes if key in ("src", "href", "xlink:href", "action")]
        assert all(place.startswith(("#", "data:")) for place in places)
        ids = [value for key, value in tags.attributes if key == "id"]
        assert len(ids) == len(set(ids))
        assert "object at 0x" not in page and "array(" not in page

    def test_it_draws(self, results, name):
        from matplotlib import pyplot

        drawn = np.ravel(one(results, name).plot())
        assert all(axes.has_data() for axes in drawn)
        assert all(axes.get_xlabel() or axes.get_title(loc="left") for axes in drawn)
        pyplot.close("all")


def test_modules_of_this_test_import_every_room():
    assert tuning and loihi
