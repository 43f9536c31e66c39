"""docs/layers.md: every converter has a line there, and lines say what is measured now."""

from __future__ import annotations

import re
import sys
from types import SimpleNamespace

import pytest

from nengo_spikecost import stack
from nengo_spikecost.conversion.layers import converters

from .tools import tool


@pytest.fixture(scope="module")
def layer_table():
    return tool("layer_table")


@pytest.fixture(scope="module")
def page(layer_table):
    return layer_table.PAGE.read_text(encoding="utf-8")


def test_every_converter_has_a_row(layer_table):
    rows = layer_table.rows()
    named = {name for row in rows for name in (row.layer.split(".")[-1], *row.types)}
    for layer_type, converter in converters.items():
        # None is NengoDL's fallback; tests and pages register layers of their own
        # and Legendre memories stand for layers of keras-lmu, which are on compatibility.md
        if layer_type is None or layer_type.__name__ == "LegendreMemory":
            continue
        if converter.__module__.startswith("nengo_spikecost."):
            assert layer_type.__name__ in named, f"{layer_type.__name__} has no row"


#: Base classes, parts of recurrent layers, and what is done to text, categories and batches
#: before a network; and variants of layers that are there.
NOT_LISTED = re.compile(
    "Layer|Wrapper|RNN|.*Cells?|.*Lookup|Hash.*|TextVectorization|CategoryEncoding|"
    "Discretization|DenseFeatures|SpectralNormalization|ConvLSTM[23]D|Random(Height|Width)"
)


def test_every_layer_of_keras_has_a_row(layer_table):
    layers = stack.keras().layers
    rows = (*layer_table.rows(), *layer_table.refused())
    named = {getattr(layers, row.layer, None) for row in rows}
    for name, found in vars(layers).items():
        is_layer = isinstance(found, type) and issubclass(found, layers.Layer)
        if is_layer and not NOT_LISTED.fullmatch(name):
            assert found in named, f"{name} has no row"


def test_every_row_is_on_the_page(layer_table, page):
    written = layer_table.MARKS.written(page)
    lines = [line for line in written.splitlines() if line.startswith("| `")]
    names = [row.name for row in (*layer_table.rows(), *layer_table.refused())]
    assert [line.split(" | ")[0] for line in lines] == [f"| {name}" for name in names]
    assert len(set(names)) == len(names) > 100


def _expected(layer_table, page, row, heading):
    """The line of a row, under its heading."""
    section = layer_table.MARKS.written(page).split(f"### {heading}\n")[1].split("###")[0]
    (line,) = (line for line in section.splitlines() if line.startswith(f"| {row.name} |"))
    return line


# One of each kind; the dear ones are left to the slow test
SAMPLE = (
    "`BatchNormalization(axis=1)`",
    "`DepthwiseConv2D(kernel_size=3, depth_multiplier=2, strides=2, padding='same')`",
    "`MaxPooling2D(pool_size=2)`, `max_pooling='exact'`",
    "`MaxPooling2D(pool_size=2)`, `max_pooling='average'`",
    "`Activation(activation='relu6')`",
    "`Activation(activation='tanh')`",
    "`Add`, a linear convolution and the way around it",
    "`TimeDistributed`, a Dense layer",
    "`Conv3D(filters=4, kernel_size=3, activation='relu')`",
)


@pytest.mark.parametrize("name", SAMPLE)
def test_a_row_says_what_is_measured(layer_table, page, name):
    (row,) = (row for row in layer_table.rows() if row.name == name)
    found = layer_table.line(layer_table.measured(row))
    assert layer_table.same_line(_expected(layer_table, page, row, row.group), found), found


@pytest.mark.parametrize("name", ["`LayerNormalization`", "`a * b`", "`LSTM(units=3)`"])
def test_a_refusal_is_what_convert_says(layer_table, page, name):
    (row,) = (row for row in layer_table.refused() if row.name == name)
    found = layer_table.refused_line(layer_table.measured(row))
    assert found == _expected(layer_table, page, row, row.group)


def test_nothing_converted_is_miscounted_or_silent(layer_table, page):
    for line in layer_table.MARKS.written(page).splitlines():
        name, *cells = (cell.strip() for cell in line.strip("| \n").split(" | "))
        if not line.startswith("| `") or len(cells) != 5:
            continue
        converts, error, spikes, emulator, counted = cells
        assert converts == "yes"
        assert re.fullmatch("1e-[567]", error) or error.endswith(", by choice"), line
        rates = ("sigmoid" in name and "hard" not in name) or "tanh" in name
        if rates and "at the output" not in name:  # there the host computes them
            assert all(cell.startswith("no: ") for cell in (spikes, emulator, counted)), line
        else:
            assert (spikes, counted) == ("yes", "yes"), line


def test_rounding_may_differ_by_a_power_of_ten(layer_table):
    same = layer_table.same_line
    assert same("| `Add` | 1e-7 |", "| `Add` | 1e-6 |")
    assert not same("| `Add` | 1e-7 |", "| `Add` | 1e-5 |")
    assert not same("| `Add` | 0.6 |", "| `Add` | 0.7 |")
    assert not same("| `Add` | 1e-7 |", "| `Dot` | 1e-7 |")


def test_only_what_is_between_the_marks_is_written(layer_table):
    begin, end = layer_table.MARKS.begin, layer_table.MARKS.end
    empty = f"# Layers\n\n{begin}{end}\nwords\n"
    page = layer_table.MARKS.with_tables(empty, "a table\n")
    assert page == f"# Layers\n\n{begin}a table\n{end}\nwords\n"
    assert layer_table.MARKS.with_tables(page, "") == empty
    for lacking in (begin, end):
        with pytest.raises(ValueError, match=lacking.strip()):
            layer_table.MARKS.parts(page.replace(lacking, ""))


def test_differences_are_printed(layer_table, monkeypatch, capsys, tmp_path):
    row = layer_table.rows()[0]
    monkeypatch.setattr(layer_table, "PAGE", tmp_path / "layers.md")
    monkeypatch.setattr(layer_table, "rows", lambda: [row])
    monkeypatch.setattr(layer_table, "refused", list)
    monkeypatch.setattr(
        layer_table, "measured_all", lambda rows: [SimpleNamespace(row=r) for r in rows]
    )
    monkeypatch.setattr(layer_table, "line", lambda result: "| `Dense` | yes | 1e-6 |")
    layer_table.PAGE.write_text(layer_table.MARKS.begin + layer_table.MARKS.end)
    monkeypatch.setattr(sys, "argv", ["layer_table.py"])
    assert layer_table.main() == 0
    page = layer_table.PAGE.read_text()
    monkeypatch.setattr(sys, "argv", ["layer_table.py", "--check"])
    changed = ["- | `Dense` | yes | 0.5 |", "+ | `Dense` | yes | 1e-6 |"]
    for found, expected in (("1e-6", 0), ("1e-7", 0), ("0.5", 1)):
        layer_table.PAGE.write_text(page.replace("1e-6", found))
        assert layer_table.main() == expected
        out = capsys.readouterr().out
        assert ("up to date" in out) == (not expected)
        assert (out.split("\n")[:2] == changed) == bool(expected)
    assert layer_table.PAGE.read_text() == page.replace("1e-6", "0.5")


def test_differences(layer_table):
    found = layer_table.differences("a 1e-7\nb\nc\nd 1e-7\n", "a 1e-6\nc\ne\nd 1e-5\n")
    assert found == ["- b", "+ e", "- d 1e-7", "+ d 1e-5"]


def test_error_cells(layer_table):
    cell = layer_table.error_cell
    assert [cell(e) for e in (0, 3e-8, 2e-7, 9e-6, 0.0123, 0.66)] == [
        "1e-7", "1e-7", "1e-6", "1e-5", "0.01", "0.7",
    ]  # fmt: skip


@pytest.mark.slow
def test_the_whole_page(layer_table, page):
    fresh = layer_table.tables(
        layer_table.measured_all(layer_table.rows()),
        layer_table.measured_all(layer_table.refused()),
    )
    assert layer_table.differences(layer_table.MARKS.written(page), fresh) == []
