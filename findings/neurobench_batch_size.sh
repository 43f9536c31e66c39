#!/usr/bin/env bash
# What NeuroBench finds of the same network and the same eight samples, in batches of one and of eight.
#
# Expected: operations per sample, and bytes of a network, whatever the size of a batch.
# Found (neurobench 2.3.0, snntorch 1.0.0, torch 2.13.0, Python 3.11):
#   * Whether an operation is an accumulate (AC) or a multiply-accumulate (MAC) goes by the values that a layer
#     gets in one batch: ACs if all are 0, 1 or -1. Of seven images of pixels 0 and 1, and one that also has 0.5,
#     seven need no multiplication in batches of one, and all need it in one batch.
#   * Of an RNNCell that is called without a state, the operations of a batch's first sample are counted, and
#     divided by its size.
#   * The footprint of a network of snnTorch has the membranes of the last batch in it, 4 bytes a sample and
#     neuron, and none if the network was never run.
# Output seen:
#   batches of 1: 19 MACs and 131 ACs; RNNCell 15 MACs; footprint 900 bytes
#   batches of 8: 150 MACs and 0 ACs; RNNCell 1.875 MACs; footprint 1180 bytes
#   not run: footprint 860 bytes
# Exits with 1 if this has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 snntorch==1.0.0 tqdm numpy
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps neurobench==2.3.0
cat > "$folder/script.py" <<'PYTHON'
import snntorch
import torch
from neurobench.benchmarks import Benchmark
from neurobench.metrics.static import Footprint
from neurobench.metrics.workload import SynapticOperations
from neurobench.models import SNNTorchModel, TorchModel
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)


def operations(model, samples, batch_size):
    data = DataLoader(TensorDataset(samples, torch.zeros(len(samples))), batch_size=batch_size)
    with torch.no_grad():
        found = Benchmark(model, data, [], [], [[], [SynapticOperations]]).run(quiet=True)
    return found["SynapticOperations"]


images = torch.ones(8, 20)
images[:, :5] = 0
images[0, 5] = 0.5
drives = torch.rand(8, 5) + 0.1
events = torch.ones(8, 3, 20)
hidden = snntorch.Leaky(beta=0.9, init_hidden=True, output=True)
spiking = SNNTorchModel(torch.nn.Sequential(torch.nn.Linear(20, 10), hidden))
footprints = {0: Footprint()(spiking)}
seen = {}
for size in (1, 8):
    counts = operations(TorchModel(torch.nn.Sequential(torch.nn.Linear(20, 10))), images, size)
    cell = operations(TorchModel(torch.nn.Sequential(torch.nn.RNNCell(5, 3))), drives, size)
    operations(spiking, events, size)
    footprints[size] = Footprint()(spiking)
    seen[size] = counts["Effective_MACs"], counts["Effective_ACs"], cell["Effective_MACs"]
    print(
        "batches of {}: {:.0f} MACs and {:.0f} ACs; RNNCell {:g} MACs;".format(size, *seen[size]),
        f"footprint {footprints[size]} bytes",
    )
print(f"not run: footprint {footprints[0]} bytes")
assert seen[1][1] > 0 == seen[8][1] and seen[1][2] == 15 == 8 * seen[8][2]
assert footprints[0] < footprints[1] < footprints[8]
PYTHON
cd "$folder"
"$folder/venv/bin/python" -W ignore "$folder/script.py" 2> "$folder/errors.txt" || { tail -3 "$folder/errors.txt"; exit 1; }
