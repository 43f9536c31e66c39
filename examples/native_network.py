"""A network made in Nengo, not in Keras: an integrator, measured and priced.

Two constant inputs drive it for 0.5 s each, and it ends near half of each. Nothing is converted;
its recurrent connection is a pathway as any other.
"""

from __future__ import annotations

import nengo
import numpy as np

import nengo_spikecost as nsc

TAU = 0.1

with nengo.Network(seed=0) as net:
    net.config[nengo.Ensemble].neuron_type = nengo.LIF()
    stimulus = nengo.Node([0.0], label="stimulus")
    relay = nengo.Ensemble(80, 1, label="relay")
    memory = nengo.Ensemble(120, 1, label="memory")
    nengo.Connection(stimulus, relay)
    nengo.Connection(relay, memory, transform=TAU, synapse=TAU)
    nengo.Connection(memory, memory, synapse=TAU)
    nengo.Probe(memory, synapse=0.01, label="integral")

print("Synapses, decoders and encoders multiplied out:")
for pathway in nsc.NetworkGraph(net).pathways:
    print(f"  {pathway.name:<18} {pathway.kind:<8} {pathway.n_synapses:>7,}")

samples = np.array([[0.5], [1.0]])
activity = nsc.measure(net, samples, n_steps=500)
energy = nsc.NetworkEnergy(net, activity)

synops = sum(p.synops for p in energy.workload().pathways if p.synops is not None)
joules = energy.estimate("loihi").total_J
integral = activity.outputs["integral"].last[:, 0]
for i, (value,) in enumerate(samples):
    print(
        f"input {value:g}: integral {integral[i]:.2f}, {synops[i]:,} synops, "
        f"{joules[i]:.3g} J on Loihi"
    )

energy.summary(["name", "neurons", "rate", "spikes", "synops", "energy loihi", "energy cpu"])
