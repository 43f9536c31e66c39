"""Cases of docs/compatibility.md: models of Keras and of packages that add layers to it."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import numpy as np
from compatibility_case import EXACTLY, Case, against, inputs_of

import nengo_spikecost as nsc
from nengo_spikecost import stack
from nengo_spikecost.loading import load_data, load_model

KERAS3 = ("keras", "tensorflow")
LEGACY = ("tf-keras", "tensorflow")


def _keras3() -> Any:
    import keras

    keras.utils.set_random_seed(0)
    return keras


def _legacy() -> Any:
    keras = stack.keras()
    keras.utils.set_random_seed(0)
    return keras


def _small(keras: Any, **of_hidden: Any) -> Any:
    layers = keras.layers
    inp = keras.Input((6,), name="given")
    x = layers.Dense(8, activation="relu", name="hidden", **of_hidden)(inp)
    return keras.Model(inp, layers.Dense(3, name="out")(x))


def keras3_layers() -> str:
    keras = _keras3()
    layers = keras.layers
    inp = keras.Input((8, 8, 2))
    x = layers.Conv2D(4, 3, activation="relu")(inp)
    x = layers.BatchNormalization()(x)
    x = layers.GlobalAveragePooling2D()(x)
    return against(keras.Model(inp, layers.Dense(3)(x)))


def keras3_operators() -> str:
    keras = _keras3()
    layers = keras.layers
    inp = keras.Input((6,))
    a, b = (layers.Dense(5, activation="relu")(inp / 255.0 if k else inp) for k in range(2))
    return against(keras.Model(inp, layers.Dense(3)(0.5 * a + b + 1)))


def keras3_ops() -> str:
    keras = _keras3()
    inp = keras.Input((6,))
    x = keras.ops.relu(keras.layers.Dense(5)(inp))
    return against(keras.Model(inp, keras.layers.Dense(3)(keras.activations.relu(x))))


def keras3_dicts() -> str:
    keras = _keras3()
    layers = keras.layers
    inp = {name: keras.Input((4,), name=name) for name in ("left", "right")}
    x = layers.Concatenate()([layers.Dense(5, activation="relu")(inp[name]) for name in inp])
    model = keras.Model(inp, {"sum": layers.Dense(2)(x)})
    arrays = inputs_of(model)
    expected = model.predict(dict(zip(inp, arrays)), verbose=0)
    return against(model, expected, arrays)


def keras3_int8() -> str:
    model = _small(_keras3())
    model.quantize("int8")
    return against(model)


def keras3_lora() -> str:
    model = _small(_keras3())
    model.get_layer("hidden").enable_lora(2)
    return against(model)


def keras3_bfloat16() -> str:
    model = _small(_keras3(), dtype="mixed_bfloat16")
    return against(model)


def keras3_renorm() -> str:
    keras = _keras3()
    inp = keras.Input((6,))
    x = keras.layers.BatchNormalization(renorm=True)(keras.layers.Dense(5)(inp))
    return against(keras.Model(inp, keras.layers.ReLU()(x)))


def keras3_blanks() -> str:
    keras = _keras3()
    inp = keras.Input((6,), name="my input")
    x = keras.layers.Dense(5, activation="relu", name="first layer")(inp)
    model = keras.Model(inp, x)
    return against(model, np.asarray(model(inputs_of(model)[0])))  # predict raises


def keras3_file() -> str:
    model = _small(_keras3())
    model.save("model.keras")
    return against(load_model("model.keras"), model.predict(*inputs_of(model), verbose=0))


def keras3_truncated() -> str:
    _small(_keras3()).save("model.keras")
    with open("model.keras", "rb") as file:
        content = file.read()
    with open("model.keras", "wb") as file:
        file.write(content[: len(content) // 2])
    return f"Loaded {load_model('model.keras')}."


def keras3_weights_only() -> str:
    _small(_keras3()).save_weights("model.weights.h5")
    return f"Loaded {load_model('model.weights.h5')}."


def legacy_h5() -> str:
    model = _small(_legacy())
    model.save("model.h5")
    return against(load_model("model.h5"), model.predict(*inputs_of(model), verbose=0))


def legacy_operators() -> str:
    keras = _legacy()
    layers = keras.layers
    inp = keras.Input((6,))
    a, b = (layers.Dense(5, activation="relu")(inp) for _ in range(2))
    return against(keras.Model(inp, layers.Dense(3)(0.5 * a + b + 1)))


def keras_spiking_activation() -> str:
    import keras_spiking

    keras = _legacy()
    inp = keras.Input((None, 6))
    x = keras_spiking.SpikingActivation("relu", dt=0.01, name="spikes")(inp)
    model = keras.Model(inp, keras.layers.TimeDistributed(keras.layers.Dense(3))(x))
    conversion = nsc.convert(model)
    data = np.full((1, 100, 6), 3.6, "f4")
    activity = nsc.measure(conversion, data, progress=False)
    rate = activity.mean_rate_hz("spikes")
    return f"Converted; a drive of 3.6 in 100 steps of the default 1 ms gives {rate:.1f} Hz."


def model_energy() -> str:
    import keras_spiking

    keras = _legacy()
    model = _small(keras)
    data = inputs_of(model)[0]
    theirs = keras_spiking.ModelEnergy(model, example_data=data).total_energy("loihi", 10)
    energy = nsc.NetworkEnergy(model, cost_model="kerasspiking", example_data=data)
    ours = energy.total_energy("loihi", 10)
    return f"`cost_model='kerasspiking'` gives {ours / theirs:.6f} times its number."


def qkeras_layers() -> str:
    import qkeras

    keras = _legacy()
    inp = keras.Input((6,))
    x = qkeras.QDense(5, kernel_quantizer="quantized_bits(4,0,1)", bias_quantizer=None)(inp)
    return against(keras.Model(inp, keras.layers.ReLU()(x)))


def qkeras_file() -> str:
    import qkeras

    keras = _legacy()
    inp = keras.Input((6,))
    x = qkeras.QDense(5, kernel_quantizer="quantized_bits(4,0,1)", name="dense")(inp)
    keras.Model(inp, x).save("model.h5")
    return against(load_model("model.h5"))


def qkeras_v3() -> str:
    import qkeras

    keras = _keras3()
    inp = keras.Input((6,))
    x = qkeras.QDense(5, kernel_quantizer="quantized_bits(4,0,1)", name="dense")(inp)
    return against(keras.Model(inp, x))


def qkeras_v3_network() -> str:
    import qkeras

    keras = _keras3()
    bits = {"kernel_quantizer": "quantized_bits(4,0,1)", "bias_quantizer": "quantized_bits(4,0,1)"}
    inp = keras.Input((8, 8, 1))
    x = qkeras.QConv2DBatchnorm(4, 3, activation="quantized_relu(4,1)", **bits)(inp)
    x = qkeras.QAveragePooling2D(2, average_quantizer="quantized_bits(4,0,1)")(x)
    x = qkeras.QActivation("quantized_bits(6,1)")(qkeras.QBatchNormalization()(x))
    x = qkeras.QDense(3, **bits)(keras.layers.Flatten()(x))
    model = keras.Model(inp, x)
    return against(model, np.asarray(model(inputs_of(model)[0])))


def qkeras_v3_file() -> str:
    import qkeras

    keras = _keras3()
    inp = keras.Input((6,))
    x = qkeras.QDense(5, kernel_quantizer="quantized_bits(4,0,1)", name="dense")(inp)
    model = keras.Model(inp, qkeras.QActivation("quantized_relu(4)")(x))
    model.save("model.keras")
    return against(load_model("model.keras"), np.asarray(model(inputs_of(model)[0])))


def qkeras_v3_binary() -> str:
    import qkeras

    keras = _keras3()
    inp = keras.Input((6,))
    x = qkeras.QActivation("binary", name="act")(keras.layers.Dense(5)(inp))
    return against(keras.Model(inp, keras.layers.Dense(2)(x)))


def keras_hub_backbone() -> str:
    import keras_hub

    _keras3()
    model = keras_hub.models.ResNetBackbone(
        input_conv_filters=[64], input_conv_kernel_sizes=[3], stackwise_num_filters=[64, 128],
        stackwise_num_blocks=[1, 1], stackwise_num_strides=[1, 2], block_type="basic_block",
        image_shape=(32, 32, 3),
    )  # fmt: skip
    return against(model)


def keras_hub_efficient() -> str:
    import keras_hub

    _keras3()
    model = keras_hub.models.EfficientNetBackbone(
        stackwise_kernel_sizes=[3, 3], stackwise_num_repeats=[1, 1],
        stackwise_input_filters=[8, 8], stackwise_output_filters=[8, 16],
        stackwise_expansion_ratios=[1, 2], stackwise_strides=[1, 2],
        stackwise_squeeze_and_excite_ratios=[0.25, 0.25], width_coefficient=1.0,
        depth_coefficient=1.0, stackwise_block_types=["v1", "v1"],
        stackwise_force_input_filters=[0, 0], stackwise_nores_option=[False, False],
        input_shape=(32, 32, 3),
    )  # fmt: skip
    return against(model)


def applications_mobile_net() -> str:
    model = _keras3().applications.MobileNetV2(
        weights=None, input_shape=(32, 32, 3), alpha=0.35, classes=10
    )
    return against(model)


def applications_efficient_net() -> str:
    keras = _keras3()
    return against(keras.applications.EfficientNetB0(weights=None, input_shape=(32, 32, 3)))


def keras_lmu_layer(recurrent: bool = False, in_time: bool = False) -> str:
    import keras_lmu

    keras = _keras3()
    inp = keras.Input((20, 1))
    cell = keras.layers.SimpleRNNCell(4) if recurrent else keras.layers.Dense(4, "relu")
    x = keras_lmu.LMU(1, 6, 20, cell, return_sequences=in_time, name="memory")(inp)
    model = keras.Model(inp, keras.layers.Dense(2)(x))
    if not in_time:
        return against(model)
    x = np.random.RandomState(1).uniform(0, 1, (3, 20, 1))
    conversion = nsc.convert(model, neuron_type="RectifiedLinear", temporal=True)
    activity = nsc.measure(conversion, x, simulator="nengo", progress=False)
    (output,) = activity.outputs.values()
    expected = np.asarray(model(x.astype("f4")))[:, -1]
    off = float(np.abs(output.last - expected).max() / np.abs(expected).max())
    operations = next(p.operations for p in nsc.NetworkGraph(conversion).host if p.operations)
    same = "to float32's rounding" if off < 1e-5 else f"but for {off:.1g}"
    return (
        "Converted: after the last of 20 steps its outputs are those of the model, "
        f"{same}; the memory takes {operations} multiplications a step on the host."
    )


def quantizeml_model(activation: str = "relu") -> str:
    from quantizeml.layers import Activation, QuantizationParams
    from quantizeml.models import quantize

    layers = _legacy().layers
    x = inp = layers.Input((8, 8, 3))
    x = layers.Conv2D(6, 3, padding="same")(x)
    x = layers.ReLU(6)(x) if activation == "relu" else Activation(activation, name="curve")(x)
    y = layers.ReLU()(layers.DepthwiseConv2D(3, padding="same")(x))
    x = layers.Flatten()(layers.MaxPooling2D(2)(layers.Add()([x, y])))
    model = stack.keras().Model(inp, layers.Dense(5)(x))
    samples = np.random.RandomState(0).uniform(0, 1, (32, 8, 8, 3)).astype("f4")
    model = quantize(
        model, qparams=QuantizationParams(weight_bits=4), samples=samples, num_samples=32
    )
    expected = model.predict(samples, verbose=0)
    conversion = nsc.convert(model, neuron_type="RectifiedLinear")
    (output,) = nsc.measure(conversion, samples, 1, progress=False).outputs.values()
    if not np.array_equal(output.last, expected):
        return f"Converted with outputs up to {np.abs(output.last - expected).max():.2g} off."
    return "Converted exactly: with rate neurons the outputs are those of the model, every bit."


def frames() -> str:
    import pandas

    model = _small(_legacy())
    conversion = nsc.convert(model, neuron_type="RectifiedLinear")
    values = inputs_of(model, 6)[0]  # as many rows as columns
    frame = pandas.DataFrame(values, columns=[f"x{k}" for k in range(6)])
    found, expected = (nsc.measure(conversion, x, 1, progress=False) for x in (frame, values))
    same = all(
        np.array_equal(found.outputs[name].last, expected.outputs[name].last)
        for name in expected.outputs
    )
    return (
        "Read by rows: the same counts and outputs as of its values."
        if same
        else ("Read as something else: other outputs than of its values.")
    )


def npz_of_objects() -> str:
    np.savez("data.npz", x=np.array([{"a": 1}], dtype=object))
    load_data("data.npz")
    return "Loaded."


def _cases() -> Iterator[Case]:
    keras3: Any = {"package": "Keras 3", "distributions": KERAS3}
    yield Case(
        "keras3 layers", right=EXACTLY,
        brings="a functional or Sequential model",
        theirs="runs on TensorFlow, JAX or PyTorch", see=keras3_layers,
        test="tests/conversion/test_keras3.py", **keras3,
    )  # fmt: skip
    yield Case(
        "keras3 operators", right=EXACTLY,
        brings="`a + b`, `0.5 * a + 1`, `inputs / 255.` between its layers",
        theirs="each operator is an Operation of the graph, no Layer (keras/src/ops/numpy.py)",
        see=keras3_operators, **keras3,
    )  # fmt: skip
    yield Case(
        "keras3 ops", right=EXACTLY,
        brings="`keras.ops.relu(x)`, `keras.activations.relu(x)`",
        theirs="Operations too", see=keras3_ops, **keras3,
    )  # fmt: skip
    yield Case(
        "keras3 dicts", right=EXACTLY,
        brings="inputs and outputs as dicts",
        theirs="`Model.inputs` is a list in the order of the dict; outputs keep their structure",
        see=keras3_dicts, **keras3,
    )  # fmt: skip
    yield Case(
        "keras3 int8", right="approximately: .* up to [01]\\.[0-9]% off",
        brings='`model.quantize("int8")`',
        theirs="the kernel is q / scale; `predict` also quantises the inputs of each layer, which "
        "its outputs differ by (keras/src/layers/core/dense.py)",
        see=keras3_int8, **keras3,
    )  # fmt: skip
    yield Case(
        "keras3 lora", right=EXACTLY,
        brings="`layer.enable_lora(2)`",
        theirs="`layer.kernel` is the sum; a saved file has it merged", see=keras3_lora, **keras3,
    )  # fmt: skip
    yield Case(
        "keras3 bfloat16", right="approximately: .* up to 0\\.[0-9]% off",
        brings="the dtype policy `mixed_bfloat16`",
        theirs="computes in bfloat16, which has 8 bits of mantissa", see=keras3_bfloat16, **keras3,
    )  # fmt: skip
    yield Case(
        "keras3 renorm", right=EXACTLY,
        brings="`BatchNormalization(renorm=True)`",
        theirs="valid again since 3.15; has moving deviations beside mean and variance, which "
        "`predict` does not use",
        see=keras3_renorm, **keras3,
    )  # fmt: skip
    yield Case(
        "keras3 blanks", right=EXACTLY,
        brings="layer names with blanks",
        theirs="valid to build, save and call; on TensorFlow `predict` raises",
        see=keras3_blanks, **keras3,
    )  # fmt: skip
    yield Case(
        "keras3 file", right=EXACTLY,
        brings="a `.keras` file", theirs="a zip of a config and weights",
        see=keras3_file, test="tests/loading/test_model_loading.py", **keras3,
    )  # fmt: skip
    yield Case(
        "keras3 truncated", right="^Refused: .*model.keras",
        brings="half of a `.keras` file", theirs="says that the file is not found",
        see=keras3_truncated, **keras3,
    )  # fmt: skip
    yield Case(
        "keras3 weights", right="^Refused: .*weights",
        brings="a file of weights only", theirs="needs `load_weights` of a model",
        see=keras3_weights_only, **keras3,
    )  # fmt: skip
    yield Case(
        "keras3 MobileNetV2", right=EXACTLY,
        brings="`keras.applications.MobileNetV2`, and other models of ReLUs",
        theirs="convolutions, batch normalization, relu6", see=applications_mobile_net, **keras3,
    )  # fmt: skip
    yield Case(
        "keras3 EfficientNet", right="^Refused: 65 layers can't be converted.*silu",
        brings="`keras.applications.EfficientNetB0`",
        theirs="49 times swish and 16 products of squeeze-and-excite",
        see=applications_efficient_net, test="tests/conversion/test_refusals.py", **keras3,
    )  # fmt: skip
    legacy: Any = {"package": "tf_keras (Keras 2)", "distributions": LEGACY}
    yield Case(
        "tf_keras h5", right=EXACTLY,
        brings="an `.h5` file", theirs="JSON of the layers, and arrays",
        see=legacy_h5, test="tests/loading/test_model_loading.py", **legacy,
    )  # fmt: skip
    yield Case(
        "tf_keras operators", right=EXACTLY,
        brings="`0.5 * a + b + 1` between layers",
        theirs="each is a TFOpLambda layer", see=legacy_operators, **legacy,
    )  # fmt: skip
    spiking: Any = {"package": "KerasSpiking", "distributions": ("keras-spiking",)}
    yield Case(
        "keras_spiking activation", right=" 3\\.[0-9] Hz|Warns: .*dt|^Refused: .*dt",
        brings="`SpikingActivation(\"relu\", dt=0.01)` and 100 steps",
        theirs="the layer's own dt says how long a step is: 3.6 is 3.6 Hz, 3.6 spikes in a second",
        see=keras_spiking_activation, **spiking,
    )  # fmt: skip
    yield Case(
        "keras_spiking energy", right="1.000000 times",
        brings="a model that `ModelEnergy` priced",
        theirs="mean rates times connections", see=model_energy,
        test="tests/peers/test_kerasspiking.py", **spiking,
    )  # fmt: skip
    qkeras: Any = {"package": "QKeras", "distributions": ("QKeras", *LEGACY)}
    yield Case(
        "qkeras layers", right=EXACTLY,
        brings="a model with QDense", see=qkeras_layers,
        theirs="kernels are quantised at each call; weights keep float32 (qkeras/qlayers.py)",
        test="tests/conversion/test_qkeras.py", **qkeras,
    )  # fmt: skip
    yield Case(
        "qkeras file", right=f"{EXACTLY}|^Refused: .*QDense",
        brings="an `.h5` file with QDense", see=qkeras_file,
        theirs="`load_qmodel`, or custom_objects", **qkeras,
    )  # fmt: skip
    v3: Any = {"package": "qkeras-v3", "distributions": ("qkeras-v3", *KERAS3)}
    v3["test"] = "tests/conversion/test_qkeras_v3.py"
    yield Case(
        "qkeras-v3", right=EXACTLY,
        brings="a model with QDense, in Keras 3", see=qkeras_v3,
        theirs="QKeras for Keras 3; its package is called qkeras too", **v3,
    )  # fmt: skip
    yield Case(
        "qkeras-v3 network", right=EXACTLY,
        brings="folded batch normalization, quantized pooling, activations of few bits",
        theirs="activations are rounded, too", see=qkeras_v3_network, **v3,
    )  # fmt: skip
    yield Case(
        "qkeras-v3 file", right=EXACTLY,
        brings="a `.keras` file with such layers", see=qkeras_v3_file,
        theirs="Keras' own `load_model` finds them once `qkeras` is imported", **v3,
    )  # fmt: skip
    yield Case(
        "qkeras-v3 binary", right="^Refused: Layer 'act'.*binary",
        brings='`QActivation("binary")`', theirs="jumps from -1 to 1 at 0",
        see=qkeras_v3_binary, **v3,
    )  # fmt: skip
    hub: Any = {"package": "keras-hub", "distributions": ("keras-hub", *KERAS3)}
    yield Case(
        "keras-hub ResNet", right=EXACTLY,
        brings="a `ResNetBackbone`", see=keras_hub_backbone,
        theirs="a Functional model of Keras' own layers, with a dict of outputs beside", **hub,
    )  # fmt: skip
    yield Case(
        "keras-hub EfficientNet", right="^Refused: .*MBConv|^Refused: .* layers .*silu",
        brings="an `EfficientNetBackbone`", see=keras_hub_efficient,
        theirs="swish, and products of squeeze-and-excite", **hub,
    )  # fmt: skip
    yield Case(
        "keras-lmu", "keras-lmu", "an LMU whose hidden cell is a Dense layer",
        "a linear memory of a series, by FFT, and a layer that sees it", keras_lmu_layer, EXACTLY,
        ("keras-lmu", *KERAS3), "tests/conversion/test_keras_lmu.py",
    )  # fmt: skip
    yield Case(
        "keras-lmu steps", "keras-lmu", "the same with `return_sequences=True`, `temporal=True`",
        "the memory at each step: 6 states of one window",
        functools.partial(keras_lmu_layer, in_time=True), "float32's rounding; .* 42 multipl",
        ("keras-lmu", *KERAS3), "tests/conversion/test_keras_lmu.py",
    )  # fmt: skip
    yield Case(
        "keras-lmu recurrent", "keras-lmu", "an LMU with a SimpleRNNCell, as in its examples",
        "the hidden cell has a state, which is not linear",
        functools.partial(keras_lmu_layer, recurrent=True), "^Refused: .*SimpleRNNCell.*Dense",
        ("keras-lmu", *KERAS3),
    )  # fmt: skip
    yield Case(
        "quantizeml", "quantizeml", "a model that `quantizeml.models.quantize` gave",
        "layers compute in integers, and hand on binary points and scales (tensors/qfloat.py)",
        quantizeml_model, EXACTLY, ("quantizeml", *LEGACY),
        test="tests/conversion/test_quantizeml.py",
    )  # fmt: skip
    yield Case(
        "quantizeml curves", "quantizeml", "the same with its `Activation(\"gelu\")`",
        "a table of the curve at all of its inputs", functools.partial(quantizeml_model, "gelu"),
        "^Refused: .*'curve'.*train the model with ReLU", ("quantizeml", *LEGACY),
        test="tests/conversion/test_quantizeml.py",
    )  # fmt: skip
    yield Case(
        "pandas frame", "pandas and NumPy", "a square DataFrame as samples",
        "as an iterable it gives its column names; as an array its rows", frames,
        "^Read by rows", ("pandas", "numpy"),
    )  # fmt: skip
    yield Case(
        "numpy objects", "pandas and NumPy", "an `.npz` file with pickled objects",
        "loading them runs code; refused unless `allow_pickle=True`", npz_of_objects,
        "^Refused: .*data.npz", ("numpy",), test="tests/loading/test_data_files.py",
    )  # fmt: skip


KERAS_CASES = tuple(_cases())
