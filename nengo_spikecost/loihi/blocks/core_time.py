"""A model of the time that a core needs for a step.

A core updates its compartments one after the other, and so it does its synaptic operations.
The constants are the times of Loihi's table of energies and times, simulated before there was
silicon; that they add up, and that nothing else takes time, is this model's assumption. It says
which core is busiest, and in what proportion, to choose shapes by; `chip_cost` says how long it
takes.

Reference: Davies et al., Loihi: A Neuromorphic Manycore Processor with On-Chip Learning,
IEEE Micro 38(1), 2018, Table 2.
"""

from __future__ import annotations

#: Time of a synaptic operation in ns.
SYNOP_NS = 3.5

#: Time of a compartment's update in ns, when it is active (5.3 when it is not).
UPDATE_NS = 8.4
