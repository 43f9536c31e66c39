"""Questions about one network: what it costs, whether spikes pay, and who says otherwise."""

from . import shown as _shown  # noqa: F401  (registers presenters)
