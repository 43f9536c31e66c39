"""A trained Keras network on handwritten digits: its spikes, synops, Joules and accuracy."""

from __future__ import annotations

import nengo_spikecost as nsc
from nengo_spikecost.demo import demo_data, demo_model

data = demo_data()
result = nsc.profile(
    demo_model(),
    data.x_test[:100],
    data.y_test[:100],
    devices=["cpu", "loihi", "spinnaker2"],
)
result.summary()
