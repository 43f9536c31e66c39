"""Names that are HTML, or formulas to matplotlib: shown as they are, in every result."""

from __future__ import annotations

from html.parser import HTMLParser

import matplotlib
import nengo
import numpy as np
import pytest

import nengo_spikecost as nsc
from nengo_spikecost import energy, loihi
from nengo_spikecost.energy import devices

matplotlib.use("Agg")

HOSTILE = '<script>alert("x")</script><img src=x onerror=y> & $\\frac{ $ _'


@pytest.fixture(scope="module")
def results():
    with nengo.Network(label=HOSTILE, seed=0) as network:
        given = nengo.Node([0.5, 0.5], label=HOSTILE)
        a = nengo.Ensemble(6, 2, label=f"{HOSTILE}a")
        b = nengo.Ensemble(5, 1, label=f"{HOSTILE}b")
        nengo.Connection(given, a, label=HOSTILE)
        nengo.Connection(a.neurons, b.neurons, transform=np.full((5, 6), 0.01))
        nengo.Probe(b, label=HOSTILE)
    device = energy.register_device(HOSTILE, 1e-12, 1e-12, True)
    activity = nsc.measure(network, np.ones((2, 2)), 4, simulator="loihi", progress=False)
    of_energy = nsc.NetworkEnergy(network, activity)
    profile = nsc.profile(
        network, np.ones((2, 2)), n_steps=4, simulator="nengo", devices=[device], progress=False
    )
    yield [
        activity, of_energy, profile, nsc.break_even(network, activity), nsc.NetworkGraph(network),
        nsc.compare(network, activity, devices=[HOSTILE, "loihi"]), of_energy.workload(),
        of_energy.estimate(HOSTILE), loihi.place(network), loihi.fit_blocks(network),
        loihi.chip_cost(activity), loihi.core_use(network), nsc.lower(network),
    ]  # fmt: skip
    del devices._devices()._devices[devices.device_key(HOSTILE)]


class Tags(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.seen, self.text = set(), ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)

    def handle_data(self, data):
        self.text += data


def test_html_is_escaped(results):
    shown = 0
    for result in results:
        tags = Tags(result._repr_html_())
        assert not {"script", "img"} & tags.seen, type(result)
        shown += HOSTILE in tags.text
    assert shown > 8


def test_pages_are_escaped(results):
    """A page has one script of its own, and no names in it."""
    for result in results:
        page = result.to_html(command=HOSTILE)
        tags = Tags(page)
        assert "img" not in tags.seen and page.count("<script>") == 1, type(result)
        assert "alert(" not in page.partition("<script>")[2], type(result)
        assert HOSTILE in tags.text


def test_plots_are_drawn(results):
    """matplotlib reads what is between two dollars as a formula, and raises if it is none."""
    from matplotlib import pyplot

    for result in results:
        axes = result.plot()
        np.ravel(axes)[0].figure.canvas.draw()
        pyplot.close("all")
