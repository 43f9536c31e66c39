#!/usr/bin/env bash
# Two Benchmarks of NeuroBench with one and the same model, as when a cell of a notebook is run twice.
#
# Expected: the same counts each time.
# Found (neurobench 2.3.0, snntorch 1.0.0, torch 2.13.0, Python 3.11): while the first Benchmark lives, the
#   second counts every operation twice, since both hang their hooks on the model. Where the second takes the
#   first one's name, the first is deleted after the second was made, and takes all hooks away with it: no
#   operations at all, no activation sparsity, and no error.
# Output seen:
#   the first: 200 operations, activation sparsity 0.5
#   a second beside it: 400 operations, activation sparsity 0.5
#   one of the same name: 0 operations, activation sparsity 0
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
from neurobench.metrics.workload import ActivationSparsity, SynapticOperations
from neurobench.models import TorchModel
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
DATA = DataLoader(TensorDataset(torch.rand(8, 20) + 0.1, torch.zeros(8)), batch_size=4)
METRICS = [[], [SynapticOperations, ActivationSparsity]]


def counts(name, benchmark):
    with torch.no_grad():
        found = benchmark.run(quiet=True)
    operations = found["SynapticOperations"]["Effective_MACs"]
    print(f"{name}: {operations:g} operations, activation sparsity {found['ActivationSparsity']:.2g}")
    return operations


def model():
    return TorchModel(torch.nn.Sequential(torch.nn.Linear(20, 10), torch.nn.ReLU()))


both = model()
benchmark = Benchmark(both, DATA, [], [], METRICS)
alone = counts("the first", benchmark)
beside = counts("a second beside it", Benchmark(both, DATA, [], [], METRICS))
again = model()
benchmark = Benchmark(again, DATA, [], [], METRICS)
benchmark = Benchmark(again, DATA, [], [], METRICS)
renamed = counts("one of the same name", benchmark)
assert (alone, beside, renamed) == (200, 400, 0)
PYTHON
cd "$folder"
"$folder/venv/bin/python" -W ignore "$folder/script.py" 2> "$folder/errors.txt" || { tail -3 "$folder/errors.txt"; exit 1; }
