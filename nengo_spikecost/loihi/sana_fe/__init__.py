"""SANA-FE as a second opinion: the same network, cores and spikes, priced by another tool.

SANA-FE (SLAM-Lab, under the GPL) is an optional package and imported only when it is asked
for: ``pip install 'nengo-spikecost[sanafe]'``.
"""

from .architecture import Constants, read_constants
from .recording import Recording, record_spikes
from .replay import SanaFeRun, replay
from .sana_fe_check import sana_fe_check
from .sana_fe_export import SanaFeNetwork, to_sana_fe
from .second_opinion import Cause, SanaFeCheck

__all__ = [
    "Cause", "Constants", "Recording", "SanaFeCheck", "SanaFeNetwork", "SanaFeRun",
    "read_constants", "record_spikes", "replay", "sana_fe_check", "to_sana_fe",
]  # fmt: skip
