#!/usr/bin/env bash
# reset_mechanism="zero" of snnTorch's neurons, which without recurrence and synapse are one and the same.
#
# Expected: Leaky, Synaptic(alpha=0), RLeaky(V=0) and RSynaptic(alpha=0, V=0) spike alike, as they do with
#   reset_mechanism="subtract"; reset_delay=False works with each.
# Found (snntorch 1.0.0, torch 2.13.0, Python 3.11): after a spike Leaky sets its membrane to zero and adds
#   the input of the step, the others set it to zero after the input, which is lost. And
#   RSynaptic(reset_delay=False, init_hidden=True) raises.
# Output seen:
#   subtract: Leaky 010110101101, Synaptic 010110101101, RLeaky 010110101101, RSynaptic 010110101101
#   zero: Leaky 010101010101, Synaptic 010010010010, RLeaky 010010010010, RSynaptic 010010010010
#   zero in the same step: Leaky 010101010101, Synaptic 010101010101, RLeaky 010101010101, RSynaptic TypeError
# Exits with 1 if this has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 snntorch==1.0.0
cat > "$folder/script.py" <<'PYTHON'
import snntorch as snn
import torch

SYNAPSE, RECURRENCE = {"alpha": 0.0}, {"all_to_all": False, "V": torch.zeros(1)}
KINDS = {
    "Leaky": {}, "Synaptic": SYNAPSE, "RLeaky": RECURRENCE, "RSynaptic": {**SYNAPSE, **RECURRENCE}
}


def spikes(kind, reset, delay):
    neuron = getattr(snn, kind)(
        beta=0.9, reset_mechanism=reset, reset_delay=delay, init_hidden=True, **KINDS[kind]
    )
    try:
        return "".join(f"{neuron(torch.full((1, 1), 0.7)).item():g}" for _ in range(12))
    except TypeError:
        return "TypeError"


seen = {}
for name, reset, delay in [
    ("subtract", "subtract", True), ("zero", "zero", True), ("zero in the same step", "zero", False)
]:
    seen[name] = {kind: spikes(kind, reset, delay) for kind in KINDS}
    print(f"{name}:", ", ".join(f"{kind} {own}" for kind, own in seen[name].items()))
assert len(set(seen["subtract"].values())) == 1
assert seen["zero"]["Leaky"] != seen["zero"]["RLeaky"] == seen["zero"]["Synaptic"]
assert seen["zero in the same step"]["RSynaptic"] == "TypeError"
PYTHON
cd "$folder"
"$folder/venv/bin/python" -W ignore "$folder/script.py" 2> "$folder/errors.txt" || { tail -3 "$folder/errors.txt"; exit 1; }
