#!/usr/bin/env bash
# The order in which Nengo calls Nodes, with its optimizer.
#
# Expected: the same network calls the functions of its Nodes in the same order whenever it is built,
#   so that functions that share something (a counter, a log, a robot) do the same in every run.
# Found (nengo 4.1.0, Python 3.11): with optimize=True, which is the default, the order differs from
#   build to build in one process. With optimize=False all builds agree.
# Output seen (the first number changes from run to run):
#   optimize=True: 14 order(s) in 20 builds
#   optimize=False: 1 order(s) in 20 builds
# Exits with 1 if this has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check nengo==4.1.0 numpy scipy
cat > "$folder/order.py" <<'PYTHON'
import nengo


def order(optimize):
    calls = []
    with nengo.Network(seed=0) as net:
        cells = nengo.Ensemble(10, 1)
        for k in range(6):
            node = nengo.Node(lambda t, x, k=k: calls.append(k) or 0.0, size_in=1, size_out=1)
            nengo.Connection(cells, node)
            nengo.Connection(node, cells)
    with nengo.Simulator(net, optimize=optimize, progress_bar=False) as sim:
        calls.clear()
        sim.run_steps(1, progress_bar=False)
    return tuple(calls)


seen = []
for optimize in (True, False):
    seen.append(len({order(optimize) for _ in range(20)}))
    print(f"optimize={optimize}: {seen[-1]} order(s) in 20 builds")
assert seen[0] > 1 and seen[1] == 1
PYTHON
"$folder/venv/bin/python" "$folder/order.py"
