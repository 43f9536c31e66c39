#!/usr/bin/env bash
# Nengo's optimizer on parts of objects in reverse order.
#
# Expected: a network gives with the optimizer, which is on by default, what it gives without.
# Found (nengo 4.1.0, Python 3.11): two Connections to or from `[::-1]` of an object raise "strides is
#   incompatible with shape of requested array and size of buffer", or give wrong values without a
#   word, or are right: by chance, in the same process. One alone, or other slices, are right.
# Output seen (of 200 builds; the numbers of the last line change from run to run):
#   neurons[::-1] once: {'right': 200}
#   neurons[::2] twice: {'right': 200}
#   neurons[::-1] twice: {'ValueError': 200}
#   a filter to relay[::-1] twice: {'wrong': 6, 'right': 183, 'ValueError': 11}
# Exits with 1 if this has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check nengo==4.1.0 numpy scipy
cat > "$folder/reversed.py" <<'PYTHON'
import collections

import nengo
import numpy as np


def to_neurons(given, part):
    ensemble = nengo.Ensemble(
        6, 1, gain=np.ones(6), bias=np.zeros(6), neuron_type=nengo.RectifiedLinear()
    )
    output = nengo.Node(size_in=6)
    nengo.Connection(given[part], ensemble.neurons[part], synapse=None)
    nengo.Connection(ensemble.neurons, output, synapse=None)
    return output


def to_relay(given, part):
    output, _beside = nengo.Node(size_in=6), nengo.Node(size_in=6)
    nengo.Connection(given, output[part], synapse=0.01)
    return output


kept = []  # objects at new addresses in every build


def values(make, n, part, optimize):
    with nengo.Network(seed=0) as net:
        given = nengo.Node(np.arange(1.0, 7.0))
        probes = [nengo.Probe(make(given, part)) for _ in range(n)]
    sim = nengo.Simulator(net, optimize=optimize, progress_bar=False)
    kept.append(sim)
    sim.run_steps(3, progress_bar=False)
    return [sim.data[probe][-1] for probe in probes]


def outcome(make, n, part):
    right = values(make, n, part, False)
    try:
        return "right" if np.allclose(values(make, n, part, True), right) else "wrong"
    except ValueError:
        return "ValueError"


backwards, stride = slice(None, None, -1), slice(None, None, 2)
seen = {}
for name, make, n, part in (
    ("neurons[::-1] once", to_neurons, 1, backwards),
    ("neurons[::2] twice", to_neurons, 2, stride),
    ("neurons[::-1] twice", to_neurons, 2, backwards),
    ("a filter to relay[::-1] twice", to_relay, 2, backwards),
):
    seen[name] = dict(collections.Counter(outcome(make, n, part) for _ in range(200)))
    print(f"{name}: {seen[name]}")
once, other, twice, filtered = seen.values()
assert once == other == {"right": 200} and twice == {"ValueError": 200}
assert filtered.get("wrong")
PYTHON
"$folder/venv/bin/python" "$folder/reversed.py"
