"""What the results of this room show."""
