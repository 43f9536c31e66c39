"""The networks of the stored output of QKeras' qtools, as shapes and formats by hand."""

from __future__ import annotations

from typing import Any

from nengo_spikecost.layers.layer_shape import LayerShape

KINDS = {
    "Conv2D": "convolution",
    "Dense": "dense",
    "BatchNormalization": "batch normalization",
    "Activation": "activation",
    "MaxPooling2D": "max pooling",
    "Flatten": "shape",
}

#: What each layer's quantizers are, as the fixtures' code has them.
QUANTIZERS: dict[str, dict[str, dict[str, str]]] = {
    "float_cnn": {},
    "seed004": {},
    "qcnn": {
        "c0": {"weights": "quantized_bits(4,0,1)", "bias": "quantized_bits(4,0,1)"},
        "bn0": {
            "gamma": "quantized_relu_po2(4)",
            "beta": "quantized_po2(4)",
            "mean": "quantized_po2(4)",
            "variance": "quantized_relu_po2(4)",
        },
        "a0": {"output": "quantized_relu(6,2)"},
        "c1_ternary": {"weights": "ternary()"},
        "a1": {"output": "quantized_relu(4,1)"},
        "d_po2": {"weights": "quantized_po2(4)", "bias": "quantized_bits(8,0,1)"},
        "a_bin": {"output": "binary"},
        "d_xor": {"weights": "binary()", "bias": "quantized_bits(8,0,1)"},
    },
    "op_kinds": {
        "in8": {"output": "quantized_bits(8,0,1)"},
        **{
            f"a{i}": {"output": text}
            for i, text in enumerate(
                [
                    *["quantized_bits(8,0,1)"] * 4,
                    "quantized_relu(1,1)",
                    "quantized_po2(4)",
                    "binary",
                    "ternary",
                    "quantized_relu(4,0)",
                    "quantized_relu_po2(4)",
                ]
            )
        },
        **{
            f"d{i}": {"weights": text, "bias": "quantized_bits(8,0,1)"}
            for i, text in enumerate(
                [
                    "quantized_bits(8,0,1)",
                    "quantized_po2(4)",
                    "ternary()",
                    "binary()",
                    "quantized_bits(8,0,1)",
                    "quantized_po2(4)",
                    "binary()",
                    "ternary()",
                    "quantized_bits(2,0,1)",
                    "quantized_bits(6,0,1)",
                ]
            )
        },
    },
}


def shapes_of(fixture: dict[str, Any]) -> tuple[LayerShape, ...]:
    """The layers of a fixture, which is a chain."""
    layers = fixture["references"][0]["layers"]
    first = tuple(layers[0]["input_shape"][0][1:])
    shapes = [LayerShape("input", "input", "input", output_shape=first, type="InputLayer")]
    for layer in layers:
        kind = layer["class"].lstrip("Q")
        weights, bias = layer["w_shape"] or [], layer["b_shape"]
        kernel = tuple(weights[:2]) if kind == "Conv2D" else ()
        n_weights = 1 if weights else 0
        for size in weights:
            n_weights *= size
        channels = layer["output_shape"][-1]
        if kind == "BatchNormalization":
            n_weights = channels
        shapes.append(
            LayerShape(
                name=layer["name"],
                layer=layer["name"],
                kind=KINDS[kind],
                inputs=(shapes[-1].name,),
                input_shapes=(tuple(layer["input_shape"][0][1:]),),
                output_shape=tuple(layer["output_shape"][1:]),
                kernel_size=(2, 2) if kind == "MaxPooling2D" else kernel,
                n_weights=n_weights,
                n_biases=bias if layer["bias"] else 0,
                type=layer["class"],
            )
        )
    return tuple(shapes)
