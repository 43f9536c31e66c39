#!/usr/bin/env bash
# Events that tonic's transforms lose, or keep, at the ends of a recording.
#
# Expected:
#   * ToFrame(n_time_bins=10, overlap=0.5) makes every bin longer by half, and still ends where the recording ends;
#   * SliceByTime cuts the example of its own documentation (events at 0, 150, 299 and 300 us, windows of 100 us)
#     into 4 slices, as is written there, or with include_incomplete=True at the latest;
#   * RefractoryPeriod(1000) lets one event of a pixel through, and then the next that comes 1000 us later or more;
#   * Denoise drops events without a neighbour, wherever they are.
# Found (tonic 1.7.0, Python 3.11):
#   * bins are 1.5 times as long, but begin 0.75 times as far apart: the last 17 % of the recording are in no bin
#     (64 % with an overlap of 0.9);
#   * there are three slices, and the last event is in none, with include_incomplete=True neither;
#   * the event at time 0 is dropped at every pixel, and an event that is dropped starts the period anew: of a
#     pixel with an event every 900 us nothing comes through at all;
#   * in the first filter_time, here 10 ms, every event that stands alone is kept.
# Output seen:
#   frames hold events until 8241 of 9999 us with an overlap of 0.5, until 3606 us with 0.9
#   slices of the example: [0], [150], [299]
#   of a pixel with 20 events, one every 900 us from 0 on, 0 come through; from 1 us on, 1
#   of 40 events far from one another, one every 1000 us, Denoise keeps 10: those before 10 ms
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
from tonic.slicers import SliceByTime
from tonic.transforms import Denoise, RefractoryPeriod, ToFrame

DTYPE = [("x", np.int16), ("y", np.int16), ("t", np.int64), ("p", np.int8)]


def events_at(times, x=0):
    events = np.zeros(len(times), dtype=DTYPE)
    events["t"], events["x"] = times, x
    return events


recording = events_at(np.arange(10_000), x=np.arange(10_000))
ends = []
for overlap in (0.5, 0.9):
    frames = ToFrame((10_000, 1, 2), n_time_bins=10, overlap=overlap)(recording)
    ends.append(int(np.nonzero(frames)[-1].max()))
print("frames hold events until {} of 9999 us with an overlap of 0.5, until {} us with 0.9".format(*ends))
slices, _ = SliceByTime(100, include_incomplete=True).slice(events_at([0, 150, 299, 300]), None)
slices = [own["t"].tolist() for own in slices]
print("slices of the example:", ", ".join(map(str, slices)))
through = [len(RefractoryPeriod(1000)(events_at(900 * np.arange(20) + start))) for start in (0, 1)]
print("of a pixel with 20 events, one every 900 us from 0 on, {} come through; from 1 us on, {}".format(*through))
alone = np.arange(40)
kept = Denoise(filter_time=10_000)(events_at(1000 * alone, x=2 * alone))["t"]
print(f"of 40 events far from one another, one every 1000 us, Denoise keeps {len(kept)}: those before 10 ms")
assert 8200 < ends[0] < 8300 and 3550 < ends[1] < 3650
assert slices == [[0], [150], [299]] and through == [0, 1]
assert len(kept) == 10 and kept.max() < 10_000
PYTHON
cd "$folder"
"$folder/venv/bin/python" -W ignore "$folder/script.py" 2> "$folder/errors.txt" || { tail -3 "$folder/errors.txt"; exit 1; }
