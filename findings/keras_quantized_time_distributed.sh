#!/usr/bin/env bash
# A Dense layer in TimeDistributed, quantized to int8 by Keras 3.
#
# Expected: predictions within about a percent of those before, as without TimeDistributed.
# Found (keras 3.15.1, tensorflow 2.21.0, Python 3.11): TimeDistributed calls the layer's `call`, which
#   multiplies with the integers and leaves their scales out; predictions are some hundred times too
#   large, without a warning.
# Output seen:
#   Dense alone: largest output after quantize("int8") is 1.00 times that before
#   Dense in TimeDistributed: largest output after quantize("int8") is 191.83 times that before
# Exits with 1 if that has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check keras==3.15.1 tensorflow==2.21.0
cat > "$folder/quantized.py" <<'PYTHON'
import keras
import numpy as np

x = np.random.RandomState(0).uniform(0, 1, (4, 9, 8)).astype("float32")
ratios = []
for name, wrap in (("Dense alone", lambda d: d), ("Dense in TimeDistributed", keras.layers.TimeDistributed)):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((9, 8)), wrap(keras.layers.Dense(5))])
    before = np.abs(np.asarray(model(x))).max()
    model.quantize("int8")
    ratios.append(np.abs(np.asarray(model(x))).max() / before)
    print(f'{name}: largest output after quantize("int8") is {ratios[-1]:.2f} times that before')
assert 0.9 < ratios[0] < 1.1 and ratios[1] > 10, "changed"
PYTHON
"$folder/venv/bin/python" "$folder/quantized.py" 2>/dev/null
