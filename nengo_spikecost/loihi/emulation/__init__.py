"""Many samples at a time through NengoLoihi's chip, bit for bit.

`Emulator` runs the blocks that NengoLoihi builds, as its own emulator does, but for a whole
batch of samples, with compiled code, and counts what the chip did.
"""

from . import shown as _shown  # noqa: F401  (registers presenters)
from .emulation_records import EmulatedOutput, EmulatedRun
from .emulator import Emulator

__all__ = ["EmulatedOutput", "EmulatedRun", "Emulator"]
