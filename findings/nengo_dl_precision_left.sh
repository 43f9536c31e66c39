#!/usr/bin/env bash
# Nengo's precision after a network that NengoDL could not build.
#
# Expected: an exception of nengo_dl.Simulator(...) leaves nothing behind: nengo.Simulator computes in
#   float64 afterwards, as before.
# Found (nengo-dl 3.6.0, nengo 3.2.0, TensorFlow 2.12.0, Python 3.11): while it builds, NengoDL sets the
#   option precision.bits of nengo.rc to 32, and back only if all goes well. From then on every
#   nengo.Simulator of the process computes in float32, and does not say so.
# Output seen:
#   before: precision.bits 64, 1/3 is 0.333333333333
#   after:  precision.bits 32, 1/3 is 0.333333343267
# Exits with 1 if this has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
pip() { "$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@"; }
pip "setuptools>=68,<70" wheel
pip tensorflow==2.12.0 numpy==1.23.5 nengo==3.2.0
pip --no-build-isolation nengo-dl==3.6.0
cat > "$folder/precision.py" <<'PYTHON'
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import nengo
import nengo_dl


def third():
    """A third, as nengo.Simulator has it."""
    with nengo.Network() as net:
        probe = nengo.Probe(nengo.Node([1 / 3]))
    with nengo.Simulator(net, progress_bar=False) as sim:
        sim.run_steps(1)
    value = sim.data[probe][0, 0]
    return f"precision.bits {nengo.rc.get('precision', 'bits')}, 1/3 is {value:.12f}"


class Faulty(nengo.Process):
    """A user's process with a mistake in it."""

    def make_state(self, shape_in, shape_out, dt, dtype=None):
        raise ValueError("a mistake")


print("before:", before := third())
with nengo.Network() as broken:
    nengo.Connection(nengo.Node([0.0]), nengo.Node(Faulty(default_size_out=1), size_in=1))
try:
    nengo_dl.Simulator(broken, progress_bar=False)
    raise SystemExit("it was built")
except ValueError:
    pass
print("after: ", after := third())
assert before == "precision.bits 64, 1/3 is 0.333333333333"
assert after == "precision.bits 32, 1/3 is 0.333333343267"
PYTHON
"$folder/venv/bin/python" "$folder/precision.py" 2>/dev/null
