"""One simulation, built once, run with any firing-rate scales."""

from .network import RescalableNetwork

__all__ = ["RescalableNetwork"]
