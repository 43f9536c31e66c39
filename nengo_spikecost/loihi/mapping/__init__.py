"""Blocks on cores and chips, the messages between them, and the way these go."""
