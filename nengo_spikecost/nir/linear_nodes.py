"""NIR's linear nodes as maps: shapes, weights and biases.

One function a kind, registered in `LINEAR`: it takes the node and the shape that it is fed, with
channels first as in PyTorch and without samples or time, and gives a `LinearNode`. Sizes are
computed here from weights and the input's shape, not read: tools leave them out, and nir 1.0.8
computes wrong ones for kernels that are not square and for paddings "same" with a stride.

Reference: nir 1.0.8, ir/conv.py, ir/linear.py, ir/pooling.py, ir/flatten.py; PyTorch 2.13,
nn/modules/conv.py and pooling.py, for paddings in words and for what an average is taken over.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..lowering.geometry import Axis
from ..lowering.linear_map import Gather, LinearMap, Matrix
from ..lowering.strided_map import StridedMap
from ..words import counted
from .graph_reading import Node

Shape = tuple[int, ...]


@dataclass(frozen=True)
class LinearNode:
    """What a linear node computes.

    Attributes
    ----------
    map : LinearMap
        From its input, flat, to its output, flat.
    shape : tuple of int
        Of the output.
    bias : ndarray of shape (size_out,), optional
    note : str
        What had to be understood otherwise than it is written, as a clause.
    """

    map: LinearMap
    shape: Shape
    bias: np.ndarray | None = None
    note: str = ""


#: Functions that read a kind of node.
LINEAR: dict[str, Callable[[Node, Shape], LinearNode]] = {}


def _reads(*kinds: str) -> Callable[[Callable], Callable]:
    def decorator(function: Callable) -> Callable:
        LINEAR.update(dict.fromkeys(kinds, function))
        return function

    return decorator


def fixed_shapes(node: Node) -> tuple[Shape | None, Shape | None]:
    """Shapes of input and output that a node's own numbers tell; None where they do not."""
    if node.kind in ("Affine", "Linear") and node.has("weight"):
        shape = np.shape(node.fields["weight"])
        return (shape[1:], shape[:1]) if len(shape) == 2 else (None, None)
    if node.kind in ("Conv1d", "Conv2d") and node.has("input_shape") and node.has("weight"):
        sizes = node.whole("input_shape")
        weight = np.shape(node.fields["weight"])
        groups = per_axis(node, "groups", 1, 1)[0]
        if len(sizes) == len(weight) - 2 and min(sizes, default=0) > 0:
            return (weight[1] * groups, *sizes), None
    if node.kind == "Scale" and node.has("scale"):
        shape = np.shape(node.fields["scale"])
        # along axes of 1 a scale may be the same for any number of values
        return (shape, shape) if shape and min(shape) > 1 else (None, None)
    if node.kind == "Flatten" and node.has("input_type"):
        return node.whole("input_type"), None
    return None, None


@_reads("Affine", "Linear")
def _affine(node: Node, shape: Shape) -> LinearNode:
    weight = node.array("weight")
    if weight.ndim != 2:
        raise node.error(f"has weights of {weight.ndim} axes; expected (outputs, inputs)")
    n_out, n_in = weight.shape
    bias = node.array("bias") if node.has("bias") else np.zeros(n_out)
    if bias.size not in (1, n_out):
        raise node.error(f"has {bias.size} biases for {counted(n_out, 'output')}")
    bias = np.broadcast_to(bias.ravel(), (n_out,))
    size, note = math.prod(shape), ""
    made: LinearMap
    shape_out: Shape
    if size == n_in:
        if len([n for n in shape if n != 1]) > 1:
            note = f"takes values of shape {in_words(shape)} as flat, in the order of their axes"
        made, shape_out = Matrix(weight), (n_out,)
    elif shape and shape[-1] == n_in:
        # along the last axis, as PyTorch's Linear: a convolution of length 1 over all others
        axis = Axis(size // n_in, size // n_in)
        made = StridedMap(weight.T[None, None], [axis], channels_last=True)
        shape_out, bias = (*shape[:-1], n_out), np.tile(bias, size // n_in)
    else:
        raise node.error(
            f"takes {counted(n_in, 'value')}, and is fed {size} (of shape {in_words(shape)})"
        )
    return LinearNode(made, shape_out, bias if bias.any() else None, note)


@_reads("Scale")
def _scale(node: Node, shape: Shape) -> LinearNode:
    scale = node.array("scale")
    try:
        factors = np.broadcast_to(scale, shape)
    except ValueError:
        if scale.size != math.prod(shape):
            raise node.error(
                f"has scales of shape {in_words(scale.shape)}, and is fed values of shape "
                f"{in_words(shape)}"
            ) from None
        factors = scale.reshape(shape)
    return LinearNode(Gather.identity(factors.size, factors.ravel()), shape)


@_reads("Flatten")
def _flatten(node: Node, shape: Shape) -> LinearNode:
    # the axis of samples is not there: nir counts from the first axis behind it
    first, last = (node.whole(k)[0] if node.has(k) else d for k, d in _FLATTENED)
    n = len(shape)
    first, last = max(first + n if first < 0 else first, 0), last + n if last < 0 else last
    note = ""
    if first >= n or last < first:
        first, last = 0, n - 1
        note = "has no axes to flatten, and flattens all"
    flat = (*shape[:first], math.prod(shape[first : last + 1]), *shape[last + 1 :])
    return LinearNode(Gather.identity(math.prod(shape)), flat, note=note)


_FLATTENED = (("start_dim", 1), ("end_dim", -1))


@_reads("Conv1d", "Conv2d")
def _convolution(node: Node, shape: Shape) -> LinearNode:
    n_axes = int(node.kind[4])
    weight = node.array("weight")
    if weight.ndim != n_axes + 2:
        raise node.error(
            f"has weights of {weight.ndim} axes; expected (channels out, channels in of a group, "
            "and the kernel's)"
        )
    lengths = weight.shape[2:]
    strides, dilations = (per_axis(node, k, n_axes, 1) for k in ("stride", "dilation"))
    groups = per_axis(node, "groups", 1, 1)[0]
    n_out, per_group = weight.shape[:2]
    if n_out % groups:
        raise node.error(f"has {n_out} channels out, which are no {groups} groups")
    image = _image(node, shape, per_group * groups, n_axes)
    paddings, note = _paddings(node, lengths, dilations, strides)
    axes = _axes(node, image[1:], lengths, strides, paddings, dilations)
    # (out, in, *kernel) becomes (*kernel, groups, in, out), with zeros where a kernel is dilated
    parts = weight.reshape(groups, n_out // groups, per_group, *lengths)
    parts = np.moveaxis(parts, (0, 2, 1), (-3, -2, -1))
    kernel = np.zeros((*(axis.length for axis in axes), *parts.shape[-3:]))
    kernel[tuple(slice(None, None, d) for d in dilations)] = parts
    made = StridedMap(kernel, axes, channels_last=False)
    bias = node.array("bias").ravel() if node.has("bias") else np.zeros(n_out)
    if bias.size not in (1, n_out):
        raise node.error(f"has {bias.size} biases for {n_out} channels")
    space = tuple(axis.size_out for axis in axes)
    biases = np.repeat(np.broadcast_to(bias, (n_out,)), math.prod(space))
    return LinearNode(made, (n_out, *space), biases if biases.any() else None, note)


@_reads("AvgPool2d", "SumPool2d")
def _pooling(node: Node, shape: Shape) -> LinearNode:
    lengths = per_axis(node, "kernel_size", 2, None)
    strides = per_axis(node, "stride", 2, None) if node.has("stride") else lengths
    note = "" if node.has("stride") else "has no stride, and takes its kernel's size, as PyTorch"
    paddings = [(p, p) for p in per_axis(node, "padding", 2, 0)]
    if len(shape) != 3:
        raise node.error(f"takes images (channels, height, width), not {in_words(shape)}")
    axes = _axes(node, shape[1:], lengths, strides, paddings, (1, 1))
    value = 1.0 if node.kind == "SumPool2d" else 1.0 / math.prod(lengths)
    kernel = np.full((*lengths, shape[0], 1, 1), value)
    made = StridedMap(kernel, axes, channels_last=False)
    return LinearNode(made, (shape[0], *(axis.size_out for axis in axes)), note=note)


def _axes(
    node: Node, sizes: Sequence[int], lengths: Sequence[int], strides: Sequence[int],
    paddings: Sequence[tuple[int, int]], dilations: Sequence[int],
) -> list[Axis]:  # fmt: skip
    axes = []
    for size, length, stride, (before, after), dilation in zip(
        sizes, lengths, strides, paddings, dilations
    ):
        span = dilation * (length - 1) + 1
        size_out = (size + before + after - span) // stride + 1
        if size_out < 1:
            raise node.error(
                f"has a kernel that reaches over {counted(span, 'value')}, and is fed {size}"
                + (f" and {before + after} zeros around them" if before + after else "")
            )
        axes.append(Axis(size, size_out, span, stride, 1, before))
    return axes


def _paddings(
    node: Node, lengths: Sequence[int], dilations: Sequence[int], strides: Sequence[int]
) -> tuple[list[tuple[int, int]], str]:
    """Zeros before and after each axis, and a note."""
    given = node.fields.get("padding", 0)
    if isinstance(given, np.ndarray) and given.dtype.kind in "SUO" and given.size == 1:
        given = given.ravel()[0]
        given = given.decode() if isinstance(given, bytes) else given
    if not isinstance(given, str):
        return [(p, p) for p in per_axis(node, "padding", len(lengths), 0)], ""
    if given == "valid":
        return [(0, 0)] * len(lengths), ""
    if given != "same":
        raise node.error(f"has the padding {given!r}; expected numbers, 'same' or 'valid'")
    totals = [d * (n - 1) for n, d in zip(lengths, dilations)]
    note = ""
    if any(stride > 1 for stride in strides):
        note = (
            "has padding 'same' with a stride, which PyTorch refuses: as many zeros as without "
            "one, and every stride-th output"
        )
    return [(total // 2, total - total // 2) for total in totals], note


def per_axis(node: Node, name: str, n: int, default: int | None) -> tuple[int, ...]:
    """A field of whole numbers, one for each axis."""
    if default is not None and not node.has(name):
        return (default,) * n
    values = node.array(name).ravel()
    least = 0 if name == "padding" else 1
    if values.size not in (1, n) or (values != np.rint(values)).any() or values.min() < least:
        raise node.error(
            f"has a {name} of {values.tolist()}; expected {'a whole number' if n == 1 else n}"
            f"{'' if n == 1 else ' whole numbers'} from {least}"
        )
    return tuple(int(v) for v in np.broadcast_to(values, (n,)))


def _image(node: Node, shape: Shape, channels: int, n_axes: int) -> Shape:
    """The shape as (channels, *space)."""
    if len(shape) == n_axes and channels == 1:
        return (1, *shape)
    if len(shape) != n_axes + 1 or shape[0] != channels:
        own = fixed_shapes(node)[0]
        if own is not None and math.prod(own) == math.prod(shape):
            return own
        space = "length" if n_axes == 1 else "height, width"
        raise node.error(
            f"takes images of {channels} channels, (channels, {space}), and is fed values of "
            f"shape {in_words(shape)}"
        )
    return shape


def in_words(shape: Sequence[int]) -> str:
    """A shape as it is printed."""
    return f"({', '.join(map(str, shape))})" if len(shape) != 1 else str(shape[0])
