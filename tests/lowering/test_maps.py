"""Single maps against brute force: their formula, Nengo's operators, NumPy's indexing."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nengo.builder.signal import Signal
from nengo.builder.transforms import ConvInc, ConvTransposeInc
from nengo.transforms import Convolution, ConvolutionTranspose, Dense, NoTransform, Sparse

from nengo_spikecost.lowering import emission
from nengo_spikecost.lowering.composition import TooManyWeights, add, compose
from nengo_spikecost.lowering.emission import to_transform
from nengo_spikecost.lowering.geometry import Axis, Image
from nengo_spikecost.lowering.linear_map import Gather, Matrix
from nengo_spikecost.lowering.map_reading import transform_map
from nengo_spikecost.lowering.recognition import as_strided
from nengo_spikecost.lowering.strided_map import StridedMap

EXAMPLES = settings(
    max_examples=200,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)


@st.composite
def strided_maps(draw, image=None):
    """A map from a given image, or any small one."""
    rng = np.random.RandomState(draw(st.integers(0, 2**16)))
    if image is None:
        space = tuple(draw(st.lists(st.integers(1, 6), min_size=1, max_size=2)))
        image = Image(space, draw(st.sampled_from([1, 2, 4])), draw(st.booleans()))
    axes = []
    for size in image.space:
        stride, upsampling = draw(st.sampled_from([(1, 1), (2, 1), (3, 1), (1, 2), (2, 2), (2, 3)]))
        size_out, length = draw(st.integers(1, 8)), draw(st.integers(1, 4))
        axes.append(Axis(size, size_out, length, stride, upsampling, draw(st.integers(-3, 4))))
    groups = draw(st.sampled_from([g for g in (1, 2, 4) if image.channels % g == 0]))
    shape = (*(a.length for a in axes), groups, image.channels // groups, draw(st.integers(1, 2)))
    kernel = rng.randint(-2, 3, shape).astype(float)
    return StridedMap(kernel, axes, image.channels_last), kernel, axes


def formula(kernel, axes, last):
    """The whole matrix, from the formula in the module's docstring."""
    groups, per_in, per_out = kernel.shape[-3:]
    before = Image(tuple(a.size_in for a in axes), groups * per_in, last)
    after = Image(tuple(a.size_out for a in axes), groups * per_out, last)
    columns, rows = (
        np.moveaxis(n, 0, -1) if not last else n
        for n in (np.arange(i.size).reshape(i.shape) for i in (before, after))
    )
    matrix = np.zeros((after.size, before.size))
    for o in np.ndindex(*after.space):
        for i in np.ndindex(*before.space):
            place = tuple(x * a.upsampling - y * a.stride + a.offset for x, y, a in zip(i, o, axes))
            if all(0 <= t < a.length for t, a in zip(place, axes)):
                for g in range(groups):
                    into = columns[i][g * per_in : (g + 1) * per_in]
                    out = rows[o][g * per_out : (g + 1) * per_out]
                    matrix[np.ix_(out, into)] = kernel[place][g].T
    return matrix


@EXAMPLES
@given(strided_maps())
def test_strided_maps_follow_their_formula(drawn):
    strided, kernel, axes = drawn
    expected = formula(kernel, axes, strided.channels_last)
    matrix = strided.to_sparse()
    np.testing.assert_array_equal(matrix.toarray(), expected)
    assert strided.n_weights == matrix.nnz == np.count_nonzero(expected)
    np.testing.assert_array_equal(strided.apply(np.eye(strided.size_in)), expected)
    np.testing.assert_array_equal(strided.adjoint(np.eye(strided.size_out)), expected.T)
    np.testing.assert_array_equal(strided.with_groups(1).to_sparse().toarray(), expected)


@EXAMPLES
@given(st.data())
def test_compositions_are_products(data):
    first = data.draw(strided_maps())[0]
    second = data.draw(strided_maps(first.image_out))[0]
    expected = (second.to_sparse() @ first.to_sparse()).toarray()
    np.testing.assert_array_equal(compose(second, first).to_sparse().toarray(), expected)
    kept = second.after(first)
    if kept is not None:
        np.testing.assert_array_equal(kept.to_sparse().toarray(), expected)
    elif len(first.axes) == 1 and first.axes[0].stride == second.axes[0].stride == 1:
        # Refused for a border: without it, values there would have been added.
        assert _differs_beyond_the_border(second, first, expected)


def _differs_beyond_the_border(second, first, expected):
    """Whether a wider image between two maps along one axis gives other products."""
    room = 40
    a, b = first.axes[0], second.axes[0]
    ones = np.ones_like(first.kernel), np.ones_like(second.kernel)
    last = first.channels_last
    wide_a = Axis(
        a.size_in, a.size_out + 2 * room, a.length, a.stride, a.upsampling,
        a.offset + room * a.stride,
    )  # fmt: skip
    wide_b = Axis(
        b.size_in + 2 * room, b.size_out, b.length, b.stride, b.upsampling,
        b.offset - room * b.upsampling,
    )  # fmt: skip
    wide = (
        StridedMap(ones[1], [wide_b], last).to_sparse()
        @ StridedMap(ones[0], [wide_a], last).to_sparse()
    )
    narrow = StridedMap(ones[1], [b], last).to_sparse() @ StridedMap(ones[0], [a], last).to_sparse()
    return (wide != narrow).nnz > 0


@EXAMPLES
@given(st.data())
def test_sums(data):
    one, kernel, axes = data.draw(strided_maps())
    moved = [
        Axis(a.size_in, a.size_out, a.length, a.stride, a.upsampling,
             a.offset + data.draw(st.integers(-2, 2)))
        for a in axes
    ]  # fmt: skip
    two = StridedMap(np.flip(kernel, 0), moved, one.channels_last)
    total = add(one, two)
    expected = (one.to_sparse() + two.to_sparse()).toarray()
    if total is None:
        # Strides mean nothing where there is one output only; then they differ.
        assert any(1 in (a.size_in, a.size_out) for a in axes) or not expected.any()
    else:
        np.testing.assert_array_equal(total.to_sparse().toarray(), expected)


def operator_matrix(transform):
    """The matrix of a transform, from Nengo's own operators."""
    size = transform.size_in
    if isinstance(transform, NoTransform):
        return np.eye(size)
    if isinstance(transform, Dense):
        weights = np.asarray(transform.init)
        return weights if weights.ndim == 2 else np.eye(size) * weights
    if isinstance(transform, Sparse):
        return transform.sample().toarray()
    kind = ConvTransposeInc if isinstance(transform, ConvolutionTranspose) else ConvInc
    kernel, x, y = transform.sample(), np.zeros(size), np.zeros(transform.size_out)
    operator = kind(Signal(kernel), Signal(x), Signal(y), transform)
    step = operator.make_step({operator.W: kernel, operator.X: x, operator.Y: y}, 0.001, None)
    matrix = np.zeros((transform.size_out, size))
    for column in range(size):
        x[:], y[:] = 0, 0
        x[column] = 1
        step()
        matrix[:, column] = y
    return matrix


@st.composite
def transforms(draw):
    """A (transposed) convolution as Nengo has them."""
    rng = np.random.RandomState(draw(st.integers(0, 2**16)))
    space = tuple(draw(st.lists(st.integers(1, 8), min_size=1, max_size=2)))
    groups, padding = draw(st.sampled_from([1, 1, 2])), draw(st.sampled_from(["same", "valid"]))
    transposed = draw(st.booleans())
    longest = [4 if transposed or padding == "same" else min(4, n) for n in space]
    kernel = tuple(draw(st.integers(1, n)) for n in longest)
    c_in, c_out = (2 * draw(st.integers(1, 2)) for _ in range(2))
    image = Image(space, c_in, draw(st.booleans()))
    options = {
        "n_filters": c_out,
        "input_shape": image.shape,
        "kernel_size": kernel,
        "strides": tuple(draw(st.integers(1, 3)) for _ in space),
        "padding": padding,
        "channels_last": image.channels_last,
    }
    if transposed:
        return ConvolutionTranspose(init=rng.uniform(-1, 1, (*kernel, c_in, c_out)), **options)
    init = rng.uniform(-1, 1, (*kernel, c_in // groups, c_out))
    return Convolution(init=init, groups=groups, **options)


@EXAMPLES
@given(transforms())
def test_convolutions_are_read_and_written_as_nengo_has_them(transform):
    expected = operator_matrix(transform)
    read = transform_map(transform)
    np.testing.assert_allclose(read.to_sparse().toarray(), expected, rtol=0, atol=1e-12)
    written = to_transform(read)
    np.testing.assert_allclose(operator_matrix(written), expected, rtol=0, atol=1e-12)
    if np.count_nonzero(expected, axis=1).max() == 1:
        # One input an output: no weights to share beyond those of a diagonal.
        return
    assert isinstance(written, (Convolution, ConvolutionTranspose))
    assert written.dimensions == 2
    assert getattr(written, "groups", 1) == getattr(transform, "groups", 1)
    # Zeros around the kernel are needed only where Nengo has no form without them.
    assert np.prod(written.kernel_size) <= np.prod(transform.kernel_size)


@st.composite
def index_images(draw):
    """An image, and an image of indices into it (-1: nothing), as layers make them."""
    image = Image(
        (draw(st.integers(1, 6)), draw(st.integers(1, 6))),
        draw(st.integers(1, 3)),
        draw(st.booleans()),
    )
    numbers = np.arange(image.size).reshape(image.shape)
    numbers = numbers if image.channels_last else np.moveaxis(numbers, 0, -1)
    kind = draw(st.sampled_from(["padding", "cropping", "upsampling", "striding", "channels"]))
    count = st.integers(0, 2)
    if kind == "padding":
        around = [(draw(count), draw(count)), (draw(count), draw(count)), (0, 0)]
        return image, kind, np.pad(numbers, around, constant_values=-1)
    if kind == "upsampling":
        return image, kind, numbers.repeat(draw(count) + 1, 0).repeat(draw(count) + 1, 1)
    if kind == "channels":
        order = draw(st.permutations(range(image.channels)))
        return image, kind, numbers[..., order[: draw(st.integers(1, len(order)))]]
    first, second = (draw(st.integers(0, n - 1)) for n in image.space)
    step = 1 if kind == "cropping" else 2
    return image, kind, numbers[first::step, second::step]


@EXAMPLES
@given(index_images(), st.integers(0, 100))
def test_indices_are_recognised(drawn, seed):
    image, kind, numbers = drawn
    after = Image(numbers.shape[:2], numbers.shape[2], image.channels_last)
    weights = np.random.RandomState(seed).uniform(0.5, 2, after.channels)
    flat = [
        (a if after.channels_last else np.moveaxis(a, -1, 0)).ravel()
        for a in (numbers, np.broadcast_to(weights, numbers.shape))
    ]
    gather = Gather(*flat, image.size)
    for known in ((image, after), (image, None), (None, after)):
        strided = as_strided(gather, *known)
        if strided is None:
            # How far apart copies and samples are in an unknown image, no one can tell.
            assert None in known and kind in ("upsampling", "striding", "cropping")
        else:
            expected = gather.to_sparse().toarray()
            np.testing.assert_array_equal(strided.to_sparse().toarray(), expected)


@EXAMPLES
@given(st.integers(1, 30), st.integers(0, 2**16))
def test_no_other_indices_are_recognised(size, seed):
    rng = np.random.RandomState(seed)
    image = Image((size, 2), 2)
    gather = Gather(rng.randint(-1, image.size, image.size), 1.0, image.size)
    strided = as_strided(gather, image, image)
    if strided is not None:
        expected = gather.to_sparse().toarray()
        np.testing.assert_array_equal(strided.to_sparse().toarray(), expected)


def test_upsampled_convolution():
    """UpSampling by 2, then a "same" 3x3 convolution: a transposed one, 4x4, stride 2."""
    image, wide = Image((4, 5), 2), Image((8, 10), 2)
    numbers = np.arange(image.size).reshape(image.shape).repeat(2, 0).repeat(2, 1)
    up = as_strided(Gather(numbers.ravel(), 1.0, image.size), image, wide)
    kernel = np.random.RandomState(0).uniform(-1, 1, (3, 3, 2, 3))
    conv = transform_map(Convolution(3, wide.shape, (3, 3), padding="same", init=kernel))
    transform = to_transform(compose(conv, up))
    assert isinstance(transform, ConvolutionTranspose)
    assert (transform.kernel_size, transform.strides, transform.padding) == ((4, 4), (2, 2), "same")


def test_padded_strided_convolution():
    """MobileNet's padding on even sizes is TensorFlow's "same"."""
    image = Image((6, 8), 3)
    numbers = np.pad(
        np.arange(image.size).reshape(image.shape), [(0, 1), (0, 1), (0, 0)], constant_values=-1
    )
    pad = as_strided(Gather(numbers.ravel(), 1.0, image.size), image, None)
    kernel = np.random.RandomState(0).uniform(-1, 1, (3, 3, 1, 3))
    conv = transform_map(Convolution(3, (7, 9, 3), (3, 3), (2, 2), init=kernel, groups=3))
    transform = to_transform(compose(conv, pad))
    assert (transform.kernel_size, transform.strides, transform.padding) == ((3, 3), (2, 2), "same")
    np.testing.assert_array_equal(transform.init, kernel)
    assert transform.groups == 3


def test_depthwise_scaling_keeps_groups():
    kernel = np.random.RandomState(0).uniform(-1, 1, (3, 3, 1, 8))
    depthwise = transform_map(Convolution(8, (5, 5, 4), (3, 3), init=kernel, groups=4))
    scale = np.arange(1.0, 9)
    transform = to_transform(compose(Gather.identity(72, np.tile(scale, 9)), depthwise))
    assert transform.groups == 4
    np.testing.assert_allclose(transform.init, kernel * scale)


@pytest.mark.parametrize(
    "weights, kind", [(1.0, NoTransform), (2.0, Dense), (np.arange(1.0, 7), Dense)]
)
def test_diagonals(weights, kind):
    transform = to_transform(Gather.identity(6, weights))
    assert isinstance(transform, kind)
    np.testing.assert_array_equal(operator_matrix(transform), np.eye(6) * weights)


def test_matrices_by_density():
    matrix = np.zeros((20, 20))
    matrix[:2] = 1
    assert isinstance(to_transform(Matrix(matrix)), nengo.Sparse)
    matrix[:10] = 1
    assert isinstance(to_transform(Matrix(matrix)), nengo.Dense)


def test_too_many_weights():
    wide = Matrix(np.ones((20_000, 1)))
    with pytest.raises(TooManyWeights, match="400,000,000 weights"):
        compose(wide, Matrix(np.ones((1, 20_000))))


def test_kernels_that_would_be_mostly_zeros_are_not_written(monkeypatch):
    """Six weights, but 216 with the zeros that Nengo needs before them to start at 5."""
    axes = [Axis(16, 2, 1, 8, 1, -5)] * 2
    strided = StridedMap(np.ones((1, 1, 1, 2, 3)), axes, True)
    transform = to_transform(strided)
    assert transform.kernel_shape == (6, 6, 2, 3)
    written = transform_map(transform).to_sparse().toarray()
    np.testing.assert_array_equal(strided.to_sparse().toarray(), written)
    monkeypatch.setattr(emission, "MAX_WEIGHTS", 215)
    with pytest.raises(TooManyWeights, match="216 weights, most of them zeros"):
        to_transform(strided)
