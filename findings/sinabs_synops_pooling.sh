#!/usr/bin/env bash
# Synaptic operations that sinabs counts where an average pooling comes before the neurons, not behind them.
#
# Expected: the spikes that reach the last convolution, times the targets of each, in both orders. (Behind the
#   neurons a pooling divides spikes by 4, and the count is multiplied by 4 again, as its documentation says.)
# Found (sinabs 3.1.3, torch 2.13.0, Python 3.11): with convolution, pooling, neurons, the order that needs the
#   fewest neurons, the last convolution is counted 4 times, though its input is whole spikes: the factor goes on
#   to the next module with a weight, past the neurons. A BatchNorm2d behind the pooling is such a module, and
#   takes the factor away where it is due.
# Output seen:
#   neurons, pooling: counted 2866.2, in truth 2866.2
#   pooling, neurons: counted 2859.2, in truth 714.8
#   neurons, pooling, normalization: counted 716.6, in truth 2866.2
# Exits with 1 if this has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    torch==2.13.0 nir==1.0.4 nirtorch==1.0 numpy matplotlib pbr
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps sinabs==3.1.3
cat > "$folder/script.py" <<'PYTHON'
import torch
from sinabs.hooks import register_synops_hooks
from sinabs.layers import IAFSqueeze
from torch import nn

ORDERS = {
    "neurons, pooling": ("neurons", "pooling"),
    "pooling, neurons": ("pooling", "neurons"),
    "neurons, pooling, normalization": ("neurons", "pooling", "normalization"),
}
torch.manual_seed(0)
events = 1.0 * (torch.rand(50, 1, 12, 12) < 0.4)
first, last = nn.Conv2d(1, 2, 3, bias=False), nn.Conv2d(2, 5, 3, bias=False)
nn.init.constant_(first.weight, 0.25)
ratios = []
for name, order in ORDERS.items():
    modules = {
        "neurons": IAFSqueeze(batch_size=1), "pooling": nn.AvgPool2d(2),
        "normalization": nn.BatchNorm2d(2, eps=0),
    }
    network = nn.Sequential(first, *(modules[key] for key in order), last).eval()
    register_synops_hooks(network)
    inputs = []
    handle = last.register_forward_pre_hook(lambda module, given: inputs.append(given[0]))
    with torch.no_grad():
        outputs = network(events)
    handle.remove()
    counted = float(network.hook_data["synops_per_timestep"][len(order) + 1])
    n_targets = nn.functional.conv_transpose2d(torch.ones_like(outputs[:1]), torch.ones(5, 2, 3, 3))
    spikes = inputs[0] * (1 if order[1] == "neurons" else 4)  # a mean of four pixels
    truth = float((spikes * n_targets).sum() / len(events))
    print(f"{name}: counted {counted:.1f}, in truth {truth:.1f}")
    ratios.append(round(counted / truth, 3))
assert ratios == [1, 4, 0.25]
PYTHON
cd "$folder"
"$folder/venv/bin/python" -W ignore "$folder/script.py" 2> "$folder/errors.txt" || { tail -3 "$folder/errors.txt"; exit 1; }
