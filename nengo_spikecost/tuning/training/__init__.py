"""Keras models trained as the spiking networks they become."""

from .fine_tune import fine_tune
from .record import EpochRecord, FineTuning

__all__ = ["EpochRecord", "FineTuning", "fine_tune"]
