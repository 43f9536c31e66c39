#!/usr/bin/env bash
# What it takes to build a population of Izhikevich neurons whose gain and bias are given.
#
# Expected: as for LIF neurons, next to nothing: gain and bias are all that a simulation needs, and no
#   decoders are solved for.
# Found (nengo 4.1.0, numpy 2.3.5, Python 3.11): every neuron is simulated for 1,001 steps at 102 inputs,
#   to note max_rates and intercepts in the built ensemble, which no operator reads. 20,000 neurons take
#   some 20 s of processor time before the first step.
# Output seen:
#   LIF: steps of a neuron while 50 neurons are built: 0
#   Izhikevich: steps of a neuron while 50 neurons are built: 5105100
#   the same spikes without them: True
# Exits with 1 if this has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check nengo==4.1.0 numpy==2.3.5
cat > "$folder/build.py" <<'PYTHON'
import nengo
import numpy as np

N = 50
steps = 0


def counting(base):
    class Counting(base):
        def step(self, dt, J, output, **state):
            global steps
            steps += np.size(J)
            return base.step(self, dt, J, output, **state)

    return Counting()


class Unnoted(nengo.Izhikevich):
    def max_rates_intercepts(self, gain, bias):
        return np.full(N, 100.0), np.zeros(N)


def network(neuron_type):
    with nengo.Network(seed=0) as net:
        given = nengo.Node(1.0)
        ensemble = nengo.Ensemble(
            N, 1, neuron_type=neuron_type, encoders=np.ones((N, 1)), gain=np.full(N, 20.0),
            bias=np.linspace(1.0, 10.0, N),
        )
        nengo.Connection(given, ensemble, synapse=None)
        probe = nengo.Probe(ensemble.neurons)
    return net, probe


seen = []
for base in (nengo.LIF, nengo.Izhikevich):
    net, _ = network(counting(base))
    steps = 0
    with nengo.Simulator(net, progress_bar=False):
        seen.append(steps)
    print(f"{base.__name__}: steps of a neuron while {N} neurons are built: {seen[-1]}")
spikes = []
for neuron_type in (nengo.Izhikevich(), Unnoted()):
    net, probe = network(neuron_type)
    with nengo.Simulator(net, progress_bar=False) as sim:
        sim.run_steps(200, progress_bar=False)
    spikes.append(sim.data[probe])
same = np.array_equal(*spikes) and spikes[0].any()
print("the same spikes without them:", bool(same))
assert seen == [0, N * 102 * 1001] and same
PYTHON
"$folder/venv/bin/python" "$folder/build.py"
