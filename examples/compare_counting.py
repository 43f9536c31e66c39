"""Three ways to count the same network on the same digits, layer by layer.

exact        every spike times the synapses that it really reaches
average      mean rate times number of synapses, of the same measured spikes
ModelEnergy  mean activation of the Keras model times connections, as KerasSpiking does:
             it knows nothing of firing rates, and takes pixels for spikes
"""

from __future__ import annotations

import nengo_spikecost as nsc
from nengo_spikecost.demo import DEMO_SETTINGS, demo_data, demo_model

model, x = demo_model(), demo_data().x_test[:50]
steps = DEMO_SETTINGS.n_steps

conversion = nsc.convert(
    model,
    neuron_type=DEMO_SETTINGS.neuron_type,
    scale_firing_rates=DEMO_SETTINGS.scale_firing_rates,
    synapse=DEMO_SETTINGS.synapse,
)
measured = nsc.NetworkEnergy(conversion, nsc.measure(conversion, x, steps)).to_frame(["loihi"])
estimated = nsc.NetworkEnergy(model, example_data=x, cost_model="kerasspiking")

guesses = {p.layer: p.synops.mean() for p in estimated.workload(steps).pathways}

print(f"Synops per inference of {steps} steps, mean of {len(x)} digits")
print(f"{'layer':<10} {'exact':>11} {'average':>11} {'average/exact':>14} {'ModelEnergy':>12}")
for name, layer in measured[measured.connections > 0].iterrows():
    guess = f"{guesses[name]:12,.0f}"
    if not layer.synops > 0:
        print(f"{name:<10} {'(host)':>11} {'':>11} {'':>14} {guess}")
        continue
    ratio = layer.average_synops / layer.synops
    print(f"{name:<10} {layer.synops:11,.0f} {layer.average_synops:11,.0f} {ratio:14.3f} {guess}")
