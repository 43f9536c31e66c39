"""The table that compiled code is called with: where its arrays are, their lengths, and numbers.

native_run.py fills it, run_kernels.py reads it.
"""

from __future__ import annotations

#: Arrays of the table, each with its address and its first length: those that all lanes share, and
#: those of a call.
SHARED = (
    "indices", "shape", "weights", "by_target", "starts", "places", "sparse_at", "most_events",
    "values", "constants",
)  # fmt: skip
OWN = ("code", "groups", "memory", "sums", "frames", "events", "padded", "ended")
#: Where numbers begin, after two places for what every function gives back and the arrays.
NUMBERS = 2 + 2 * len((*SHARED, *OWN))
#: Then: start, n_steps, done, and numbers of a frame.
TABLE_SIZE = NUMBERS + 4
#: The place of the address of each array; its first length is in the next one.
PLACES = {name: 2 + 2 * k for k, name in enumerate((*SHARED, *OWN))}
