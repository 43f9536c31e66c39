#!/usr/bin/env bash
# A blank in the name of a Keras 3 layer, on TensorFlow.
#
# Expected: a model that Keras builds, saves and calls can also be asked for predictions;
#   or the name is refused where it is given.
# Found (keras 3.15.1, tensorflow 2.21.0, Python 3.11): building, saving and calling take the name,
#   `predict` raises "'first layer' is not a valid scope name"; compiled with run_eagerly=True it does
#   not, nor does calling the model.
# Output seen:
#   first layer: call ok, save ok, predict ValueError, eager predict ok
#   first_layer: call ok, save ok, predict ok, eager predict ok
# Exits with 1 if this has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check keras==3.15.1 tensorflow==2.21.0
cat > "$folder/names.py" <<'PYTHON'
import keras
import numpy as np


def outcome(function):
    try:
        function()
    except ValueError:
        return "ValueError"
    return "ok"


def outcomes(name):
    given = keras.Input((6,))
    model = keras.Model(given, keras.layers.Dense(5, name=name)(given))
    x = np.ones((2, 6), "float32")
    eager = keras.models.clone_model(model)
    eager.compile(run_eagerly=True)
    return {
        "call": outcome(lambda: model(x)),
        "save": outcome(lambda: model.save("model.keras")),
        "predict": outcome(lambda: model.predict(x, verbose=0)),
        "eager predict": outcome(lambda: eager.predict(x, verbose=0)),
    }


found = {name: outcomes(name) for name in ("first layer", "first_layer")}
for name, own in found.items():
    print(f"{name}:", ", ".join(f"{key} {value}" for key, value in own.items()))
assert list(found["first layer"].values()) == ["ok", "ok", "ValueError", "ok"]
assert list(found["first_layer"].values()) == ["ok"] * 4
PYTHON
cd "$folder"
TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" "$folder/names.py" 2> "$folder/errors.txt" || { tail -3 "$folder/errors.txt"; exit 1; }
