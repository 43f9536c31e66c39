#!/usr/bin/env bash
# nir.read(..., type_check=False) of a graph that has a graph in it.
#
# Expected: nothing is checked, as for a graph without one; its documentation has the argument for older
#   graphs.
# Found (nir 1.0.8, Python 3.11): inner graphs are checked nevertheless, so that they can't be read at all. The
#   subgraph files that NIR's authors published with their paper are such: an edge names a node that has
#   another name.
# Output seen:
#   flat: read
#   nested: ValueError: Edge ('input', 'lif') references destination node 'lif' which does not exist in the graph. Available nodes: ['input', 'lif1', 'output']
# Exits with 1 if this has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check nir==1.0.8
cat > "$folder/script.py" <<'PYTHON'
import nir
import numpy as np

ones = np.ones(2)
nodes = {
    "input": nir.Input(np.array([2])),
    "lif1": nir.LIF(tau=ones, r=ones, v_leak=0 * ones, v_threshold=ones),
    "output": nir.Output(np.array([2])),
}
flat = nir.NIRGraph(nodes, [("input", "lif"), ("lif", "output")], type_check=False)
outer = {"input": nodes["input"], "inner": flat, "output": nodes["output"]}
nested = nir.NIRGraph(outer, [("input", "inner"), ("inner", "output")], type_check=False)
outcomes = {}
for name, graph in (("flat", flat), ("nested", nested)):
    nir.write(f"{name}.nir", graph)
    try:
        nir.read(f"{name}.nir", type_check=False)
        outcomes[name] = "read"
    except ValueError as error:
        outcomes[name] = f"ValueError: {error}"
    print(f"{name}: {outcomes[name]}")
assert outcomes["flat"] == "read" and outcomes["nested"].startswith("ValueError: Edge")
PYTHON
cd "$folder"
"$folder/venv/bin/python" -W ignore "$folder/script.py" 2> "$folder/errors.txt" || { tail -3 "$folder/errors.txt"; exit 1; }
