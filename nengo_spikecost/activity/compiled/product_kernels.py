"""Products of weights and the values of sources, for one sample: spike by spike, or dense.

Every product adds to each of its targets the products of its sources in ascending order of these,
one after another, so that both ways give the same bits (vector_code.py).

* A **matrix** has a row of weights for each source. Spike by spike, silent sources cost nothing;
  its dense product reads all weights, but keeps the sums of many targets in registers.
* A **convolution** of images has channels last. Its dense product reads each weight once for
  several neighbouring positions, so that a weight costs little more than its multiplication;
  spike by spike, every weight that a spike meets is added to a sum in memory. Which costs less
  depends on how many sources fire: `Products.most_events` says up to how many it is the second.
* A **sparse** matrix is kept by source, and delivered likewise.

Shapes: ``x`` and ``y`` are the memory of a lane (instructions.py), or constants; ``events``
int32 is room for as many sources as a product has. ``ended`` int64 (1,) is set by another thread to
end a product in its middle, as the largest take seconds.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from .products import MATRIX, SPARSE
from .vector_code import (
    active_bits,
    add_scaled,
    add_tile,
    is_set,
    lowest_bit,
    n_bits,
    read_marks,
)
from .vector_sizes import TILE_RUNS, TILE_VECTORS, WIDTH

_inline = numba.njit(inline="always", error_model="numpy")
_kernel = numba.njit(nogil=True, error_model="numpy")


@_inline
def add_run(y: Any, at: Any, weights: Any, first: Any, value: Any, size: Any) -> None:
    """``y[at : at + size] += value * weights[first : first + size]``; all indices are int64."""
    end = at + size
    while at + 64 <= end:
        add_scaled(y, at, weights, first, value, 64)
        at += 64
        first += 64
    while at + 16 <= end:
        add_scaled(y, at, weights, first, value, 16)
        at += 16
        first += 16
    while at + 4 <= end:
        add_scaled(y, at, weights, first, value, 4)
        at += 4
        first += 4
    while at < end:
        add_scaled(y, at, weights, first, value, 1)
        at += 1
        first += 1


@_kernel
def active(x: Any, at: int, n: int, events: Any) -> int:
    """Write the sources with a value other than 0 to ``events``; gives how many.

    Few have one: 64 are compared at once, and only those that have one are looked at.
    """
    count: Any = np.int64(0)
    j: Any = np.int64(0)
    one = np.uint64(1)
    while j + 64 <= n:
        bits = active_bits(x, at + j)
        while bits != 0:
            events[count] = j + lowest_bit(bits)
            count += 1
            bits &= bits - one
        j += 64
    while j < n:
        events[count] = j
        count += x[at + j] != 0
        j += 1
    return count


@_kernel
def marked(memory: Any, marks: int, n: int, events: Any) -> int:
    """The same of sources that are marked (layer_kernels.py): a bit is read for each."""
    count: Any = np.int64(0)
    one = np.uint64(1)
    for block in range(np.int64(0), (n + 63) // 64):
        bits = read_marks(memory, marks, block)
        while bits != 0:
            events[count] = block * 64 + lowest_bit(bits)
            count += 1
            bits &= bits - one
    return count


@_kernel
def n_marked(memory: Any, marks: int, n: int) -> int:
    """How many sources are marked."""
    count: Any = np.int64(0)
    for block in range(np.int64(0), (n + 63) // 64):
        count += n_bits(read_marks(memory, marks, block))
    return count


#: Every so many blocks of 64 sources are counted to see how busy a layer is.
SAMPLED = 8


@_kernel
def seems_busy(x: Any, at: int, n: int, most: int) -> bool:
    """Whether more than ``most`` of ``n`` sources have a value, as every eighth block says.

    Where a dense product is due, the list of sources need not be written, which may cost a fifth
    of it. A wrong guess costs little: near ``most``, both ways take as long.
    """
    if most >= n:
        return False
    count, blocks = 0, 0
    for j in range(np.int64(0), n - 63, 64 * SAMPLED):
        count += n_bits(active_bits(x, at + j))
        blocks += 1
    return blocks >= SAMPLED and count * n > most * blocks * 64


@_kernel
def matrix_events(
    p: Any, k: int, x: Any, x_at: int, y: Any, y_at: int, events: Any, n_events: int, ended: Any,
) -> None:  # fmt: skip
    """``y += W x`` by the sources in ``events``."""
    n_targets = p.shape[k, 2]
    first = p.weights[k]
    for e in range(n_events):
        if is_set(ended):
            return
        i = np.int64(events[e])
        add_run(y, y_at, p.values, first + i * n_targets, x[x_at + i], n_targets)


@_kernel
def matrix_dense(p: Any, k: int, x: Any, x_at: int, y: Any, y_at: int, ended: Any) -> None:
    """``y += W x``: sums of many targets stay in registers while their sources go by."""
    n, n_targets, first = p.shape[k, 1], p.shape[k, 2], p.weights[k]
    c, none, one = np.int64(0), np.int64(0), np.int64(1)
    to, at, values = np.int64(y_at), np.int64(x_at), p.values
    while c + 8 * WIDTH <= n_targets:
        if is_set(ended):
            return
        add_tile(
            y, to + c, none, x, at, none, none, one, n, values, first + c, n_targets, 1, 8, WIDTH
        )
        c += 8 * WIDTH
    while c + 2 * WIDTH <= n_targets:
        add_tile(
            y, to + c, none, x, at, none, none, one, n, values, first + c, n_targets, 1, 2, WIDTH
        )
        c += 2 * WIDTH
    while c + 4 <= n_targets:
        add_tile(y, to + c, none, x, at, none, none, one, n, values, first + c, n_targets, 1, 1, 4)
        c += 4
    while c < n_targets:
        add_tile(y, to + c, none, x, at, none, none, one, n, values, first + c, n_targets, 1, 1, 1)
        c += 1


@_kernel
def sparse_events(
    p: Any, k: int, x: Any, x_at: int, y: Any, y_at: int, events: Any, n_events: int, ended: Any,
) -> None:  # fmt: skip
    """The same for a sparse matrix."""
    starts, places = p.sparse_at[k, 0], p.sparse_at[k, 1]
    first = p.weights[k]
    for e in range(n_events):
        if is_set(ended):
            return
        i = np.int64(events[e])
        value = x[x_at + i]
        for j in range(p.starts[starts + i], p.starts[starts + i + 1]):
            add_scaled(y, y_at + np.int64(p.places[places + j]), p.values, first + j, value, 1)


@_kernel
def convolution_events(
    p: Any, k: int, x: Any, x_at: int, y: Any, y_at: int, events: Any, n_events: int, ended: Any,
) -> None:  # fmt: skip
    """The same for a convolution.

    Of a row of the kernel, a source reaches with every stride-th column, one target each. The
    weights of a source are kept in this order (`by_source`), so that they are one run, and so are
    their targets.
    """
    shape = p.shape[k]
    columns, channels = shape[4], shape[5]
    out_rows, out_columns, out_channels = shape[6], shape[7], shape[8]
    k_rows, k_columns, down, right = shape[9], shape[10], shape[11], shape[12]
    top, left = shape[13], shape[14]
    kernel, row_size = k_rows * k_columns * out_channels, k_columns * out_channels
    each, more = k_columns // right, k_columns % right
    # divisions of whole numbers would take longer than all else here; with the half, which none of
    # the products can round away, these are as exact
    by_channels, by_columns, by_down, by_right = 1 / channels, 1 / columns, 1 / down, 1 / right
    for e in range(n_events):
        if is_set(ended):
            return
        i = np.int64(events[e])
        value = x[x_at + i]
        # the source's coordinates, and the last row, and column, of the targets that it reaches
        pixel = np.int64((i + 0.5) * by_channels)
        row = np.int64((pixel + 0.5) * by_columns)
        weights = p.weights[k] + (i - pixel * channels) * kernel
        below, right_of = row + top, pixel - row * columns + left
        target_row = np.int64((below + 0.5) * by_down)
        last = np.int64((right_of + 0.5) * by_right)
        # columns of the kernel with which it reaches a target: every stride-th from this one on,
        # of which the last reaches the first target
        column = right_of - last * right
        n_columns = each + (column < more)
        start = last - (n_columns - 1)
        skip = max(-start, 0)
        first = column * each + min(column, more) + skip
        start += skip
        size = (min(last + 1, out_columns) - start) * out_channels
        a = below - target_row * down
        while a < k_rows and target_row >= 0:
            if target_row < out_rows:
                target = y_at + target_row * out_columns * out_channels
                if size > 0:
                    own = weights + a * row_size + first * out_channels
                    add_run(y, target + start * out_channels, p.values, own, value, size)
            target_row -= 1
            a += down


@_inline
def _image(
    p: Any, k: Any, y: Any, y_at: Any, padded: Any, width: Any, c: Any, vectors: Any, size: Any,
    ended: Any,
) -> None:  # fmt: skip
    """The channels from ``c`` on of all targets; how many, two literals say."""
    shape = p.shape[k]
    channels = shape[5]
    out_rows, out_columns, out_channels = shape[6], shape[7], shape[8]
    k_rows, row_size, down, step = shape[9], shape[10] * channels, shape[11], shape[12] * channels
    # each group of channels has its weights together: groups before this one have c channels
    first, w_step = p.by_target[k] + c * k_rows * row_size, vectors * size
    for row in range(out_rows):
        if is_set(ended):
            return
        base = row * down * width
        at = y_at + row * out_columns * out_channels + c
        column = np.int64(0)
        while column + TILE_RUNS <= out_columns:
            add_tile(
                y, at + column * out_channels, out_channels, padded, base + column * step, step,
                width, k_rows, row_size, p.values, first, w_step, TILE_RUNS, vectors, size,
            )  # fmt: skip
            column += TILE_RUNS
        while column < out_columns:
            add_tile(
                y, at + column * out_channels, out_channels, padded, base + column * step, step,
                width, k_rows, row_size, p.values, first, w_step, 1, vectors, size,
            )  # fmt: skip
            column += 1


@_kernel
def convolution_dense(
    p: Any, k: int, x: Any, x_at: int, y: Any, y_at: int, padded: Any, ended: Any
) -> None:  # fmt: skip
    """The same convolution as a dense product.

    ``padded`` float is room for the sources with a border of zeros.
    """
    shape = p.shape[k]
    rows, columns, channels = shape[3], shape[4], shape[5]
    out_rows, out_columns, out_channels = shape[6], shape[7], shape[8]
    k_rows, k_columns, down, right = shape[9], shape[10], shape[11], shape[12]
    top, left = shape[13], shape[14]
    all_rows = (out_rows - 1) * down + k_rows
    all_columns = (out_columns - 1) * right + k_columns
    # 1. the sources within a border, or without the last ones if none of the targets reads these
    width = all_columns * channels
    padded[: all_rows * width] = 0
    used_columns = min(columns, all_columns - left) * channels
    for row in range(min(rows, all_rows - top)):
        to = (row + top) * width + left * channels
        of = x_at + row * columns * channels
        for j in range(used_columns):
            padded[to + j] = x[of + j]
    # 2. a few channels of all targets after another, so that their weights stay in the cache
    c = np.int64(0)
    while c + TILE_VECTORS * WIDTH <= out_channels:
        _image(p, k, y, y_at, padded, width, c, TILE_VECTORS, WIDTH, ended)
        c += TILE_VECTORS * WIDTH
    while c + WIDTH <= out_channels:
        _image(p, k, y, y_at, padded, width, c, 1, WIDTH, ended)
        c += WIDTH
    while c + 4 <= out_channels:
        _image(p, k, y, y_at, padded, width, c, 1, 4, ended)
        c += 4
    while c < out_channels:
        _image(p, k, y, y_at, padded, width, c, 1, 1, ended)
        c += 1


@_kernel
def product(
    p: Any, k: int, x: Any, x_at: int, y: Any, y_at: int, marks: int, events: Any, padded: Any,
    ended: Any,
) -> None:  # fmt: skip
    """``y[y_at:] += W x[x_at:]`` for product ``k``, in whichever way costs less.

    ``marks`` is where in ``y`` the sources are marked that are not 0, or -1.
    """
    kind, n = p.shape[k, 0], p.shape[k, 1]
    most = n if kind == SPARSE else p.most_events[k]
    n_events: Any = np.int64(0)
    if marks >= 0:
        busy = most < n and n_marked(y, marks, n) > most
        if not busy:
            n_events = marked(y, marks, n, events)
    else:
        busy = seems_busy(x, x_at, n, most)
        if not busy:
            n_events = active(x, x_at, n, events)
    if busy or n_events > most:
        if kind == MATRIX:
            matrix_dense(p, k, x, x_at, y, y_at, ended)
        else:
            convolution_dense(p, k, x, x_at, y, y_at, padded, ended)
    elif kind == MATRIX:
        matrix_events(p, k, x, x_at, y, y_at, events, n_events, ended)
    elif kind == SPARSE:
        sparse_events(p, k, x, x_at, y, y_at, events, n_events, ended)
    else:
        convolution_events(p, k, x, x_at, y, y_at, events, n_events, ended)
