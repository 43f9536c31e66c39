"""All layers that can't be converted are said at once, and before anything slow."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import nengo_spikecost as nsc
from nengo_spikecost.errors import ConversionError
from tests.commands import runner_in

keras = importlib.import_module("keras")
two = tf.keras
needs_keras_3 = pytest.mark.skipif(
    keras.__version__.startswith("2."), reason="this stack has no Keras 3"
)
convert_module = importlib.import_module("nengo_spikecost.conversion.convert")


@pytest.fixture()
def _nothing_slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Neither a model is run, nor a network lowered or placed."""

    def slow(*_: Any, **__: Any) -> None:
        raise AssertionError("something slow before a refusal")

    for name in ("check_equal", "check_made", "lower_network", "place"):
        monkeypatch.setattr(convert_module, name, slow)
    yield


def squeeze_and_excite(library: Any) -> Any:
    """A branch that is multiplied, two curves that no neurons have, and a nested model."""
    layers = library.layers
    inner = library.Sequential(
        [library.Input((6, 6, 4)), layers.Conv2D(4, 1, activation="swish", name="bent")],
        name="inner",
    )
    inp = library.Input((6, 6, 4), name="image")
    x = layers.Conv2D(4, 3, padding="same", activation="swish", name="stem")(inp)
    s = layers.GlobalAveragePooling2D(keepdims=True, name="squeeze")(x)
    s = layers.Conv2D(4, 1, activation="sigmoid", name="excite")(s)
    x = inner(layers.Multiply(name="scaled")([x, s]))
    x = layers.LayerNormalization(name="norm")(x)
    return library.Model(inp, layers.Dense(2, name="out")(layers.Flatten(name="flat")(x)))


@pytest.mark.parametrize("library", [two, pytest.param(keras, marks=needs_keras_3)])
@pytest.mark.usefixtures("_nothing_slow")
def test_all_layers_are_named_at_once(library: Any) -> None:
    with pytest.raises(ConversionError, match="4 layers can't be converted") as caught:
        nsc.convert(squeeze_and_excite(library))
    error = caught.value
    found = {problem.layer: (problem.kind, problem.reason) for problem in error.problems}
    assert list(found) == ["stem", "scaled", "bent", "norm"]  # as they come in the model
    assert error.layer == "stem"
    assert found["scaled"][0] == "Multiply" and "allow_fallback=True" in found["scaled"][1]
    assert "--swap s" in found["stem"][1]  # swish is called silu in Keras 3
    # one line for all layers with one reason
    assert str(error).count("\n") == 3
    assert "'stem', 'bent' (Conv2D): no neuron type has the curve" in str(error)


def test_one_alone_is_said_as_ever() -> None:
    inp = two.Input((4,))
    out = two.layers.Dense(2, activation="swish", name="bent")(inp)
    with pytest.raises(ConversionError, match=r"^Layer 'bent' \(Dense\) can't be") as caught:
        nsc.convert(two.Model(inp, out))
    assert [problem.layer for problem in caught.value.problems] == ["bent"]


def test_a_layer_that_is_applied_twice_is_said_once() -> None:
    inp = two.Input((4,))
    bent = two.layers.Dense(4, activation="swish", name="bent")
    with pytest.raises(ConversionError) as caught:
        nsc.convert(two.Model(inp, bent(bent(inp))))
    assert len(caught.value.problems) == 1


def test_nothing_stands_for_a_layer_of_several_outputs() -> None:
    """What is behind it can't be looked at; what was found before is said."""
    inp = two.Input((5, 4))
    x = two.layers.Dense(4, activation="swish", name="bent")(inp)
    outputs = two.layers.LSTM(3, return_state=True, name="memory")(x)
    with pytest.raises(ConversionError, match="2 layers") as caught:
        nsc.convert(two.Model(inp, outputs))
    assert [problem.layer for problem in caught.value.problems] == ["bent", "memory"]


@needs_keras_3
@pytest.mark.usefixtures("_nothing_slow")
def test_layers_of_keras_3_alone_are_among_them() -> None:
    class Own(keras.layers.Layer):
        def call(self, x):
            return x

    class Doubled(keras.layers.Dense):
        def call(self, x):
            return 2 * super().call(x)

    inp = keras.Input((4,))
    x = keras.layers.Dense(4, activation="swish", name="bent")(Own(name="own")(inp))
    x = Doubled(4, name="doubled")(keras.layers.RMSNormalization(name="rms")(x))
    x = keras.layers.Lambda(lambda v: v, output_shape=(4,), name="unknown")(x)
    with pytest.raises(ConversionError) as caught:
        nsc.convert(keras.Model(inp, x))
    reasons = {problem.layer: problem.reason for problem in caught.value.problems}
    assert list(reasons) == ["own", "bent", "rms", "doubled", "unknown"]
    assert all("allow_fallback=True" in reason for reason in reasons.values())


@needs_keras_3
@pytest.mark.usefixtures("_nothing_slow")
def test_efficient_net_at_full_depth() -> None:
    """Every swish and every product of squeeze-and-excite, as Keras lists them."""
    model = keras.applications.EfficientNetB0(weights=None, input_shape=(32, 32, 3))
    curves = (keras.activations.silu,)
    expected = {
        layer.name
        for layer in model.layers
        if getattr(layer, "activation", None) in curves or isinstance(layer, keras.layers.Multiply)
    }
    with pytest.raises(ConversionError) as caught:
        nsc.convert(model)
    assert {problem.layer for problem in caught.value.problems} == expected
    assert len(expected) == 65  # 49 curves, 16 products
    assert str(caught.value).count("\n") == 2


def test_the_command_says_each_on_a_line(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    squeeze_and_excite(two).save(tmp_path / "model.h5")
    result = runner_in(tmp_path, monkeypatch)("check", "model.h5")
    assert result.exit_code == 2
    lines = [line for line in result.stderr.splitlines() if not line.startswith("Warning")]
    assert lines[0] == "Error: 4 layers can't be converted:"
    assert len(lines) == 4 and all(line.startswith("  '") for line in lines[1:])


def of_two(library: Any, join: Any) -> Any:
    """Two layers, joined by something that no synapses can do."""
    layers = library.layers
    inp = library.Input((5, 4), name="given")
    x = layers.Dense(4, activation="relu", name="hidden")(inp)
    y = layers.Dense(4, activation="relu", name="other")(inp)
    return library.Model(inp, layers.Dense(2, name="out")(join(library, x, y)))


JOINS = {
    "Multiply": lambda library, x, y: library.layers.Multiply()([x, y]),
    "Dot": lambda library, x, y: library.layers.Dot(axes=1)([x, y]),
    "operator": lambda library, x, y: x * y,
    "attention": lambda library, x, y: library.layers.MultiHeadAttention(2, 3)(x, value=y),
}


@pytest.mark.parametrize("library", [two, pytest.param(keras, marks=needs_keras_3)])
@pytest.mark.parametrize("join", JOINS)
def test_layers_of_several_inputs_fall_back(library: Any, join: str) -> None:
    """NengoDL's own fallback hands a layer its first input only. Right: what Keras predicts."""
    model = of_two(library, JOINS[join])
    with pytest.raises(ConversionError, match="allow_fallback=True"):
        nsc.convert(model)
    conversion = nsc.convert(model, neuron_type="RectifiedLinear", allow_fallback=True)
    x = np.random.RandomState(0).uniform(0, 1, (3, 5, 4)).astype("f4")
    (output,) = nsc.measure(conversion, x, 1, progress=False).outputs.values()
    expected = np.asarray(model.predict_on_batch(x)).reshape(3, -1)
    # one float32 sum in another order
    np.testing.assert_allclose(output.last, expected, rtol=1e-5, atol=1e-6)


@needs_keras_3
def test_a_layer_of_keras_3_alone_falls_back() -> None:
    """With variables of its own, and two arguments. Right: what Keras predicts."""

    class Mixed(keras.layers.Layer):
        def build(self, shape):
            self.w = self.add_weight(shape=(shape[-1],), initializer="random_normal")

        def call(self, x, y):
            return x * self.w + y

    model = of_two(keras, lambda library, x, y: Mixed(name="mixed")(x, y=y))
    conversion = nsc.convert(model, neuron_type="RectifiedLinear", allow_fallback=True)
    x = np.random.RandomState(0).uniform(0, 1, (3, 5, 4)).astype("f4")
    (output,) = nsc.measure(conversion, x, 1, progress=False).outputs.values()
    expected = np.asarray(model.predict_on_batch(x)).reshape(3, -1)
    np.testing.assert_allclose(output.last, expected, rtol=1e-5, atol=1e-6)  # one sum


def test_integers_of_quantizeml_have_a_remedy_that_works() -> None:
    """Said of each of its layers, whichever Keras class it derives from; the fallback is none."""

    class QuantizedDense(two.layers.Dense):
        def call(self, x: Any) -> Any:
            return super().call(x)

    QuantizedDense.__module__ = "quantizeml.layers.dense"
    inp = two.Input((4,))
    x = QuantizedDense(3, name="last")(QuantizedDense(3, name="first")(inp))
    with pytest.raises(
        ConversionError, match=r"2 layers .*: 'first', 'last' .*quantizeml\.models\.quantize"
    ) as caught:
        nsc.convert(two.Model(inp, x))
    assert all("allow_fallback" not in problem.reason for problem in caught.value.problems)


@needs_keras_3
@pytest.mark.usefixtures("_nothing_slow")
def test_models_from_files_are_refused_before_they_are_run(tmp_path, monkeypatch) -> None:
    """And held against what was in the file when they are converted."""
    from nengo_spikecost.conversion import keras3_equality
    from nengo_spikecost.loading import load_model

    monkeypatch.setattr(keras3_equality, "check_equal", lambda *_: pytest.fail("it was run"))
    path = tmp_path / "net.keras"
    squeeze_and_excite(keras).save(path)
    model = load_model(path)
    with pytest.raises(ConversionError, match="4 layers can't be converted"):
        nsc.convert(model)


@needs_keras_3
def test_models_from_files_are_held_against_the_file(tmp_path, monkeypatch) -> None:
    """Once, by running both."""
    from nengo_spikecost.conversion import keras3_equality
    from nengo_spikecost.loading import load_model

    path = tmp_path / "net.keras"
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation="relu")]).save(path)
    compared = []
    monkeypatch.setattr(keras3_equality, "check_equal", lambda *models: compared.append(models))
    model = load_model(path)
    assert not compared
    for _ in range(2):
        nsc.convert(model)
    assert [copy for _, copy in compared] == [model]
    monkeypatch.undo()
    other = load_model(path)
    other.set_weights([2 * values for values in other.get_weights()])
    with pytest.raises(ConversionError, match="computes something else when rebuilt in Keras 2"):
        nsc.convert(other)
