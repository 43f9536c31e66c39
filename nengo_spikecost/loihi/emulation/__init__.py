"""NengoLoihi's chip emulated for many samples at a time, bit for bit.

`Emulator` runs the blocks that NengoLoihi builds, as its own emulator does, but for a whole
batch of samples, in compiled code, and counts spikes, messages and synops.
"""

from ...stack.kernel_cache import forget_stale

forget_stale()

from .emulation_records import EmulatedOutput, EmulatedRun  # noqa: E402
from .emulator import Emulator  # noqa: E402

__all__ = ["EmulatedOutput", "EmulatedRun", "Emulator"]
