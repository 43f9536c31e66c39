"""Samples that end as soon as the answer is sure: accuracy, steps and energy over thresholds."""
