#!/usr/bin/env bash
# Noise of a sample in NengoDL, by its place among the others.
#
# Expected: each sample starts afresh, as in nengo.Simulator after reset(): with a seed of the process,
#   and stateful=False by default, the same sample gives the same output wherever it stands.
# Found (nengo-dl 3.6.0, nengo 3.2.0, TensorFlow 2.12.0, Python 3.11): the noise goes on from one
#   minibatch to the next, so that equal samples give other outputs; without a seed of the process each
#   lane of a minibatch has noise of its own, too.
# Output seen:
#   process with a seed: lanes of a minibatch equal True, two minibatches equal False, nengo after reset True
#   process without one: lanes of a minibatch equal False, two minibatches equal False, nengo after reset True
# Exits with 1 if this has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
pip() { "$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@"; }
pip "setuptools>=68,<70" wheel
pip tensorflow==2.12.0 numpy==1.23.5 nengo==3.2.0
pip --no-build-isolation nengo-dl==3.6.0
cat > "$folder/noise.py" <<'PYTHON'
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import nengo
import nengo_dl
import numpy as np


def network(seed):
    noise = nengo.processes.WhiteNoise(nengo.dists.Gaussian(0, 1), seed=seed)
    with nengo.Network(seed=0) as net:
        node = nengo.Node([0.0])
        relu = nengo.RectifiedLinear()
        ens = nengo.Ensemble(1, 1, neuron_type=relu, gain=[1], bias=[100.0], noise=noise)
        nengo.Connection(node, ens, synapse=None)
        probe = nengo.Probe(ens.neurons)
    return net, node, probe


def after_reset(net, probe):
    with nengo.Simulator(net, progress_bar=False) as sim:
        runs = []
        for _ in range(2):
            sim.run_steps(5, progress_bar=False)
            runs.append(sim.data[probe].copy())
            sim.reset()
    return bool(np.array_equal(*runs))


seen = []
for name, seed in (("with a seed", 5), ("without one", None)):
    net, node, probe = network(seed)
    samples = np.zeros((4, 5, 1))  # four times the same
    with nengo_dl.Simulator(net, minibatch_size=2, progress_bar=False) as sim:
        a, b, c, d = sim.predict({node: samples}, verbose=0)[probe]
    found = bool(np.array_equal(a, b)), bool(np.array_equal(a, c)), after_reset(net, probe)
    print(
        f"process {name}: lanes of a minibatch equal {found[0]}, two minibatches equal {found[1]}, "
        f"nengo after reset {found[2]}"
    )
    seen.append(found)
assert seen == [(True, False, True), (False, False, True)]
PYTHON
"$folder/venv/bin/python" "$folder/noise.py" 2>/dev/null
