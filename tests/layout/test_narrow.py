"""What is printed fits 80 columns, and no word of a table is broken: 40 layers, and any table.

Results of all classes, with names as long, are in ``test_results``.
"""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

import nengo_spikecost as nsc
from nengo_spikecost import energy, loihi
from nengo_spikecost.energy import devices
from nengo_spikecost.layout.table import Table
from nengo_spikecost.layout.text import to_text

from .fitting import check_it_fits
from .test_results import LONG_NAMES

N_LAYERS = 40
FAR = "a processor of another world with a name that nobody would type twice"


@pytest.fixture(scope="module")
def results():
    """Results of a model with 40 layers, priced on a device that nobody has."""
    import keras  # of release 3, which takes any name

    keras.utils.set_random_seed(0)
    names = ["[red]<b>$x_1$", *LONG_NAMES, *map(str, range(4, N_LAYERS))]
    hidden = [keras.layers.Dense(6, "relu", kernel_initializer="ones", name=n) for n in names]
    last = keras.layers.Dense(2, name="層" * 30)
    model = keras.Sequential([keras.Input((6,)), *hidden, last])
    x, y = np.full((4, 6), 1e-9, "f4"), np.arange(4) % 2
    conversion = nsc.convert(model, neuron_type="LoihiSpikingRectifiedLinear")
    energy.register_device(FAR, 1e-27, 1e15, True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # dead layers
        profile = nsc.profile(
            conversion, x, y, n_steps=3, devices=["cpu", "loihi", FAR], simulator="compiled",
            progress=False, try_out=False,
        )  # fmt: skip
        yield [
            profile, conversion, profile.energy, profile.energy.workload(), profile.activity,
            profile.energy.estimate(FAR), nsc.NetworkGraph(conversion), nsc.lower(conversion.net),
            nsc.break_even(conversion, profile.activity),
            nsc.compare(conversion, profile.activity, devices=[FAR]),
            loihi.fit_blocks(conversion, time_limit=1), loihi.core_use(conversion),
        ]  # fmt: skip
    del devices._devices()._devices[devices.device_key(FAR)]


def test_every_result_fits(results):
    for result in results:
        for width in (60, 80, 130):
            check_it_fits(result._parts(), result.summary_string(line_length=width), width)


def test_80_columns_are_the_default(results):
    for result in results[:4]:
        assert str(result) == result.summary_string(line_length=80)


names = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=90)
numbers = st.sampled_from(["-", "", "0", "1.00 mJ", "556,123,000,111", "1e+300 J", "21.9 !"])


@st.composite
def tables(draw):
    n, n_text = draw(st.integers(1, 9)), draw(st.integers(1, 2))
    headers = [draw(st.sampled_from(["Layer (type)", "Rate\nHz", "Verdict", FAR]))
               for _ in range(n)]  # fmt: skip
    cells = [names if k < n_text else numbers for k in range(n)]
    rows = draw(st.lists(st.tuples(*cells), min_size=1, max_size=4))
    return Table.of(
        headers, rows, n_text, title=draw(names), notes=(draw(names),), sections={0: draw(names)},
        n_totals=draw(st.integers(0, 1)),
    )  # fmt: skip


@settings(max_examples=40)
@given(tables(), st.sampled_from([40, 60, 80]))
def test_any_table_fits(table, width):
    text = to_text(table, width)
    assert max(cell_len(line) for line in text.split("\n")) <= width
    shown = "".join(text.split())
    for row in table.without_empty_columns().rows:
        for cell in row[table.right.count(False) :]:
            assert "".join(cell.split()) in shown  # numbers are never cut
