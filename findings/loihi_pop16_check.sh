#!/usr/bin/env bash
# 16-bit axons for a convolution whose channels are no multiple of four, in NengoLoihi.
#
# Expected: the sentence that NengoLoihi has for it, "Pop16 axons must have all compartment bases modulo 4".
# Found (nengo-loihi 1.1.0, nengo 3.2.0, numpy 1.23.5, Python 3.11): the sentence itself fails, as it
#   names an attribute that there is not (builder/validate.py, axon_compartments_bases): the user sees an
#   AttributeError about NengoLoihi's own object, and not what to change.
# Output seen:
#   4 channels: ok
#   3 channels: AttributeError, 'Synapse' object has no attribute 'axon_compartments_bases'
# Exits with 1 if this has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "setuptools<81" \
    nengo==3.2.0 nengo-loihi==1.1.0 numpy==1.23.5 scipy==1.10.1
cat > "$folder/pop16.py" <<'PYTHON'
import warnings

import nengo
import nengo_loihi
import numpy as np

warnings.simplefilter("ignore")


def outcome(channels):
    relu = nengo_loihi.neurons.LoihiSpikingRectifiedLinear()
    conv = nengo.Convolution(
        channels, (4, 4, 1), kernel_size=(2, 2), init=np.ones((2, 2, 1, channels))
    )
    with nengo.Network(seed=0) as net:
        nengo_loihi.add_params(net)
        pre = nengo.Ensemble(16, 1, neuron_type=relu, gain=np.ones(16), bias=np.ones(16))
        size = conv.output_shape.size
        post = nengo.Ensemble(size, 1, neuron_type=relu, gain=np.ones(size), bias=np.zeros(size))
        conn = nengo.Connection(pre.neurons, post.neurons, transform=conv)
        net.config[conn].pop_type = 16
    try:
        with nengo_loihi.Simulator(net, target="sim", progress_bar=False) as sim:
            sim.run_steps(1)
    except Exception as error:
        return f"{type(error).__name__}, {error}"
    return "ok"


seen = []
for channels in (4, 3):
    seen.append(outcome(channels))
    print(f"{channels} channels: {seen[-1]}")
assert seen[0] == "ok" and "AttributeError" in seen[1] and "axon_compartments_bases" in seen[1]
PYTHON
"$folder/venv/bin/python" "$folder/pop16.py"
