"""What spikes add, laid out anew, against sums in numpy: entry by entry, as the chip has them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest

from nengo_spikecost.loihi.emulation import deliveries as laid_out
from nengo_spikecost.loihi.emulation.deliveries import Deliveries, pieces_of
from nengo_spikecost.loihi.emulation.weight_rows import Rows, sorted_entries

N_COMPARTMENTS, N_SOURCES = 97, 24


class _Synapse(NamedTuple):
    weights: Any
    indices: Any


def _chip(arrays: dict[str, Any]) -> Any:
    return NamedTuple("_Chip", [(name, Any) for name in arrays])(**arrays)  # type: ignore[misc]


def _network(rng: np.random.RandomState, kind: str, large: bool) -> tuple[Any, Rows, list[Any]]:
    """Rows, entries to them, and (source, compartments, weights) of each entry for the check."""
    rows, entries, each = Rows(), [], []
    most = 2**20 if large else 2**7
    for route in range(4):
        size = rng.randint(1, 40)
        if kind == "runs":
            places = np.arange(size)
        else:
            places = rng.permutation(50)[:size]  # not ascending
        weights = rng.randint(-most, most, (6, size))
        first = rows.add(_Synapse([weights], [np.tile(places, (6, 1))]))
        # sources share places, as the channels of a pixel, or have their own
        place = np.repeat(rng.randint(0, N_COMPARTMENTS - 50, N_SOURCES // 3), 3)
        row = rng.randint(0, 6, N_SOURCES)
        used = np.flatnonzero(rng.rand(N_SOURCES) < 0.8)
        entries.append((used, place[used], first[0] + row[used], np.full(len(used), route)))
        each += [(s, place[s] + places, weights[row[s]]) for s in used]
    return entries, rows, each


@pytest.mark.parametrize("joined", [True, False])
@pytest.mark.parametrize("large", [True, False])
@pytest.mark.parametrize("kind", ["runs", "single places"])
def test_sums_and_flags_of_deliveries(kind, large, joined, monkeypatch):
    """Weights that several entries bring to one compartment add up, also where they wrap."""
    from nengo_spikecost.loihi.emulation import delivery_kernels as kernels

    if not joined:
        monkeypatch.setattr(laid_out, "MOST_TIMES", 0)
        monkeypatch.setattr(laid_out, "ALWAYS", 0)
    rng = np.random.RandomState(["runs", "single places"].index(kind) + 2 * large)
    entries, rows, each = _network(rng, kind, large)
    position = rng.permutation(N_COMPARTMENTS).astype(np.int32)
    position[20:80] = np.sort(position[20:80])
    in_order = sorted_entries(entries, N_SOURCES, rows)
    # blocks of compartments that are alike: 0 to 39, 40 to 89, 90 to 96
    stops = np.array([40, 90, N_COMPARTMENTS])
    arrays = Deliveries(in_order, rows, position).arrays()
    chip = _chip(
        {
            **arrays, **pieces_of(position, stops),
            "segment_start": np.append(0, stops[:-1]).astype(np.int32),
        }
    )  # fmt: skip
    assert (len(chip.deliveries) < len(each)) == joined
    assert chip.weights.dtype == (np.int32 if large else np.int16)

    inputs, reached = np.zeros(N_COMPARTMENTS, np.int32), np.zeros(N_COMPARTMENTS, np.uint8)
    marked = np.zeros(chip.n_marks, dtype=np.int64)
    for step in range(1, 5):
        events = rng.choice(N_SOURCES, 3 * step).astype(np.int32)  # some fire twice
        expected, expected_reached = np.zeros((2, N_COMPARTMENTS), dtype=np.int64)
        for source, compartments, weights in each:
            n_spikes = (events == source).sum()
            np.add.at(expected, compartments, n_spikes * weights)
            expected_reached[compartments] |= n_spikes > 0
        kernels.deliver(chip, events, len(events), inputs, reached, marked, step)
        np.testing.assert_array_equal(inputs[position], expected)
        np.testing.assert_array_equal(reached[position], expected_reached)

        spiked = (rng.rand(N_COMPARTMENTS) < 0.3).astype(np.uint8)
        for segment, (a, b) in enumerate(zip(chip.segment_start, stops)):
            q = np.empty(b - a, dtype=np.int32)
            kernels.take(chip, segment, q, inputs)
            np.testing.assert_array_equal(q, expected[a:b])
            counts = int(kernels.count(chip, segment, reached, spiked))
            assert counts % 2**32 == expected_reached[a:b].sum()
            assert counts // 2**32 == (expected_reached[a:b] | spiked[a:b]).sum()
        assert not inputs.any()  # taken, for the next step
        assert not reached.any()


@pytest.mark.parametrize("size", [1, 3, 4, 8, 12, 16, 24, 32, 40, 64, 77])
def test_pieces_of_every_size(size):
    """Channels of a block that were apart before it was split, here two blocks of ``size`` each."""
    from nengo_spikecost.loihi.emulation import delivery_kernels as kernels

    rng = np.random.RandomState(size)
    n = 2 * 5 * size
    position = np.arange(n).reshape(5, 2, size).transpose(1, 0, 2).reshape(-1).astype(np.int32)
    stops = np.array([n // 2, n])
    pieces = pieces_of(position, stops)
    assert pieces["piece_size"].tolist() == [size, size]
    chip = _chip({**pieces, "segment_start": np.array([0, n // 2], dtype=np.int32)})
    given = rng.randint(-(2**31), 2**31, n).astype(np.int32)
    flags, spiked = (rng.rand(2, n) < 0.5).astype(np.uint8)
    inputs, reached = given.copy(), flags.copy()
    for segment, a in enumerate((0, n // 2)):
        own = position[a : a + n // 2]
        q = np.empty(n // 2, dtype=np.int32)
        kernels.take(chip, segment, q, inputs)
        np.testing.assert_array_equal(q, given[own])
        counts = int(kernels.count(chip, segment, reached, spiked))
        assert counts % 2**32 == flags[own].sum()
        assert counts // 2**32 == (flags[own] | spiked[a : a + n // 2]).sum()
    assert not inputs.any()
    assert not reached.any()


@pytest.mark.parametrize("n", [8, 56, 64, 72, 200])
def test_sources_that_fire(n):
    """In ascending order, each as often as it fires."""
    from nengo_spikecost.loihi.emulation import delivery_kernels as kernels

    rng = np.random.RandomState(n)
    flags = (rng.rand(n) < 0.2) * rng.randint(1, 4, n)
    flags[-1] = 255
    counts = np.zeros(n + 5, dtype=np.int32)
    events = np.full(n * 255, -1, dtype=np.int32)
    n_events = kernels.collect(flags.astype(np.uint8), 5, events, 2, counts)
    np.testing.assert_array_equal(events[2:n_events], 5 + np.repeat(np.arange(n), flags))
    np.testing.assert_array_equal(counts[5:], flags)
