"""Graphs that are written oddly: read and said to be, or refused with the node; no traceback."""

from __future__ import annotations

import numpy as np
import pytest

from nengo_spikecost import from_nir
from nengo_spikecost.errors import ConversionError, ConversionWarning
from nengo_spikecost.nir import read_nir

from .plain_graphs import graph, lif, node

IN, OUT = node("Input", shape=np.array([3])), node("Output", shape=None)


def of_shape(*shape):
    return node("Input", shape=np.array(shape))


def chain(**nodes):
    return graph({"input": IN, **nodes, "output": OUT})


def inner(first="input", middle="b", last="output"):
    return graph({first: IN, middle: lif(3), last: OUT})


def names(reading):
    return [row.name for row in reading.nodes]


def test_two_nodes_that_would_have_one_name_are_both_there():
    given = graph({"input": IN, "a": inner(), "a.b": lif(3, threshold=9.0), "output": OUT})
    reading = read_nir(given)
    assert names(reading) == ["input", "a.b", "a.b_2", "output"]
    assert "two nodes are called 'a.b' where none is nested: one is 'a.b_2'" in reading.notes
    with pytest.warns(ConversionWarning, match="'a.b_2'"):
        network = from_nir(given)
    thresholds = {e.label: float(e.neuron_type.threshold) for e in network.all_ensembles}
    assert thresholds == {"a.b": 1.0, "a.b_2": 9.0}


def test_names_with_dots_inside_and_outside():
    given = graph({"input": IN, "0.1": inner("in.0", "x.y", "out.0"), "0": inner(), "output": OUT})
    assert names(read_nir(given)) == ["input", "0.1.x.y", "0.b", "output"]


def test_names_that_differ_in_case_alone():
    given = chain(A=lif(3), a=node("Scale", scale=np.ones(3)), B=lif(3), b=lif(3))
    assert names(read_nir(given)) == ["input", "A", "a", "B", "b", "output"]


INTO_INPUT = graph(
    {"input": IN, "a": lif(3), "output": OUT}, [("input", "a"), ("a", "input"), ("a", "output")]
)
IF = node("IF", r=np.array([1.0, 3.0, 2.0]), v_threshold=np.ones(3))


@pytest.mark.parametrize(
    ("given", "dt", "words"),
    [
        (node("NIRGraph", nodes={}, edges=[]), None, "The graph has no nodes"),
        (INTO_INPUT, None, r"'input' \(Input\) is fed by 'a'"),
        (chain(a=lif(3, tau="abc")), None, r"'a' \(LIF\) has a tau that is no array of numbers"),
        (chain(a=lif(3, tau=np.full(3, 2j))), None, "'a' .* has a tau that is no array"),
        (chain(a=node("Flatten", start_dim="x")), None, "'a' .* has a start_dim that is no array"),
        (chain(a=node("Flatten", start_dim=0.5)), None, r"start_dim of \[0.5\]; expected whole"),
        (chain(a=node("Flatten", input_type=np.array(["x"]))), None, "an input_type|a input_type"),
        (graph({"input": of_shape(3.5), "a": lif(3)}), None, r"'input' .* shape of \[3.5\]"),
        (graph({"input": of_shape(np.nan), "a": lif(3)}), None, "'input' .* shape with NaN"),
        (graph({"input": of_shape("x"), "a": lif(3)}), None, "'input' .* shape that is no array"),
        (graph({"input": of_shape(10**6, 10**6), "output": OUT}), None, "1,000,000,000,000 values"),
        (chain(a=node("Delay", delay=np.array(1e9))), 1.0, "'a' .* up to 1,000,000,000 steps"),
        (chain(a=IF), None, "does not say how long a step is: give dt="),
    ],
)
def test_what_can_not_be_is_said_with_the_node(given, dt, words):
    with pytest.raises(ConversionError, match=words):
        from_nir(given, dt=dt)


def test_shapes_that_nodes_say_otherwise_are_said():
    """The size of a convolution's input, of what is flattened, and of an output."""
    conv = node(
        "Conv2d", input_shape=np.array([5, 5]), weight=np.ones((2, 1, 3, 3)), bias=None, stride=1,
        padding=0, dilation=1, groups=1,
    )  # fmt: skip
    flat = node("Flatten", start_dim=0, end_dim=-1, input_type=np.array([7]))
    given = graph({"input": of_shape(1, 6, 6), "conv": conv, "flat": flat,
                   "output": node("Output", shape=np.array([9]))})  # fmt: skip
    rows = {row.name: row for row in read_nir(given).nodes}
    assert rows["conv"].notes == (
        "says that it is fed values of shape (1, 5, 5), and is fed (1, 6, 6)",
    )
    assert rows["flat"].notes == ("says that it is fed values of shape 7, and is fed (2, 4, 4)",)
    assert rows["output"].notes == ("says that it is fed values of shape 9, and is fed 32",)
    assert rows["input"].notes == () and rows["conv"].shape == (2, 4, 4)


def test_a_scale_along_an_axis_of_one_in_a_loop():
    """Its shape is that of what it is fed, also where something behind it is met first."""
    nodes = {
        "output": OUT, "b": lif((2, 3)), "scale": node("Scale", scale=np.array([[2.0], [3.0]])),
        "input": of_shape(2, 3),
    }  # fmt: skip
    edges = [("input", "b"), ("b", "scale"), ("scale", "b"), ("b", "output")]
    rows = {row.name: row.shape for row in read_nir(graph(nodes, edges)).nodes}
    assert rows == dict.fromkeys(nodes, (2, 3))


def test_euler_steps_have_one_gain_by_both_names():
    """b = r (1 - a) and b = r q are the same where a = 1 - q."""
    from dataclasses import replace

    from nengo_spikecost.nir import CONVENTIONS

    fields = {"tau": np.full(3, 5.0), "r": np.full(3, 2.0), "v_leak": np.full(3, 0.1)}
    given = chain(a=node("LI", **fields))
    for gain in ("euler", "exact"):
        convention = replace(CONVENTIONS["nir"], gain=gain)
        (ensemble,) = from_nir(given, dt=1.0, convention=convention).all_ensembles
        np.testing.assert_allclose(ensemble.gain, 0.4)
        np.testing.assert_allclose(ensemble.bias, 0.02)
