"""How the results of this room are printed, drawn and written."""

from . import (
    block_view,
    deployment_view,
    emulation_view,
    mapping_view,
    preflight_view,
    sana_fe_view,
)

__all__ = [
    "block_view", "deployment_view", "emulation_view", "mapping_view", "preflight_view",
    "sana_fe_view",
]  # fmt: skip
