"""Layers of Keras and QKeras models by their shapes."""
