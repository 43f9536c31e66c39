"""Block shapes: searched for, bounded from below, and applied."""
