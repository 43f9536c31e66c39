#!/usr/bin/env bash
# A passthrough Node with a Probe, beside another target on the chip, on NengoLoihi's emulator; and the
# solver of a Connection that leads to a passthrough Node.
#
# Expected: the Node's Probe reads what Nengo's does (0.8), and decoders that were given (all 0) stay.
# Found (nengo-loihi 1.1.0, nengo 3.2.0, numpy 1.23.5, Python 3.11): NengoLoihi merges passthrough Nodes
#   between populations on the chip. A probed one at the end of a way gets no input any more, and the
#   Connections that stand for merged ones are made without their solver. Neither is warned of.
# Output seen:
#   probed Node:   Nengo 0.80, NengoLoihi 0.00
#   decoders of 0: Nengo -0.01, NengoLoihi 0.84
# Exits with 1 if NengoLoihi has become right in either.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "setuptools<81" \
    nengo==3.2.0 nengo-loihi==1.1.0 numpy==1.23.5 scipy==1.10.1
cat > "$folder/relay.py" <<'PYTHON'
import warnings

import nengo
import nengo_loihi
import numpy as np

warnings.simplefilter("ignore")
nengo.rc.set("decoder_cache", "enabled", "False")


def network(**first):
    with nengo.Network(seed=0) as net:
        net.config[nengo.Ensemble].neuron_type = nengo_loihi.LoihiLIF()
        source, target = nengo.Ensemble(60, 1), nengo.Ensemble(60, 1)
        relay, motor = nengo.Node(size_in=1), nengo.Node(size_in=1)
        nengo.Connection(nengo.Node(0.8), source)
        nengo.Connection(source, relay, synapse=None, **first)
        nengo.Connection(relay, target)
        nengo.Connection(relay, motor, synapse=0.02)
        return net, nengo.Probe(motor), nengo.Probe(target, synapse=0.05)


def both(net, probe):
    means = []
    for simulator in (nengo.Simulator, nengo_loihi.Simulator):
        with simulator(net, progress_bar=False) as sim:
            sim.run_steps(500)
        means.append(float(sim.data[probe][300:].mean()))
    return means


net, motor, _ = network()
probed = both(net, motor)
net, _, target = network(solver=nengo.solvers.NoSolver(np.zeros((60, 1))))
silent = both(net, target)
print("probed Node:   Nengo {:.2f}, NengoLoihi {:.2f}".format(*probed))
print("decoders of 0: Nengo {:.2f}, NengoLoihi {:.2f}".format(*silent))
assert abs(probed[0] - 0.8) < 0.05 and abs(silent[0]) < 0.1
raise SystemExit(abs(probed[1]) > 0.05 or abs(silent[1]) < 0.5)
PYTHON
"$folder/venv/bin/python" "$folder/relay.py"
