"""The rows of docs/layers.md that are not converted, and say why."""

from __future__ import annotations

from typing import Any

from layer_rows import IMAGE, LINE, VECTOR, Build, Row, keras_layers, one, relu, shown


def refused() -> tuple[Row, ...]:
    """Layers that are not converted."""
    layers = keras_layers()
    group = "Not converted"
    found = []
    for name, shape, arguments in (
        ("LayerNormalization", IMAGE, {}),
        ("UnitNormalization", VECTOR, {}),
        ("GroupNormalization", IMAGE, {"groups": 1}),
        ("SimpleRNN", LINE, {"units": 3}),
        ("LSTM", LINE, {"units": 3}),
        ("GRU", LINE, {"units": 3}),
        ("ConvLSTM1D", IMAGE, {"filters": 2, "kernel_size": 2}),
        ("Dense", VECTOR, {"units": 4, "activation": "gelu"}),
        ("Dense", VECTOR, {"units": 4, "activation": "elu"}),
        ("Activation", VECTOR, {"activation": "swish"}),
        ("ELU", VECTOR, {}),
        ("ReLU", VECTOR, {"threshold": 0.5}),
        ("ThresholdedReLU", VECTOR, {"theta": 0.5}),
        ("EinsumDense", VECTOR, {"equation": "ab,bc->ac", "output_shape": 3}),
        ("LocallyConnected1D", LINE, {"filters": 2, "kernel_size": 2}),
        ("LocallyConnected2D", IMAGE, {"filters": 2, "kernel_size": 2}),
        ("CenterCrop", IMAGE, {"height": 9, "width": 4}),
        ("RandomCrop", IMAGE, {"height": 4, "width": 4}),
        ("Resizing", IMAGE, {"height": 3, "width": 3}),
        ("Masking", LINE, {}),
    ):
        build = getattr(layers, name)
        found.append(Row(group, name, shown(arguments), shape, one(build, **arguments)))

    def embedded(x: Any) -> Any:
        return layers.Embedding(5, 2, name="layer")(x)

    def attention(x: Any) -> Any:
        return layers.MultiHeadAttention(1, 2, name="layer")(x, x)

    def bidirectional(x: Any) -> Any:
        return layers.Bidirectional(layers.LSTM(2), name="layer")(x)

    def with_itself(kind: str) -> Build:
        return lambda x: getattr(layers, kind)(name="layer")([x, relu(x)])

    found.append(Row(group, "Multiply", "", IMAGE, with_itself("Multiply")))
    for kind in ("Attention", "AdditiveAttention"):
        found.append(Row(group, kind, "", LINE, with_itself(kind)))
    dot = layers.Dot
    return (
        *found,
        Row(group, "Bidirectional", "", LINE, bidirectional, words="of any layer"),
        Row(group, "Dot", "axes=1", VECTOR, lambda x: dot(1, name="layer")([x, relu(x)])),
        Row(group, "Embedding", "", VECTOR, embedded),
        Row(group, "MultiHeadAttention", "", LINE, attention),
        Row(group, "Lambda", "", IMAGE, lambda x: layers.Lambda(lambda y: -y, name="layer")(x)),
        Row(group, "a * b", "", IMAGE, lambda x: x * relu(x)),
        Row(group, "tf.exp(a)", "", IMAGE, _exponential),
    )


def _exponential(x: Any) -> Any:
    import tensorflow as tf

    return tf.exp(x)
