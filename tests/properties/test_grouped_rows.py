"""Subnetworks as one row: their sums are those of the rows of all ensembles, in random networks."""

from __future__ import annotations

from collections import Counter

import nengo
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import nengo_spikecost as nsc
from nengo_spikecost.energy.shown.layer_rows import layer_rows
from nengo_spikecost.energy.shown.layer_table import layer_table
from nengo_spikecost.workload.row_counts import has_groups

COLUMNS = ["name", "neurons", "connections", "macs", "energy cpu"]


def build(draw, depth):
    """An Ensemble, an EnsembleArray, or a network of these; gives its input and output."""
    kind = draw(st.sampled_from(["ensemble", "array", "network"][: 3 if depth else 2]))
    label = draw(st.sampled_from([None, "ea", "part", "0"]))
    if kind == "ensemble":
        ens = nengo.Ensemble(draw(st.integers(3, 9)), 2, label=label)
        return ens, ens
    if kind == "array":
        array = nengo.networks.EnsembleArray(draw(st.integers(2, 6)), 2, label=label)
        return array.input, array.output
    with nengo.Network(label=label):
        ends = [build(draw, depth - 1) for _ in range(draw(st.integers(1, 3)))]
        for (_, source), (target, _) in zip(ends, ends[1:]):
            nengo.Connection(source, target)
    return ends[0][0], ends[-1][1]


@st.composite
def networks(draw):
    with nengo.Network(seed=0) as net:
        given = nengo.Node([0.4, -0.3], label="given")
        source = given
        for _ in range(draw(st.integers(1, 4))):
            target, out = build(draw, 2)
            nengo.Connection(source, target)
            source = out
        nengo.Probe(source)
    return net


@settings(max_examples=8, suppress_health_check=list(HealthCheck))
@given(networks())
def test_groups_are_the_sums_of_their_members(net):
    activity = nsc.measure(net, np.ones((2, 2)), 4, simulator="nengo", progress=False)
    energy = nsc.NetworkEnergy(net, activity)
    workload, estimates = energy.workload(), energy.estimates(["cpu", "loihi"])
    flat = {row.name: row for row in layer_rows(workload, estimates)}
    grouped = layer_rows(workload, estimates, grouped=True)
    members = [name for row in grouped for name in (row.members or (row.name,))]
    assert sorted(members) == sorted(flat)
    for row in grouped:
        own = [flat[name] for name in (row.members or (row.name,))]
        for field in ("neurons", "connections", "updates", "macs", "spikes", "synops"):
            known = [value for value in (getattr(r, field) for r in own) if value is not None]
            expected = pytest.approx(sum(known)) if known else None
            assert getattr(row, field) == expected, field
        for device in estimates:
            assert row.energy_J[device] == pytest.approx(sum(r.energy_J[device] for r in own))
    # what a row stands for, by Nengo's own lists
    parts = [[e.n_neurons for e in own.all_ensembles] for own in net.networks]
    rows = [row for row in grouped if row.members]
    counted = Counter(row.neurons for row in rows)
    assert not Counter(sum(own) for own in parts if len(own) > 1) - counted
    assert not counted - Counter(map(sum, parts))  # one ensemble may have Nodes beside it
    assert has_groups(workload) == bool(rows)


@settings(max_examples=5, suppress_health_check=list(HealthCheck))
@given(networks())
def test_the_table_of_groups_folds_away_that_of_ensembles(net):
    energy = nsc.NetworkEnergy(net)
    columns = COLUMNS
    workload = energy.workload()
    estimates = {"cpu": energy.price(workload, "cpu")}
    table = layer_table(workload, estimates, columns)
    all_rows = layer_table(workload, estimates, columns, grouped=False)
    assert table.totals == all_rows.totals and all_rows.folded is None
    if table.folded is None:
        assert not has_groups(workload)
    else:
        assert table.folded[1].rows == all_rows.rows and len(table.rows) < len(all_rows.rows)


def test_an_array_is_one_row_that_opens():
    with nengo.Network(seed=0) as net:
        array = nengo.networks.EnsembleArray(50, 16, label="ea")
        nengo.Connection(nengo.Node([0.5] * 16), array.input)
        nengo.Probe(array.output)
    energy = nsc.NetworkEnergy(net)
    text = energy.summary_string()
    assert "ea (16 x 50)" in text and "ea_3" not in text
    assert text.count("ea (16 x 50)") == 1 and "800" in text
    opened = energy.summary_string(ensembles=True)
    assert "ea (16 x 50)" not in opened and "ea_15 (Ensemble)" in opened
    html = energy._repr_html_()
    assert "<details><summary>Every ensemble</summary>" in html and "ea_15 (Ensemble)" in html
