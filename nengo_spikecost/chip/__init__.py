"""Chips, whichever simulator runs them: the work of their cores, their mesh and their limits."""
