"""A rule of the user's own is never replaced by one of the package's that comes later."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import pytest
import tensorflow as tf

import nengo_spikecost as nsc
from nengo_spikecost.conversion import LayerConverter, register_layer_converter
from nengo_spikecost.conversion.layers import converters, qkeras
from nengo_spikecost.energy.peers.kerasspiking.average import layer_statistics
from nengo_spikecost.errors import OverwriteWarning
from nengo_spikecost.layers.keras_shapes import keras_shapes
from nengo_spikecost.layers.layer_application import LayerApplication
from nengo_spikecost.layers.layer_counts import LayerCount, LayerUse
from nengo_spikecost.layers.layer_shape import LayerShape
from nengo_spikecost.registry import TypeRegistry

# In a process of its own: in this one, a model may have been looked at already.
EARLY_RULES = """
import nengo_spikecost
import tensorflow as tf
from nengo_spikecost.energy.peers.kerasspiking.layer_counters import count_layer, layer_counters
from nengo_spikecost.layers.keras_shapes import keras_shapes, shape_rules

shape_rules.register(tf.keras.layers.Flatten)(lambda use: use.shape("unknown"))
layer_counters.register(tf.keras.layers.ReLU)(lambda use: {"neurons": 7})
x = tf.keras.Input((2, 3))
relu = tf.keras.layers.ReLU()
model = tf.keras.Model(x, tf.keras.layers.Flatten()(relu(x)))
assert [shape.kind for shape in keras_shapes(model)] == ["input", "activation", "unknown"]
assert count_layer(relu).neurons == 7
"""


def test_rules_that_come_before_the_first_model() -> None:
    subprocess.run([sys.executable, "-c", EARLY_RULES], check=True)


def test_a_converter_that_comes_before_the_package_of_its_layer_is_known() -> None:
    names = ("QDense", "QConv1D", "QConv2D", "QDepthwiseConv2D", "QBatchNormalization")
    names = (*names, "QActivation", "QAdaptiveActivation")
    package = SimpleNamespace(**{name: type(name, (tf.keras.layers.Layer,), {}) for name in names})

    @register_layer_converter(package.QDense)
    class ConvertOwn(LayerConverter):
        pass

    qkeras.register(package)  # type: ignore[arg-type]
    assert converters[package.QDense] is ConvertOwn
    assert converters[package.QConv2D] is qkeras.ConvertQConvolution


def test_defaults_are_made_once_their_module_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    class Base: ...

    class Late(Base): ...

    asked = []

    def rules(module: SimpleNamespace) -> dict[type, str]:
        asked.append(module)
        return {module.Late: "default"}

    registry: TypeRegistry[str] = TypeRegistry("rule")
    registry.add_defaults("not_imported_yet", rules)
    registry.register(Base)("of the base class")
    assert registry.find(Late()) == "of the base class"
    assert not asked
    monkeypatch.setitem(sys.modules, "not_imported_yet", SimpleNamespace(Late=Late))  # type: ignore[misc]
    assert registry.find(Late()) == "default"
    assert set(registry) == {Base, Late}
    with pytest.warns(OverwriteWarning, match="Late already has a rule"):
        registry.register(Late)("the user's")
    assert registry.find(Late()) == "the user's"
    assert len(asked) == 1


def test_a_layer_in_one_class() -> None:
    class Halve(tf.keras.layers.Layer):
        def call(self, x: tf.Tensor) -> tf.Tensor:
            return x / 2

    @register_layer_converter(Halve)
    class ConvertHalve(LayerConverter):
        def convert(self, node_id: int) -> object:
            output = self.add_relay(node_id)
            self.connect(self.get_input_obj(node_id), output, 0.5)
            return output

        @staticmethod
        def shape(use: LayerApplication) -> LayerShape:
            return use.shape("batch normalization", n_weights=1)

        @staticmethod
        def count(use: LayerUse) -> LayerCount:
            return LayerCount(connections=use.output_shapes[1])

    x = tf.keras.Input((3,))
    model = tf.keras.Model(x, Halve(name="halve")(x))
    assert nsc.convert(model).layers["halve"].size_in == 3
    assert keras_shapes(model)[1].kind == "batch normalization"
    assert layer_statistics(model)[1].connections == 3
    with pytest.warns(OverwriteWarning) as warned:
        register_layer_converter(Halve)(ConvertHalve)
    assert len(warned) == 3
