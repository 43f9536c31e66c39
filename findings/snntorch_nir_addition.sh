#!/usr/bin/env bash
# A skip connection, added in forward(), in a network that snnTorch writes to NIR.
#
# Expected: the graph has the addition, or the export says that it can't have it.
# Found (snntorch 1.0.0, nir 1.0.8, nirtorch 2.6, torch 2.13.0, Python 3.11): the graph is cut at the addition. The
#   module before it leads to the output, the one after it has an input of its own, and the skip
#   connection is missing; without an error or a warning.
# Output seen:
#   fc1 -> lif1, fc2 -> output, fc3 -> output, input -> fc1, input_lif2 -> lif2, lif1 -> fc2, lif2 -> fc3
# Exits with 1 if this has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 snntorch==1.0.0 nir==1.0.8 nirtorch==2.6
cat > "$folder/script.py" <<'PYTHON'
import snntorch as snn
import torch
from snntorch.export_nir import export_to_nir
from torch import nn


def leaky():
    return snn.Leaky(beta=torch.full((3,), 0.9), threshold=torch.ones(3), init_hidden=True)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.lif1 = nn.Linear(3, 3), leaky()
        self.fc2, self.lif2 = nn.Linear(3, 3), leaky()
        self.fc3 = nn.Linear(3, 2)

    def forward(self, x):
        current = self.fc1(x)
        return self.fc3(self.lif2(self.fc2(self.lif1(current)) + current))


net = Net()
graph = export_to_nir(net, torch.ones(1, 3), ignore_dims=[0])
print(", ".join(sorted(f"{pre} -> {post}" for pre, post in graph.edges)))
assert {("fc2", "output"), ("input_lif2", "lif2")} <= set(graph.edges)
assert ("fc1", "lif2") not in graph.edges and ("fc2", "lif2") not in graph.edges
PYTHON
cd "$folder"
"$folder/venv/bin/python" -W ignore "$folder/script.py" 2> "$folder/errors.txt" || { tail -3 "$folder/errors.txt"; exit 1; }
