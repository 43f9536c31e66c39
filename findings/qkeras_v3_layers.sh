#!/usr/bin/env bash
# Two parts of qkeras-v3 that fail.
#
# Expected: a quantizer can be printed, as Keras does in summaries and errors, and
#   QBatchNormalization normalizes along the axis that it is given, as BatchNormalization does.
# Found (qkeras-v3 1.2.1, keras 3.15.1, tensorflow 2.21.0, Python 3.11): str() of quantized_hswish, made
#   as its documentation has it, raises an AssertionError without a word; QBatchNormalization with
#   axis=1 can't be called on images with channels first (its scales are not shaped for the axis).
# Output seen:
#   str(quantized_hswish(8, 2, 1)): AssertionError
#   QBatchNormalization(axis=-1): (1, 4, 6, 6)
#   QBatchNormalization(axis=1): InvalidArgumentError
# Exits with 1 if this has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    qkeras-v3==1.2.1 keras==3.15.1 tensorflow==2.21.0
cat > "$folder/layers.py" <<'PYTHON'
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import numpy as np
from qkeras import QBatchNormalization, quantized_hswish


def outcome(function):
    try:
        return str(function())
    except Exception as error:
        return type(error).__name__


def normalized(axis):
    image = keras.Input((4, 6, 6))
    model = keras.Model(image, QBatchNormalization(axis=axis)(image))
    return tuple(model(np.ones((1, 4, 6, 6), "f4")).shape)


seen = {"str(quantized_hswish(8, 2, 1))": outcome(lambda: str(quantized_hswish(8, 2, 1)))}
for axis in (-1, 1):
    seen[f"QBatchNormalization(axis={axis})"] = outcome(lambda: normalized(axis))
for name, words in seen.items():
    print(f"{name}: {words}")
assert list(seen.values()) == ["AssertionError", "(1, 4, 6, 6)", "InvalidArgumentError"]
PYTHON
"$folder/venv/bin/python" "$folder/layers.py" 2>/dev/null
