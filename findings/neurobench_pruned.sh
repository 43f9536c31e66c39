#!/usr/bin/env bash
# Synaptic operations that NeuroBench counts of a Linear layer, half of whose weights are pruned.
#
# Expected: 200 with all weights, 100 with half of them, as its ConnectionSparsity of 0.5 says, whether torch's
#   pruning is made permanent or still a mask.
# Found (neurobench 2.3.0, snntorch 1.0.0, torch 2.13.0, Python 3.11): while the mask is there, "operations" are
#   the sum of the weights themselves, positive and negative: the copy of the layer, whose weights are set to 1,
#   has the mask's hook as well, which computes them again as they were. Dense, which is to count all, is the
#   same number. So it is with torch's weight_norm, which is a parametrization.
# Output seen:
#   all weights: effective 200, dense 200
#   half of them, a mask: effective -0.5, dense -0.5; sparsity 0.5
#   half of them, permanent: effective 100, dense 200; sparsity 0.5
#   weight_norm: effective 1, dense 1
# Exits with 1 if this has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 snntorch==1.0.0 tqdm numpy
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps neurobench==2.3.0
cat > "$folder/script.py" <<'PYTHON'
import torch
from neurobench.benchmarks import Benchmark
from neurobench.metrics.static import ConnectionSparsity
from neurobench.metrics.workload import SynapticOperations
from neurobench.models import TorchModel
from torch.nn.utils import parametrizations, prune
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
DATA = DataLoader(TensorDataset(torch.rand(8, 20) + 0.1, torch.zeros(8)), batch_size=4)


def operations(layer):
    model = TorchModel(torch.nn.Sequential(layer, torch.nn.ReLU()))
    metrics = [[ConnectionSparsity], [SynapticOperations]]
    with torch.no_grad():
        found = Benchmark(model, DATA, [], [], metrics).run(quiet=True)
    counts = found["SynapticOperations"]
    return counts["Effective_MACs"], counts["Dense"], found["ConnectionSparsity"]


layer = torch.nn.Linear(20, 10)
every = operations(layer)
prune.l1_unstructured(layer, "weight", amount=0.5)
masked = operations(layer)
prune.remove(layer, "weight")
permanent = operations(layer)
normed = operations(parametrizations.weight_norm(torch.nn.Linear(20, 10)))
print("all weights: effective {:g}, dense {:g}".format(*every))
print("half of them, a mask: effective {:g}, dense {:g}; sparsity {:g}".format(*masked))
print("half of them, permanent: effective {:g}, dense {:g}; sparsity {:g}".format(*permanent))
print("weight_norm: effective {:g}, dense {:g}".format(*normed))
assert every[:2] == (200, 200) and permanent == (100, 200, 0.5)
assert masked[2] == 0.5 and abs(masked[0]) < 20 and abs(masked[1]) < 20
assert abs(normed[0]) < 20 and abs(normed[1]) < 20
PYTHON
cd "$folder"
"$folder/venv/bin/python" -W ignore "$folder/script.py" 2> "$folder/errors.txt" || { tail -3 "$folder/errors.txt"; exit 1; }
