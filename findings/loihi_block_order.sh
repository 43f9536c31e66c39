#!/usr/bin/env bash
# The same network with passthrough Nodes, built several times by NengoLoihi.
#
# Expected: with a seed, the same blocks in the same order each time, and so on the same cores of a board.
# Found (nengo-loihi 1.1.0, nengo 3.2.0, numpy 1.23.5, Python 3.11): Connections that are merged over a
#   passthrough Node are kept in sets, which are gone through in the order of addresses in memory. The
#   blocks between their ends come in another order in almost every build, so that the allocators, which
#   take them as they come, put them on other cores, with other hops between these.
# Output seen:
#   orders of blocks in 12 builds of the same network: 12, sets of blocks: 1
# Exits with 1 if there is one order only.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "setuptools<81" \
    nengo==3.2.0 nengo-loihi==1.1.0 numpy==1.23.5 scipy==1.10.1
cat > "$folder/order.py" <<'PYTHON'
import re
import warnings

import nengo
import nengo_loihi

warnings.simplefilter("ignore")
nengo.rc.set("decoder_cache", "enabled", "False")
kept = []


def build():
    with nengo.Network(seed=0) as net:
        before = nengo.networks.EnsembleArray(8, 6, label="before")
        after = nengo.networks.EnsembleArray(8, 6, label="after")
        nengo.Connection(before.output, after.input)  # two passthrough Nodes, six Connections
    with nengo_loihi.Simulator(net, target="sim", progress_bar=False) as sim:
        kept.append((net, sim))  # so that the next build lies at other addresses
        return tuple(re.sub(" at 0x[0-9a-f]+", "", str(block.label)) for block in sim.model.blocks)


orders = {build() for _ in range(12)}
alike = {tuple(sorted(order)) for order in orders}
print(f"orders of blocks in 12 builds of the same network: {len(orders)}, sets of blocks: {len(alike)}")
assert len(orders) > 1 and len(alike) == 1
PYTHON
"$folder/venv/bin/python" "$folder/order.py"
