"""Firing rates of layers: measured, predicted, and brought to a target."""
