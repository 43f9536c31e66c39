"""`from_nir` on random graphs, against a reader that steps one node after another."""

from __future__ import annotations

import warnings
from dataclasses import asdict

import numpy as np
import pytest

from nengo_spikecost import from_nir
from nengo_spikecost.errors import ConversionWarning
from nengo_spikecost.nir import Convention

from ..tools import tool
from .graph_steps import Graph
from .plain_graphs import write
from .random_graphs import random_graph, random_step

run = tool("nir_cases").run


@pytest.mark.parametrize("seed", range(40))
def test_every_node_at_every_step(seed, tmp_path):
    """Nested graphs, loops, skips, names that differ in case or have dots, any step."""
    rng = np.random.default_rng(seed)
    dt = float(rng.choice([1e-3, 1e-4, 1.0, 0.5, 7e-5]))
    step = random_step(rng)
    given, later, shape = random_graph(rng, dt)
    x = rng.normal(0.5, 1, size=(1, 10, *shape))
    expected: dict[str, list[np.ndarray]] = {}
    for path, values in Graph(given, later, dt, step).run(x[0]).items():
        expected.setdefault(path.replace("/", "."), []).append(values.reshape(10, -1))
    convention = Convention("mine", dt=dt, **asdict(step))
    source = write(tmp_path / "graph.nir", given) if rng.random() < 0.5 else given
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConversionWarning)  # of names that two nodes have
        network = from_nir(source, convention=convention, lowered=bool(rng.random() < 0.5))
    steps = run(network, x)
    for name, values in steps.items():
        # products are summed in another order
        same = [np.allclose(values[0], own, atol=1e-9) for own in expected.get(name, [])]
        assert any(same) or (not same and name[-2] == "_"), name
    assert set(expected) >= {name for name in steps if name[-2:-1] != "_"}
