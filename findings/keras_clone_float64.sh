#!/usr/bin/env bash
# A copy of a Keras 2 model in float64 that subtracts its input from a number.
#
# Expected: clone_model makes a copy of whatever model was built.
# Found (tf-keras 2.21.0, tensorflow 2.21.0, Python 3.11): the number becomes a float32 tensor when the
#   layer is called anew, and 1 - x raises a TypeError; x - 1, and both in float32, are copied.
# Output seen:
#   float64, 1 - x: TypeError
#   float64, x - 1: ok
#   float32, 1 - x: ok
# Exits with 1 if this has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    tf-keras==2.21.0 tensorflow==2.21.0
cat > "$folder/clone.py" <<'PYTHON'
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import tf_keras as keras


def outcome(dtype, function):
    given = keras.Input((3,), dtype=dtype)
    model = keras.Model(given, function(given))
    try:
        keras.models.clone_model(model)
    except TypeError:
        return "TypeError"
    return "ok"


seen = []
for dtype, name, function in (
    ("float64", "1 - x", lambda x: 1 - x), ("float64", "x - 1", lambda x: x - 1),
    ("float32", "1 - x", lambda x: 1 - x),
):
    seen.append(outcome(dtype, function))
    print(f"{dtype}, {name}: {seen[-1]}")
assert seen == ["TypeError", "ok", "ok"]
PYTHON
"$folder/venv/bin/python" "$folder/clone.py" 2>/dev/null
