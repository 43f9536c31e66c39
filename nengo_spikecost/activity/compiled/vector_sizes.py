"""How many numbers compiled code handles at once."""

from __future__ import annotations

#: Numbers that are handled as one; a processor that has shorter vectors takes several of its own.
WIDTH = 16
#: Runs of a tile, and vectors of each: their sums fill the registers of a processor with 32 of
#: 512 bits, and of one with 16 of 256 bits half of them go to its first cache.
TILE_RUNS, TILE_VECTORS = 4, 4
#: Marks of one whole number: who of 64 neighbours is not 0.
MARKED = 64
