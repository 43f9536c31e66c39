"""All cost models side by side."""
