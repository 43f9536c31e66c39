"""Layers of a model as formulas of their shapes see them, read from Keras and QKeras."""
