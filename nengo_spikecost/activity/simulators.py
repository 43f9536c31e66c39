"""The simulators that are known from the start, each imported when it is first used.

Counts of a chip can so be read without TensorFlow, and NengoDL run without NengoLoihi.
"""

from __future__ import annotations

import importlib

from .backend import Backend, Setup, register_backend


@register_backend("nengo_dl")
def nengo_dl(setup: Setup) -> Backend:
    """NengoDL, counted in its own graph."""
    from .nengo_dl import nengo_dl_backend

    return nengo_dl_backend(setup)


@register_backend("nengo_dl_probes")
def nengo_dl_probes(setup: Setup) -> Backend:
    """NengoDL through its public interface only."""
    from .nengo_dl import ProbingBackend

    return ProbingBackend(setup)


@register_backend("nengo", minibatch=False)
def nengo(setup: Setup) -> Backend:
    """Nengo's reference simulator."""
    from .reference import nengo_backend

    return nengo_backend(setup)


@register_backend("loihi", continuous=True, resumable=True, options=["by_step"])
def loihi(setup: Setup) -> Backend:
    """The batched emulation of Loihi."""
    module = importlib.import_module("nengo_spikecost.loihi.simulators.batched_emulation")
    backend: Backend = module.LoihiEmulatorBackend(setup)
    return backend


@register_backend(
    "nengo_loihi", minibatch=False, continuous=True, options=["target", "hardware_options"]
)
def nengo_loihi(setup: Setup) -> Backend:
    """NengoLoihi's simulator, on its emulator or a board."""
    module = importlib.import_module("nengo_spikecost.loihi.simulators.nengo_loihi")
    backend: Backend = module.NengoLoihiBackend(setup)
    return backend
