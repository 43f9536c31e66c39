#!/usr/bin/env bash
# Events of tonic whose polarity is a bool, as its own DVSGesture, CIFAR10DVS, DVSLip and DSEC have it.
#
# Expected: ToVoxelGrid adds events of polarity 1 and takes off those of polarity 0, and half of the events that
#   UniformNoise adds have either polarity, as with a polarity that is a whole number.
# Found (tonic 1.7.0, Python 3.11): the -1 that ToVoxelGrid puts in place of 0 is True in an array of bools, and
#   so is every number that UniformNoise draws between 0 and 2: all events are of polarity 1, without a word.
# Output seen:
#   bool: voxels are 0.0 to 1.4, and their sum 910.1; 1000 of 1000 noise events have polarity 1
#   int8: voxels are -1.4 to 1.4, and their sum -363.1; 492 of 1000 noise events have polarity 1
# Exits with 1 if this has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    numpy scipy h5py tqdm requests typing-extensions importRosbag==1.0.4
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps tonic==1.7.0
cat > "$folder/script.py" <<'PYTHON'
import numpy as np
from tonic.datasets import DVSGesture
from tonic.transforms import ToVoxelGrid, UniformNoise

SENSOR = DVSGesture.sensor_size
rng = np.random.RandomState(0)
np.random.seed(0)
events = np.zeros(1000, dtype=DVSGesture.dtype)
events["t"] = np.sort(rng.randint(0, 10**6, 1000))
events["x"], events["y"] = rng.randint(0, 128, (2, 1000))
events["p"] = rng.rand(1000) < 0.3
whole = events.astype([(name, np.int8 if name == "p" else kind) for name, kind in events.dtype.descr])
seen = {}
for name, own in (("bool", events), ("int8", whole)):
    voxels = ToVoxelGrid(SENSOR, 5)(own)
    with_noise = UniformNoise(SENSOR, 1000)(own)
    n_on = int(with_noise["p"].sum()) - int(own["p"].sum())
    print(
        f"{name}: voxels are {voxels.min():.1f} to {voxels.max():.1f}, and their sum {voxels.sum():.1f};",
        f"{n_on} of 1000 noise events have polarity 1",
    )
    seen[name] = voxels.min(), n_on
assert seen["bool"] == (0, 1000)
assert seen["int8"][0] < 0 and 400 < seen["int8"][1] < 600
PYTHON
cd "$folder"
"$folder/venv/bin/python" -W ignore "$folder/script.py" 2> "$folder/errors.txt" || { tail -3 "$folder/errors.txt"; exit 1; }
