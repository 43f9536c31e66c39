"""One simulation, built once, run with any firing-rate scales."""

from .network import RescalableNetwork, in_compiled_code

__all__ = ["RescalableNetwork", "in_compiled_code"]
