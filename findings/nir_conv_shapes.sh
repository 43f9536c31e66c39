#!/usr/bin/env bash
# Shapes that nir computes for a Conv2d, and what follows for its files.
#
# Expected: those of the convolution.
# Found (nir 1.0.8, Python 3.11): the height of the kernel counts for the width, too; "same" gives the size
#   of the input, whatever the stride; a grouped convolution takes the channels of one group. A graph with
#   such a node is refused when it is made or read, unless type_check=False.
# Output seen:
#   kernel 3 x 1 on 2 x 6 x 6: output [4, 4, 4], is [4, 4, 6]
#   "same" with stride 2 on 2 x 6 x 6: output [4, 6, 6], is [4, 3, 3]
#   2 groups on 2 x 6 x 6: input [1, 6, 6], is [2, 6, 6]
#   a graph with each: refused, refused, refused
# Exits with 1 if this has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check nir==1.0.8
cat > "$folder/script.py" <<'PYTHON'
import nir
import numpy as np

CASES = {
    "kernel 3 x 1": (nir.Conv2d((6, 6), np.ones((4, 2, 3, 1)), 1, 0, 1, 1, np.zeros(4)), [4, 4, 6]),
    '"same" with stride 2': (
        nir.Conv2d((6, 6), np.ones((4, 2, 3, 3)), 2, "same", 1, 1, np.zeros(4)), [4, 3, 3]),
    "2 groups": (nir.Conv2d((6, 6), np.ones((4, 1, 3, 3)), 1, 1, 1, 2, np.zeros(4)), [4, 6, 6]),
}
words, wrong = [], []
for name, (conv, output) in CASES.items():
    given, own = conv.input_type["input"].tolist(), conv.output_type["output"].tolist()
    if given != [2, 6, 6]:
        print(f"{name} on 2 x 6 x 6: input {given}, is [2, 6, 6]")
    else:
        print(f"{name} on 2 x 6 x 6: output {own}, is {output}")
    wrong.append(given != [2, 6, 6] or own != output)
    nodes = {"input": nir.Input(np.array([2, 6, 6])), "conv": conv, "output": nir.Output(np.array(output))}
    try:
        nir.NIRGraph(nodes, [("input", "conv"), ("conv", "output")])
        words.append("taken")
    except ValueError:
        words.append("refused")
print("a graph with each:", ", ".join(words))
assert all(wrong) and words == ["refused"] * 3
PYTHON
cd "$folder"
"$folder/venv/bin/python" -W ignore "$folder/script.py" 2> "$folder/errors.txt" || { tail -3 "$folder/errors.txt"; exit 1; }
