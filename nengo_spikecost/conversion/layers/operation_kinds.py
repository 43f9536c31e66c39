"""Which bare operations are linear, which are curves, and why the others are refused.

By TensorFlow's symbol (``"math.reduce_mean"``), and by the class of Keras 3's operation
(``"Mean"``).
"""

from __future__ import annotations

from typing import Any

from .curves import ABSOLUTE, HARD_SIGMOID_3, clipped, rectified

CONVERTED = (
    "sums, differences, products with constants, everything else that is linear (slices, reshapes, "
    "means, matrix products with constants), relu, relu6, abs, clip, maximum, minimum and softmax"
)

#: Read as weights by trying them out; the arguments decide whether they are linear.
_LINEAR_TF = (
    "broadcast_to cast concat cumsum expand_dims gather identity image.flip_left_right "
    "image.flip_up_down linalg.matmul matmul math.cumsum math.reduce_mean math.reduce_sum "
    "nn.avg_pool nn.avg_pool2d nn.bias_add nn.conv2d "
    "nn.convolution nn.depth_to_space nn.space_to_depth pad "
    "repeat reshape reverse roll slice squeeze stack stop_gradient strided_slice tensordot tile "
    "transpose einsum compat.v1.transpose compat.v1.squeeze compat.v1.gather compat.v1.pad "
    "linalg.diag_part linalg.band_part where math.negative reduce_mean reduce_sum"
)
_LINEAR_KERAS = (
    "AdaptiveAveragePool Append ArraySplit Average AveragePool BatchNorm BroadcastTo Cast "
    "Concatenate Conj Conjugate Conv ConvTranspose ConvertToTensor Copy CropImages Cumsum Deg2rad "
    "DepthToSpace DepthwiseConv Diag Diagonal Diff Dot Dsplit Dstack Einsum ExpandDims "
    "ExtractPatches Flip Fliplr Flipud GetItem Hsplit Hstack Inner Kron Matmul Mean Moveaxis "
    "Negative Outer Pad PadImages RGBToGrayscale Rad2deg Ravel Real Repeat Reshape Resize Roll "
    "Rot90 SeparableConv Slice SliceUpdate SpaceToDepth "
    "Split Squeeze Stack StopGradient Sum Swapaxes "
    "Take TakeAlongAxis Tensordot Tile Trace Transpose Trapezoid Tril Triu Unstack Vdot Vsplit "
    "Vstack Where"
)

#: From the name of an operation to its kind.
KINDS: dict[str, str] = {
    **dict.fromkeys(_LINEAR_TF.split(), "linear"),
    **dict.fromkeys(_LINEAR_KERAS.split(), "linear"),
    **dict.fromkeys(("__operators__.add", "math.add", "Add"), "sum"),
    **dict.fromkeys(("math.subtract", "Subtract"), "difference"),
    **dict.fromkeys(("math.multiply", "Multiply"), "product"),
    **dict.fromkeys(("math.divide", "math.truediv", "Divide", "TrueDivide"), "quotient"),
    **dict.fromkeys(("math.maximum", "Maximum", "Fmax"), "largest"),
    **dict.fromkeys(("math.minimum", "Minimum", "Fmin"), "smallest"),
    **dict.fromkeys(("math.reduce_max", "reduce_max", "Max", "Amax"), "max"),
    **dict.fromkeys(("math.reduce_min", "reduce_min", "Min", "Amin"), "min"),
    **dict.fromkeys(("clip_by_value", "Clip"), "clip"),
    **dict.fromkeys(
        [
            "math.abs",
            "nn.relu",
            "nn.relu6",
            "nn.leaky_relu",
            "nn.sigmoid",
            "math.sigmoid",
            "nn.tanh",
            "math.tanh",
            "nn.softmax",
            "nn.elu",
            "nn.gelu",
            "nn.silu",
            "nn.swish",
            "nn.selu",
            "math.softplus",
            "nn.softplus",
            "nn.softsign",
            "Absolute",
            "Abs",
            "Fabs",
            "ReLU",
            "Relu",
            "Relu6",
            "LeakyRelu",
            "HardSigmoid",
            "HardTanh",
            "SoftShrink",
            "SparseSigmoid",
            "Sigmoid",
            "Tanh",
            "Softmax",
            "Elu",
            "Gelu",
            "Silu",
            "Selu",
            "Softplus",
            "Softsign",
            "HardSilu",
            "Celu",
            "LogSigmoid",
            "Squareplus",
            "TanhShrink",
            "SparsePlus",
        ],
        "curve",
    ),
}

#: Curves of operations that are not those of a function of Keras 2.
CURVES: dict[str, Any] = {
    "abs": ABSOLUTE,
    "absolute": ABSOLUTE,
    "fabs": ABSOLUTE,
    "hard_sigmoid": HARD_SIGMOID_3,
    "hard_tanh": clipped(-1.0, 1.0, "hard_tanh"),
    "relu6": rectified(max_value=6.0, name="relu6"),
}

_PRODUCTS = "multiplies values with each other, which synapses, that only add, can't do"
_JUMPS = "jumps from one value to another, which no sum of ReLU neurons does"
_REASONS = {
    **dict.fromkeys(
        [
            "square",
            "math.square",
            "power",
            "pow",
            "math.pow",
            "prod",
            "cumprod",
            "reduce_prod",
            "squared_difference",
            "cross",
            "normalize",
            "norm",
            "layer_norm",
            "r_m_s_norm",
            "var",
            "std",
            "moments",
            "reduce_variance",
            "reduce_std",
            "l2_normalize",
            "dot_product_attention",
            "reciprocal",
            "hypot",
        ],
        _PRODUCTS,
    ),
    **dict.fromkeys(
        [
            "floor",
            "ceil",
            "round",
            "trunc",
            "sign",
            "rint",
            "greater",
            "greater_equal",
            "less",
            "less_equal",
            "equal",
            "not_equal",
            "argmax",
            "argmin",
            "argsort",
            "sort",
            "top_k",
            "one_hot",
            "heaviside",
            "digitize",
            "mod",
            "fmod",
            "floor_divide",
            "floordiv",
            "floormod",
            "hard_shrink",
            "threshold",
            "signbit",
            "logical_and",
            "logical_or",
            "logical_not",
            "top_k",
            "argpartition",
            "sparsemax",
        ],
        _JUMPS,
    ),
    **dict.fromkeys(
        [
            "exp",
            "exp2",
            "expm1",
            "log",
            "log1p",
            "log2",
            "log10",
            "sqrt",
            "rsqrt",
            "cbrt",
            "sin",
            "cos",
            "tan",
            "sinh",
            "cosh",
            "erf",
            "erfc",
            "logsumexp",
            "reduce_logsumexp",
            "log_softmax",
            "arctan",
            "logaddexp",
        ],
        "has a curve that no neurons have",
    ),
}


def reason_of_operation(symbol: str) -> str:
    """Why an operation is not converted: a clause."""
    name = symbol.rpartition(".")[2]
    snake = "".join(f"_{c.lower()}" if c.isupper() and i else c.lower() for i, c in enumerate(name))
    shown = f"keras.ops.{snake}" if name[:1].isupper() else f"tf.{symbol}"
    why = _REASONS.get(snake)
    if why is not None:
        return (
            f"{shown} {why}; leave it out of the model, or train with relu, Add or "
            "BatchNormalization in its place"
        )
    return (
        f"of bare operations only {CONVERTED} are converted, not {shown}; use a Keras layer for it"
    )
