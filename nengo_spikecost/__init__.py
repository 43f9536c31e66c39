"""Count and price what a neural network does on spiking hardware.

``import nengo_spikecost`` is light: it imports neither TensorFlow nor Nengo, but prepares
the process so that ``import nengo_dl`` works on current Python (see
`nengo_spikecost.stack`). The public names below are imported when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from . import stack as _stack
from .version import __version__ as __version__

_stack.install()

# public name -> module that defines it
_PUBLIC = {
    "Activity": "activity",
    "BreakEven": "questions.opponent.break_even_record",
    "Comparison": "questions.comparison.comparison_record",
    "Conversion": "conversion",
    "FineTuning": "tuning",
    "NetworkEnergy": "questions.network_energy",
    "NetworkGraph": "graph",
    "Profile": "questions.profile_record",
    "Sweep": "tuning.sweeps",
    "Workload": "workload",
    "break_even": "questions.opponent.break_even",
    "compare": "questions.comparison.compare",
    "convert": "conversion",
    "devices": "energy",
    "fine_tune": "tuning",
    "lower": "lowering",
    "measure": "activity",
    "profile": "questions.profiling",
    "register_device": "energy",
    "sweep": "tuning.sweeps",
    "tune_firing_rates": "tuning",
}
_SUBMODULES = ("errors", "loihi", "stack", "tuning")

__all__ = [*sorted(_PUBLIC), *_SUBMODULES]  # noqa: PLE0604

if TYPE_CHECKING:
    from . import errors as errors
    from . import loihi as loihi
    from . import stack as stack
    from . import tuning as tuning


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        module = importlib.import_module(f"{__name__}.{_PUBLIC[name]}")
        value = getattr(module, name)
    elif name in _SUBMODULES:
        value = importlib.import_module(f"{__name__}.{name}")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
