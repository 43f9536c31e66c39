"""What is printed fits 80 columns, and no word of a table is broken: every result, hostile names.

Right are the cells as a presenter gives them: each of their words that is not longer than a column
can be stands in one piece in one line of the text.
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
from nengo_spikecost.tuning import fine_tune, tune_firing_rates

from .test_results import NEEDS_SANA_FE, every_result_class

WIDTH = 80

#: A word that is longer than this may have to be broken in 80 columns.
LONGEST = 24

N_LAYERS = 40
HOSTILE = "[red]<b>stage_of_the_encoder.depthwise_separable_convolution $x_1$"
TINY = "a processor of another world with a name that nobody would type twice"


def check_it_fits(parts, text, width=WIDTH):
    assert max(cell_len(line) for line in text.split("\n")) <= width
    words = set(text.split())
    for table in parts:
        if not isinstance(table, Table):
            continue
        table = table.without_empty_columns()
        assert any(set(words_of(rows)) <= words for rows in (table.rows, table.short_rows))


def words_of(rows):
    return [w for row in rows for cell in row for w in cell.split() if cell_len(w) <= LONGEST]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """One result of each class, of a model with 40 layers and names of all kinds."""
    import keras  # of release 3, which takes any name

    def model_of(names):
        keras.utils.set_random_seed(0)
        hidden = [keras.layers.Dense(6, "relu", kernel_initializer="ones", name=n) for n in names]
        last = keras.layers.Dense(2, name="層" * 30)
        return keras.Sequential([keras.Input((6,)), *hidden, last])

    short = (HOSTILE, "batch_normalization_after_the_first_block")
    deep, small = model_of([*short, *map(str, range(3, N_LAYERS))]), model_of(short)
    x, y = np.full((8, 6), 1e-9, "f4"), np.arange(8) % 2
    loihi_neurons = {"neuron_type": "LoihiSpikingRectifiedLinear"}
    conversion, few = nsc.convert(deep, **loihi_neurons), nsc.convert(small, **loihi_neurons)
    energy.register_device(TINY, 1e-27, 1e15, True)
    quick = {"progress": False, "simulator": "compiled"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # dead layers
        activity = nsc.measure(few, x, 3, simulator="loihi", progress=False)
        of_energy = nsc.NetworkEnergy(few, activity)
        swept = nsc.sweep(
            small, x, y, n_steps=(3,), n_trials=2, accuracy_losses=(1.0,), explore=0, **quick
        )
        made = [
            conversion, activity, of_energy, of_energy.workload(), of_energy.estimate(TINY),
            nsc.NetworkGraph(conversion), nsc.lower(conversion.net), swept,
            nsc.profile(deep, x, y, n_steps=3, devices=["cpu", "loihi", TINY], **quick),
            nsc.break_even(few, activity), nsc.compare(few, activity, devices=[TINY]),
            loihi.fit_blocks(conversion, time_limit=1), loihi.place(few),
            loihi.core_use(conversion), loihi.chip_cost(activity),
            loihi.Emulator(few).run(x[:1], 3), loihi.preflight(small, time_limit=1),
            loihi.deploy(small, x[:2], y[:2], n_steps=3, progress=False),
            tune_firing_rates(few, x, n_steps=3, max_simulations=1, progress=False),
            swept.confirm(x, y, [swept.points[0]], progress=False),
            fine_tune(small, x, y, n_steps=2, forward="rates", epochs=1, batch_size=2,
                      progress=False),
        ]  # fmt: skip
    yield made
    del devices._devices()._devices[devices.device_key(TINY)]


def test_every_result_fits(results):
    assert every_result_class() - set(map(type, results)) == {
        cls for cls in every_result_class() if cls.__name__ in NEEDS_SANA_FE
    }
    for result in results:
        for width in (60, WIDTH, 130):
            check_it_fits(result._parts(), result.summary_string(line_length=width), width)


def test_80_columns_are_the_default(results):
    for result in results:
        assert str(result) == result.summary_string(line_length=WIDTH)


names = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=90)
numbers = st.sampled_from(["-", "", "0", "1.00 mJ", "556,123,000,111", "1e+300 J", "21.9 !"])


@st.composite
def tables(draw):
    n, n_text = draw(st.integers(1, 9)), draw(st.integers(1, 2))
    headers = [draw(st.sampled_from(["Layer (type)", "Rate\nHz", "Verdict", TINY]))
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
