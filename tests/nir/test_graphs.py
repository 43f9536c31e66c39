"""`from_nir` on graphs of every kind of node, against plain loops over their definitions."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nengo_spikecost import NetworkEnergy, NetworkGraph, from_nir, measure
from nengo_spikecost.errors import ConversionError, ConversionWarning, DataError, MeasurementError
from nengo_spikecost.nir import CONVENTIONS, DiscreteLI, DiscreteLIF, read_nir

from ..tools import tool
from .plain_graphs import applied, graph, lif, matrix, node, write

run = tool("nir_cases").run


def conv(rng, n_out, per_group, lengths, **fields):
    """A convolution with random weights and biases."""
    fields = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1, **fields}
    weight = rng.normal(size=(n_out, per_group, *lengths))
    bias = rng.normal(size=n_out)
    return node(f"Conv{len(lengths)}d", input_shape=None, weight=weight, bias=bias, **fields)


def through(nodes, shape, x):
    """Outputs of a network that has linear nodes alone, for one sample."""
    made = from_nir(graph({"input": node("Input", shape=np.array(shape)), **nodes,
                           "output": node("Output", shape=None)}))  # fmt: skip
    (steps,) = run(made, x[None, None])["output"]
    return made, steps[0]


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_convolutions_and_poolings_of_any_form(data):
    """Strides, paddings, dilations and groups: plain loops over every output are the judge."""
    draw = data.draw
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n_axes = draw(st.sampled_from([1, 2]))
    groups, per_group, per_out = (draw(st.integers(1, 3)) for _ in range(3))
    shape = (groups * per_group, *(draw(st.integers(4, 7)) for _ in range(n_axes)))
    lengths = [draw(st.integers(1, 3)) for _ in range(n_axes)]
    kind = draw(st.sampled_from(["conv", "AvgPool2d", "SumPool2d"])) if n_axes == 2 else "conv"
    stride = np.array([draw(st.integers(1, 2)) for _ in range(n_axes)])
    if kind == "conv":
        padding = draw(st.sampled_from(["valid", "same", 0, 1, tuple(range(n_axes))]))
        dilation = draw(st.integers(1, 2 if min(shape[1:]) > 4 else 1))
        if padding == "same":
            stride = 1  # as PyTorch has it
        made = conv(rng, groups * per_out, per_group, lengths, stride=stride, padding=padding,
                    dilation=dilation, groups=groups)  # fmt: skip
    else:
        padding = np.array([draw(st.integers(0, n // 2)) for n in lengths])
        made = node(kind, kernel_size=np.array(lengths), stride=stride, padding=padding)
    x = rng.normal(size=shape)
    expected = applied(made, x)
    network, output = through({"layer": made}, shape, x)
    shapes = {row.name: row.shape for row in network.reading.nodes}
    assert shapes["layer"] == expected.shape
    np.testing.assert_allclose(output, expected.reshape(-1), atol=1e-12)


def test_affine_scale_and_flatten():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 3, 4))
    nodes = {
        "scale": node("Scale", scale=rng.normal(size=(2, 1, 1))),
        "flatten": node("Flatten", input_type=None, start_dim=0, end_dim=-1),
        "affine": node("Affine", weight=rng.normal(size=(5, 24)), bias=rng.normal(size=5)),
        "linear": node("Linear", weight=rng.normal(size=(3, 5))),
    }
    expected = x
    for own in nodes.values():
        expected = applied(own, expected)
    _, output = through(nodes, (2, 3, 4), x)
    np.testing.assert_allclose(output, expected, atol=1e-12)


def test_an_affine_along_the_last_of_several_axes():
    """As torch.nn.Linear is applied: every row of (2, 3, 4) is multiplied alike."""
    rng = np.random.default_rng(0)
    x, weight, bias = rng.normal(size=(2, 3, 4)), rng.normal(size=(5, 4)), rng.normal(size=5)
    _, output = through({"fc": node("Affine", weight=weight, bias=bias)}, (2, 3, 4), x)
    np.testing.assert_allclose(output.reshape(2, 3, 5), x @ weight.T + bias, atol=1e-12)


def spiking_chain(rng):
    """Input spikes, two populations, and what is between them."""
    first = conv(rng, 4, 2, (3, 3), stride=2, padding=1)
    pool = node("SumPool2d", kernel_size=np.array([2, 2]), stride=np.array([1, 1]), padding=0)
    second = conv(rng, 6, 2, (2, 2), groups=2, dilation=1)
    second.weight[0] = 0  # weights of zero make no synapses
    flat = node("Flatten", input_type=None, start_dim=0, end_dim=-1)
    fc = node("Linear", weight=rng.normal(size=(3, 24)) * (rng.random((3, 24)) < 0.5))
    nodes = {
        "input": node("Input", shape=np.array([2, 8, 8])), "conv": first,
        "a": lif((4, 4, 4), threshold=2.0), "pool": pool, "conv2": second,
        "b": lif((6, 2, 2), threshold=2.0), "flat": flat, "fc": fc, "c": lif(3),
        "output": node("Output", shape=None),
    }  # fmt: skip
    return nodes, {
        ("input", "a"): (matrix([first], (2, 8, 8)), "conv"),
        ("a", "b"): (matrix([pool, second], (4, 4, 4)), "conv2"),
        ("b", "c"): (matrix([flat, fc], (6, 2, 2)), "fc"),
    }


def test_synops_are_those_of_every_spike_at_every_weight():
    """Each spike of each step meets the weights that are not zero: counted step by step."""
    rng = np.random.default_rng(3)
    nodes, weights = spiking_chain(rng)
    network = from_nir(graph(nodes), spikes=True)
    x = rng.integers(0, 3, size=(2, 12, 2, 8, 8))
    steps = run(network, x)
    workload = NetworkEnergy(network, measure(network, x, progress=False)).workload()
    work = {(p.pre, p.post): p for p in workload.pathways if p.kind == "neural"}
    assert set(work) == set(weights)
    for ends, (matrix_, layer) in weights.items():
        fan_out = np.count_nonzero(matrix_, axis=0)
        brute_force = (steps[ends[0]] * fan_out).sum(axis=(1, 2))
        assert brute_force.min() > 0
        np.testing.assert_array_equal(work[ends].synops, brute_force)
        assert work[ends].layer == layer
    assert not workload.uncounted
    assert {p.name: p.updates for p in workload.populations} == {
        "input": 0, "a": 64 * 12, "b": 24 * 12, "c": 3 * 12,
    }  # fmt: skip


def test_spikes_from_outside_have_to_be_numbers_of_spikes():
    nodes, _ = spiking_chain(np.random.default_rng(0))
    network = from_nir(graph(nodes), spikes=True)
    with pytest.raises(DataError, match=r"numbers of spikes, and hold 0\.5"):
        measure(network, np.full((1, 3, 2, 8, 8), 0.5), progress=False)


def test_a_lif_without_input_goes_to_its_leak():
    """NIR's equation solved by hand: v(t) = v_leak (1 - (1 - dt / tau)^t) by Euler's method."""
    given = node("LI", tau=np.full(1, 10.0), r=np.ones(1), v_leak=np.full(1, 3.0))
    network = from_nir(graph({"input": node("Input", shape=np.array([1])), "li": given,
                              "output": node("Output", shape=None)}), dt=1.0)  # fmt: skip
    steps = run(network, np.zeros((1, 20, 1)))["li"][0, :, 0]
    np.testing.assert_allclose(steps, 3 * (1 - 0.9 ** np.arange(1, 21)))
    ensemble = network.all_ensembles[0]
    assert isinstance(ensemble.neuron_type, DiscreteLI)


@pytest.mark.parametrize("dt", [1.0, 0.5])
def test_the_exact_step_is_that_of_the_equation(dt):
    """dv/dt = (3 - v + 2 * 0.7) / 10 from 0: v(t) = 4.4 (1 - exp(-t / 10)), at any step."""
    given = node("LI", tau=np.full(1, 10.0), r=np.full(1, 2.0), v_leak=np.full(1, 3.0))
    from dataclasses import replace

    exact = replace(CONVENTIONS["nir"], name="exact", decay="exp", gain="exact")
    chain = graph({"input": node("Input", shape=np.array([1])), "li": given,
                   "output": node("Output", shape=None)})  # fmt: skip
    steps = run(from_nir(chain, dt=dt, convention=exact), np.full((1, 30, 1), 0.7))["li"][0, :, 0]
    np.testing.assert_allclose(steps, 4.4 * (1 - np.exp(-dt * np.arange(1, 31) / 10)))


def test_threshold_and_delay():
    nodes = {
        "input": node("Input", shape=np.array([3])),
        "threshold": node("Threshold", threshold=np.array([0.5, 1.5, 0.0])),
        "delay": node("Delay", delay=np.array([0.0, 1.0, 3.0])),
        "output": node("Output", shape=None),
    }
    network = from_nir(graph(nodes), dt=1.0)
    x = np.random.default_rng(0).normal(1, 1, size=(1, 20, 3))
    steps = run(network, x)
    fired = (x > [0.5, 1.5, 0.0]).astype(float)
    np.testing.assert_array_equal(steps["threshold"], fired)
    for column, wait in enumerate([0, 1, 3]):
        late = np.concatenate([np.zeros(wait), fired[0, : 20 - wait, column]])
        np.testing.assert_array_equal(steps["output"][0, :, column], late)


def test_a_delay_of_spikes_is_no_host_and_its_synops_are_counted():
    fc = node("Linear", weight=np.array([[1.0, 0.0, 1.0], [1.0, 1.0, 1.0]]))
    nodes = {
        "input": node("Input", shape=np.array([3])), "a": lif(3, threshold=0.5),
        "delay": node("Delay", delay=np.array([1.0, 1.0, 2.0])), "fc": fc, "b": lif(2),
        "output": node("Output", shape=None),
    }  # fmt: skip
    network = from_nir(graph(nodes))
    x = np.random.default_rng(1).random((1, 30, 3))
    spikes = run(network, x)["a"].sum(axis=(0, 1))
    workload = NetworkEnergy(network, measure(network, x, progress=False)).workload()
    assert not workload.uncounted
    between = [p for p in workload.pathways if p.post == "b" and p.kind == "neural"]
    assert sum(p.synops[0] for p in between) == (spikes * [2, 1, 2]).sum()


def loop(weight, bias):
    """Neurons whose spikes come back through a matrix."""
    nodes = {
        "input": node("Input", shape=np.array([4])), "a": lif(4, threshold=0.8),
        "w": node("Affine", weight=weight, bias=bias), "output": node("Output", shape=None),
    }  # fmt: skip
    return nodes, [("input", "a"), ("a", "w"), ("w", "a"), ("a", "output")]


def test_what_comes_back_comes_a_step_later():
    rng = np.random.default_rng(5)
    weight, bias = rng.normal(size=(4, 4)), 0.1 * rng.random(4)
    x = rng.random((1, 40, 4))
    voltage, spikes, expected = np.zeros(4), np.zeros(4), []
    for step in x[0]:
        voltage = 0.9 * voltage + step + weight @ spikes + bias
        spikes = (voltage > 0.8).astype(float)
        voltage[spikes > 0] = 0
        expected.append(spikes)
    steps = run(from_nir(graph(*loop(weight, bias))), x)
    assert 0 < np.sum(expected) < 160
    np.testing.assert_array_equal(steps["a"][0], expected)


def test_a_nested_graph_is_the_same_as_a_flat_one(tmp_path):
    rng = np.random.default_rng(5)
    weight, bias = rng.normal(size=(4, 4)), 0.1 * rng.random(4)
    x = rng.random((2, 20, 4))
    nodes, edges = loop(weight, bias)
    flat = run(from_nir(graph(nodes, edges)), x)["a"]
    inner = graph(nodes, edges)
    outer = graph({"input": node("Input", shape=np.array([4])), "layer": inner,
                   "output": node("Output", shape=None)})  # fmt: skip
    network = from_nir(write(tmp_path / "nested.nir", outer))
    np.testing.assert_array_equal(run(network, x)["layer.a"], flat)
    assert {e.label for e in network.all_ensembles} == {"layer.a"}


def test_a_loop_without_neurons_is_refused():
    one = {"weight": np.eye(2), "bias": np.zeros(2)}
    nodes = {"input": node("Input", shape=np.array([2])), "a": node("Affine", **one),
             "b": node("Affine", **one), "output": node("Output", shape=None)}  # fmt: skip
    edges = [("input", "a"), ("a", "b"), ("b", "a"), ("b", "output")]
    with pytest.raises(ConversionError, match="a, b feed each other, and none of them has neurons"):
        from_nir(graph(nodes, edges))


CHAIN = {
    "input": node("Input", shape=np.array([3])), "fc": node("Linear", weight=np.ones((2, 3))),
    "a": lif(2), "output": node("Output", shape=None),
}  # fmt: skip


@pytest.mark.parametrize(
    "changes, words",
    [
        (
            {"fc": node("Linear", weight=np.ones((2, 4)))},
            r"'fc' \(Linear\) takes 4 values, and is fed 3",
        ),
        ({"fc": node("Linear", weight=np.ones(3))}, r"'fc' .* weights of 1 axes"),
        ({"fc": node("Affine", weight=np.ones((2, 3)), bias=np.ones(5))}, "5 biases for 2 outputs"),
        ({"fc": node("Linear", weight=np.array([["x"] * 3] * 2))}, "no array of numbers"),
        ({"fc": node("Linear", weight=np.full((2, 3), np.nan))}, "'fc' .* NaN"),
        ({"fc": node("Linear")}, "'fc' .* has no weight"),
        ({"a": node("LIF", tau=np.ones(2))}, "'a' .* has no r"),
        ({"a": lif(2, v_threshold=np.ones(3))}, "'a' .* 3 values|parameters of shape"),
        ({"a": node("Izhikevich", a=np.ones(2))}, "'a' \\(Izhikevich\\) is of a kind"),
        ({"a": None}, "'a' \\(None\\) is of a kind"),
        ({"a": node("Delay", delay=np.full(2, 0.25))}, "delay of 0.25 steps"),
        ({"a": node("Delay", delay=np.full(2, -1.0))}, "delay below 0"),
        ({"a": lif(2, tau=np.full(2, 0.5), r=np.ones(2))}, "tau of 0.5, less than a step"),
        ({"a": lif(2, tau=np.full(2, -3.0), r=np.ones(2))}, "tau of -3; expected times above 0"),
    ],
)
def test_what_is_wrong_is_said_with_the_node(changes, words):
    with pytest.raises(ConversionError, match=words) as error:
        from_nir(graph({**CHAIN, **changes}), dt=1.0)
    assert "\n" not in str(error.value)


def test_all_nodes_that_are_refused_are_said_at_once():
    nodes = {**CHAIN, "a": node("Odd"), "b": node("Izhikevich"), "output": CHAIN["output"]}
    reading = read_nir(graph(nodes))
    assert [row.name for row in reading.refused] == ["a", "b"]
    with pytest.raises(ConversionError, match=r"'a', 'b' \(Odd, Izhikevich\): is of a"):
        from_nir(graph(nodes))


def test_a_graph_that_does_not_tell_its_step_asks_for_it():
    given = {**CHAIN, "a": lif(2, tau=np.full(2, 20.0), r=np.ones(2))}
    with pytest.raises(ConversionError, match=r"time constants are 20: give dt= \(--graph-dt\)"):
        from_nir(graph(given))
    assert from_nir(graph(given), dt=1).dt == 0.001
    assert from_nir(graph(given), dt=1, step_s=0.002).dt == 0.002


def test_the_step_of_a_graph_whose_numbers_tell_it():
    network = from_nir(graph({**CHAIN, "a": lif(2, dt=2e-4)}))
    assert network.dt == pytest.approx(2e-4)
    with pytest.raises(MeasurementError, match=r"made for steps of dt=0\.0002 s"):
        measure(network, np.ones((1, 3)), 5, dt=0.001, progress=False)


@pytest.mark.parametrize(
    "options, words",
    [
        ({"convention": "brian"}, "convention must be one of nir, snntorch, norse"),
        ({"reset": "half"}, "reset must be one of value, subtract, none"),
        ({"dt": -1}, "dt must be"),
        ({"step_s": 0}, "step_s must be"),
        ({"spikes": 3}, "spikes must be"),
        ({"input_shape": (2, 0)}, "input_shape must be a whole number of at least 1"),
        ({"input_shape": {"other": (3,)}}, "'other', which is no Input; there are input"),
    ],
)
def test_wrong_arguments(options, words):
    with pytest.raises(ConversionError, match=words):
        from_nir(graph(CHAIN), **options)


@pytest.mark.parametrize(
    "content, words",
    [
        (b"", "is no HDF5 file|cut off or damaged"),
        (b"\x89HDF\r\n\x1a\n1234", "cut off or damaged"),
    ],
)
def test_files_that_are_no_graphs(tmp_path, content, words):
    path = tmp_path / "odd.nir"
    path.write_bytes(content)
    with pytest.raises(ConversionError, match=words):
        from_nir(path)
    with pytest.raises(ConversionError, match="There is no model"):
        from_nir(tmp_path / "none.nir")
    with pytest.raises(ConversionError, match=r"takes the path of a \.nir file or a nir\.NIRGraph"):
        from_nir(3)


def test_tolerances_are_said():
    edges = [("input", "fc"), ("input", "fc"), ("fc", "a"), ("a", "output")]
    with pytest.warns(ConversionWarning, match="edges are there more than once.*input -> fc"):
        network = from_nir(graph(CHAIN, edges))
    assert any("more than once" in note for note in network.reading.notes)
    assert "more than once" in str(network.reading)
    nodes = {**CHAIN, "a": lif(2)}
    del nodes["a"].v_reset
    reading = read_nir(graph(nodes))
    assert "a has no v_reset, and 0 is taken" in str(reading)


def test_names_and_shapes_are_those_of_the_graph():
    nodes, weights = spiking_chain(np.random.default_rng(0))
    network = from_nir(graph(nodes))
    assert [e.label for e in network.all_ensembles] == ["a", "b", "c"]
    assert all(isinstance(e.neuron_type, DiscreteLIF) for e in network.all_ensembles)
    assert network.input_shapes == {"input": (2, 8, 8)}
    rows = {row.name: row for row in network.reading.nodes}
    assert list(rows) == list(nodes)
    assert rows["conv2"].shape == (6, 2, 2) and rows["fc"].shape == (3,)
    lowered = NetworkGraph(network)
    plain = NetworkGraph(from_nir(graph(nodes), lowered=False))
    for (pre, post), (matrix_, _) in weights.items():
        if pre != "input":
            for own in (lowered, plain):
                (pathway,) = [p for p in own.pathways if (p.pre.name, p.post.name) == (pre, post)]
                np.testing.assert_array_equal(pathway.fan_out, np.count_nonzero(matrix_, axis=0))


def test_a_graph_that_was_lowered_gives_the_same_spikes():
    rng = np.random.default_rng(4)
    nodes, _ = spiking_chain(rng)
    x = rng.random((1, 25, 2, 8, 8))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConversionWarning)  # of whose graph it looks like
        lowered, plain = (run(from_nir(graph(nodes), lowered=way), x) for way in (True, False))
    for name in ("a", "b", "c"):
        np.testing.assert_array_equal(lowered[name], plain[name])


@pytest.mark.parametrize("simulator", ["nengo", "nengo_dl", "compiled"])
def test_a_bias_behind_the_last_neurons_is_no_input(simulator):
    """An array is for the graph's Input alone, though a Node adds the bias."""
    weight, bias = np.array([[0.5, -1.0], [2.0, 0.25], [0, 1.0]]), np.array([3.0, -1.5, 0.25])

    def read(given):
        made = from_nir(graph({
            "input": node("Input", shape=np.array([2])), "neurons": lif(2),
            "readout": node("Affine", weight=weight, bias=given),
            "output": node("Output", shape=None),
        }))  # fmt: skip
        x = np.array([[0.4, 1.7], [2.5, 0.0], [0.9, 0.9]])
        measured = measure(made, x, 12, simulator=simulator, progress=False)
        return made, measured.populations["neurons"].counts, measured.outputs["output"].mean

    made, counts, outputs = read(bias)
    assert made.input_shapes == {"input": (2,)} and counts.any()
    _, same, without = read(np.zeros(3))
    np.testing.assert_array_equal(counts, same)
    np.testing.assert_allclose(outputs - without, np.tile(bias, (3, 1)), atol=1e-5)
