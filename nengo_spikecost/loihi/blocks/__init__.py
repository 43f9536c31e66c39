"""Block shapes: found, bounded from below, and applied."""
