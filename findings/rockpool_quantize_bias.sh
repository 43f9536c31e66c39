#!/usr/bin/env bash
# Biases that rockpool's quantizers make for a Xylo chip, of two hidden neurons and one output.
#
# Expected: a bias is scaled as the threshold of its neuron is, so that what it adds in a step is the same part of
#   a threshold as before: 0.25 of the hidden ones, 0.1 of the output.
# Found (rockpool 3.1.0, Python 3.11): channel_quantize only rounds the biases of hidden neurons, where each has
#   one synapse (with two it scales them), so that all below 0.5 are lost; it also changes the array of the
#   output's biases that it was given. global_quantize scales the output's bias by the scale of hidden neurons.
#   And global_quantize(fuzzy_scaling=True), which should "scale and clip weights", does not clip: weights are
#   far above the 127 of 8 bits.
# Output seen:
#   global_quantize: biases 0.25 and 0.25 of a threshold, 0.02 of the output's
#   channel_quantize: biases 0 and 0 of a threshold, 0.1 of the output's; the output's given bias is now 127
#   fuzzy scaling: the largest weight of 8 bits is 236
# Exits with 1 if this has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check rockpool==3.1.0
cat > "$folder/script.py" <<'PYTHON'
import numpy as np
from rockpool.transform.quantize_methods import channel_quantize, global_quantize


def network(weights_in):
    n_hidden = weights_in.shape[1]
    hidden = dict.fromkeys(("dash_mem", "dash_syn", "dash_syn_2"), np.full(n_hidden, 4.0))
    return {
        **hidden, "dash_mem_out": np.full(1, 4.0), "dash_syn_out": np.full(1, 4.0),
        "weights_in": weights_in, "weights_rec": np.zeros((n_hidden, n_hidden)),
        "weights_out": np.full((n_hidden, 1), 0.1),
        "threshold": np.ones(n_hidden), "threshold_out": np.ones(1),
    }


relative = {}
for quantize in (global_quantize, channel_quantize):
    given = network(np.array([[0.5, -0.25]]))
    given.update(bias=np.array([0.25, 0.25]), bias_out=np.array([0.1]))
    found = quantize(**given)
    name = quantize.__name__
    hidden = found["bias"] / found["threshold"]
    output = (found["bias_out"] / found["threshold_out"])[0]
    relative[name] = hidden.round(2).tolist(), round(float(output), 2)
    changed = given["bias_out"][0]
    print(
        "{}: biases {:.2g} and {:.2g} of a threshold, {:.2g} of the output's".format(name, *hidden, output)
        + (f"; the output's given bias is now {changed:g}" if changed != 0.1 else "")
    )
outlier = np.full((1, 20), 0.1)
outlier[0, 0] = 1.0
largest = global_quantize(**network(outlier), fuzzy_scaling=True)["weights_in"].max()
print(f"fuzzy scaling: the largest weight of 8 bits is {largest}")
assert relative["global_quantize"] == ([0.25, 0.25], 0.02)
assert relative["channel_quantize"] == ([0.0, 0.0], 0.1)
assert changed == 127 and largest > 127
PYTHON
cd "$folder"
"$folder/venv/bin/python" -W ignore "$folder/script.py" 2> "$folder/errors.txt" || { tail -3 "$folder/errors.txt"; exit 1; }
