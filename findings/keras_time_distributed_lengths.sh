#!/usr/bin/env bash
# A Keras 3 model with TimeDistributed and inputs of any length, asked to predict two lengths.
#
# Expected: predict() gives as many steps as it was given, whatever it was given before; calling the
#   model does.
# Found (keras 3.15.1 on tensorflow-cpu 2.21.0, Python 3.11): the first length that predict() sees is
#   right. For the next one the result has 2 steps instead of 5, the first ones, and no warning.
# Output seen:
#   (2, 16, 3) (2, 2, 3) (2, 5, 3)
# Exits with 1 if the second prediction has become right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check tensorflow-cpu==2.21.0 keras==3.15.1
cat > "$folder/lengths.py" <<'PYTHON'
import keras
import numpy as np

inp = keras.Input((None, 4))
model = keras.Model(inp, keras.layers.TimeDistributed(keras.layers.Dense(3))(inp))
first, second = (np.ones((2, n, 4), "f4") for n in (16, 5))
shapes = [np.shape(model.predict(x, verbose=0)) for x in (first, second)]
print(*shapes, np.shape(model(second)))
assert shapes[0] == (2, 16, 3) and np.shape(model(second)) == (2, 5, 3)
raise SystemExit(shapes[1] == (2, 5, 3))
PYTHON
TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" "$folder/lengths.py" 2>/dev/null
