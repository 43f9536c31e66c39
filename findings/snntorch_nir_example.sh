#!/usr/bin/env bash
# The example in the docstring of snnTorch's export_to_nir.
#
# Expected: it runs.
# Found (snntorch 1.0.0, nir 1.0.8, nirtorch 2.6, torch 2.13.0, Python 3.11): it raises, as beta and threshold are numbers
#   without a shape, and nir takes the shape of parameters for the number of neurons. It needs an array for
#   each of them, and ignore_dims=[0], which the example has not.
# Output seen:
#   as in the docstring: ValueError: Type inference error: type mismatch: 1.output: [[500]] -> 2.input: []
#   array for beta: AssertionError: All parameters must have the same shape
#   arrays for both: ValueError: Type inference error: type mismatch: 4.output: [[10]] -> output.input: [[ 1 10]]
#   arrays for both, and ignore_dims=[0]: ok
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


def outcome(name, arrays=(), **options):
    def leaky(size):
        given = {"beta": 0.9, "threshold": 1.0}
        given.update({key: torch.full((size,), given[key]) for key in arrays})
        return snn.Leaky(init_hidden=True, **given)

    net = torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(784, 500), leaky(500), torch.nn.Linear(500, 10), leaky(10)
    )
    try:
        export_to_nir(net, torch.randn(1, 784), **options)
    except Exception as error:
        print(f"{name}: {type(error).__name__}: {error}")
        return False
    print(f"{name}: ok")
    return True


both = ("beta", "threshold")
worked = [
    outcome("as in the docstring"),
    outcome("array for beta", ("beta",)),
    outcome("arrays for both", both),
    outcome("arrays for both, and ignore_dims=[0]", both, ignore_dims=[0]),
]
assert worked == [False, False, False, True]
PYTHON
cd "$folder"
"$folder/venv/bin/python" -W ignore "$folder/script.py" 2> "$folder/errors.txt" || { tail -3 "$folder/errors.txt"; exit 1; }
