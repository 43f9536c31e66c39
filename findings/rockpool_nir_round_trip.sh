#!/usr/bin/env bash
# Networks of rockpool, written to NIR and read back by rockpool itself.
#
# Expected: what rockpool wrote it reads, and the network spikes as before; what can't be written is refused.
# Found (rockpool 3.1.0, nir 1.0.8 and nirtorch 2.6, or nir 1.0.4 and nirtorch 1.0, as its extra "nir" has them;
#   torch 2.13.0, Python 3.11):
#   * A LIFTorch comes back with another step: r is written as tau exp(-dt / tau) / dt, and dt is read as
#     tau / (1 + r), which is 0.995 ms for 1 ms and 10 ms. A fifth of the outputs are others.
#   * The weights of a recurrent LIFTorch are not written, without a word.
#   * The graph of a LIFNeuronTorch can't be read: tau_mem is asked of NIR's LIF, which has tau.
#   * The graph of an ExpSynTorch can't be saved, since its tau is a tensor with gradients; read without a file,
#     its tau of 5 ms is cast to a whole number of seconds: 0, so that its output is 0 for ever.
# Output seen:
#   LIFTorch: dt 0.9952 ms, 339 of 1600 outputs differ
#   LIFTorch with recurrence: nodes input, 0_LinearTorch, 1_LIFTorch, output
#   LIFNeuronTorch: AttributeError: 'LIF' object has no attribute 'tau_mem'
#   ExpSynTorch: nir.write: RuntimeError; tau 0, output 0
# Exits with 1 if this has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    torch==2.13.0 rockpool==3.1.0 nir==1.0.8 nirtorch==2.6
cat > "$folder/script.py" <<'PYTHON'
import nir
import torch
from rockpool.nn.combinators import Sequential
from rockpool.nn.modules import ExpSynTorch, LIFNeuronTorch, LIFTorch, LinearTorch
from rockpool.nn.modules.torch.nir import from_nir, to_nir

torch.manual_seed(0)
torch.set_grad_enabled(False)
events = (torch.rand(1, 200, 6) < 0.2).float()
weight = 0.5 * torch.rand(6, 8) - 0.1


def graph_of(neurons):
    network = Sequential(LinearTorch((6, 8), weight=weight, has_bias=False), neurons)
    return network, to_nir(network)


def raised(call, *arguments):
    try:
        call(*arguments)
    except (AttributeError, RuntimeError) as error:
        return f"{type(error).__name__}: {error}"
    return "nothing is raised"


cuba = {"tau_mem": 0.01, "tau_syn": 0.005, "bias": 0.0, "dt": 1e-3}
network, graph = graph_of(LIFTorch(8, **cuba))
back = from_nir(graph)
step = next(module.dt for module in back.modules() if isinstance(module, LIFTorch))
expected, found = network(events)[0], back(events)[0]
n_others = int((expected != found).sum())
print(f"LIFTorch: dt {1e3 * step:.4f} ms, {n_others} of {expected.numel()} outputs differ")
_, graph = graph_of(LIFTorch(8, has_rec=True, **cuba))
print("LIFTorch with recurrence: nodes", ", ".join(graph.nodes))
assert 0.9951e-3 < step < 0.9953e-3 and n_others > 100 and len(graph.nodes) == 4
_, graph = graph_of(LIFNeuronTorch(8, tau_mem=0.01, bias=0.0, dt=1e-3))
refusal = raised(from_nir, graph)
print("LIFNeuronTorch:", refusal)
assert "tau_mem" in refusal
_, graph = graph_of(ExpSynTorch(8, tau=torch.full((8,), 0.005), dt=1e-3))
with torch.enable_grad():
    refusal = raised(nir.write, "synapse.nir", graph)
back = from_nir(graph)
tau = next(module.tau for module in back.modules() if isinstance(module, ExpSynTorch))
largest = float(back(events)[0].abs().max())
print(f"ExpSynTorch: nir.write: {refusal.partition(':')[0]}; tau {float(tau.max()):g}, output {largest:g}")
assert refusal.startswith("RuntimeError") and tau.max() == 0 and largest == 0
PYTHON
cd "$folder"
"$folder/venv/bin/python" -W ignore "$folder/script.py" 2> "$folder/errors.txt" || { tail -3 "$folder/errors.txt"; exit 1; }
