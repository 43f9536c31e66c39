"""Count and price what a neural network does on spiking hardware.

``import nengo_spikecost`` is light: it imports neither TensorFlow nor Nengo, but prepares
the process so that ``import nengo_dl`` works on current Python (see
`nengo_spikecost.stack`). The public names below are imported when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import stack as _stack
from .lazy import lazy_names as _lazy_names
from .version import __version__ as __version__

if TYPE_CHECKING:
    from . import chips as chips
    from . import errors as errors
    from . import loihi as loihi
    from . import nir as nir
    from . import plots as plots
    from . import schemas as schemas
    from . import stack as stack
    from . import tuning as tuning

_stack.install()

__getattr__, __dir__, __all__ = _lazy_names(
    __name__,
    {
        "activity": "Activity measure",
        "conversion": "Conversion convert",
        "energy": "devices register_device",
        "graph": "NetworkGraph",
        "loading": "load_data load_model",
        "lowering": "lower",
        "nir": "from_nir to_nir",
        "questions.advice": "Advice advise",
        "questions.comparison.compare": "compare",
        "questions.comparison.comparison_record": "Comparison",
        "questions.early_exit.early_exit": "early_exit",
        "questions.early_exit.early_exit_record": "EarlyExit",
        "questions.network_energy": "NetworkEnergy",
        "questions.opponent.break_even": "break_even",
        "questions.opponent.break_even_record": "BreakEven",
        "questions.profile_record": "Profile",
        "questions.profiling": "profile",
        "trying.network_changes": "changed_network",
        "trying.pruning": "prune",
        "tuning": "FineTuning fine_tune tune_firing_rates",
        "tuning.sweeps": "Sweep sweep",
        "workload": "Workload",
    },
    submodules="chips errors loihi nir plots schemas stack tuning",
)
