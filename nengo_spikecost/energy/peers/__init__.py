"""Cost models of other tools, with their own numbers on request."""
