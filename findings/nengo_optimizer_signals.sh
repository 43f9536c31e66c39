#!/usr/bin/env bash
# Signals of a built Nengo network, in several processes that do exactly the same.
#
# Expected: the same network, seeds and versions give a simulator with the same signals in the same
#   order, so that a state saved as a list of signals can be restored by another process.
# Found (nengo 4.1.0, numpy 2.3.5, Python 3.11): with optimize=True, which is the default, the number
#   of signals and their order differ from process to process (31, 32 or 47 signals here), with
#   PYTHONHASHSEED=0 too; outputs are the same to the last digit. With optimize=False all agree.
# Output seen (the first number changes from run to run):
#   optimize=True: 2 list(s) of signals in 8 processes, 1 output(s)
#   optimize=False: 1 list(s) of signals in 8 processes, 1 output(s)
# Exits with 1 if optimize=True has become the same everywhere, or optimize=False has not.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check nengo==4.1.0 numpy==2.3.5
cat > "$folder/signals.py" <<'PYTHON'
import hashlib
import sys

import nengo
import numpy as np

nengo.rc.set("decoder_cache", "enabled", "False")
with nengo.Network(seed=0) as network:
    chain = [nengo.Ensemble(10, 1, seed=i) for i in range(4)]
    for pre, post in zip(chain, chain[1:]):
        nengo.Connection(pre, post)
    probe = nengo.Probe(chain[-1], synapse=0.01)
with nengo.Simulator(network, optimize=sys.argv[1] == "True", progress_bar=False) as simulator:
    simulator.run(0.05)
    shapes = str([np.shape(value) for value in simulator.signals.values()])
    print(len(simulator.signals), hashlib.sha256(shapes.encode()).hexdigest()[:8],
          float(simulator.data[probe][-1, 0]))
PYTHON
lists() {
    for _ in 1 2 3 4 5 6 7 8; do
        "$folder/venv/bin/python" "$folder/signals.py" "$1" 2>/dev/null
    done > "$folder/$1.txt"
    signals=$(cut -d' ' -f1,2 "$folder/$1.txt" | sort -u | wc -l)
    outputs=$(cut -d' ' -f3 "$folder/$1.txt" | sort -u | wc -l)
    echo "optimize=$1: $signals list(s) of signals in 8 processes, $outputs output(s)"
}
lists True
optimized=$signals
lists False
[ "$optimized" -gt 1 ] && [ "$signals" -eq 1 ]
