"""The simulators of this package, one `SimulatorSpec` each; back ends are imported on first use.

So chip counts can be read without TensorFlow, and NengoDL runs without NengoLoihi.
"""

from __future__ import annotations

from .simulator_spec import SimulatorSpec, register_simulator_spec

_ACTIVITY = "nengo_spikecost.activity"
_LOIHI = "nengo_spikecost.loihi.simulators"

_NEEDS = f"{_ACTIVITY}.memory_needs"

_EMULATOR = "nengo_spikecost.loihi.emulation.emulator_memory:emulator_need"

_RESCALING = "nengo_spikecost.tuning.sweeps.sweep_engine:NetworkEngine"

NENGO_DL = SimulatorSpec(
    "nengo_dl", f"{_ACTIVITY}.nengo_dl:nengo_dl_backend", options=("by_step",),
    sweep_engine=_RESCALING, memory=f"{_NEEDS}:nengo_dl_need",
)  # fmt: skip
NENGO_DL_PROBES = SimulatorSpec(
    "nengo_dl_probes", f"{_ACTIVITY}.nengo_dl_probes:ProbingBackend", options=("by_step",)
)
COMPILED = SimulatorSpec(
    "compiled", f"{_ACTIVITY}.compiled.compiled_backend:compiled_backend", resumable=True,
    starts_anew=True, options=("dtype", "by_step"), lengths=True, sweep_engine=_RESCALING,
    memory=f"{_NEEDS}:compiled_need",
)  # fmt: skip
NENGO = SimulatorSpec(
    "nengo", f"{_ACTIVITY}.reference:NengoBackend", minibatch=False, options=("by_step",),
    starts_anew=True, memory=f"{_NEEDS}:nengo_need",
)  # fmt: skip
LOIHI = SimulatorSpec(
    "loihi", f"{_LOIHI}.batched_emulation:LoihiEmulatorBackend",
    continuous=True, resumable=True, starts_anew=True, options=("by_step",), counts_chip=True,
    takes_block_shapes=True, lengths=True, memory=_EMULATOR,
)  # fmt: skip
NENGO_LOIHI = SimulatorSpec(
    "nengo_loihi", f"{_LOIHI}.nengo_loihi:NengoLoihiBackend",
    minibatch=False, continuous=True, starts_anew=True,
    options=("target", "hardware_options", "by_step"), takes_block_shapes=True, memory=_EMULATOR,
)  # fmt: skip

for _spec in (NENGO_DL, COMPILED, LOIHI, NENGO_DL_PROBES, NENGO, NENGO_LOIHI):
    register_simulator_spec(_spec)
