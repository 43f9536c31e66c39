"""How many operations a layer makes.

The operation of a convolution or a dense layer is a multiply-accumulate; of everything else,
whatever its circuit does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from ....layers.layer_macs import CONVOLUTIONS, layer_macs, taps_met
from ....layers.layer_shape import LayerShape

#: Classes with weights whose formats QKeras works out.
WEIGHTED_IN_QKERAS = (
    "Dense", "Conv1D", "Conv2D", "DepthwiseConv2D", "SeparableConv2D", "QDense", "QConv1D",
    "QConv2D", "QDepthwiseConv2D", "QSeparableConv2D",
)  # fmt: skip

#: Average poolings that it adds up.
POOLED_IN_QKERAS = ("AveragePooling2D", "GlobalAveragePooling2D")

#: Classes whose operations it prices.
PRICED_BY_QKERAS = (
    *(name for name in WEIGHTED_IN_QKERAS if "Separable" not in name),
    *POOLED_IN_QKERAS,
    "BatchNormalization",
    "QBatchNormalization",
    "Add",
    "Multiply",
    "Subtract",
)

Count = Callable[[LayerShape], int]


def n_operations(shape: LayerShape) -> int:
    """Operations of one application of a layer, none where a kernel leaves its input."""
    return _COUNTS.get(shape.kind, _none)(shape)


def n_operations_of_qkeras(shape: LayerShape) -> int:
    """Operations of a layer as QKeras counts them, faults and all.

    It knows classes by name: groups are ignored, average poolings are counted for one
    position, and what it does not know has none.
    """
    if shape.type not in PRICED_BY_QKERAS:
        return 0
    return _QKERAS_COUNTS.get(shape.kind, _none)(shape)


def _none(shape: LayerShape) -> int:
    return 0


def _kernel(shape: LayerShape) -> int:
    return math.prod(shape.kernel_size)


def _pooling(shape: LayerShape) -> int:
    return taps_met(shape) * shape.channels_out


def _comparisons(shape: LayerShape) -> int:
    return _pooling(shape) - shape.n_out


def _merge(shape: LayerShape) -> int:
    return shape.n_out * max(0, len(shape.input_shapes) - 1)


_COUNTS: Mapping[str, Count] = {
    **dict.fromkeys((*CONVOLUTIONS, "dense"), layer_macs),
    "batch normalization": lambda shape: shape.n_out,
    "average pooling": _pooling,
    "max pooling": _comparisons,
    **dict.fromkeys(("add", "subtract", "multiply", "average", "maximum", "minimum"), _merge),
}


def _largest_input(shape: LayerShape) -> int:
    return max((math.prod(s) for s in shape.input_shapes), default=0)


def _merge_of_qkeras(shape: LayerShape) -> int:
    return (len(shape.input_shapes) - 1) * _largest_input(shape)


_QKERAS_COUNTS: Mapping[str, Count] = {
    "convolution": lambda s: s.n_out * _kernel(s) * s.channels_in,
    "depthwise convolution": lambda s: (
        s.n_out // s.channels_out * _kernel(s) * s.channels_in if s.n_out else 0
    ),
    "dense": lambda s: s.channels_in * s.channels_out,
    "batch normalization": lambda s: s.n_out,
    "average pooling": lambda s: s.channels_out * _kernel(s),
    **dict.fromkeys(("add", "subtract", "multiply"), _merge_of_qkeras),
}
