"""A spiking network against the same network without spikes, and all cost models side by side.

python examples/break_even.py              # tables
python examples/break_even.py plot.png     # and the plot
"""

from __future__ import annotations

import sys

import nengo_spikecost as nsc
from nengo_spikecost.demo import DEMO_SETTINGS, demo_data, demo_model

x = demo_data().x_test[:100]
conversion = nsc.convert(
    demo_model(),
    neuron_type=DEMO_SETTINGS.neuron_type,
    scale_firing_rates=DEMO_SETTINGS.scale_firing_rates,
    synapse=DEMO_SETTINGS.synapse,
)
activity = nsc.measure(conversion, x, DEMO_SETTINGS.n_steps)

arithmetic = nsc.break_even(conversion, activity)
with_memory = nsc.break_even(conversion, activity, cost_model="lemaire")
for result in (arithmetic, with_memory):
    result.summary(print_warnings=False)
    print()
nsc.compare(conversion, activity, example_data=x).summary()

if len(sys.argv) > 1:
    arithmetic.plot().figure.savefig(sys.argv[1], dpi=100)
